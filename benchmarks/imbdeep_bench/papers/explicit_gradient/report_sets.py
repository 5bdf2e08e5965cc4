"""Tables, tests and picture of the 27 sets, from their file of cells alone."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from imbdeep.reporting import friedman_iman_davenport, rank_methods, wilcoxon_holm
from imbdeep_bench.papers.explicit_gradient.methods import (
    ALL_ROWS,
    BASELINES,
    EQUATION_1,
)
from imbdeep_bench.report import independent_blocks, mean_table, read_cells
from imbdeep_bench.report.markdown import print_p_values
from imbdeep_bench.report.runs import read_published
from imbdeep_bench.report.template import write_report

VALID = "valid_average_precision"
SCORE = "average_precision"
PAPERS, STILL = "explicit_gradient", "duplicates"
SELECTED = [*BASELINES, PAPERS, STILL, *EQUATION_1]
ON_ALL_ROWS = [*(f"{name}{ALL_ROWS}" for name in BASELINES), PAPERS]
LEVEL = 0.05
LOOKS = {
    PAPERS: {"lw": 2.6, "color": "black"},
    STILL: {"lw": 1.6, "color": "black", "ls": "--"},
}
# What the paper prints as a deviation of 0.00 or 0.01.
TINY = 0.015
# The paper's name of each method that is run here, those of its Table 2 first.
TABLE_2 = ["ce", "ros", "smote", "adasyn", "bsmote"]
NAMES = {name: name.upper() for name in [*TABLE_2, "cwgan", "focal", "ldam"]}
NAMES[PAPERS] = "ExplicitGradient"


def published_scores(datasets, suffix=""):
    """Return what was published on some sets, by the names of methods here.

    With the suffix ``' std'``: the deviations over four splits.
    """
    columns = [f"{name}{suffix}" for name in NAMES.values()]
    table = read_published(__file__).set_index("dataset")[columns]
    return table.set_axis(list(NAMES), axis=1).loc[datasets]


def read_finished(path):
    """Read a file of cells, if there is a split that every method has run."""
    cells = read_cells(path)
    if cells.paired_scores.empty:
        raise ValueError(
            f"{path} has no split that every method has run, so that nothing can be "
            "compared yet; go on without --report-only."
        )
    return cells


# --- Numbers -------------------------------------------------------------------------
# Tables of scores have a row a set and a column a method; NaN: a split failed.


def score_profile(table, theta):
    """Share of sets on which a method has at least `theta` times the best score.

    Examples
    --------
    >>> table = pd.DataFrame({"a": [0.5, 0.9], "b": [0.25, 0.9]})
    >>> score_profile(table, [0.5, 0.6])
           a    b
    0.5  1.0  1.0
    0.6  1.0  0.5
    """
    share = table.div(table.max(axis=1), axis=0)
    # 3 * 0.1 / 0.3 falls short of 1 by rounding alone.
    return pd.DataFrame({t: (share >= t - 1e-12).mean() for t in theta}).T


def without_suffix(table):
    """Name methods that were trained on all rows as the others are."""
    return table.rename(columns=lambda name: name.removesuffix(ALL_ROWS))


def summary_table(mean, valid, published):
    """Means over sets and mean ranks, a row a method.

    A mean is NaN if the method failed on a set; its rank counts that as the last.
    """
    parts = {
        "here": mean[SELECTED],
        "here, all rows": without_suffix(mean[ON_ALL_ROWS]),
        "published": published,
    }
    ranks = {f"rank {k}": rank_methods(table).mean() for k, table in parts.items()}
    parts["validation"] = valid[SELECTED]
    means = {f"mean {k}": table.mean(skipna=False) for k, table in parts.items()}
    return pd.DataFrame(means | ranks).loc[SELECTED]


def deviation_table(sd, published_sd):
    """How far scores vary over the splits, here and as published, a row a method.

    Mean over the sets, and the share of sets where it is printed as 0.00 or 0.01.
    """
    here = sd[list(published_sd)]
    return pd.DataFrame(
        {
            "mean here": here.mean(),
            "mean published": published_sd.mean(),
            "at most 0.01 here": (here < TINY).mean(),
            "at most 0.01 published": (published_sd < TINY).mean(),
        }
    )


def deviation_ratio(sd):
    """Mean deviation of the paper's method over that of the baselines of its Table 2.

    Examples
    --------
    >>> sd = pd.DataFrame({"explicit_gradient": [0.01], **dict.fromkeys(TABLE_2, 0.04)})
    >>> deviation_ratio(sd)
    0.25
    """
    return float(sd[PAPERS].mean() / sd[TABLE_2].mean().mean())


def gain_over_best(mean):
    """The mean of the paper's method, the best baseline, its mean, and the gain."""
    over_sets = mean.mean(skipna=False)
    baselines = over_sets.drop([PAPERS, STILL, *EQUATION_1], errors="ignore")
    ours, best, score = over_sets[PAPERS], baselines.idxmax(), baselines.max()
    return {"ours": ours, "best": best, "score": score, "gain": ours - score}


