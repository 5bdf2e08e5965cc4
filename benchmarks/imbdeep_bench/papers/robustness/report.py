"""The report: the paper's table, filled, and what robustness costs rare classes."""

from pathlib import Path

import pandas as pd

from imbdeep_bench.papers.robustness.figure import draw_losses, draw_recalls
from imbdeep_bench.papers.robustness.methods import METHODS
from imbdeep_bench.papers.robustness.pictures import DEFAULT, LEVELS, NATURAL, READERS
from imbdeep_bench.papers.robustness.scores import SCENARIOS, SCORES
from imbdeep_bench.report import runs
from imbdeep_bench.report.template import write_report

BY = ["data", "module", "level"]
LEVEL_TITLES = {name: name.replace("_", "-") for name in (*LEVELS, NATURAL)}
METRICS = {f"{where}_{name}": name for where in SCENARIOS for name in SCORES}
METRICS |= {"fooled": "fooled"}
# The two tables that the paper announces for a data set, and what is beside them.
SHOWN = {"balanced_accuracy": "balanced accuracy", "macro_f1": "macro-F1"}
HALVES = {"head": "frequent half", "tail": "rare half"}
PLAIN = "plain"
STUDY = runs.Study(
    "papers.py robustness images",
    METHODS,
    METRICS,
    BY,
    order={"data": list(READERS), "module": (), "level": list(LEVEL_TITLES)},
    costs={"fit_seconds": "fit [s]", "cell_seconds": "cell [s]"},
    cost_by=("data", "level"),
    digits=1,
)


# --- Numbers -------------------------------------------------------------------------


def leads_over_plain(scores, by=BY):
    """Compare every method with the plain net, run by run."""
    others = [name for name in METHODS if name != PLAIN]
    return runs.difference_table(scores, by, {name: [PLAIN] for name in others})


def pooled_leads(scores):
    """Compare with the plain net over all settings of a net.

    ``level`` is 'balanced' where classes are, and 'imbalanced' elsewhere.
    """
    is_even = scores.index.get_level_values("level") == "balanced"
    told = [
        leads_over_plain(part, ["module"]).assign(level=level)
        for level, part in (
            ("balanced", scores[is_even]),
            ("imbalanced", scores[~is_even]),
        )
        if len(part)
    ]
    return pd.concat(told, ignore_index=True)


# --- Tables --------------------------------------------------------------------------


def scenario_table(part, where):
    """Lay out Table 1 in one scenario: a row a method, a column a score and level."""
    columns = {}
    for name, title in SHOWN.items():
        for level in part["level"].unique():
            of_level = part[part["level"] == level]
            laid = runs.lay_out(
                of_level, METHODS, {f"{where}_{name}": title}, STUDY.titles
            )
            columns[f"{title}, {LEVEL_TITLES[level]}"] = laid[title]
    return pd.DataFrame(columns).rename_axis(index="method")


def lead_table(leads):
    """Lay out leads in recall: a row a method, a column a scenario and half."""
    rows = {}
    for row in leads.to_dict("records"):
        where, _, half = row["metric"].partition("_")
        if half in HALVES:
            title = f"{SCENARIOS[where]}, {HALVES[half]}"
            cells = rows.setdefault(STUDY.titles[row["first"]], {})
            cells[title] = runs.print_lead(row)
    return pd.DataFrame(rows).T.rename_axis(index="method")


def corruption_table(cells):
    """Average balanced accuracy under each corruption over the runs of a setting."""
    done = runs.finished(cells)
    told = pd.DataFrame(list(done["by_corruption"]), index=done.index)
    told = done[[*BY, "method"]].join(told)
    return told.groupby([*BY, "method"], sort=False).mean().reset_index()


def row_lines(cells):
    """Say how many images each class has in the first run of a setting."""
    first = runs.with_rows(cells, "class_counts", "n_test")
    first = first.drop_duplicates(["data", "level"])
    return "\n".join(
        f"- {run.data}, {LEVEL_TITLES[run.level]}: "
        f"{', '.join(map(str, run.class_counts))}; {run.n_test} to test"
        for run in first.itertuples()
    )


# --- All of it -----------------------------------------------------------------------


def make_report(cells):
    """Return the numbers of images.md, and its frames."""
    scores, means = STUDY.scores(cells), STUDY.means(cells)
    leads, pooled = leads_over_plain(scores), pooled_leads(scores)
    sets = {
        ", ".join(key): {
            title: scenario_table(runs.pick(means, BY[:2], key), where)
            for where, title in SCENARIOS.items()
        }
        for key in runs.keys_of(means, BY[:2])
    }
    halves = {
        f"{module}, {level} classes": lead_table(part)
        for (module, level), part in pooled.groupby(["module", "level"], sort=False)
    }
    return STUDY.told_of(cells) | {
        "seeds": sorted(cells["fold"].unique()),
        "absent": [name for name in READERS if name not in set(cells["data"])],
        "stand_ins": any(name in set(cells["data"]) for name in DEFAULT),
        "sets": sets,
        "halves": halves,
        "rows": row_lines(cells),
    }, {
        "means.csv": means,
        "leads.csv": pd.concat([leads, pooled], ignore_index=True),
        "corruptions.csv": corruption_table(cells),
    }


def write_images(args):
    """Write images.md beside the cells; return its path."""
    cells = STUDY.read(args.out / "cells.jsonl")
    numbers, frames = make_report(cells)
    done = runs.finished(cells)
    pictures = {"recalls.png": draw_recalls(done), "losses.png": draw_losses(done)}
    pictures = {name: figure for name, figure in pictures.items() if figure}
    template = Path(__file__).with_name("images.md.jinja")
    return write_report(args.out, template, numbers, frames=frames, pictures=pictures)
