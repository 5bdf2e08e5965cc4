"""Functions of labels as thresholds: against a search by hand, and scikit-learn's."""

import pickle

import numpy as np
import pytest
from imblearn.metrics import geometric_mean_score
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    fbeta_score,
    get_scorer,
    make_scorer,
    matthews_corrcoef,
)
from sklearn.model_selection import TunedThresholdClassifierCV

from imbdeep.classifiers._imbalanced.decisions import learn_decision
from imbdeep.classifiers._imbalanced.label_scores import (
    MOST_THRESHOLDS,
    thresholds_to_try,
)
from imbdeep.metrics import (
    balanced_brier_scorer,
    expected_calibration_error_scorer,
    precision_at_recall_scorer,
)

from .told import Told, cuts, table, told

SCORES = {
    "balanced_accuracy": balanced_accuracy_score,
    "f1": f1_score,
    "g_mean": geometric_mean_score,
    "mcc": matthews_corrcoef,
}


def cost(y_true, y_pred, sample_weight=None):
    """Nine for a miss, one for a false alarm."""
    of_row = np.where(y_true > y_pred, 9.0, y_true != y_pred)
    return np.average(of_row, weights=sample_weight)


def best_by_hand(score, y, proba, **weights):
    labels = [(proba[:, 1] >= cut).astype(int) for cut in cuts(proba[:, 1])]
    return max(score(y, label, **weights) for label in labels)


@pytest.mark.parametrize("seed", range(2))
def test_a_function_is_maximised(seed):
    y, proba = table(seed, 24)
    weight = np.random.RandomState(seed).uniform(0, 2, len(y))
    less_is_more = make_scorer(cost, greater_is_better=False)
    beta = {"beta": 2, "zero_division": 0}
    for asked, score in [
        (less_is_more, lambda *a, **k: -cost(*a, **k)),
        (
            make_scorer(fbeta_score, **beta),
            lambda *a, **k: fbeta_score(*a, **beta, **k),
        ),
        ("f1_macro", lambda *a, **k: f1_score(*a, average="macro", **k)),
        (matthews_corrcoef, matthews_corrcoef),
    ]:
        for given in ({}, {"sample_weight": weight}):
            labels = learn_decision(asked, proba, y, **given)(proba)
            best = best_by_hand(score, y, proba, **given)
            assert_allclose(score(y, labels, **given), best)


@pytest.mark.parametrize("name", SCORES)
def test_metrics_by_name_and_by_function_agree(name):
    for seed in range(2):
        y, proba = table(seed, 20)
        decision = learn_decision(name, proba, y)
        assert learn_decision(SCORES[name], proba, y) == decision
        weight = np.random.RandomState(seed).randint(0, 3, len(y)).astype(float)
        weighted = learn_decision(name, proba, y, weight)
        assert learn_decision(SCORES[name], proba, y, weight) == weighted
        # Rows that stand there as often as their weight.
        rows = np.repeat(np.arange(len(y)), weight.astype(int))
        assert learn_decision(SCORES[name], proba[rows], y[rows]) == weighted
    assert learn_decision("matthews_corrcoef", proba, y) == learn_decision(
        "mcc", proba, y
    )


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1", "matthews_corrcoef"])
@pytest.mark.parametrize("seed", range(2))
def test_it_agrees_with_scikit_learns_tuned_threshold(name, seed):
    """Of one set of probabilities, that no fold changes."""
    y, proba = table(seed, 40)
    X = proba[:, 1:]
    tuned = TunedThresholdClassifierCV(
        FrozenEstimator(Told().fit(X, y)),
        scoring=name,
        thresholds=cuts(X[:, 0]),
        cv="prefit",
        refit=False,
        store_cv_results=True,
    ).fit(X, y)
    scores = tuned.cv_results_["scores"]
    n_best = (scores > scores.max() - 1e-12).sum()
    for asked in (name, get_scorer(name)):
        model = told(y, proba, threshold=asked)
        labels = (model.oof_proba_[:, 1] >= model.threshold_).astype(int)
        assert_allclose(get_scorer(name)._score_func(y, labels), tuned.best_score_)
        if n_best == 1:
            assert_array_equal(model.predict(X), tuned.predict(X))


