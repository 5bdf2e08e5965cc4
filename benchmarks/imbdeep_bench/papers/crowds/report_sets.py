"""The report on ten sets: sets.md."""

import numpy as np
import pandas as pd

from imbdeep.reporting import rank_methods
from imbdeep_bench.engine.experiment import titles_of
from imbdeep_bench.papers.crowds.methods import OURS, TABLE_METHODS
from imbdeep_bench.papers.crowds.report import (
    CROWD,
    METRICS,
    end_blocks,
    inference_table,
    read_cells,
)
from imbdeep_bench.report.markdown import to_markdown, write_all
from imbdeep_bench.report.over_sets import set_table, significance_blocks
from imbdeep_bench.report.runs import (
    count_line,
    difference_table,
    mean_table,
    score_frame,
    span,
    with_rows,
)

SET_METRICS = ("average_precision", "balanced_accuracy", "g_mean", "macro_f1")


def without_truth(table):
    """Leave the ceiling out: it is no rival of methods that learn from a crowd."""
    return table[[name for name in table if TABLE_METHODS[name].kind != "truth"]]


def mean_ranks(means, titles):
    """Mean ranks of the methods by each metric, best average precision first."""
    ranks = {
        METRICS[name]: rank_methods(
            without_truth(set_table(means, name, "data"))
        ).mean()
        for name in SET_METRICS
    }
    table = pd.DataFrame(ranks).sort_values(METRICS[SET_METRICS[0]], kind="stable")
    return table.rename(index=titles).rename_axis("method")


def set_blocks(n_workers, means, inference, titles):
    """Heading and tables of one size of crowds."""
    blocks = [
        f"## {n_workers} workers",
        "Mean ranks, 1 is best:",
        to_markdown(mean_ranks(means, titles), digits=2),
    ]
    tables = {METRICS[name]: set_table(means, name, "data") for name in SET_METRICS}
    for title, table in tables.items():
        blocks += significance_blocks(without_truth(table), title, OURS, titles)
    for title, table in tables.items():
        blocks += [f"Mean {title}:", to_markdown(table.rename(columns=titles))]
    if not inference.empty:
        table = set_table(inference, "accuracy", "data")
        blocks += ["Mean inference accuracy, training rows:", to_markdown(table)]
    return blocks


def difficulty_table(cells):
    """Training accuracy and epochs of the difficulty nets: least and largest."""
    rows = ["n_train_majority", "n_train_minority"]
    net = ["difficulty_accuracy", "difficulty_epochs"]
    runs = with_rows(cells, *rows, *net).drop_duplicates(["data", "fold"])
    groups = runs.groupby("data", sort=False)
    counts = groups[rows].first()
    return pd.DataFrame(
        {
            "training rows": [f"{a} + {b}" for a, b in counts.itertuples(index=False)],
            "least accuracy": groups["difficulty_accuracy"].min(),
            "most epochs": groups["difficulty_epochs"].max(),
        }
    ).rename_axis("data")


def report_sets(cells):
    """Return the blocks of sets.md, and its frames."""
    titles = titles_of(TABLE_METHODS)
    scores = score_frame(cells, CROWD, METRICS)
    means, inference = mean_table(scores, CROWD), inference_table(cells)
    n_runs = cells.groupby("dataset")["fold"].nunique()
    blocks = [
        "# Crowds of 5 to 11 workers on sets of the collection",
        f"{count_line(cells)} {span(n_runs)} runs of a set and crowd that "
        "every method has been through. Scores are means over the runs; one that "
        "failed in any is a dash, and ranks last. truth + net learns from the truth "
        "and is neither ranked nor tested. Tests are over the sets, two-sided; Holm's "
        "adjustment is for the methods of one table.",
    ]
    for n_workers in np.sort(cells["n_workers"].unique()):
        own = [table[table["n_workers"] == n_workers] for table in (means, inference)]
        blocks += set_blocks(n_workers, *own, titles)
    blocks += [
        *end_blocks(cells, titles),
        "## Difficulty nets",
        to_markdown(difficulty_table(cells)),
    ]
    return blocks, {
        "sets.csv": means,
        "sets_differences.csv": difference_table(scores, CROWD, {OURS: TABLE_METHODS}),
    }


def write_sets(args):
    """Write sets.md beside the cells; return its path."""
    blocks, frames = report_sets(
        read_cells(args.out / "sets.jsonl", "sets", TABLE_METHODS)
    )
    return write_all(args.out, "sets.md", blocks, frames=frames)
