"""Profiles, ranks, scores, reliability and precision-recall curves."""

import numpy as np
import pandas as pd

from imbdeep.reporting import expected_calibration_error
from imbdeep_bench.report.curves import precision_recall_table, reliability_table
from imbdeep_bench.report.document import Paragraph, Picture, Section, make_table
from imbdeep_bench.report.metrics import metric_info
from imbdeep_bench.report.plots import (
    MAX_PRECISION_RECALL_PANELS,
    plot_performance_profiles,
    plot_precision_recall,
    plot_rank_heat_map,
    plot_reliability,
    plot_scores,
)
from imbdeep_bench.report.sections.choices import recorded_metrics
from imbdeep_bench.report.sections.text import number


def pictures_section(cells):
    """Profiles, ranks, scores, reliability and precision-recall curves."""
    recorded = recorded_metrics(cells)
    blocks = []
    profiles = [m for m in ("average_precision", "balanced_brier") if m in recorded]
    if profiles:
        blocks.append(
            Picture(
                "performance_profiles",
                plot_performance_profiles(cells, profiles),
                "Dolan and More's performance profiles: the share of sets on which a "
                "method's cost is within a factor of the best method's. The cost is "
                "1 - score, or the loss itself, and at least 0.001. Higher and "
                "further left is better.",
            )
        )
    for metric in profiles:
        blocks.append(
            Picture(
                f"ranks_{metric}",
                plot_rank_heat_map(cells, metric),
                f"Rank of each method on each set by {metric_info(metric).label}.",
            )
        )
    for metric in profiles:
        blocks.append(
            Picture(
                f"scores_{metric}",
                plot_scores(cells, metric),
                f"{metric_info(metric).label} of each method on each set: mean and "
                "standard deviation over the folds.",
            )
        )
    blocks += reliability_blocks(cells)
    curves = precision_recall_table(cells)
    if not curves.empty:
        n_sets = curves.index.get_level_values("dataset").nunique()
        shown = min(n_sets, MAX_PRECISION_RECALL_PANELS)
        chosen = ", evenly spaced along the alphabet" if shown < n_sets else ""
        blocks.append(
            Picture(
                "precision_recall",
                plot_precision_recall(cells),
                "Precision-recall curves: mean over folds of the best precision at "
                f"each recall or above; {shown} of {n_sets} sets{chosen}.",
            )
        )
    return Section("Pictures", blocks or [Paragraph("No scores or curves to draw.")])


def reliability_blocks(cells):
    """Reliability diagrams and the calibration error of the pooled bins."""
    bins = reliability_table(cells)
    if bins.empty:
        return []
    errors = {
        name: {
            "expected calibration error": number(
                expected_calibration_error(
                    own["count"], own["mean_predicted"], own["positives"]
                )
            ),
            "test rows pooled": f"{own['count'].sum():.0f}",
            "predicted share": number(
                np.average(own["mean_predicted"], weights=own["count"])
            ),
            "observed share": number(own["positives"].sum() / own["count"].sum()),
        }
        for name, own in bins.groupby("method")
    }
    ordered = [name for name in cells.methods if name in errors]
    return [
        Picture(
            "reliability",
            plot_reliability(cells),
            "Reliability diagrams, rows pooled over sets and folds, so that large sets "
            "weigh more. Below the diagonal the minority is over-predicted. Larger "
            "markers stand for more rows.",
        ),
        make_table(
            "Calibration of the pooled rows: predicted and observed share of the "
            "minority. A method with fewer rows failed on some.",
            pd.DataFrame(errors).T.loc[ordered],
            corner="method",
        ),
    ]
