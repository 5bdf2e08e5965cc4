"""Numbers that float32 cannot hold, or cannot tell apart."""

import warnings

import numpy as np
from scipy import sparse

from imbdeep._rows import column_blocks

_FLOAT32 = np.finfo(np.float32)

# Rows whose values are compared, evenly spread over the table.
_SAMPLE = 2048

# A column may lose so many of its different values before it is said to lose digits.
# Those of a continuous column coincide by chance, but for one in thousands.
_MERGED = 0.1


def to_float32(X):
    """Numbers as float32; what is too large becomes the largest.

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
    >>> from imbdeep._precision import to_float32
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
    """Columns whose values float32 merges, or cannot hold.

    A column loses digits if a value overflows or underflows, or if more than a tenth of
    its different values coincide as float32: time stamps, for example, which differ in
    the last of ten digits. Those are looked for in 2048 rows.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, n_features), floating point
        Finite.

    Returns
    -------
    ndarray of int
        Positions, increasing.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._precision import columns_losing_digits
    >>> small = np.arange(100.0)
    >>> columns_losing_digits(np.column_stack([1.7e9 + small, small, 1e-60 * small]))
    array([0, 2])
    """
    if X.dtype == np.float32:
        return np.empty(0, dtype=np.intp)
    loses = [_loses_digits(block.numpy()) for block in column_blocks(X)]
    return np.flatnonzero(np.concatenate(loses))


def _loses_digits(X):
    size = np.abs(X)
    out_of_range = (size > _FLOAT32.max) | ((size > 0) & (size < _FLOAT32.tiny))
    sample = X[:: max(1, len(X) // _SAMPLE)]
    before, after = _n_different(sample), _n_different(to_float32(sample))
    return out_of_range.any(0) | (after < (1 - _MERGED) * before)


def _n_different(X):
    ordered = np.sort(X, axis=0)
    return 1 + (ordered[1:] != ordered[:-1]).sum(0)


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
