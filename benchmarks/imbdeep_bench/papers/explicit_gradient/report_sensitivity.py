"""Tables and picture of the sensitivity study, from its file of cells alone."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from statsmodels.stats.multitest import multipletests

from imbdeep.reporting import wilcoxon_holm
from imbdeep_bench.papers.explicit_gradient.candidates import (
    OURS,
    PLAIN,
    PLAIN_LR,
    PLAIN_WEIGHT_DECAY,
    SETTING,
    VARIATIONS,
    ours_candidates,
    ours_name,
    plain_candidates,
    plain_name,
)
from imbdeep_bench.papers.explicit_gradient.methods import PAPER_NET
from imbdeep_bench.papers.explicit_gradient.report_sets import VALID, read_finished
from imbdeep_bench.report.markdown import print_p_values
from imbdeep_bench.report.template import write_report

TEST = "average_precision"
# Candidates of either side, for comparisons at equal effort.
TUNED = {
    "the paper's setting": ([PLAIN], [OURS]),
    "lr chosen": (
        [plain_name(lr, 0.0) for lr in VARIATIONS["lr"]],
        [ours_name("lr", lr) for lr in VARIATIONS["lr"]],
    ),
    "all chosen": (list(plain_candidates()), list(ours_candidates())),
}


# --- Numbers -------------------------------------------------------------------------
# Scores are indexed by dataset, method and fold.


def set_means(scores, column):
    """Mean over the splits, data sets by methods; NaN where one failed."""
    groups = scores[column].groupby(["dataset", "method"])
    return groups.mean().where(groups.count() == groups.size()).unstack("method")


def choose(scores, candidates):
    """For each split, the candidate with the best score on the validation rows.

    Of equals the first is taken, a failure never. By dataset and fold: the ``method``
    and its scores, as if it were one method that tunes itself.
    """
    valid = scores[VALID].unstack("method")[candidates].fillna(-1.0)
    best = valid.idxmax(axis=1).rename("method")
    keys = best.reset_index().set_index(["dataset", "method", "fold"]).index
    return scores.loc[keys].reset_index("method")


def tuned_means(scores, candidates, column=TEST):
    """Mean over the splits of each set, of what validation rows chose."""
    return choose(scores, candidates)[column].groupby("dataset").mean()


def effect_table(scores, methods):
    """Means of each method, and its paired differences to the setting and the net.

    Differences are of means over splits, one a set, with the standard error of their
    mean over the sets.
    """
    test, valid = (set_means(scores, column)[methods] for column in (TEST, VALID))
    gain = test.sub(test[OURS], axis=0).round(12)
    return pd.DataFrame(
        {
            "test": test.mean(skipna=False),
            "validation": valid.mean(skipna=False),
            f"minus {OURS}": gain.mean(skipna=False),
            "s.e.": gain.sem(skipna=False),
            "sets won": (gain > 0).sum(),
            "sets lost": (gain < 0).sum(),
            f"minus {PLAIN}": test.sub(test[PLAIN], axis=0).mean(skipna=False),
        }
    ).rename_axis(None)


def tuning_table(scores):
    """Plain net and paper's method, both tuned on validation rows, at equal effort.

    ``candidates`` on either side; ``gain`` and ``wins`` are of the paper's method.
    """
    rows = {}
    for label, sides in TUNED.items():
        names = dict(zip((PLAIN, OURS), sides, strict=True))
        test = pd.DataFrame({k: tuned_means(scores, v) for k, v in names.items()})
        means = test.mean(skipna=False)
        compared = wilcoxon_holm(test[[OURS, PLAIN]], control=PLAIN).loc[0]
        rows[label] = {
            "candidates": " / ".join(str(len(side)) for side in sides),
            **{f"test, {k}": means[k] for k in names},
            "gain": (test[OURS] - test[PLAIN]).mean(skipna=False),
            **compared[["wins", "losses", "ties", "p_value"]],
            **{
                f"validation, {k}": tuned_means(scores, v, VALID).mean()
                for k, v in names.items()
            },
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    adjusted = multipletests(table["p_value"].astype(float), method="holm")[1]
    table.insert(8, "p_holm", adjusted)
    return table


def effect_ranges(scores):
    """How far the mean test score goes over the values of each parameter, widest first.

    The ``best`` and the ``worst`` value, and the ``range`` between them.
    """
    test = set_means(scores, TEST).mean(skipna=False)
    rows = {}
    for parameter, values in VARIATIONS.items():
        means = pd.Series({str(v): test[ours_name(parameter, v)] for v in values})
        best, worst = means.idxmax(), means.idxmin()
        width = means.max() - means.min()
        rows[parameter] = {"best": best, "worst": worst, "range": width}
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.sort_values("range", ascending=False)


def verdict(scores):
    """Tell what makes the difference, from the numbers alone."""
    ranges, tuned = effect_ranges(scores), tuning_table(scores)
    means = set_means(scores, TEST).mean(skipna=False)
    steps = {v: means[ours_name("synth_lr", v)] for v in VARIATIONS["synth_lr"]}
    still = steps.pop(0.0)
    best_step = max(steps, key=steps.get)
    return {
        "ranges": ranges,
        "widest": ranges["range"].head(4).to_dict(),
        "tuned": print_p_values(tuned),
        "last": tuned.iloc[-1],
        "still": still,
        "best_step": best_step,
        "moving": steps[best_step],
    }


# --- Picture and report --------------------------------------------------------------


def curves():
    """Return the panels of the picture: title, then (value, method, is the paper's)."""
    ours = {
        name: [(v, ours_name(name, v), v == SETTING[name]) for v in values]
        for name, values in VARIATIONS.items()
    }
    lr = PAPER_NET["lr"]
    stops = [(True, PLAIN, True), (False, f"{PLAIN} early_stopping=False", False)]
    return ours | {
        f"{PLAIN}: lr": [(v, plain_name(v, 0.0), v == lr) for v in PLAIN_LR],
        f"{PLAIN}: weight_decay": [
            (v, plain_name(lr, v), v == 0.0) for v in PLAIN_WEIGHT_DECAY
        ],
        f"{PLAIN}: early_stopping": stops,
    }


def plot_curves(scores):
    """Draw mean test and validation scores over each parameter, a panel each."""
    means = {
        "test": set_means(scores, TEST).mean(skipna=False),
        "validation": set_means(scores, VALID).mean(skipna=False),
    }
    panels = curves()
    figure = Figure(figsize=(15, 9), layout="constrained")
    axes = figure.subplots(3, 5, sharey=True).ravel()
    for axis, (title, points) in zip(axes, panels.items(), strict=False):
        values, names, is_papers = zip(*points, strict=True)
        place, papers = np.arange(len(points)), is_papers.index(True)
        for color, (rows, mean) in zip(("C0", "C1"), means.items(), strict=True):
            score = mean[list(names)].to_numpy()
            axis.plot(place, score, "o-", color=color, label=f"{rows} rows")
            axis.plot(papers, score[papers], "o", ms=11, mfc="none", mec=color)
        axis.axhline(means["test"][PLAIN], color="0.4", ls="--", lw=1)
        labels = [f"{v:g}" if type(v) is float else str(v) for v in values]
        axis.set_xticks(place, labels)
        axis.set_title(title)
        axis.spines[["top", "right"]].set_visible(False)
    handles, labels = axes[0].get_legend_handles_labels()
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
        axis.legend(handles, labels, loc="center", frameon=False)
    figure.supylabel("mean average precision")
    return figure


def write_sensitivity(args):
    """Write report.md and its picture beside the cells; return its path."""
    cells = read_finished(args.out / "cells.jsonl")
    scores = cells.paired_scores[[TEST, VALID]]
    sides = list(plain_candidates()), list(ours_candidates())
    numbers = verdict(scores) | {
        "n_cells": len(cells.cells),
        "n_expected": cells.n_expected,
        "n_failed": (cells.cells["status"] == "failed").sum(),
        "n_splits": len(scores.index.droplevel("method").unique()),
        "n_sets": scores.index.unique("dataset").size,
        "chosen": [
            Counter(choose(scores, names)["method"]).most_common(6) for names in sides
        ],
        "effects": effect_table(scores, sides[0] + sides[1]),
    }
    template = Path(__file__).with_name("sensitivity.md.jinja")
    files = {"pictures": {"sensitivity.png": plot_curves(scores)}, "dpi": 130}
    return write_report(args.out, template, numbers, name="report.md", **files)
