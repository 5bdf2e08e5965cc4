"""What all displays have in common."""

import copy
import io
import pickle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import imbdeep.displays
from imbdeep.displays import (
    LearningCurveDisplay,
    PrecisionRecallDisplay,
    ReliabilityDisplay,
    ThresholdDisplay,
)
from imbdeep.displays._axes import escaped

OF_ROWS = [PrecisionRecallDisplay, ReliabilityDisplay]
OF_PREDICTIONS = [*OF_ROWS, ThresholdDisplay]


def learning_curve(_=None):
    losses = pd.DataFrame({"train_loss": [0.9, 0.5], "valid_loss": [1.0, 0.7]}, [1, 2])
    scores = pd.DataFrame({"valid_g_mean": [0.1, 0.4]}, [1, 2])
    return LearningCurveDisplay(losses, scores, best_epoch=2, name="net").plot()


MAKERS = {
    cls.__name__: lambda p, cls=cls: cls.from_predictions(*p) for cls in OF_PREDICTIONS
}
MAKERS["LearningCurveDisplay"] = learning_curve


def test_all_are_tried():
    assert set(MAKERS) == set(imbdeep.displays.__all__)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_they_draw_again_elsewhere(make, predictions):
    display = make(predictions)
    first = display.line_
    assert first in display.ax_.lines
    assert display.figure_ is display.ax_.figure
    assert display.figure_ in map(plt.figure, plt.get_fignums())
    _, (left, right) = plt.subplots(1, 2)
    assert display.plot(ax=right) is display
    assert display.ax_ is right
    assert not left.lines
    np.testing.assert_array_equal(display.line_.get_ydata(), first.get_ydata())


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_pickles_and_copies(make, predictions):
    display = make(predictions)
    for again in (pickle.loads(pickle.dumps(display)), copy.deepcopy(display)):
        expected = display.line_.get_ydata()
        np.testing.assert_array_equal(again.plot().line_.get_ydata(), expected)


def luminance(color):
    return sum(to_rgb(color)) / 3


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_lines_are_seen_on_any_background(make, predictions, style):
    with plt.style.context(style):
        figure = make(predictions).figure_
        background = luminance(plt.rcParams["axes.facecolor"])
        drawn = [line for panel in figure.axes for line in panel.lines]
        assert len(drawn) >= 2
        for line in drawn:
            own = luminance(line.get_color())
            opacity = line.get_alpha() or 1
            assert abs(own - background) * opacity > 0.19, line


@pytest.mark.parametrize("cls", OF_PREDICTIONS)
def test_bands_have_the_colour_of_their_line(cls, predictions):
    display = cls.from_predictions(*predictions, curve_kwargs={"color": "tab:red"})
    (color,) = display.band_.get_facecolor()
    assert display.line_.get_color() == "tab:red"
    np.testing.assert_allclose(color[:3], to_rgb("tab:red"))
    assert color[3] < 0.5


@pytest.mark.parametrize("cls", OF_PREDICTIONS)
def test_names_and_labels_are_text(cls, predictions):
    y, proba = predictions
    named = np.array(["no $", "yes $5"])[y]
    display = cls.from_predictions(named, proba, name="from $5 to $9 (a_b)")
    display.figure_.canvas.draw()
    entries = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert any(entry.startswith(r"from \$5 to \$9 (a_b)") for entry in entries)
    # The axis tells the positive one.
    display = cls.from_predictions(np.array(["no", "yes"])[y], proba, pos_label="yes")
    assert "'yes'" in display.ax_.get_xlabel()


@pytest.mark.parametrize("label", ["$x^$", "$5", r"\$x^$"])
@pytest.mark.parametrize("cls", OF_PREDICTIONS)
def test_positive_classes_are_text(cls, label, predictions):
    y, proba = predictions
    named = np.array(["none", label], dtype=object)[y]
    display = cls.from_predictions(named, proba, pos_label=label)
    display.figure_.savefig(io.BytesIO())
    assert escaped(repr(label)) in display.ax_.get_xlabel()


def test_scores_are_text():
    scores = pd.DataFrame({"valid_$x^$": [0.1, 0.4]}, [1, 2])
    losses = pd.DataFrame({"train_loss": [0.9, 0.5]}, [1, 2])
    display = LearningCurveDisplay(losses, scores).plot()
    display.figure_.savefig(io.BytesIO())
    assert display.score_ax_.get_ylabel() == r"\$x^\$"


