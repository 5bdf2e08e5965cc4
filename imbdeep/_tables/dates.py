"""Columns of dates as numbers: days since 1970."""

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from imbdeep._tables.frames import columns, is_data_frame, is_pandas

_EPOCH = np.datetime64("1970-01-01", "us")
_DAY = np.timedelta64(1, "D")


def dates_to_days(X):
    """Replace the columns of dates in a data frame by days since 1970.

    Parameters
    ----------
    X : object
        What is no data frame, or has no dates, passes unchanged.

    Returns
    -------
    object
        A data frame of the same library, with the same names. Times of a time zone
        count in UTC, a period from its start; a missing date is NaN.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._tables.dates import dates_to_days
    >>> orders = pd.to_datetime(["1970-01-03 12:00", None])
    >>> dates_to_days(pd.DataFrame({"age": [31, 40], "order": orders}))
       age  order
    0   31    2.5
    1   40    NaN
    """
    if not is_data_frame(X):
        return X
    of_dates = {
        position: _days(column)
        for position, column in enumerate(columns(X))
        if column.kind == "dates"
    }
    if not of_dates:
        return X
    if is_pandas(X):
        # By position: narwhals takes names of text alone.
        made = [of_dates.get(i, X.iloc[:, i]) for i in range(X.shape[1])]
        made = pd.DataFrame(dict(enumerate(made)), index=X.index)
        return made.set_axis(X.columns, axis=1)
    frame = nw.from_native(X, eager_only=True)
    return frame.with_columns(
        nw.new_series(frame.columns[i], days, backend=frame.implementation)
        for i, days in of_dates.items()
    ).to_native()


def _days(column):
    values = column.to_numpy()
    if values.dtype.kind != "M":
        values = _times_of_objects(values)
    return (values.astype("datetime64[us]") - _EPOCH) / _DAY


def _times_of_objects(values):
    """Dates in objects, such as those of Python and periods, in UTC."""
    if pd.api.types.infer_dtype(values) == "period":
        return pd.PeriodIndex(values).to_timestamp().to_numpy()
    return pd.to_datetime(values, utc=True).tz_localize(None).to_numpy()
