"""What the cells say: means, and differences of two methods run by run."""

from itertools import product

import numpy as np
import pandas as pd
from _paper_data import DATASETS
from _paper_results import (
    LEAD_COLUMNS,
    average_runs,
    describe_lead,
    read_complete_cells,
)

from _gl_gan.cells import CLASSIFIERS, METRICS
from _gl_gan.methods import METHODS

SCORES = list(product(CLASSIFIERS, METRICS))
DIFFERENCE_COLUMNS = [
    "data",
    "r",
    "first",
    "minus",
    "classifier",
    "metric",
    *LEAD_COLUMNS,
]


# --- Cells ---------------------------------------------------------------------------


def read_cells(path):
    """Read the runs that every method of a data set and ratio has been through.

    Parameters
    ----------
    path : Path
        ``cells.jsonl``.

    Returns
    -------
    cells : DataFrame
        As :func:`~_paper_results.read_complete_cells` gives them.
    """
    order = {"data": DATASETS, "r": (), "fold": (), "method": METHODS}
    return read_complete_cells(path, "gl_gan.py run", order)


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
    return average_runs(long, ["data", "r", "classifier", "metric", "method"])


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
                    **describe_lead(lead),
                }
            )
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)
