"""What every scorer must do: folds that lack a class, labels of any kind, wrappers."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.optimize import minimize
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    KFold,
    TunedThresholdClassifierCV,
    cross_val_score,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import imbdeep.metrics
from imbdeep.attacks import make_robust_scorer
from imbdeep.classifiers import NetClassifier
from imbdeep.crowds import make_crowd_scorer
from imbdeep.metrics import (
    balanced_brier_scorer,
    intra_class_variance_scorer,
    make_precision_at_recall_scorer,
    precision_at_recall_scorer,
)

TWO_CLASSES = [
    [0, 1],
    [-1, 1],
    [1, 2],
    [-1, 0],
    [0.0, 1.0],
    ["no", "yes"],
    [False, True],
]


def brier_by_loops(model, X, y):
    """Minus the mean over the classes with rows; columns are those of the model."""
    classes = model.classes_.tolist()
    errors = {}
    for truth, row in zip(list(y), model.predict_proba(X), strict=True):
        squares = [
            (float(label == truth) - p) ** 2
            for label, p in zip(classes, row, strict=True)
        ]
        if truth not in classes:
            squares.append(1.0)
        errors.setdefault(truth, []).append(sum(squares) / 2)
    return -sum(sum(e) / len(e) for e in errors.values()) / len(errors)


def variance_by_loops(model, X, y):
    right = {}
    for truth, found in zip(list(y), model.predict(X), strict=True):
        right.setdefault(truth, []).append(truth == found)
    accuracy = sum(map(sum, right.values())) / len(y)
    return -sum((accuracy - sum(r) / len(r)) ** 2 for r in right.values())


def precision_by_loops(model, X, y, recall=0.5):
    """The last of the model's classes is positive."""
    p = model.predict_proba(X)[:, -1]
    is_positive = [truth == model.classes_[-1] for truth in list(y)]
    found = []
    for threshold in p:
        alarmed = [
            positive
            for positive, score in zip(is_positive, p, strict=True)
            if score >= threshold
        ]
        if sum(alarmed) >= recall * sum(is_positive):
            found.append(sum(alarmed) / len(alarmed))
    return max(found)


def line_by_search(model, X, y, slope=None):
    """Intercept and slope of a regression on the logits of the model's last class."""
    p = np.clip(model.predict_proba(X)[:, -1], 1e-12, 1 - 1e-12)
    logits = np.log(p / (1 - p))
    is_positive = np.array([truth == model.classes_[-1] for truth in list(y)])

    def loss(line):
        eta = line[0] + (line[1] if slope is None else slope) * logits
        return (np.logaddexp(0, eta) - is_positive * eta).sum()

    start = [0.0, 1.0] if slope is None else [0.0]
    return minimize(loss, start, method="BFGS", options={"gtol": 1e-7}).x


def calibration_error_by_loops(model, X, y):
    """In bins of equal mass: each distinct probability goes by its middle."""
    p = model.predict_proba(X)[:, -1].tolist()
    is_positive = [truth == model.classes_[-1] for truth in list(y)]
    bins = {}
    for own, positive in zip(p, is_positive, strict=True):
        below = sum(other < own for other in p) + sum(other == own for other in p) / 2
        bins.setdefault(int(10 * below / len(p) + 1e-9), []).append(positive - own)
    return -sum(abs(sum(gaps)) for gaps in bins.values()) / len(p)


BY_LOOPS = {
    "calibration_slope_distance_scorer": lambda *fold: (
        -abs(line_by_search(*fold)[1] - 1)
    ),
    "calibration_intercept_distance_scorer": lambda *fold: (
        -abs(line_by_search(*fold, slope=1)[0])
    ),
    "expected_calibration_error_scorer": calibration_error_by_loops,
    "balanced_brier_scorer": brier_by_loops,
    "intra_class_variance_scorer": variance_by_loops,
    "root_intra_class_variance_scorer": lambda *fold: (
        -((-variance_by_loops(*fold)) ** 0.5)
    ),
    "precision_at_recall_scorer": precision_by_loops,
}
TWO_CLASSES_ONLY = {
    "precision_at_recall_scorer",
    "calibration_slope_distance_scorer",
    "calibration_intercept_distance_scorer",
    "expected_calibration_error_scorer",
}
MANY_CLASSES = set(BY_LOOPS) - TWO_CLASSES_ONLY
# Of rows of one class they have no value.
BOTH_CLASSES = {
    "calibration_slope_distance_scorer",
    "calibration_intercept_distance_scorer",
}


