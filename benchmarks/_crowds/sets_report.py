"""Mean ranks over the sets, tests of significance, and means."""

import _paper_sets
import pandas as pd
from _explicit_gradient.markdown import to_markdown
from _paper_cells import failure_lines
from _paper_results import with_rows

from _crowds.cells import METRICS
from _crowds.methods import OURS, TABLE_METHODS
from _crowds.results import (
    difference_table,
    inference_table,
    mean_table,
    read_cells,
    score_frame,
)
from _crowds.tables import convergence_line, cost_block, count_line, span
from imbdeep._files import write_files
from imbdeep.reporting import rank_methods

CELLS = "sets.jsonl"
TITLES = {name: method.title for name, method in TABLE_METHODS.items()}
SHOWN = ("average_precision", "balanced_accuracy", "g_mean", "macro_f1")


def set_table(means, metric, n_workers):
    """Return means of one metric, sets by methods; NaN where some run failed."""
    rows = means[(means["metric"] == metric) & (means["n_workers"] == n_workers)]
    rows = rows.assign(mean=rows["mean"].where(rows["n_failed"] == 0))
    table = rows.pivot(index="data", columns="method", values="mean")
    # As a report has them, not the alphabet.
    table = table.loc[rows["data"].unique(), rows["method"].unique()]
    return table.rename_axis(columns=None)


def without_truth(table):
    """Leave the ceiling out: it is no rival of methods that learn from a crowd."""
    return table[[name for name in table if not TABLE_METHODS[name].knows_truth]]


def mean_ranks(means, n_workers):
    """Mean ranks of the methods by each metric, best average precision first."""
    ranks = {
        METRICS[metric]: rank_methods(
            without_truth(set_table(means, metric, n_workers))
        ).mean()
        for metric in SHOWN
    }
    table = pd.DataFrame(ranks).sort_values(METRICS[SHOWN[0]], kind="stable")
    return table.rename(index=TITLES).rename_axis("method")


def significance_blocks(table, metric):
    """Print Friedman's test, and Wilcoxon's of ICED against every other method.

    Parameters
    ----------
    table : DataFrame
        Sets by methods, without the ceiling.
    metric : str
    """
    return _paper_sets.significance_blocks(table, METRICS[metric], OURS, TITLES)


def crowd_blocks(means, inference, n_workers):
    """Heading and tables of one size of crowds."""
    blocks = [
        f"## {n_workers} workers",
        "Mean ranks, 1 is best:",
        to_markdown(mean_ranks(means, n_workers), digits=2),
    ]
    for metric in SHOWN:
        table = set_table(means, metric, n_workers)
        blocks += significance_blocks(without_truth(table), metric)
    for metric in SHOWN:
        table = set_table(means, metric, n_workers).rename(columns=TITLES)
        blocks += [f"Mean {METRICS[metric]}:", to_markdown(table)]
    steps = inference[
        (inference["metric"] == "accuracy") & (inference["n_workers"] == n_workers)
    ]
    if not steps.empty:
        table = steps.pivot(index="data", columns="method", values="mean")
        table = table.loc[steps["data"].unique(), steps["method"].unique()]
        table = table.rename_axis(columns=None)
        blocks += ["Mean inference accuracy, training rows:", to_markdown(table)]
    return blocks


def make_report(cells):
    """Return sets.md, and the frames of the two CSV files."""
    scores = score_frame(cells)
    means, inference = mean_table(scores), inference_table(cells)
    differences = difference_table(scores, OURS, TABLE_METHODS)
    n_runs = cells.groupby("dataset")["fold"].nunique()
    blocks = [
        "# Crowds of 5 to 11 workers on sets of the collection",
        f"{count_line(cells)} {span(n_runs)} runs of a set and crowd that "
        "every method has been through. Scores are means over the runs; one that "
        "failed in any is a dash, and ranks last. truth + net learns from the truth "
        "and is neither ranked nor tested. Tests are over the sets, two-sided; Holm's "
        "adjustment is for the methods of one table.",
    ]
    for n_workers in sorted(cells["n_workers"].unique()):
        blocks += crowd_blocks(means, inference, n_workers)
    blocks += [
        "## Failed cells",
        failure_lines(cells, TABLE_METHODS) or "None.",
        "## Seconds",
        cost_block(cells, TITLES),
        convergence_line(cells, TITLES),
        "## Difficulty nets",
        to_markdown(difficulty_table(cells)),
    ]
    return "\n\n".join(blocks) + "\n", means, differences


def difficulty_table(cells):
    """Training accuracy and epochs of the difficulty nets: least and largest."""
    rows = ["n_train_majority", "n_train_minority"]
    net = ["difficulty_accuracy", "difficulty_epochs"]
    runs = with_rows(cells, *rows, *net).drop_duplicates(["data", "fold"])
    groups = runs.groupby("data", sort=False)
    return pd.DataFrame(
        {
            "training rows": groups[rows]
            .first()
            .apply(lambda row: f"{row.iloc[0]} + {row.iloc[1]}", axis=1),
            "least accuracy": groups["difficulty_accuracy"].min(),
            "most epochs": groups["difficulty_epochs"].max(),
        }
    ).rename_axis("data")


def write_report(out):
    """Write the tables to a folder that holds cells; return the path of sets.md."""
    text, means, differences = make_report(
        read_cells(out / CELLS, "crowds.py sets", TABLE_METHODS)
    )
    path = out / "sets.md"
    write_files(
        {
            out / "sets.csv": means.to_csv(index=False),
            out / "sets_differences.csv": differences.to_csv(index=False),
            path: text,
        }
    )
    return path
