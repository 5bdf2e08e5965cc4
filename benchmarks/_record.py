"""What the record of a cell says, whatever becomes of the cell.

A cell has a ``key`` (data set, method, fold), ``labels`` (a dict: what else tells it
apart in a report), ``versions`` of libraries, the ``data_sha256`` of its data, and
``no_result`` (a dict: what its record has in place of scores if it fails). Its
``device`` is where nets run, and ``estimator()`` returns what it would fit, unfitted
and with the seed 0.
"""


def record_head(cell):
    """Return the part of a cell's record that is known before it is computed."""
    dataset, method, fold = cell.key
    return {
        "kind": "cell",
        "dataset": dataset,
        "method": method,
        "fold": fold,
        **cell.labels,
        "versions": cell.versions,
        "data_sha256": cell.data_sha256,
    }


def failure(cell, message):
    """Return what stands in for the outcome of a cell that failed."""
    return {"status": "failed", "error": message, **cell.no_result}


def failed_record(cell, accident):
    """Return the record of a cell that an accident left without a result.

    Parameters
    ----------
    cell : object
        See above.
    accident : _workers.Accident
    """
    return {
        **record_head(cell),
        **failure(cell, accident.message),
        "cause": accident.cause,
        "exit_code": accident.exit_code,
    }
