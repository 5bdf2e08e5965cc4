"""Refuse what is no table, nor a stack of images: things without rows of numbers."""

import numpy as np
from scipy import sparse

from imbdeep._tables.column_kinds import (
    NUMERIC,
    as_objects,
    kind_of_array,
    kinds_of_objects,
)
from imbdeep._tables.frames import column_names, count_dimensions, is_data_frame
from imbdeep._tables.validation import REMEDIES, DictColumnsError

_REMEDIES = REMEDIES | {
    "text": "Turn each into numbers first, for example with TfidfVectorizer.",
    "UUIDs": "An identifier says nothing of other rows: pass what is known of each.",
}
_OTHER_REMEDY = "Turn each into an array of numbers first."


def check_has_rows(X):
    """Refuse what holds no rows of numbers, all of one length.

    Parameters
    ----------
    X : object
        Not a tensor or a data set.

    Raises
    ------
    ValueError
        The message says what ``X`` is made of, and what to make of it. Columns are not
        looked at, but those of a frame must exist.

    Examples
    --------
    >>> from imbdeep._tables.row_kinds import check_has_rows
    >>> check_has_rows([[1.0, 2.0], [3.0]])
    Traceback (most recent call last):
    ValueError: The rows of X have different lengths, such as 1 and 2. Fill up ...
    >>> check_has_rows([{1, 2}, {3}])
    Traceback (most recent call last):
    ValueError: The rows of X are sets. Give each possible element a column ...
    """
    if is_data_frame(X):
        if X.shape[0] and not column_names(X):
            # The words of scikit-learn, which fails with others on such a frame.
            raise ValueError(
                f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 "
                "is required. The frame X has rows, but no columns."
            )
    elif isinstance(X, list | tuple):
        _check_list(as_objects(X))
    elif isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind == "O":
        _check_list(X, nested=False)
    elif (ndim := count_dimensions(X)) == 0:
        raise ValueError(
            f"X is of type {type(X).__name__}, and a table has rows and columns. Pass "
            "an array, a data frame, a sparse matrix or a list of rows."
        )
    elif ndim == 1:
        _check_kinds({kind_of_array(np.asarray(X))})
        _refuse_single_values(len(X))


def _check_list(rows, nested=True):
    """Check rows in a list, or in an array of objects that NumPy did not nest."""
    if not len(rows):
        return
    if any(map(sparse.issparse, rows)):
        raise ValueError(
            "The rows of X are sparse matrices. Join them first, with "
            "scipy.sparse.vstack."
        )
    _check_shapes(rows)
    lengths = set(map(_length, rows))
    if None in lengths:
        others = [row for row in rows if _length(row) is None]
        _check_kinds(kinds_of_objects(as_objects(others)))
    if lengths == {None}:
        _refuse_single_values(len(rows))
    if None in lengths:
        raise ValueError(
            "X mixes rows and single values. Give each row all of its values."
        )
    if len(lengths) > 1:
        raise ValueError(
            f"The rows of X have different lengths, such as {min(lengths)} and "
            f"{max(lengths)}. Fill up the short ones, for example with NaN, or sum "
            "each up in a fixed number of columns."
        )
    if not nested:
        raise ValueError(
            "X is an array of objects, and each is a row. Stack them first, with "
            "numpy.stack."
        )


def _check_shapes(rows):
    """Refuse images of different shapes; rows that are no images pass."""
    if not all(map(_is_nested, rows)):
        return
    try:
        shapes = sorted({np.shape(row) for row in rows})
    except ValueError:  # a row of lists of several lengths is no image
        return
    if len(shapes) > 1 and min(map(len, shapes)) > 1:
        raise ValueError(
            f"The rows of X have different shapes, such as {shapes[0]} and "
            f"{shapes[-1]}. Crop, pad or resize images to one shape first."
        )


def _is_nested(row):
    is_several = isinstance(row, list | tuple) and len(row) > 0
    return isinstance(row[0], list | tuple) if is_several else np.ndim(row) > 1


def _length(row):
    """Number of values of a row; None of what is no list or array."""
    if isinstance(row, list | tuple):
        return len(row)
    is_array = hasattr(row, "__array__") or hasattr(row, "__array_interface__")
    shape = np.shape(row) if is_array else ()
    return shape[0] if shape else None


def _check_kinds(kinds):
    for kind in sorted(kinds - NUMERIC):
        error = DictColumnsError if kind == "dicts" else ValueError
        raise error(f"The rows of X are {kind}. {_REMEDIES.get(kind, _OTHER_REMEDY)}")


def _refuse_single_values(n_values):
    raise ValueError(
        f"Expected 2D array, got 1D array instead: X holds {n_values} single values. "
        "Reshape your data using array.reshape(-1, 1) if they are one column, or "
        "array.reshape(1, -1) if they are one row."
    )
