"""Build data frames with the names and dtypes of another one."""

from decimal import Decimal
from numbers import Integral

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse

from imbdeep._tables.column_kinds import as_objects, kinds_of_objects, missing_in
from imbdeep._tables.frames import columns, is_pandas


def integers_within(values, dtype):
    """Round values to integers within the range of a dtype.

    Parameters
    ----------
    values : ndarray
        Floating-point numbers; objects, among which integers keep all their digits; or
        integers of the dtype.
    dtype : dtype
        An integer dtype.

    Returns
    -------
    ndarray of the shape of ``values``

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.frame_building import integers_within
    >>> integers_within(np.array([1.6, 1e20]), np.dtype("int8"))
    array([  2, 127], dtype=int8)
    >>> integers_within(np.array([1e20]), np.dtype("int64"))
    array([9223372036854774784])
    >>> integers_within(np.array([2**53 + 1, 1.6], dtype=object), np.dtype("int64"))
    array([9007199254740993,                2])
    """
    if values.dtype.kind in "biu":
        return values.astype(dtype)
    bounds = np.iinfo(dtype)
    largest = float(bounds.max)
    if largest > bounds.max:  # that of 64 bits rounds up as a float64, and overflows
        largest = np.nextafter(largest, 0)
    whole = np.rint(values.astype(np.float64)).clip(bounds.min, largest).astype(dtype)
    if values.dtype == object:
        is_whole = np.frompyfunc(lambda value: isinstance(value, Integral), 1, 1)
        is_exact = is_whole(values).astype(bool)
        whole[is_exact] = values[is_exact].astype(dtype)
    return whole


def floats_within(values, dtype):
    """Convert values to finite numbers of a floating-point dtype.

    Parameters
    ----------
    values : ndarray
    dtype : dtype
        A floating-point dtype.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.frame_building import floats_within
    >>> floats_within(np.array([0.5, 1e9]), np.dtype("float16"))
    array([5.00e-01, 6.55e+04], dtype=float16)
    """
    bounds = np.finfo(dtype)
    # Clipped in the wider of both dtypes, in which the bounds are exact.
    wide = values
    if values.dtype.kind != "f" or values.dtype.itemsize < dtype.itemsize:
        wide = values.astype(np.result_type(dtype, np.float64))
    if values.dtype == dtype and not np.isinf(values).any():
        return values  # the rows of a large table need no copy
    return wide.clip(bounds.min, bounds.max).astype(dtype)


def common_type(values):
    """Type that all values of an array of objects share, if numbers convert to it.

    Parameters
    ----------
    values : ndarray of shape (n,), object
        Missing values are of no type.

    Returns
    -------
    type or None
        bool, int or Decimal; None for all others.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.frame_building import common_type
    >>> common_type(np.array([1, 2**70, None], dtype=object))
    <class 'int'>
    """
    values = values[~missing_in(values)]
    types = {type(value) for value in values.tolist()}
    # First: booleans have __index__ as well.
    if types and types <= {bool, np.bool_}:
        return bool
    if types == {Decimal}:
        return Decimal
    is_whole = kinds_of_objects(values) == {"numbers"} and all(
        hasattr(own, "__index__") for own in types
    )
    return int if is_whole else None


def as_objects_of(own, values):
    """Convert values to objects of a type.

    Parameters
    ----------
    own : type or None
        As returned by :func:`common_type`. Numbers are rounded for int; above 0.5 they
        are True for bool.
    values : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,), object

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.frame_building import as_objects_of
    >>> as_objects_of(int, np.array([1.6]))
    array([2], dtype=object)
    """
    made = values.tolist()
    if own is bool:
        made = [value > 0.5 for value in made]
    elif own is int:
        made = [round(value) for value in made]
    elif own is Decimal:
        # Decimal(0.1) would have 55 digits.
        made = [Decimal(str(value)) for value in made]
    return as_objects(made)


