"""Each metric, data sets by methods."""

import numpy as np
import pandas as pd

from imbdeep_bench.report.document import Paragraph, Section, make_table
from imbdeep_bench.report.metrics import metric_info
from imbdeep_bench.report.sections.choices import recorded_metrics
from imbdeep_bench.report.sections.text import best_in_rows, number
from imbdeep_bench.report.tables import mean_table


def scores_section(cells):
    """Each metric, data sets by methods."""
    metrics = [m for m in recorded_metrics(cells) if not m.endswith("_tuned")]
    blocks = [
        Paragraph(
            "Mean ± standard deviation over the folds; best in bold. "
            "'failed (n)' marks n failed folds, which rank the method last on that "
            "set. Label metrics here are at the threshold 0.5."
        )
    ]
    blocks += [score_table(cells, metric) for metric in metrics]
    if not metrics:
        blocks = [Paragraph("No scores to show.")]
    return Section("Scores by data set", blocks)


def score_table(cells, metric):
    """One metric's means and deviations, the best of each set in bold."""
    info, table = metric_info(metric), mean_table(cells, metric)
    texts = pd.DataFrame(
        {
            name: [
                score_text(
                    table.mean.at[dataset, name],
                    table.sd.at[dataset, name],
                    table.n_failed.at[dataset, name],
                )
                for dataset in table.mean.index
            ]
            for name in table.mean.columns
        },
        index=[cells.label(dataset) for dataset in table.mean.index],
    )
    way = "higher" if info.greater_is_better else "lower"
    return make_table(
        f"{info.label} ({way} is better)",
        texts,
        best_in_rows(table.mean, info.greater_is_better),
        corner="data set",
    )


def score_text(mean, sd, n_failed):
    """Print a mean with its deviation, or the number of failures."""
    if n_failed:
        return f"failed ({n_failed})"
    return number(mean) + (f" ± {number(sd)}" if np.isfinite(sd) else "")
