"""Columns of dates as numbers: days since 1970."""

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data

from imbdeep._tables.column_kinds import kinds_of_objects, missing_in
from imbdeep._tables.frames import columns, is_data_frame, is_pandas

_EPOCH = np.datetime64("1970-01-01", "us")
_DAY = np.timedelta64(1, "D")


class DateColumns:
    """Columns of dates in a data frame, as days since 1970.

    Attributes
    ----------
    positions : list of int
        Of the columns that held dates in training.
    empty : list of int
        Of those that held nothing, which may hold dates later.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._tables.dates import DateColumns
    >>> orders = pd.to_datetime(["1970-01-03 12:00", None])
    >>> X = pd.DataFrame({"age": [31, 40], "order": orders})
    >>> dates = DateColumns()
    >>> dates.fit_transform(X)
       age  order
    0   31    2.5
    1   40    NaN
    >>> dates.positions
    [1]
    """

    def fit_transform(self, X):
        """Learn which columns hold dates, and replace these by days since 1970.

        Parameters
        ----------
        X : object
            What is no data frame, or has no dates, passes unchanged.

        Returns
        -------
        object
            A data frame of the same library, with the same names. Times of a time
            zone count in UTC, a period from its start; a missing date is NaN.

        Raises
        ------
        ValueError
            If a column holds dates and something else.
        """
        found = list(columns(X)) if is_data_frame(X) else []
        self.positions = [i for i, one in enumerate(found) if one.kind == "dates"]
        self.empty = [i for i, one in enumerate(found) if _is_empty(one)]
        return _in_days(X, found)

    def transform(self, estimator, X):
        """Replace dates in new rows.

        Parameters
        ----------
        estimator : object
            Has learned the names of the columns.
        X : object

        Returns
        -------
        object
            See :meth:`fit_transform`.

        Raises
        ------
        ValueError
            If a column holds dates that held other things in training, or the reverse.
        """
        if not is_data_frame(X):
            self._check_needs_no_frame(estimator)
            return X
        found = list(columns(X))
        self._check_same(estimator, X, found)
        return _in_days(X, found)

    def _check_same(self, estimator, X, found):
        wrong = {}
        for position, column in enumerate(found):
            was_dates, are_dates = position in self.positions, column.kind == "dates"
            if was_dates == are_dates or position in self.empty or _is_empty(column):
                continue
            wrong.setdefault(column.kind, []).append(column.name)
        if not wrong:
            return
        # That columns have moved says more than that they hold other things now.
        validate_data(estimator, X, reset=False, skip_check_array=True)
        kind, names = next(iter(wrong.items()))
        before = "none" if kind == "dates" else "dates"
        raise ValueError(
            f"Columns {names} hold {kind}. In training they held {before}. Write them "
            "as in training; pandas.to_datetime turns text into dates."
        )

    def _check_needs_no_frame(self, estimator):
        if self.positions:
            names = getattr(estimator, "feature_names_in_", None)
            called = [i if names is None else names[i] for i in self.positions]
            raise ValueError(
                f"X is no data frame, and in training its columns {called} held dates. "
                "Pass a data frame."
            )


def _in_days(X, found):
    """The frame whose columns were found, with days in place of dates."""
    made = {i: _days(one) for i, one in enumerate(found) if one.kind == "dates"}
    return _with_columns(X, made) if made else X


def _is_empty(column):
    """Whether a column has no value, such as one of NaN alone."""
    is_number = column.kind == "numbers"
    return column.kind == "nothing" or (
        is_number and np.isnan(column.to_numbers()).all()
    )


def _with_columns(X, made):
    """A frame with some columns, by position, in place of its own."""
    if is_pandas(X):
        # By position: narwhals takes names of text alone.
        made = [made.get(i, X.iloc[:, i]) for i in range(X.shape[1])]
        made = pd.DataFrame(dict(enumerate(made)), index=X.index)
        return made.set_axis(X.columns, axis=1)
    frame = nw.from_native(X, eager_only=True)
    return frame.with_columns(
        nw.new_series(frame.columns[i], values, backend=frame.implementation)
        for i, values in made.items()
    ).to_native()


def _days(column):
    values = column.to_numpy()
    if values.dtype.kind != "M":
        values = _times_of_objects(values, column.name)
    return (values.astype("datetime64[us]") - _EPOCH) / _DAY


def _times_of_objects(values, name):
    """Dates in objects, such as those of Python and periods, in UTC."""
    kinds = kinds_of_objects(values[~missing_in(values)])
    if len(kinds) > 1:
        raise ValueError(
            f"Columns {[name]} hold {' and '.join(sorted(kinds))}. Write them in one "
            "way, for example by pandas.to_datetime(..., errors='coerce'), by which "
            "what is no date is missing."
        )
    try:
        if pd.api.types.infer_dtype(values) == "period":
            return pd.PeriodIndex(values).to_timestamp().to_numpy()
        return pd.to_datetime(values, utc=True).tz_localize(None).to_numpy()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Columns {[name]} hold dates of several types, or such as pandas has "
            f"none: {error}. Write them in one way."
        ) from None
