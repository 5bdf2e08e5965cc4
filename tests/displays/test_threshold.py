import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
)

from imbdeep import ImbalancedClassifier
from imbdeep.classifiers import NetClassifier
from imbdeep.displays import ThresholdDisplay


def g_mean(y, predicted):
    recalls = recall_score(y, predicted, average=None, labels=[0, 1])
    return np.sqrt(recalls.prod())


METRICS = {
    "balanced_accuracy": balanced_accuracy_score,
    "f1": lambda y, predicted: f1_score(y, predicted, zero_division=0),
    "g_mean": g_mean,
    "mcc": matthews_corrcoef,
    "precision": lambda y, p: precision_score(y, p, zero_division=np.nan),
    "recall": recall_score,
}


@pytest.mark.parametrize("metric", METRICS)
def test_the_curve_at_every_threshold(predictions, metric):
    y, proba = predictions
    display = ThresholdDisplay.from_predictions(y, proba, metric=metric)
    thresholds = display.line_.get_xdata()
    assert len(thresholds) == 401
    for place in (*range(0, 401, 80), 399):
        expected = METRICS[metric](y, (proba >= thresholds[place]).astype(int))
        assert display.scores[place] == pytest.approx(expected, nan_ok=True)
    in_order = display.lower <= display.upper
    assert in_order[~np.isnan(display.lower)].all()


@pytest.mark.parametrize("metric", METRICS)
def test_the_best_threshold_is_marked(predictions, metric):
    y, proba = predictions
    display = ThresholdDisplay.from_predictions(y, proba, metric=metric)
    if metric in ("precision", "recall"):
        assert display.threshold is display.threshold_line_ is None
        return
    assert display.score == pytest.approx(np.nanmax(display.scores))
    at = METRICS[metric](y, (proba >= display.threshold).astype(int))
    assert display.score == pytest.approx(at)
    assert set(display.threshold_line_.get_xdata()) == {display.threshold}


def test_any_threshold_may_be_marked(predictions):
    y, proba = predictions
    display = ThresholdDisplay.from_predictions(
        y, proba, metric="recall", threshold=0.3
    )
    assert display.score == recall_score(y, proba >= 0.3)
    with pytest.raises(ValueError, match="threshold must be"):
        ThresholdDisplay.from_predictions(y, proba, threshold=-0.1)
    with pytest.raises(ValueError, match="metric must be .*'g_mean'.* got 'auc'"):
        ThresholdDisplay.from_predictions(y, proba, metric="auc")


def test_the_band_is_that_of_drawn_rows(predictions):
    y, proba = predictions
    display = ThresholdDisplay.from_predictions(
        y, proba, metric="f1", n_bootstraps=30, confidence_level=0.6
    )
    state = np.random.RandomState(0)
    drawn = [
        [state.choice(np.flatnonzero(y == of), sum(y == of)) for _ in range(30)]
        for of in (1, 0)
    ]
    for place in (20, 150):
        called = (proba >= display.thresholds[place]).astype(int)
        scores = [
            f1_score(y[rows], called[rows])
            for rows in map(np.concatenate, zip(*drawn, strict=True))
        ]
        expected = np.quantile(scores, [0.2, 0.8])
        found = display.lower[place], display.upper[place]
        np.testing.assert_allclose(found, expected)


def test_metrics_on_the_same_axes(predictions):
    display = ThresholdDisplay.from_predictions(*predictions, metric="g_mean")
    assert display.ax_.get_ylabel() == "g-mean"
    ThresholdDisplay.from_predictions(*predictions, metric="g_mean", ax=display.ax_)
    assert display.ax_.get_ylabel() == "g-mean"
    ThresholdDisplay.from_predictions(*predictions, metric="recall", ax=display.ax_)
    assert display.ax_.get_ylabel() == "score"


# --- From classifiers that hold rows out ---------------------------------------------


