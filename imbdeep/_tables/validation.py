"""Checks of user input, shared by classifiers and samplers."""

import warnings

import numpy as np
from scipy import sparse

from imbdeep._mapped import image_blocks
from imbdeep._tables.column_kinds import (
    NUMERIC,
    kind_of_array,
    kinds_of_objects,
    missing_in,
    numbers_of_objects,
)
from imbdeep._tables.frames import (
    column_names,
    columns,
    is_data_frame,
    read_labels,
    rows_as_array,
)

_ENCODE = (
    "Encode them first, for example with OneHotEncoder or OrdinalEncoder in a "
    "ColumnTransformer"
)

REMEDIES = {
    "text": f"{_ENCODE}, or turn numbers kept as text into numbers with astype(float).",
    "categories": f"{_ENCODE}.",
    "dates": (
        "Turn them into numbers first, for example the days since a date, or parts "
        "such as the month and the day of the week."
    ),
    "times of day": "Turn them into numbers first, for example seconds since midnight.",
    "durations": "Turn them into numbers first, for example with total_seconds().",
    "UUIDs": "An identifier says nothing of other rows: drop them.",
    "bytes": "Decode them into text or numbers first, or drop them.",
    "lists": (
        "Give each element a column of its own first, or a number that sums them up, "
        "such as the mean or the length."
    ),
    "dicts": (
        "An argument must be a string or a number: give each key a column of its own "
        "first, for example with DictVectorizer."
    ),
    "sets": (
        "Give each possible element a column of its own first, for example with "
        "MultiLabelBinarizer."
    ),
    "records": (
        "Give each field a column of its own first, for example with "
        "numpy.lib.recfunctions.structured_to_unstructured."
    ),
    "complex numbers": (
        "Complex data not supported: give real and imaginary parts a column each."
    ),
}
_NOT_HASHABLE = {"lists", "sets", "dicts"}
_CATEGORIES = "Name them in categorical_features, or turn them into numbers."
REMEDIES_BY_NAME = REMEDIES | {"text": _CATEGORIES, "categories": _CATEGORIES}
_OTHER_REMEDY = "Turn them into numbers first, or drop them."

# Most names that a message lists; a wide table may have many more.
_MOST_NAMES = 10


class DictColumnsError(ValueError, TypeError):
    """A table holds dicts.

    A ValueError like other bad input, and the TypeError that scikit-learn's estimator
    checks demand.
    """


def check_columns_are_numeric(X, besides=(), remedies=REMEDIES):
    """Refuse text, dates or other non-numbers in a table; name columns and remedies.

    Parameters
    ----------
    X : object
        A data frame, an array of any dtype or a list of rows; anything else passes.
        Columns without names go by position.
    besides : collection of int, default=()
        Positions of columns that may hold anything hashable: no lists, sets or dicts.
    remedies : dict of str to str, default=REMEDIES
        Remedy for each kind.

    Raises
    ------
    ValueError
        If a column does not hold numbers or booleans, two columns have the same name,
        or ``X`` is a lazy frame.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._tables.validation import check_columns_are_numeric
    >>> check_columns_are_numeric(pd.DataFrame({"age": [31], "city": ["Ulm"]}))
    Traceback (most recent call last):
    ValueError: Columns ['city'] hold text. Encode them first, ...
    """
    by_kind = {}
    for position, (name, kind) in enumerate(column_kinds(X)):
        may_be_other = position in besides and kind not in _NOT_HASHABLE
        if kind not in NUMERIC and not may_be_other:
            by_kind.setdefault(kind, []).append(name)
    if by_kind:
        error = DictColumnsError if "dicts" in by_kind else ValueError
        raise error(
            " ".join(
                f"Columns {_first(names)} hold {kind}. "
                f"{remedies.get(kind, _OTHER_REMEDY)}"
                for kind, names in by_kind.items()
            )
        )


def column_kinds(X):
    """Kind of each column of a table.

    Parameters
    ----------
    X : object
        See :func:`check_columns_are_numeric`.

    Returns
    -------
    list of tuple (name or position, kind)
        Empty if ``X`` has no columns, as with images.

    Examples
    --------
    >>> from imbdeep._tables.validation import column_kinds
    >>> column_kinds([[31, "Ulm"], [45, "Bonn"]])
    [(0, 'numbers'), (1, 'text')]
    """
    if is_data_frame(X):
        return [(column.name, column.kind) for column in columns(X)]
    array = _as_array(X)
    if array.ndim != 2:
        return []
    if array.dtype.kind != "O":
        kind = kind_of_array(array[:0, 0]) if array.shape[1] else "nothing"
        return [(position, kind) for position in range(array.shape[1])]
    return [(i, kind_of_array(column)) for i, column in enumerate(array.T)]


