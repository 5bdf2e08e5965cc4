"""The report of the weights: a table, its CSV file and the picture."""

import numpy as np
import pandas as pd
from _explicit_gradient.markdown import to_markdown
from _paper_cells import failure_lines
from _paper_results import read_complete_cells, with_rows
from matplotlib.figure import Figure

from _robust.classes import COLORS
from _robust.layout import cost_block, count_line, percent
from _robust.weight_methods import METHODS, METRICS, TRAININGS, WEIGHTS
from imbdeep._files import png, write_files

CELLS = "weights.jsonl"
TITLES = {name: method.title for name, method in METHODS.items()}
# Line styles of accuracies without and with an attacker.
STYLES = {"standard": "-", "robust": "--"}


def read_cells(path):
    """Read the runs that every weight and way to train has been through."""
    order = {"dataset": (), "fold": (), "method": METHODS}
    return read_complete_cells(path, "robust.py weights", order)


def mean_table(cells):
    """Average over the runs that did not fail.

    Returns
    -------
    table : DataFrame
        A row for each pair, way to train, weight and metric: ``mean``, ``std`` and
        ``n_runs``.
    """
    finished = cells[cells["status"] == "ok"]
    scores = pd.DataFrame(
        [[s[name] for name in METRICS] for s in finished["scores"]],
        columns=pd.Index(METRICS, name="metric"),
        index=pd.MultiIndex.from_frame(finished[["dataset", "training", "weight"]]),
    )
    groups = scores.stack(future_stack=True).groupby(
        ["dataset", "training", "weight", "metric"], sort=False
    )
    table = groups.agg(["mean", "std", "count"]).rename(columns={"count": "n_runs"})
    return table.reset_index()


def lay_out(part):
    """Print means, a row a way to train and weight, and a column a metric."""
    texts = [percent(row.mean_, row.std_) for row in _named(part).itertuples()]
    table = part.assign(text=texts).pivot(
        index=["training", "weight"], columns="metric", values="text"
    )
    order = [(t, w) for t in TRAININGS for w in WEIGHTS if (t, w) in table.index]
    table = table.reindex(order)[list(METRICS)].rename(columns=METRICS)
    table.index = [f"{training}, {weight}:1" for training, weight in table.index]
    return table.rename_axis(index="training, weights", columns=None)


def _named(part):
    # mean is also a method of what itertuples gives.
    return part.rename(columns={"mean": "mean_", "std": "std_"})


def draw_panel(axes, part):
    """Draw one way to train: lines of both classes, with and without an attacker."""
    for name, title in METRICS.items():
        kind, side = name.split("_")
        rows = part[part["metric"] == name].sort_values("weight")
        # Weights are no even steps, and told apart best where they are.
        axes.errorbar(
            np.arange(len(rows)),
            100 * rows["mean"],
            yerr=100 * rows["std"].fillna(0),
            color=COLORS[side == "minority"],
            linestyle=STYLES[kind],
            capsize=2,
            label=title,
        )
        axes.set_xticks(np.arange(len(rows)), [f"{w}:1" for w in rows["weight"]])
    axes.set_ylim(-2, 102)
    axes.set_xlabel("weight of the rare class")
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def draw_weights(table):
    """Draw all pairs, a line each, and the ways to train side by side.

    Parameters
    ----------
    table : DataFrame
        As :func:`mean_table` gives it.

    Returns
    -------
    figure : Figure
    """
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
    """Return weights.md and the frame of weights.csv."""
    means = mean_table(cells)
    known = with_rows(cells, "class_counts")["class_counts"]
    counts = next(iter(known), ("?", "?"))
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
        failure_lines(cells, METHODS) or "None.",
        "## Seconds",
        cost_block(cells, ["dataset"], TITLES),
    ]
    return "\n\n".join(blocks) + "\n", means


def write_report(out):
    """Write table and picture to a folder that holds cells; return the table's path."""
    text, means = make_report(read_cells(out / CELLS))
    files = {"weights.csv": means.to_csv(index=False), "weights.md": text}
    if not means.empty:
        files["weights.png"] = png(draw_weights(means), dpi=120)
    write_files({out / name: content for name, content in files.items()})
    return out / "weights.md"
