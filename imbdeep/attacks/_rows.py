"""Convert rows of X to numbers that an attack moves, and back to X's container."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array

from imbdeep._tables.column_kinds import NUMERIC
from imbdeep._tables.frames import column_names, rows_as_array
from imbdeep._tables.levels import LevelCodes
from imbdeep._tables.precision import to_float32
from imbdeep._tables.reading import read_rows
from imbdeep.attacks._pool import LevelPool
from imbdeep.attacks._tables import column_at, is_table, rows_at, with_columns
from imbdeep.attacks._threat import refuse_levels

# Levels are of these kinds. Of others, such as dates and lists, each row may have one.
LEVELS = {"text", "categories", *NUMERIC}


def open_rows(estimator, X):
    """Open rows as an attack on a classifier needs them.

    Parameters
    ----------
    estimator : fitted classifier
    X : array-like

    Returns
    -------
    NetRows, TableRows or ArrayRows
        ``names``, the column names or None; ``shape``, the shape of a row;
        ``is_level``, which features hold levels, or None; ``read``, which returns the
        numbers that an attack moves, and for each column of levels those that stand for
        the allowed ones; ``like``, which puts numbers back into the container of X.
    """
    if hasattr(estimator, "module_"):
        return NetRows(estimator, X)
    if isinstance(X, list | tuple):
        given = np.asarray(X)
        # NumPy makes text of numbers that share a list with text.
        X = np.asarray(X, dtype=object) if given.dtype.kind in "US" else given
    return TableRows(X) if is_table(X) else ArrayRows(X)


def read_net_rows(estimator, X):
    """Read rows as dense numbers in the precision of a net."""
    rows = read_rows(
        estimator,
        X,
        levels=getattr(estimator, "level_codes_", LevelCodes()),
        allow_missing=getattr(estimator, "encoding_recipe_", None) is not None,
        reset=False,
        allow_nd=True,
    )
    if sparse.issparse(rows):
        rows = rows.toarray()
    # Only nets of imbdeep choose a precision, and only for tables.
    if rows.ndim == 2 and getattr(estimator, "rows_dtype_", None) == np.float64:
        return rows.astype(np.float64, copy=False)
    return to_float32(rows)


def check_finite(numbers, moves, names=None):
    """Refuse infinite values in features that an attack moves; name the first one.

    Parameters
    ----------
    numbers : ndarray of shape (n_samples, ...)
    moves : ndarray of the shape of a row, bool
    names : list or None, default=None
        Names of the columns.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.attacks._rows import check_finite
    >>> check_finite(np.array([[0.0, np.inf]]), np.array([True, False]))
    """
    infinite = (moves & np.isinf(numbers)).sum(0)
    if not infinite.any():
        return
    feature = tuple(np.argwhere(infinite)[0].tolist())
    name = feature[0] if len(feature) == 1 else feature
    raise ValueError(
        f"X contains infinity in {infinite[feature]} rows of the feature "
        f"{name if names is None else names[name]!r}, so an attack cannot move it. "
        "Replace it by a number, or leave the feature out of perturb."
    )


def as_container_of(X, numbers):
    """Make numbers sparse if X is."""
    return type(X)(numbers) if sparse.issparse(X) else numbers


def allowed_numbers(column, given):
    """Levels that are numbers: those given, or else those that occur in a column."""
    allowed = np.unique(np.asarray(column if given is None else given, column.dtype))
    return allowed[~np.isnan(allowed)]


class NetRows:
    """Rows of a net, which takes numbers only."""

    def __init__(self, estimator, X):
        self.X = rows_as_array(X) if isinstance(X, list | tuple) else X
        self.numbers = read_net_rows(estimator, X)
        self.names, self.shape = column_names(X), self.numbers.shape[1:]
        self.is_level = getattr(estimator, "is_level_", None)
        codes = getattr(estimator, "level_codes_", LevelCodes())
        self._levels = dict(zip(codes.positions.tolist(), codes.levels_, strict=True))

    def __len__(self):
        return len(self.numbers)

    def read(self, moves, levels):
        """Numbers of all features, of shape (n, ...), and allowed ones of levels."""
        self.moves, self.pools, self.allowed = moves, {}, {}
        for i, given in levels.items():
            if self._are_numbers():
                self.allowed[i] = allowed_numbers(self.numbers[:, i], given)
            else:
                pool = LevelPool(self.X, i, given, _name_of(i, self.names))
                self.pools[i] = pool
                self.allowed[i] = self._to_net(i, pool.levels[: pool.n_allowed])
        return self.numbers, self.allowed

    def _are_numbers(self):
        """Whether X holds what the net sees."""
        return self.names is None and (self.is_level is None or not self.is_level.any())

    def _to_net(self, i, levels):
        if i in self._levels:
            levels = self._levels[i].get_indexer(levels)
            # All levels that it has not seen are one.
            levels = np.where(levels < 0, len(self._levels[i]), levels)
        return np.asarray(levels, self.numbers.dtype)

    def like(self, numbers):
        """Put all rows into the container of X, with fixed features as they were."""
        if self._are_numbers():
            return as_container_of(self.X, numbers)
        changed = {i: numbers[:, i] for i in np.flatnonzero(self.moves).tolist()}
        for i, pool in self.pools.items():
            places = np.arange(len(self))
            is_other = (numbers[:, i] != self.numbers[:, i]) & ~np.isnan(numbers[:, i])
            known, first = np.unique(self.allowed[i], return_index=True)
            chosen = first[np.searchsorted(known, numbers[is_other, i])]
            places[is_other] = len(self) + chosen
            changed[i] = pool.take(places)
        return with_columns(self.X, changed)


class ArrayRows:
    """Rows of an array or a sparse matrix of numbers for any classifier."""

    names = is_level = None

    def __init__(self, X):
        self.X = X
        # Double precision stays, so that eps=0 does not change the rows.
        self.numbers = check_array(
            X.toarray() if sparse.issparse(X) else X,
            dtype=[np.float64, np.float32],
            order="C",
            ensure_all_finite=False,
            allow_nd=True,
        )
        self.shape = self.numbers.shape[1:]

    def __len__(self):
        return len(self.numbers)

    def read(self, moves, levels):
        """Numbers of all features, of shape (n, ...), and allowed ones of levels."""
        check_finite(self.numbers, moves)
        return self.numbers, {
            i: allowed_numbers(self.numbers[:, i], own) for i, own in levels.items()
        }

    def like(self, numbers):
        """Make any rows sparse if X is."""
        return as_container_of(self.X, numbers)


class TableRows:
    """Rows of a table for any classifier: only what may move is read as numbers.

    An attack may query any of its rows in any order, and each has to reach the
    classifier with its own text and dates. So the columns that may not change hold the
    row number instead, and those of levels their codes.
    """

    def __init__(self, X):
        self.X, self.names, self.shape = X, column_names(X), (X.shape[1],)
        self.columns = [column_at(X, i) for i in range(X.shape[1])]
        self.is_level = np.array([c.kind not in NUMERIC for c in self.columns], bool)
        if len(self) == 0:
            raise ValueError("X has 0 rows; an attack needs at least one.")

    def __len__(self):
        return self.X.shape[0]

    def read(self, moves, levels):
        """Numbers that move, codes of levels, and row numbers elsewhere; codes allowed.

        Returns
        -------
        numbers : ndarray of shape (n, n_features)
        allowed : dict of int to ndarray
        """
        kept = [i for i in levels if self.columns[i].kind not in LEVELS]
        if kept:
            columns = [_name_of(i, self.names) for i in kept]
            refuse_levels(columns, "an attack to go. Leave them out.")
        self.pools = {
            i: LevelPool(self.X, i, own, _name_of(i, self.names))
            for i, own in levels.items()
        }
        self.fixed = ~moves
        self.fixed[list(levels)] = False
        moving = {
            i: self.columns[i].to_numbers() for i in np.flatnonzero(moves).tolist()
        }
        self.dtypes = {i: _floating(numbers.dtype) for i, numbers in moving.items()}
        # float32 cannot tell row numbers beyond 2**24 apart.
        dtype = np.result_type(*self.dtypes.values()) if moves.all() else np.float64
        numbers = np.empty((len(self), *self.shape), dtype)
        numbers[:, self.fixed] = np.arange(len(self))[:, None]
        for i, column in moving.items():
            numbers[:, i] = column
        check_finite(numbers, moves, self.names)
        for i, pool in self.pools.items():
            numbers[:, i] = pool.codes()
        allowed = {
            i: np.arange(p.n_allowed, dtype=dtype) for i, p in self.pools.items()
        }
        return numbers, allowed

    def like(self, numbers):
        """Put these rows into the container of X, with fixed columns as they were."""
        known = None
        if self.fixed.any():
            known = numbers[:, self.fixed][:, 0].astype(np.int64)
        rows = np.arange(len(numbers)) if known is None else known
        changed = {i: numbers[:, i].astype(own) for i, own in self.dtypes.items()}
        for i, pool in self.pools.items():
            changed[i] = pool.like(numbers[:, i], known)
        return with_columns(rows_at(self.X, rows), changed)


def _name_of(position, names):
    return position if names is None else names[position]


def _floating(dtype):
    """Dtype of numbers once they may move."""
    return np.dtype(np.float32 if dtype == np.float32 else np.float64)
