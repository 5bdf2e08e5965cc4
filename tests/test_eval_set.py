"""Validation rows in two arguments, which pipelines transform."""

import imblearn.pipeline
import numpy as np
import pandas as pd
import pytest
import sklearn
import sklearn.pipeline
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.preprocessing import StandardScaler

from imbdeep._nets.eval_set import read_eval_set
from imbdeep.classifiers import InferThenFit, NetClassifier

from .common.estimators import CLASSIFIERS, each
from .common.nets import GOING_ON

SHORT = {
    "max_epochs": 2,
    "batch_size": 32,
    "pretrain_epochs": 1,
    "warmup_epochs": 1,
    "decoder_epochs": 1,
}


def short(estimator):
    known = estimator.get_params(deep=False)
    return clone(estimator).set_params(**{k: v for k, v in SHORT.items() if k in known})


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(90, 5, weights=[0.7], flip_y=0, random_state=0)
    return 100 * X[:60], y[:60], 100 * X[60:], y[60:]


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# --- Two arguments, or one pair ------------------------------------------------------


@pytest.mark.parametrize("name", each(GOING_ON))
def test_two_arguments_are_the_pair(name, data):
    X, y, X_valid, y_valid = data
    one = short(CLASSIFIERS[name]).fit(X, y, eval_set=(X_valid, y_valid))
    two = short(CLASSIFIERS[name]).fit(X, y, eval_X=X_valid, eval_y=y_valid)
    assert_array_equal(two.predict_proba(X), one.predict_proba(X))
    losses = [net.history[:, "valid_loss"] for net in (one, two)]
    assert losses[0] == losses[1]
    aside = short(CLASSIFIERS[name]).fit(X, y)
    assert "valid_loss" not in aside.history[-1] or (
        aside.history[:, "valid_loss"] != losses[0]
    )
    one.partial_fit(X, y, eval_set=(X_valid, y_valid))
    two.partial_fit(X, y, eval_X=X_valid, eval_y=y_valid)
    assert_array_equal(two.predict_proba(X), one.predict_proba(X))


