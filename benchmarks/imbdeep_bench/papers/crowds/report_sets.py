"""The report on ten sets: sets.md."""

import pandas as pd

from imbdeep.reporting import rank_methods
from imbdeep_bench.papers.crowds.methods import OURS, TABLE_METHODS
from imbdeep_bench.papers.crowds.report import (
    CROWD,
    METRICS,
    crowd_study,
    inference_table,
    told_of,
    write_crowds,
)
from imbdeep_bench.report.markdown import to_markdown
from imbdeep_bench.report.over_sets import set_table, significance_blocks
from imbdeep_bench.report.runs import difference_table, span, with_rows

STUDY = crowd_study("crowds sets", TABLE_METHODS)
SET_METRICS = ("average_precision", "balanced_accuracy", "g_mean", "macro_f1")


def without_truth(table):
    """Leave the ceiling out: it is no rival of methods that learn from a crowd."""
    return table[[name for name in table if TABLE_METHODS[name].kind != "truth"]]


def mean_ranks(tables):
    """Mean ranks of the methods by each metric, that of the first metric first."""
    ranks = {name: rank_methods(without_truth(t)).mean() for name, t in tables.items()}
    table = pd.DataFrame(ranks).sort_values(next(iter(tables)), kind="stable")
    return table.rename(index=STUDY.titles).rename_axis("method")


def set_blocks(means, inference):
    """Return the tables of one size of crowds, and what leads to each."""
    titles = STUDY.titles
    tables = {METRICS[name]: set_table(means, name, "data") for name in SET_METRICS}
    blocks = ["Mean ranks, 1 is best:", to_markdown(mean_ranks(tables), digits=2)]
    for title, table in tables.items():
        blocks += significance_blocks(without_truth(table), title, OURS, titles)
    for title, table in tables.items():
        blocks += [f"Mean {title}:", table.rename(columns=titles)]
    if not inference.empty:
        table = set_table(inference, "accuracy", "data")
        blocks += ["Mean inference accuracy, training rows:", table]
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
    """Return the numbers of sets.md, and its frames."""
    means, inference = STUDY.means(cells), inference_table(cells)
    differences = difference_table(STUDY.scores(cells), CROWD, {OURS: TABLE_METHODS})
    crowds = {
        n: set_blocks(*(t[t["n_workers"] == n] for t in (means, inference)))
        for n in sorted(cells["n_workers"].unique())
    }
    return told_of(STUDY, cells) | {
        "n_runs": span(cells.groupby("dataset")["fold"].nunique()),
        "crowds": crowds,
        "difficulty": difficulty_table(cells),
    }, {"sets.csv": means, "sets_differences.csv": differences}


def write_sets(args):
    """Write sets.md beside the cells; return its path."""
    cells = STUDY.read(args.out / "sets.jsonl")
    return write_crowds(args, "sets.md", *report_sets(cells))
