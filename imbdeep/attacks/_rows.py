"""Convert rows of X to numbers that an attack moves, and back to X's container."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array

from imbdeep._tables.column_kinds import NUMERIC
from imbdeep._tables.frames import column_names
from imbdeep._tables.levels import LevelCodes
from imbdeep._tables.precision import to_float32
from imbdeep._tables.reading import read_rows
from imbdeep.attacks._tables import column_at, is_table, rows_at, with_columns


def open_rows(estimator, X):
    """Open rows as an attack on a classifier needs them.

    Parameters
    ----------
    estimator : fitted classifier
    X : array-like

    Returns
    -------
    NetRows, TableRows or ArrayRows
        ``names``, the column names or None; ``shape``, the shape of a row; ``read``,
        which returns the numbers that an attack moves; ``like``, which puts them back
        into the container of X.
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


class NetRows:
    """Rows of a net, which takes numbers only."""

    def __init__(self, estimator, X):
        self.X, self.numbers = X, read_net_rows(estimator, X)
        self.names, self.shape = column_names(X), self.numbers.shape[1:]
        self.is_level = getattr(estimator, "is_level_", None)

    def __len__(self):
        return len(self.numbers)

    def read(self, moves):
        """Numbers of all features, of shape (n, ...)."""
        self.moves = moves
        return self.numbers

    def like(self, numbers):
        """Put all rows into the container of X, with fixed features as they were."""
        if self.names is None and (self.is_level is None or not self.is_level.any()):
            return as_container_of(self.X, numbers)
        positions = np.flatnonzero(self.moves)
        return with_columns(self.X, {i: numbers[:, i] for i in positions})


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

    def read(self, moves):
        """Numbers of all features, of shape (n, ...); those that move are finite."""
        check_finite(self.numbers, moves)
        return self.numbers

    def like(self, numbers):
        """Make any rows sparse if X is."""
        return as_container_of(self.X, numbers)


class TableRows:
    """Rows of a table for any classifier: only what may move is read as numbers.

    An attack may query any of its rows in any order, and each has to reach the
    classifier with its own text and dates. So the columns that may not move hold the
    row number instead.
    """

    def __init__(self, X):
        self.X, self.names, self.shape = X, column_names(X), (X.shape[1],)
        self.columns = [column_at(X, i) for i in range(X.shape[1])]
        self.is_level = np.array([c.kind not in NUMERIC for c in self.columns], bool)
        if len(self) == 0:
            raise ValueError("X has 0 rows; an attack needs at least one.")

    def __len__(self):
        return self.X.shape[0]

    def read(self, moves):
        """Numbers of shape (n, d): columns that move, and row numbers elsewhere."""
        self.moves = moves
        moving = {
            i: self.columns[i].to_numbers() for i in np.flatnonzero(moves).tolist()
        }
        self.dtypes = {i: _floating(numbers.dtype) for i, numbers in moving.items()}
        # float32 cannot tell row numbers beyond 2**24 apart.
        dtype = np.result_type(*self.dtypes.values()) if moves.all() else np.float64
        numbers = np.empty((len(self), *self.shape), dtype)
        numbers[:, ~moves] = np.arange(len(self))[:, None]
        for i, column in moving.items():
            numbers[:, i] = column
        check_finite(numbers, moves, self.names)
        return numbers

    def like(self, numbers):
        """Put these rows into the container of X, with fixed columns as they were."""
        if self.moves.all():
            rows = np.arange(len(numbers))
        else:
            rows = numbers[:, ~self.moves][:, 0].astype(np.int64)
        moved = {i: numbers[:, i].astype(own) for i, own in self.dtypes.items()}
        return with_columns(rows_at(self.X, rows), moved)


def _floating(dtype):
    """Dtype of numbers once they may move."""
    return np.dtype(np.float32 if dtype == np.float32 else np.float64)
