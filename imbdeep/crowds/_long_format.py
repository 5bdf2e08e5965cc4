"""Convert annotations to a table with one row each, and back."""

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype
from sklearn.utils import check_array

from imbdeep._tables.frames import is_pandas
from imbdeep.crowds._annotations import holds_numbers, name_first


def to_long_format(annotations, *, missing_values=-1):
    """List annotations, one per row: the format of crowd-kit and databases.

    Parameters
    ----------
    annotations : {array-like, DataFrame} of shape (n_samples, n_workers)
        Labels, one column per worker. NaN, None and ``pandas.NA`` are missing
        annotations.
    missing_values : int, float, NaN or None, default=-1
        Number that also marks a missing annotation. None if there is no such number, as
        for the labels -1 and 1.

    Returns
    -------
    frame : DataFrame of shape (n_annotations, 3)
        Columns ``task``, ``worker`` and ``label``, sorted by task, then worker. Tasks
        and workers are the index and columns of a data frame, otherwise positions.
        Labels have the common type of the columns of `annotations`.

    Raises
    ------
    ValueError
        If ``annotations`` is not a matrix, or a name in the index or the columns of a
        data frame is missing, occurs twice, or differs in type from the others.

    See Also
    --------
    from_long_format : The inverse.

    Notes
    -----
    The result has no tasks and workers without annotations.

    Examples
    --------
    >>> from imbdeep.crowds import to_long_format
    >>> to_long_format([[0, 1], [-1, 1]])
       task  worker  label
    0     0       0      0
    1     0       1      1
    2     1       1      1

    crowd-kit's aggregators take this format:
    ``crowdkit.aggregation.MajorityVote().fit_predict(to_long_format(annotations))``.
    """
    frame = _as_frame(annotations)
    _check_ids(frame.index, "index")
    _check_ids(frame.columns, "columns")
    # An empty column has a type of its own, float for example, which concat would mix
    # into that of the labels.
    frame = frame.dropna(axis=1, how="all")
    n_tasks, n_workers = frame.shape
    columns = [frame.iloc[:, position] for position in range(n_workers)]
    labels = pd.concat(columns or [pd.Series(dtype=object)], ignore_index=True)
    tasks = np.tile(np.arange(n_tasks), n_workers)
    workers = np.repeat(np.arange(n_workers), n_tasks)
    given = _is_given(labels, missing_values)
    long = pd.DataFrame(
        {
            "task": frame.index.take(tasks[given]),
            "worker": frame.columns.take(workers[given]),
            "label": labels[given].reset_index(drop=True),
        }
    )
    return long.sort_values(["task", "worker"], ignore_index=True)


def from_long_format(frame, *, task="task", worker="worker", label="label", tasks=None):
    """Build a matrix of annotations from a list with one row each.

    Parameters
    ----------
    frame : DataFrame of shape (n_annotations, n_columns)
        One annotation per row.
    task, worker, label : str, defaults='task', 'worker', 'label'
        Names of the columns that hold the task, the worker and the label. A missing
        label is a missing annotation.
    tasks : array-like of shape (n_samples,) or None, default=None
        All tasks in the order of the result, such as the index of `X`. Tasks that
        nobody annotated get rows without annotations, which no classifier takes: drop
        them, also from `X`. None takes the tasks of `frame`, sorted.

    Returns
    -------
    annotations : DataFrame of shape (n_samples, n_workers)
        Tasks are its index, workers its columns, sorted. Integers have type ``Int64``
        and booleans ``boolean``, with ``pandas.NA`` for missing annotations. Other
        labels keep their type, with NaN or None.

    Raises
    ------
    ValueError
        If a column does not exist, an id is missing, a worker labelled a task twice, or
        a task is not among ``tasks``.

    See Also
    --------
    to_long_format : The inverse.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.crowds import from_long_format
    >>> answers = pd.DataFrame(
    ...     {
    ...         "task": ["t1", "t1", "t2"],
    ...         "worker": ["Ann", "Bob", "Bob"],
    ...         "label": [0, 1, 1],
    ...     }
    ... )
    >>> from_long_format(answers)
         Ann  Bob
    t1     0    1
    t2  <NA>    1
    """
    _check_long_frame(frame, task, worker, label)
    tasks = _read_tasks(tasks, frame[task], f"column {task!r}")
    workers = _sorted_ids(frame[worker], f"column {worker!r}")
    cells = tasks.get_indexer(frame[task]), workers.get_indexer(frame[worker])
    # Cells that no row of the frame fills keep -1: the last label, which is missing.
    rows = np.full((len(tasks), len(workers)), -1)
    rows[cells] = np.arange(len(frame))
    labels = _with_missing_at_the_end(frame[label])
    by_worker = {
        position: pd.Series(labels.iloc[column].array, index=tasks, dtype=labels.dtype)
        for position, column in enumerate(rows.T)
    }
    return pd.DataFrame(by_worker, index=tasks).set_axis(workers, axis=1)


