"""Robust accuracy, by hand and as a scorer."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imbdeep.attacks import make_robust_scorer, robust_accuracy, robust_predictions
from imbdeep.classifiers import AdversarialClassifier, NetClassifier

LABELS = np.array(["common", "medium", "scarce", "unique"])
ATTACK = {"eps": 0.3, "random_state": 0}


@pytest.fixture(scope="module")
def data():
    """Do not change these rows."""
    X, y = make_classification(
        200,
        5,
        n_informative=5,
        n_redundant=0,
        n_classes=4,
        n_clusters_per_class=1,
        weights=[0.5, 0.3, 0.12],
        class_sep=1.5,
        random_state=0,
    )
    return X.astype(np.float32), LABELS[y]


@pytest.fixture(scope="module")
def net(data):
    """Do not fit this net again."""
    return NetClassifier(max_epochs=20, lr=0.01, random_state=0).fit(*data)


def share_by_loops(y, y_pred, labels):
    """Right rows of some labels, one by one."""
    right = total = 0
    for truth, found in zip(y, y_pred, strict=True):
        if truth in labels:
            total += 1
            right += truth == found
    return right / total if total else np.nan


@pytest.mark.parametrize(
    "attack", [{}, {"norm": "l2"}, {"attack_steps": 3, "restarts": 2}]
)
def test_agrees_with_a_count_by_hand(net, data, attack):
    X, y = data
    attack = {**ATTACK, **attack}
    y_pred = robust_predictions(net, X, y, **attack)
    accuracy = robust_accuracy(net, X, y, **attack)
    assert accuracy == pytest.approx(share_by_loops(y, y_pred, LABELS))
    assert 0 < accuracy < net.score(X, y) - 0.02
    per_class = robust_accuracy(net, X, y, rows="per_class", **attack)
    expected = [share_by_loops(y, y_pred, [label]) for label in LABELS]
    np.testing.assert_allclose(per_class, expected)
    assert len(set(expected)) > 2
    rare = robust_accuracy(net, X, y, rows="under_represented", **attack)
    # Attacked on their own, they begin at other random points.
    is_rare = np.isin(y, ["scarce", "unique"])
    found = robust_predictions(net, X[is_rare], y[is_rare], **attack)
    assert rare == pytest.approx(share_by_loops(y[is_rare], found, LABELS))


def test_without_an_attack_it_is_the_accuracy(net, data):
    X, y = data
    assert robust_accuracy(net, X, y, eps=0) == net.score(X, y)
    recalls = robust_accuracy(net, X, y, eps=0, rows="per_class")
    expected = [net.score(X[y == label], y[y == label]) for label in LABELS]
    np.testing.assert_allclose(recalls, expected)


def test_a_class_without_rows_has_no_accuracy(net, data):
    X, y = data
    rows = y != "medium"
    per_class = robust_accuracy(net, X[rows], y[rows], rows="per_class", **ATTACK)
    assert np.isnan(per_class).tolist() == [False, True, False, False]


@pytest.mark.parametrize("container", [list, pd.Series, np.asarray])
def test_labels_may_come_in_other_containers(net, data, container):
    X, y = data
    for rows in ("all", "per_class", "under_represented"):
        np.testing.assert_array_equal(
            robust_accuracy(net, X, container(y), rows=rows, **ATTACK),
            robust_accuracy(net, X, y, rows=rows, **ATTACK),
        )


def test_given_counts_decide_what_is_rare(net, data):
    X, y = data
    for counts, rare in [([1, 2, 30, 40], LABELS[:2]), ([9, 1, 9, 9], LABELS[1:2])]:
        counted = np.isin(y, rare)
        # The other rows are not attacked.
        y_pred = robust_predictions(net, X[counted], y[counted], **ATTACK)
        by_label = dict(zip(LABELS, counts, strict=True))
        backwards = pd.Series(by_label)[::-1]
        for given in (counts, by_label, backwards):
            found = robust_accuracy(
                net, X, y, rows="under_represented", class_counts=given, **ATTACK
            )
            assert found == pytest.approx(share_by_loops(y[counted], y_pred, rare))


def test_counts_by_label_must_have_each_label(net, data):
    each = dict.fromkeys(LABELS, 3)
    for counts in (
        dict.fromkeys(LABELS[1:], 3),
        {**each, "unknown": 3},
        pd.Series([3] * 5, index=[*LABELS, "unique"]),
    ):
        with pytest.raises(ValueError, match="class_counts has the labels"):
            robust_accuracy(
                net, *data, rows="under_represented", class_counts=counts, **ATTACK
            )
    for frame in (pl.Series(data[1]).value_counts(), pd.DataFrame(each, index=[0]).T):
        with pytest.raises(ValueError, match="class_counts must hold the training row"):
            robust_accuracy(
                net, *data, rows="under_represented", class_counts=frame, **ATTACK
            )


def test_counts_of_a_classifier_that_has_none(data):
    X, y = data
    forest = RandomForestClassifier(10, random_state=0).fit(X, y)
    given = {"attack": "square", "queries": 10, "rows": "under_represented", **ATTACK}
    message = "needs class_counts, as RandomForestClassifier has not counted its"
    with pytest.raises(ValueError, match=message):
        robust_accuracy(forest, X, y, **given)
    counts = [(y == label).sum() for label in LABELS]
    assert 0 < robust_accuracy(forest, X, y, class_counts=counts, **given) < 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rows": "some"}, r"rows must be one of \('all', .*, got 'some'"),
        ({"rows": None}, "rows must be one of .* got None"),
        ({"class_counts": [3, 2, 1]}, r"each of the 4 classes .* got \[3, 2, 1\]"),
        (
            {"class_counts": [5] * 4},
            r"no row of an under-rep.* \[5, 5, 5, 5\] training",
        ),
        ({"norm": "l1"}, "norm must be one of"),
        ({"eps": -1}, "eps must be finite"),
    ],
)
def test_refuses(net, data, parameters, message):
    parameters = {"rows": "under_represented", **ATTACK, **parameters}
    with pytest.raises(ValueError, match=message):
        robust_accuracy(net, *data, **parameters)


def test_balanced_training_classes_have_no_rare_half(data):
    X, y = data
    rows = np.concatenate([np.flatnonzero(y == label)[:10] for label in LABELS])
    net = NetClassifier(max_epochs=1, random_state=0).fit(X[rows], y[rows])
    message = r"no row of an under-represented class: .*\[10, 10, 10, 10\].*rows='all'"
    with pytest.raises(ValueError, match=message):
        robust_accuracy(net, X, y, rows="under_represented", **ATTACK)


def test_rows_without_a_rare_class(net, data):
    X, y = data
    rows = y == "common"
    with pytest.raises(ValueError, match="y has no row of an under-represented class"):
        robust_accuracy(net, X[rows], y[rows], rows="under_represented", **ATTACK)


# --- The scorer ----------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["all", "under_represented"])
def test_the_scorer_is_the_metric(net, data, rows):
    scorer = make_robust_scorer(rows=rows, norm="l2", attack_steps=3, **ATTACK)
    expected = robust_accuracy(
        net, *data, rows=rows, norm="l2", attack_steps=3, **ATTACK
    )
    assert scorer(net, *data) == expected
    again = pickle.loads(pickle.dumps(scorer))
    assert again(net, *data) == expected
    assert repr(again) == repr(scorer)


def test_the_scorer_shows_its_parameters():
    shown = repr(make_robust_scorer(eps=0.1, rows="under_represented", norm="l2"))
    assert shown.startswith("make_robust_scorer(eps=0.1, ")
    assert "rows='under_represented'" in shown
    assert "norm='l2'" in shown
    scorer = eval(shown, {"make_robust_scorer": make_robust_scorer})
    assert repr(scorer) == shown


def test_cross_validation(data):
    net = NetClassifier(max_epochs=3, random_state=0)
    robust = make_robust_scorer(**ATTACK)
    found = cross_val_score(net, *data, scoring=robust, cv=2, error_score="raise")
    scores = cross_validate(
        net,
        *data,
        scoring={
            "robust": robust,
            "rare": make_robust_scorer(rows="under_represented", **ATTACK),
            "clean": make_robust_scorer(eps=0),
            "accuracy": "accuracy",
        },
        cv=2,
        error_score="raise",
    )
    np.testing.assert_array_equal(found, scores["test_robust"])
    np.testing.assert_array_equal(scores["test_clean"], scores["test_accuracy"])
    assert (scores["test_robust"] <= scores["test_accuracy"]).all()
    assert ((scores["test_rare"] >= 0) & (scores["test_rare"] <= 1)).all()


@pytest.mark.slow
def test_grid_search_selects_the_robust_net():
    """One strong signal beside many faint ones, which a shift within eps undoes."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    X = rng.normal(scale=0.05, size=(200, 11)).astype(np.float32)
    X += 0.1 * (2 * y[:, None] - 1)
    X[:, 0] = np.where(rng.uniform(size=200) < 0.9, 3, -3) * (2 * y - 1)
    search = GridSearchCV(
        AdversarialClassifier(max_epochs=10, lr=0.01, random_state=0),
        {"eps": [0.0, 0.3]},
        scoring=make_robust_scorer(eps=0.3, random_state=0),
        cv=2,
        refit=False,
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_ == {"eps": 0.3}
    robust = search.cv_results_["mean_test_score"]
    assert robust[1] > robust[0] + 0.1


def test_pipelines_can_be_scored(data):
    scorer = make_robust_scorer(attack="square", queries=10, **ATTACK)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    scores = cross_val_score(pipeline, *data, scoring=scorer, error_score="raise")
    assert ((scores > 0) & (scores < 1)).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rows": "per_class"}, "A scorer gives one number, and rows='per_class' one"),
        ({"rows": "some"}, "rows must be one of .* got 'some'"),
        ({"eps": -1}, "eps must be finite and at least 0, got -1"),
        ({"norm": "l1"}, "norm must be one of"),
        ({"eps_unit": "sd"}, "eps_unit must be one of"),
        ({"step_size": -1}, "step_size must be finite"),
        ({"attack": "fgsm"}, "attack must be one of .* got 'fgsm'"),
        (
            {"attack_steps": -1},
            "attack_steps must be a whole .* 0, got -1",
        ),
    ],
)
def test_a_scorer_is_refused_when_it_is_made(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_robust_scorer(**{"eps": 0.1, **parameters})
