"""Pictures: recall from frequent to rare classes, training losses, and tables."""

import numpy as np
from matplotlib.figure import Figure

from imbdeep_bench.papers.robustness import methods_tables
from imbdeep_bench.papers.robustness.methods import METHODS
from imbdeep_bench.report import runs
from imbdeep_bench.report.styles import tidy

SETTING = ["data", "module", "level"]
SHOWN = ("clean", "corrupted")


def by_method(part, values):
    """Average what a function takes from each cell, method by method, in order."""
    told = {}
    for name in METHODS:
        own = [values(cell) for cell in part[part["method"] == name].to_dict("records")]
        if own:
            told[name] = np.mean(own, axis=0)
    return told


def draw_lines(axes, told):
    """Draw a line a method, its first point at 1."""
    for name, values in told.items():
        color, style = METHODS[name].look
        places = np.arange(1, len(values) + 1)
        axes.plot(places, values, style, color=color, label=METHODS[name].title)
    tidy(axes)


def add_legend(figure, axes):
    """Name the methods below all panels."""
    handles, labels = axes.get_legend_handles_labels()
    below = {"loc": "outside lower center", "ncols": 3, "frameon": False}
    figure.legend(handles, labels, **below)


def draw_recalls(cells):
    """Draw recall by class, a line a setting and a column a scenario; None without."""
    keys = runs.keys_of(cells, SETTING)
    if not keys:
        return None
    size = (4.4 * len(SHOWN), 2.3 * len(keys) + 0.9)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(keys), len(SHOWN), squeeze=False, sharey=True)
    for line, key in zip(grid, keys, strict=True):
        part = runs.pick(cells, SETTING, key)
        for axes, where in zip(line, SHOWN, strict=True):
            draw_lines(axes, by_method(part, lambda c, w=where: c["recalls"][w]))
            axes.set(ylim=(-0.03, 1.03), title=f"{', '.join(key)}: {where}")
            axes.title.set_size(9)
        line[0].set_ylabel("recall")
    for axes in grid[-1]:
        axes.set_xlabel("class, from the most frequent to the rarest")
    add_legend(figure, grid[0][0])
    return figure


def draw_losses(cells):
    """Draw the training loss by epoch, a panel a setting; None without."""
    keys = runs.keys_of(cells, SETTING)
    if not keys:
        return None
    n_columns = min(3, len(keys))
    n_lines = -(-len(keys) // n_columns)
    # A single panel is narrower than the legend.
    size = (max(7.2, 3.4 * n_columns), 2.5 * n_lines + 0.9)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(n_lines, n_columns, squeeze=False).ravel()
    for axes, key in zip(panels, keys, strict=False):
        part = runs.pick(cells, SETTING, key)
        draw_lines(axes, by_method(part, lambda cell: cell["losses"]))
        axes.set_title(", ".join(key), fontsize=9)
        axes.set_xlabel("epoch")
        axes.set_yscale("log")
    for axes in panels[len(keys) :]:
        axes.set_visible(False)
    panels[0].set_ylabel("training loss, log scale")
    add_legend(figure, panels[0])
    return figure


def draw_corrupted_by_clean(points):
    """Draw a point a method at (clean, corrupted), a panel a score.

    ``points`` has them by method, by the title of the score. On the line, corruption
    costs nothing.
    """
    figure = Figure(figsize=(4.4 * len(points), 5.2), layout="constrained")
    panels = figure.subplots(1, len(points), squeeze=False)[0]
    for axes, (title, told) in zip(panels, points.items(), strict=True):
        for name, point in told.items():
            method = methods_tables.METHODS[name]
            color, marker = method.look
            look = {"color": color, "marker": marker, "linestyle": "none"}
            axes.plot(*point, **look, markersize=8, label=method.title)
        ends = [min(axes.get_xlim()[0], axes.get_ylim()[0]), axes.get_xlim()[1]]
        axes.plot(ends, ends, color="#999999", linewidth=0.8, zorder=0)
        axes.set(title=title, xlabel="clean", ylabel="corrupted")
        tidy(axes)
    add_legend(figure, panels[0])
    return figure