def _as_array(X):
    """Convert rows in lists to an array; arrays pass unchanged."""
    if isinstance(X, list | tuple):
        return rows_as_array(X)
    # A sparse matrix holds numbers.
    return X if isinstance(X, np.ndarray) else np.empty((0, 0))


def check_complete(X, names=None, *, allow_missing=False):
    """Refuse missing and infinite numbers; name their columns and counts.

    Parameters
    ----------
    X : {ndarray, sparse matrix, data frame} of shape (n, n_features) or (n, ...)
        Has passed :func:`check_columns_are_numeric`.
    names : sequence or None, default=None
        Names of the columns; None takes those of a data frame, or positions.
    allow_missing : bool, default=False
        Whether to refuse infinite numbers alone.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._tables.validation import check_complete
    >>> check_complete(pd.DataFrame({"age": [31, None, 45]}))
    Traceback (most recent call last):
    ValueError: X holds missing values (NaN or None): 1 in column 'age'. Fill ...
    """
    if is_data_frame(X):
        names = column_names(X) if names is None else names
        found = [_count_bad(column.to_numbers()) for column in columns(X)]
        n_missing, n_infinite = np.array(found, dtype=int).reshape(-1, 2).T
    else:
        n_missing, n_infinite = _count_bad_in_columns(X)
    are_images = not np.ndim(n_missing)
    if n_missing.any() and not allow_missing:
        remedy = (
            "Fill these pixels first, for example with numpy.nan_to_num or the mean of "
            "their band, or drop their images."
            if are_images
            else "Fill them first, for example with SimpleImputer, or drop their rows."
        )
        raise ValueError(
            f"X holds missing values (NaN or None): {say_where(n_missing, names)}. "
            f"{remedy}"
        )
    if n_infinite.any():
        raise ValueError(
            f"X holds infinite values: {say_where(n_infinite, names)}. Replace them, "
            "and integers beyond the largest float, by numbers, or drop their "
            f"{'images' if are_images else 'rows'}."
        )


def _count_bad(numbers, axis=None):
    """Number of missing and of infinite values."""
    if numbers.dtype.kind == "O":
        numbers = numbers_of_objects(numbers)
    # The common case makes one mask; it counts an empty slice to get the shape of axis.
    if numbers.dtype.kind != "f" or np.isfinite(numbers).all():
        nothing = np.isnan(numbers[:0].astype(float)).sum(axis)
        return nothing, nothing
    return np.isnan(numbers).sum(axis), np.isinf(numbers).sum(axis)


def _count_bad_in_columns(X):
    if not sparse.issparse(X):
        X = np.asarray(X)
        if X.ndim == 2 or X.dtype.kind != "f":
            return _count_bad(X, 0 if X.ndim == 2 else None)
        counts = [_count_bad(block) for block in image_blocks(X)]
        return tuple(np.array(counts, dtype=int).reshape(-1, 2).sum(0))
    # Only stored values can be bad; zeros are left out.
    table = sparse.coo_array(X)
    return tuple(
        np.bincount(table.col[is_bad(table.data)], minlength=X.shape[1])
        for is_bad in (np.isnan, np.isinf)
    )


def say_where(counts, names):
    """Say which columns have counts other than 0.

    Examples
    --------
    >>> from imbdeep._tables.validation import say_where
    >>> say_where(np.array([0, 2]), ["age", "city"])
    "2 in column 'city'"
    """
    if not np.ndim(counts):  # images have no columns
        return str(counts)
    found = np.flatnonzero(counts)
    said = [
        f"{counts[i]} in column {i if names is None else names[i]!r}"
        for i in found[:_MOST_NAMES].tolist()
    ]
    if len(found) > _MOST_NAMES:
        rest = found[_MOST_NAMES:]
        said.append(f"{counts[rest].sum()} in {len(rest)} more columns")
    return ", ".join(said)


