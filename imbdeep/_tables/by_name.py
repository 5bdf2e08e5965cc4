"""Parameters that give a value per column, or per class, by name."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from imbdeep._tables.column_kinds import as_objects


def is_series(value: Any) -> bool:
    """Whether a value is a pandas Series, whose index names its entries."""
    return hasattr(value, "reindex") and getattr(value, "ndim", 0) == 1


def rows_of_frame(name: str, frame: Any, n_rows: int) -> list[dict[Any, Any]]:
    """Rows of a pandas or polars data frame, such as polars' ``X.std()``, as dicts.

    Parameters
    ----------
    name : str
        Name of the parameter, for errors.
    frame : DataFrame
    n_rows : int
        Number of rows that it must have.

    Returns
    -------
    list of dict
    """
    columns = list(frame.columns)
    if len(frame) != n_rows:
        raise ValueError(
            f"{name} is a data frame of {len(frame)} rows; it must have {n_rows}."
        )
    refuse_twice(name, columns)
    # Column by column: taken as rows, pandas would cast all columns to one dtype.
    entries = [list(frame[column]) for column in columns]
    return [dict(zip(columns, row, strict=True)) for row in zip(*entries, strict=True)]


def by_name(name: str, value: Any) -> dict[Any, Any] | None:
    """Values by column name, or None if they are not given by name.

    Parameters
    ----------
    name : str
        Name of the parameter, for errors.
    value : object
        A mapping, a pandas Series or a data frame of one row gives values by name.

    Returns
    -------
    dict or None

    Raises
    ------
    ValueError
        If a name comes twice.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._tables.by_name import by_name
    >>> by_name("eps", pd.Series({"b": 2, "a": 1}))
    {'b': 2, 'a': 1}
    >>> by_name("eps", [2, 1])
    """
    if isinstance(value, Mapping):
        return dict(value)
    if is_series(value):
        refuse_twice(name, value.index)
        return dict(value.items())
    if hasattr(value, "columns"):
        return rows_of_frame(name, value, 1)[0]
    return None


def in_order(
    name: str,
    given: Mapping[Any, Any],
    shape: Sequence[int],
    columns: Iterable[Any] | None = None,
    needed: np.ndarray | None = None,
    otherwise: Any = None,
    remedy: str = "Give a value for each column that may move, or name those that may "
    "in perturb.",
) -> list[Any]:
    """Put values given by column name in the order of the columns.

    Parameters
    ----------
    name : str
        Name of the parameter, for errors.
    given : mapping
        Values by column name, or by position if X has no names.
    shape : sequence of int
        Shape of a row.
    columns : iterable or None, default=None
        Names of the columns.
    needed : ndarray of shape (n_features,), bool, or None, default=None
        Which columns must be named; the others get the value ``otherwise``, named or
        not. None needs all.
    otherwise : object, default=None
    remedy : str
        What to do about a missing column, for errors.

    Returns
    -------
    list of length n_features

    Raises
    ------
    ValueError
        If a column is missing or unknown, or there are no names to go by.

    Examples
    --------
    >>> from imbdeep._tables.by_name import in_order
    >>> in_order("eps", {"b": 2, "a": 1}, (2,), ["a", "b"])
    [1, 2]
    """
    columns = _names_to_go_by(name, given, shape, columns)
    known = set(columns)
    unknown = [column for column in given if column not in known]
    if unknown:
        raise ValueError(
            f"{name} names columns {unknown}, which X does not have; it has "
            f"{len(columns)} columns named {columns}."
        )
    refuse_twice(name, [column for column in columns if column in given])
    needed = np.ones(len(columns), dtype=bool) if needed is None else needed
    missing = [
        column
        for column, need in zip(columns, needed, strict=True)
        if need and column not in given
    ]
    if missing:
        raise ValueError(
            f"{name} goes by column name and lacks columns {missing}. {remedy}"
        )
    return [
        given[column] if need else otherwise
        for column, need in zip(columns, needed, strict=True)
    ]


def array_of_names(names: Any) -> np.ndarray:
    """Names or positions as an array, one element each even where names are tuples.

    Those of a column index of several levels are.

    Examples
    --------
    >>> from imbdeep._tables.by_name import array_of_names
    >>> array_of_names([("age", "years"), ("city", "now")]).shape
    (2,)
    """
    in_list = isinstance(names, list | tuple)
    if in_list and any(isinstance(name, tuple) for name in names):
        return as_objects(names)
    return np.asarray(names)


def is_mask_by_name(value: Any) -> bool:
    """Whether a value gives True or False by column name.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._tables.by_name import is_mask_by_name
    >>> is_mask_by_name(pd.Series({"a": True})), is_mask_by_name(pd.Series(["a"]))
    (True, False)
    """
    return isinstance(value, Mapping) or (is_series(value) and _is_mask(value))


def mask_by_name(
    name: str,
    value: Any,
    shape: Sequence[int],
    columns: Iterable[Any] | None = None,
) -> np.ndarray:
    """Put a mask given by column name in the order of the columns.

    Parameters
    ----------
    name : str
        Name of the parameter, for errors.
    value : mapping or Series of bool
    shape : sequence of int
        Shape of a row.
    columns : iterable or None, default=None
        Names of the columns.

    Returns
    -------
    ndarray of shape (n_features,), bool

    Raises
    ------
    ValueError
        If it holds anything but booleans, or a column is missing or unknown.

    Examples
    --------
    >>> from imbdeep._tables.by_name import mask_by_name
    >>> mask_by_name("perturb", {"b": True, "a": False}, (2,), ["a", "b"])
    array([False,  True])
    """
    given = by_name(name, value)
    if not _is_mask(list(given.values())):
        raise ValueError(
            f"{name} goes by column name and must have True or False for each column, "
            f"got {given}. Or give a list of columns."
        )
    remedy = "Give True or False for each column, or a list of columns."
    return np.array(in_order(name, given, shape, columns, remedy=remedy))


def _is_mask(values):
    return len(values) > 0 and all(isinstance(v, bool | np.bool_) for v in values)


def by_label(name: str, value: Any, labels: Iterable[Any]) -> Any:
    """Put values given by class label in the order of the classes.

    Parameters
    ----------
    name : str
        Name of the parameter, for errors.
    value : object
        A mapping or a pandas Series gives values by label.
    labels : iterable
        Classes in order.

    Returns
    -------
    list of length n_classes, or ``value`` if it is not given by label

    Raises
    ------
    ValueError
        If a class is missing, unknown or given twice.

    Examples
    --------
    >>> from imbdeep._tables.by_name import by_label
    >>> by_label("class_prior", {"ill": 0.1, "healthy": 0.9}, ["healthy", "ill"])
    [0.9, 0.1]
    """
    if not (isinstance(value, Mapping) or is_series(value)):
        return value
    # The length tells a label that comes twice in a Series, which the dict has lost.
    given, labels = dict(value.items()), list(labels)
    if set(given) != set(labels) or len(value) != len(labels):
        raise ValueError(
            f"{name} has the labels {list(value.keys())}, and the classes are "
            f"{labels}. Give a value for each of these, once."
        )
    return [given[label] for label in labels]


def _names_to_go_by(name, given, shape, columns):
    if columns is not None:
        return list(columns)
    if len(shape) != 1:
        raise ValueError(
            f"{name} goes by column name, but a row of X has shape {tuple(shape)} and "
            "no columns. Give an array that broadcasts to it."
        )
    positions = list(range(shape[0]))
    if not all(isinstance(key, int | np.integer) for key in given):
        raise ValueError(
            f"{name} goes by the names {list(given)}, but X has no column names. Pass "
            "X as a data frame with text for column names, or an array in the order of "
            "the columns."
        )
    return positions


def refuse_twice(name: str, columns: Iterable[Any]) -> None:
    """Refuse names that more than one column has."""
    counts = Counter(columns)
    twice = sorted((name for name, count in counts.items() if count > 1), key=str)
    if twice:
        raise ValueError(
            f"{name} goes by column name, and the names {twice} are there more than "
            "once. Give an array in the order of the columns, or rename them."
        )
