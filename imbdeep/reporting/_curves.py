"""Reliability and precision-recall curves pooled from what the cells recorded."""

import numpy as np
import pandas as pd


def expected_calibration_error(count, mean_predicted, positives):
    """Average gap between predicted and observed frequency, weighted by rows.

    Parameters
    ----------
    count : array-like of shape (n_bins,)
        Rows in each bin of predicted probability.
    mean_predicted : array-like of shape (n_bins,)
        Mean predicted probability in each bin; ignored where the bin is empty.
    positives : array-like of shape (n_bins,)
        Rows of the positive class in each bin.

    Returns
    -------
    error : float
        Between 0 (calibrated, as far as the bins can see) and 1; NaN if all bins are
        empty. Where positives are rare a low value is easily had, so read it beside
        the balanced Brier score.

    Raises
    ------
    ValueError
        If the three differ in shape, a count is negative, or a bin holds more
        positives than rows.

    See Also
    --------
    reliability_table : The bins of each method.

    Examples
    --------
    >>> from imbdeep.reporting import expected_calibration_error
    >>> expected_calibration_error([80, 20], [0.1, 0.6], [8, 10])
    0.02
    """
    count = np.asarray(count, dtype=float)
    mean_predicted = np.asarray(mean_predicted, dtype=float)
    positives = np.asarray(positives, dtype=float)
    if not count.shape == mean_predicted.shape == positives.shape:
        raise ValueError(
            f"count, mean_predicted and positives have shapes {count.shape}, "
            f"{mean_predicted.shape} and {positives.shape}; give one value a bin each."
        )
    if (count < 0).any() or (positives < 0).any() or (positives > count).any():
        raise ValueError(
            "count and positives must satisfy 0 <= positives <= count in every bin."
        )
    used = count > 0
    if not used.any():
        return float("nan")
    gaps = np.abs(positives[used] - count[used] * mean_predicted[used])
    return float(gaps.sum() / count.sum())


def finished_curves(cells, name):
    """Yield (dataset, method, curve) of the finished cells in the paired folds."""
    rows = cells.cells.set_index(["dataset", "method", "fold"])["curves"]
    failed = cells.paired_failures
    for (dataset, method, _), curves in rows.reindex(failed.index[~failed]).items():
        if curves.get(name) is not None:
            yield dataset, method, curves[name]


def reliability_table(cells):
    """Pool the calibration bins of each method over all data sets and folds.

    Parameters
    ----------
    cells : BenchmarkCells
        Their curves hold, in ``calibration``, rows, mean prediction and positives of
        each bin.

    Returns
    -------
    bins : DataFrame
        Columns ``method``, ``bin``, ``count``, ``mean_predicted``, ``positives`` and
        ``observed`` (the positives' share). Empty bins are left out. Large sets
        weigh more, since rows are pooled.

    See Also
    --------
    expected_calibration_error : One number for a method's bins.
    plot_reliability : The picture.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import BenchmarkCells, reliability_table
    >>> bins = {"count": [8, 2], "mean_predicted": [0.1, 0.8], "positives": [1, 1]}
    >>> grid = pd.DataFrame([{"dataset": d, "method": "net", "fold": 0, "status": "ok",
    ...                       "curves": {"calibration": bins}} for d in ("a", "b")])
    >>> datasets = pd.DataFrame(columns=["provenance"])
    >>> scores = pd.DataFrame(columns=["dataset", "method", "fold", "metric", "value"])
    >>> cells = BenchmarkCells({}, datasets, grid, scores)
    >>> reliability_table(cells)
      method  bin  count  mean_predicted  positives  observed
    0    net    0   16.0             0.1        2.0     0.125
    1    net    1    4.0             0.8        2.0     0.500
    """
    rows = [
        (method, number, count, count * (predicted if count else 0.0), positives)
        for _, method, curve in finished_curves(cells, "calibration")
        for number, (count, predicted, positives) in enumerate(
            zip(
                curve["count"],
                curve["mean_predicted"],
                curve["positives"],
                strict=True,
            )
        )
    ]
    columns = ["method", "bin", "count", "mean_predicted", "positives"]
    bins = pd.DataFrame(rows, columns=columns)
    bins = bins.astype(dict.fromkeys(columns[2:], "float64"))
    bins = bins.groupby(["method", "bin"], as_index=False).sum()
    bins = bins[bins["count"] > 0].reset_index(drop=True)
    return bins.assign(
        mean_predicted=bins["mean_predicted"] / bins["count"],
        observed=bins["positives"] / bins["count"],
    )


def precision_recall_table(cells):
    """Average the interpolated precision over the folds, by data set and method.

    Parameters
    ----------
    cells : BenchmarkCells
        Their curves hold, in ``precision_at``, the precisions at evenly spaced
        recalls from 0 to 1.

    Returns
    -------
    curves : DataFrame
        One row a data set and method (its index), one column a recall.

    See Also
    --------
    plot_precision_recall : The picture.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import BenchmarkCells, precision_recall_table
    >>> grid = pd.DataFrame([{"dataset": "a", "method": "net", "fold": f, "status":
    ...     "ok", "curves": {"precision_at": [1.0, 0.5, p]}} for f, p in enumerate(
    ...     [0.1, 0.3])])
    >>> datasets = pd.DataFrame(columns=["provenance"])
    >>> scores = pd.DataFrame(columns=["dataset", "method", "fold", "metric", "value"])
    >>> cells = BenchmarkCells({}, datasets, grid, scores)
    >>> precision_recall_table(cells)
                    0.0  0.5  1.0
    dataset method
    a       net     1.0  0.5  0.2
    """
    found = list(finished_curves(cells, "precision_at"))
    index = pd.MultiIndex.from_tuples(
        [key[:2] for key in found], names=["dataset", "method"]
    )
    n_points = len(found[0][2]) if found else 0
    columns = np.round(np.linspace(0, 1, n_points), 6)
    curves = pd.DataFrame([key[2] for key in found], index=index, columns=columns)
    return curves.astype("float64").groupby(["dataset", "method"]).mean()
