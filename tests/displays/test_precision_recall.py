import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from imbdeep.displays import PrecisionRecallDisplay
from imbdeep.metrics import precision_at_recalls


def test_the_curve_and_its_legend(predictions):
    y, proba = predictions
    display = PrecisionRecallDisplay.from_predictions(y, proba, name="mine")
    np.testing.assert_array_equal(
        display.line_.get_ydata(), precision_at_recalls(y, proba)
    )
    np.testing.assert_allclose(display.line_.get_xdata(), np.arange(51) / 50)
    expected = average_precision_score(y, proba)
    assert display.average_precision == pytest.approx(expected)
    assert display.line_.get_label() == f"mine (AP = {expected:.2f})"
    assert set(display.prevalence_line_.get_ydata()) == {y.mean()}


def test_the_band_is_that_of_curves_of_drawn_rows(predictions):
    y, proba = predictions
    display = PrecisionRecallDisplay.from_predictions(
        y, proba, n_bootstraps=40, confidence_level=0.8
    )
    state = np.random.RandomState(0)
    drawn = [
        [state.choice(np.flatnonzero(y == of), sum(y == of)) for _ in range(40)]
        for of in (1, 0)
    ]
    curves = []
    for positive, negative in zip(*drawn, strict=True):
        rows = np.r_[positive, negative]
        curves.append(precision_at_recalls(y[rows], proba[rows]))
    lower, upper = np.quantile(curves, [0.1, 0.9], axis=0)
    np.testing.assert_allclose(display.lower, lower, atol=1e-9)
    np.testing.assert_allclose(display.upper, upper, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_band_of_many_rows_holds_the_curve(seed):
    """More thresholds than are kept; the curve itself uses all of them."""
    rng = np.random.RandomState(seed)
    y = (rng.uniform(size=5000) < 0.1).astype(int)
    proba = np.clip(rng.normal(0.3 + 0.25 * y, 0.15), 0, 1)
    display = PrecisionRecallDisplay.from_predictions(y, proba)
    inside = (display.lower <= display.precision) & (display.precision <= display.upper)
    assert inside[1:].mean() > 0.9
    assert (display.upper - display.lower)[10:40].max() < 0.25


def test_a_perfect_model():
    y = np.repeat([0, 1], [95, 5])
    display = PrecisionRecallDisplay.from_predictions(y, y.astype(float))
    assert (display.lower == 1).all()
    assert (display.precision == 1).all()
