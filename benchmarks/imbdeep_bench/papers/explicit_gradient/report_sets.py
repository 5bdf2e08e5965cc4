"""Tables, tests and picture of the 27 sets, from their file of cells alone."""

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
from imbdeep_bench.report.markdown import print_p_values, to_markdown, write_all
from imbdeep_bench.report.runs import read_published

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
# The paper's name of each method that is run here.
NAMES = {
    "ce": "CE",
    "ros": "ROS",
    "smote": "SMOTE",
    "adasyn": "ADASYN",
    "bsmote": "BSMOTE",
    "cwgan": "CWGAN",
    "focal": "FOCAL",
    "ldam": "LDAM",
    "explicit_gradient": "ExplicitGradient",
}
# Those of Table 2, by their names here.
TABLE_2 = ["ce", "ros", "smote", "adasyn", "bsmote"]


def published_scores(datasets, suffix=""):
    """Return what was published on some sets, by the names of methods here.

    With the suffix ``' std'``: the deviations over four splits.
    """
    columns = [f"{name}{suffix}" for name in NAMES.values()]
    table = read_published(__file__).set_index("dataset")[columns]
    return table.set_axis(list(NAMES), axis=1).loc[datasets]


def read_finished(path):
    """Read a file of cells for a report.

    Raises
    ------
    ValueError
        If there is no split that every method has run.
    """
    cells = read_cells(path)
    if cells.paired_scores.empty:
        raise ValueError(
            f"{path} has no split that every method has run, so that nothing can be "
            "compared yet; go on without --report-only."
        )
    return cells


# --- Numbers -------------------------------------------------------------------------


def score_profile(table, theta):
    """Share of sets on which a method has at least `theta` times the best score.

    Parameters
    ----------
    table : DataFrame of shape (n_datasets, n_methods)
        Scores in [0, 1]; NaN, a failure, is below any share of the best.
    theta : array-like of shape (n_points,)
        Shares of the best score, in [0, 1].

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

    Parameters
    ----------
    mean, valid : DataFrame of shape (n_datasets, n_methods)
        Scores on test and on validation rows; NaN where a split failed.
    published : DataFrame of shape (n_datasets, 9)
        On the same sets.

    Returns
    -------
    summary : DataFrame of shape (11, 7)
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

    Parameters
    ----------
    sd, published_sd : DataFrame of shape (n_datasets, n_methods)
        Standard deviations over four splits.

    Returns
    -------
    table : DataFrame of shape (9, 4)
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


# --- Words ---------------------------------------------------------------------------


def listed(names):
    """Put names in a sentence."""
    return ", ".join(names) or "none"


def gain_over_best(mean):
    """The mean of the paper's method, the best baseline, and its mean."""
    over_sets = mean.mean(skipna=False)
    baselines = over_sets.drop([PAPERS, STILL, *EQUATION_1], errors="ignore")
    return over_sets[PAPERS], baselines.idxmax(), baselines.max()


def verdict(mean, valid, published, comparisons):
    """Say what is there of the paper's claim, from the numbers alone.

    Parameters
    ----------
    mean, valid, published : DataFrame of shape (n_datasets, n_methods)
        Mean scores on test and on validation rows, and those published on the same
        sets.
    comparisons : DataFrame
        Of each method with the paper's, as
        :func:`imbdeep.reporting.wilcoxon_holm` gives it.
    """
    claimed, claimed_best, claimed_score = gain_over_best(published)
    ours, best, score = gain_over_best(mean[SELECTED])
    _, best_on_all, score_on_all = gain_over_best(mean[ON_ALL_ROWS])
    significant = comparisons[comparisons["p_holm"] < LEVEL]
    beaten = significant.loc[significant["median_gain"] < 0, "method"]
    better = significant.loc[significant["median_gain"] > 0, "method"]
    if set(BASELINES) <= set(beaten):
        found = "is there"
    elif ours > score and set(BASELINES) & set(beaten):
        found = "is there in part"
    else:
        found = "is not there"
    still = comparisons.set_index("method").loc[STILL]
    moved = [
        (scores[PAPERS] - scores[STILL]).mean(skipna=False) for scores in (mean, valid)
    ]
    return " ".join(
        [
            "The paper's means over its 27 sets are 0.63 for its method and 0.60 for",
            f"the best other. On the {len(mean)} sets that are here it printed",
            f"{claimed:.3f} and at best {claimed_score:.3f} ({claimed_best}):",
            f"{claimed - claimed_score:+.3f}. Measured on these sets: {ours:.3f} and",
            f"at best {score:.3f} ({best}): {ours - score:+.3f}.",
            f"The claimed advantage **{found}**.",
            "By Wilcoxon's test (Holm, 0.05) the paper's method is better than:",
            f"{listed(beaten)}; worse than: {listed(better)}.",
            "The best baseline that is trained on training and validation rows has",
            f"{score_on_all:.3f} ({best_on_all}).",
            f"Against the same algorithm with rows that do not move ({STILL}) it wins",
            f"{still['losses']} sets, loses {still['wins']} and ties {still['ties']}",
            f"(p = {still['p_holm']:.2g}); the means differ by {moved[0]:+.4f} on test",
            f"rows and by {moved[1]:+.4f} on the validation rows, which move them.",
        ]
    )