def scorer_named(name):
    return getattr(imbdeep.metrics, name)


def precise_to(name, sums=1e-15):
    """A search is less precise than a sum."""
    return 1e-5 if name in BOTH_CLASSES else sums


def has_value(name, y):
    return name not in BOTH_CLASSES or len(set(y)) > 1


def draw(labels, shares, n=150, seed=0):
    """Overlapping classes in a row."""
    rng = np.random.default_rng(seed)
    codes = np.sort(rng.choice(len(labels), p=shares, size=n))
    X = rng.normal(size=(n, 3))
    X[:, 0] += 1.5 * codes
    return X, np.array(labels)[codes]


def test_every_scorer_is_tried():
    exported = {
        name
        for name in imbdeep.metrics.__all__
        if name.endswith("_scorer") and not name.startswith("make_")
    }
    assert exported == set(BY_LOOPS)


@pytest.mark.parametrize("name", BY_LOOPS)
@pytest.mark.parametrize("labels", TWO_CLASSES, ids=str)
def test_rows_of_one_class(name, labels):
    X, y = draw(labels, [0.7, 0.3])
    model = LogisticRegression().fit(X, y)
    for label in labels:
        fold = X[y == label], y[y == label]
        if name in BOTH_CLASSES:
            with pytest.raises(ValueError, match="one class only"):
                scorer_named(name)(model, *fold)
            continue
        if name == "precision_at_recall_scorer" and label == labels[0]:
            message = rf"no row of the positive class \(pos_label={labels[1]!r}\)"
            with pytest.raises(ValueError, match=message):
                precision_at_recall_scorer(model, *fold)
            continue
        expected = BY_LOOPS[name](model, *fold)
        assert scorer_named(name)(model, *fold) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("name", BY_LOOPS)
@pytest.mark.parametrize("labels", TWO_CLASSES, ids=str)
def test_rows_of_both_classes(name, labels):
    X, y = draw(labels, [0.7, 0.3])
    model = LogisticRegression().fit(X, y)
    expected = BY_LOOPS[name](model, X, y)
    found = scorer_named(name)(model, X, y)
    assert found == pytest.approx(expected, abs=precise_to(name))


@pytest.mark.parametrize("name", sorted(MANY_CLASSES))
@pytest.mark.parametrize("labels", [[0, 1, 2], [3, 5, 9], ["b", "a", "c"]], ids=str)
@pytest.mark.parametrize("kept", [[0], [2], [0, 1], [1, 2], [0, 2]], ids=str)
def test_rows_of_some_of_three_classes(name, labels, kept):
    X, y = draw(labels, [0.6, 0.3, 0.1])
    model = LogisticRegression().fit(X, y)
    rows = np.isin(y, np.array(labels)[kept])
    expected = BY_LOOPS[name](model, X[rows], y[rows])
    found = scorer_named(name)(model, X[rows], y[rows])
    assert found == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("name", sorted(MANY_CLASSES))
@pytest.mark.parametrize("unseen", [["a"], ["b"], ["c"], ["a", "c"]], ids=str)
def test_class_that_was_not_in_the_training_rows(name, unseen):
    X, y = draw(["a", "b", "c", "d"], [0.5, 0.2, 0.2, 0.1])
    seen = ~np.isin(y, unseen)
    model = GaussianNB().fit(X[seen], y[seen])
    expected = BY_LOOPS[name](model, X, y)
    assert scorer_named(name)(model, X, y) == pytest.approx(expected)


def test_labels_of_another_kind_are_refused():
    X, y = draw([0, 1], [0.7, 0.3])
    model = LogisticRegression().fit(X, y)
    for name in BY_LOOPS:
        with pytest.raises((ValueError, TypeError)):
            scorer_named(name)(model, X, y.astype(str))


