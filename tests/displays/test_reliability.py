import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import betainc, betaincc

from imbdeep.displays import ReliabilityDisplay
from imbdeep.metrics import calibration_bins, expected_calibration_error


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


# --- Weights -------------------------------------------------------------------------


def interval_by_hand(positives, count, level):
    """Shares of which as many or more, as many or fewer are just not surprising.

    The tail of a binomial is an incomplete beta function, also between whole numbers.
    """
    tail = (1 - level) / 2
    lower, upper = 0.0, 1.0
    if positives > 0:
        lower = brentq(
            lambda p: betainc(positives, count - positives + 1, p) - tail, 0, 1
        )
    if positives < count:
        upper = brentq(
            lambda p: betaincc(positives + 1, count - positives, p) - tail, 0, 1
        )
    return lower, upper


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
@pytest.mark.parametrize("seed", range(3))
def test_weighted_bins(predictions, strategy, seed):
    y, proba = predictions
    weight = np.random.RandomState(seed).exponential(size=400)
    weight[::9] = 0
    display = ReliabilityDisplay.from_predictions(
        y, proba, sample_weight=weight, n_bins=6, strategy=strategy
    )
    how = {"n_bins": 6, "strategy": strategy, "sample_weight": weight}
    expected = expected_calibration_error(y, proba, **how)
    assert display.calibration_error == pytest.approx(expected)
    bins = calibration_bins(y, proba, **how)
    count = [one for one in bins["count"] if one > 0]
    np.testing.assert_allclose(display.count, count)
    # Bins hold neighbours: rows are taken until the weight of a bin is reached.
    rows = iter([i for i in np.argsort(proba) if weight[i] > 0])
    for place, whole in enumerate(count):
        held = []
        while weight[held].sum() < whole - 1e-9:
            held.append(next(rows))
        total = weight[held].sum()
        share = sum(w for w, own in zip(weight[held], y[held], strict=True) if own)
        share /= total
        n_rows = total**2 / sum(w * w for w in weight[held])
        assert 1 <= n_rows < len(held) or len(held) == 1
        assert display.observed[place] == pytest.approx(share)
        found = display.lower[place], display.upper[place]
        expected = interval_by_hand(share * n_rows, n_rows, 0.95)
        np.testing.assert_allclose(found, expected, atol=1e-9)
    assert next(rows, None) is None


@pytest.mark.parametrize("scale", [0.01, 1, 7])
def test_equal_weights_make_no_difference(predictions, scale):
    expected = ReliabilityDisplay.from_predictions(*predictions)
    display = ReliabilityDisplay.from_predictions(
        *predictions, sample_weight=np.full(400, scale)
    )
    for name in ("predicted", "observed", "lower", "upper"):
        np.testing.assert_allclose(getattr(display, name), getattr(expected, name))
    np.testing.assert_allclose(display.count, expected.count * scale)


def test_weights_of_rows_that_no_fold_held_out_are_left_out(predictions):
    y, proba = predictions
    weight = np.random.RandomState(0).exponential(size=400)
    gaps, held_out = proba.copy(), np.arange(400) % 7 > 0
    gaps[~held_out] = np.nan
    display = ReliabilityDisplay.from_predictions(y, gaps, sample_weight=weight)
    expected = ReliabilityDisplay.from_predictions(
        y[held_out], proba[held_out], sample_weight=weight[held_out]
    )
    np.testing.assert_array_equal(display.upper, expected.upper)
    with pytest.raises(ValueError, match="non-negative"):
        ReliabilityDisplay.from_predictions(y, proba, sample_weight=-weight)
