"""Numbers of a column, scaled for a net and back."""

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    QuantileTransformer,
    StandardScaler,
)

# Share of a normal distribution beyond which nothing is encoded: +-5.2 are the ends.
_TAIL = 1e-7


def to_unit(x, low, high):
    """Where numbers lie between ``low`` (0) and ``high`` (1), in float64.

    The ends become 0 and 1 exactly: subtracting first loses nothing to an offset.

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
    """The inverse of :func:`to_unit`."""
    x = np.multiply(unit, high - low, dtype=np.float64)
    x += low
    return x


def to_normal(share):
    """Standard normal numbers that have these shares of the distribution below them.

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
    """The inverse of :func:`to_normal`; numbers beyond its ends give the ends."""
    return np.clip((ndtr(z) - _TAIL) / (1 - 2 * _TAIL), 0, 1)


def build_scaler(scaling, low, high, n_rows):
    """Transformer for numeric columns, not fitted.

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
        # To shares, not to normal numbers at once: the latter takes all within 1e-7 of
        # an end for the end, in the column's own units. Without a subsample it is also
        # the same each time.
        return make_pipeline(
            QuantileTransformer(n_quantiles=min(1000, n_rows), subsample=None),
            FunctionTransformer(to_normal, from_normal, check_inverse=False),
        )
    # MinMaxScaler leaves a column alone if it spans less than 2e-15, and StandardScaler
    # one far from 0, as if these were constant.
    box = {"low": low, "high": high}
    unit = FunctionTransformer(
        to_unit, from_unit, check_inverse=False, kw_args=box, inv_kw_args=box
    )
    return make_pipeline(unit, *[StandardScaler()] * (scaling == "standard"))
