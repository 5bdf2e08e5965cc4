"""The report of the tables: mean ranks over the sets, tests, and means."""

from pathlib import Path

import pandas as pd

from imbdeep.datasets import IMBLEARN27_NAMES
from imbdeep_bench.papers.robust.methods import TABLE_METHODS
from imbdeep_bench.papers.robust.report import SECONDS
from imbdeep_bench.papers.robust.threats import RADII
from imbdeep_bench.report import over_sets, runs
from imbdeep_bench.report.markdown import to_markdown
from imbdeep_bench.report.template import write_report

METRICS = {
    f"{name}_{where}": f"{title}, {where}"
    for name, title in {"ap": "average precision", "ba": "balanced accuracy"}.items()
    for where in ("clean", *RADII)
}
STUDY = runs.Study(
    *("papers.py robust tables", TABLE_METHODS, METRICS, ["dataset"]),
    order={"dataset": list(IMBLEARN27_NAMES)},
    costs=SECONDS,
)
TITLES = STUDY.titles
# Who is held against all others.
CONTROLS = ("srat_ldam", "imb_mix")


def unmoved_sets(cells):
    """Return the sets of which all columns are frozen: no attacker, no test of one."""
    cells = runs.with_rows(cells, "frozen", "n_features")
    is_unmoved = cells["frozen"].map(len) == cells["n_features"]
    return list(cells.loc[is_unmoved, "dataset"].unique())


def attacked_means(means, unmoved):
    """Leave out scores under attack of sets that cannot be attacked."""
    is_clean = means["metric"].str.endswith("_clean")
    return means[is_clean | ~means["dataset"].isin(unmoved)]


def seconds_block(cells):
    """Print mean seconds of the cells that did not fail, sets by methods."""
    done = runs.finished(cells)
    if done.empty:
        return "No cell has finished."
    where = {"index": "dataset", "columns": "method", "values": "cell_seconds"}
    table = done.pivot_table(**where, sort=False)
    table = table.reindex(columns=[name for name in TABLE_METHODS if name in table])
    return to_markdown(table.rename(columns=TITLES).rename_axis(columns=None), 1)


def column_table(cells):
    """Tell which columns of a set the attacker leaves alone."""
    rows = ["n_train", "n_train_minority", "n_features"]
    first = runs.with_rows(cells, "frozen", *rows).drop_duplicates("dataset")
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
    """Return the numbers of sets.md, and its frames."""
    means, columns = STUDY.means(cells), column_table(cells)
    unmoved = unmoved_sets(cells)
    shown = attacked_means(means, unmoved)
    return STUDY.told_of(cells) | {
        "n_folds": cells.groupby("dataset")["fold"].nunique().min(),
        "trained": ", ".join(f"{eps:g}" for eps in sorted(cells["eps"].unique())),
        "radii": " and ".join(f"{eps:g}" for eps in RADII),
        "unmoved": unmoved,
        "summary": over_sets.summary_table(shown, METRICS, TITLES),
        "metrics": {
            f"{title[0].upper()}{title[1:]}": over_sets.metric_blocks(
                shown, metric, title, CONTROLS, TITLES
            )
            for metric, title in METRICS.items()
        },
        "seconds": seconds_block(cells),
        "columns": columns.drop(columns="frozen columns"),
    }, {"sets.csv": means, "columns.csv": columns.reset_index()}


def write_tables(args):
    """Write sets.md beside the cells; return its path."""
    numbers, frames = make_report(STUDY.read(args.out / "tables.jsonl"))
    template = Path(__file__).with_name("sets.md.jinja")
    return write_report(args.out, template, numbers, frames=frames)
