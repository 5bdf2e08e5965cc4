"""Figure 5: gains over the baseline by the ratio of the classes."""

import numpy as np
from matplotlib.figure import Figure

from imbdeep_bench.papers.remix.numbers import METRICS, PAPERS


def draw_panel(axes, rows, methods):
    """Draw one task and metric: a group of bars for each ratio, a bar a method."""
    ratios = list(dict.fromkeys(rows["ratio"]))
    width = 0.8 / len(methods)
    for place, method in enumerate(methods.values()):
        own = rows[rows["method"] == method.name].set_index("ratio").reindex(ratios)
        x = np.arange(len(ratios)) + (place - (len(methods) - 1) / 2) * width
        told = {"color": method.look[0], "label": method.title}
        bars = {"linewidth": 0.8, "ecolor": "#444444"}
        axes.bar(x, own["gain"], width, yerr=own["se"], error_kw=bars, **told)
    axes.axhline(0, color="#444444", linewidth=0.8)
    axes.set_xticks(range(len(ratios)), ratios)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def draw_gains(gains, methods, number):
    """Draw gains, a column a task and a line a metric; None without any.

    ``methods`` are those to draw, by name; ``number`` is that of the paper's figure.
    """
    gains = gains[gains["method"].isin(list(methods))]
    if gains.empty:
        return None
    tasks = list(dict.fromkeys(gains["task"]))
    drawn = {n: m for n, m in methods.items() if n in set(gains["method"])}
    figure = Figure(figsize=(5.2 * len(tasks), 6.4), layout="constrained")
    panels = figure.subplots(len(PAPERS), len(tasks), squeeze=False)
    for line, metric in zip(panels, PAPERS, strict=True):
        for axes, task in zip(line, tasks, strict=True):
            is_own = (gains["task"] == task) & (gains["metric"] == metric)
            draw_panel(axes, gains[is_own], drawn)
            axes.set_title(task, fontsize=10)
        line[0].set_ylabel(f"gain, {METRICS[metric]}", fontsize=9)
    for axes in panels[-1]:
        axes.set_xlabel("rows of a rare class for each of a frequent one", fontsize=9)
    figure.suptitle(f"After Figure {number}: means and standard errors", fontsize=11)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    return figure
