import numpy as np
import pandas as pd
import pytest
from matplotlib.cbook import STEP_LOOKUP_MAP
from scipy import sparse
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
    assert len(thresholds) == 402  # The rows, and both ends.
    for place in (*range(0, 402, 80), 399):
        expected = METRICS[metric](y, (proba >= thresholds[place]).astype(int))
        assert display.scores[place] == pytest.approx(expected, nan_ok=True)
    in_order = display.lower <= display.upper
    assert in_order[~np.isnan(display.lower)].all()


def drawn_at(thresholds, x, y):
    """Heights of an outline over thresholds at which it is level, from low to high."""
    parts = list(zip(x[:-1], x[1:], y[:-1], y[1:], strict=True))
    return [
        sorted({a for v, w, a, b in parts if a == b and min(v, w) < t < max(v, w)})
        for t in thresholds
    ]


def outline(line):
    """Corners of a line as it is drawn."""
    return STEP_LOOKUP_MAP[line.get_drawstyle()](*line.get_data())


def test_a_curve_of_five_rows():
    y, proba = [0, 0, 0, 1, 1], [0.05, 0.1, 0.2, 0.3, 0.9]
    display = ThresholdDisplay.from_predictions(y, proba, metric="f1", n_bootstraps=0)
    by_hand = {
        0.02: 4 / 7, 0.07: 2 / 3, 0.12: 4 / 5, 0.19: 4 / 5, 0.21: 1, 0.29: 1,
        0.31: 2 / 3, 0.35: 2 / 3, 0.42: 2 / 3, 0.85: 2 / 3, 0.89: 2 / 3, 0.91: 0,
    }  # fmt: skip
    found = drawn_at(by_hand, *outline(display.line_))
    np.testing.assert_allclose(found, [[value] for value in by_hand.values()])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("levels", [7, 1000])
def test_the_drawn_line_is_the_metric(metric, levels):
    """Also with rows of equal probability, and of probability 0 and 1."""
    rng = np.random.RandomState(levels)
    y = (rng.uniform(size=40) < 0.4).astype(int)
    proba = np.r_[0, 1, np.round(rng.uniform(size=38) * levels) / levels]
    display = ThresholdDisplay.from_predictions(y, proba, metric=metric, n_bootstraps=0)
    thresholds = np.setdiff1d(rng.uniform(size=40), proba)
    found = drawn_at(thresholds, *outline(display.line_))
    expected = [METRICS[metric](y, (proba >= t).astype(int)) for t in thresholds]
    np.testing.assert_allclose(found, np.array(expected)[:, None], atol=1e-12)


@pytest.mark.parametrize("metric", ["f1", "precision"])
def test_the_drawn_band_is_that_of_drawn_rows(metric):
    rng = np.random.RandomState(1)
    y, proba = np.repeat([0, 1], [20, 10]), rng.uniform(size=30).round(2)
    display = ThresholdDisplay.from_predictions(
        y, proba, metric=metric, n_bootstraps=9, confidence_level=0.5
    )
    state = np.random.RandomState(0)
    positive = [state.choice(np.arange(20, 30), 10) for _ in range(9)]
    negative = [state.choice(np.arange(20), 20) for _ in range(9)]
    draws = [np.concatenate(both) for both in zip(positive, negative, strict=True)]
    (path,) = display.band_.get_paths()
    top = max(proba[rows].max() for rows in draws)
    thresholds = np.setdiff1d(np.linspace(0.003, top - 0.003, 15), proba)
    for threshold, found in zip(
        thresholds, drawn_at(thresholds, *path.vertices.T), strict=True
    ):
        called = (proba >= threshold).astype(int)
        scores = [METRICS[metric](y[rows], called[rows]) for rows in draws]
        expected = np.nanquantile(scores, [0.25, 0.75])
        np.testing.assert_allclose([found[0], found[-1]], expected, atol=1e-12)


@pytest.mark.parametrize("metric", ["f1", "balanced_accuracy"])
def test_of_many_rows_the_drawn_line_is_a_few_rows_off_at_most(metric):
    rng = np.random.RandomState(0)
    y = (rng.uniform(size=6000) < 0.1).astype(int)
    proba = np.clip(rng.normal(0.3 + 0.2 * y, 0.15), 0, 1)
    display = ThresholdDisplay.from_predictions(y, proba, metric=metric, n_bootstraps=0)
    assert len(display.thresholds) < 1100
    kept = display.thresholds[100:900:100]
    expected = [METRICS[metric](y, (proba >= t).astype(int)) for t in kept]
    np.testing.assert_allclose(display.scores[100:900:100], expected)
    thresholds = np.setdiff1d(rng.uniform(0.05, 0.95, size=40), display.thresholds)
    found = np.ravel(drawn_at(thresholds, *outline(display.line_)))
    expected = [METRICS[metric](y, (proba >= t).astype(int)) for t in thresholds]
    np.testing.assert_allclose(found, expected, atol=0.01)


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


def test_the_positive_class_is_that_of_the_fit(table):
    X, y = table
    learners = [("linear", LogisticRegression())]
    model = ImbalancedClassifier(learners, threshold="f1", random_state=0).fit(X, y)
    expected = ThresholdDisplay.from_estimator(model, metric="f1")
    model.set_params(pos_label=0)
    display = ThresholdDisplay.from_estimator(model, metric="f1")
    assert (display.pos_label, display.threshold) == (1, model.threshold_)
    np.testing.assert_array_equal(display.scores, expected.scores)
    other = ThresholdDisplay.from_estimator(model, metric="f1", pos_label=0)
    assert other.score == pytest.approx(other.scores.max())
    # Decided anew, it is the other one.
    model.set_threshold("f1")
    display = ThresholdDisplay.from_estimator(model, metric="f1")
    assert (display.pos_label, display.threshold) == (0, model.threshold_)


def test_rows_are_refused(table, blend):
    X, y = table
    for arguments, options in [((X, y), {}), ((y,), {"X": X}), ((), {"X": X, "y": y})]:
        with pytest.raises(TypeError, match="y alone, and no X.* those of the fit"):
            ThresholdDisplay.from_estimator(blend, *arguments, **options)
    tables = {"array": X, "frame": pd.DataFrame(X), "sparse": sparse.csr_array(X)}
    for rows in tables.values():
        with pytest.raises(ValueError, match=r"shape \(200, 20\).* y alone, and no X"):
            ThresholdDisplay.from_estimator(blend, rows)
    with pytest.raises(ValueError, match="type 'continuous'.* y alone, and no X"):
        ThresholdDisplay.from_estimator(blend, X[:, 0])


def test_labels_of_other_rows_are_refused(table, blend):
    _, y = table
    other = y.copy()
    other[[3, 70]] = 1 - other[[3, 70]]
    with pytest.raises(ValueError, match="oof_y_, in 2 of 200 rows"):
        ThresholdDisplay.from_estimator(blend, other)
    with pytest.raises(ValueError, match=r"y holds 'a', .* are \[0, 1\]"):
        ThresholdDisplay.from_estimator(blend, np.array(["b", "a"])[y].tolist()[::-1])
    expected = ThresholdDisplay.from_estimator(blend).scores
    alike = [y.tolist(), y.astype(float), pd.Series(y), pd.DataFrame({"y": y}), y == 1]
    for same in alike:
        found = ThresholdDisplay.from_estimator(blend, same).scores
        np.testing.assert_array_equal(found, expected)


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