@pytest.fixture(scope="module")
def table():
    return make_classification(200, weights=[0.8], flip_y=0.1, random_state=0)


@pytest.fixture(scope="module")
def blend(table):
    X, y = table
    learners = [("linear", LogisticRegression())]
    return ImbalancedClassifier(learners, threshold="f1", random_state=0).fit(X, y)


def test_a_blend_knows_its_labels_and_threshold(table, blend):
    _, y = table
    display = ThresholdDisplay.from_estimator(blend, metric="f1")
    assert display.threshold == blend.threshold_
    called = blend.oof_proba_[:, 1] >= blend.threshold_
    assert display.score == pytest.approx(f1_score(y, called))
    assert display.score == pytest.approx(display.scores.max())
    explicit = ThresholdDisplay.from_estimator(blend, y, metric="f1")
    np.testing.assert_array_equal(explicit.scores, display.scores)
    other = ThresholdDisplay.from_estimator(blend, metric="f1", threshold=0.9)
    assert other.threshold == 0.9


def test_the_positive_class_is_that_of_the_blend(table):
    X, y = table
    learners = [("linear", LogisticRegression())]
    model = ImbalancedClassifier(
        learners, threshold="f1", pos_label=0, random_state=0
    ).fit(X, y)
    display = ThresholdDisplay.from_estimator(model, metric="f1")
    assert (display.pos_label, display.threshold) == (0, model.threshold_)
    called = model.oof_proba_[:, 0] >= model.threshold_
    assert display.score == pytest.approx(
        f1_score(y, np.where(called, 0, 1), pos_label=0)
    )
    # Its threshold is not one of the other class.
    display = ThresholdDisplay.from_estimator(model, metric="f1", pos_label=1)
    assert display.score == pytest.approx(display.scores.max())
    with pytest.raises(ValueError, match=r"among \[0, 1\], got 'rare'"):
        ThresholdDisplay.from_estimator(model, pos_label="rare")


def test_weights_are_those_of_the_fit(table):
    X, y = table
    weight = np.random.RandomState(0).uniform(0.1, 3, len(y))
    learners = [("linear", LogisticRegression())]
    model = ImbalancedClassifier(learners, threshold="f1", random_state=0)
    model.fit(X, y, sample_weight=weight)
    display = ThresholdDisplay.from_estimator(model, metric="f1")
    called = model.oof_proba_[:, 1] >= model.threshold_
    expected = f1_score(y, called, sample_weight=weight)
    assert display.score == pytest.approx(expected)


def test_a_net_whose_members_hold_rows_out(table):
    X, y = table
    net = NetClassifier(
        n_members=2, member_holdout="bootstrap", max_epochs=3, random_state=0
    ).fit(X, y)
    display = ThresholdDisplay.from_estimator(net, y, metric="recall", n_bootstraps=3)
    judged = ~np.isnan(net.oof_proba_[:, 1])
    assert not judged.all()
    called = net.oof_proba_[judged, 1] >= display.thresholds[40]
    assert display.scores[40] == pytest.approx(recall_score(y[judged], called))
    with pytest.raises(ValueError, match="NetClassifier does not keep .* pass y"):
        ThresholdDisplay.from_estimator(net)
    with pytest.raises(ValueError, match="inconsistent"):
        ThresholdDisplay.from_estimator(net, y[:-1])


def test_what_holds_nothing_out_is_refused(table):
    X, y = table
    with pytest.raises(ValueError, match="LogisticRegression has no oof_proba_"):
        ThresholdDisplay.from_estimator(LogisticRegression().fit(X, y), y)
    with pytest.raises(NotFittedError):
        ThresholdDisplay.from_estimator(ImbalancedClassifier(), y)
    three = np.arange(len(y)) % 3
    model = ImbalancedClassifier([("linear", LogisticRegression())]).fit(X, three)
    with pytest.raises(ValueError, match="has 3 classes"):
        ThresholdDisplay.from_estimator(model)