def decimals_within(values, dtype):
    """Convert numbers to decimals with the digits of a dtype.

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
    >>> from imbdeep._tables.frame_building import decimals_within
    >>> decimals_within(np.array([1.234, 1e9]), nw.Decimal(4, 2))
    [Decimal('1.23'), Decimal('99.99')]
    """
    largest = Decimal(10**dtype.precision - 1).scaleb(-dtype.scale)
    return [
        max(-largest, min(largest, Decimal(f"{value:.{dtype.scale}f}")))
        for value in values.tolist()
    ]


class FrameLike:
    """Build data frames with the names and dtypes of another one.

    Parameters
    ----------
    X : data frame
        Of pandas, polars or pyarrow. Its rows are not kept.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from imbdeep._tables.frame_building import FrameLike
    >>> X = pd.DataFrame({"age": [31], "income": [9.0]})
    >>> FrameLike(X).build(np.array([[2.7, 0.5]]))
       age  income
    0    3     0.5
    """

    def __init__(self, X):
        self._types = [
            common_type(column.to_numpy()) if column.series.dtype == nw.Object else None
            for column in columns(X)
        ]
        self._empty = nw.from_native(X, eager_only=True).head(0).to_native()

    def build(self, rows):
        """Build a data frame from rows.

        Parameters
        ----------
        rows : {ndarray, sparse matrix} of shape (n, n_columns)
            Numbers, or objects. Integer columns round them and keep them within the
            dtype; boolean columns are True above 0.5.

        Returns
        -------
        data frame
            Of the same library as ``X``; with a new index if that is pandas.
        """
        if sparse.issparse(rows):
            rows = rows.tocsc()  # the format to take columns from
        made = [
            _series_like(column, _as_column(_column_of(rows, position), column, own))
            for position, (column, own) in enumerate(
                zip(columns(self._empty), self._types, strict=True)
            )
        ]
        if is_pandas(self._empty):
            import pandas as pd

            # A dict of names would lose the dtype and the name of the column index.
            made = pd.DataFrame(dict(enumerate(made)), index=range(rows.shape[0]))
            return made.set_axis(self._empty.columns, axis=1)
        if nw.dependencies.is_pyarrow_table(self._empty):
            # The schema holds metadata, and which columns may be null.
            return type(self._empty).from_arrays(made, schema=self._empty.schema)
        return type(self._empty)(made)


def _as_column(values, column, own):
    """Values as a column holds them, in a list or an array."""
    missing = missing_in(values)
    if missing.any() and column.dtype.kind != "f":
        return _with_gaps(values, missing, column, own)
    dtype = column.dtype
    if own is not None:
        return as_objects_of(own, values)
    if dtype.kind == "b":
        return values.astype(np.float64) > 0.5
    if dtype.kind in "iu":
        return integers_within(values, dtype)
    if dtype.kind == "f":
        return floats_within(values, dtype)
    if isinstance(column.series.dtype, nw.Decimal):
        return decimals_within(values, column.series.dtype)
    return values.tolist()


def _with_gaps(values, missing, column, own):
    """Values as objects, None where one is missing."""
    made = np.full(len(values), None, dtype=object)
    present = _as_column(values[~missing], column, own)
    made[~missing] = as_objects(list(present))
    return made.tolist()


def _column_of(rows, position):
    column = rows[:, [position]]
    return (column.toarray() if hasattr(column, "toarray") else column)[:, 0]


def _series_like(column, values):
    """Values in the native dtype of a column."""
    native = column.series.to_native()
    if column.series.implementation.is_pandas_like():
        import pandas as pd

        return pd.Series(values, dtype=native.dtype)
    if column.series.implementation.is_polars():
        return type(native)(column.name, values, dtype=native.dtype, strict=False)
    import pyarrow as pa

    return pa.array(values).cast(native.type)


def append(X, made):
    """Append the rows of one frame to another with the same columns.

    Parameters
    ----------
    X, made : data frame
        Of the same library.

    Returns
    -------
    data frame
        With a new index if the library is pandas.
    """
    if is_pandas(X):
        import pandas as pd

        return pd.concat([X, made], ignore_index=True)
    return nw.concat([nw.from_native(X), nw.from_native(made)]).to_native()
