"""What the cells say: ranks, gains over the baseline, and means over the ratios."""

import pandas as pd

from imbdeep.reporting import rank_methods
from imbdeep_bench.report import over_sets

METRICS = {
    "g_mean": "g-mean",
    "balanced_brier": "balanced Brier score",
    "balanced_accuracy": "balanced accuracy",
    "brier": "Brier score of all rows",
}
LOSSES = {"balanced_brier", "brier"}
# The two of the paper.
PAPERS = ("g_mean", "balanced_brier")
# Settings: a set, what is made of it, and how rare that gets.
BY = ["dataset", "data", "task", "ratio"]
BASELINE = "baseline"
ALL = "all"


def oriented_table(means, metric):
    """Return means, settings by methods, losses with a minus: more is better.

    NaN where any fold failed.
    """
    table = over_sets.set_table(means, metric, "dataset")
    return -table if metric in LOSSES else table


def rank_table(means):
    """Rank the methods by each metric in each setting, and add up.

    A row for each task, metric and method: sum and mean of the ranks, and the number of
    settings. 1 is best; ties share their mean rank, and what failed ranks last.
    """
    rows = []
    for task, part in means.groupby("task", sort=False):
        for metric in METRICS:
            ranks = rank_methods(oriented_table(part, metric))
            rows += [
                (task, metric, name, column.sum(), column.mean(), len(column))
                for name, column in ranks.items()
            ]
    columns = ["task", "metric", "method", "rank_sum", "mean_rank", "n_settings"]
    return pd.DataFrame(rows, columns=columns)


def gain_table(means):
    """Average the gains over the baseline over the sets, for each ratio and for all.

    A gain is that of Figure 5: what a method's g-mean has more and what its balanced
    Brier score has less. ``se`` is the standard error over the settings. Settings in
    which a method or the baseline failed are left out.
    """
    columns = ["task", "metric", "ratio", "method", "gain", "se", "n_settings"]
    rows = []
    for task, part in means.groupby("task", sort=False):
        ratio_of = part.drop_duplicates("dataset").set_index("dataset")["ratio"]
        for metric in METRICS:
            table = oriented_table(part, metric)
            if BASELINE not in table:
                continue
            gains = table.sub(table[BASELINE], axis=0).drop(columns=BASELINE)
            own = ratio_of[gains.index]
            groups = {f"{r:g}": gains[own == r] for r in sorted(set(own))[::-1]}
            for ratio, group in {**groups, ALL: gains}.items():
                rows += [
                    (task, metric, ratio, name, *told)
                    for name, *told in group.agg(
                        ["mean", "sem", "count"]
                    ).T.itertuples()
                ]
    return pd.DataFrame(rows, columns=columns).astype({"n_settings": int})


def over_ratios(means, metric):
    """Average the means of a set and task over its ratios, NaN where any is missing."""
    table = oriented_table(means, metric)
    told = means.drop_duplicates("dataset").set_index("dataset").loc[table.index]
    names = told["data"] + ", " + told["task"]
    whole = table.groupby(names, sort=False)
    return whole.mean().where(whole.count().eq(whole.size(), axis=0))


def alpha_table(means, alphas):
    """Return the paper's scores by alpha: a row a setting, metric and alpha.

    ``alphas`` are those of the methods to tell of, by name; a mean is NaN where a fold
    failed.
    """
    rows = means[means["method"].isin(list(alphas)) & means["metric"].isin(PAPERS)]
    told = rows.assign(
        alpha=rows["method"].map(alphas),
        mean=rows["mean"].where(rows["n_failed"] == 0),
    )
    columns = ["data", "task", "ratio", "metric", "alpha", "mean"]
    return told[columns].sort_values("alpha", kind="stable", ignore_index=True)
