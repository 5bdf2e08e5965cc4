"""Levels of categorical columns, as numbers that a net can take."""

from functools import partial

import numpy as np
import pandas as pd

from imbdeep._tables.column_kinds import as_objects, missing_in, numbers_of_objects
from imbdeep._tables.frames import columns, is_data_frame, rows_as_array


class LevelCodes:
    """Codes of the levels of the categorical columns of a table.

    The levels of a column are numbered by how often they occur in the rows that were
    fitted, and among equals by which comes first. So the codes know nothing of names
    and dtypes: what is trained on them stays the same if levels are renamed, or kept as
    text instead of categories. A level that the fitted rows lack has the code after the
    last one. Where a level is missing, so is its code: it is NaN.

    Parameters
    ----------
    positions : array-like of int
        Of the categorical columns.

    Attributes
    ----------
    positions : ndarray of shape (n_categorical,), int
    levels_ : list of pandas.Index
        Of each of these columns, in the order of their codes.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._tables.levels import LevelCodes
    >>> X = pd.DataFrame({"age": [31, 45, 27], "city": ["Ulm", "Bonn", "Bonn"]})
    >>> codes = LevelCodes([1]).fit(X)
    >>> codes.levels_[0].tolist()
    ['Bonn', 'Ulm']
    >>> codes.transform(pd.DataFrame({"age": [50], "city": ["Rome"]}))
    array([[50.,  2.]])
    """

    def __init__(self, positions=()):
        self.positions = np.unique(np.asarray(positions, dtype=int))
        self.levels_ = []

    def fit(self, X, random_state=None):
        """Learn the levels.

        Parameters
        ----------
        X : {array-like, data frame} of shape (n, n_features)
        random_state : RandomState or None, default=None
            Draws the order of levels that are equally frequent, for learners that read
            codes as numbers. By appearance, the code of a name that occurs once tells
            the place of its row, which in a table sorted by label tells the label.

        Returns
        -------
        LevelCodes
            Itself.
        """
        self.levels_ = []
        if not len(self.positions):
            return self
        for position, (read, _) in enumerate(_columns_of(X)):
            if position in self.positions:
                values = read()
                present = pd.Series(values[~missing_in(values)], dtype=object)
                if random_state is not None:
                    present = present.sample(frac=1, random_state=random_state)
                # Among equals it keeps the order of appearance.
                self.levels_.append(present.value_counts().index)
        return self

    def n_levels(self):
        """Levels of each categorical column.

        Returns
        -------
        ndarray of shape (n_categorical,), int
        """
        return np.array([len(levels) for levels in self.levels_], dtype=int)

    def columns_unseen(self, rows):
        """Categorical columns in which rows have none of the levels.

        Of fewer than ten rows none is one: a new level is no surprise there.

        Parameters
        ----------
        rows : ndarray of shape (n, n_features)
            As :meth:`transform` gives them.

        Returns
        -------
        list of int
            Positions.
        """
        found = []
        sizes = self.n_levels().tolist()
        for position, n_levels in zip(self.positions.tolist(), sizes, strict=True):
            codes = rows[:, position]
            present = codes[~np.isnan(codes)]
            # A column without any level in training is not expected to have one.
            if n_levels and len(present) >= 10 and (present == n_levels).all():
                found.append(position)
        return found

    def transform(self, X):
        """The table with codes in place of levels.

        Parameters
        ----------
        X : {array-like, data frame} of shape (n, n_features)
            Other columns hold numbers.

        Returns
        -------
        ndarray of shape (n, n_features), float64
            NaN where a level or a number is missing.
        """
        levels = dict(zip(self.positions.tolist(), self.levels_, strict=True))
        read = [
            _codes_of(values(), levels[position]) if position in levels else numbers()
            for position, (values, numbers) in enumerate(_columns_of(X))
        ]
        table = np.empty((len(read[0]), len(read)))
        for position, column in enumerate(read):
            table[:, position] = column
        return table


def as_index(values):
    """Objects as an index, whatever they are.

    By itself pandas would make text of text, and its text cannot hold all that a str
    of Python can.
    """
    return pd.Index(values, dtype=object)


def _codes_of(values, levels):
    missing = missing_in(values)
    # Some missing values cannot be looked up.
    codes = levels.get_indexer(as_index(np.where(missing, None, values)))
    codes = np.where(codes < 0, len(levels), codes).astype(np.float64)
    codes[missing] = np.nan
    return codes


def _columns_of(X):
    """For each column what reads it as objects, and what reads it as numbers."""
    if is_data_frame(X):
        for column in columns(X):
            yield partial(_objects_of, column.series), column.to_numbers
    else:
        array = rows_as_array(X) if isinstance(X, list | tuple) else np.asarray(X)
        for values in array.T:
            yield partial(values.astype, object), partial(_as_numbers, values)


def _objects_of(series):
    return as_objects(series.to_list())


def _as_numbers(values):
    return numbers_of_objects(values) if values.dtype == object else values
