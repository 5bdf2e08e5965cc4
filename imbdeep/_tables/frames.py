"""Read data frames of pandas, polars and pyarrow in one way.

narwhals, which scikit-learn uses as well, tells the libraries apart. None of them is
imported unless a user brings its frames.
"""

from collections import Counter
from typing import NamedTuple

import narwhals.stable.v2 as nw
import numpy as np

from imbdeep._tables.column_kinds import (
    as_objects,
    is_sparse_dtype,
    kind_of_series,
    numbers_of_objects,
)


class Column(NamedTuple):
    """A column of a data frame.

    Attributes
    ----------
    name : object
    kind : str
        Kind of its values, as in :mod:`imbdeep._tables.column_kinds`.
    series : narwhals.Series
    """

    name: object
    kind: str
    series: nw.Series

    @property
    def dtype(self):
        """NumPy dtype of the values, if they are numbers or booleans, or object."""
        if self.series.dtype.is_integer() or self.series.dtype.is_float():
            # NumPy has no integers of 128 bits.
            name = str(self.series.dtype).lower()
            return np.dtype(name.replace("int128", "int64"))
        if self.series.dtype == nw.Boolean:
            return np.dtype(bool)
        native = getattr(self.series.to_native(), "dtype", None)
        return native.subtype if is_sparse_dtype(native) else np.dtype(object)

    def to_numpy(self):
        """Values; objects if they are not numbers or some are missing.

        Returns
        -------
        ndarray of shape (n,)
        """
        if self.series.dtype in (nw.Int128, nw.UInt128):
            return np.array(self.series.to_list(), dtype=object)
        return self.series.to_numpy()

    def to_numbers(self):
        """Numbers or booleans; NaN where values are missing.

        Returns
        -------
        ndarray of shape (n,)
            Integers keep their dtype if no value is missing.
        """
        values = self.to_numpy()
        if values.dtype.kind != "O":
            return values
        return numbers_of_objects(values)


def is_data_frame(X):
    """Whether ``X`` has columns with names and dtypes of their own.

    Parameters
    ----------
    X : object

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If ``X`` is a lazy frame.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from imbdeep._tables.frames import is_data_frame
    >>> is_data_frame(pd.DataFrame({"age": [31]})), is_data_frame(np.zeros((1, 1)))
    (True, False)
    """
    if isinstance(X, np.ndarray):
        # Spares arrays a search through every library of frames, at each call.
        return False
    if nw.dependencies.is_into_dataframe(X):
        return True
    if isinstance(nw.from_native(X, pass_through=True), nw.LazyFrame):
        raise ValueError(
            f"Got a {type(X).__name__}, which holds no rows yet. Pass the frame that "
            "its collect() returns."
        )
    return False


def is_pandas(X):
    """Whether ``X`` is a data frame of pandas."""
    return nw.dependencies.is_pandas_dataframe(X)


def column_names(X):
    """Column names of a data frame; None for anything else.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from imbdeep._tables.frames import column_names
    >>> column_names(pd.DataFrame({"age": [31], "city": ["Ulm"]}))
    ['age', 'city']
    >>> column_names(np.zeros((1, 2)))
    """
    if not is_data_frame(X):
        return None
    # narwhals refuses duplicate names, for which ``columns`` has an error of our own.
    if hasattr(X, "columns") and hasattr(X.columns, "tolist"):
        return X.columns.tolist()
    return list(nw.from_native(X).columns)


def columns(X):
    """Iterate over the columns of a data frame.

    Parameters
    ----------
    X : data frame

    Returns
    -------
    iterator of Column

    Raises
    ------
    ValueError
        If two columns have the same name.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._tables.frames import columns
    >>> [(c.name, c.kind) for c in columns(pd.DataFrame({"age": [31], "at": ["Ulm"]}))]
    [('age', 'numbers'), ('at', 'text')]
    """
    names = column_names(X)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(
            f"Column names {twice} occur more than once, so that columns cannot be "
            "told apart. Rename them."
        )
    series = nw.from_native(X, eager_only=True).iter_columns()
    return (
        Column(name, kind_of_series(one), one)
        for name, one in zip(names, series, strict=True)
    )


def read_labels(y):
    """Convert labels in a series of any library to an array; others pass unchanged.

    Parameters
    ----------
    y : array-like

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._tables.frames import read_labels
    >>> read_labels(pd.Series([1, 0], dtype="Int64"))
    array([1, 0])
    """
    if nw.dependencies.is_into_series(y):
        series = nw.from_native(y, series_only=True)
        is_exact = series.dtype.is_integer() or series.dtype == nw.Boolean
        if is_exact and not series.null_count():
            # Nullable ones would become floats, which merge large integers.
            return np.array(series.to_list())
        return series.to_numpy()
    return np.asarray(y) if is_data_frame(y) else y


def read_table(X, categorical=()):
    """Convert a data frame to an array; others pass unchanged.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame
    categorical : array-like of int, default=()
        Positions of columns whose values are taken as they are. The others hold
        numbers, with NaN for missing values.

    Returns
    -------
    {ndarray, sparse matrix} of shape (n, n_columns)
        For a data frame: numbers of the smallest dtype that suits all columns, or
        objects if there are categorical columns; sparse if all columns are.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._tables.frames import read_table
    >>> read_table(pd.DataFrame({"age": [31], "city": ["Ulm"]}), categorical=[1])
    array([[31, 'Ulm']], dtype=object)
    """
    if isinstance(X, list | tuple):
        return rows_as_array(X)
    if not is_data_frame(X):
        return X
    if not len(categorical) and _is_sparse(X):
        return X.sparse.to_coo().tocsr()
    read = [
        as_objects(column.series.to_list())
        if position in categorical
        else column.to_numbers()
        for position, column in enumerate(columns(X))
    ]
    dtype = np.result_type(*read) if read else np.float64
    # Filled column by column, which Fortran order keeps together.
    table = np.empty(X.shape, dtype=dtype, order="F")
    for position, values in enumerate(read):
        table[:, position] = values
    return table


def count_dimensions(X):
    """Number of dimensions of an array, of rows in lists, or of a data frame.

    Examples
    --------
    >>> from imbdeep._tables.frames import count_dimensions
    >>> count_dimensions([[[1, 2]], [[3, 4]]])
    3
    """
    if isinstance(X, list | tuple):
        return rows_as_array(X).ndim
    if is_data_frame(X):
        return 2
    # Not np.ndim, which what is like an array may refuse.
    return X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim


def rows_as_array(rows):
    """Convert rows in lists to an array, of objects unless all values are numbers.

    Examples
    --------
    >>> from imbdeep._tables.frames import rows_as_array
    >>> rows_as_array([[31, "Ulm"]])
    array([[31, 'Ulm']], dtype=object)
    """
    try:
        array = np.asarray(rows)
    except ValueError:  # lists in a column, or rows of several lengths
        return np.asarray(rows, dtype=object)
    # NumPy makes text of a row that mixes text and numbers.
    return array if array.dtype.kind in "biuf" else np.asarray(rows, dtype=object)


def _is_sparse(X):
    """Whether all columns of a pandas frame are sparse, with zeros left out."""
    if not is_pandas(X) or X.empty:
        return False
    return all(getattr(dtype, "fill_value", None) == 0 for dtype in X.dtypes)
