"""Corrupt a table: noise, gaps, cells and columns that are not what they were."""

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state

from imbdeep._tables.column_kinds import as_objects, missing_in, numbers_of_objects
from imbdeep._tables.column_selection import (
    automatic_columns,
    column_kinds,
    select_columns,
)
from imbdeep._tables.frame_building import FrameLike, floats_within, integers_within
from imbdeep._tables.frames import (
    column_names,
    columns,
    is_data_frame,
    is_pandas,
    rows_as_array,
)
from imbdeep.datasets._corruptions.images import check_corruption

_SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)


class _Cells:
    """Cells of a table that can be corrupted, and what is known of its columns.

    Attributes
    ----------
    values : ndarray of shape (n, n_columns)
        float64 of an array of floats, or objects.
    given : ndarray of shape (m, n_columns)
        Those of the rows that are learned from.
    numbers, levels : list of int
        Positions of the columns.
    """

    def __init__(self, values, given, numbers, levels):
        self.values, self.given = values, given
        self.numbers, self.levels = numbers, levels

    def numbers_in(self, position, rows):
        column = rows[:, position]
        return numbers_of_objects(column) if column.dtype == object else column

    def change_numbers(self, change):
        """Set each column of numbers to ``change`` of it and of its deviation."""
        for position in self.numbers:
            given = self.numbers_in(position, self.given).astype(np.float64)
            given = given[~np.isnan(given)]
            std = given.std() if len(given) else 0.0
            column = self.numbers_in(position, self.values).astype(np.float64)
            self.values[:, position] = change(column, std)


def _gaussian_noise(cells, severity, rng):
    scale = (0.1, 0.2, 0.3, 0.5, 1.0)[severity - 1]
    cells.change_numbers(lambda x, std: x + scale * std * rng.normal(size=len(x)))


def _shifted_columns(cells, severity, rng):
    shift = (0.1, 0.25, 0.5, 1.0, 2.0)[severity - 1]
    cells.change_numbers(lambda x, std: x + shift * std * rng.choice([-1, 1]))


def _scaled_columns(cells, severity, rng):
    factor = (1.05, 1.1, 1.25, 1.5, 2.0)[severity - 1]
    cells.change_numbers(lambda x, std: x * factor ** rng.choice([-1, 1]))


def _missing_cells(cells, severity, rng):
    is_lost = rng.uniform(size=cells.values.shape) < _SHARES[severity - 1]
    cells.values[is_lost] = None if cells.values.dtype == object else np.nan


def _swapped_cells(cells, severity, rng):
    for column in cells.values.T:
        chosen = np.flatnonzero(rng.uniform(size=len(column)) < _SHARES[severity - 1])
        column[chosen] = column[rng.permutation(chosen)]


def _level_noise(cells, severity, rng):
    for position in cells.levels:
        column = cells.values[:, position]
        chosen = np.flatnonzero(rng.uniform(size=len(column)) < _SHARES[severity - 1])
        drawn = rng.randint(len(cells.given), size=len(chosen))
        column[chosen] = cells.given[drawn, position]


_CORRUPTIONS = {
    "gaussian_noise": _gaussian_noise,
    "missing_cells": _missing_cells,
    "swapped_cells": _swapped_cells,
    "shifted_columns": _shifted_columns,
    "scaled_columns": _scaled_columns,
    "level_noise": _level_noise,
}
_OF_NUMBERS = ("gaussian_noise", "shifted_columns", "scaled_columns")

TABLE_CORRUPTIONS = tuple(_CORRUPTIONS)


