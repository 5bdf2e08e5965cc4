"""A column of levels, with those below it that an attack may put into its rows."""

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from imbdeep._tables.column_kinds import as_objects, missing_in
from imbdeep._tables.frame_building import FrameLike, append
from imbdeep._tables.frames import is_data_frame
from imbdeep._tables.levels import as_index
from imbdeep.attacks._tables import column_at


class LevelPool:
    """A column with levels below it, so that all of them have its dtype.

    Parameters
    ----------
    X : data frame or ndarray of shape (n, n_features)
    position : int
        Of the column.
    allowed : sequence or None
        Levels that rows may get; None allows those that occur in the column.
    name : object
        Of the column, for errors.

    Attributes
    ----------
    levels : pandas.Index of shape (n_levels,)
        Allowed levels, then those that occur besides.
    n_allowed : int
    own : ndarray of shape (n,), object
        Values of the column.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.attacks._pool import LevelPool
    >>> X = pd.DataFrame({"city": pd.Categorical(["Ulm", "Bonn"])})
    >>> pool = LevelPool(X, 0, ["Bonn"], "city")
    >>> pool.codes().tolist()
    [1.0, 0.0]
    >>> pool.take([0, 2]).to_list()
    ['Ulm', 'Bonn']
    """

    def __init__(self, X, position, allowed, name):
        if is_data_frame(X):
            column = column_at(X, position).series
            self.own = as_objects(column.to_list())
        else:
            column = X[:, position]
            self.own = column.astype(object)
        self._gaps = missing_in(self.own)
        present = pd.unique(self.own[~self._gaps])
        if allowed is None:
            allowed = present
        # In arrays: pandas would make text of objects.
        allowed = pd.unique(as_index(allowed).to_numpy())
        self.n_allowed = len(allowed)
        self.levels = as_index(pd.unique(np.append(allowed, present)))
        if isinstance(column, np.ndarray):
            self._all = np.append(column, self.levels.to_numpy())
        else:
            self._all = _with_levels(column, self.levels, name)

    def codes(self):
        """Place of each of the column's values in ``levels``, NaN for a gap."""
        return np.where(self._gaps, np.nan, self.levels.get_indexer(as_index(self.own)))

    def like(self, codes, rows=None):
        """Values that codes stand for, in the dtype of the column.

        Parameters
        ----------
        codes : ndarray of shape (m,)
        rows : ndarray of shape (m,), int, or None, default=None
            Rows that the codes are of. None takes one gap for another.

        Returns
        -------
        narwhals.Series or ndarray of shape (m,)
        """
        # In a column of objects gaps may differ: None here, NaN there.
        gaps = self._gaps.argmax() if rows is None else rows
        is_gap = np.isnan(codes)
        levels = len(self.own) + np.where(is_gap, 0, codes).astype(np.int64)
        return self.take(np.where(is_gap, gaps, levels))

    def take(self, places):
        """Values at places: those of the n rows, and from n on the levels."""
        return self._all[np.asarray(places)]


def _with_levels(column, levels, name):
    frame = column.to_frame().to_native()
    held = _held(FrameLike(frame), column, levels)
    lacking = [level for level in levels if level not in held]
    if lacking:
        raise ValueError(
            f"levels allows {lacking} in the column {name!r}, whose dtype "
            f"{column.dtype} has no place for them. Leave them out, or convert the "
            "column."
        )
    made = FrameLike(frame).build(levels.to_numpy()[:, None])
    return nw.from_native(append(frame, made), eager_only=True)[:, 0]


def _held(like, column, levels):
    """Levels as the dtype of a column holds them."""
    dtype = getattr(column.to_native(), "dtype", None)
    if isinstance(dtype, pd.CategoricalDtype):
        return set(dtype.categories)
    try:
        made = like.build(levels.to_numpy()[:, None])
    except (TypeError, ValueError):
        return set()
    return set(nw.from_native(made, eager_only=True)[:, 0].to_list())
