"""The report of the weights: a table, its CSV file and the picture."""

import numpy as np
from matplotlib.figure import Figure

from imbdeep_bench.engine.experiment import titles_of
from imbdeep_bench.papers.robust.figure import COLORS
from imbdeep_bench.papers.robust.methods import TRAININGS, WEIGHT_METHODS, WEIGHTS
from imbdeep_bench.papers.robust.report import SECONDS, percent
from imbdeep_bench.report.markdown import to_markdown, write_all
from imbdeep_bench.report.runs import (
    cost_block,
    count_line,
    failure_block,
    finished,
    mean_table,
    read_complete_cells,
    score_frame,
    with_rows,
)

METRICS = {
    "standard_majority": "standard, frequent class",
    "standard_minority": "standard, rare class",
    "robust_majority": "robust, frequent class",
    "robust_minority": "robust, rare class",
}
TITLES = titles_of(WEIGHT_METHODS)
# Line styles of accuracies without and with an attacker.
STYLES = {"standard": "-", "robust": "--"}


def read_cells(path):
    """Read the runs that every weight and way to train has been through."""
    order = {"dataset": (), "fold": (), "method": WEIGHT_METHODS}
    return read_complete_cells(path, "papers.py robust weights", order)


def means_of(cells):
    """Average over the runs that did not fail, by pair, way to train and weight."""
    scores = score_frame(finished(cells), ["dataset"], METRICS)
    table = mean_table(scores, ["dataset"], "std")
    kinds = table["method"].str.rsplit("_", n=1, expand=True).reindex(columns=[0, 1])
    table = table.assign(training=kinds[0], weight=kinds[1].astype(int))
    columns = ["dataset", "training", "weight", "metric", "mean", "std", "n_runs"]
    # As the cells have them: weight by weight, and metrics within.
    return table.sort_values(
        ["dataset", "training", "weight"],
        key=lambda c: c.map(list(TRAININGS).index) if c.name == "training" else c,
        kind="stable",
        ignore_index=True,
    )[columns]


def lay_out(part):
    """Print means, a row a way to train and weight, and a column a metric."""
    texts = [percent(*pair) for pair in zip(part["mean"], part["std"], strict=True)]
    table = part.assign(text=texts).pivot(
        index=["training", "weight"], columns="metric", values="text"
    )
    order = [(t, w) for t in TRAININGS for w in WEIGHTS if (t, w) in table.index]
    table = table.reindex(order)[list(METRICS)].rename(columns=METRICS)
    table.index = [f"{training}, {weight}:1" for training, weight in table.index]
    return table.rename_axis(index="training, weights", columns=None)


def draw_panel(axes, part):
    """Draw one way to train: lines of both classes, with and without an attacker."""
    for name, title in METRICS.items():
        kind, side = name.split("_")
        rows = part[part["metric"] == name].sort_values("weight")
        # Weights are no even steps, and told apart best where they are.
        places = np.arange(len(rows))
        axes.errorbar(
            places,
            100 * rows["mean"],
            yerr=100 * rows["std"].fillna(0),
            color=COLORS[side == "minority"],
            linestyle=STYLES[kind],
            capsize=2,
            label=title,
        )
        axes.set_xticks(places, [f"{w}:1" for w in rows["weight"]])
    axes.set_ylim(-2, 102)
    axes.set_xlabel("weight of the rare class")
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def draw_weights(table):
    """Draw all pairs, a line each, and the ways to train side by side."""
    names = list(table["dataset"].unique())
    trainings = [name for name in TRAININGS if name in set(table["training"])]
    size = 4.6 * len(trainings), 3 * len(names) + 1
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(names), len(trainings), squeeze=False, sharey=True)
    for line, name in zip(panels, names, strict=True):
        for axes, training in zip(line, trainings, strict=True):
            rows = table[(table["dataset"] == name) & (table["training"] == training)]
            draw_panel(axes, rows)
            axes.set_title(f"{training} training: {name}", fontsize=9)
        line[0].set_ylabel("accuracy [%], mean ± s.d.")
    figure.suptitle("After Figure 4.2", fontsize=11)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def make_report(cells):
    """Return the blocks of weights.md, and its frame."""
    means = means_of(cells)
    counts = next(iter(with_rows(cells, "class_counts")["class_counts"]), ("?", "?"))
    blocks = [
        "# Two classes, of which the rare one weighs more",
        f"{count_line(cells)} Accuracies in percent on as many test rows of either "
        f"class, mean ± standard deviation over the seeds. {counts[0]} + {counts[1]} "
        "rows train. Robust: under PGD of 20 steps. Weights enter the loss of all "
        "epochs; batches without a row of the rare class do not feel them.",
    ]
    for name in means["dataset"].unique():
        part = means[means["dataset"] == name]
        blocks += [f"## {name}", to_markdown(lay_out(part))]
    blocks += [
        "## Failed cells",
        failure_block(cells, TITLES),
        "## Seconds",
        cost_block(cells, ["dataset"], SECONDS, TITLES, digits=1),
    ]
    return blocks, means


def write_weights(args):
    """Write weights.md beside the cells; return its path."""
    blocks, means = make_report(read_cells(args.out / "weights.jsonl"))
    pictures = {} if means.empty else {"weights.png": draw_weights(means)}
    frames = {"weights.csv": means}
    return write_all(
        args.out, "weights.md", blocks, frames=frames, pictures=pictures, dpi=120
    )
