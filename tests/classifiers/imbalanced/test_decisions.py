"""Thresholds and costs: what is decided by them, and what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import brier_score_loss, make_scorer

from imbdeep.classifiers._imbalanced.decisions import (
    cheapest,
    learn_decision,
    read_costs,
)
from imbdeep.classifiers._imbalanced.threshold_checks import (
    check_decisions,
    check_threshold,
    warn_of_lone_rows,
)
from imbdeep.metrics._thresholds import best_threshold, count_at_thresholds


def table(seed, n=60):
    rng = np.random.RandomState(seed)
    y = np.append(rng.randint(0, 2, n - 2), [0, 1])
    # With equal scores among them.
    score = np.clip(0.3 * y + rng.uniform(0, 0.7, n), 0, 1).round(2)
    return y, np.c_[1 - score, score]


@pytest.mark.parametrize("criterion", ["f1", ("recall", 0.7), ("precision", 0.7)])
@pytest.mark.parametrize("positive", [0, 1])
def test_the_best_threshold_decides(criterion, positive):
    y, proba = table(0)
    weight = np.random.RandomState(0).uniform(0, 2, len(y))
    score = proba[:, positive]
    expected = best_threshold(
        count_at_thresholds(y == positive, score, weight), criterion
    )
    decision = learn_decision(criterion, proba, y, weight, positive=positive)
    assert decision.threshold == expected
    called = np.where(score >= expected, positive, 1 - positive)
    assert_array_equal(decision(proba), called)


def test_rows_that_nobody_held_out_are_left_out():
    y, proba = table(0)
    gaps = np.r_[proba, np.full((5, 2), np.nan)]
    expected = learn_decision("f1", proba, y)
    assert learn_decision("f1", gaps, np.r_[y, [1] * 5]) == expected
    with pytest.raises(ValueError, match="no row was held out"):
        learn_decision("f1", np.full((4, 2), np.nan), np.array([0, 0, 1, 1]))


# --- Costs ---------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_cheapest_class_by_hand(n_classes):
    rng = np.random.RandomState(0)
    proba = rng.dirichlet(np.ones(n_classes), 50)
    costs = rng.uniform(1, 9, (50, n_classes, n_classes))
    expected = [
        min(
            range(n_classes),
            key=lambda d: sum(p * costs[i, c, d] for c, p in enumerate(row)),
        )
        for i, row in enumerate(proba)
    ]
    assert_array_equal(cheapest(proba, costs), expected)
    assert_array_equal(cheapest(proba, costs[0])[0], expected[0])


def test_the_threshold_of_costs():
    decision = learn_decision([[1, 3], [9, 1]], np.full((2, 2), 0.5), np.array([0, 1]))
    assert_allclose(decision.threshold, 2 / 10)
    proba = np.array([[0.81, 0.19], [0.79, 0.21]])
    assert_array_equal(decision(proba), [0, 1])


def test_the_default_is_the_most_probable_class():
    proba = np.random.RandomState(0).dirichlet(np.ones(3), 50)
    decision = learn_decision("default", proba, np.arange(50) % 3)
    assert decision.threshold is None
    assert_array_equal(decision(proba), proba.argmax(axis=1))
    two = learn_decision("default", proba[:, :2], np.arange(50) % 2)
    assert two.threshold == 0.5
    assert_array_equal(two(np.array([[0.5, 0.5]])), [1])


def test_balanced_accuracy_of_many_classes_weighs_by_their_share():
    proba = np.random.RandomState(0).dirichlet([8, 2, 1], 200)
    y = np.array([0] * 160 + [1] * 30 + [2] * 10)
    decision = learn_decision("balanced_accuracy", proba, y)
    expected = (proba / [160, 30, 10]).argmax(axis=1)
    assert_array_equal(decision(proba), expected)
    # Without a weight a class has no say.
    weight = (y < 2).astype(float)
    decision = learn_decision("balanced_accuracy", proba, y, weight)
    expected = (proba[:, :2] / [160, 30]).argmax(axis=1)
    assert_array_equal(decision(proba), expected)


def test_costs_of_any_size():
    for scale in (1e-300, 1e308):
        costs = np.array([[0, 1], [1, 0]]) * scale
        assert learn_decision(costs, np.eye(2), np.array([0, 1])).threshold == 0.5


# --- What is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        ("acuracy", "must be among.*got 'acuracy'"),
        ("recall", r"every row is.*\('recall', 0.8\)"),
        ("precision", "surest rows alone"),
        ("roc_auc", "judges probabilities"),
        ("average_precision", "judges probabilities"),
        (make_scorer(brier_score_loss, response_method="predict_proba"), "judges"),
        ([[0, 1], [2]], "threshold"),
        (1.5, r"in \[0, 1\]"),
        (float("nan"), r"in \[0, 1\]"),
        (("recall", 0), "above 0"),
        (("recall", "much"), "above 0"),
        (("roc", 0.5), "above 0"),
        ([[0, 1, 2]], "shape"),
        ([[0, 1], ["a", 0]], "threshold"),
        ([[0, 1], [np.inf, 0]], "finite"),
        ([[0, 1], [0, 1]], "class number 1"),
        ([[0, 0], [1, 0]], "nothing is lost"),
        (None, r"must be 'default'.*\('recall', r\)"),
        (True, "must be 'default'"),
    ],
)
def test_thresholds_that_make_no_sense(threshold, message):
    with pytest.raises(ValueError, match=message):
        check_threshold(threshold, np.arange(2))


@pytest.mark.parametrize("threshold", [0.3, "f1", ("recall", 0.5)])
def test_thresholds_are_for_two_classes(threshold):
    check_threshold(threshold, np.arange(2))
    with pytest.raises(ValueError, match="there are 3"):
        check_threshold(threshold, np.arange(3))


def test_costs_name_their_parameter():
    with pytest.raises(ValueError, match=r"sample_cost .*\(5, 2, 2\)"):
        read_costs("sample_cost", np.zeros((5, 3, 3)), (5, 2, 2))


def test_an_error_that_costs_nothing_in_a_row():
    costs = np.zeros((3, 2, 2))
    costs[:, 0, 1], costs[:, 1, 0] = 5, [90, 0, 7]
    assert read_costs("sample_cost", costs, costs.shape) is not None


def test_a_row_that_is_not_worth_its_alarm():
    # A letter costs 5, also where it stops a fraud of 2, or one of 90.
    costs = np.array([[[0, 5], [2, 5]], [[0, 5], [90, 5]]])
    costs = read_costs("sample_cost", costs, costs.shape)
    proba = np.array([[0.0, 1.0], [0.9, 0.1]])
    assert_array_equal(cheapest(proba, costs), [0, 1])
    # Of all rows it would make the class senseless.
    with pytest.raises(ValueError, match="class number 1: the entry"):
        read_costs("threshold", costs[0], (2, 2))


@pytest.mark.parametrize("threshold", ["f1", ("recall", 0.5)])
def test_a_class_without_weight_cannot_set_a_threshold(threshold):
    y, proba = table(0)
    with pytest.raises(ValueError, match="none that has a weight"):
        learn_decision(threshold, proba, y, 1.0 - y)


@pytest.mark.parametrize("told", [("f1", None), ("default", "sigmoid")])
def test_a_class_of_one_row_decides_nothing(told):
    classes = np.array(["a", "b"])
    with pytest.raises(ValueError, match="one row, such as 'b'"):
        check_decisions(*told, classes, np.array([9, 1]))
    with pytest.warns(UserWarning, match=r"classes \['b'\] there is one row"):
        warn_of_lone_rows(classes, np.array([9, 1]))
    check_decisions("default", None, classes, np.array([9, 1]))
