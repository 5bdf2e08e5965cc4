"""One colour, line style and marker a method, the same in every picture."""

from itertools import cycle

import numpy as np

from imbdeep.reporting._styles import MethodStyle

DASHES, LONG_DASHES = (0, (5, 2)), (0, (9, 2))
DASH_DOTS, DASH_DOT_DOTS = (0, (6, 2, 1, 2)), (0, (6, 1.5, 1, 1.5, 1, 1.5))
DOTS, SPARSE_DOTS, PAIRED_DOTS = (0, (1, 1.3)), (0, (1, 3)), (0, (1, 1, 1, 3))
LONG_DASH_DOTS, THREE_DOTS = (0, (9, 2, 2, 2)), (0, (1, 1, 1, 1, 1, 3))

# Okabe and Ito's palette without yellow, which vanishes on white, then Tol's wine and
# indigo; greys for the baselines, so that they read as background; earth tones for
# learners that are not nets. Each tuple is cycled through on its own.
FAMILY_STYLES = {
    "deep": {
        "colors": (
            *("#0072B2", "#D55E00", "#009E73", "#CC79A7"),
            *("#E69F00", "#56B4E9", "#882255", "#332288"),
        ),
        "linestyles": ("-",) * 8
        + (LONG_DASHES,) * 8
        + (LONG_DASH_DOTS,) * 8
        + (DASH_DOTS,) * 8,
        "markers": "oDhPH",
    },
    "baseline": {
        "colors": ("#000000", "#4D4D4D", "#7F7F7F", "#A6A6A6"),
        "linestyles": (DASHES, DASH_DOTS, (0, (2.5, 1.5)), DASH_DOT_DOTS),
        "markers": "sXp",
    },
    "non_deep": {
        "colors": ("#7F3B08", "#999933", "#44AA99", "#AA4499", "#B8860B"),
        "linestyles": (DOTS,) * 5
        + (SPARSE_DOTS,) * 5
        + (PAIRED_DOTS,) * 5
        + (THREE_DOTS,) * 5,
        "markers": "^v<>",
    },
}

BASELINES = {"net", "net_weighted", "net_ros", "net_smote"}
# How the names of learners that are not nets begin; what follows is their treatment.
NON_DEEP = ("logistic", "random_forest", "balanced_random_forest", "hist_gb")
NON_DEEP += ("catboost", "lightgbm", "easy_ensemble", "balanced_bagging", "voting")


def method_family(method):
    """Tell ordinary treatments of a net and non-deep learners from the methods."""
    if method in BASELINES:
        return "baseline"
    return "non_deep" if method.startswith(NON_DEEP) else "deep"


def method_styles(methods):
    """Give each method its style, by its place among the methods of its family."""
    styles = {}
    for family, look in FAMILY_STYLES.items():
        members = [name for name in methods if method_family(name) == family]
        looks = zip(*map(cycle, look.values()), strict=False)
        for name, (color, linestyle, marker) in zip(members, looks, strict=False):
            styles[name] = MethodStyle(color, linestyle, marker)
    return {name: styles[name] for name in methods}


def tidy(axes, grid="both"):
    """Leave two axes, and a light grid of ``'x'``, ``'y'`` or ``'both'``."""
    axes.grid(axis=grid, color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def draw_bars(axes, rows, columns, looks):
    """Draw groups of bars, a bar a method.

    ``columns`` are those of the groups, of the heights and of the errors; ``looks`` are
    parameters of the bars of each method.
    """
    group, height, error = columns
    groups, width = list(dict.fromkeys(rows[group])), 0.8 / len(looks)
    for place, (name, look) in enumerate(looks.items()):
        own = rows[rows["method"] == name].set_index(group).reindex(groups)
        x = np.arange(len(groups)) + (place - (len(looks) - 1) / 2) * width
        bars = {"linewidth": 0.8, "ecolor": "#444444"}
        axes.bar(x, own[height], width, yerr=own[error], error_kw=bars, **look)
    axes.set_xticks(range(len(groups)), groups)
    tidy(axes, "y")
