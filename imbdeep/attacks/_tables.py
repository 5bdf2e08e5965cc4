"""Tables with columns of different types, as an attack handles them."""

import json

import narwhals.stable.v2 as nw
import numpy as np

from imbdeep._tables.column_kinds import kind_of_series
from imbdeep._tables.frames import Column, is_data_frame, is_pandas


def is_table(X):
    """Whether ``X`` is a data frame, or an array that holds more than numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.attacks._tables import is_table
    >>> is_table(np.array([[1, "a"]], dtype=object)), is_table(np.array([[1, 2]]))
    (True, False)
    """
    if is_data_frame(X):
        return True
    return getattr(X, "ndim", 0) == 2 and X.dtype.kind not in "biufc"


def column_at(X, position):
    """Return a column of a table by position; names may not be unique.

    Parameters
    ----------
    X : data frame or ndarray of shape (n, n_features)
    position : int

    Returns
    -------
    Column
    """
    if is_data_frame(X) and not is_pandas(X):
        series = nw.from_native(X, eager_only=True)[:, position]
    elif is_pandas(X):
        series = nw.from_native(X.iloc[:, position], series_only=True)
    else:
        import pandas as pd

        series = nw.from_native(pd.Series(X[:, position]), series_only=True)
    return Column(position, kind_of_series(series), series)


def rows_at(X, rows):
    """Take rows of a table by position."""
    if is_pandas(X):
        return X.iloc[rows]
    if is_data_frame(X):
        return nw.from_native(X, eager_only=True)[rows].to_native()
    return X[rows]


def with_columns(X, columns):
    """Copy a table with some columns replaced.

    Parameters
    ----------
    X : data frame or ndarray of shape (n, n_features), dtype object
    columns : dict of int to ndarray or narwhals.Series of shape (n,)
        New columns by position.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.attacks._tables import with_columns
    >>> X = pd.DataFrame({"age": [31, 44], "city": ["Ulm", "Bonn"]})
    >>> with_columns(X, {0: [31.5, 44.0]})
        age  city
    0  31.5   Ulm
    1  44.0  Bonn
    """
    if is_data_frame(X) and not is_pandas(X):
        frame = nw.from_native(X, eager_only=True)
        made = (
            values.alias(frame.columns[i])
            if isinstance(values, nw.Series)
            else nw.new_series(frame.columns[i], values, backend=frame.implementation)
            for i, values in columns.items()
        )
        changed = frame.with_columns(*made).to_native()
        if nw.dependencies.is_pyarrow_table(changed):
            return _without_old_dtypes(changed, X.schema)
        return changed
    # An array of whole numbers would cut off what is behind the point.
    X = X.copy() if is_pandas(X) else X.astype(np.result_type(X, *columns.values()))
    for position, values in columns.items():
        # isetitem changes the dtype of the column; iloc would cast the values to it.
        if is_pandas(X):
            if isinstance(values, nw.Series):
                # A series keeps its dtype, and is aligned by its index.
                values = values.to_native().set_axis(X.index)
            X.isetitem(position, values)
        else:
            X[:, position] = values
    return X


def _without_old_dtypes(table, before):
    """Drop what the schema says of pandas dtypes that columns no longer have.

    Otherwise ``to_pandas`` would fail, as it does for whole numbers that have moved.
    """
    metadata = table.schema.metadata or {}
    if b"pandas" not in metadata:
        return table
    same = {own.name for own in table.schema if own.type == before.field(own.name).type}
    known = json.loads(metadata[b"pandas"])
    known["columns"] = [c for c in known["columns"] if c["field_name"] in same]
    metadata = metadata | {b"pandas": json.dumps(known).encode()}
    return table.replace_schema_metadata(metadata)
