"""The reports: sums of ranks beside the published ones, tests, gains and means."""

from pathlib import Path

import pandas as pd

from imbdeep_bench.papers.remix.figure import draw_alphas, draw_gains
from imbdeep_bench.papers.remix.methods import ALPHAS, IMAGE_METHODS, METHODS
from imbdeep_bench.papers.remix.numbers import (
    BASELINE,
    BY,
    METRICS,
    PAPERS,
    alpha_table,
    gain_table,
    oriented_table,
    over_ratios,
    rank_table,
)
from imbdeep_bench.papers.remix.pictures import READERS
from imbdeep_bench.papers.remix.problems import TASKS
from imbdeep_bench.papers.remix.sets import SETS
from imbdeep_bench.report import over_sets, runs
from imbdeep_bench.report.template import write_report

CONTROL = "remix"
COSTS = {"epochs": "epochs", "fit_seconds": "fit [s]", "cell_seconds": "cell [s]"}


def make_study(command, methods, sets):
    """Return what a report needs to know of a part."""
    order = {"task": TASKS, "data": sets, "ratio": ()}
    return runs.Study(
        *(command, methods, METRICS, BY),
        order=order,
        costs=COSTS,
        cost_by=("task",),
    )


TABLES = make_study("papers.py remix tables", METHODS, list(SETS))
IMAGES = make_study("papers.py remix images", IMAGE_METHODS, list(READERS))


# --- Beside the published ranks ------------------------------------------------------


def published_table(means):
    """Print sums of ranks of the paper's methods on its sets, and the published ones.

    Mean ranks are in brackets: there are fewer settings than the paper has.
    """
    is_theirs = means["data"].map(lambda name: SETS[name].published is not None)
    names = [name for name, method in METHODS.items() if method.published is not None]
    ours = rank_table(means[is_theirs & means["method"].isin(names)])
    if ours.empty:
        return "None of the paper's sets was run."
    theirs = runs.read_published(__file__)
    theirs["mean_rank"] = theirs["rank_sum"] / theirs["n_settings"]
    name_of = {METHODS[name].published: name for name in names}
    theirs["method"] = theirs["method"].map(name_of)
    columns = {}
    for task in dict.fromkeys(ours["task"]):
        for metric in PAPERS:
            for told, table in (("", ours), (", published", theirs)):
                part = runs.pick(table, ["task", "metric"], (task, metric))
                columns[f"{task}, {METRICS[metric]}{told}"] = print_ranks(part)
    table = pd.DataFrame(columns).reindex(n for n in names if n in set(ours["method"]))
    return table.rename(index=TABLES.titles).rename_axis("method")


def print_ranks(part):
    """Print sums of ranks, and their means in brackets, by method."""
    part = part.set_index("method")
    means = part["mean_rank"].map(" ({:.2f})".format)
    return part["rank_sum"].map("{:g}".format) + means


def ranks_block(ranks, titles):
    """Print the ranks of all methods on all sets."""
    columns = {
        f"{task}, {METRICS[metric]}": print_ranks(part)
        for (task, metric), part in ranks.groupby(["task", "metric"], sort=False)
    }
    names = [name for name in titles if name in set(ranks["method"])]
    return pd.DataFrame(columns).reindex(names).rename(index=titles)


# --- Tests, gains and means ----------------------------------------------------------


def test_blocks(table, title, titles):
    """Print tests of one metric: of ReMix and of the baseline against all others."""
    blocks = over_sets.significance_blocks(table, title, CONTROL, titles)
    # Where Friedman's test is told alone, there is nobody to hold against others.
    if len(blocks) > 1 and BASELINE in table:
        blocks.append(over_sets.duels_over_sets(table, BASELINE, titles))
    return blocks


def test_parts(means, titles):
    """Print tests over the settings of either task, and over sets and tasks."""
    parts = {}
    for task, part in means.groupby("task", sort=False):
        for metric in PAPERS:
            table, title = oriented_table(part, metric), METRICS[metric]
            parts[f"{title}, {task}"] = test_blocks(table, title, titles)
    for metric in PAPERS:
        table, title = over_ratios(means, metric), METRICS[metric]
        parts[f"{title}, means over the ratios"] = test_blocks(table, title, titles)
    return parts


