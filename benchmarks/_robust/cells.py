"""Cells of the experiments: what all of them have in common.

A cell is what :mod:`_record` says; ``draw()`` gives its rows, and ``compute(task)``
fits and scores.
"""

import time
from contextlib import closing

from _cell import one_thread
from _errors import message_of
from _paper_cells import compute_missing, open_run
from _record import failure, record_head


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
            outcome = failure(cell, message_of(error))
    return {
        **record_head(cell),
        **task.record(),
        **outcome,
        "cell_seconds": time.perf_counter() - start,
    }


def fill(path, cells, workers, *, suite, protocol, mix_versions=False):
    """Compute the cells that a file of results lacks.

    Returns
    -------
    n_failed : int
        How many cells failed.

    Raises
    ------
    ValueError
        If the file holds results that cannot be compared with these.
    """
    opened = open_run(
        path, cells, suite=suite, protocol=protocol, mix_versions=mix_versions
    )
    with closing(opened) as store:
        return compute_missing(store, run_cell, cells, workers)
