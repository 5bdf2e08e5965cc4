"""Means, average ranks and rank sums over the folds that every method has run."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from imbdeep.reporting import rank_methods
from imbdeep_bench.report.metrics import HEADLINE_METRICS, metric_info


def levels_told(told, level):
    """Return the names that have some score, or nothing but failures to show."""
    groups = told.groupby(level)
    kept = groups["some"].any() | groups["none"].all()
    return set(kept.index[kept])


@dataclass(frozen=True)
class MeanTable:
    """Means of one metric, data sets by methods, with what stands behind them.

    Only folds that every method has run, finished or failed, count, so that a run that
    is not complete still compares like with like. A method whose finished cells never
    carry the metric is left out, and so is a set for which no method has it; one that
    failed everywhere stays.
    """

    metric: str
    mean: pd.DataFrame  # NaN where any fold failed: read it as the worst
    sd: pd.DataFrame  # NaN with fewer than two folds
    n_failed: pd.DataFrame  # folds that failed, or gave no finite score
    n_folds: pd.Series  # that every method has run


def average_folds(cells, metric):
    """Compute what :func:`mean_table` returns."""
    scores, failed = cells.paired_scores, cells.paired_failures
    nothing = pd.Series(np.nan, index=scores.index)
    values = scores.get(metric, nothing)
    told = pd.DataFrame({"some": values.notna(), "none": failed})
    datasets, methods = levels_told(told, "dataset"), levels_told(told, "method")
    rows = pd.Index(sorted(datasets), name="dataset", dtype=object)
    columns = [name for name in cells.methods if name in methods]
    columns = pd.Index(columns, name="method", dtype=object)

    def spread(series):
        return series.unstack("method").reindex(index=rows, columns=columns)

    groups = values.groupby(["dataset", "method"])
    n_failed = spread(groups.size() - groups.count()).astype("int64")
    n_folds = spread(groups.size()).max(axis=1).astype("int64")
    mean, sd = (spread(s).where(n_failed == 0) for s in (groups.mean(), groups.std()))
    return MeanTable(metric, mean, sd, n_failed, n_folds)


def mean_table(cells, metric):
    """Average a metric over the folds, for each data set and method.

    The table is kept and given again at the next call: copy a frame before changing it.
    Its rows are sorted by name, its columns are in the run's order.
    """
    metric_info(metric)
    if metric not in cells.mean_tables:
        cells.mean_tables[metric] = average_folds(cells, metric)
    return cells.mean_tables[metric]


def ranks_of(cells, metric, datasets):
    """Rank the methods by a metric on the given sets (all when None)."""
    mean = mean_table(cells, metric).mean
    if datasets is not None:
        mean = mean[mean.index.isin(datasets)]
    return rank_methods(mean, greater_is_better=metric_info(metric).greater_is_better)


def rank_table(cells, metrics=HEADLINE_METRICS, datasets=None):
    """Average rank of each method over the data sets, or some, for several metrics.

    1 is best. A failure ranks last. NaN where a method does not have the metric.
    """
    ranks = {metric: ranks_of(cells, metric, datasets).mean() for metric in metrics}
    return by_method(cells, ranks)


def rank_sums(cells, metrics=("g_mean", "balanced_brier"), datasets=None):
    """Sum of ranks over the data sets, as :func:`rank_table` has averages.

    The metrics by default are those of the ReMix paper's Table 2.
    """
    ranks = {metric: ranks_of(cells, metric, datasets) for metric in metrics}
    return by_method(cells, {m: table.sum(min_count=1) for m, table in ranks.items()})


def by_method(cells, columns):
    """Return columns by metric as a table of all methods in their order."""
    index = pd.Index(cells.methods, name="method", dtype=object)
    return pd.DataFrame(columns, index=index, columns=list(columns), dtype="float64")
