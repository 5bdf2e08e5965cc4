"""Pictures of accuracies, with and without an attacker: Figures 4.1 and 5.2 to 5.7."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from imbdeep_bench.engine.experiment import titles_of
from imbdeep_bench.papers.robust.methods import METHODS
from imbdeep_bench.report.runs import keys_of, pick
from imbdeep_bench.report.styles import draw_bars, tidy

THREAT = ["data", "norm", "eps"]
SETTING = ["data", "imbalance", "norm", "eps"]
# The four columns of every table of the dissertation.
FOUR = {
    f"{name}_{half}": f"{name}, {half}"
    for name in ("standard", "robust")
    for half in ("overall", "under")
}
TITLES = titles_of(METHODS)
SHOWN = ("plain", "ce", "srat_ldam", "imb_mix")
# Well and under-represented classes, as the dissertation draws them.
COLORS = {False: "#8C6D46", True: "#7B52AB"}
STANDARD_ALPHA = 0.4
# Line styles of accuracies without and with an attacker.
STYLES = {"standard": "-", "robust": "--"}
# Of which parts Imb-Mix is made.
PARTS = {"ce": "#A6A6A6", "imb_mix_plain": "#56B4E9", "imb_mix": "#0B5A8A"}
# More classes are not labelled one by one.
MOST_LABELS = 20


def heading(data, imbalance, norm, eps):
    """Name a setting.

    Examples
    --------
    >>> heading("usps", "step-10", "linf", 0.15)
    'usps, step-10, linf 0.15'
    """
    return f"{data}, {imbalance}, {norm} {eps:.3g}"


def draw_panel(axes, rows):
    """Draw the classes of one method: standard accuracy behind the robust one."""
    is_under = np.arange(len(rows)) >= len(rows) - len(rows) // 2
    colors = [COLORS[bool(under)] for under in is_under]
    places = rows["class"].to_numpy()
    axes.bar(places, 100 * rows["standard"], color=colors, alpha=STANDARD_ALPHA)
    axes.bar(places, 100 * rows["robust"], color=colors, width=0.5)
    axes.set_ylim(0, 100)
    if len(rows) <= MOST_LABELS:
        axes.set_xticks(places)
    tidy(axes, "y")


def draw_classes(table):
    """Draw all settings, a line each, and the methods of :data:`SHOWN` side by side.

    None where none of these methods has a cell.
    """
    table = table[table["method"].isin(SHOWN)]
    if table.empty:
        return None
    methods = [name for name in SHOWN if name in set(table["method"])]
    keys = keys_of(table, SETTING)
    size, shape = (3.2 * len(methods), 2.3 * len(keys) + 0.8), (len(keys), len(methods))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(*shape, squeeze=False, sharex=True, sharey=True)
    for line, key in zip(panels, keys, strict=True):
        part = pick(table, SETTING, key)
        for axes, name in zip(line, methods, strict=True):
            draw_panel(axes, part[part["method"] == name])
            axes.set_title(TITLES[name], fontsize=10)
        line[0].set_ylabel(f"{heading(*key)}\naccuracy [%]", fontsize=8)
    for axes in panels[-1]:
        axes.set_xlabel("class", fontsize=9)
    figure.suptitle("After Figure 4.1: means over the seeds", fontsize=11)
    bars = [
        Patch(color=COLORS[is_under], alpha=alpha, label=f"{prefix}{label}")
        for is_under, prefix in ((False, ""), (True, "under, "))
        for alpha, label in ((STANDARD_ALPHA, "standard"), (None, "robust"))
    ]
    figure.legend(handles=bars, loc="outside lower center", ncols=4)
    return figure


def draw_line(axes, values, rows, **look):
    """Draw means and spreads in percent, by the values of a parameter.

    Values are no even steps, and told apart best where they are.
    """
    places = np.arange(len(values))
    error = 100 * rows["std"].fillna(0)
    told = {"yerr": error, "capsize": 2, "marker": "o", "markersize": 3}
    axes.errorbar(places, 100 * rows["mean"], **told, **look)
    axes.set_xticks(places, values)
    axes.set_ylim(-2, 102)
    tidy(axes, "y")


def draw_parts(means):
    """Draw what the parts of Imb-Mix add, by imbalance, a line of panels a threat.

    None where none of the methods of :data:`PARTS` has a score.
    """
    means = means[means["method"].isin(list(PARTS)) & (means["n_runs"] > 0)]
    if means.empty:
        return None
    percent = means[["mean", "std"]].mul(100).fillna({"std": 0})
    means = means.assign(mean=percent["mean"], std=percent["std"])
    keys = keys_of(means, THREAT)
    figure = Figure(figsize=(13, 2.6 * len(keys) + 0.8), layout="constrained")
    panels = figure.subplots(len(keys), len(FOUR), squeeze=False, sharey=True)
    looks = {n: {"color": c, "label": TITLES[n]} for n, c in PARTS.items()}
    for line, key in zip(panels, keys, strict=True):
        part = pick(means, THREAT, key)
        for axes, (metric, title) in zip(line, FOUR.items(), strict=True):
            rows = part[part["metric"] == metric]
            draw_bars(axes, rows, ("imbalance", "mean", "std"), looks)
            axes.set_title(title, fontsize=10)
        line[0].set_ylabel(f"{key[0]}, {key[1]} {key[2]:.3g}\naccuracy [%]", fontsize=8)
    figure.suptitle("After Figures 5.2 to 5.7: mean ± s.d.", fontsize=11)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure
