"""Columns whose values float32 merges or cannot hold."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.metrics import roc_auc_score
from torch import nn

from imbdeep.attacks import adversarial_rows
from imbdeep.classifiers import NetClassifier

from .estimators import each_that_reads
from .nets import NETS, quick


def informative(kind, n_rows=400, seed=0):
    """One column that tells the classes apart, in digits that float32 has not."""
    rng = np.random.default_rng(seed)
    hours = np.round(rng.uniform(0, 3600, n_rows))
    y = (hours > 2700).astype(int)
    column = {
        "seconds": 1.7e9 + hours,
        "seconds, one missing as 0": np.where(np.arange(n_rows) == 7, 0, 1.7e9 + hours),
        "tiny": 1e-60 * hours,
        "huge": 1e60 * hours,
        "whole": 10**15 + hours.astype(np.int64),
    }[kind]
    return column, rng.normal(size=n_rows), y


BRIEF = {"max_epochs": 10, "batch_size": 60, "lr": 0.02}
KINDS = ["seconds", "seconds, one missing as 0", "tiny", "huge", "whole"]


def containers(column, other, y):
    """The same table in many containers."""
    frame = pd.DataFrame({"t": column, "other": other})
    flag = np.zeros(len(frame), dtype=bool)
    missing_none = pd.array(np.round(other).astype(int), dtype="Int64")
    return {
        "array": np.column_stack([column, other]),
        "frame": frame,
        "frame with a boolean": frame.assign(flag=flag),
        "frame with a nullable column": frame.assign(whole=missing_none),
        "frame with an object column": frame.assign(
            whole=pd.Series(np.round(other).astype(int), dtype=object)
        ),
        "csr": sparse.csr_array(np.column_stack([column, other])),
        "list": np.column_stack([column, other]).tolist(),
    }


CONTAINERS = list(containers(np.zeros(1), np.zeros(1), np.zeros(1)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2))
def test_the_information_is_kept_without_a_warning(kind, seed):
    column, other, y = informative(kind, seed=seed)
    X = np.column_stack([column, other])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net = NetClassifier(**BRIEF, random_state=seed).fit(X[:300], y[:300])
        proba = net.predict_proba(X[300:])
    assert roc_auc_score(y[300:], proba[:, 1]) > 0.95
    assert net.rows_dtype_ == np.float64


@pytest.mark.parametrize("kind", ["seconds", "tiny", "huge"])
def test_standardised_in_double_precision(kind):
    column, other, y = informative(kind)
    X = np.column_stack([column, other])
    net = NetClassifier(numeric_encoding="standard", **BRIEF, random_state=0)
    assert roc_auc_score(y, net.fit(X, y).predict_proba(X)[:, 1]) > 0.95


@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_every_net_tells_such_values_apart(name):
    column, other, y = informative("seconds", n_rows=90)
    X = np.column_stack([column, 1e-60 * column, other])
    net = quick(name).fit(X, y)
    X[:, 2] = 0.0
    for alike in (0, 1):
        rows = X.copy()
        rows[:, alike] = rows[0, alike]
        # float32 has 29 steps in an hour of such seconds, and 0 for the tiny column.
        assert len(np.unique(net.predict_proba(rows)[:, 1])) > 45


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_is_judged_column_by_column(container):
    column, other, y = informative("seconds")
    X = containers(column, other, y)[container]
    net = quick("net").fit(X, y)
    assert net.rows_dtype_ == np.float64
    reference = quick("net").fit(np.column_stack([column, other]), y)
    if np.shape(X)[1] == 2:
        assert_array_equal(
            net.predict_proba(X),
            reference.predict_proba(np.column_stack([column, other])),
        )


class Linear(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.head = nn.Linear(n_features, n_classes)

    def forward(self, x):
        return self.head(x)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_net_without_an_encoding_names_the_columns(container):
    column, other, y = informative("seconds")
    X = containers(column, other, y)[container]
    name = "'t'" if isinstance(X, pd.DataFrame) else "0"
    for net in (
        NetClassifier(Linear, max_epochs=1, lr=1e-12),
        quick("net", numeric_encoding=None, lr=1e-12, max_epochs=1),
    ):
        with pytest.warns(UserWarning, match=rf"Columns \[{name}\] .* StandardScaler"):
            net.fit(X, y)


def test_ordinary_tables_stay_float32():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    columns = {
        "normal": rng.normal(size=200),
        "heavy tails": rng.normal(size=200) / rng.random(200) ** 3,
        "years": rng.integers(1950, 2020, 200),
        "money": rng.integers(0, 10**7, 200),
        "one outlier": np.where(np.arange(200) == 0, 1e30, rng.random(200)),
        "constant": np.full(200, 1e300),
        "rare": np.where(np.arange(200) == 0, 1e-3, 0),
    }
    X = np.column_stack([v for name, v in columns.items() if name != "constant"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert quick("net").fit(X, y).rows_dtype_ == np.float32
        # Held, although nothing depends on it.
        X = np.column_stack([X, columns["constant"]])
        assert np.isfinite(quick("net").fit(X, y).predict_proba(X)).all()


def test_a_later_call_warns_of_columns_that_the_first_did_not_show():
    column, other, y = informative("seconds")
    net = quick("net").partial_fit(np.column_stack([other, other]), y)
    with pytest.warns(UserWarning, match=r"Columns \[0\]"):
        net.partial_fit(np.column_stack([column, other]), y)


def test_float32_rows_are_taken_as_they_are():
    column, other, y = informative("seconds")
    X = np.column_stack([column, other]).astype(np.float32)
    assert quick("net").fit(X, y).rows_dtype_ == np.float32


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_attacks_in_double_precision(norm):
    column, other, y = informative("seconds", n_rows=200)
    X = np.column_stack([column, 1e-60 * other])
    net = quick("adversarial", eps=0.1, eps_unit="std", norm=norm, max_epochs=10)
    net.fit(X, y)
    std = X.std(axis=0)
    moved = adversarial_rows(
        net, X, y, eps=0.1, eps_unit="std", norm=norm, random_state=0
    )
    shift = np.abs(moved - X) / std
    assert moved.dtype == np.float64
    assert (shift <= 0.1 + 1e-6).all()
    # Steps of a second, which float32 does not have at this distance from 0.
    assert (shift[:, 0] > 0).mean() > 0.5
    assert (shift[:, 1] > 0).mean() > 0.5
