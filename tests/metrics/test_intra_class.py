import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_score

from imbdeep.metrics import intra_class_variance, intra_class_variance_scorer


def variance_by_loops(y_true, y_pred, weight=None):
    weight = [1.0] * len(y_true) if weight is None else list(weight)
    rows = list(zip(y_true, y_pred, weight, strict=True))
    accuracy = sum(w for t, p, w in rows if t == p) / sum(weight)
    total = 0.0
    for label in set(y_true):
        own = sum(w for t, _, w in rows if t == label)
        right = sum(w for t, p, w in rows if t == label and p == label)
        if own > 0:
            total += (accuracy - right / own) ** 2
    return total


@pytest.fixture
def four_classes():
    rng = np.random.default_rng(7)
    y_true = rng.choice(4, size=200, p=[0.6, 0.15, 0.15, 0.1])
    y_pred = np.where(rng.random(200) < 0.6, y_true, rng.integers(0, 4, 200))
    return y_true, y_pred, rng.uniform(0, 3, 200)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("names", [None, ["n", "a", "x", "b"]])
def test_agrees_with_loops(four_classes, weighted, names):
    y_true, y_pred, weight = four_classes
    if names is not None:
        y_true, y_pred = np.array(names)[y_true], np.array(names)[y_pred]
    weight = weight if weighted else None
    assert intra_class_variance(y_true, y_pred, sample_weight=weight) == pytest.approx(
        variance_by_loops(y_true, y_pred, weight), rel=1e-12
    )


def test_splits_into_variance_and_accuracy_gap(four_classes):
    y_true, y_pred, _ = four_classes
    recalls = [np.mean(y_pred[y_true == c] == c) for c in range(4)]
    gap = np.mean(y_true == y_pred) - balanced_accuracy_score(y_true, y_pred)
    assert intra_class_variance(y_true, y_pred) == pytest.approx(
        4 * np.var(recalls) + 4 * gap**2
    )


def test_always_the_majority():
    # Accuracy 0.9; recalls 1 and 0.
    y_true = [-1] * 9 + [1]
    assert intra_class_variance(y_true, [-1] * 10) == pytest.approx(0.01 + 0.81)


@pytest.mark.parametrize("y_pred", [[0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 0, 0]])
def test_equal_recalls_score_zero(y_pred):
    assert intra_class_variance([0, 0, 1, 1], y_pred) == 0.0


def test_only_classes_present_count():
    # Class 2 is predicted but never true: accuracy 3/4, recalls 1 and 1/2.
    assert intra_class_variance([0, 0, 1, 1], [0, 0, 1, 2]) == pytest.approx(0.125)


def test_class_without_weight_is_left_out():
    weighted = intra_class_variance(
        [0, 0, 1, 1, 2], [0, 0, 1, 0, 0], sample_weight=[1, 1, 1, 1, 0]
    )
    assert weighted == pytest.approx(intra_class_variance([0, 0, 1, 1], [0, 0, 1, 0]))


@pytest.mark.parametrize(
    ("y_true", "y_pred", "weight", "message"),
    [
        ([0, 1], [0], None, "inconsistent numbers of samples"),
        ([0.3, 1.2], [0, 1], None, "got a target of type 'continuous'"),
        ([[0, 1], [1, 1]], [0, 1], None, "got a target of type 'multilabel"),
        ([0, 1], [0, 1], [1, np.nan], "sample_weight contains NaN"),
    ],
)
def test_refuses(y_true, y_pred, weight, message):
    with pytest.raises(ValueError, match=message):
        intra_class_variance(y_true, y_pred, sample_weight=weight)


@pytest.mark.parametrize(
    "labels", [[-1, 1], ["no", "yes"], [False, True], ["a", "b", "c"]]
)
def test_scorer_works_for_any_labels(labels):
    X, y = make_classification(
        300, n_informative=4, n_classes=len(labels), class_sep=0.5, random_state=0
    )
    y = np.array(labels)[y]
    model = LogisticRegression().fit(X, y)
    expected = -variance_by_loops(y, model.predict(X))
    assert intra_class_variance_scorer(model, X, y) == pytest.approx(expected)
    scores = cross_val_score(
        LogisticRegression(),
        X,
        y,
        scoring=intra_class_variance_scorer,
        error_score="raise",
    )
    assert (scores <= 0).all()
    assert scores.min() < 0