@pytest.mark.parametrize("name", BY_LOOPS)
@pytest.mark.parametrize(
    "container",
    [
        list,
        pd.Series,
        lambda y: pd.Series(y, dtype="category"),
        lambda y: pd.Series(y, dtype="string"),
        lambda y: np.array(y, dtype=object),
    ],
    ids=["list", "Series", "category", "string", "object"],
)
def test_containers_of_labels(name, container):
    X, y = draw(["no", "yes"], [0.7, 0.3])
    model = LogisticRegression().fit(X, y)
    for rows in (np.arange(len(y)), np.flatnonzero(y == "yes")):
        if not has_value(name, y[rows]):
            continue
        found = scorer_named(name)(model, X[rows], container(y[rows]))
        assert found == pytest.approx(scorer_named(name)(model, X[rows], y[rows]))


def wrapped():
    """Classifiers whose classes lie further in."""
    logistic = LogisticRegression()
    return {
        "pipeline": make_pipeline(StandardScaler(), logistic),
        "grid": GridSearchCV(
            logistic, {"C": [0.1, 1.0]}, scoring=balanced_brier_scorer
        ),
        "pipeline of a grid": make_pipeline(
            StandardScaler(), GridSearchCV(logistic, {"C": [0.1, 1.0]})
        ),
        "fixed threshold": FixedThresholdClassifier(
            logistic, threshold=0.2, pos_label="yes"
        ),
        "tuned threshold": TunedThresholdClassifierCV(
            make_pipeline(StandardScaler(), logistic),
            scoring=intra_class_variance_scorer,
            thresholds=9,
            cv=2,
        ),
        "calibrated": CalibratedClassifierCV(logistic, cv=3),
        "net": NetClassifier(max_epochs=1, random_state=0),
    }


@pytest.mark.parametrize("wrapper", wrapped())
def test_wrapped_classifiers(wrapper):
    X, y = draw(["no", "yes"], [0.7, 0.3])
    model = wrapped()[wrapper].fit(X, y)
    for name, by_loops in BY_LOOPS.items():
        for rows in (np.arange(len(y)), np.flatnonzero(y == "yes")):
            if has_value(name, y[rows]):
                expected = by_loops(model, X[rows], y[rows])
                found = scorer_named(name)(model, X[rows], y[rows])
                precision = precise_to(name, sums=1e-12)
                assert found == pytest.approx(expected, abs=precision)


def test_cross_validation_with_folds_that_lack_a_class():
    X, y = draw(["a", "b", "c"], [0.6, 0.3, 0.1])
    # Rows are sorted by class: no test fold has all, and training folds lack 'c'.
    cv = KFold(3)
    for name in MANY_CLASSES:
        scores = cross_val_score(
            GaussianNB(), X, y, scoring=scorer_named(name), cv=cv, error_score="raise"
        )
        expected = [
            BY_LOOPS[name](GaussianNB().fit(X[train], y[train]), X[test], y[test])
            for train, test in cv.split(X)
        ]
        np.testing.assert_allclose(scores, expected, atol=1e-15)


