"""Which numbers are probabilities."""

import numpy as np

# Loose enough for half precision, tight enough to detect logits and one-vs-rest scores.
ROW_SUM_TOLERANCE = 1e-3


def check_probabilities(name, proba):
    """Refuse numbers that are no probabilities.

    Parameters
    ----------
    name : str
        Of the parameter, for errors.
    proba : ndarray of shape (n,) or (n, n_classes)
        Without NaN.

    Raises
    ------
    ValueError
        If they do not lie in [0, 1], or those of a row do not sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.probabilities import check_probabilities
    >>> check_probabilities("proba", np.array([[-3.0, 4.0]]))
    Traceback (most recent call last):
    ValueError: proba must lie in [0, 1], got values from -3 to 4; ...
    """
    if not proba.size:
        return
    # Of a row that sums to 1, one may be a bit above it: classifiers round.
    most = 1 if proba.ndim == 1 else 1 + ROW_SUM_TOLERANCE
    if proba.min() < 0 or proba.max() > most:
        raise ValueError(
            f"{name} must lie in [0, 1], got values from {proba.min():g} to "
            f"{proba.max():g}; pass probabilities, not scores or logits."
        )
    if proba.ndim == 2:
        off = np.abs(proba.sum(axis=1) - 1).max()
        if off > ROW_SUM_TOLERANCE:
            raise ValueError(
                f"The rows of {name} must sum to 1, got a row that is off by {off:g}; "
                "pass what predict_proba returns."
            )
