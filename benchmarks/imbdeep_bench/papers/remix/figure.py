"""Figures 5 to 7: gains over the baseline by ratio, and scores by alpha."""

from matplotlib.figure import Figure

from imbdeep_bench.papers.remix.numbers import METRICS, PAPERS
from imbdeep_bench.report.runs import keys_of, pick
from imbdeep_bench.report.styles import draw_bars, tidy

# Of the three ratios, mildest first.
RATIO_COLORS = ("#9CC7E0", "#0072B2", "#0B2A4A")


def draw_panel(axes, rows, methods):
    """Draw one task and metric: a group of bars for each ratio, a bar a method."""
    looks = {n: {"color": m.look[0], "label": m.title} for n, m in methods.items()}
    draw_bars(axes, rows, ("ratio", "gain", "se"), looks)
    axes.axhline(0, color="#444444", linewidth=0.8)


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


def draw_alphas(table):
    """Draw scores by alpha, a column a set and task, a line a ratio; None without any.

    ``table`` is as :func:`~imbdeep_bench.papers.remix.numbers.alpha_table` gives it.
    """
    # One alpha is no curve.
    if table["alpha"].nunique() < 2:
        return None
    keys = keys_of(table, ["data", "task"])
    figure = Figure(figsize=(3.2 * len(keys) + 1, 5.6), layout="constrained")
    panels = figure.subplots(len(PAPERS), len(keys), squeeze=False, sharex=True)
    for line, metric in zip(panels, PAPERS, strict=True):
        for axes, key in zip(line, keys, strict=True):
            part = pick(table, ["data", "task", "metric"], (*key, metric))
            for place, ratio in enumerate(sorted(part["ratio"].unique())[::-1]):
                own = part[part["ratio"] == ratio]
                told = {"label": f"{ratio:g}", "color": RATIO_COLORS[place]}
                axes.plot(own["alpha"], own["mean"], marker="o", markersize=4, **told)
            axes.set_title(", ".join(key), fontsize=10)
            tidy(axes, "y")
        line[0].set_ylabel(METRICS[metric], fontsize=9)
    for axes in panels[-1]:
        axes.set_xlabel("alpha", fontsize=9)
    figure.suptitle("After Figure 7: ReMix by alpha and ratio", fontsize=11)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    return figure