def corrupt_table(
    X,
    corruption,
    severity=3,
    *,
    reference=None,
    categorical_features="auto",
    random_state=None,
):
    """Corrupt a table as sensors, forms and pipelines do.

    To ask how a classifier does on rows that are not as clean as those in training.
    Corrupt test rows only.

    Parameters
    ----------
    X : {array-like, data frame} of shape (n_samples, n_features)
    corruption : str
        One of ``TABLE_CORRUPTIONS``. By severity, from 1 to 5:

        - 'gaussian_noise': noise of 0.1, 0.2, 0.3, 0.5 or 1 standard deviations of a
          column of numbers;
        - 'missing_cells': 5, 10, 20, 30 or 50 % of all cells are missing;
        - 'swapped_cells': as many cells of each column change places with each other;
        - 'shifted_columns': each column of numbers moves by 0.1, 0.25, 0.5, 1 or 2
          standard deviations, up or down, the same for all rows;
        - 'scaled_columns': each column of numbers is multiplied or divided by 1.05,
          1.1, 1.25, 1.5 or 2, as if its unit had changed;
        - 'level_noise': 5, 10, 20, 30 or 50 % of the cells of each column of levels
          take the level of another row, which may be the same.
    severity : {1, 2, 3, 4, 5}, default=3
    reference : {array-like, data frame} or None, default=None
        Rows with the same columns that standard deviations and levels are learned
        from, such as those in training. None takes ``X``.
    categorical_features : 'auto' or array-like, default='auto'
        Columns of levels: names, positions or a mask. 'auto' takes text, categories and
        booleans. Dates and the like are neither numbers nor levels: they lose and swap
        cells, and do not change.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    {ndarray, data frame} of shape (n_samples, n_features)
        A data frame has the names, dtypes and index of ``X``; whole numbers are
        rounded. With 'missing_cells' columns that have no place for a gap are float64,
        and gaps among floats are NaN.

    Raises
    ------
    ValueError
        If a parameter is unknown, ``X`` is sparse or not a table, ``reference`` has
        other columns, or no column can be corrupted so.

    See Also
    --------
    corrupt_images : Corruptions of images.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.datasets import corrupt_table
    >>> X = pd.DataFrame({"age": [31, 45, 62], "city": ["Ulm", "Bonn", "Ulm"]})
    >>> corrupt_table(X, "shifted_columns", 5, random_state=0)
       age  city
    0    6   Ulm
    1   20  Bonn
    2   37   Ulm
    """
    check_corruption(corruption, severity, TABLE_CORRUPTIONS)
    X = _as_table(X, "X")
    reference = X if reference is None else _as_table(reference, "reference")
    if column_names(X) != column_names(reference) or X.shape[1] != reference.shape[1]:
        raise ValueError(
            f"reference has {reference.shape[1]} columns that are not the "
            f"{X.shape[1]} columns of X. Give rows of the same table."
        )
    cells = _read(X, reference, categorical_features)
    if corruption in _OF_NUMBERS and not cells.numbers:
        raise ValueError(f"corruption={corruption!r} changes numbers, and X has none.")
    if corruption == "level_noise" and not cells.levels:
        raise ValueError(
            "corruption='level_noise' changes levels, and X has no column of any. Name "
            "those that hold numbers in categorical_features."
        )
    rng = check_random_state(random_state)
    _CORRUPTIONS[corruption](cells, severity, rng)
    return _like(X, cells.values)


def _as_table(X, name):
    X = rows_as_array(X) if isinstance(X, list | tuple) else X
    if sparse.issparse(X) or not (is_data_frame(X) or isinstance(X, np.ndarray)):
        raise ValueError(
            f"{name} must be a dense array or a data frame, got {type(X).__name__}. "
            "Convert it, for example with toarray()."
        )
    if len(X.shape) != 2 or 0 in X.shape:
        raise ValueError(
            f"{name} must be a table with rows and columns, got shape {X.shape}. For "
            "images take corrupt_images."
        )
    return X


def _read(X, reference, categorical_features):
    if isinstance(categorical_features, str) and categorical_features == "auto":
        levels = automatic_columns(X)
    else:
        levels = select_columns(X, categorical_features, "categorical_features")
    levels = [int(position) for position in levels]
    kinds = [kind for _, kind in column_kinds(X)]
    numbers = [i for i, k in enumerate(kinds) if k == "numbers" and i not in levels]
    values, given = (_objects_of(table) for table in (X, reference))
    return _Cells(values, given, numbers, levels)


def _objects_of(X):
    """Cells of a table: float64 of an array of floats, or objects.

    Objects keep the digits of integers that no float holds.
    """
    if is_data_frame(X):
        cells = [as_objects(column.series.to_list()) for column in columns(X)]
        return np.stack(cells, axis=1)
    return X.astype(np.float64 if X.dtype.kind == "f" else object)


def _like(X, values):
    """A table in the container of another, with its dtypes."""
    if is_data_frame(X):
        made = FrameLike(_with_room_for_gaps(X, values)).build(values)
        return made.set_axis(X.index) if is_pandas(X) else made
    if X.dtype.kind == "f":
        return floats_within(values, X.dtype)
    if X.dtype.kind in "iub":
        if missing_in(values).any():
            return values.astype(np.float64)
        is_whole = X.dtype.kind != "b"
        return integers_within(values, X.dtype) if is_whole else values.astype(bool)
    return values


def _with_room_for_gaps(X, values):
    """The frame, with float64 in place of columns that cannot lack a cell.

    Only pandas has some: NumPy's integers and booleans.
    """
    if not is_pandas(X):
        return X
    gappy = {
        position
        for position, dtype in enumerate(X.dtypes)
        if isinstance(dtype, np.dtype)
        and dtype.kind in "iub"
        and any(value is None for value in values[:, position])
    }
    names = [X.columns[position] for position in gappy]
    return X.astype(dict.fromkeys(names, np.float64)) if names else X
