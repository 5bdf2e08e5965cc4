"""ReMix as a classifier."""

import numpy as np
import pytest
import torch
from imblearn.metrics import geometric_mean_score
from sklearn.datasets import make_classification

from imbdeep.batches import MixUpBatches, ReMixBatches, ShuffledBatches
from imbdeep.classifiers import NetClassifier, ReMixClassifier

SMALL = {"max_epochs": 5, "n_bins": 4, "module__hidden_sizes": (8,), "random_state": 0}


def table(seed=0, n_samples=300, **params):
    return make_classification(
        n_samples,
        n_features=6,
        n_informative=4,
        weights=[0.9],
        random_state=seed,
        **params,
    )


@pytest.mark.parametrize(
    ("mix", "iterator"),
    [("remix", ReMixBatches), ("mixup", MixUpBatches), (None, ShuffledBatches)],
)
def test_mix_decides_the_batches(mix, iterator):
    X, y = table()
    net = ReMixClassifier(mix=mix, alpha=0.7, balance="batch", **SMALL).fit(X, y)
    batches = net.get_iterator(net.get_dataset(X, y), training=True)
    assert type(batches) is iterator
    assert getattr(batches, "alpha", 0.7) == 0.7
    assert getattr(batches, "balance", "batch") == "batch"


def test_validation_rows_are_not_mixed():
    X, y = table()
    net = ReMixClassifier(**SMALL).fit(X, y)
    batches = net.get_iterator(net.get_dataset(X.astype(np.float32), y))
    rows = torch.cat([X for X, _ in batches])
    np.testing.assert_array_equal(rows, X.astype(np.float32))


def test_without_mixing_it_is_the_plain_net():
    X, y = table()
    plain = NetClassifier(**SMALL).fit(X, y)
    unmixed = ReMixClassifier(mix=None, **SMALL).fit(X, y)
    np.testing.assert_array_equal(plain.predict_proba(X), unmixed.predict_proba(X))


def test_set_params_changes_the_mix():
    X, y = table()
    net = ReMixClassifier(**SMALL)
    first = net.fit(X, y).predict_proba(X)
    second = net.set_params(mix="mixup").fit(X, y).predict_proba(X)
    third = net.set_params(alpha=5.0).fit(X, y).predict_proba(X)
    assert np.abs(first - second).max() > 1e-3
    assert np.abs(second - third).max() > 1e-4


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"mix": "cutmix"}, "mix"),
        ({"alpha": 0.0}, "alpha"),
        ({"balance": "class"}, "balance"),
        ({"iterator_train": "smote"}, "iterator_train"),
    ],
)
def test_refuses_bad_parameters(params, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of ReMixClassifier"):
        ReMixClassifier(**SMALL | params).fit(*table())


def test_refuses_batches_smaller_than_the_number_of_classes():
    X, y = make_classification(n_classes=4, n_informative=6, random_state=0)
    with pytest.raises(ValueError, match="batch_size=3 cannot hold"):
        ReMixClassifier(**SMALL | {"batch_size": 3}).fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("balance", ["data", "batch"])
def test_balancing_raises_the_g_mean(balance):
    gains = []
    params = {
        "module__hidden_sizes": (32,),
        "n_bins": 16,
        "max_epochs": 30,
        "batch_size": 64,
        "lr": 0.005,
    }
    for seed in range(4):
        X, y = table(seed, 1000, class_sep=0.7, flip_y=0.02)
        nets = (
            NetClassifier(random_state=seed, **params),
            ReMixClassifier(balance=balance, random_state=seed, **params),
        )
        scores = [
            geometric_mean_score(y[400:], net.fit(X[:400], y[:400]).predict(X[400:]))
            for net in nets
        ]
        gains.append(scores[1] - scores[0])
    assert np.mean(gains) > 0.05
