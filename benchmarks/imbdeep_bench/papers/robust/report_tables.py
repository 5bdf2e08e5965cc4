"""The report of the tables: mean ranks over the sets, tests, and means."""

import pandas as pd

from imbdeep.datasets import IMBLEARN27_NAMES
from imbdeep.reporting import rank_methods
from imbdeep_bench.engine.experiment import titles_of
from imbdeep_bench.papers.robust.methods import TABLE_METHODS
from imbdeep_bench.papers.robust.threats import RADII
from imbdeep_bench.report.markdown import to_markdown, write_all
from imbdeep_bench.report.over_sets import (
    duels_over_sets,
    set_table,
    significance_blocks,
)
from imbdeep_bench.report.runs import (
    count_line,
    failure_block,
    finished,
    mean_table,
    read_complete_cells,
    score_frame,
    with_rows,
)

METRICS = {
    f"{name}_{where}": f"{title}, {where}"
    for name, title in {"ap": "average precision", "ba": "balanced accuracy"}.items()
    for where in ("clean", *RADII)
}
TITLES = titles_of(TABLE_METHODS)
# Who is held against all others.
CONTROL, SECOND = "srat_ldam", "imb_mix"


def read_cells(path):
    """Read the folds that every method of a set has been through."""
    order = {"dataset": list(IMBLEARN27_NAMES), "fold": (), "method": TABLE_METHODS}
    return read_complete_cells(path, "papers.py robust tables", order)


def unmoved_sets(cells):
    """Return the sets of which all columns are frozen: no attacker, no test of one."""
    cells = with_rows(cells, "frozen", "n_features")
    is_unmoved = cells["frozen"].map(len) == cells["n_features"]
    return list(cells.loc[is_unmoved, "dataset"].unique())


def attacked_means(means, unmoved):
    """Leave out scores under attack of sets that cannot be attacked."""
    is_clean = means["metric"].str.endswith("_clean")
    return means[is_clean | ~means["dataset"].isin(unmoved)]


def cost_block(cells):
    """Print mean seconds of the cells that did not fail, sets by methods."""
    done = finished(cells)
    if done.empty:
        return "No cell has finished."
    table = done.pivot_table(
        index="dataset", columns="method", values="cell_seconds", sort=False
    )
    table = table.reindex(columns=[name for name in TABLE_METHODS if name in table])
    return to_markdown(table.rename(columns=TITLES).rename_axis(columns=None), 1)


def summary_table(means):
    """Mean over the sets, and mean rank in brackets, of every metric."""
    columns = {}
    for metric, title in METRICS.items():
        table = set_table(means, metric, "dataset")
        average, ranks = table.mean(), rank_methods(table).mean()
        columns[title] = average.map("{:.3f}".format) + ranks.map(" ({:.2f})".format)
    return pd.DataFrame(columns).rename(index=TITLES).rename_axis("method")


def metric_blocks(means, metric):
    """Tests over the sets, and means on each."""
    table = set_table(means, metric, "dataset")
    blocks = [f"## {METRICS[metric][0].upper()}{METRICS[metric][1:]}"]
    tests = significance_blocks(table, METRICS[metric], CONTROL, TITLES)
    blocks += tests
    # Where there are duels, there are sets enough for more of them.
    if len(tests) > 1 and SECOND in table:
        blocks.append(duels_over_sets(table, SECOND, TITLES))
    return [*blocks, to_markdown(table.rename(columns=TITLES))]


def column_table(cells):
    """Tell which columns of a set the attacker leaves alone."""
    rows = ["n_train", "n_train_minority", "n_features"]
    first = with_rows(cells, "frozen", *rows).drop_duplicates("dataset")
    return pd.DataFrame(
        {
            "dataset": first["dataset"],
            "training rows": first["n_train"],
            "of the minority": first["n_train_minority"],
            "columns": first["n_features"],
            "frozen": [len(columns) for columns in first["frozen"]],
            "frozen columns": [" ".join(map(str, c)) for c in first["frozen"]],
        }
    ).set_index("dataset")


def make_report(cells):
    """Return the blocks of sets.md, and its frames."""
    means = mean_table(score_frame(cells, ["dataset"], METRICS), ["dataset"])
    columns = column_table(cells)
    unmoved = unmoved_sets(cells)
    shown = attacked_means(means, unmoved)
    n_folds = cells.groupby("dataset")["fold"].nunique()
    trained = ", ".join(f"{eps:g}" for eps in sorted(cells["eps"].unique()))
    radii = " and ".join(f"{eps:g}" for eps in RADII)
    blocks = [
        "# Nets on tables, under attack",
        f"{count_line(cells)} {n_folds.min()} folds or more of every set. Nets train "
        f"at a radius of {trained} standard deviations of each column, and are "
        f"attacked at {radii}. Columns of one or two values are taken for categories "
        "that the attacker cannot change. Sets without other columns count for clean "
        f"scores only: {', '.join(unmoved) or 'there is none'}. Scores are means over "
        "the folds; one that failed in any is a dash, and ranks last. Tests are over "
        "the sets, two-sided; Holm's adjustment is for the methods of one table.",
        "Mean over the sets (mean rank, 1 is best):",
        to_markdown(summary_table(shown)),
    ]
    for metric in METRICS:
        blocks += metric_blocks(shown, metric)
    blocks += [
        "## Failed cells",
        failure_block(cells, TITLES),
        "## Seconds of a cell",
        cost_block(cells),
        "## Columns",
        "Frozen: of one or two values in the training half of the first fold.",
        to_markdown(columns.drop(columns="frozen columns")),
    ]
    return blocks, {"sets.csv": means, "columns.csv": columns.reset_index()}


def write_tables(args):
    """Write sets.md beside the cells; return its path."""
    blocks, frames = make_report(read_cells(args.out / "tables.jsonl"))
    return write_all(args.out, "sets.md", blocks, frames=frames)
