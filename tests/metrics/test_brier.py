import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import GridSearchCV, cross_val_score

from imbdeep.metrics import balanced_brier_score, balanced_brier_scorer


def balanced_brier_by_loops(y_true, proba, labels, weight=None):
    """One class at a time, one row at a time, one column at a time."""
    weight = [1.0] * len(y_true) if weight is None else weight
    per_class = []
    for label in labels:
        total = mass = 0.0
        for y, row, w in zip(y_true, proba, weight, strict=True):
            if y != label:
                continue
            half_distance = 0.0
            for column_label, p in zip(labels, row, strict=True):
                half_distance += 0.5 * ((1.0 if column_label == y else 0.0) - p) ** 2
            total += w * half_distance
            mass += w
        if mass > 0:
            per_class.append(total / mass)
    return sum(per_class) / len(per_class)


@pytest.fixture
def three_classes():
    rng = np.random.default_rng(3)
    y = np.repeat(["a", "b", "c"], [40, 8, 3])
    return y, rng.dirichlet([1, 1, 1], len(y)), rng.uniform(0, 2, len(y))


def test_paper_formula_for_two_classes():
    # (0.1^2 + 0.4^2 + 0.2^2) / 3 = 0.07 for class 0, (0.3^2 + 0.5^2) / 2 = 0.17 for 1.
    score = balanced_brier_score([0, 0, 0, 1, 1], [0.1, 0.4, 0.2, 0.7, 0.5])
    assert score == pytest.approx((0.07 + 0.17) / 2)


@pytest.mark.parametrize("weighted", [False, True])
def test_agrees_with_loops(three_classes, weighted):
    y, proba, weight = three_classes
    weight = weight if weighted else None
    expected = balanced_brier_by_loops(y, proba, ["a", "b", "c"], weight)
    score = balanced_brier_score(y, proba, sample_weight=weight)
    assert score == pytest.approx(expected, rel=1e-12)


def test_is_the_mean_of_sklearns_brier_scores_per_class(three_classes):
    y, proba, _ = three_classes
    labels = ["a", "b", "c"]
    per_class = [
        brier_score_loss(y[y == c], proba[y == c], labels=labels, scale_by_half=True)
        for c in labels
    ]
    assert balanced_brier_score(y, proba) == pytest.approx(np.mean(per_class))


def test_one_column_and_two_columns_agree():
    rng = np.random.default_rng(0)
    y = np.repeat([-1, 1], [30, 5])
    p = rng.uniform(size=35)
    two = balanced_brier_score(y, np.column_stack([1 - p, p]))
    assert balanced_brier_score(y, p) == pytest.approx(two, rel=1e-12)


@pytest.mark.parametrize(
    ("proba", "expected"),
    [([0, 0, 1], 0.0), ([1, 1, 0], 1.0), ([0.5, 0.5, 0.5], 0.25), ([0, 0, 0], 0.5)],
)
def test_limits(proba, expected):
    assert balanced_brier_score([0, 0, 1], proba) == expected


def test_worst_multiclass_answer_scores_one():
    assert balanced_brier_score([0, 1, 2], np.eye(3)[[1, 2, 0]]) == 1.0


def test_repeating_a_class_changes_nothing(three_classes):
    y, proba, _ = three_classes
    again = np.concatenate([np.arange(len(y)), np.flatnonzero(y == "a")])
    assert balanced_brier_score(y[again], proba[again]) == pytest.approx(
        balanced_brier_score(y, proba)
    )


def test_integer_weights_equal_repeated_rows(three_classes):
    y, proba, _ = three_classes
    weight = np.random.default_rng(1).integers(1, 4, len(y))
    assert balanced_brier_score(y, proba, sample_weight=weight) == pytest.approx(
        balanced_brier_score(np.repeat(y, weight), np.repeat(proba, weight, axis=0))
    )


def test_class_without_weight_is_left_out(three_classes):
    y, proba, _ = three_classes
    rows = y != "c"
    assert balanced_brier_score(
        y, proba, sample_weight=rows.astype(float)
    ) == pytest.approx(
        balanced_brier_score(y[rows], proba[rows], labels=["a", "b", "c"])
    )


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        ([-1, 1], 1),
        ([0, 1], 1),
        ([False, True], True),
        (["no", "yes"], "yes"),
        ([3, 7], 7),
        ([1, 2], 2),
        ([-1, 0], 0),
    ],
)
def test_positive_class_by_default(labels, positive):
    p = np.array([0.1, 0.2, 0.4, 0.7])
    y = np.array(labels)[[0, 0, 0, 1]]
    expected = (np.mean([0.1**2, 0.2**2, 0.4**2]) + 0.3**2) / 2
    assert balanced_brier_score(y, p) == pytest.approx(expected)
    assert balanced_brier_score(y, p, pos_label=positive) == pytest.approx(expected)
    assert balanced_brier_score(y, 1 - p, pos_label=labels[0]) == pytest.approx(
        expected
    )


