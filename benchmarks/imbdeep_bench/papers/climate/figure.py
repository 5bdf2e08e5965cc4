"""Pictures: recall of each class, Figures 2 and 3, and the GANs' losses of Figure 1."""

import numpy as np
from matplotlib.figure import Figure

from imbdeep_bench.papers.climate.methods import METHODS
from imbdeep_bench.papers.climate.numbers import BY, RECALLS, network_of
from imbdeep_bench.report import runs
from imbdeep_bench.report.styles import tidy

CLASS_COLORS = ("#8C8C8C", "#56B4E9", "#009E73", "#D55E00")
LOSS_LOOKS = {"discriminator": "--", "generator": "-"}
# x, y, and their titles: Figures 2 and 3, and what accuracy hides.
PANELS = (
    ("root_intra_class_variance", "accuracy"),
    ("root_intra_class_variance", "balanced_accuracy"),
    ("accuracy", "balanced_accuracy"),
)
AXES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "root_intra_class_variance": "root of intra-class variance",
}


def wide_means(means, key):
    """Return the means of a setting, methods by metrics, in order; no failed ones."""
    part = runs.pick(means, BY, key)
    table = part.pivot(index="method", columns="metric", values="mean").dropna()
    return table.reindex([name for name in METHODS if name in table.index])


def draw_recalls(means):
    """Draw the recall of each class, a line a method; None where all failed."""
    tables = {key: wide_means(means, key) for key in runs.keys_of(means, BY)}
    tables = {key: table for key, table in tables.items() if len(table)}
    if not tables:
        return None
    height = 0.32 * max(map(len, tables.values())) + 1.4
    figure = Figure(figsize=(7.5, height * len(tables)), layout="constrained")
    panels = figure.subplots(len(tables), squeeze=False)[:, 0]
    for axes, (key, table) in zip(panels, tables.items(), strict=True):
        places = np.arange(len(table))
        recalls = table[list(RECALLS)]
        ends = {"color": "#CCCCCC", "linewidth": 1.2, "zorder": 1}
        axes.hlines(places, recalls.min(axis=1), recalls.max(axis=1), **ends)
        for label, (metric, color) in enumerate(
            zip(RECALLS, CLASS_COLORS, strict=True)
        ):
            told = {"color": color, "label": f"class {label}", "s": 34, "zorder": 2}
            axes.scatter(recalls[metric], places, **told)
        axes.set_yticks(places, [METHODS[name].title for name in table.index])
        axes.set(xlim=(-0.02, 1.02), ylim=(len(table) - 0.4, -0.6))
        axes.set_xlabel("recall, mean over the seeds")
        axes.set_title(", ".join(key), fontsize=10)
        tidy(axes)
    handles, labels = panels[0].get_legend_handles_labels()
    below = {"loc": "outside lower center", "ncols": len(labels), "frameon": False}
    figure.legend(handles, labels, **below)
    return figure


def draw_variance(means, published):
    """Draw Figures 2 and 3, and accuracy against balanced accuracy; None: all failed.

    Filled: ours; rings: the published ones.
    """
    tables = {key: wide_means(means, key) for key in runs.keys_of(means, BY)}
    tables = {key: table for key, table in tables.items() if len(table)}
    if not tables:
        return None
    size = (4.2 * len(PANELS), 3.9 * len(tables) + 1.2)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(tables), len(PANELS), squeeze=False)
    for line, (key, table) in zip(grid, tables.items(), strict=True):
        for axes, (x, y) in zip(line, PANELS, strict=True):
            for name in table.index:
                told = {"color": METHODS[name].look[0], "s": 46}
                axes.scatter(table.at[name, x], table.at[name, y], label=name, **told)
                network = network_of([name], key[1], published)
                if network is not None:
                    row = published.loc[(network, METHODS[name].published)]
                    ring = {"facecolors": "none", "edgecolors": told["color"]}
                    axes.scatter(row[x], row[y], s=46, **ring)
            axes.set(xlabel=AXES[x], ylabel=AXES[y])
            tidy(axes)
        line[1].set_title(f"{', '.join(key)}; rings: the paper's", fontsize=10)
    handles, names = grid[0][0].get_legend_handles_labels()
    below = {"loc": "outside lower center", "ncols": 3, "frameon": False}
    figure.legend(handles, [METHODS[name].title for name in names], **below)
    return figure


def draw_losses(cells):
    """Draw Figure 1: losses of the GANs by epoch, a panel a class; None without any.

    Means over the seeds of the first setting and method that has a GAN.
    """
    told = cells[cells["gan_losses"].notna()] if "gan_losses" in cells else cells[:0]
    if told.empty:
        return None
    first = told.iloc[0]
    where = [*BY, "method"]
    own = told[(told[where] == first[where]).all(axis=1)]["gan_losses"].tolist()
    classes = list(own[0])
    size = (3.4 * len(classes), 3.2)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(classes), squeeze=False, sharey=True)[0]
    for axes, label in zip(panels, classes, strict=True):
        for net, style in LOSS_LOOKS.items():
            values = np.mean([losses[label][net] for losses in own], axis=0)
            epochs = np.arange(1, len(values) + 1)
            axes.plot(epochs, values, style, color="#0072B2", label=net)
        axes.set_title(f"class {label}", fontsize=10)
        axes.set_xlabel("epoch")
        tidy(axes)
    panels[0].set_ylabel("loss, mean over the seeds")
    panels[0].legend(frameon=False)
    return figure
