"""Figure 4.1: accuracy of each class, with and without an attacker."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from imbdeep_bench.engine.experiment import titles_of
from imbdeep_bench.papers.robust.methods import METHODS
from imbdeep_bench.report.runs import keys_of, pick

SETTING = ["data", "imbalance", "norm", "eps"]
TITLES = titles_of(METHODS)
SHOWN = ("plain", "ce", "srat_ldam", "imb_mix")
# Well and under-represented classes, as the dissertation draws them.
COLORS = {False: "#8C6D46", True: "#7B52AB"}
STANDARD_ALPHA = 0.4
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
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


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
