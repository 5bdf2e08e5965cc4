import math
import pickle

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_score

from imbdeep.metrics import (
    intra_class_variance,
    intra_class_variance_scorer,
    root_intra_class_variance_scorer,
)

# Of the climate paper: accuracy and recalls of Tables 1, 2 and 4 to 6, and what Table 8
# prints as intra-class variance of the same row (third row: in the next column).
TABLE_8 = {
    "ResNet-50": (0.7465, [0.9102, 0.4198, 0.5511, 0.5682], 0.4510),
    "ResNet-50, sampler": (0.7184, [0.8154, 0.5818, 0.5014, 0.6880], 0.2757),
    "ResNet-50, LDAM": (0.7022, [0.7792, 0.5719, 0.5780, 0.6334], 0.2076),
    "B4": (0.7630, [0.9199, 0.4114, 0.5739, 0.6469], 0.4443),
    "B4, LDAM": (0.7196, [0.7867, 0.5900, 0.5648, 0.7699], 0.2185),
    "B4, LDAM, averaged": (0.7292, [0.8098, 0.6017, 0.5409, 0.7436], 0.2417),
    "B4, LDAM, averaged, 6-5-2": (0.7441, [0.8156, 0.5941, 0.6138, 0.7584], 0.2115),
    "B4, GAN": (0.67, [0.6815, 0.6619, 0.6258, 0.7521], 0.0942),
    "B4, LDAM, averaged, GAN": (0.70, [0.7459, 0.5842, 0.5540, 0.7436], 0.1967),
}


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


def rows_with(accuracy, recalls):
    """Weighted rows, a right and a wrong one of each class, with given recalls."""
    recalls = np.array(recalls)
    # A tenth of the rows is of each class; the classes with the least and the largest
    # recall share the others so that the accuracy comes out.
    shares = np.full(4, 0.1)
    low, high = recalls.argmin(), recalls.argmax()
    rest = (accuracy - shares @ recalls) / 0.6
    of_high = (rest - recalls[low]) / (recalls[high] - recalls[low])
    shares[[low, high]] += 0.6 * (1 - of_high), 0.6 * of_high
    weight = np.concatenate([shares * recalls, shares * (1 - recalls)])
    return [0, 1, 2, 3] * 2, [0, 1, 2, 3, 1, 2, 3, 0], weight


@pytest.mark.parametrize("row", TABLE_8)
def test_the_papers_table_holds_the_root(row):
    accuracy, recalls, printed = TABLE_8[row]
    by_hand = sum((accuracy - recall) ** 2 for recall in recalls)
    y_true, y_pred, weight = rows_with(accuracy, recalls)
    total = intra_class_variance(y_true, y_pred, sample_weight=weight)
    root = intra_class_variance(y_true, y_pred, root=True, sample_weight=weight)
    assert total == pytest.approx(by_hand, rel=1e-10)
    # Recalls rounded to four digits move the root by up to 0.0002.
    assert root == pytest.approx(printed, abs=2e-4)
    assert abs(total - printed) > 0.05


def test_third_row_of_the_papers_table_has_its_columns_exchanged():
    _, recalls, printed_as_balanced_accuracy = TABLE_8["ResNet-50, LDAM"]
    printed_as_variance = 0.6406
    assert np.mean(recalls) == pytest.approx(printed_as_variance, abs=1e-4)
    assert printed_as_balanced_accuracy < min(recalls)


@pytest.mark.parametrize("weighted", [False, True])
def test_root_agrees_with_loops(four_classes, weighted):
    y_true, y_pred, weight = four_classes
    weight = weight if weighted else None
    expected = math.sqrt(variance_by_loops(y_true, y_pred, weight))
    score = intra_class_variance(y_true, y_pred, root=True, sample_weight=weight)
    assert score == pytest.approx(expected, rel=1e-12)
    assert isinstance(score, float)
    assert intra_class_variance([0, 1], [0, 1], root=True) == 0


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
    expected = variance_by_loops(y, model.predict(X))
    assert intra_class_variance_scorer(model, X, y) == pytest.approx(-expected)
    root = root_intra_class_variance_scorer(model, X, y)
    assert root == pytest.approx(-math.sqrt(expected))
    again = pickle.loads(pickle.dumps(root_intra_class_variance_scorer))
    assert again(model, X, y) == root
    scores = cross_val_score(
        LogisticRegression(),
        X,
        y,
        scoring=intra_class_variance_scorer,
        error_score="raise",
    )
    assert (scores <= 0).all()
    assert scores.min() < 0
