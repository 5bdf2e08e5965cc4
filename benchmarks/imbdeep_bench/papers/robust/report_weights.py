"""The report of the weights: a table, its CSV file and the picture."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from imbdeep_bench.papers.robust.figure import COLORS, STYLES, draw_line
from imbdeep_bench.papers.robust.methods import TRAININGS, WEIGHT_METHODS
from imbdeep_bench.papers.robust.report import SECONDS, percent
from imbdeep_bench.report import runs
from imbdeep_bench.report.template import write_report

METRICS = {
    "standard_majority": "standard, frequent class",
    "standard_minority": "standard, rare class",
    "robust_majority": "robust, frequent class",
    "robust_minority": "robust, rare class",
}
STUDY = runs.Study(
    *("papers.py robust weights", WEIGHT_METHODS, METRICS, ["dataset"]),
    order={"dataset": ()},
    costs=SECONDS,
    digits=1,
)


def means_of(cells):
    """Average over the runs that did not fail, by pair, way to train and weight."""
    table = STUDY.means(runs.finished(cells), "std")
    kinds = table["method"].str.rsplit("_", n=1, expand=True).reindex(columns=[0, 1])
    training = pd.Categorical(kinds[0], list(TRAININGS))
    table = table.assign(training=training, weight=kinds[1].astype(int))
    columns = ["dataset", "training", "weight", "metric", "mean", "std", "n_runs"]
    # As the cells have them: weight by weight, and metrics within.
    order = {"by": columns[:3], "kind": "stable", "ignore_index": True}
    return table.sort_values(**order)[columns].astype({"training": object})


def lay_out(part):
    """Print means, a row a way to train and weight, and a column a metric."""
    texts = [percent(*pair) for pair in zip(part["mean"], part["std"], strict=True)]
    names = part["training"] + ", " + part["weight"].astype(str) + ":1"
    told = part.assign(name=names, text=texts)
    table = told.pivot(index="name", columns="metric", values="text")
    table = table.loc[names.unique(), list(METRICS)].rename(columns=METRICS)
    return table.rename_axis(index="training, weights", columns=None)


def draw_panel(axes, part):
    """Draw one way to train: lines of both classes, with and without an attacker."""
    for name, title in METRICS.items():
        kind, side = name.split("_")
        rows = part[part["metric"] == name].sort_values("weight")
        look = {"color": COLORS[side == "minority"], "linestyle": STYLES[kind]}
        weights = [f"{w}:1" for w in rows["weight"]]
        draw_line(axes, weights, rows, **look, label=title)
    axes.set_xlabel("weight of the rare class")


def draw_weights(table):
    """Draw all pairs, a line each, and the ways to train side by side."""
    names = list(table["dataset"].unique())
    trainings = [name for name in TRAININGS if name in set(table["training"])]
    size = 4.6 * len(trainings), 3 * len(names) + 1
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(names), len(trainings), squeeze=False, sharey=True)
    for line, name in zip(panels, names, strict=True):
        for axes, training in zip(line, trainings, strict=True):
            draw_panel(
                axes, runs.pick(table, ["dataset", "training"], (name, training))
            )
            axes.set_title(f"{training} training: {name}", fontsize=9)
        line[0].set_ylabel("accuracy [%], mean ± s.d.")
    figure.suptitle("After Figure 4.2", fontsize=11)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def make_report(cells):
    """Return the numbers of weights.md, and its frame."""
    means = means_of(cells)
    counts = runs.with_rows(cells, "class_counts")["class_counts"]
    return STUDY.told_of(cells) | {
        "counts": next(iter(counts), ("?", "?")),
        "tables": {
            name: lay_out(part) for name, part in means.groupby("dataset", sort=False)
        },
    }, means


def write_weights(args):
    """Write weights.md beside the cells; return its path."""
    numbers, means = make_report(STUDY.read(args.out / "weights.jsonl"))
    pictures = {} if means.empty else {"weights.png": draw_weights(means)}
    files = {"frames": {"weights.csv": means}, "pictures": pictures, "dpi": 120}
    template = Path(__file__).with_name("weights.md.jinja")
    return write_report(args.out, template, numbers, **files)