def deviation_note(sd, published_sd):
    """Say what the published deviations of the paper's method look like."""
    few = (published_sd[PAPERS] < TINY).sum()
    return (
        f"The paper prints a deviation of 0.00 or 0.01 for its own method on {few} of "
        f"{len(published_sd)} sets; the mean is {published_sd[PAPERS].mean():.4f}, "
        f"{deviation_ratio(published_sd):.2f} times that of its baselines in Table 2 "
        f"(FOCAL and LDAM in Table 3: {published_sd['focal'].mean():.4f}, "
        f"{published_sd['ldam'].mean():.4f}). "
        f"Here, over splits that all methods share, it is {deviation_ratio(sd):.2f} "
        "times. Which rows are in the test part moves the scores of all methods "
        "alike, so that a ratio far from 1 is not to be expected of test scores. The "
        "paper's checklist says: 'The std values on validation folds was reported'. "
        "This is an observation; what the published deviations are, it does not tell."
    )


def friedman_line(title, table):
    """Friedman's test with Iman and Davenport's correction, as one line."""
    result = friedman_iman_davenport(table)
    return (
        f"- {title}: F = {result.f:.2f}, p = {result.f_p_value:.2g} "
        f"({result.n_methods} methods, {result.n_datasets} sets)"
    )


# --- Tables and picture --------------------------------------------------------------


def scores_beside(mean, sd, published):
    """Each score with its deviation, and the published score, in words.

    Parameters
    ----------
    mean, sd : DataFrame of shape (n_datasets, n_methods)
        NaN where a split failed; the deviation also where there is one split alone.
    published : DataFrame of shape (n_datasets, 9)
    """

    def words(dataset, name):
        if np.isnan(mean.loc[dataset, name]):
            return "failed"
        here = f"{mean.loc[dataset, name]:.3f} ({sd.loc[dataset, name]:.3f})"
        beside = name in published
        return f"{here} / {published.loc[dataset, name]:.2f}" if beside else here

    rows = {d: {name: words(d, name) for name in mean} for d in mean.index}
    return pd.DataFrame.from_dict(rows, orient="index")


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


def provenance(cells, n_folds):
    """What a reader must know of the grid: sets, splits, failures."""
    missing = [f"`{name}`" for name in cells.missing_datasets]
    is_rebuilt = cells.datasets["provenance"] == "rebuilt"
    rebuilt = [f"`{name}`" for name in cells.datasets.index[is_rebuilt]]
    n_failed = int((cells.cells["status"] == "failed").sum())
    lines = [
        f"- Finished: {len(cells.cells)} of {cells.n_expected} cells, {n_failed} of "
        f"them failed. Only splits that every method has run count, {n_folds.min()} to "
        f"{n_folds.max()} a set; a failure ranks last.",
        f"- Not here: {listed(missing)}.",
        "- Rebuilt from the original sources, so that scores need not agree with the "
        f"published ones for that reason alone: {listed(rebuilt)}.",
    ]
    return "\n".join(lines)


def write_sets(args):
    """Write report.md and its picture beside the cells; return its path."""
    cells = read_finished(args.out / "cells.jsonl")
    table = mean_table(cells, SCORE)
    mean, sd = table.mean, table.sd
    valid = cells.paired_scores[VALID].groupby(["dataset", "method"]).mean().unstack()
    datasets = list(mean.index)
    published = published_scores(datasets)
    published_sd = published_scores(datasets, " std")
    blocks = [name for name in independent_blocks(cells) if name in mean.index]
    comparisons = wilcoxon_holm(mean.loc[blocks, SELECTED], control=PAPERS)
    on_all_rows = wilcoxon_holm(mean.loc[blocks, ON_ALL_ROWS], control=PAPERS)

    def beside(names):
        parts = (without_suffix(part[names]) for part in (mean, sd))
        return to_markdown(scores_beside(*parts, published).rename(index=cells.label))

    def against(comparisons):
        table = comparisons.set_index("method").drop(columns="against")
        return to_markdown(print_p_values(table))

    lines = [
        "# The 27 sets by the explicit-gradient paper's protocol",
        provenance(cells, table.n_folds),
        "## Is the claimed advantage there?",
        verdict(mean, valid, published, comparisons),
        "## Means over the sets, and mean ranks",
        "Average precision on test rows. 'All rows': baselines trained once more on "
        "training and validation rows. 'Validation': on the rows that chose the epoch, "
        "and so too good. Ranks are among the methods of the column; the published "
        "ones are computed from the printed scores.",
        to_markdown(summary_table(mean, valid, published)),
        "## Tests",
        f"Over {len(blocks)} sets that share no rows. Friedman's test with Iman and "
        "Davenport's correction:",
        "\n".join(
            [
                friedman_line("chosen on validation rows", mean.loc[blocks, SELECTED]),
                friedman_line("baselines on all rows", mean.loc[blocks, ON_ALL_ROWS]),
                friedman_line("published scores", published.loc[blocks]),
            ]
        ),
        f"Wilcoxon's signed-rank test against `{PAPERS}`, adjusted by Holm. Wins and "
        "gains are the other method's.",
        against(comparisons),
        against(on_all_rows),
        "## Profile of the scores (Fig. 3)",
        "![Profiles of the scores, here and as published](profiles.png)",
        "## Every set",
        "Mean (standard deviation over the splits) / published mean. Epoch chosen on "
        "validation rows:",
        beside(SELECTED),
        "Baselines trained once more on training and validation rows:",
        beside(ON_ALL_ROWS),
        "## The published deviations",
        deviation_note(sd, published_sd),
        to_markdown(deviation_table(sd, published_sd)),
    ]
    pictures = {"profiles.png": plot_profiles(mean[SELECTED], published)}
    return write_all(args.out, "report.md", lines, pictures=pictures)
