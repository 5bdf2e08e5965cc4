"""Batch norm after weight averaging: what training saw, whatever the method trains on.

Where weights do not move, their average is the net itself, and the statistics of its
norms are those of the batches that it was trained on.
"""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import recall_score
from skorch.callbacks import Callback
from torch import nn
from torch.utils.data import DataLoader

from imbdeep.base import BaseNetClassifier
from imbdeep.batches._registry import BATCHES
from imbdeep.callbacks import WeightAveraging
from imbdeep.classifiers import (
    ImbMixClassifier,
    LDAMClassifier,
    MetaAugmentClassifier,
    NetClassifier,
)
from imbdeep.classifiers._crowds.base import CrowdNetClassifier
from tests.classifiers.crowds import make_crowd
from tests.common.estimators import CLASSIFIERS, each
from tests.common.slow import slow_if

N_EPOCHS, AVERAGED_FROM = 16, 4


class Watched(nn.Module):
    """Keeps the mean of each batch in training mode, by whether it was learned from."""

    def __init__(self, n_features, n_classes, hidden_sizes=None):
        super().__init__()
        self.norm = nn.BatchNorm1d(n_features)
        self.head = nn.Linear(n_features, n_classes)
        self.learned, self.looked_at = [], []

    def forward(self, x):
        if self.training:
            seen = self.learned if torch.is_grad_enabled() else self.looked_at
            x_seen = x.detach().double()
            seen.append((len(x), x_seen.mean(0), x_seen.var(0)))
        return self.head(torch.relu(self.norm(x)))


class Restart(Callback):
    """Forgets what was seen before the epochs whose weights are averaged."""

    def on_train_begin(self, net, **kwargs):
        self.first_ = len(net.history)
        net.module_.looked_at.clear()

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) - 1 - self.first_ <= AVERAGED_FROM:
            net.module_.learned.clear()