def test_labels_give_the_order_of_the_columns(three_classes):
    y, proba, _ = three_classes
    shuffled = balanced_brier_score(y, proba[:, [2, 0, 1]], labels=["c", "a", "b"])
    assert shuffled == pytest.approx(balanced_brier_score(y, proba))


def test_labels_settle_rows_of_one_class():
    p = [0.1, 0.3]
    assert balanced_brier_score(["no"] * 2, p, labels=["no", "yes"]) == pytest.approx(
        0.05
    )
    assert balanced_brier_score([-1, -1], p) == pytest.approx(0.05)
    with pytest.raises(ValueError, match=r"pos_label=None cannot be settled.*'no'"):
        balanced_brier_score(["no"] * 2, p)


def test_takes_pandas():
    y = pd.Series(["x", "y", "x"], index=[5, 6, 7])
    proba = pd.DataFrame({"x": [1.0, 0.5, 1.0], "y": [0.0, 0.5, 0.0]})
    assert balanced_brier_score(y, proba) == pytest.approx(0.125)


def test_a_probability_that_was_rounded_above_one():
    rounded = np.array([[1 + 2e-7, 0.0], [0.5, 0.5]])
    expected = balanced_brier_score([0, 1], rounded.round(3))
    assert balanced_brier_score([0, 1], rounded) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("y_true", "y_proba", "options", "message"),
    [
        ([0, 1], [0.5, np.nan], {}, "y_proba contains NaN"),
        ([0, 1], [0.5, np.inf], {}, "y_proba contains infinity"),
        ([0, 1], [0.5, 1.5], {}, r"y_proba must lie in \[0, 1\].*1\.5"),
        ([0, 1], [-0.5, 0.5], {}, r"y_proba must lie in \[0, 1\].*-0\.5"),
        ([0, 1], [[0.5, 0.4], [0.5, 0.5]], {}, "must sum to 1.*off by 0.1"),
        ([0, 1], [[0.2, 0.3, 0.5]] * 2, {}, r"3 columns for 2 classes.*pass labels"),
        ([0, 1, 2], [0.1, 0.2, 0.3], {}, "must hold two classes, got 3"),
        ([0, 1], [0.5], {}, "inconsistent numbers of samples"),
        ([0.5, 1.2], [0.5, 0.5], {}, "got a target of type 'continuous'"),
        ([0, 1], np.ones((2, 1, 1)), {}, r"1-D or 2-D, got shape \(2, 1, 1\)"),
        (["a", "b"], [0.5, 0.5], {"pos_label": "c"}, r"pos_label='c'.*'a', 'b'"),
        ([0, 9], [[0.5, 0.5]] * 2, {"labels": [0, 1]}, r"holds \[9\].*labels=\[0, 1"),
        ([0, 0], [[0.5, 0.5]] * 2, {"labels": [0, 0]}, "must not repeat a class"),
        ([0, 1], [0.5, 0.5], {"sample_weight": [1, -1]}, "must be non-negative"),
        ([0, 1], [0.5, 0.5], {"sample_weight": [0, 0]}, "one positive weight"),
        ([0, 1], [0.5, 0.5], {"sample_weight": [1]}, "inconsistent numbers"),
        ([0, 1], [0.5, 0.5], {"sample_weight": [[1], [1]]}, r"sample_weight .* 1-D"),
    ],
)
def test_refuses(y_true, y_proba, options, message):
    with pytest.raises(ValueError, match=message):
        balanced_brier_score(y_true, y_proba, **options)


@pytest.mark.parametrize(
    "labels", [[-1, 1], ["no", "yes"], [False, True], ["a", "b", "c"]]
)
def test_scorer_works_for_any_labels(labels):
    X, y = make_classification(
        300, n_informative=4, n_classes=len(labels), class_sep=0.5, random_state=0
    )
    y = np.array(labels)[y]
    model = LogisticRegression().fit(X, y)
    expected = -balanced_brier_by_loops(y, model.predict_proba(X), labels)
    assert balanced_brier_scorer(model, X, y) == pytest.approx(expected)
    scores = cross_val_score(
        LogisticRegression(), X, y, scoring=balanced_brier_scorer, error_score="raise"
    )
    assert ((scores > -1) & (scores < 0)).all()


def test_scorer_selects_the_lower_score():
    X, y = make_classification(400, weights=[0.9], class_sep=2, random_state=0)
    search = GridSearchCV(
        LogisticRegression(), {"C": [1e-9, 1.0]}, scoring=balanced_brier_scorer
    ).fit(X, y)
    assert search.best_params_ == {"C": 1.0}


def test_scorer_pickles():
    X, y = make_classification(100, random_state=0)
    model = LogisticRegression().fit(X, y)
    again = pickle.loads(pickle.dumps(balanced_brier_scorer))
    assert again(model, X, y) == balanced_brier_scorer(model, X, y)
