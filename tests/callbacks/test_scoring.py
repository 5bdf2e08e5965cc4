"""Scoring callbacks of skorch see the labels of the user."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    get_scorer,
    make_scorer,
    recall_score,
)
from skorch.callbacks import BatchScoring, EpochScoring

from imbdeep.classifiers import CrowdLayerClassifier, NetClassifier, ReMixClassifier
from tests.common.slow import half_of

SMALL = {"max_epochs": 3, "n_bins": 4, "module__hidden_sizes": (8,), "random_state": 0}
LABELS = {
    "text": ["common", "rare"],
    "object": np.array(["common", "rare"], dtype=object),
    "1/2": [1, 2],
    "-1/1": [-1, 1],
    "bool": [False, True],
}


@pytest.fixture(scope="module")
def rows():
    return make_classification(120, 5, weights=[0.7], flip_y=0, random_state=0)


def by_labels(net, X, y):
    rare = net.classes_[1]
    return average_precision_score(y == rare, net.predict_proba(X)[:, 1])


def accuracy(net, X, y):
    return accuracy_score(y, net.predict(X))


def fit_all(rows, labels, scorings, cls=EpochScoring, **params):
    """A net with a callback for each scoring, by name."""
    X, codes = rows
    y = np.asarray(labels)[codes]
    callbacks = [
        (name, cls(scoring, name=name, lower_is_better=False, **params))
        for name, scoring in scorings.items()
    ]
    # The last epoch is the one that predicts, and dropout is off.
    net = NetClassifier(
        callbacks=callbacks, early_stopping=False, module__dropout=0.0, **SMALL
    )
    return net.fit(X, y, eval_set=(X, y)), y


def fit(rows, labels, scoring, caching=True, cls=EpochScoring):
    return fit_all(rows, labels, {"score": scoring}, cls, use_caching=caching)


SCORINGS = {
    **{s: s for s in ("accuracy", "roc_auc", "f1_macro", "neg_log_loss")},
    "default": None,
    "own accuracy": accuracy,
    "by labels": by_labels,
    "metric": balanced_accuracy_score,
}


@half_of(labels=LABELS, caching=[True, False], on_train=[True, False])
def test_names_and_callables(rows, labels, caching, on_train):
    net, y = fit_all(
        rows, LABELS[labels], SCORINGS, use_caching=caching, on_train=on_train
    )
    for name, scoring in SCORINGS.items():
        recorded = net.history[-1, name]
        assert np.isfinite(recorded), name
        if on_train and caching:
            continue  # of the weights during the epoch
        if scoring is balanced_accuracy_score:
            expected = balanced_accuracy_score(y, net.predict(rows[0]))
        elif scoring is None:
            expected = net.score(rows[0], y)
        else:
            scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
            expected = scorer(net, rows[0], y)
        assert recorded == pytest.approx(expected, abs=1e-6), name


@half_of(labels=LABELS, caching=[True, False], positive=[0, 1])
def test_a_scorer_that_names_its_label(rows, labels, caching, positive):
    labels = LABELS[labels]
    scorer = make_scorer(f1_score, pos_label=labels[positive], zero_division=0.0)
    net, y = fit(rows, labels, scorer, caching)
    expected = f1_score(
        y, net.predict(rows[0]), pos_label=labels[positive], zero_division=0.0
    )
    assert net.history[-1, "score"] == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:Note that pos_label")
@pytest.mark.parametrize("positive", [0, 1])
def test_a_scorer_of_some_labels(rows, positive):
    label = LABELS["text"][positive]
    scorer = make_scorer(recall_score, labels=[label], average="macro", pos_label=label)
    net, y = fit(rows, LABELS["text"], scorer)
    expected = np.mean(net.predict(rows[0])[y == label] == label)
    assert net.history[-1, "score"] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["f1", "average_precision", "recall"])
def test_scores_of_one_class_by_name(rows, name):
    # With text labels the second is the positive one, as elsewhere in scikit-learn.
    X, _ = rows
    text, _ = fit(rows, LABELS["text"], name)
    plain, _ = fit(rows, [0, 1], name)
    assert text.history[:, "score"] == plain.history[:, "score"]
    # 1 means the label, not the position.
    numbers, y = fit(rows, LABELS["1/2"], name)
    expected = get_scorer(name)(numbers, X, y)
    assert numbers.history[-1, "score"] == pytest.approx(expected)


@pytest.mark.parametrize("scoring", ["accuracy", by_labels], ids=["name", "callable"])
def test_batch_scoring(rows, scoring):
    net, y = fit(rows, LABELS["text"], scoring, cls=BatchScoring)
    # The validation rows are one batch.
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    expected = scorer(net, rows[0], y)
    assert net.history[-1, "score"] == pytest.approx(expected, abs=1e-6)


def test_three_classes():
    X, codes = make_classification(150, 6, n_informative=4, n_classes=3, random_state=0)
    y = np.array(["a", "b", "c"])[codes]
    scores = {
        "f1_macro": "f1_macro",
        "roc_auc": "roc_auc_ovr",
        "recall_c": make_scorer(recall_score, labels=["c"], average="macro"),
    }
    net = NetClassifier(
        callbacks=[(n, EpochScoring(s, name=n)) for n, s in scores.items()],
        early_stopping=False,
        **SMALL,
    ).fit(X, y, eval_set=(X, y))
    for name, scoring in scores.items():
        scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
        assert net.history[-1, name] == pytest.approx(scorer(net, X, y), abs=1e-6)


def test_labels_of_one_annotator_and_of_many(rows):
    X, codes = rows
    y = np.array(LABELS["text"])[codes]
    for target in (y, np.column_stack([y, y, y])):
        net = CrowdLayerClassifier(
            callbacks=[("score", EpochScoring(by_labels, name="score"))],
            early_stopping=False,
            **SMALL,
        ).fit(X, target, eval_set=(X, y))
        expected = by_labels(net, X, y)
        assert net.history[-1, "score"] == pytest.approx(expected, abs=1e-6)


def test_validation_rows_where_training_rows_are_mixed(rows):
    X, codes = rows
    y = np.array(LABELS["text"])[codes]
    net = ReMixClassifier(
        callbacks=[("score", EpochScoring(by_labels, name="score"))],
        early_stopping=False,
        **SMALL,
    ).fit(X, y, eval_set=(X, y))
    assert net.history[-1, "score"] == pytest.approx(by_labels(net, X, y), abs=1e-6)


def test_the_callback_of_the_user_keeps_its_parameters_and_pickles(rows):
    net, y = fit(rows, LABELS["text"], by_labels)
    [(_, callback)] = net.callbacks
    assert callback.scoring is by_labels
    again = pickle.loads(pickle.dumps(net)).partial_fit(
        rows[0], y, eval_set=(rows[0], y)
    )
    assert again.history[-1, "score"] == pytest.approx(
        by_labels(again, rows[0], y), abs=1e-6
    )


def test_the_net_speaks_labels_again_after_a_scorer_has_failed(rows):
    def fails(net, X, y):
        assert net.classes_.tolist() == LABELS["text"]
        raise RuntimeError("no score")

    with pytest.raises(RuntimeError, match="no score"):
        fit(rows, LABELS["text"], fails)
