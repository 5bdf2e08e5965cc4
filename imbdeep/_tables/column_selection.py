"""Columns of a table that are categories, or that a user has named."""

from collections.abc import Set as AbstractSet

import numpy as np

from imbdeep._tables.by_name import array_of_names, is_mask_by_name, mask_by_name
from imbdeep._tables.column_kinds import as_objects, kinds_of_objects, missing_in
from imbdeep._tables.frames import column_names, is_data_frame, rows_as_array
from imbdeep._tables.validation import column_kinds


def select_columns(X, columns, name):
    """Find the positions of the columns that a user has named.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame} of shape (n, n_features)
    columns : array-like of str, int or bool, mapping or Series of bool, or None
        Names (of a data frame only), positions (from the end if negative) or a mask, by
        column name if it has names. None and an empty list select nothing.
    name : str
        Name of the parameter, for errors.

    Returns
    -------
    ndarray of int
        Sorted, each position once.

    Raises
    ------
    ValueError
        If ``columns`` does not fit ``X``.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.column_selection import select_columns
    >>> select_columns(np.zeros((2, 3)), [True, False, True], "categorical_features")
    array([0, 2])
    """
    if isinstance(columns, AbstractSet):
        raise ValueError(f"{name} is a set, {columns!r}: give a list of its columns.")
    if columns is None or np.size(array_of_names(columns)) == 0:
        return np.array([], dtype=int)
    shape = np.shape(rows_as_array(X) if isinstance(X, list | tuple) else X)
    if len(shape) != 2:
        raise ValueError(
            f"{name} selects columns of a table, but X has shape {shape}; got "
            f"{columns!r}. Give rows and columns, or leave {name} at its default."
        )
    if is_mask_by_name(columns):
        columns = _mask_in_order(columns, X, shape, name)
    # As they are in a list: NumPy makes text of numbers that share it with text.
    in_list = isinstance(columns, list | tuple)
    keys = list(columns) if in_list else np.atleast_1d(columns).tolist()
    # From a list: NumPy infers the dtype of objects anew.
    kind = array_of_names(keys).dtype.kind
    if kind == "b":
        _check_mask(keys, shape[1], name)
    elif kind in "iu":
        _check_positions(keys, shape[1], name)
    elif kind in "OU":
        _check_names(keys, X, name)
    else:
        raise ValueError(
            f"{name} must hold names, positions or a boolean mask, got {columns!r}."
        )
    if kind == "b":
        return np.flatnonzero(keys)
    if kind in "iu":  # positions, even if a data frame has numbers for names
        return np.unique(np.arange(shape[1])[keys])
    return np.unique([column_names(X).index(key) for key in keys])


def _mask_in_order(mask, X, shape, name):
    # Numbers are positions, even if a data frame has numbers for names.
    is_numbered = all(isinstance(key, int | np.integer) for key, _ in mask.items())
    names = None if is_numbered else column_names(X)
    return mask_by_name(name, mask, shape[1:], names)


def _check_mask(keys, n_features, name):
    if np.shape(keys) != (n_features,):
        raise ValueError(
            f"{name} is a mask of shape {np.shape(keys)}, but X has {n_features} "
            "columns. Give one True or False for each of them."
        )


def _check_positions(keys, n_features, name):
    if np.ndim(keys) != 1:
        raise ValueError(f"{name} must be a flat list of positions, got {keys!r}.")
    out_of_range = [key for key in keys if not -n_features <= key < n_features]
    if out_of_range:
        raise ValueError(
            f"{name} holds positions {out_of_range}, but X has {n_features} columns. "
            f"Use 0 to {n_features - 1}."
        )


def _check_names(keys, X, name):
    if not is_data_frame(X):
        raise ValueError(
            f"{name} holds names, {keys!r}, but X is no data frame. Give positions or "
            "a boolean mask, or X as a data frame."
        )
    known = column_names(X)
    unknown = [key for key in keys if key not in known]
    if unknown:
        mixed = any(isinstance(key, int | np.integer) for key in unknown)
        remedy = (
            "Give names or positions, not both."
            if mixed
            else "Check the spelling against X.columns."
        )
        raise ValueError(
            f"{name} holds {unknown}, which X has no columns for. {remedy}"
        )


def categorical_columns(X):
    """Find the positions of the columns whose dtype is categorical.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame} of shape (n, n_features)

    Returns
    -------
    ndarray of int
        Sorted. In a data frame: columns of text, categories and booleans; in an array
        of objects or a list of rows: columns with text; in an array of booleans: all.
        Numbers that encode categories cannot be recognised. A column of objects without
        a single value is among them: later rows may bring text there, or numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._tables.column_selection import categorical_columns
    >>> X = pd.DataFrame({"age": [31], "city": ["Ulm"], "income": [2.5]})
    >>> categorical_columns(X)
    array([1])
    """
    of_one_dtype = getattr(X, "dtype", np.dtype(object)) != np.dtype(object)
    if is_data_frame(X):
        wanted = {"text", "categories", "booleans", "nothing"}
    else:
        # In an array of text, it is lost which columns were numbers.
        wanted = {"booleans"} if of_one_dtype else {"text", "nothing"}
    kinds = column_kinds(X)
    found = [i for i, (_, kind) in enumerate(kinds) if kind in wanted]
    return np.array(found, dtype=int)


def automatic_columns(X):
    """Columns that 'auto' takes for categories, or an error where nobody can tell.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame} of shape (n, n_features)

    Returns
    -------
    ndarray of int
        See :func:`categorical_columns`.

    Raises
    ------
    ValueError
        If a column of objects holds numbers and text, which may stand for a missing
        number.
    """
    columns = found = categorical_columns(X)
    if not len(found):
        return found
    if is_data_frame(X):
        # Only pandas keeps objects of any type in a column.
        dtypes = [str(dtype) for dtype in getattr(X, "dtypes", ())]
        columns = [i for i in columns if dtypes and dtypes[i] == "object"]
        names = column_names(X)
        values = {i: as_objects(X.iloc[:, i].tolist()) for i in columns}
    else:
        table = rows_as_array(X) if isinstance(X, list | tuple) else X
        names = range(np.shape(table)[-1])
        values = {i: table[:, i] for i in columns.tolist() if table.dtype == object}
    mixed = [
        i
        for i, own in values.items()
        if "numbers" in kinds_of_objects(own[~missing_in(own)])
    ]
    if mixed:
        text = next(v for v in values[mixed[0]].tolist() if isinstance(v, str))
        raise ValueError(
            f"Columns {[names[i] for i in mixed]} hold numbers and text, such as "
            f"{text!r}. Name them in categorical_features if they are categories, or "
            "make them numbers."
        )
    return found
