"""Tables and picture of the sensitivity study, from its file of cells alone."""

from collections import Counter

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import sem
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
from imbdeep_bench.report.markdown import print_p_values, to_markdown, write_all

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


def set_means(scores, column):
    """Mean over the splits of each set, data sets by methods; NaN where one failed.

    Parameters
    ----------
    scores : DataFrame
        Indexed by dataset, method and fold.
    column : str
        Which score.
    """
    groups = scores[column].groupby(["dataset", "method"])
    return groups.mean().where(groups.count() == groups.size()).unstack("method")


def choose(scores, candidates):
    """For each split, the candidate with the best score on the validation rows.

    Parameters
    ----------
    scores : DataFrame
        Indexed by dataset, method and fold.
    candidates : list of str
        Methods to choose from; of equals the first is taken, a failure never.

    Returns
    -------
    chosen : DataFrame
        Indexed by dataset and fold: the ``method`` and its scores, as if it were one
        method that tunes itself.
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

    Parameters
    ----------
    scores : DataFrame
        Indexed by dataset, method and fold.
    methods : list of str

    Returns
    -------
    table : DataFrame of shape (n_methods, 7)
        Differences are of means over splits, one a set, with the standard error of
        their mean over the sets.
    """
    test, valid = set_means(scores, TEST), set_means(scores, VALID)
    rows = {}
    for name in methods:
        gain = (test[name] - test[OURS]).round(12)
        over_plain = test[name] - test[PLAIN]
        rows[name] = {
            "test": test[name].mean(skipna=False),
            "validation": valid[name].mean(skipna=False),
            f"minus {OURS}": gain.mean(skipna=False),
            "s.e.": sem(gain),
            "sets won": int((gain > 0).sum()),
            "sets lost": int((gain < 0).sum()),
            f"minus {PLAIN}": over_plain.mean(skipna=False),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def tuning_table(scores):
    """Plain net and paper's method, both tuned on validation rows, at equal effort.

    Parameters
    ----------
    scores : DataFrame
        Indexed by dataset, method and fold.

    Returns
    -------
    table : DataFrame of shape (3, 11)
        ``candidates`` on either side; ``gain`` and ``wins`` are of the paper's method;
        Wilcoxon's test is over the sets.
    """
    rows = {}
    for label, (plain, ours) in TUNED.items():
        test = pd.DataFrame(
            {PLAIN: tuned_means(scores, plain), OURS: tuned_means(scores, ours)}
        )
        compared = wilcoxon_holm(test[[OURS, PLAIN]], control=PLAIN).loc[0]
        rows[label] = {
            "candidates": f"{len(plain)} / {len(ours)}",
            f"test, {PLAIN}": test[PLAIN].mean(skipna=False),
            f"test, {OURS}": test[OURS].mean(skipna=False),
            "gain": (test[OURS] - test[PLAIN]).mean(skipna=False),
            **compared[["wins", "losses", "ties", "p_value"]],
            f"validation, {PLAIN}": tuned_means(scores, plain, VALID).mean(),
            f"validation, {OURS}": tuned_means(scores, ours, VALID).mean(),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    adjusted = multipletests(table["p_value"].astype(float), method="holm")[1]
    table.insert(8, "p_holm", adjusted)
    return table


def effect_ranges(scores):
    """How far the mean test score goes over the values of each parameter.

    Returns
    -------
    ranges : DataFrame
        ``best`` and ``worst`` value and the ``range`` between them, widest first.
    """
    test = set_means(scores, TEST).mean(skipna=False)
    rows = {}
    for parameter, values in VARIATIONS.items():
        means = pd.Series({str(v): test[ours_name(parameter, v)] for v in values})
        rows[parameter] = {
            "best": means.idxmax(),
            "worst": means.idxmin(),
            "range": means.max() - means.min(),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.sort_values("range", ascending=False)


# --- Words ---------------------------------------------------------------------------


def verdict(scores):
    """Say what makes the difference, from the numbers alone."""
    ranges, tuned = effect_ranges(scores), tuning_table(scores)
    widest = [f"`{name}` ({row.range:.3f})" for name, row in ranges.head(4).iterrows()]
    last = tuned.iloc[-1]
    means = set_means(scores, TEST).mean(skipna=False)
    still = means[ours_name("synth_lr", 0.0)]
    best_step = max(
        (v for v in VARIATIONS["synth_lr"] if v),
        key=lambda v: means[ours_name("synth_lr", v)],
    )
    step_score = means[ours_name("synth_lr", best_step)]
    significant = last["p_holm"] < 0.05
    return (
        f"The widest ranges of the mean test score are those of {', '.join(widest)}. "
        f"Rows that do not move (`synth_lr=0`) have {still:.3f}; of those that do, "
        f"`synth_lr={best_step}` has the best mean, {step_score:.3f}: "
        f"{step_score - still:+.3f}, chosen on test rows and so too good. "
        f"Tuned on validation rows from {last['candidates']} candidates, the plain net "
        f"has {last[f'test, {PLAIN}']:.3f} and the paper's method "
        f"{last[f'test, {OURS}']:.3f}: {last['gain']:+.3f} "
        f"({last['wins']} sets won, {last['losses']} lost, p = {last['p_value']:.2g}, "
        f"{'significant' if significant else 'not significant'} after Holm)."
    )


def chosen_line(scores, candidates):
    """Which candidates were chosen most often."""
    counts = Counter(choose(scores, candidates)["method"]).most_common(6)
    return ", ".join(f"`{name}` {number}" for name, number in counts)


# --- Picture and report --------------------------------------------------------------


def curves():
    """Return the panels of the picture: title, then (value, method, is the paper's)."""
    ours = {
        name: [(v, ours_name(name, v), v == SETTING[name]) for v in values]
        for name, values in VARIATIONS.items()
    }
    lr = PAPER_NET["lr"]
    plain = {
        f"{PLAIN}: lr": [(v, plain_name(v, 0.0), v == lr) for v in PLAIN_LR],
        f"{PLAIN}: weight_decay": [
            (v, plain_name(lr, v), v == 0.0) for v in PLAIN_WEIGHT_DECAY
        ],
        f"{PLAIN}: early_stopping": [
            (True, PLAIN, True),
            (False, f"{PLAIN} early_stopping=False", False),
        ],
    }
    return ours | plain


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
        place = np.arange(len(points))
        papers = is_papers.index(True)
        for color, (rows, mean) in zip(("C0", "C1"), means.items(), strict=True):
            score = mean[list(names)].to_numpy()
            axis.plot(place, score, "o-", color=color, label=f"{rows} rows")
            axis.plot(papers, score[papers], "o", ms=11, mfc="none", mec=color)
        axis.axhline(means["test"][PLAIN], color="0.4", ls="--", lw=1)
        axis.set_xticks(
            place, [f"{v:g}" if type(v) is float else str(v) for v in values]
        )
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
    plain, ours = list(plain_candidates()), list(ours_candidates())
    n_splits = len(scores.index.droplevel("method").unique())
    n_failed = int((cells.cells["status"] == "failed").sum())
    blocks = [
        "# What makes the difference: sensitivity of the explicit-gradient method",
        f"{len(cells.cells)} of {cells.n_expected} cells, {n_failed} of them failed; "
        f"{n_splits} splits of {scores.index.unique('dataset').size} sets that every "
        f"candidate has run. Every line differs from the paper's setting, `{OURS}`, in "
        "one parameter. `max_epochs` are those with synthetic rows; `lr` is Adam's, of "
        "the training before; `sampling_strategy=auto` balances the classes; "
        "`synth_unit=std` scales steps by each feature's deviation; without "
        "`early_stopping` the last epoch counts.",
        "## What makes the difference",
        verdict(scores),
        "![Test and validation scores over each parameter](sensitivity.png)",
        f"Means over the sets. A ring marks the paper's setting; the dashed line is "
        f"`{PLAIN}` on test rows.",
        to_markdown(effect_ranges(scores)),
        "## Tuned on validation rows",
        "For each split the candidate with the best average precision on validation "
        "rows; its score on test rows. Candidates: the plain net's, then ours. "
        "Wilcoxon's test is over the sets.",
        to_markdown(print_p_values(tuning_table(scores))),
        f"Chosen most often: {chosen_line(scores, plain)}; "
        f"{chosen_line(scores, ours)}.",
        "## Every candidate",
        to_markdown(effect_table(scores, plain + ours)),
    ]
    pictures = {"sensitivity.png": plot_curves(scores)}
    return write_all(args.out, "report.md", blocks, pictures=pictures, dpi=130)
