"""Reliability and precision-recall curves pooled from what the cells recorded."""

import numpy as np
import pandas as pd


def finished_curves(cells, name):
    """Yield (dataset, method, curve) of the finished cells in the paired folds."""
    rows = cells.cells.set_index(["dataset", "method", "fold"])["curves"]
    failed = cells.paired_failures
    for (dataset, method, _), curves in rows.reindex(failed.index[~failed]).items():
        if curves.get(name) is not None:
            yield dataset, method, curves[name]


def reliability_table(cells):
    """Pool the calibration bins of each method over all data sets and folds.

    A row has ``method``, ``bin``, ``count``, ``mean_predicted``, ``positives`` and
    ``observed`` (the positives' share). Empty bins are left out. Large sets weigh more,
    since rows are pooled.
    """
    names = ["count", "mean_predicted", "positives"]
    rows = [
        (method, number, count, count * (predicted if count else 0.0), positives)
        for _, method, curve in finished_curves(cells, "calibration")
        for number, (count, predicted, positives) in enumerate(
            zip(*(curve[name] for name in names), strict=True)
        )
    ]
    bins = pd.DataFrame(rows, columns=["method", "bin", *names])
    bins = bins.astype(dict.fromkeys(names, "float64"))
    bins = bins.groupby(["method", "bin"], as_index=False).sum()
    bins = bins[bins["count"] > 0].reset_index(drop=True)
    return bins.assign(
        mean_predicted=bins["mean_predicted"] / bins["count"],
        observed=bins["positives"] / bins["count"],
    )


def precision_recall_table(cells):
    """Average precision over the folds: a row a set and method, a column a recall."""
    found = list(finished_curves(cells, "precision_at"))
    keys = [key[:2] for key in found]
    index = pd.MultiIndex.from_tuples(keys, names=["dataset", "method"])
    n_points = len(found[0][2]) if found else 0
    columns = np.round(np.linspace(0, 1, n_points), 6)
    curves = pd.DataFrame([key[2] for key in found], index=index, columns=columns)
    return curves.astype("float64").groupby(["dataset", "method"]).mean()
