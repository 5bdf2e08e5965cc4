"""Columns that did not vary in training, and values beyond what was seen there."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.metrics import roc_auc_score
from torch import nn

from imbdeep.attacks import adversarial_rows
from imbdeep.attacks._nets import net_logits
from imbdeep.classifiers import NetClassifier

from .estimators import each_that_reads
from .nets import NETS, quick, table

CONSTANT = 2  # of the table
ODD_VALUES = [1000.0, -7.0, 1e30, -1e300, np.finfo(np.float64).max]
ENCODINGS = ["piecewise_linear", "standard", None]


class Linear(nn.Module):
    """A module that takes columns as they are."""

    def __init__(self, n_features, n_classes):
        super().__init__()
        self.head = nn.Linear(n_features, n_classes)

    def forward(self, x):
        return self.head(x)


@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_a_constant_column_makes_no_difference_whatever_it_holds_later(name):
    X, y = table()
    net = quick(name).fit(X, y)
    proba = net.predict_proba(X)
    for value in ODD_VALUES:
        Z = X.copy()
        Z[:, CONSTANT] = value
        assert_array_equal(net.predict_proba(Z), proba)
        assert_array_equal(net.predict(Z), net.predict(X))


@pytest.mark.parametrize("module", ["mlp", Linear])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("constant", [0.0, 3.0, -1e9])
def test_every_encoding_and_modules_without(encoding, module, constant):
    X, y = table()
    X[:, CONSTANT] = constant
    params = {"module__hidden_sizes": (8,)} if module == "mlp" else {}
    net = NetClassifier(
        module, numeric_encoding=encoding, max_epochs=2, random_state=0, **params
    ).fit(X, y)
    proba = net.predict_proba(X)
    for value in ODD_VALUES:
        Z = X.copy()
        Z[:, CONSTANT] = value
        assert_array_equal(net.predict_proba(Z), proba)


@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_a_value_far_outside_counts_as_the_outermost_of_training(name):
    X, y = table()
    net = quick(name).fit(X, y)
    for end, far in ((X[:, 0].max(), 1e12), (X[:, 0].min(), -1e12)):
        near, beyond = X.copy(), X.copy()
        near[:, 0], beyond[:, 0] = end, far
        assert_array_equal(net.predict_proba(beyond), net.predict_proba(near))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("seed", range(3))
def test_ranking_survives_a_broken_column(encoding, seed):
    rng = np.random.default_rng(seed)
    y = (np.arange(600) % 6 == 0).astype(int)
    X = rng.normal(size=(600, 4)) + 1.5 * y[:, None]
    X[:, 3] = 0.0
    net = NetClassifier(
        numeric_encoding=encoding,
        max_epochs=10,
        batch_size=50,
        lr=0.01,
        random_state=seed,
    ).fit(X[:300], y[:300])
    intact = roc_auc_score(y[300:], net.predict_proba(X[300:])[:, 1])
    assert intact > 0.92
    X[:, 3] = 1000.0
    assert roc_auc_score(y[300:], net.predict_proba(X[300:])[:, 1]) == intact
    # A varying column whose unit changes takes with it what it says, no more.
    X[:, 2] *= 1e6
    assert roc_auc_score(y[300:], net.predict_proba(X[300:])[:, 1]) > 0.8


def test_later_rows_widen_the_range():
    X, y = table()
    net = quick("net").partial_fit(X, y)
    wider = X.copy()
    wider[:, CONSTANT] += y
    wider[0, 0] = X[:, 0].max() + 1
    net.partial_fit(wider, y)
    low, high, varies = net.column_range_
    assert varies.all()
    assert_array_equal(low, np.minimum(X.min(0), wider.min(0)).astype(np.float32))
    assert_array_equal(high, np.maximum(X.max(0), wider.max(0)).astype(np.float32))
    Z = X.copy()
    Z[:, CONSTANT] = 4.0
    assert (net.predict_proba(Z) != net.predict_proba(X)).any()


def test_fit_learns_the_range_anew():
    X, y = table()
    net = quick("net").fit(10 * X, y)
    net.fit(X, y)
    assert_array_equal(net.column_range_[1], X.max(0).astype(np.float32))


@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_attacks_know_it(name):
    X, y = table()
    net = quick(name).fit(X, y)
    x = torch.tensor(X, dtype=torch.float32, requires_grad=True)
    (gradient,) = torch.autograd.grad(net_logits(net, x)[:, 0].sum(), x)
    assert not gradient[:, CONSTANT].any()
    assert gradient[:, 0].any()
    moved = adversarial_rows(net, X, y, eps=0.5, random_start=False, random_state=0)
    assert_array_equal(moved[:, CONSTANT], X[:, CONSTANT])


def test_images_have_no_columns():
    rng = np.random.default_rng(0)
    X = rng.random((60, 1, 8, 8)).astype(np.float32)
    y = (X[:, 0, :4].mean((1, 2)) > 0.5).astype(int)
    net = NetClassifier("conv", max_epochs=1, random_state=0).fit(X, y)
    assert net.column_range_ is None
    assert (net.predict_proba(X + 5) != net.predict_proba(X + 9)).any()