def rows(counts, seed=0, shift=2.0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    X = rng.normal(size=(len(y), 3)) + shift * y[:, None]
    return X.astype(np.float32), y


def weighted_means(seen):
    sizes = np.array([n for n, _, _ in seen])
    means = torch.stack([mean for _, mean, _ in seen]).numpy()
    variances = torch.stack([variance for _, _, variance in seen]).numpy()
    average = [np.average(x, axis=0, weights=sizes) for x in (means, variances)]
    # Of a mean over an epoch, if batches are drawn anew.
    n_a_epoch = len(seen) / (N_EPOCHS - AVERAGED_FROM)
    errors = [x.std(0) / np.sqrt(n_a_epoch) for x in (means, variances)]
    return average, errors


def assert_norm_is_that_of_training(net):
    """The statistics are of what was looked at, and that is what was learned from."""
    norm = net.module_.norm
    [mean, variance], _ = weighted_means(net.module_.looked_at)
    np.testing.assert_allclose(norm.running_mean, mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(norm.running_var, variance, rtol=1e-4, atol=1e-5)
    averages, errors = weighted_means(net.module_.learned)
    for found, expected, error in zip((mean, variance), averages, errors, strict=True):
        # One epoch against twelve: five standard errors, and what rounding leaves.
        assert (np.abs(found - expected) < 5 * error + 0.01).all()


STILL = {
    "module": Watched,
    "optimizer": torch.optim.SGD,
    "lr": 1e-30,
    "max_epochs": N_EPOCHS,
    "batch_size": 32,
    "train_split": None,
    "early_stopping": False,
    "random_state": 0,
}
ITERATORS = [(name, {}) for name in BATCHES]
ITERATORS += [
    ("remix", {"iterator_train__balance": "batch"}),
    (DataLoader, {}),
    (DataLoader, {"iterator_train__drop_last": True}),
]


# The batches that a norm sees are those of the iterator, whatever the method.
DRAWN_IN_ITS_OWN_WAY = {"shuffled", "balanced", "mixup", "remix"}
AVERAGES = [
    slow_if(
        name not in ({"balanced"} if method == "ema" else DRAWN_IN_ITS_OWN_WAY),
        *(method, name, params),
    )
    for method in ("swa", "ema")
    for name, params in ITERATORS
]


@pytest.mark.parametrize(("method", "iterator", "params"), AVERAGES)
def test_a_net_that_does_not_move_is_its_own_average(method, iterator, params):
    X, y = rows([270, 30])
    net = NetClassifier(
        iterator_train=iterator,
        callbacks=[WeightAveraging(method, AVERAGED_FROM / N_EPOCHS), Restart()],
        **STILL,
        **params,
    ).fit(X, y)
    assert_norm_is_that_of_training(net)
    still = clone(net).set_params(callbacks=None).fit(X, y)
    for (name, averaged), own in zip(
        net.module_.named_parameters(), still.module_.parameters(), strict=True
    ):
        torch.testing.assert_close(averaged, own, msg=name)
    # The net's own statistics are a moving average over the last few batches.
    off = np.abs(net.predict_proba(X) - still.predict_proba(X)).mean()
    assert off < 0.03


def averaging(name):
    """A classifier of the table, whose weights are averaged."""
    net = clone(CLASSIFIERS[name])
    known = net.get_params(deep=False)
    still = {key: value for key, value in STILL.items() if key in known}
    start = AVERAGED_FROM / N_EPOCHS
    callbacks = [*(net.callbacks or []), ("restart", Restart())]
    if "weight_averaging" in known:
        still |= {"weight_averaging": "swa", "average_from": start}
    else:
        callbacks.append(WeightAveraging("swa", start))
    return net.set_params(**still, callbacks=callbacks)


NETS = {
    name: net
    for name, net in CLASSIFIERS.items()
    if isinstance(net, BaseNetClassifier)
    # They refuse batch norm.
    and not isinstance(net, MetaAugmentClassifier)
    and net.n_members == 1
}


@pytest.mark.parametrize("name", each(NETS))
def test_norms_of_every_classifier_are_those_of_its_training(name):
    net = averaging(name)
    X, y = rows([170, 30])
    if isinstance(net, CrowdNetClassifier):
        X, y, _ = make_crowd(n_samples=200)
    net.fit(X, y)
    assert net.module_.looked_at
    assert_norm_is_that_of_training(net)


class Normed(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.first = nn.Linear(n_features, 16)
        self.norm = nn.BatchNorm1d(16)
        self.head = nn.Linear(16, n_classes)

    def forward(self, x):
        return self.head(torch.relu(self.norm(self.first(x))))


def balanced(weight_averaging, seed):
    return LDAMClassifier(
        Normed,
        criterion="cross_entropy",
        reweight_from=1.0,
        lr_schedule=None,
        iterator_train="balanced",
        weight_averaging=weight_averaging,
        max_epochs=16,
        random_state=seed,
    )


def mixtures(weight_averaging, seed):
    return ImbMixClassifier(
        Normed,
        eps=0.1,
        eps_unit="std",
        attack_steps=2,
        weight_averaging=weight_averaging,
        max_epochs=10,
        random_state=seed,
    )


@pytest.mark.slow
@pytest.mark.parametrize("make", [balanced, mixtures])
def test_averaging_leaves_recalls_where_they_were(make):
    """Three Gaussian columns, 950 rows to 50; five seeds."""
    off = []
    for seed in range(5):
        X, y = rows([950, 50], seed)
        X_test, y_test = rows([2000, 2000], 100 + seed)
        averaged, plain = (
            recall_score(
                y_test, make(method, seed).fit(X, y).predict(X_test), average=None
            )
            for method in ("swa", None)
        )
        assert averaged.mean() > 0.65
        off.append(averaged - plain)
    # Statistics of plain rows cost the frequent class 0.12 to 0.38, and more.
    assert np.abs(np.mean(off, axis=0)).max() < 0.04
