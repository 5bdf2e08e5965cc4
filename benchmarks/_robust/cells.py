"""Cells of the experiments: what all of them have in common.

A cell has a ``key`` (data set and threat, method, run), a ``dataset`` with its
``sha256``, ``labels`` for its record, and ``versions``; ``draw()`` gives its rows, and
``compute(task)`` fits and scores.
"""

import time

from _cell import one_thread
from _paper_cells import compute_missing, message_of, open_run

# What compute() gives that a failed cell lacks.
EMPTY = {"scores": {}, "fit_seconds": None}


def fit_and_time(model, X, y):
    """Fit a classifier; return it, and the seconds that took."""
    start = time.perf_counter()
    model.fit(X, y)
    return model, time.perf_counter() - start


def run_cell(cell):
    """Compute one cell: draw the rows, fit and score.

    Returns
    -------
    record : dict
        The line of the results file. An exception of the method becomes a record with
        status ``'failed'`` and its message.
    """
    start = time.perf_counter()
    with one_thread():
        task = cell.draw()
        try:
            outcome = {"status": "ok", "error": None, **cell.compute(task)}
        except Exception as error:
            outcome = {"status": "failed", "error": message_of(error), **EMPTY}
    dataset, method, fold = cell.key
    return {
        "kind": "cell",
        "dataset": dataset,
        "method": method,
        "fold": fold,
        **cell.labels,
        **task.record(),
        **outcome,
        "cell_seconds": time.perf_counter() - start,
        "versions": cell.versions,
        "data_sha256": cell.dataset.sha256,
    }


def fill(path, cells, n_jobs, *, suite, protocol):
    """Compute the cells that a file of results lacks.

    Returns
    -------
    n_failed : int
        How many cells raised an exception.

    Raises
    ------
    ValueError
        If the file holds results that cannot be compared with these.
    """
    store = open_run(path, cells, suite=suite, protocol=protocol)
    return compute_missing(store, run_cell, cells, n_jobs)
