"""What the cells say: means, and differences of two methods run by run."""

from itertools import product

import numpy as np
import pandas as pd
from _store import CellStore
from scipy.stats import sem, wilcoxon

from _gl_gan.cells import CLASSIFIERS, METRICS
from _gl_gan.data import DATASETS
from _gl_gan.methods import METHODS

KEY = ["dataset", "method", "fold"]
SCORES = list(product(CLASSIFIERS, METRICS))
DIFFERENCE_COLUMNS = [
    "data",
    "r",
    "first",
    "minus",
    "classifier",
    "metric",
    "difference",
    "se",
    "p_value",
    "won",
    "lost",
    "n_runs",
]


# --- Cells ---------------------------------------------------------------------------


def read_cells(path):
    """Read the runs that every method of a data set and ratio has been through.

    A run that was stopped so still compares like with like.

    Parameters
    ----------
    path : Path
        ``cells.jsonl``.

    Returns
    -------
    cells : DataFrame
        A row a cell, the last one if it was tried more than once.

    Raises
    ------
    ValueError
        If there is no such file, or no run to compare in it.
    """
    if not path.exists():
        raise ValueError(
            f"There is no {path}: give the --out of a run, or compute one "
            "(gl_gan.py run)."
        )
    records = CellStore(path).of_kind("cell")
    if not records:
        raise ValueError(f"{path} holds no finished cell yet; go on with its run.")
    cells = pd.DataFrame(records).drop_duplicates(KEY, keep="last")
    n_methods = cells.groupby("dataset")["method"].transform("nunique")
    is_complete = cells.groupby(["dataset", "fold"])["method"].transform("nunique")
    cells = cells[is_complete == n_methods]
    if cells.empty:
        raise ValueError(f"{path} has no run that every method has been through yet.")
    order = {name: place for place, name in enumerate([*DATASETS, *METHODS])}
    names = ("data", "method")
    return cells.sort_values(
        ["data", "r", "fold", "method"],
        key=lambda column: column.map(order) if column.name in names else column,
        ignore_index=True,
    )


def score_frame(cells):
    """Return scores, a row a cell and a column a (classifier, metric); NaN: failed."""
    values = [
        [scores.get(name, {}).get(metric, np.nan) for name, metric in SCORES]
        for scores in cells["scores"]
    ]
    return pd.DataFrame(
        values,
        columns=pd.MultiIndex.from_tuples(SCORES, names=["classifier", "metric"]),
        index=pd.MultiIndex.from_frame(cells[["data", "r", "method", "fold"]]),
    )


# --- Numbers -------------------------------------------------------------------------


def mean_table(scores):
    """Average over the runs.

    Parameters
    ----------
    scores : DataFrame
        As :func:`score_frame` gives them.

    Returns
    -------
    table : DataFrame
        A row for each data set, ratio, classifier, metric and method, with ``mean`` and
        its standard error ``se`` over the runs that did not fail, and their numbers
        ``n_runs`` and ``n_failed``.
    """
    long = scores.stack(["classifier", "metric"], future_stack=True)
    groups = long.groupby(["data", "r", "classifier", "metric", "method"], sort=False)
    table = groups.agg(["mean", "sem", "count", "size"])
    table["n_failed"] = table["size"] - table["count"]
    table = table.rename(columns={"sem": "se", "count": "n_runs"})
    return table[["mean", "se", "n_runs", "n_failed"]].reset_index()


def signed_rank_p(difference):
    """Return the p-value of Wilcoxon's signed-rank test; 1 if nothing differs."""
    told = difference[difference != 0]
    return float(wilcoxon(told).pvalue) if len(told) else 1.0


def difference_table(scores, first):
    """Compare a method with every other one, run by run.

    Parameters
    ----------
    scores : DataFrame
        As :func:`score_frame` gives them.
    first : str
        The method the others are subtracted from.

    Returns
    -------
    table : DataFrame
        A row for each data set, ratio, other method, classifier and metric. Runs where
        either failed are left out; ``n_runs`` counts the others. ``p_value`` is of
        Wilcoxon's signed-rank test, two-sided.
    """
    rows = []
    for (data, r), part in scores.groupby(level=["data", "r"], sort=False):
        methods = part.index.get_level_values("method")
        others = [name for name in METHODS if name in methods and name != first]
        if first not in methods:
            continue
        for other, column in product(others, SCORES):
            by_run = part[column].droplevel(["data", "r"]).unstack("method")
            lead = (by_run[first] - by_run[other]).dropna()
            if lead.empty:
                continue
            rows.append(
                {
                    "data": data,
                    "r": r,
                    "first": first,
                    "minus": other,
                    "classifier": column[0],
                    "metric": column[1],
                    "difference": lead.mean(),
                    "se": sem(lead) if len(lead) > 1 else np.nan,
                    "p_value": signed_rank_p(lead),
                    "won": int((lead > 0).sum()),
                    "lost": int((lead < 0).sum()),
                    "n_runs": len(lead),
                }
            )
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)
