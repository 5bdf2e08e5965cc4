"""Numbers that float32 cannot hold, or cannot tell apart."""

import warnings
from numbers import Integral

import numpy as np
from scipy import sparse

from imbdeep._tables.frames import columns, is_data_frame, rows_as_array
from imbdeep._tables.rows import column_blocks, column_range

_FLOAT32 = np.finfo(np.float32)

# Differences and interpolations of larger float32 values may overflow.
_LARGEST = _FLOAT32.max / 8

# The same for float64, whose largest value is 1.8e308.
_WIDEST = 1e300

# Rows whose values are compared, spread evenly over the table: sorting all would take
# longer than an epoch.
_SAMPLE = 2048

# A column loses digits if it loses this share of its distinct values. Of a continuous
# column of ordinary size, float32 merges one in thousands by chance.
_MERGED = 0.1


def to_float32(X):
    """Convert numbers to float32; those too large become the largest float32.

    Parameters
    ----------
    X : ndarray or CSR matrix, floating point
        Finite.

    Returns
    -------
    ndarray or CSR matrix, float32
        ``X`` itself, if it is float32.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.precision import to_float32
    >>> to_float32(np.array([1.0, -1e300]))
    array([ 1.0000000e+00, -3.4028235e+38], dtype=float32)
    """
    if X.dtype == np.float32:
        return X
    with np.errstate(over="ignore", under="ignore"):
        rows = X.astype(np.float32)
    values = rows.data if sparse.issparse(rows) else rows
    np.clip(values, _FLOAT32.min, _FLOAT32.max, out=values)
    return rows


def columns_losing_digits(X):
    """Find columns whose values float32 merges, or cannot hold.

    A column loses digits if a value overflows or underflows, or nearly so, or if more
    than a tenth of its distinct values coincide as float32: time stamps, for example,
    which differ in the last of ten digits. A sample of 2048 rows decides the latter.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, n_features), floating point
        Finite.

    Returns
    -------
    ndarray of int
        Positions, in increasing order.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.precision import columns_losing_digits
    >>> small = np.arange(100.0)
    >>> columns_losing_digits(np.column_stack([1.7e9 + small, small, 1e-60 * small]))
    array([0, 2])
    """
    if X.dtype == np.float32:
        low, high = column_range(X)
        return np.flatnonzero(np.maximum(np.abs(low), np.abs(high)) > _LARGEST)
    loses = [_loses_digits(block.numpy()) for block in column_blocks(X)]
    return np.flatnonzero(np.concatenate(loses))


