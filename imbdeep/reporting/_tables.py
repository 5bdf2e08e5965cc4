"""Means, average ranks and rank sums over the folds that every method has run."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from imbdeep.reporting._metric_info import HEADLINE_METRICS, metric_info


def rank_methods(table, *, greater_is_better=True):
    """Rank the methods on each data set; 1 is best, ties share their mean rank.

    Parameters
    ----------
    table : DataFrame of shape (n_datasets, n_methods)
        Mean scores. NaN stands for a failure and ranks last.
    greater_is_better : bool, default=True
        False for losses such as the Brier score.

    Returns
    -------
    ranks : DataFrame of shape (n_datasets, n_methods)
        Ranks from 1 to ``n_methods``; each row sums to
        ``n_methods * (n_methods + 1) / 2``.

    See Also
    --------
    rank_table : Average ranks of a benchmark's methods.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import rank_methods
    >>> rank_methods(pd.DataFrame({"a": [0.9, None], "b": [0.8, 0.5], "c": [0.9, 0.4]}))
         a    b    c
    0  1.5  3.0  1.5
    1  3.0  1.0  2.0
    """
    # Means of the same scores may differ in their last bit and still are ties.
    scores = table.astype("float64").round(12)
    return scores.rank(axis=1, ascending=not greater_is_better, na_option="bottom")


def levels_told(told, level):
    """Return the names that have some score, or nothing but failures to show."""
    groups = told.groupby(level)
    kept = groups["some"].any() | groups["none"].all()
    return set(kept.index[kept])


@dataclass(frozen=True)
class MeanTable:
    """Means of one metric, data sets by methods, with what stands behind them.

    Parameters
    ----------
    metric : str
        Name of the metric.
    mean, sd : DataFrame of shape (n_datasets, n_methods)
        Mean and sample standard deviation over the folds. The mean is NaN where any
        fold failed: read it as the worst. The sd is NaN with fewer than two folds.
    n_failed : DataFrame of shape (n_datasets, n_methods)
        Number of folds that failed, or gave no finite score.
    n_folds : Series of shape (n_datasets,)
        Number of folds that every method has run; only these count.

    See Also
    --------
    mean_table : Make one from cells.
    """

    metric: str
    mean: pd.DataFrame
    sd: pd.DataFrame
    n_failed: pd.DataFrame
    n_folds: pd.Series


def average_folds(cells, metric):
    """Compute what :func:`mean_table` returns."""
    scores, failed = cells.paired_scores, cells.paired_failures
    values = (
        scores[metric] if metric in scores else pd.Series(np.nan, index=scores.index)
    )
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
    return MeanTable(
        metric=metric,
        mean=spread(groups.mean()).where(n_failed == 0),
        sd=spread(groups.std()).where(n_failed == 0),
        n_failed=n_failed,
        n_folds=n_folds,
    )


def mean_table(cells, metric):
    """Average a metric over the folds, for each data set and method.

    Only folds that every method has run (finished or failed) count, so that a run
    that is not complete still compares like with like.

    Parameters
    ----------
    cells : BenchmarkCells
        What :func:`read_cells` returns.
    metric : str
        One of the recorded metrics, e.g. ``'average_precision'``.

    Returns
    -------
    table : MeanTable
        Kept and given again at the next call: copy a frame before changing it. Its
        rows are the sets with at least one paired fold, sorted by name; its
        columns the methods in the run's order. A method whose finished cells never
        carry the metric is left out, and so is a set for which no method has it; one
        that failed everywhere stays.

    Raises
    ------
    ValueError
        If the metric is unknown.

    See Also
    --------
    rank_table : Average ranks from these means.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import BenchmarkCells, mean_table
    >>> grid = pd.DataFrame(
    ...     [("ecoli", m, f, "ok") for m in ("net", "remix") for f in (0, 1)],
    ...     columns=["dataset", "method", "fold", "status"])
    >>> scores = grid.assign(metric="g_mean", value=[0.7, 0.8, 0.9, None])
    >>> datasets = pd.DataFrame(columns=["provenance"])
    >>> table = mean_table(BenchmarkCells({}, datasets, grid, scores), "g_mean")
    >>> table.mean
    method    net  remix
    dataset
    ecoli    0.75    NaN
    >>> table.n_failed
    method   net  remix
    dataset
    ecoli      0      1
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
    """Average rank of each method over the data sets, for several metrics.

    Parameters
    ----------
    cells : BenchmarkCells
        What :func:`read_cells` returns.
    metrics : sequence of str, default=HEADLINE_METRICS
        Metrics to rank by. Losses and variances rank upwards, the rest downwards.
    datasets : collection of str, default=None
        Use these sets alone, e.g. :func:`independent_blocks`; None uses all.

    Returns
    -------
    ranks : DataFrame of shape (n_methods, n_metrics)
        Average ranks, 1 is best. A failure ranks last. NaN where a method does not
        have the metric.

    See Also
    --------
    rank_sums : The sums that the ReMix paper prints.
    critical_difference : When two average ranks differ significantly.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import BenchmarkCells, rank_table
    >>> grid = pd.DataFrame(
    ...     [(d, m, 0, "ok") for d in ("ecoli", "oil") for m in ("net", "remix")],
    ...     columns=["dataset", "method", "fold", "status"])
    >>> scores = grid.assign(metric="brier", value=[0.2, 0.1, 0.3, 0.4])
    >>> datasets = pd.DataFrame(columns=["provenance"])
    >>> cells = BenchmarkCells({}, datasets, grid, scores)
    >>> rank_table(cells, ["brier"])
            brier
    method
    net       1.5
    remix     1.5
    >>> rank_table(cells, ["brier"], datasets=["ecoli"])
            brier
    method
    net       2.0
    remix     1.0
    """
    ranks = {metric: ranks_of(cells, metric, datasets).mean() for metric in metrics}
    index = pd.Index(cells.methods, name="method", dtype=object)
    return pd.DataFrame(ranks, index=index, columns=list(metrics), dtype="float64")


