import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.history import History

from imbdeep.classifiers import LDAMClassifier, NetClassifier
from imbdeep.displays import LearningCurveDisplay

QUICK = {"module__hidden_sizes": (8,), "n_bins": 4, "random_state": 0}


@pytest.fixture(scope="module")
def table():
    return make_classification(200, weights=[0.7], random_state=0)


def fit(table, cls=NetClassifier, **params):
    return cls(**{"max_epochs": 6, "early_stopping": True} | QUICK | params).fit(*table)


def drawn(display, entry):
    line = display.lines_[entry]
    return line.get_xdata(), line.get_ydata()


# --- The table -----------------------------------------------------------------------


def test_the_frame_holds_what_epochs_recorded(table):
    net = fit(table)
    frame = net.history_frame_
    assert type(net.history_) is History
    assert frame.index.name == "epoch"
    assert frame.index.tolist() == list(range(1, 7))
    recorded = {k for k in net.history_[0] if k not in ("epoch", "batches")}
    assert set(frame.columns) == recorded
    for name in recorded:
        assert frame[name].tolist() == net.history_[:, name]
    assert frame["train_loss"].dtype == float
    assert frame["valid_loss_best"].dtype == bool


def test_the_frame_after_pickling_and_a_search(table):
    net = fit(table, max_epochs=2)
    again = pickle.loads(pickle.dumps(net))
    pd.testing.assert_frame_equal(again.history_frame_, net.history_frame_)
    search = GridSearchCV(
        NetClassifier(max_epochs=2, **QUICK), {"lr": [1e-3, 1e-2]}, cv=2
    ).fit(*table)
    assert len(search.best_estimator_.history_frame_) == 2


def test_there_is_no_frame_before_a_fit():
    with pytest.raises(NotFittedError):
        NetClassifier().history_frame_  # noqa: B018
    assert not hasattr(NetClassifier(), "history_frame_")


def test_the_frame_goes_on_with_the_training(table):
    net = fit(table, max_epochs=2)
    net.partial_fit(*table)
    assert net.history_frame_.index.tolist() == [1, 2, 3, 4]
    # A user may drop old epochs.
    net.history[:] = net.history[-1:]
    net.partial_fit(*table)
    assert net.history_frame_.index.tolist() == [1, 2, 3]


# --- The picture ---------------------------------------------------------------------


@pytest.mark.parametrize("cls", [NetClassifier, LDAMClassifier])
def test_losses_scores_and_the_best_epoch(table, cls):
    split = {"train_split": "stratified", "patience": 2}
    net = fit(table, cls, max_epochs=12, **split)
    display = LearningCurveDisplay.from_estimator(net)
    assert list(display.lines_) == [
        "train_loss",
        "valid_loss",
        "valid_average_precision",
    ]
    for entry in display.lines_:
        x, y = drawn(display, entry)
        assert x.tolist() == list(range(1, len(net.history) + 1))
        assert y.tolist() == net.history[:, entry]
    assert display.line_ is display.lines_["train_loss"]
    # The last of the epochs with the best score.
    scores = np.array(net.history[:, "valid_average_precision"])
    expected = np.flatnonzero(scores == scores.max())[-1] + 1
    assert set(display.best_epoch_line_.get_xdata()) == {expected}
    assert display.lines_["valid_average_precision"] in display.score_ax_.lines
    assert display.ax_.get_title() == cls.__name__


def test_scores_that_are_asked_for(table):
    net = fit(table)
    display = LearningCurveDisplay.from_estimator(
        net, scores=["g_mean", "valid_g_mean"]
    )
    assert list(display.lines_)[2:] == ["valid_g_mean"]
    display = LearningCurveDisplay.from_estimator(net, scores="balanced_accuracy")
    assert list(display.lines_)[2:] == ["valid_balanced_accuracy"]
    display = LearningCurveDisplay.from_estimator(net, scores=[])
    assert list(display.lines_) == ["train_loss", "valid_loss"]
    assert display.score_ax_ is None
    for unknown in ("accuracy", "loss", "g_mean_best"):
        with pytest.raises(ValueError, match=f"g_mean'.*history has, got '{unknown}'"):
            LearningCurveDisplay.from_estimator(net, scores=unknown)


@pytest.mark.parametrize("scoring", ["g_mean", "roc_auc"])
def test_the_score_is_the_one_of_early_stopping(table, scoring):
    net = fit(table, scoring=scoring, max_epochs=3)
    entry = {"g_mean": "valid_g_mean", "roc_auc": "valid_score"}[scoring]
    assert list(LearningCurveDisplay.from_estimator(net).lines_)[2:] == [entry]


def test_a_net_without_validation_rows(table):
    net = fit(table, train_split=None, early_stopping=False, max_epochs=3)
    display = LearningCurveDisplay.from_estimator(net)
    assert list(display.lines_) == ["train_loss"]
    assert display.best_epoch_line_ is display.score_ax_ is None


@pytest.mark.parametrize("refit", [False, True])
def test_members_that_hold_rows_out(table, refit):
    net = fit(table, n_members=5, member_holdout="folds", refit=refit, patience=2)
    display = LearningCurveDisplay.from_estimator(net)
    for entry in ("valid_loss", "valid_average_precision"):
        x, y = drawn(display, entry)
        np.testing.assert_array_equal(y, np.r_[net.oof_scores_[entry], y[len(x) :]])
        assert display.lines_[entry].get_label().startswith("out-of-fold")
    x, y = drawn(display, "train_loss")
    assert y[: len(net.history)].tolist() == net.history[:, "train_loss"]
    assert set(display.best_epoch_line_.get_xdata()) == {net.best_epoch_}


def test_a_pickled_net_draws_the_same(table):
    net = fit(table)
    again = LearningCurveDisplay.from_estimator(pickle.loads(pickle.dumps(net)))
    display = LearningCurveDisplay.from_estimator(net)
    assert again.best_epoch == display.best_epoch
    for entry in display.lines_:
        np.testing.assert_array_equal(drawn(again, entry), drawn(display, entry))


def test_refused(table):
    with pytest.raises(NotFittedError):
        LearningCurveDisplay.from_estimator(NetClassifier())
    pipeline = make_pipeline(StandardScaler(), NetClassifier(max_epochs=1, **QUICK))
    with pytest.raises(ValueError, match=r"Pipeline has no history.*its last step"):
        LearningCurveDisplay.from_estimator(pipeline.fit(*table))
