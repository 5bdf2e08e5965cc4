"""What displays check of labels, probabilities and bands."""

import numpy as np
from sklearn.utils import check_consistent_length

from imbdeep._arguments import FiniteReal, WholeNumber
from imbdeep.metrics._targets import check_binary

BAND = {
    "n_bootstraps": [WholeNumber(0)],
    "confidence_level": [FiniteReal(0, 1, closed="neither")],
}


def rows_with_proba(y_true, y_proba, sample_weight=None):
    """Leave out rows without a probability, which no fold held out.

    Parameters
    ----------
    y_true : array-like of shape (n,)
    y_proba : array-like of shape (n,)
    sample_weight : array-like of shape (n,) or None, default=None

    Returns
    -------
    y_true, y_proba, sample_weight
        As they came, if all rows have one.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.displays._inputs import rows_with_proba
    >>> rows_with_proba([0, 1, 1], np.array([0.2, np.nan, 0.9]))
    (array([0, 1]), array([0.2, 0.9]), None)
    """
    proba = np.asarray(y_proba)
    if proba.ndim != 1 or proba.dtype.kind != "f" or not np.isnan(proba).any():
        return y_true, y_proba, sample_weight
    check_consistent_length(y_true, proba, sample_weight)
    judged = ~np.isnan(proba)
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight)[judged]
    return np.asarray(y_true)[judged], proba[judged], sample_weight


def read_binary(y_true, y_proba, pos_label, sample_weight=None):
    """Return what a curve of two classes needs.

    Parameters
    ----------
    y_true : array-like of shape (n,)
    y_proba : array-like of shape (n,)
    pos_label : object
        None is the greater of two labels.
    sample_weight : array-like of shape (n,) or None, default=None

    Returns
    -------
    is_positive : ndarray of shape (m,), bool
    proba : ndarray of shape (m,)
    weight : ndarray of shape (m,)
        Without rows of weight 0 or without a probability.

    Raises
    ------
    ValueError
        If one of the classes has no row.
    """
    y_true, y_proba, sample_weight = rows_with_proba(y_true, y_proba, sample_weight)
    found = check_binary(y_true, y_proba, pos_label, sample_weight)
    used = found[2] > 0
    is_positive, proba, weight = (part[used] for part in found)
    if is_positive.all() or not is_positive.any():
        raise ValueError(
            "y_true holds rows of one class only, and a curve needs both; pass rows of "
            "both classes."
        )
    return is_positive, proba, weight
