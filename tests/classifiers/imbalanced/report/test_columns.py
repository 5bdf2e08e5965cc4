"""Which columns matter, and which tell the label alone."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from imbdeep.classifiers._imbalanced.report import columns
from imbdeep.classifiers._imbalanced.report.columns import (
    column_importances,
    columns_to_shuffle,
    separation,
    varying,
)
from imbdeep.classifiers._imbalanced.report.judged import Judged
from imbdeep.classifiers._imbalanced.report.record import draw_sample, quotas


def test_quotas_leave_no_place_empty():
    assert_array_equal(quotas(np.array([10_000, 700]), 500), [250, 250])
    assert_array_equal(quotas(np.array([10_000, 7]), 500), [493, 7])
    assert_array_equal(quotas(np.array([3, 0, 4]), 500), [3, 0, 4])
    for seed in range(20):
        counts = np.random.RandomState(seed).randint(0, 300, 5)
        found = quotas(counts, 500)
        assert found.sum() == min(500, counts.sum())
        full = found == counts
        # Those that lack rows have as many as each other, and at least as the full.
        lacking = found[~full]
        if len(lacking):
            assert lacking.max() - lacking.min() <= 1
            assert found[full].max(initial=0) <= lacking.max()


def test_a_sample_is_of_rows_that_may_be_drawn():
    y = np.repeat([0, 1, 2], [900, 60, 1])
    may = np.arange(len(y)) % 3 != 0
    found = draw_sample(y, may, 200, np.random.RandomState(0))
    assert may[found].all() and len(set(found.tolist())) == len(found)
    assert_array_equal(np.bincount(y[found]), [160, 40])
    none = draw_sample(y, np.zeros(len(y), bool), 200, np.random.RandomState(0))
    assert none.shape == (0,) and none.dtype.kind == "i"


# --- One column ----------------------------------------------------------------------


def test_a_number_separates_as_far_as_its_auc():
    rng = np.random.RandomState(0)
    y = (rng.rand(300) < 0.2).astype(int)
    column = rng.randn(300).round(1) + 2 * y
    expected = roc_auc_score(y, column)
    assert separation(column, y, False) == pytest.approx(expected)
    assert separation(-column, y, False) == pytest.approx(expected)


def test_of_several_classes_the_worst_neighbours_count():
    rng = np.random.RandomState(0)
    y = rng.randint(0, 3, 300)
    place = np.array([5.0, 0.0, 9.0])[y]
    assert separation(place + rng.rand(300), y, False) == 1
    mixed = np.where(y == 2, 5.0, place) + rng.rand(300)
    own = np.isin(y, [0, 2])
    auc = roc_auc_score(y[own], mixed[own])
    assert separation(mixed, y, False) == pytest.approx(max(auc, 1 - auc))


def test_gaps_tell_as_much_as_values():
    y = np.repeat([0, 1], [90, 10])
    rng = np.random.RandomState(0)
    closed = np.where(y == 1, rng.rand(100), np.nan)
    assert separation(closed, y, False) == 1
    assert separation(np.where(y == 0, rng.rand(100), np.nan), y, False) == 1
    assert separation(np.where(y == 1, 3.0, np.nan), y, True) == 1
    assert separation(np.full(100, np.nan), y, False) == 0.5


@pytest.mark.parametrize("seed", range(5))
def test_levels_of_their_own_separate_nothing(seed):
    rng = np.random.RandomState(seed)
    y = (rng.rand(400) < 0.3).astype(int)
    assert separation(rng.permutation(400).astype(float), y, True) < 0.05
    assert separation(rng.randint(0, 90, 400).astype(float), y, True) < 0.65
    assert separation(2.0 * y + rng.randint(0, 2, 400), y, True) == 1


def test_columns_that_vary():
    X = np.array([[0, 0, 1, np.nan, 2, np.nan], [0, 3, 1, np.nan, 2, 0]])
    for table in (X, sparse.csr_matrix(X)):
        assert_array_equal(varying(table), [1, 5])


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_of_a_wide_table_the_telling_columns_are_tried(kind):
    rng = np.random.RandomState(0)
    X = rng.randn(200, 1_100) * (rng.rand(200, 1_100) < 0.5)
    y = (rng.rand(200) < 0.3).astype(int)
    X[:, 1_034] += 2 * y
    X[:, 7] -= 2 * y
    X[:, :2] = 1
    chosen, n_varying = columns_to_shuffle(kind(X), y)
    assert len(chosen) == 50 and n_varying == 1_098
    assert {7, 1_034} <= set(chosen.tolist())
    assert_array_equal(chosen, np.sort(chosen))


# --- Shuffling -----------------------------------------------------------------------

BETA = np.array([[0.0, 0, 0, 0], [2.0, 0.5, 0, -1], [0.0, 1, -1, 0]])


def softmax(X, n_classes):
    X = X.toarray() if sparse.issparse(X) else X
    odds = np.exp(X @ BETA[:n_classes].T)
    return odds / odds.sum(axis=1, keepdims=True)


def sample(n_classes, n=150):
    rng = np.random.RandomState(0)
    X = rng.randn(n, 4)
    y = np.array([rng.choice(n_classes, p=p) for p in softmax(X, n_classes)])
    return X, y, rng.rand(n) + 0.1


def shuffled_one_by_one(X, y, weight, chosen, n_classes, n_repeats):
    def loss(X):
        proba = softmax(X, n_classes)
        if n_classes == 2:
            return -average_precision_score(y, proba[:, 1], sample_weight=weight)
        return log_loss(y, proba, sample_weight=weight)

    rng, found = np.random.RandomState(3), {}
    for column in chosen:
        drops = []
        for _ in range(n_repeats):
            other = X.copy()
            other[:, column] = X[rng.permutation(len(y)), column]
            drops.append(loss(other) - loss(X))
        found[column] = np.mean(drops), np.std(drops, ddof=1)
    return found


@pytest.mark.parametrize(
    ("n_classes", "kind", "cells"),
    [
        (2, np.asarray, 10**6),
        (2, sparse.csr_matrix, 1_300),
        (3, np.asarray, 1_300),
        (3, sparse.csr_matrix, 1),
    ],
)
def test_columns_are_shuffled_one_at_a_time(n_classes, kind, cells, monkeypatch):
    monkeypatch.setattr(columns, "_MOST_CELLS", cells)
    X, y, weight = sample(n_classes)
    positions = np.arange(1_000, 1_000 + len(y))

    def predict(X, rows):
        # Each copy has the rows of the sample, in their order.
        assert_array_equal(rows, np.tile(positions, len(rows) // len(y)))
        return softmax(X, n_classes)

    rows = Judged(softmax(X, n_classes), y, weight)
    found = column_importances(
        predict, kind(X), positions, rows, np.array([0, 1, 3]), np.random.RandomState(3)
    )
    expected = shuffled_one_by_one(X, y, weight, [0, 1, 3], n_classes, 5)
    assert (np.diff(found["drop"]) <= 0).all()
    for one in found.itertuples():
        assert_allclose((one.drop, one.spread), expected[one.position])
