"""The report of the tables: means and ranks over the sets, and tests."""

from pathlib import Path

from imbdeep.datasets import IMBLEARN27_NAMES, TABLE_CORRUPTIONS
from imbdeep_bench.papers.robust.report import SECONDS
from imbdeep_bench.papers.robust.report_tables import column_table
from imbdeep_bench.papers.robustness.figure import draw_corrupted_by_clean
from imbdeep_bench.papers.robustness.methods_tables import METHODS
from imbdeep_bench.report import over_sets, runs
from imbdeep_bench.report.template import write_report

SCORES = {"ap": "average precision", "recall": "recall of the rare class"}
TESTED = {
    f"{score}_{where}": f"{title}, {where}"
    for score, title in SCORES.items()
    for where in ("clean", "corrupted")
}
SUMMARY = TESTED | {"ap_pgd": "average precision, PGD"}
BY_CORRUPTION = {f"ap_{name}": name.replace("_", " ") for name in TABLE_CORRUPTIONS}
STUDY = runs.Study(
    *("papers.py robustness tables", METHODS, SUMMARY | BY_CORRUPTION, ["dataset"]),
    order={"dataset": list(IMBLEARN27_NAMES)},
    costs=SECONDS,
)
# Who is held against all others.
CONTROLS = ("plain", "hist_gb")


def mean_points(means, score):
    """Return the means over the sets, clean and corrupted, method by method."""
    tables = [
        over_sets.set_table(means, f"{score}_{where}", "dataset").mean()
        for where in ("clean", "corrupted")
    ]
    return {name: tuple(table[name] for table in tables) for name in tables[0].index}


def make_report(cells):
    """Return the numbers of tables.md, and its frames."""
    means = STUDY.means(cells)
    sizes = column_table(cells).drop(columns="frozen columns")
    summary = over_sets.summary_table(means, SUMMARY, STUDY.titles)
    return STUDY.told_of(cells) | {
        "n_folds": cells.groupby("dataset")["fold"].nunique().min(),
        "summary": summary,
        "by_corruption": over_sets.summary_table(means, BY_CORRUPTION, STUDY.titles),
        "metrics": {
            f"{title[0].upper()}{title[1:]}": over_sets.metric_blocks(
                means, metric, title, CONTROLS, STUDY.titles
            )
            for metric, title in TESTED.items()
        },
        "sizes": sizes,
    }, {"tables.csv": means, "tables_summary.csv": summary.reset_index()}


def write_tables(args):
    """Write tables.md beside the cells; return its path."""
    cells = STUDY.read(args.out / "tables.jsonl")
    numbers, frames = make_report(cells)
    points = {
        title: mean_points(frames["tables.csv"], s) for s, title in SCORES.items()
    }
    pictures = {"tables.png": draw_corrupted_by_clean(points)}
    template = Path(__file__).with_name("tables.md.jinja")
    return write_report(args.out, template, numbers, frames=frames, pictures=pictures)
