"""The kind of values in a column: numbers, text, dates or something else."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from uuid import UUID

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse

# Kinds that a net takes as they are. 'nothing' is a column without a single value.
NUMERIC = {"numbers", "booleans", "nothing"}

_OF_NUMPY = {
    **dict.fromkeys("iuf", "numbers"),
    "b": "booleans",
    "c": "complex numbers",
    "M": "dates",
    "m": "durations",
    "S": "bytes",
    "U": "text",
    "T": "text",
    "V": "records",
}

# Tested before numbers: booleans and numpy.timedelta64 pass for numbers as well.
_OF_OBJECTS = [
    ((bool, np.bool_), "booleans"),
    (str, "text"),
    ((bytes, bytearray, memoryview), "bytes"),
    ((date, np.datetime64), "dates"),
    (time, "times of day"),
    ((timedelta, np.timedelta64), "durations"),
    (UUID, "UUIDs"),
    (Mapping, "dicts"),
    (AbstractSet, "sets"),
    ((list, tuple, np.ndarray, sparse.sparray, sparse.spmatrix), "lists"),
    ((complex, np.complexfloating), "complex numbers"),
]

_OF_FRAMES = {
    nw.Boolean: "booleans",
    nw.String: "text",
    nw.Categorical: "categories",
    nw.Enum: "categories",
    nw.Date: "dates",
    nw.Datetime: "dates",
    nw.Time: "times of day",
    nw.Duration: "durations",
    nw.Binary: "bytes",
    nw.List: "lists",
    nw.Array: "lists",
    nw.Struct: "dicts",
}


def is_missing(value):
    """Whether a value is None, a NaN of any kind, or the NA or NaT of pandas.

    Examples
    --------
    >>> from imbdeep._tables.column_kinds import is_missing
    >>> [is_missing(value) for value in (None, float("nan"), 0, "")]
    [True, True, False, False]
    """
    if value is None:
        return True
    try:
        is_itself = value == value
    except ArithmeticError:  # a signaling NaN of decimal
        return True
    # NA is neither equal to NA nor different from it; an array is neither as a whole.
    if isinstance(is_itself, bool | np.bool_):
        return not is_itself
    return type(value).__name__ == "NAType"


def missing_in(values):
    """Mask of the missing values of an array.

    Parameters
    ----------
    values : ndarray of shape (...)

    Returns
    -------
    ndarray of shape (...), bool

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.column_kinds import missing_in
    >>> missing_in(np.array(["a", None], dtype=object))
    array([False,  True])
    """
    if values.dtype.kind in "fcmM":
        return values != values
    if values.dtype.kind != "O":
        return np.zeros(values.shape, dtype=bool)
    return np.frompyfunc(is_missing, 1, 1)(values).astype(bool)


def numbers_of_objects(values):
    """Convert an array of objects to numbers, where NumPy alone would fail.

    Parameters
    ----------
    values : ndarray of shape (...), object
        Numbers, or missing values.

    Returns
    -------
    ndarray of shape (...), float64
        NaN for a missing value, infinity for an integer too large for a float.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from imbdeep._tables.column_kinds import numbers_of_objects
    >>> numbers_of_objects(np.array([1, pd.NA, -(10**400)], dtype=object))
    array([  1.,  nan, -inf])
    """
    given = np.where(missing_in(values), np.nan, values)
    try:
        return given.astype(np.float64)
    except OverflowError:
        return np.frompyfunc(_as_float, 1, 1)(given).astype(np.float64)


def _as_float(value):
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def as_objects(values):
    """Convert a list to a flat array of objects, even if the objects are lists.

    Examples
    --------
    >>> from imbdeep._tables.column_kinds import as_objects
    >>> as_objects([[1, 2], [3, 4]]).shape
    (2,)
    """
    # np.array would make a table of lists of equal length.
    return np.fromiter(values, dtype=object, count=len(values))


def kinds_of_objects(values):
    """Kinds of the values in an array of objects, ignoring missing values.

    Parameters
    ----------
    values : ndarray of shape (n,), object

    Returns
    -------
    set of str

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.column_kinds import kinds_of_objects
    >>> sorted(kinds_of_objects(np.array(["a", 1, None, 2.5], dtype=object)))
    ['numbers', 'text']
    """
    # Types are few even where values are many.
    types = set(map(type, values.tolist()))
    return {_kind_of_type(own) for own in types} - {"nothing"}


def _kind_of_type(own):
    # By name, here and below: pandas is imported only for frames of its own.
    if own.__name__ in {"NoneType", "NAType", "NaTType"}:
        return "nothing"
    for types, kind in _OF_OBJECTS:
        if issubclass(own, types):
            return kind
    if own.__name__ == "Period":
        return "dates"
    is_number = hasattr(own, "__float__") or hasattr(own, "__index__")
    return "numbers" if is_number else f"objects of type {own.__name__}"


def kind_of_array(values):
    """Kind of the values in a column of an array.

    Parameters
    ----------
    values : ndarray of shape (n,)

    Returns
    -------
    str
        For a column of objects, the first kind that is not numeric.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.column_kinds import kind_of_array
    >>> kind_of_array(np.array([1, "a", None], dtype=object))
    'text'
    >>> kind_of_array(np.array(["2020-01-01"], dtype="datetime64[D]"))
    'dates'
    """
    if values.dtype.kind != "O":
        return _OF_NUMPY[values.dtype.kind]
    kinds = kinds_of_objects(values)
    others = sorted(kinds - NUMERIC)
    if others:
        return others[0]
    if "numbers" in kinds:
        return "numbers"
    return kinds.pop() if kinds else "nothing"


def is_sparse_dtype(dtype):
    """Whether it is that of a sparse column of pandas, which narwhals does not know."""
    # Intervals have a subtype as well, that of their ends.
    return hasattr(dtype, "fill_value")


def kind_of_series(series):
    """Kind of the values in a column of a data frame.

    Parameters
    ----------
    series : narwhals.Series

    Returns
    -------
    str

    Examples
    --------
    >>> import narwhals.stable.v2 as nw
    >>> import pandas as pd
    >>> from imbdeep._tables.column_kinds import kind_of_series
    >>> kind_of_series(nw.from_native(pd.Series(["a"]), series_only=True))
    'text'
    """
    native = getattr(series.to_native(), "dtype", None)
    # narwhals infers the type of objects from the first few values.
    if native != np.dtype(object):
        if series.dtype.is_numeric():
            return "numbers"
        for own, kind in _OF_FRAMES.items():
            if series.dtype == own:
                return kind
        values_dtype = native.subtype if is_sparse_dtype(native) else native
        if isinstance(values_dtype, np.dtype) and values_dtype.kind != "O":
            return _OF_NUMPY[values_dtype.kind]
    return kind_of_array(as_objects(series.to_list()))
