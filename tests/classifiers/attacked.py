"""Rows, small nets and a look inside training that tests of attacked nets share."""

from copy import deepcopy

import numpy as np
import torch
from sklearn.datasets import make_classification
from skorch.callbacks import Callback
from torch import nn

from imbdeep.classifiers import (
    AdversarialClassifier,
    ImbMixClassifier,
    SRATClassifier,
)

NETS = (AdversarialClassifier, SRATClassifier, ImbMixClassifier)

SMALL = {
    "eps": 0.3,
    "eps_unit": "std",
    "attack_steps": 3,
    "max_epochs": 2,
    "batch_size": 32,
    "n_bins": 4,
    "module__hidden_sizes": (8,),
    "device": "cpu",  # where the loops are
    "random_state": 0,
}
# What a loop of plain steps does, too: no dropout.
PLAIN = {**SMALL, "module__dropout": 0.0}
# Parameters for modules other than the MLP.
OWN = {
    name: value
    for name, value in SMALL.items()
    if name not in ("n_bins", "module__hidden_sizes")
}


def table(seed=0, n_samples=120, **params):
    X, y = make_classification(
        n_samples,
        n_features=5,
        n_informative=4,
        n_redundant=0,
        **{"weights": [0.8], "flip_y": 0, **params},
        random_state=seed,
    )
    return X.astype(np.float32), y


def three_classes():
    return table(
        n_samples=150, n_classes=3, weights=[0.65, 0.25], n_clusters_per_class=1
    )


def three_blobs(seed):
    """Three classes that are easy to tell apart."""
    rng = np.random.RandomState(seed)
    y = rng.permutation(np.repeat([0, 1, 2], [80, 40, 30]))
    return (rng.randn(150, 5) + 3 * np.eye(5)[y]).astype(np.float32), y


def digits(n_samples=60, n_channels=2):
    """Images of noise in [0, 1] with a bright corner, which tells the class."""
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1], [n_samples - n_samples // 3, n_samples // 3])
    X = 0.4 * rng.rand(n_samples, n_channels, 6, 6)
    X[y == 0, :, :3, :3] += 0.6
    X[y == 1, :, 3:, 3:] += 0.6
    return X.astype(np.float32), y


class Normed(nn.Module):
    """Batch norm and dropout in front of the head."""

    def __init__(self, n_features, n_classes, dropout=0.5):
        super().__init__()
        self.norm = nn.BatchNorm1d(n_features)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(n_features, n_classes)

    def forward(self, x):
        return self.head(self.dropout(self.norm(x)))


class Headless(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.last = nn.Linear(n_features, n_classes)

    def forward(self, x):
        return self.last(x)


class NoTraining(Callback):
    def on_train_begin(self, net, **kwargs):
        raise AssertionError("training began")


def spied(estimator_class):
    """The same classifier; it keeps what each step saw and did, in ``steps_``.

    ``clean``: the batch. ``attacked``: what the attack made of its rows. ``rows``,
    ``labels``, ``weight``: what the step trained on. ``module``, ``class_weight``: of
    the net before the step. ``loss`` and ``gradients``: of the step.
    """

    class Spied(estimator_class):
        def _train(self, train, valid, method, epochs=None):
            self.steps_ = []
            return super()._train(train, valid, method, epochs)

        def training_rows(self, X, y):
            weighted = isinstance(X, dict)
            clean = X["X"] if weighted else X
            step = {"clean": clean.clone(), "clean_labels": y.clone()}
            if weighted:
                step["clean_weight"] = X["sample_weight"].clone()
            attack = self.run_.attack

            def spy(x, y):
                step["attacked"] = attack(x, y)
                return step["attacked"]

            # What reads the ball of the attack still finds it.
            spy.keywords = attack.keywords
            self.run_.attack = spy
            try:
                X, y = super().training_rows(X, y)
            finally:
                self.run_.attack = attack
            step["rows"] = X["X"] if isinstance(X, dict) else X
            step["weight"] = X["sample_weight"] if isinstance(X, dict) else None
            step["labels"] = y
            self.steps_.append(step)
            return X, y

        def training_loss(self, X, y, fit_params):
            weight = self.criterion_.weight
            y_pred, loss = super().training_loss(X, y, fit_params)
            self.steps_[-1] |= {
                "module": deepcopy_without_graph(self.module_),
                "class_weight": None if weight is None else weight.clone(),
                "loss": loss.item(),
            }
            return y_pred, loss

        def on_grad_computed(self, net, **kwargs):
            super().on_grad_computed(net, **kwargs)
            self.steps_[-1]["gradients"] = {
                name: p.grad.clone() for name, p in self.module_.named_parameters()
            }

    Spied.__name__ = Spied.__qualname__ = estimator_class.__name__
    return Spied


def deepcopy_without_graph(module):
    """Copy of a module that has no gradients."""
    copy = deepcopy(module)
    copy.zero_grad(set_to_none=True)
    return copy


def epochs(net):
    """The steps of a spied net, epoch by epoch."""
    size = len(net.steps_) // len(net.history)
    return [net.steps_[i : i + size] for i in range(0, len(net.steps_), size)]


def feature_spread(z, y):
    """Mean distance between rows of two classes, as a multiple of that within one."""
    z = z / np.linalg.norm(z, axis=1, keepdims=True).clip(1e-12)
    distance = np.sqrt(((z[:, None] - z) ** 2).sum(-1))
    alike = y[:, None] == y
    others = ~np.eye(len(y), dtype=bool)
    within = [distance[np.ix_(y == c, y == c)].mean() for c in np.unique(y)]
    return distance[~alike & others].mean() / np.mean(within)


def same_weights(first, second):
    first, second = first.module_.state_dict(), second.module_.state_dict()
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )
