"""Pictures of tables that no benchmark made, with methods of any name."""

import numpy as np
import pandas as pd

from imbdeep.reporting import (
    critical_difference,
    performance_profile,
    plot_critical_difference,
    plot_performance_profiles,
)

TABLE = pd.DataFrame(
    [[0.9, 0.8, 0.7], [0.8, 0.7, 0.6], [0.7, 0.6, 0.8], [0.9, 0.7, 0.6]],
    columns=["mine", "theirs", 3],
)


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
