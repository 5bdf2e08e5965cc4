"""The report of the tables: mean ranks over the sets, tests, and means."""

import numpy as np
import pandas as pd
from _explicit_gradient.markdown import to_markdown
from _paper_cells import failure_lines
from _paper_results import average_runs, read_complete_cells, with_rows
from _paper_sets import duels_over_sets, significance_blocks

from _robust.layout import count_line
from _robust.table_methods import METHODS
from _robust.table_scores import CLEAN, METRICS, RADII
from imbdeep._files import write_files
from imbdeep.datasets import IMBLEARN27_NAMES
from imbdeep.reporting import rank_methods

CELLS = "tables.jsonl"
TITLES = {name: method.title for name, method in METHODS.items()}
# Who is held against all others.
CONTROL, SECOND = "srat_ldam", "imb_mix"


def read_cells(path):
    """Read the folds that every method of a set has been through."""
    order = {"dataset": list(IMBLEARN27_NAMES), "fold": (), "method": METHODS}
    return read_complete_cells(path, "robust.py tables", order)


def mean_table(cells):
    """Average over the folds: a row for each set, metric and method."""
    values = [[s.get(name, np.nan) for name in METRICS] for s in cells["scores"]]
    scores = pd.DataFrame(
        values,
        columns=pd.Index(METRICS, name="metric"),
        index=pd.MultiIndex.from_frame(cells[["dataset", "method", "fold"]]),
    )
    long = scores.stack(future_stack=True)
    return average_runs(long, ["dataset", "metric", "method"])


def set_table(means, metric):
    """Return means of one metric, sets by methods; NaN where some fold failed."""
    rows = means[means["metric"] == metric]
    rows = rows.assign(mean=rows["mean"].where(rows["n_failed"] == 0))
    table = rows.pivot(index="dataset", columns="method", values="mean")
    # As a report has them, not the alphabet.
    table = table.loc[rows["dataset"].unique(), rows["method"].unique()]
    return table.rename_axis(columns=None)


def unmoved_sets(cells):
    """Return the sets of which all columns are frozen: no attacker, no test of one."""
    cells = with_rows(cells, "frozen", "n_features")
    is_unmoved = cells["frozen"].map(len) == cells["n_features"]
    return list(cells.loc[is_unmoved, "dataset"].unique())


def attacked_means(means, unmoved):
    """Leave out scores under attack of sets that cannot be attacked."""
    is_clean = means["metric"].str.endswith(f"_{CLEAN}")
    return means[is_clean | ~means["dataset"].isin(unmoved)]


def cost_block(cells):
    """Print mean seconds of the cells that did not fail, sets by methods."""
    finished = cells[cells["status"] == "ok"]
    if finished.empty:
        return "No cell has finished."
    table = finished.pivot_table(
        index="dataset", columns="method", values="cell_seconds", sort=False
    )
    table = table.reindex(columns=[name for name in METHODS if name in table])
    return to_markdown(table.rename(columns=TITLES).rename_axis(columns=None), 1)


def summary_table(means):
    """Mean over the sets, and mean rank in brackets, of every metric."""
    columns = {}
    for metric, title in METRICS.items():
        table = set_table(means, metric)
        average, ranks = table.mean(), rank_methods(table).mean()
        columns[title] = average.map("{:.3f}".format) + ranks.map(" ({:.2f})".format)
    return pd.DataFrame(columns).rename(index=TITLES).rename_axis("method")


def metric_blocks(means, metric):
    """Tests over the sets, and means on each."""
    table = set_table(means, metric)
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
    """Return sets.md, and the frames of the CSV files by their names."""
    means, columns = mean_table(cells), column_table(cells)
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
        failure_lines(cells, METHODS) or "None.",
        "## Seconds of a cell",
        cost_block(cells),
        "## Columns",
        "Frozen: of one or two values in the training half of the first fold.",
        to_markdown(columns.drop(columns="frozen columns")),
    ]
    return "\n\n".join(blocks) + "\n", {"sets": means, "columns": columns.reset_index()}


def write_report(out):
    """Write the tables to a folder that holds cells; return the path of sets.md."""
    text, frames = make_report(read_cells(out / CELLS))
    files = {f"{name}.csv": frame.to_csv(index=False) for name, frame in frames.items()}
    files["sets.md"] = text
    write_files({out / name: content for name, content in files.items()})
    return out / "sets.md"
