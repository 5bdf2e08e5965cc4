"""Which columns of a table are categories, or named by a user."""

import numpy as np
from sklearn.utils._indexing import _get_column_indices

from imbdeep._frames import is_pandas


def select_columns(X, columns, name):
    """Positions of the columns that a user named.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame} of shape (n, n_features)
    columns : array-like of str, int or bool, or None
        Names (of a data frame only), positions (from the end if negative) or a mask.
        None and an empty list select nothing.
    name : str
        The parameter that ``columns`` was given as, for messages.

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
    >>> from imbdeep.generative import select_columns
    >>> select_columns(np.zeros((2, 3)), [True, False, True], "categorical_features")
    array([0, 2])
    """
    if columns is None or np.size(columns) == 0:
        return np.array([], dtype=int)
    # Through a list, so that Python's objects get the dtype that they stand for.
    keys = np.atleast_1d(columns).tolist()
    shape = np.shape(X)
    if len(shape) != 2:
        raise ValueError(
            f"{name} selects columns of a table, but X has shape {shape}; got "
            f"{columns!r}. Give rows and columns, or leave {name} at its default."
        )
    kind = np.asarray(keys).dtype.kind
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
    # Numbers are positions, also where a data frame has numbers for names.
    table = X if kind in "OU" else np.empty((0, shape[1]))
    return np.unique(_get_column_indices(table, keys)).astype(int)


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
    if not is_pandas(X):
        raise ValueError(
            f"{name} holds names, {keys!r}, but X is no data frame. Give positions or "
            "a boolean mask, or X as a data frame."
        )
    known = X.columns.tolist()
    unknown = [key for key in keys if key not in known]
    if unknown:
        raise ValueError(
            f"{name} holds {unknown}, which X has no columns for. Check the spelling "
            "against X.columns."
        )


def categorical_columns(X):
    """Positions of the columns that are categories by their dtype.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame} of shape (n, n_features)

    Returns
    -------
    ndarray of int
        Sorted: text, categories and booleans of a data frame, columns with text of an
        array of objects, and all columns of an array of booleans. Nothing tells the
        kind of other numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.generative import categorical_columns
    >>> X = pd.DataFrame({"age": [31], "city": ["Ulm"], "income": [2.5]})
    >>> categorical_columns(X)
    array([1])
    """
    dtype = getattr(X, "dtype", None)
    if is_pandas(X):
        columns = ((X.iloc[:, i], own) for i, own in enumerate(X.dtypes))
    elif getattr(dtype, "kind", "") in ("O", "b") and X.ndim == 2:
        columns = ((column, dtype) for column in X.T)
    else:
        columns = ()
    found = [i for i, column in enumerate(columns) if _is_category(*column)]
    return np.array(found, dtype=int)


def _is_category(column, dtype):
    # `kind` and `type` are those of the values, whatever library keeps them.
    if dtype.kind == "b" or dtype.type is str or dtype.name == "category":
        return True
    return dtype.kind == "O" and any(isinstance(value, str) for value in column)