def gain_blocks(gains, titles):
    """Print gains, a table for each task and metric, a column a ratio."""
    if gains.empty:
        return ["The baseline was not run, or nothing beside it."]
    blocks = []
    for (task, metric), part in gains.groupby(["task", "metric"], sort=False):
        if metric in PAPERS:
            order = dict.fromkeys(part["ratio"]), dict.fromkeys(part["method"])
            table = part.pivot(index="method", columns="ratio", values="gain")
            table = table.loc[list(order[1]), list(order[0])].rename_axis(columns=None)
            blocks += [f"{METRICS[metric]}, {task}:", table.rename(index=titles)]
    return blocks


def mean_blocks(means, titles):
    """Print the means of every setting, a table for each task and metric."""
    blocks = []
    for task, part in means.groupby("task", sort=False):
        for metric, title in METRICS.items():
            table = over_sets.set_table(part, metric, "dataset")
            blocks += [f"{title}, {task}:", table.rename(columns=titles)]
    return blocks


def row_table(cells):
    """Tell how many rows either half has in the first fold."""
    told = "class_counts", "n_valid", "n_test"
    first = runs.with_rows(cells, *told).drop_duplicates("dataset")
    table = {
        "set": first["dataset"],
        "classes of the training half": [
            " ".join(map(str, counts)) for counts in first["class_counts"]
        ],
        "validate": first["n_valid"],
        "test": first["n_test"],
    }
    return pd.DataFrame(table).set_index("set")


def alpha_blocks(table):
    """Print scores by alpha, a table for each set and task; none with a single one."""
    if table["alpha"].nunique() < 2:
        return ["Fewer than two were run."]
    blocks = []
    for (data, task), part in table.groupby(["data", "task"], sort=False):
        columns = {
            f"{METRICS[metric]}, {ratio:g}": own.set_index("alpha")["mean"]
            for (metric, ratio), own in part.groupby(["metric", "ratio"], sort=False)
        }
        blocks += [f"{data}, {task}:", pd.DataFrame(columns).rename_axis("alpha")]
    return blocks


def write(args, name, study, number, more):
    """Write a part's report beside its cells; return its path.

    ``number`` is that of the paper's figure of gains. ``more`` returns, of the cells
    and the means, further numbers and pictures.
    """
    cells = study.read(args.out / f"{name}.jsonl")
    means = study.means(cells)
    ranks, gains = rank_table(means), gain_table(means)
    numbers, drawn = more(cells, means)
    numbers |= study.told_of(cells) | {
        "n_folds": cells.groupby("dataset")["fold"].nunique().min(),
        "ranks": ranks_block(ranks, study.titles),
        "tests": test_parts(means, study.titles),
        "gains": gain_blocks(gains, study.titles),
        "means": mean_blocks(means, study.titles),
        "rows": row_table(cells),
    }
    drawn["gains"] = draw_gains(gains, study.methods, number)
    frames = {"means": means, "ranks": ranks, "gains": gains}
    template = Path(__file__).with_name(f"{name}.md.jinja")
    frames = {f"{name}_{kind}.csv": frame for kind, frame in frames.items()}
    pictures = {f"{name}_{k}.png": f for k, f in drawn.items() if f is not None}
    return write_report(args.out, template, numbers, frames=frames, pictures=pictures)


def write_tables(args):
    """Write tables.md beside the cells; return its path."""

    def more(cells, means):
        theirs = {n: entry.published for n, entry in SETS.items() if entry.published}
        absent = [f"{theirs[n]} ({n})" for n in theirs if n not in set(cells["data"])]
        return {"published": published_table(means), "absent": absent}, {}

    return write(args, "tables", TABLES, 5, more)


def write_images(args):
    """Write images.md beside the cells; return its path."""

    def more(cells, means):
        table = alpha_table(means, ALPHAS)
        told = {"alphas": alpha_blocks(table), "sets": list(cells["data"].unique())}
        return told, {"alphas": draw_alphas(table)}

    return write(args, "images", IMAGES, 6, more)
