"""Another threshold without a new fit, and which class is positive."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    class_likelihood_ratios,
    f1_score,
    fbeta_score,
    jaccard_score,
    make_scorer,
    recall_score,
)
from sklearn.naive_bayes import GaussianNB

from imbdeep.classifiers import ImbalancedClassifier
from imbdeep.classifiers._imbalanced.decisions import learn_decision

from .told import Told, table, told

COSTS = [[0, 1], [7, 0]]
FORMS = [
    *("default", "f1", "g_mean", 0.2, ("recall", 0.8), ("precision", 0.6)),
    *(COSTS, f1_score, make_scorer(fbeta_score, beta=2), "f1_macro"),
]


def blobs(n_classes=2):
    params = {"n_informative": 4, "flip_y": 0.1, "random_state": 0}
    return make_classification(200, 6, n_classes=n_classes, **params)


# --- Another threshold ---------------------------------------------------------------


@pytest.mark.parametrize("with_weights", [False, True])
def test_another_threshold_is_that_of_a_fit_with_it(with_weights):
    y, proba = table(1, 24)
    X = proba[:, 1:]
    weight = np.random.RandomState(0).uniform(0, 3, len(y)) if with_weights else None
    model = told(y, proba, fit_params={"sample_weight": weight})
    thresholds = set()
    for asked in FORMS:
        assert model.set_threshold(asked) is model
        assert model.get_params()["threshold"] is asked
        fitted = clone(model).fit(X, y, sample_weight=weight)
        assert model.threshold_ == fitted.threshold_
        assert_array_equal(model.predict(X), fitted.predict(X))
        thresholds.add(model.threshold_)
    assert_allclose(model.predict_proba(X), proba)
    assert len(thresholds) > 5


def test_the_weights_of_the_fit_are_kept():
    y, proba = table(0)
    weight = np.random.RandomState(0).uniform(0, 3, len(y))
    weighted = told(y, proba, fit_params={"sample_weight": weight})
    assert_allclose(weighted.oof_sample_weight_, weight / weight.mean())
    plain = told(y, proba)
    assert plain.oof_sample_weight_ is None
    for asked in ("f1", f1_score):
        found = {one.set_threshold(asked).threshold_ for one in (weighted, plain)}
        assert len(found) == 2


def test_a_pickled_model_takes_another_threshold():
    y, proba = table(0)
    kept = pickle.loads(pickle.dumps(told(y, proba))).set_threshold("f1")
    assert kept.threshold_ == learn_decision("f1", proba, y).threshold


def test_many_classes():
    X, y = blobs(3)
    model = ImbalancedClassifier([("bayes", GaussianNB())], random_state=0).fit(X, y)
    costs = np.array([[0, 9, 9], [1, 0, 1], [1, 1, 0]])
    assert_array_equal(
        model.set_threshold(costs).predict(X),
        (model.predict_proba(X) @ costs).argmin(axis=1),
    )
    assert model.threshold_ is None
    model.set_threshold("default")
    assert_array_equal(model.predict(X), model.predict_proba(X).argmax(axis=1))


def test_what_is_refused_changes_nothing():
    y, proba = table(0)
    model = told(y, proba, threshold="f1")
    before = model.threshold_
    for asked in ("roc_auc", 2, [[0, 1]], ("recall", 0), None, lambda *labels: "x"):
        with pytest.raises(ValueError, match="threshold"):
            model.set_threshold(asked)
        assert (model.threshold, model.threshold_) == ("f1", before)
    with pytest.raises(NotFittedError):
        clone(model).set_threshold("f1")


def test_a_class_of_one_row():
    y, proba = table(0)
    y[:] = 0
    y[3] = 1
    with pytest.raises(ValueError, match="one row, such as 1"):
        told(y, proba, threshold="f1")
    with pytest.warns(UserWarning, match="there is one row"):
        model = told(y, proba)
    for asked in ("f1", ("recall", 0.5), f1_score):
        with pytest.raises(ValueError, match="one row, such as 1"):
            model.set_threshold(asked)
    assert model.set_threshold(COSTS).threshold_ == 1 / 8


# --- Which class is positive ---------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_other_class_is_positive_as_if_classes_were_swapped(seed):
    y, proba = table(seed)
    weight = np.random.RandomState(seed).uniform(0, 2, len(y))
    classes = np.array(["a", "b"])

    def more_alarms(y_true, y_pred, sample_weight):
        hit = (y_true == "a") & (y_pred == "a")
        return hit @ sample_weight - 0.3 * (y_pred == "a") @ sample_weight

    for asked in [*FORMS[:-3], more_alarms]:
        swapped = np.array(asked)[::-1, ::-1] if asked is COSTS else asked
        one = {"classes": classes, "positive": 0}
        decision = learn_decision(asked, proba, y, weight, **one)
        other = {"classes": classes[::-1], "positive": 1}
        expected = learn_decision(swapped, proba[:, ::-1], 1 - y, weight, **other)
        assert decision.threshold == expected.threshold
        assert_array_equal(decision(proba), 1 - expected(proba[:, ::-1]))
    # Costs are of classes in their order, whichever is positive.
    first, second = (learn_decision(COSTS, proba, y, positive=p) for p in (0, 1))
    assert_array_equal(first(proba), second(proba))
    assert_allclose(first.threshold, 1 - second.threshold)


def test_recall_of_the_class_that_is_named():
    y, proba = table(0, 400)
    names = np.array(["churned", "stayed"])
    told_of = {"threshold": ("recall", 0.8), "pos_label": "churned"}
    model = told(names[y], proba, **told_of)
    found = model.predict(proba[:, 1:])
    recall = recall_score(names[y], found, pos_label="churned")
    assert 0.8 <= recall < 0.83
    assert_array_equal(
        found == "churned", model.predict_proba(proba[:, 1:])[:, 0] >= model.threshold_
    )
    # Taken as it is when a threshold is set.
    model.set_params(pos_label="stayed").set_threshold(("recall", 0.8))
    plain = told(names[y], proba, threshold=("recall", 0.8))
    assert model.threshold_ == plain.threshold_
    assert model.set_threshold(0.9).threshold_ == 0.9
    assert_array_equal(model.predict(proba[:, 1:]), names[(proba[:, 1] >= 0.9) * 1])


@pytest.mark.parametrize("pos_label", ["left", 1, ["churned"], np.array(["churned"])])
def test_a_positive_label_that_is_none(pos_label):
    class Never(Told):
        def fit(self, X, y):
            raise AssertionError("It was trained.")

    y, proba = table(0)
    y = np.array(["churned", "stayed"])[y]
    model = ImbalancedClassifier([("never", Never())], pos_label=pos_label)
    with pytest.raises(ValueError, match=r"pos_label must be .*\['churned', 'st"):
        model.fit(proba[:, 1:], y)


@pytest.mark.parametrize("labels", [[1, 2], ["churn", "stay"], [False, True]])
def test_scorers_by_name_are_about_the_positive_class(labels):
    y, proba = table(3, 24, share=0.2)
    labels = np.array(labels)
    found = []
    for positive, label in enumerate(labels.tolist()):

        def by_hand(y_true, y_pred, label=label):
            return jaccard_score(y_true == label, y_pred == label)

        told_of = {"classes": labels, "positive": positive}
        expected = learn_decision(by_hand, proba, y, **told_of).threshold
        model = told(labels[y], proba, threshold="jaccard", pos_label=label)
        assert model.threshold_ == expected
        assert model.set_threshold(0.3).set_threshold("jaccard").threshold_ == expected
        found.append(expected)
    # It matters which one is.
    assert abs(found[0] - (1 - found[1])) > 0.01


def test_a_scorer_by_name_without_a_pos_label():
    y, proba = table(0, 24, share=0.2)

    def by_hand(y_true, y_pred):
        told = 1 - y_true, 1 - y_pred
        return class_likelihood_ratios(*told, replace_undefined_by=1)[0]

    name = "positive_likelihood_ratio"
    expected = learn_decision(by_hand, proba, y).threshold
    found = learn_decision(name, proba, y, positive=0).threshold
    assert_allclose(found, 1 - expected)
    assert abs(found - learn_decision(name, proba, y).threshold) > 0.01


def test_no_class_is_positive_of_three():
    X, y = blobs(3)
    learners = [("bayes", GaussianNB())]
    with pytest.raises(ValueError, match="two classes, and there are 3"):
        ImbalancedClassifier(learners, pos_label=1).fit(X, y)


# --- What cannot be had --------------------------------------------------------------


def test_a_recall_that_needs_all_rows():
    y, proba = table(0)
    proba[np.flatnonzero(y)[0]] = [1, 0]
    model = told(y, proba, threshold=("recall", 1.0))
    assert model.threshold_ == 0
    assert model.predict(proba[:, 1:]).all()


def test_costs_that_make_no_sense_at_the_estimator():
    y, proba = table(0)
    for costs, message in [
        (np.ones((3, 3)), r"must have the shape \(2, 2\)"),
        ([[0, 0], [5, 0]], "nothing is lost"),
        ([[0, 1], [0, 0]], "nothing is lost"),
        ([[3, 1], [5, 0]], "cheaper to be wrong"),
    ]:
        with pytest.raises(ValueError, match=message):
            told(y, proba, threshold=costs)


class Never(Told):
    def fit(self, X, y, sample_weight=None):
        raise AssertionError("It was trained.")


@pytest.mark.parametrize("threshold", ["f1", ("recall", 0.8), f1_score, "f1_macro"])
def test_rows_that_cannot_choose_a_threshold_are_refused_before_training(threshold):
    y, proba = table(0)
    model = ImbalancedClassifier([("never", Never())], threshold=threshold)
    rare_together = np.where(y == 1, 0, np.arange(len(y)))
    for given in (
        {"groups": y},
        {"groups": rare_together},
        {"sample_weight": 1 - y},
        {"sample_weight": y},
    ):
        with pytest.raises(ValueError, match="of one of the two classes no row was"):
            model.fit(proba[:, 1:], y, **given)


@pytest.mark.parametrize("calibration", ["sigmoid", "isotonic"])
def test_groups_that_cannot_calibrate_are_refused_before_training(calibration):
    y, proba = table(0)
    model = ImbalancedClassifier([("never", Never())], calibration=calibration)
    for groups in (y, np.where(y == 1, 0, np.arange(len(y)))):
        with pytest.raises(ValueError, match="two held-out rows of each class"):
            model.fit(proba[:, 1:], y, groups=groups)


def test_costs_need_no_rows_of_a_class():
    y, proba = table(0)
    for given in ({"groups": np.where(y, 0, 1 + y.cumsum())}, {"sample_weight": 1 - y}):
        assert told(y, proba, fit_params=given, threshold=COSTS).threshold_ == 1 / 8


@pytest.mark.parametrize("threshold", ["f1", f1_score])
def test_two_groups_of_a_class_are_enough(threshold):
    y, proba = table(0)
    groups = np.arange(len(y)) % 2
    decided = told(
        y, proba, fit_params={"groups": groups}, threshold=threshold, calibration="beta"
    )
    assert 0 < decided.threshold_ < 1


def test_a_function_sees_rows_that_were_held_out_and_have_a_weight():
    y, proba = table(0)
    weight = (np.arange(len(y)) % 5 > 0).astype(float)
    sizes = set()

    def of_size(y_true, y_pred):
        sizes.add(len(y_true))
        return f1_score(y_true, y_pred)

    told(y, proba, fit_params={"sample_weight": weight}, threshold=of_size)
    # All are there when it is tried.
    assert sizes == {len(y), int(weight.sum())}


# --- Costs by label ------------------------------------------------------------------


def test_costs_of_a_data_frame_go_by_its_labels():
    y, proba = table(0)
    labels = np.array(["churn", "stay"])
    # A churned customer who is missed costs ten.
    by_name = pd.DataFrame([[0, 1], [10, 0]], ["stay", "churn"], ["stay", "churn"])
    mixed = by_name[["churn", "stay"]]
    in_order = pd.DataFrame([[0, 10], [1, 0]])
    for costs in (by_name, mixed, by_name.T.T, in_order, in_order.to_numpy()):
        model = told(labels[y], proba, threshold=costs)
        assert_allclose(model.threshold_, 10 / 11)
        assert_allclose(told(labels[y], proba).set_threshold(costs).threshold_, 10 / 11)
        swapped = told(labels[y], proba, threshold=costs, pos_label="churn")
        assert_allclose(swapped.threshold_, 1 / 11)


def test_costs_of_three_classes_go_by_labels():
    X, y = blobs(3)
    labels = np.array(["a", "b", "c"])
    costs = np.array([[0, 9, 2], [1, 0, 4], [3, 1, 0]])
    params = {"learners": [("bayes", GaussianNB())], "random_state": 0}
    expected = ImbalancedClassifier(threshold=costs, **params).fit(X, labels[y])
    frame = pd.DataFrame(costs, labels, labels).loc[["c", "a", "b"], ["b", "c", "a"]]
    model = ImbalancedClassifier(threshold=frame, **params).fit(X, labels[y])
    assert_array_equal(model.predict(X), expected.predict(X))


@pytest.mark.parametrize(
    ("index", "columns"),
    [
        (["stay", "left"], ["stay", "left"]),
        ([0, 1], ["stay", "churn"]),
        (["stay", "churn"], [0, 1]),
        (["stay", "stay"], ["stay", "churn"]),
        ([1, 2], [1, 2]),
    ],
)
def test_costs_with_other_labels_are_refused(index, columns):
    y, proba = table(0)
    y = np.array(["churn", "stay"])[y]
    costs = pd.DataFrame([[0, 1], [10, 0]], index, columns)
    model = ImbalancedClassifier([("never", Never())], threshold=costs)
    message = r"threshold is a data frame with the rows .* classes are \['churn', 'st"
    with pytest.raises(ValueError, match=message):
        model.fit(proba[:, 1:], y)
    with pytest.raises(ValueError, match=message):
        told(y, proba).set_threshold(costs)


# --- Short of time -------------------------------------------------------------------


def test_a_threshold_is_learned_when_time_is_short():
    X, y = blobs()
    learners = [("linear", LogisticRegression()), ("bayes", GaussianNB())]
    model = ImbalancedClassifier(
        learners, threshold="f1", time_budget=0.001, random_state=0
    )
    with pytest.warns(UserWarning, match=r"time_budget=0.001.*\['bayes'\] are left"):
        model.fit(X, y)
    alone = ImbalancedClassifier(learners[:1], threshold="f1", random_state=0).fit(X, y)
    assert model.threshold_ == alone.threshold_