def _first(names):
    """Names as text; the first few and a number if there are many."""
    if len(names) <= _MOST_NAMES:
        return f"{names}"
    return f"{names[:_MOST_NAMES]} and {len(names) - _MOST_NAMES} more"


def check_labels(y):
    """Refuse missing labels, and labels of several types.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, n_outputs)
        A list, array, or series of any library.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep._tables.validation import check_labels
    >>> check_labels(["healthy", None, "ill"])
    Traceback (most recent call last):
    ValueError: y has no label in 1 row (None or NaN), the first of them at position ...
    """
    if y is None:  # scikit-learn refuses it
        return
    labels = np.asarray(y.toarray() if sparse.issparse(y) else read_labels(y))
    if labels.ndim == 0:
        raise ValueError(
            "y should be a 1d array of labels, one for each row, got an object of "
            f"type {type(y).__name__}."
        )
    if labels.dtype.kind in "US" and isinstance(y, list | tuple):
        labels = np.asarray(y, dtype=object)  # NumPy has turned None into 'None'
    if labels.dtype.kind in "cV":
        raise ValueError(
            f"y holds {kind_of_array(labels)}, which have no order. Complex data not "
            "supported, nor records: turn them into text or whole numbers first."
        )
    is_missing = missing_in(labels)
    if is_missing.any():
        n_missing = int(is_missing.sum())
        raise ValueError(
            f"y has no label in {n_missing} row{'s' if n_missing > 1 else ''} (None or "
            "NaN), the first of them at position "
            f"{np.flatnonzero(is_missing.reshape(len(labels), -1).any(1))[0]}. Drop "
            "these rows, or give them a label of their own, such as 'unknown'."
        )
    if labels.dtype.kind == "O":
        kinds = kinds_of_objects(labels.ravel())
        if len(kinds) > 1 and kinds != {"numbers", "booleans"}:
            raise ValueError(
                f"y mixes {' and '.join(sorted(kinds))}, which have no order in "
                "common. Use labels of one type, for example with astype(str)."
            )


def sorted_labels(name, labels):
    """Distinct labels, sorted; an error if they have no order.

    Parameters
    ----------
    name : str
        Name of the parameter, for errors.
    labels : array-like of shape (n,)

    Returns
    -------
    ndarray of shape (n_labels,)

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep._tables.validation import sorted_labels
    >>> sorted_labels("y", [2, 1, 2])
    array([1, 2])
    """
    if np.ndim(labels) == 0:
        raise ValueError(f"{name} must be a list or an array of labels, got {labels}.")
    try:
        different = np.unique(labels)
    except TypeError:
        raise ValueError(
            f"{name} mixes labels that cannot be sorted, such as text and numbers or "
            "None. Use labels of one type."
        ) from None
    if missing_in(different).any():
        raise ValueError(f"{name} holds a missing label (None or NaN): {labels}.")
    return different


def check_class_sizes(labels, counts, minimum, estimator):
    """Refuse data in which a class has too few rows to learn from.

    Parameters
    ----------
    labels : ndarray of shape (n_classes,)
    counts : ndarray of shape (n_classes,)
    minimum : int
    estimator : object
        Named in errors.

    Raises
    ------
    ValueError
        If a class that is present has fewer than ``minimum`` rows.
    """
    for label, count in zip(labels.tolist(), counts, strict=True):
        if 0 < count < minimum:
            raise ValueError(
                f"Class {label!r} has {count} row{'s' if count > 1 else ''}; "
                f"{type(estimator).__name__} needs at least {minimum} of each class. "
                "Gather more rows of it, merge it with another class or drop it."
            )


def warn_of_lone_rows(labels, counts, counted="has"):
    """Warn of classes with one row, which a stratified split leaves in training.

    Parameters
    ----------
    labels : ndarray of shape (n_classes,)
    counts : ndarray of shape (n_classes,)
    counted : str, default='has'
        Verb of the message, with a word on how rows are counted if need be.
    """
    lone = labels[counts == 1].tolist()
    if lone:
        which = (
            f"Class {lone[0]!r}" if len(lone) == 1 else f"Each of the classes {lone}"
        )
        warnings.warn(
            f"{which} {counted} one row, which stays in training: there is no "
            "validation row of it, so early stopping does not see how it fares. Gather "
            "more rows of it, pass validation rows as eval_set, or train without any, "
            "train_split=None and early_stopping=False.",
            UserWarning,
            stacklevel=2,
        )
