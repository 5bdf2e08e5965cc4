"""What the cells say: scores, their means, and how far one method is ahead."""

import numpy as np
import pandas as pd
from _paper_data import DATASETS
from _paper_results import (
    LEAD_COLUMNS,
    average_runs,
    describe_lead,
    read_complete_cells,
)

from _crowds.cells import METRICS
from _crowds.data import KINDS
from imbdeep.datasets import IMBLEARN27_NAMES

CROWD = ["data", "n_workers", "crowd"]
INFERENCE = {
    "accuracy": "accuracy",
    "minority_recall": "recall, minority",
    "minority_precision": "precision, minority",
}
# What the labels of training rows are inferred by: the cells that tell, and whether
# after the first round or in the end.
STEPS = {
    "MV": ("mv_net", "end"),
    "D&S": ("ds_net", "end"),
    "D&S hard": ("ds_hard_net", "end"),
    "ICED, first round": ("iced", "first"),
    "ICED, end": ("iced", "end"),
    "ICED soft, first round": ("iced_soft", "first"),
    "ICED soft, end": ("iced_soft", "end"),
}


def read_cells(path, command, methods):
    """Read the runs that every method of a data set and crowd has been through.

    Returns
    -------
    cells : DataFrame
        As :func:`~_paper_results.read_complete_cells` gives them.
    """
    order = {
        "data": [*DATASETS, *IMBLEARN27_NAMES],
        "n_workers": (),
        "crowd": KINDS,
        "fold": (),
        "method": methods,
    }
    return read_complete_cells(path, command, order)


def score_frame(cells):
    """Return scores on test rows, a row a cell and a column a metric; NaN: failed."""
    values = [[s.get(name, np.nan) for name in METRICS] for s in cells["scores"]]
    return pd.DataFrame(
        values,
        columns=pd.Index(METRICS, name="metric"),
        index=pd.MultiIndex.from_frame(cells[[*CROWD, "method", "fold"]]),
    )


def _inference(cell, moment):
    if moment == "end":
        return cell.inference
    # Of earlier rounds no more than the accuracy is on record.
    rounds = cell.accuracy_by_round
    return {"accuracy": rounds[0]} if rounds else {}


def inference_frame(cells):
    """Return scores of inferred labels, a row a cell and step, as :data:`STEPS` has it.

    The level ``method`` of its index holds the steps. What is not known is NaN.
    """
    rows = {}
    for step, (method, moment) in STEPS.items():
        for cell in cells[cells["method"] == method].itertuples():
            told = _inference(cell, moment)
            key = cell.data, cell.n_workers, cell.crowd, step, cell.fold
            rows[key] = [told.get(name, np.nan) for name in INFERENCE]
    index = pd.MultiIndex.from_tuples(rows, names=[*CROWD, "method", "fold"])
    columns = pd.Index(INFERENCE, name="metric")
    return pd.DataFrame(list(rows.values()), columns=columns, index=index)


def mean_table(scores):
    """Average over the runs.

    Parameters
    ----------
    scores : DataFrame
        As :func:`score_frame` gives them.

    Returns
    -------
    table : DataFrame
        A row for each data set, crowd, metric and method; see
        :func:`~_paper_results.average_runs`.
    """
    return average_runs(scores.stack(future_stack=True), [*CROWD, "metric", "method"])


def inference_table(cells):
    """Average the scores of inferred labels, as far as they are known.

    Returns
    -------
    table : DataFrame
        As :func:`mean_table` gives it, of steps.
    """
    known = inference_frame(cells).stack(future_stack=True).dropna()
    return average_runs(known, [*CROWD, "metric", "method"])


def difference_table(scores, first, methods):
    """Compare a method with every other one, run by run.

    Parameters
    ----------
    scores : DataFrame
        As :func:`score_frame` gives them.
    first : str
        The method the others are subtracted from.
    methods : iterable of str
        The others, among those that were run.

    Returns
    -------
    table : DataFrame
        A row for each data set, crowd, other method and metric, see
        :func:`~_paper_results.describe_lead`. Runs where either failed are left out.
    """
    rows = []
    for crowd, part in scores.groupby(level=CROWD, sort=False):
        run = part.index.unique("method")
        others = [name for name in methods if name in run and name != first]
        if first not in run:
            continue
        for other in others:
            for metric in METRICS:
                by_run = part[metric].droplevel(CROWD).unstack("method")
                lead = (by_run[first] - by_run[other]).dropna()
                if lead.empty:
                    continue
                who = {"first": first, "minus": other, "metric": metric}
                where = dict(zip(CROWD, crowd, strict=True))
                rows.append(where | who | describe_lead(lead))
    columns = [*CROWD, "first", "minus", "metric", *LEAD_COLUMNS]
    return pd.DataFrame(rows, columns=columns)
