"""Each metric, data sets by methods, and label metrics at either threshold."""

import numpy as np
import pandas as pd

from imbdeep_bench.report.document import Paragraph, Section, make_table
from imbdeep_bench.report.metrics import LABEL_METRICS, metric_info
from imbdeep_bench.report.sections.choices import order_by_rank, recorded_metrics
from imbdeep_bench.report.sections.text import WORDS, best_in_rows, number
from imbdeep_bench.report.tables import mean_table, rank_table


def scores_section(cells):
    """Each metric, data sets by methods."""
    metrics = [m for m in recorded_metrics(cells) if not m.endswith("_tuned")]
    words = WORDS["scores"]["how"] if metrics else "No scores to show."
    tables = [score_table(cells, metric) for metric in metrics]
    return Section("Scores by data set", [Paragraph(words), *tables])


def score_table(cells, metric):
    """One metric's means and deviations, the best of each set in bold."""
    info, table = metric_info(metric), mean_table(cells, metric)
    parts = (table.mean, table.sd, table.n_failed)
    texts = [
        [score_text(*told) for told in zip(*rows, strict=True)]
        for rows in zip(*(part.to_numpy() for part in parts), strict=True)
    ]
    labels = [cells.label(dataset) for dataset in table.mean.index]
    return make_table(
        f"{info.label} ({info.better} is better)",
        pd.DataFrame(texts, labels, table.mean.columns),
        best_in_rows(table.mean, info.greater_is_better),
        corner="data set",
    )


def score_text(mean, sd, n_failed):
    """Print a mean with its deviation, or the number of failures."""
    if n_failed:
        return f"failed ({n_failed})"
    return number(mean) + (f" ± {number(sd)}" if np.isfinite(sd) else "")


def threshold_section(cells):
    """Label metrics at one half and at the tuned threshold."""
    recorded, say = recorded_metrics(cells), WORDS["threshold"]
    pairs = [m for m in LABEL_METRICS if m in recorded and f"{m}_tuned" in recorded]
    title = "What the threshold does"
    if not pairs:
        return Section(title, [Paragraph("No label metric at a tuned threshold.")])
    names = [name for metric in pairs for name in (metric, f"{metric}_tuned")]
    methods = order_by_rank(cells, recorded)
    means = {m: mean_table(cells, m).mean.mean() for m in names}
    means = pd.DataFrame(means, index=methods, columns=names)
    ranks = rank_table(cells, names).loc[methods]
    blocks = [
        Paragraph(say["why"]),
        side_by_side(say["means"], means, 3),
        side_by_side(say["ranks"], ranks, 2),
        *threshold_blocks(cells, methods),
    ]
    return Section(title, blocks)


def side_by_side(caption, values, digits):
    """Print each label metric at one half next to the tuned one."""
    labels = [
        metric_info(name).label + ("" if name.endswith("_tuned") else ", at 0.5")
        for name in values.columns
    ]
    frame = values.map(lambda value: number(value, digits))
    return make_table(caption, frame.set_axis(labels, axis=1), corner="method")


def threshold_blocks(cells, methods):
    """Quartiles of the tuned thresholds."""
    finished = cells.cells[cells.cells["status"] == "ok"]
    thresholds = finished.astype({"threshold": "float64"}).dropna(subset="threshold")
    if thresholds.empty:
        return []
    by_method = thresholds.groupby("method")["threshold"]
    quartiles = by_method.quantile([0.25, 0.5, 0.75]).unstack()
    quartiles = quartiles.reindex([m for m in methods if m in quartiles.index])
    quartiles.columns = ["lower quartile", "median", "upper quartile"]
    words = "Tuned thresholds over all finished cells."
    return [make_table(words, quartiles.map(number), corner="method")]