@pytest.mark.parametrize("cls", OF_PREDICTIONS)
def test_a_reference_is_drawn_once(cls, predictions):
    display = cls.from_predictions(*predictions, name="first")
    n_lines = len(display.ax_.lines)
    again = cls.from_predictions(*predictions, name="second", ax=display.ax_)
    marks = int(cls is ThresholdDisplay)  # a point on the curve
    assert len(again.ax_.lines) == n_lines + 1 + marks
    entries = [text.get_text() for text in again.ax_.get_legend().get_texts()]
    assert len(entries) == len(set(entries)) == 3


@pytest.mark.parametrize("cls", OF_PREDICTIONS)
def test_rows_that_no_fold_held_out_are_left_out(cls, predictions):
    y, proba = predictions
    gaps = proba.copy()
    gaps[::7] = np.nan
    held_out = ~np.isnan(gaps)
    display = cls.from_predictions(y, gaps)
    expected = cls.from_predictions(y[held_out], proba[held_out])
    np.testing.assert_array_equal(display.line_.get_ydata(), expected.line_.get_ydata())


@pytest.mark.parametrize("cls", OF_ROWS)
def test_from_estimator(cls):
    X, y = make_classification(300, weights=[0.8], random_state=0)
    named = np.array(["rare", "usual"])[1 - y]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, named)
    display = cls.from_estimator(model, X, named, pos_label="rare", name="mine")
    proba = model.predict_proba(X)[:, 0]
    expected = cls.from_predictions(y, proba)
    np.testing.assert_array_equal(display.line_.get_ydata(), expected.line_.get_ydata())
    assert display.pos_label == "rare"
    assert display.name == "mine"
    assert cls.from_estimator(model, X, named).pos_label == "usual"
    assert cls.from_estimator(model, X, named).name == "Pipeline"


@pytest.mark.parametrize("cls", OF_ROWS)
def test_three_classes_are_refused(cls):
    X, y = make_classification(60, n_classes=3, n_informative=4, random_state=0)
    with pytest.raises(ValueError, match="binary"):
        cls.from_estimator(LogisticRegression().fit(X, y), X, y)


@pytest.mark.parametrize("cls", OF_PREDICTIONS)
@pytest.mark.parametrize(
    ("y", "proba", "options", "message"),
    [
        ([0, 1], [0.1, 1.2], {}, r"must lie in \[0, 1\]"),
        ([0, 1], [0.1, 0.2, np.nan], {}, "inconsistent"),
        ([0, 1], [[0.9, 0.1], [0.8, 0.2]], {}, "1-D"),
        ([0, 1, 2], [0.1, 0.2, 0.3], {}, "two classes, got 3"),
        ([0, 1], [0.1, 0.2], {"confidence_level": 1}, "confidence_level must be"),
        ([0, 1], [0.1, 0.2], {"pos_label": "a"}, "pos_label='a' is not a class"),
    ],
)
def test_refused(cls, y, proba, options, message):
    with pytest.raises(ValueError, match=message):
        cls.from_predictions(y, proba, **options)
    assert not plt.get_fignums()


@pytest.mark.parametrize("cls", [PrecisionRecallDisplay, ThresholdDisplay])
def test_curves_of_one_class_are_refused(cls):
    with pytest.raises(ValueError, match="one class only"):
        cls.from_predictions([0, 0], [0.1, 0.2])
    with pytest.raises(ValueError, match="one class only"):
        cls.from_predictions([0, 1], [0.1, 0.2], sample_weight=[1, 0])
    with pytest.raises(ValueError, match="n_bootstraps must be"):
        cls.from_predictions([0, 1], [0.1, 0.2], n_bootstraps=-1)


@pytest.mark.parametrize("cls", [PrecisionRecallDisplay, ThresholdDisplay])
def test_bands_are_the_same_every_time_and_optional(cls, predictions):
    first, again = (cls.from_predictions(*predictions) for _ in range(2))
    np.testing.assert_array_equal(first.lower, again.lower)
    other = cls.from_predictions(*predictions, random_state=1)
    assert (first.lower != other.lower).any()
    without = cls.from_predictions(*predictions, n_bootstraps=0)
    assert without.band_ is without.lower is without.upper is None
    np.testing.assert_array_equal(without.line_.get_ydata(), first.line_.get_ydata())


@pytest.mark.parametrize("cls", [PrecisionRecallDisplay, ThresholdDisplay])
def test_whole_weights_are_copies(cls, predictions):
    y, proba = (part[:100] for part in predictions)
    times = np.random.RandomState(3).randint(3, size=100)
    rows = np.repeat(np.arange(100), times)
    weighted = cls.from_predictions(y, proba, sample_weight=times, n_bootstraps=0)
    copies = cls.from_predictions(y[rows], proba[rows], n_bootstraps=0)
    np.testing.assert_allclose(
        weighted.line_.get_ydata(), copies.line_.get_ydata(), atol=1e-12
    )
