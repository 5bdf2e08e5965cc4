"""Data frames with the names and dtypes of another one."""

from decimal import Decimal

import narwhals.stable.v2 as nw
import numpy as np

from imbdeep._column_kinds import as_objects, kinds_of_objects
from imbdeep._frames import columns


def whole_within(values, dtype):
    """Values rounded to whole numbers that an integer dtype can have.

    Parameters
    ----------
    values : ndarray of float64
    dtype : dtype
        Of integers.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._frame_building import whole_within
    >>> whole_within(np.array([1.6, 1e20]), np.dtype("int8"))
    array([  2., 127.])
    >>> whole_within(np.array([1e20]), np.dtype("int64")).astype("int64")
    array([9223372036854774784])
    """
    bounds = np.iinfo(dtype)
    largest = float(bounds.max)
    if largest > bounds.max:  # of 64 bits it is no float64, and rounds up
        largest = np.nextafter(largest, 0)
    return np.rint(values).clip(bounds.min, largest)


def as_objects_like(values, given):
    """Numbers as objects of the type that a column of objects holds.

    Parameters
    ----------
    values : ndarray of shape (n,)
    given : ndarray of shape (m,), object
        The column. Where it holds whole numbers only, values are rounded, and where it
        holds booleans only, they are true above 0.5.

    Returns
    -------
    ndarray of shape (n,), object

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._frame_building import as_objects_like
    >>> as_objects_like(np.array([1.6]), np.array([1, 2**70], dtype=object))
    array([2], dtype=object)
    """
    types = {type(value) for value in given.tolist()}
    kinds = kinds_of_objects(given)
    if kinds == {"booleans"}:
        made = [value > 0.5 for value in values.tolist()]
    elif kinds == {"numbers"} and all(hasattr(own, "__index__") for own in types):
        made = [round(value) for value in values.tolist()]
    elif types == {Decimal}:
        made = [Decimal(repr(value)) for value in values.tolist()]
    else:
        made = values.tolist()
    return as_objects(made)


def decimals_within(values, dtype):
    """Numbers as decimals that a dtype of so many digits can have.

    Parameters
    ----------
    values : ndarray of shape (n,)
    dtype : narwhals.Decimal

    Returns
    -------
    list of Decimal

    Examples
    --------
    >>> import narwhals.stable.v2 as nw
    >>> import numpy as np
    >>> from imbdeep._frame_building import decimals_within
    >>> decimals_within(np.array([1.234, 1e9]), nw.Decimal(4, 2))
    [Decimal('1.23'), Decimal('99.99')]
    """
    largest = Decimal(10**dtype.precision - 1).scaleb(-dtype.scale)
    return [
        max(-largest, min(largest, Decimal(f"{value:.{dtype.scale}f}")))
        for value in values.tolist()
    ]


def as_column(values, column):
    """Values as a column holds them.

    Parameters
    ----------
    values : ndarray of shape (n,)
    column : Column

    Returns
    -------
    list or ndarray
        Integers are rounded and kept within their dtype; booleans are true above 0.5.
    """
    dtype = column.dtype
    if dtype.kind == "b":
        return values.astype(np.float64) > 0.5
    if dtype.kind in "iu":
        return whole_within(values.astype(np.float64), dtype).astype(dtype)
    if dtype.kind == "f":
        bounds = np.finfo(dtype)
        return values.astype(np.float64).clip(bounds.min, bounds.max).astype(dtype)
    if isinstance(column.series.dtype, nw.Decimal):
        return decimals_within(values, column.series.dtype)
    if column.kind in ("numbers", "booleans"):
        return as_objects_like(values, column.to_numpy())
    return values.tolist()


def frame_like(X, rows):
    """A data frame with the names and dtypes of another one.

    Parameters
    ----------
    X : data frame
        Of pandas, polars or pyarrow.
    rows : {ndarray, sparse matrix} of shape (n, n_columns)
        Numbers, or objects. Integers are rounded and kept within their dtype; booleans
        are true above 0.5.

    Returns
    -------
    data frame
        Of the library of ``X``; of pandas with a new index.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from imbdeep._frame_building import frame_like
    >>> frame_like(pd.DataFrame({"age": [31], "income": [9.0]}), np.array([[2.7, 0.5]]))
       age  income
    0    3     0.5
    """
    made = [
        _series_like(column, as_column(_column_of(rows, position), column))
        for position, column in enumerate(columns(X))
    ]
    frame = nw.from_native(X, eager_only=True)
    if frame.implementation.is_pandas_like():
        import pandas as pd

        made = pd.DataFrame(dict(enumerate(made)), index=range(rows.shape[0]))
        return made.set_axis(X.columns, axis=1)
    if frame.implementation.is_polars():
        return type(X)(made)
    return type(X).from_arrays(made, schema=X.schema)


def _column_of(rows, position):
    column = rows[:, [position]]
    return (column.toarray() if hasattr(column, "toarray") else column)[:, 0]


def _series_like(column, values):
    """Values in the native dtype of a column."""
    native = column.series.to_native()
    if column.series.implementation.is_pandas_like():
        import pandas as pd

        return pd.array(values, dtype=native.dtype)
    if column.series.implementation.is_polars():
        return type(native)(column.name, values, dtype=native.dtype, strict=False)
    import pyarrow as pa

    return pa.array(values).cast(native.type)


def append(X, made):
    """The rows of two frames of the same columns, one after the other.

    Parameters
    ----------
    X, made : data frame
        Of the same library.

    Returns
    -------
    data frame
        Of pandas with a new index.
    """
    if nw.dependencies.is_pandas_dataframe(X):
        import pandas as pd

        return pd.concat([X, made], ignore_index=True)
    return nw.concat([nw.from_native(X), nw.from_native(made)]).to_native()