def rank_sums(cells, metrics=("g_mean", "balanced_brier"), datasets=None):
    """Sum of ranks of each method over the data sets, for several metrics.

    Parameters
    ----------
    cells : BenchmarkCells
        What :func:`read_cells` returns.
    metrics : sequence of str, default=('g_mean', 'balanced_brier')
        Metrics to rank by; the defaults are those of the ReMix paper's Table 2.
    datasets : collection of str, default=None
        Use these sets alone; None uses all.

    Returns
    -------
    sums : DataFrame of shape (n_methods, n_metrics)
        Sums of ranks, lower is better. NaN where a method does not have the metric.

    See Also
    --------
    rank_table : The averages.

    References
    ----------
    .. [1] C. Bellinger, R. Corizzo, N. Japkowicz, "ReMix: Calibrated resampling for
       class imbalance in deep learning", 2020.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import BenchmarkCells, rank_sums
    >>> grid = pd.DataFrame(
    ...     [(d, m, 0, "ok") for d in ("ecoli", "oil") for m in ("net", "remix")],
    ...     columns=["dataset", "method", "fold", "status"])
    >>> scores = grid.assign(metric="g_mean", value=[0.2, 0.3, 0.3, 0.4])
    >>> datasets = pd.DataFrame(columns=["provenance"])
    >>> rank_sums(BenchmarkCells({}, datasets, grid, scores), ["g_mean"])
            g_mean
    method
    net        4.0
    remix      2.0
    """
    sums = {
        metric: ranks_of(cells, metric, datasets).sum(min_count=1) for metric in metrics
    }
    index = pd.Index(cells.methods, name="method", dtype=object)
    return pd.DataFrame(sums, index=index, columns=list(metrics), dtype="float64")
