"""Profiles, ranks, scores, reliability and precision-recall curves."""

import numpy as np
import pandas as pd

from imbdeep.metrics import calibration_error_of_bins
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
from imbdeep_bench.report.sections.text import WORDS, number

SAY = WORDS["pictures"]


def pictures_section(cells):
    """Profiles, ranks, scores, reliability and precision-recall curves."""
    recorded = recorded_metrics(cells)
    profiles = [m for m in ("average_precision", "balanced_brier") if m in recorded]
    blocks = []
    if profiles:
        figure = plot_performance_profiles(cells, profiles)
        blocks.append(Picture("performance_profiles", figure, SAY["profiles"]))
    for name, plot in (("ranks", plot_rank_heat_map), ("scores", plot_scores)):
        for metric in profiles:
            caption = SAY[name].format(label=metric_info(metric).label)
            blocks.append(Picture(f"{name}_{metric}", plot(cells, metric), caption))
    blocks += reliability_blocks(cells)
    curves = precision_recall_table(cells)
    if not curves.empty:
        n_sets = curves.index.get_level_values("dataset").nunique()
        shown = min(n_sets, MAX_PRECISION_RECALL_PANELS)
        chosen = ", evenly spaced along the alphabet" if shown < n_sets else ""
        caption = SAY["curves"].format(shown=shown, n_sets=n_sets, chosen=chosen)
        figure = plot_precision_recall(cells)
        blocks.append(Picture("precision_recall", figure, caption))
    return Section("Pictures", blocks or [Paragraph("No scores or curves to draw.")])


def reliability_blocks(cells):
    """Reliability diagrams and the calibration error of the pooled bins."""
    bins = reliability_table(cells)
    if bins.empty:
        return []
    told = {name: calibration_of(own) for name, own in bins.groupby("method")}
    rows = pd.DataFrame(told).T.loc[[name for name in cells.methods if name in told]]
    return [
        Picture("reliability", plot_reliability(cells), SAY["reliability"]),
        make_table(SAY["calibration"], rows, corner="method"),
    ]


def calibration_of(bins):
    """Print the calibration error of one method's bins, and both shares."""
    count, predicted, positives = (
        bins[name] for name in ("count", "mean_predicted", "positives")
    )
    error = calibration_error_of_bins(count, predicted, positives)
    return {
        "expected calibration error": number(error),
        "test rows pooled": f"{count.sum():.0f}",
        "predicted share": number(np.average(predicted, weights=count)),
        "observed share": number(positives.sum() / count.sum()),
    }
