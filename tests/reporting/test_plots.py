"""Pictures of tables that no benchmark made, with methods of any name."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from imbdeep.reporting import (
    calibration_bins,
    critical_difference,
    performance_profile,
    plot_critical_difference,
    plot_performance_profiles,
    plot_precision_recall,
    plot_reliability,
    precision_at_recalls,
)

TABLE = pd.DataFrame(
    {
        "mine": [0.9, 0.8, 0.7, 0.9],
        "theirs": [0.8, 0.7, 0.6, 0.7],
        3: [0.7, 0.6, 0.8, 0.6],
    }
)


@pytest.fixture(scope="module")
def predictions():
    rng = np.random.default_rng(0)
    proba = rng.random(400)
    return (rng.random(400) < proba**2).astype(int), proba


def test_a_diagram_of_any_table():
    result = critical_difference(1 - TABLE, greater_is_better=False)
    figure = plot_critical_difference(
        1 - TABLE, greater_is_better=False, label="error, $x$"
    )
    (panel,) = figure.axes
    drawn = sorted(float(marks.get_offsets()[0, 0]) for marks in panel.collections)
    np.testing.assert_allclose(drawn, result.average_ranks.sort_values())
    assert panel.get_title() == "Average rank by error, $x$ (1 is best)"


def test_profiles_of_scores_and_of_losses():
    figure = plot_performance_profiles(
        {"score": TABLE, "loss": 1 - TABLE}, losses={"loss"}
    )
    score, loss = figure.axes
    assert loss.get_xlabel().endswith("best method's loss")
    for one, other in zip(score.lines, loss.lines, strict=True):
        expected = performance_profile(TABLE, one.get_xdata())[TABLE.columns[0]]
        assert len(expected) == len(one.get_ydata())
        # What is missing to a perfect score is the loss.
        np.testing.assert_allclose(one.get_ydata(), other.get_ydata())
    labels = [entry.get_label() for entry in figure.legends[0].get_lines()]
    assert labels == ["mine", "theirs", "3"]


def test_reliability_of_predictions(predictions):
    y, proba = predictions
    bins = calibration_bins(y, proba)
    figure = plot_reliability({"net": bins, "same": bins})
    line = figure.axes[0].lines[1]
    for place, (predicted, observed) in enumerate(zip(*line.get_data(), strict=True)):
        in_bin = (proba * 10).astype(int) == place
        assert predicted == pytest.approx(proba[in_bin].mean())
        assert observed == pytest.approx(y[in_bin].mean())


def test_precision_and_recall_of_predictions(predictions):
    precision = precision_at_recalls(*predictions)
    figure = plot_precision_recall({"a": {"net": precision}, "b": {"net": precision}})
    recalls, drawn = figure.axes[0].lines[0].get_data()
    np.testing.assert_allclose(recalls, np.arange(51) / 50)
    np.testing.assert_allclose(drawn, precision)


def test_pyplot_knows_of_no_figure():
    before = pyplot.get_fignums()
    plot_critical_difference(TABLE)
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize("plot", [plot_reliability, plot_precision_recall])
def test_nothing_to_draw_is_an_error(plot):
    with pytest.raises(ValueError, match="nothing to draw"):
        plot({})
