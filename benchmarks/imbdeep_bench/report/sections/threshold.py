"""Label metrics at one half and at the tuned threshold."""

import pandas as pd

from imbdeep_bench.report.document import Paragraph, Section, make_table
from imbdeep_bench.report.metrics import LABEL_METRICS, metric_info
from imbdeep_bench.report.sections.choices import order_by_rank, recorded_metrics
from imbdeep_bench.report.sections.text import number
from imbdeep_bench.report.tables import mean_table, rank_table


def threshold_section(cells):
    """Label metrics at one half and at the tuned threshold."""
    recorded = recorded_metrics(cells)
    pairs = [m for m in LABEL_METRICS if m in recorded and f"{m}_tuned" in recorded]
    title = "What the threshold does"
    if not pairs:
        return Section(title, [Paragraph("No label metric at a tuned threshold.")])
    names = [name for metric in pairs for name in (metric, f"{metric}_tuned")]
    methods = order_by_rank(cells, recorded)
    blocks = [
        Paragraph(
            "A method that only moves its scores up wins label metrics at 0.5 and "
            "nothing once the others may move their threshold too. The tuned "
            "threshold is chosen inside the training half."
        )
    ]
    means = {m: mean_table(cells, m).mean.mean() for m in names}
    blocks += [
        side_by_side(
            "Mean over the sets on which the method did not fail.",
            pd.DataFrame(means, index=methods, columns=names),
            3,
        ),
        side_by_side(
            "Average rank among methods that are all at 0.5, or all tuned.",
            rank_table(cells, names).loc[methods],
            2,
        ),
    ]
    blocks += threshold_blocks(cells, methods)
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
    quartiles = (
        thresholds.groupby("method")["threshold"].quantile([0.25, 0.5, 0.75]).unstack()
    )
    quartiles = quartiles.reindex([m for m in methods if m in quartiles.index])
    quartiles.columns = ["lower quartile", "median", "upper quartile"]
    return [
        make_table(
            "Tuned thresholds over all finished cells.",
            quartiles.map(number),
            corner="method",
        )
    ]
