"""Means over the folds, ranks over the tables, and tests against one method."""

from pathlib import Path

import pandas as pd

from imbdeep.reporting import rank_methods
from imbdeep_bench.report import over_sets, runs
from imbdeep_bench.report.template import write_report
from imbdeep_bench.tables.methods import CONTROL

LESS_IS_MORE = {"log_loss", "balanced_brier", "cost"}


def metric_blocks(means, metric, part):
    """Return mean, mean rank, tests against the control, and scores table by table."""
    sign = -1 if metric in LESS_IS_MORE else 1
    table = over_sets.set_table(means, metric, "dataset")
    titles = {name: method.title for name, method in part.methods.items()}
    summary = pd.DataFrame(
        {"mean": table.mean(), "mean rank": rank_methods(sign * table).mean()}
    )
    summary = summary.rename(index=titles).rename_axis("method")
    # A run without it compares with its first method.
    control = CONTROL[part.name] if CONTROL[part.name] in table else table.columns[0]
    tests = over_sets.significance_blocks(
        sign * table, part.metrics[metric], control, titles
    )
    return [summary, *tests, table.rename(columns=titles)]


def blocks_of(means, part):
    """Return the blocks of each metric, on all tables and on parts of them."""
    told = {}
    for metric, title in part.metrics.items():
        told[title] = metric_blocks(means, metric, part)
        for name, tables in part.parts.items():
            some = means[means["dataset"].isin(tables)]
            # Scores table by table stand above.
            *told[f"{title}, {name}"], _ = metric_blocks(some, metric, part)
    return told


def mean_seconds(cells, titles):
    """Return how long a fit of each method took, over all tables."""
    seconds = runs.finished(cells).groupby("method")["fit_seconds"].mean()
    return seconds.rename("fit [s]").to_frame().rename(index=titles)


def write(out, part):
    """Write the report of a part; return its path."""
    study = runs.Study(
        f"tables.py {part.name}",
        part.methods,
        part.metrics,
        ["dataset"],
        {"dataset": ()},
        {},
    )
    cells = study.read(out / part.file)
    means = study.means(cells)
    numbers = study.told_of(cells) | {
        "title": part.__doc__.splitlines()[0],
        "protocol": " ".join(part.__doc__.split("\n\n")[2].split()),
        "costs": [mean_seconds(cells, study.titles)],
        "n_folds": cells.groupby("dataset")["fold"].nunique().min(),
        "metrics": blocks_of(means, part),
    }
    template = Path(__file__).with_name("tables.md.jinja")
    frames = {f"{part.name}.csv": means}
    return write_report(out, template, numbers, name=f"{part.name}.md", frames=frames)
