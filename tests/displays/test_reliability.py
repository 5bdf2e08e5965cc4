import numpy as np
import pytest
from scipy.stats import binom

from imbdeep.displays import ReliabilityDisplay
from imbdeep.displays._reliability import clopper_pearson
from imbdeep.metrics import calibration_bins, expected_calibration_error


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("n", [1, 20, 150])
def test_intervals_are_where_tails_are_small(n, level):
    """At its ends the observed number of positive rows is just not surprising."""
    positives = np.arange(n + 1)
    lower, upper = clopper_pearson(positives, np.full(n + 1, n), level)
    tail = (1 - level) / 2
    np.testing.assert_allclose(binom.sf(positives[1:] - 1, n, lower[1:]), tail)
    np.testing.assert_allclose(binom.cdf(positives[:-1], n, upper[:-1]), tail)
    assert (lower[0], upper[-1]) == (0, 1)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.03, 0.2, 0.5])
def test_intervals_hold_the_share_as_often_as_they_say(share):
    positives = np.arange(101)
    lower, upper = clopper_pearson(positives, np.full(101, 100), 0.95)
    held = (lower <= share) & (share <= upper)
    assert binom.pmf(positives, 100, share)[held].sum() >= 0.95


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_the_curve_is_that_of_the_bins(predictions, strategy):
    y, proba = predictions
    display = ReliabilityDisplay.from_predictions(
        y, proba, n_bins=8, strategy=strategy, name="mine"
    )
    bins = {
        name: np.array(part)
        for name, part in calibration_bins(
            y, proba, n_bins=8, strategy=strategy
        ).items()
    }
    used = bins["count"] > 0
    np.testing.assert_array_equal(
        display.line_.get_xdata(), bins["mean_predicted"][used]
    )
    observed = (bins["positives"] / np.maximum(bins["count"], 1))[used]
    np.testing.assert_array_equal(display.line_.get_ydata(), observed)
    np.testing.assert_array_equal(display.count, bins["count"][used])
    assert (display.lower <= observed).all()
    assert (observed <= display.upper).all()
    error = expected_calibration_error(y, proba, n_bins=8, strategy=strategy)
    assert display.line_.get_label() == f"mine (ECE = {error:.2g})"


def test_empty_bins_are_left_out():
    display = ReliabilityDisplay.from_predictions(
        [0, 1], [0.05, 0.95], strategy="uniform"
    )
    assert display.line_.get_xdata().tolist() == [0.05, 0.95]


def test_square_roots_stretch_small_probabilities(predictions):
    display = ReliabilityDisplay.from_predictions(*predictions)
    to_figure = display.ax_.transAxes.inverted()
    place = to_figure.transform(display.ax_.transData.transform([[0.04, 0.25]]))
    np.testing.assert_allclose(place, [[0.2, 0.5]])
    diagonal = np.array(display.diagonal_.get_data()).T
    np.testing.assert_array_equal(diagonal, [[0, 0], [1, 1]])
    display.plot(scale="linear")
    to_figure = display.ax_.transAxes.inverted()
    place = to_figure.transform(display.ax_.transData.transform([[0.04, 0.25]]))
    np.testing.assert_allclose(place, [[0.04, 0.25]])
    with pytest.raises(ValueError, match="scale must be"):
        display.plot(scale="log")


def test_axes_may_be_moved_below_zero(predictions):
    display = ReliabilityDisplay.from_predictions(*predictions)
    display.ax_.set_xlim(-0.3, 0.5)
    with np.errstate(all="raise"):
        display.figure_.canvas.draw()
    assert display.ax_.get_xlim() == (-0.3, 0.5)


@pytest.mark.parametrize("seed", range(3))
def test_bands_of_calibrated_probabilities_hold_the_diagonal(seed):
    rng = np.random.RandomState(seed)
    proba = rng.beta(1, 20, 20_000)
    y = rng.uniform(size=20_000) < proba
    right = ReliabilityDisplay.from_predictions(y, proba)
    held = (right.lower <= right.predicted) & (right.predicted <= right.upper)
    assert held.sum() >= 8
    wrong = ReliabilityDisplay.from_predictions(y, proba**0.7)
    held = (wrong.lower <= wrong.predicted) & (wrong.predicted <= wrong.upper)
    assert held.sum() <= 2