def verdict(mean, valid, published, comparisons):
    """Tell what is there of the paper's claim, from the numbers alone.

    ``comparisons`` are of each method with the paper's, see
    :func:`imbdeep.reporting.wilcoxon_holm`.
    """
    found = gain_over_best(mean[SELECTED])
    significant = comparisons[comparisons["p_holm"] < LEVEL]
    beaten = significant.loc[significant["median_gain"] < 0, "method"].tolist()
    if set(BASELINES) <= set(beaten):
        answer = "is there"
    elif found["ours"] > found["score"] and set(BASELINES) & set(beaten):
        answer = "is there in part"
    else:
        answer = "is not there"
    return {
        "n_sets": len(mean),
        "claimed": gain_over_best(published),
        "found": found,
        "answer": answer,
        "beaten": beaten,
        "better": significant.loc[significant["median_gain"] > 0, "method"].tolist(),
        "on_all": gain_over_best(mean[ON_ALL_ROWS]),
        "still": comparisons.set_index("method").loc[STILL],
        "moved": [
            (scores[PAPERS] - scores[STILL]).mean(skipna=False)
            for scores in (mean, valid)
        ],
    }


def deviations(sd, published_sd):
    """Tell what the published deviations of the paper's method look like."""
    printed = published_sd.mean()
    return {
        "printed": {
            "few": (published_sd[PAPERS] < TINY).sum(),
            "mean": printed[PAPERS],
            "ratio": deviation_ratio(published_sd),
            **printed[["focal", "ldam"]],
        },
        "ratio": deviation_ratio(sd),
        "deviations": deviation_table(sd, published_sd),
    }


def scores_beside(mean, sd, published):
    """Print each score with its deviation, and the published score."""
    here = mean.map("{:.3f}".format) + sd.map(" ({:.3f})".format)
    beside = published.reindex(columns=mean.columns)
    beside = beside.map(lambda score: "" if np.isnan(score) else f" / {score:.2f}")
    text = (here + beside).where(mean.notna(), "failed")
    return text.rename_axis(index=None, columns=None)


def grid_of(cells, n_folds):
    """Tell what a reader must know of the grid: sets, splits, failures."""
    is_rebuilt = cells.datasets["provenance"] == "rebuilt"
    return {
        "n_cells": len(cells.cells),
        "n_expected": cells.n_expected,
        "n_failed": (cells.cells["status"] == "failed").sum(),
        "n_folds": n_folds,
        "missing": [f"`{name}`" for name in cells.missing_datasets],
        "rebuilt": [f"`{name}`" for name in cells.datasets.index[is_rebuilt]],
    }


# --- Picture and report --------------------------------------------------------------


def plot_profiles(mean, published):
    """Draw the profiles of the scores here and of those published (Fig. 3)."""
    theta = np.arange(0, 1001) / 1000
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    titles = [f"Measured here, {len(mean)} sets", f"Published, {len(published)} sets"]
    for panel, title, table in zip(panels, titles, (mean, published), strict=True):
        profile = score_profile(table, theta)
        for name in profile:
            look = LOOKS.get(name, {"lw": 1.3})
            panel.plot(theta, profile[name], label=name, **look)
        panel.set(title=title, xlabel="theta", xlim=(0, 1), ylim=(0, 1.02))
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(loc="lower left", fontsize="small")
    panels[0].set_ylabel("share of sets with score >= theta x best")
    return figure


def make_report(cells):
    """Return the numbers of the report on the cells of a run, and its picture."""
    table = mean_table(cells, SCORE)
    mean, sd = table.mean, table.sd
    valid = cells.paired_scores[VALID].groupby(["dataset", "method"]).mean().unstack()
    published, published_sd = (
        published_scores(list(mean.index), suffix) for suffix in ("", " std")
    )
    blocks = [name for name in independent_blocks(cells) if name in mean.index]
    choices = mean.loc[blocks, SELECTED], mean.loc[blocks, ON_ALL_ROWS]
    comparisons = [wilcoxon_holm(choice, control=PAPERS) for choice in choices]
    tested = {
        "chosen on validation rows": choices[0],
        "baselines on all rows": choices[1],
        "published scores": published.loc[blocks],
    }

    def beside(names):
        parts = (without_suffix(part[names]) for part in (mean, sd))
        return scores_beside(*parts, published).rename(index=cells.label)

    return {
        "grid": grid_of(cells, table.n_folds),
        **verdict(mean, valid, published, comparisons[0]),
        "summary": summary_table(mean, valid, published),
        "n_blocks": len(blocks),
        "friedman": {k: friedman_iman_davenport(part) for k, part in tested.items()},
        "against": [
            print_p_values(told.set_index("method").drop(columns="against"))
            for told in comparisons
        ],
        "every": [beside(SELECTED), beside(ON_ALL_ROWS)],
        **deviations(sd, published_sd),
    }, plot_profiles(mean[SELECTED], published)


def write_sets(args):
    """Write report.md and its picture beside the cells; return its path."""
    numbers, picture = make_report(read_finished(args.out / "cells.jsonl"))
    template = Path(__file__).with_name("sets.md.jinja")
    files = {"name": "report.md", "pictures": {"profiles.png": picture}}
    return write_report(args.out, template, numbers, **files)