def _as_frame(annotations):
    if is_pandas(annotations):
        return annotations
    table = check_array(
        annotations, dtype=None, ensure_all_finite=False, input_name="annotations"
    )
    # pandas would infer the type of objects column by column.
    return pd.DataFrame(table, dtype=object if table.dtype == object else None)


def _is_given(labels, missing_values):
    given = labels.notna().to_numpy()
    if missing_values is None or not holds_numbers(labels[given].unique()):
        return given
    return given & ~labels.isin([missing_values]).to_numpy()


def _check_ids(ids, where):
    if ids.hasnans:
        raise ValueError(f"Ids are missing in the {where} of annotations. Name all.")
    if not ids.is_unique:
        twice = ids[ids.duplicated()].unique()
        raise ValueError(
            f"The {where} of annotations holds {name_first(twice)} more than once. "
            "Make it unique, for example with reset_index."
        )
    _sorted_ids(ids, f"{where} of annotations")


def _check_long_frame(frame, task, worker, label):
    if not is_pandas(frame):
        raise ValueError(
            f"frame must be a pandas DataFrame, got {type(frame).__name__}."
        )
    for parameter, column in (("task", task), ("worker", worker), ("label", label)):
        if column not in frame.columns:
            raise ValueError(
                f"frame has no column {column!r}, only {list(frame.columns)}. Pass "
                f"{parameter}= with its name."
            )
    if not len(frame):
        raise ValueError("frame is empty. Pass at least one annotation.")
    for column in (task, worker):
        n_missing = int(frame[column].isna().sum())
        if n_missing:
            raise ValueError(
                f"Column {column!r} of frame lacks {n_missing} ids. Fill them in or "
                "leave these rows out."
            )
    twice = frame.loc[frame.duplicated([task, worker]), [task, worker]]
    if len(twice):
        pairs = twice.drop_duplicates().itertuples(index=False, name=None)
        raise ValueError(
            "Workers labelled a task more than once, (task, worker): "
            f"{name_first(pairs)}. Keep one label of each, for example with "
            "drop_duplicates."
        )


def _read_tasks(tasks, annotated, where):
    if tasks is None:
        return _sorted_ids(annotated, where)
    tasks = pd.Index(tasks)
    if not tasks.is_unique:
        twice = tasks[tasks.duplicated()].unique()
        raise ValueError(
            f"tasks holds {name_first(twice)} more than once. Make it unique."
        )
    unknown = pd.Index(annotated.unique()).difference(tasks, sort=False)
    if len(unknown):
        raise ValueError(
            f"frame holds tasks that are not among tasks: {name_first(unknown)}. Add "
            "them to tasks, or leave these rows out."
        )
    return tasks


def _sorted_ids(ids, where):
    try:
        return pd.Index(ids.unique()).sort_values()
    except TypeError:
        kinds = sorted({type(value).__name__ for value in ids})
        raise ValueError(
            f"The {where} mixes ids of types {kinds}. Use ids of one type."
        ) from None


def _with_missing_at_the_end(labels):
    kind = infer_dtype(labels)
    if kind in ("integer", "boolean"):
        labels = labels.astype({"integer": "Int64", "boolean": "boolean"}[kind])
    missing = pd.Series([None], dtype=labels.dtype)
    return pd.concat([labels, missing], ignore_index=True)
