"""Counts and best thresholds, against loops, scikit-learn and a search by hand."""

import numpy as np
import pytest
from imblearn.metrics import geometric_mean_score
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
)

from imbdeep.metrics._thresholds import best_threshold, count_at_thresholds

SCORES = {
    "balanced_accuracy": balanced_accuracy_score,
    "f1": f1_score,
    "g_mean": geometric_mean_score,
    "mcc": matthews_corrcoef,
}


def table(seed, n=60):
    rng = np.random.RandomState(seed)
    y = np.append(rng.randint(0, 2, n - 2), [0, 1])
    # With equal scores among them.
    return y, np.clip(0.3 * y + rng.uniform(0, 0.7, n), 0, 1).round(2)


def cuts(score):
    """A threshold in each gap between the scores, and beyond them."""
    values = np.unique(score)
    return np.r_[0.0, (values[:-1] + values[1:]) / 2, 1.01]


def called(criterion, y, score):
    """Rows that the best threshold calls positive."""
    return score >= best_threshold(count_at_thresholds(y == 1, score), criterion)


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_each_threshold(seed):
    y, score = table(seed)
    weight = np.random.RandomState(seed).uniform(0, 2, len(y))
    counts = count_at_thresholds(y == 1, score, weight)
    assert (np.diff(counts.thresholds) < 0).all()
    for i, threshold in enumerate(counts.thresholds):
        above = score >= threshold
        assert_allclose(counts.tp[i], weight[(y == 1) & above].sum())
        assert_allclose(counts.fp[i], weight[(y == 0) & above].sum())
        assert_allclose(counts.fn[i], weight[(y == 1) & ~above].sum(), atol=1e-12)
        assert_allclose(counts.tn[i], weight[(y == 0) & ~above].sum(), atol=1e-12)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("seed", range(4))
def test_a_metric_is_maximised(name, seed):
    y, score = table(seed)
    best = max(SCORES[name](y, (score >= t).astype(int)) for t in cuts(score))
    assert_allclose(SCORES[name](y, called(name, y, score).astype(int)), best)


@pytest.mark.parametrize("wanted", [0.3, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_recall_is_reached_with_as_few_false_alarms_as_can_be(seed, wanted):
    y, score = table(seed)
    found = called(("recall", wanted), y, score)
    assert recall_score(y, found) >= wanted
    higher = [c for c in cuts(score) if (score >= c).sum() < found.sum()]
    assert all(recall_score(y, score >= c) < wanted for c in higher)


@pytest.mark.parametrize("seed", range(4))
def test_precision_is_reached_with_as_much_recall_as_can_be(seed):
    y, score = table(seed)
    found = called(("precision", 0.7), y, score)
    assert precision_score(y, found) >= 0.7
    for cut in [c for c in cuts(score) if (score >= c).sum() > found.sum()]:
        more = score >= cut
        is_less_precise = precision_score(y, more) < 0.7
        assert is_less_precise or recall_score(y, more) == recall_score(y, found)


def test_of_thresholds_that_find_as_many_the_one_with_fewest_alarms():
    score = np.arange(0.9, 0, -0.1)
    counts = count_at_thresholds(np.arange(9) < 3, score)
    assert_allclose(best_threshold(counts, ("precision", 0.5)), 0.65)


def test_a_precision_that_nothing_reaches_is_the_highest_there_is():
    y, score = np.array([0, 1, 0]), np.array([0.8, 0.6, 0.1])
    with pytest.warns(UserWarning, match=r"highest precision is 0\.500"):
        found = called(("precision", 0.9), y, score)
    assert_array_equal(found, [1, 1, 0])


@pytest.mark.parametrize("name", ["balanced_accuracy", "g_mean", "mcc"])
def test_scores_that_say_nothing_raise_no_alarm(name):
    assert not called(name, np.arange(10) % 2, np.full(10, 0.5)).any()


def test_neighbouring_floats_are_kept_apart():
    score = np.array([0.3, np.nextafter(0.3, 1)])
    assert_array_equal(called("f1", np.array([0, 1]), score), [0, 1])


def test_all_rows_certain():
    found = called("f1", np.array([1, 0]), np.array([1.0, 0.0]))
    assert_array_equal(found, [1, 0])