ROWS, LABELS = np.zeros((4, 5)), np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"eval_X": ROWS}, "eval_X came without eval_y. Pass both"),
        ({"eval_y": LABELS}, "eval_y came without eval_X. Pass both"),
        (
            {"eval_set": (ROWS, LABELS), "eval_X": ROWS, "eval_y": LABELS},
            "two ways to pass the same",
        ),
        ({"eval_set": [(ROWS, LABELS)]}, r"list of 1 pair.*eval_set=\(X_valid, y_val"),
        ({"eval_set": [(ROWS, LABELS)] * 2}, "list of 2 pair"),
        ({"eval_set": ((ROWS, LABELS), (ROWS, LABELS))}, "list of 2 pair"),
        ({"eval_set": [(pd.DataFrame(ROWS), LABELS)] * 2}, "list of 2 pair"),
        ({"eval_set": [(ROWS.tolist(), LABELS.tolist())] * 2}, "list of 2 pair"),
        ({"eval_set": [(ROWS, LABELS)] * 3}, "list of 3 pair"),
        ({"eval_set": {"valid": (ROWS, LABELS)}}, "must be a pair .*got dict of 1"),
        ({"eval_set": ROWS}, "must be a pair .*got ndarray of 4"),
        ({"eval_set": (ROWS, LABELS, LABELS)}, "must be a pair .*got tuple of 3"),
        ({"eval_set": 5}, "must be a pair .*got int"),
        ({"eval_X": [ROWS], "eval_y": [LABELS]}, "one in a list.*eval_X=X_valid"),
        ({"eval_X": (ROWS, ROWS), "eval_y": (LABELS, LABELS)}, "list several sets"),
        ({"eval_X": [pd.DataFrame(ROWS)], "eval_y": [pd.Series(LABELS)]}, "in a list"),
        ({"eval_X": [ROWS], "eval_y": LABELS}, "list several sets"),
        ({"eval_X": ROWS, "eval_y": [LABELS.tolist()]}, "list several sets"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("name", ["net", "iced", "meta-augment"])
def test_what_is_no_validation_set(name, method, data, arguments, message):
    net = short(CLASSIFIERS[name])
    with pytest.raises(ValueError, match=message):
        getattr(net, method)(*data[:2], **arguments)
    assert not hasattr(net, "module_")


@pytest.mark.parametrize(
    "pair",
    [
        (ROWS[:2], LABELS[:2]),
        [ROWS[:2], LABELS[:2]],
        (ROWS[:2, :2].tolist(), [0, 1]),
        ([[[1.0, 2.0], [3.0, 4.0]]] * 2, [0, 1]),
        (pd.DataFrame(ROWS[:2]), ("a", "b")),
    ],
)
def test_pairs_of_two_rows_are_pairs(pair):
    for X, y in (read_eval_set(pair, None, None), read_eval_set(None, *pair)):
        assert X is pair[0] and y is pair[1]


@pytest.mark.parametrize(
    ("eval_X", "eval_y"),
    [
        (list(ROWS), list(LABELS)),
        (list(torch.tensor(ROWS)), list(torch.tensor(LABELS))),
        ([np.zeros((8, 8))] * 4, LABELS),
        (ROWS, [[0], [1], [0], [1]]),
        (ROWS, ["healthy", "ill", "ill", "healthy"]),
    ],
)
def test_rows_in_a_list_are_one_set(eval_X, eval_y):
    X, y = read_eval_set(None, eval_X, eval_y)
    assert X is eval_X and y is eval_y


# --- Pipelines -----------------------------------------------------------------------


@pytest.mark.parametrize("package", [sklearn, imblearn])
@pytest.mark.parametrize("name", each(GOING_ON))
def test_a_pipeline_transforms_the_validation_rows(name, package, data, routing):
    X, y, X_valid, y_valid = data
    net = short(CLASSIFIERS[name]).set_fit_request(eval_X=True, eval_y=True)
    pipeline = package.pipeline.Pipeline(
        [("scale", StandardScaler()), ("net", net)], transform_input=["eval_X"]
    )
    pipeline.fit(X, y, eval_X=X_valid, eval_y=y_valid)
    scaler = StandardScaler().fit(X)
    by_hand = short(CLASSIFIERS[name]).fit(
        scaler.transform(X), y, eval_set=(scaler.transform(X_valid), y_valid)
    )
    fitted = pipeline["net"]
    assert fitted.history[:, "valid_loss"] == by_hand.history[:, "valid_loss"]
    assert_array_equal(
        pipeline.predict_proba(X), by_hand.predict_proba(scaler.transform(X))
    )
    unscaled = short(CLASSIFIERS[name]).fit(
        scaler.transform(X), y, eval_set=(X_valid, y_valid)
    )
    assert fitted.history[:, "valid_loss"] != unscaled.history[:, "valid_loss"]


def test_any_classifier_on_inferred_labels_gets_them(data, routing):
    X, y, X_valid, y_valid = data
    net = short(CLASSIFIERS["net"]).set_fit_request(eval_X=True, eval_y=True)
    model = InferThenFit(estimator=net)
    pipeline = sklearn.pipeline.Pipeline(
        [("scale", StandardScaler()), ("model", model)], transform_input=["eval_X"]
    )
    annotations = np.column_stack([y, y])
    pipeline.fit(X, annotations, eval_X=X_valid, eval_y=y_valid)
    scaler = StandardScaler().fit(X)
    by_hand = short(CLASSIFIERS["net"]).fit(
        scaler.transform(X), y, eval_set=(scaler.transform(X_valid), y_valid)
    )
    assert_array_equal(
        pipeline.predict_proba(X), by_hand.predict_proba(scaler.transform(X))
    )


# --- Cross-validation ----------------------------------------------------------------


def test_cross_validation_and_search_hand_them_on(data, routing):
    X, y, X_valid, y_valid = data
    net = short(CLASSIFIERS["net"]).set_fit_request(eval_X=True, eval_y=True)
    pipeline = sklearn.pipeline.Pipeline(
        [("scale", StandardScaler()), ("net", net)], transform_input=["eval_X"]
    )
    rows = {"eval_X": X_valid, "eval_y": y_valid}
    folds = cross_validate(
        pipeline, X, y, cv=2, params=rows, return_estimator=True, return_indices=True
    )
    for fitted, train in zip(
        folds["estimator"], folds["indices"]["train"], strict=True
    ):
        scaler = StandardScaler().fit(X[train])
        by_hand = short(CLASSIFIERS["net"]).fit(
            scaler.transform(X[train]),
            y[train],
            eval_set=(scaler.transform(X_valid), y_valid),
        )
        assert (
            fitted["net"].history[:, "valid_loss"] == (by_hand.history[:, "valid_loss"])
        )
    search = GridSearchCV(pipeline, {"net__lr": [0.01, 0.03]}, cv=2)
    search.fit(X, y, **rows)
    scaler = StandardScaler().fit(X)
    by_hand = short(CLASSIFIERS["net"]).set_params(lr=search.best_params_["net__lr"])
    by_hand.fit(scaler.transform(X), y, eval_set=(scaler.transform(X_valid), y_valid))
    assert_array_equal(
        search.predict_proba(X), by_hand.predict_proba(scaler.transform(X))
    )


def test_cross_validation_without_routing(data):
    X, y, X_valid, y_valid = data
    folds = cross_validate(
        short(CLASSIFIERS["net"]),
        X,
        y,
        cv=2,
        params={"eval_X": X_valid, "eval_y": y_valid},
        return_estimator=True,
        return_indices=True,
    )
    train = folds["indices"]["train"][0]
    by_hand = short(CLASSIFIERS["net"]).fit(
        X[train], y[train], eval_set=(X_valid, y_valid)
    )
    assert (
        folds["estimator"][0].history[:, "valid_loss"]
        == (by_hand.history[:, "valid_loss"])
    )


def test_a_request_is_needed_where_metadata_are_routed(data, routing):
    X, y, X_valid, y_valid = data
    pipeline = sklearn.pipeline.make_pipeline(StandardScaler(), NetClassifier())
    with pytest.raises(ValueError, match="eval_X"):
        pipeline.fit(X, y, eval_X=X_valid, eval_y=y_valid)
