"""Scale the numbers of columns for a net, and back."""

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    QuantileTransformer,
    StandardScaler,
)

# Tail of the normal distribution that is cut off at either end, at +-5.2.
_TAIL = 1e-7


def to_unit(x, low, high):
    """Scale numbers from ``low`` (0) to ``high`` (1), in float64.

    The ends become exactly 0 and 1: subtracting first avoids cancellation.

    Parameters
    ----------
    x : ndarray
    low, high : float or ndarray
        Broadcast with ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._generative.scaling import to_unit
    >>> to_unit(np.array([2, 3, 6]), 2, 6)
    array([0.  , 0.25, 1.  ])
    """
    unit = np.subtract(x, low, dtype=np.float64)
    unit /= high - low
    return unit


def from_unit(unit, low, high):
    """Invert :func:`to_unit`."""
    x = np.multiply(unit, high - low, dtype=np.float64)
    x += low
    return x


def to_normal(share):
    """Standard normal numbers with these shares of the distribution below them.

    Parameters
    ----------
    share : ndarray
        In [0, 1].

    Returns
    -------
    ndarray
        Within +-5.2, and therefore finite.
    """
    return ndtri(_TAIL + (1 - 2 * _TAIL) * share)


def from_normal(z):
    """Invert :func:`to_normal`; numbers beyond its ends are clipped."""
    return np.clip((ndtr(z) - _TAIL) / (1 - 2 * _TAIL), 0, 1)


def build_scaler(scaling, low, high, n_rows):
    """Build an unfitted transformer for numeric columns.

    Parameters
    ----------
    scaling : {'minmax', 'standard', 'quantile'}
    low, high : ndarray of shape (n_columns,)
        Ends of the columns.
    n_rows : int

    Returns
    -------
    Pipeline
    """
    if scaling == "quantile":
        # To shares, not directly to normal numbers: scikit-learn then takes values
        # within 1e-7 of an end for the end, in the column's own units. Without a
        # subsample the result is deterministic.
        return make_pipeline(
            QuantileTransformer(n_quantiles=min(1000, n_rows), subsample=None),
            FunctionTransformer(to_normal, from_normal, check_inverse=False),
        )
    # MinMaxScaler takes a column that spans less than 2e-15 for constant, and
    # StandardScaler one far from 0: neither would scale it.
    box = {"low": low, "high": high}
    unit = FunctionTransformer(
        to_unit, from_unit, check_inverse=False, kw_args=box, inv_kw_args=box
    )
    return make_pipeline(unit, *[StandardScaler()] * (scaling == "standard"))