def test_search_over_folds_that_lack_a_class():
    X, y = draw(["no", "yes"], [0.5, 0.5])
    rows = np.random.default_rng(0).permutation(len(y))
    halves = np.array_split(rows, 2)
    cv = [(halves[0], halves[1][y[halves[1]] == label]) for label in ("no", "yes")]
    search = GridSearchCV(
        LogisticRegression(),
        {"C": [1e-9, 1.0]},
        scoring=balanced_brier_scorer,
        cv=cv,
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_ == {"C": 1.0}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("backwards", [False, True])
def test_beside_scorers_of_another_positive_class(backwards):
    """scikit-learn calls predict_proba once and keeps one column for all scorers."""
    X, y = draw(["no", "yes"], [0.7, 0.3])
    scoring = {
        "brier": balanced_brier_scorer,
        "no": make_precision_at_recall_scorer(0.9, pos_label="no"),
        "yes": make_precision_at_recall_scorer(0.9, pos_label="yes"),
        "default": make_precision_at_recall_scorer(0.9),
        "log_loss": "neg_log_loss",
        "auc": "roc_auc",
    }
    if backwards:
        scoring = dict(reversed(scoring.items()))
    together = cross_validate(GaussianNB(), X, y, scoring=scoring, cv=3)
    for name, scorer in scoring.items():
        alone = cross_val_score(GaussianNB(), X, y, scoring=scorer, cv=3)
        np.testing.assert_allclose(together[f"test_{name}"], alone)
    assert not np.allclose(together["test_no"], together["test_yes"])
    np.testing.assert_array_equal(together["test_default"], together["test_yes"])


@pytest.mark.parametrize("name", BY_LOOPS)
def test_sample_weight_is_routed(name):
    X, y = draw(["no", "yes"], [0.7, 0.3])
    weight = np.where(np.arange(len(y)) % 3, 1.0, 0.0)
    kept = weight > 0
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = copy.deepcopy(scorer_named(name))
        scorer.set_score_request(sample_weight=True)
        everything = [(np.arange(len(y)), np.arange(len(y)))]
        score = cross_val_score(
            GaussianNB().set_fit_request(sample_weight=False),
            X,
            y,
            scoring=scorer,
            cv=everything,
            params={"sample_weight": weight},
        )
    model = GaussianNB().fit(X, y)
    assert score[0] == pytest.approx(BY_LOOPS[name](model, X[kept], y[kept]))
    assert score[0] != pytest.approx(BY_LOOPS[name](model, X, y))


@pytest.mark.parametrize("name", BY_LOOPS)
def test_pickles_and_copies(name):
    X, y = draw(["no", "yes"], [0.7, 0.3])
    model = LogisticRegression().fit(X, y)
    scorer = scorer_named(name)
    for again in (pickle.loads(pickle.dumps(scorer)), copy.deepcopy(scorer)):
        assert again(model, X, y) == scorer(model, X, y)
        rows = y == "yes" if has_value(name, ["yes"]) else slice(None, None, 2)
        fold = X[rows], y[rows]
        assert again(model, *fold) == scorer(model, *fold)
        assert repr(again) == repr(scorer)
        assert repr(again).startswith("make_scorer(")


@pytest.mark.parametrize("name", BY_LOOPS)
def test_truth_beside_annotations(name):
    X, y = draw(["no", "yes"], [0.7, 0.3])
    model = LogisticRegression().fit(X, y)
    table = np.column_stack([y, y, y]).astype(object)
    known = y == "yes"
    if not has_value(name, y[known]):
        known[::3] = True
    table[~known, 2] = None
    found = make_crowd_scorer(scorer_named(name))(model, X, table)
    expected = BY_LOOPS[name](model, X[known], y[known])
    assert found == pytest.approx(expected, abs=precise_to(name))


def accuracy_by_loops(model, X, y):
    return sum(model.predict(X) == y) / len(y)


@pytest.mark.parametrize("labels", TWO_CLASSES, ids=str)
def test_robust_scorer_on_rows_of_one_class(labels):
    X, y = draw(labels, [0.7, 0.3])
    model = LogisticRegression().fit(X, y)
    scorer = make_robust_scorer(eps=0.0, attack="square", queries=1)
    for rows in (y == labels[0], y == labels[1], slice(None)):
        expected = accuracy_by_loops(model, X[rows], y[rows])
        assert scorer(model, X[rows], y[rows]) == pytest.approx(expected)


def test_robust_scorer_on_a_class_that_was_not_in_the_training_rows():
    X, y = draw(["a", "b", "c"], [0.5, 0.3, 0.2])
    model = LogisticRegression().fit(X[y != "b"], y[y != "b"])
    scorer = make_robust_scorer(eps=0.0, attack="square", queries=1)
    assert scorer(model, X, y) == pytest.approx(accuracy_by_loops(model, X, y))
    assert scorer(model, X[y == "b"], y[y == "b"]) == 0
    with pytest.raises(ValueError, match="string and number"):
        scorer(model, X, (y == "b").astype(int))