def _loses_digits(X):
    size = np.abs(X)
    out_of_range = (size > _LARGEST) | ((size > 0) & (size < _FLOAT32.tiny))
    sample = X[:: max(1, len(X) // _SAMPLE)]
    before, after = _n_different(sample), _n_different(to_float32(sample))
    return out_of_range.any(0) | (after < (1 - _MERGED) * before)


def _n_different(X):
    ordered = np.sort(X, axis=0)
    # Not "differs from": missing values, which come last, differ from themselves.
    return 1 + (ordered[1:] > ordered[:-1]).sum(0)


def has_large_integers(values):
    """Whether an array holds integers beyond 2**53, which float64 may not hold.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.precision import has_large_integers
    >>> [has_large_integers(np.array([value])) for value in (2**53, 2**53 + 1, 1e30)]
    [False, True, False]
    """
    if values.dtype.kind not in "iu" or not values.size:
        return False
    # As Python's integers: -values.min() would overflow at the end of int64.
    return max(-int(values.min()), int(values.max())) > 2**53


def merged_integers(X):
    """Columns of integers of which float64 merges some, looked for in 2048 rows.

    Parameters
    ----------
    X : data frame, or array-like of shape (n, n_features)

    Returns
    -------
    list
        Names, or positions.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.precision import merged_integers
    >>> merged_integers(2**60 + np.array([[0], [1]]))
    [0]
    """
    if is_data_frame(X):
        integers = [c for c in columns(X) if c.series.dtype.is_integer()]
        return [c.name for c in integers if _merges(c.to_numpy())]
    array = rows_as_array(X) if isinstance(X, list | tuple) else X
    if getattr(array, "ndim", 0) != 2 or getattr(array, "dtype", None) is None:
        return []
    if array.dtype.kind not in "iuO" or not isinstance(array, np.ndarray):
        return []
    return [i for i, values in enumerate(array.T) if _merges(values)]


def _merges(values):
    sample = values[:: max(1, len(values) // _SAMPLE)]
    if sample.dtype.kind == "O":
        whole = [int(v) for v in sample.tolist() if isinstance(v, Integral)]
        # Those beyond float64 are refused with all that is infinite.
        if not whole or not 2**53 < max(map(abs, whole)) < 2**1023:
            return False
        return len(set(map(float, whole))) < len(set(whole))
    if not has_large_integers(sample):
        return False
    return len(np.unique(sample.astype(np.float64))) < len(np.unique(sample))


def warn_of_merged_integers(X):
    """Warn of columns whose integers no float64 can tell apart."""
    found = merged_integers(X)
    if found:
        warnings.warn(
            f"Columns {found} hold integers beyond 2**53 that differ by less than a "
            "float64 can tell: some of them look alike to the net. Subtract a constant "
            "first, or name them in categorical_features if they are identifiers.",
            UserWarning,
            stacklevel=2,
        )


def check_spans(low, high, names):
    """Refuse columns whose values are too far apart to compute with.

    Parameters
    ----------
    low, high : ndarray of shape (n_features,)
        Smallest and largest value of each column.
    names : ndarray of shape (n_features,)
        Names of the columns, for errors.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.precision import check_spans
    >>> check_spans(np.array([0, -1e308]), np.array([1, 1e308]), np.array(["a", "b"]))
    Traceback (most recent call last):
    ValueError: Columns ['b'] span more than 1e+300 (from -1e+308 to 1e+308 in 'b'), ...
    """
    with np.errstate(over="ignore"):
        wide = np.flatnonzero(high - low > _WIDEST)
    if len(wide):
        first, names = wide[0], names.tolist()
        raise ValueError(
            f"Columns {[names[i] for i in wide]} span more than {_WIDEST:g} (from "
            f"{low[first]:g} to {high[first]:g} in {names[first]!r}), too much for "
            "float64 to compute with. Multiply them by a constant, or drop their "
            "extreme rows."
        )


def check_finite_outputs(outputs, X, names):
    """Refuse probabilities that are NaN, and name the row.

    Parameters
    ----------
    outputs : ndarray of shape (n, n_classes)
    X : ndarray or CSR matrix of shape (n, ...)
        The rows, finite.
    names : ndarray of shape (n_features,) or None
        Names of the columns, for errors; None for images, which have none.

    Raises
    ------
    ValueError
    """
    broken = np.flatnonzero(np.isnan(outputs).any(axis=1))
    if not len(broken):
        return
    row = X[[broken[0]]]
    row = (row.toarray() if sparse.issparse(row) else row)[0]
    place = np.unravel_index(np.abs(row).argmax(), row.shape)
    where = tuple(map(int, place)) if names is None else names.tolist()[place[0]]
    raise ValueError(
        f"The module gives probabilities that are no numbers for {len(broken)} rows, "
        f"the first of them row {broken[0]}. Its value farthest from 0 is "
        f"{row[place]:g} in column {where!r}: scale or clip the column, before fit as "
        "well."
    )


def warn_of_lost_digits(columns):
    """Warn of columns whose values float32 merges.

    Parameters
    ----------
    columns : list
        Their names or positions.
    """
    warnings.warn(
        f"Columns {columns} hold values that float32 merges or cannot hold, and the "
        "net sees them as float32. Scale them first, for example with StandardScaler, "
        "or use a module that takes an encoding.",
        UserWarning,
        stacklevel=2,
    )