@pytest.mark.parametrize("seed", range(2))
def test_of_many_rows_some_thresholds_are_tried(seed):
    rng = np.random.RandomState(seed)
    y = (np.arange(4_000) < 80).astype(int)
    score = rng.beta(1 + 2 * y, 12)
    proba = np.c_[1 - score, score]
    called = []

    def counted(y_true, y_pred):
        called.append(y_pred.sum())
        return f1_score(y_true, y_pred)

    decision = learn_decision(counted, proba, y)
    assert 150 < len(called) <= MOST_THRESHOLDS
    assert {0, len(y)} <= set(called)
    # A cut that gains no positive is never best by F1, and below each there is one.
    assert_allclose(decision.threshold, learn_decision("f1", proba, y).threshold)
    tried = thresholds_to_try(y == 1, score)
    assert (np.diff(tried) < 0).all()
    # Over all ranks: those of a function that cares for the number of alarms.
    assert np.diff(sorted(called)).max() < 3 * len(y) / MOST_THRESHOLDS


def test_labels_are_those_of_the_user():
    y, proba = table(0)
    names = np.array(["ok", "theft"], dtype=object)
    seen = set()

    def of_thefts(y_true, y_pred):
        seen.update(y_true, y_pred)
        return f1_score(y_true, y_pred, pos_label="theft")

    model = told(names[y], proba, threshold=of_thefts)
    assert seen == {"ok", "theft"}
    assert model.threshold_ == learn_decision("f1", proba, y).threshold
    with pytest.raises(ValueError, match="pos_label=1 is not a valid label") as caught:
        told(names[y], proba, threshold=f1_score)
    (note,) = caught.value.__notes__
    assert "labels as y holds them, such as 'ok'" in note


def test_where_it_is_undefined_is_passed_over():
    y, proba = table(1)

    def precise(y_true, y_pred):
        if y_pred.sum() < 10:
            return np.nan
        return (y_true & y_pred).sum() / y_pred.sum()

    labels = learn_decision(precise, proba, y)(proba)
    best = max(
        np.nan_to_num(precise(y, (proba[:, 1] >= c).astype(int)), nan=-1)
        for c in cuts(proba[:, 1])
    )
    assert_allclose(precise(y, labels), best)
    with pytest.raises(ValueError, match="is NaN at each"):
        learn_decision(lambda *labels: np.nan, proba, y)


def test_a_function_that_likes_all_thresholds_the_same_raises_no_alarm():
    y, proba = table(0)
    assert not learn_decision(lambda *labels: 3, proba, y)(proba).any()


def boom(y_true, y_pred):
    raise KeyError("boom")


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda *labels: "good", ValueError, "must return a number.*got 'good'"),
        (lambda *labels: None, ValueError, "must return a number.*got None"),
        (lambda *labels: labels, ValueError, "must return a number"),
        (lambda *labels: 1j, ValueError, "must return a number"),
        (lambda labels: 1.0, TypeError, "positional"),
        (boom, KeyError, "boom"),
    ],
)
def test_what_is_no_score_is_refused_before_training(function, error, message):
    class Never(Told):
        def fit(self, X, y):
            raise AssertionError("It was trained.")

    y, proba = table(0)
    model = told(y, proba).set_params(learners=[("never", Never())])
    with pytest.raises(error, match=message):
        model.set_params(threshold=function).fit(proba[:, 1:], y)
    with pytest.raises(error, match=message):
        model.set_threshold(function)


@pytest.mark.parametrize(
    "scorer",
    [
        balanced_brier_scorer,
        expected_calibration_error_scorer,
        precision_at_recall_scorer,
    ],
)
def test_scorers_of_probabilities_are_refused(scorer):
    y, proba = table(0)
    with pytest.raises(ValueError, match="judges probabilities, which no threshold"):
        told(y, proba, threshold=scorer)


def test_functions_of_two_classes_only():
    for asked in (f1_score, "f1_macro", make_scorer(f1_score)):
        with pytest.raises(ValueError, match="there are 3"):
            told(np.arange(60) % 3, np.eye(60, 2), threshold=asked)


def test_clones_and_pickles():
    y, proba = table(2, 24)
    scorer = make_scorer(fbeta_score, beta=0.5)
    for asked in (scorer, f1_score, "f1_macro"):
        model = told(y, proba, threshold=asked)
        again = clone(model).fit(proba[:, 1:], y)
        kept = pickle.loads(pickle.dumps(model))
        assert again.threshold_ == kept.threshold_ == model.threshold_
        kept.set_threshold(0.3).set_threshold(kept.get_params()["threshold"])
        assert kept.threshold_ == 0.3
