"""The rarer half of the classes."""

import numpy as np


def under_represented(class_counts):
    """Find the under-represented classes: the rarer half.

    Parameters
    ----------
    class_counts : array-like of shape (n_classes,)
        Number of training rows per class.

    Returns
    -------
    mask : ndarray of shape (n_classes,), bool
        True for the ``n_classes // 2`` rarest classes; ties go to the later ones. Never
        True for a class as frequent as the most frequent one.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or a count is below 0 or NaN.

    Examples
    --------
    >>> from imbdeep.metrics import under_represented
    >>> under_represented([500, 400, 30, 5])
    array([False, False,  True,  True])
    >>> under_represented([50, 50])
    array([False, False])
    """
    counts = np.asarray(class_counts)
    if counts.ndim != 1 or len(counts) < 2 or not (counts >= 0).all():
        raise ValueError(
            "class_counts must hold the rows of each of two or more classes, got "
            f"{class_counts!r}."
        )
    # As floats: unsigned integers have no negative.
    frequent_first = np.argsort(-counts.astype(np.float64), kind="stable")
    mask = np.zeros(len(counts), dtype=bool)
    mask[frequent_first[len(counts) - len(counts) // 2 :]] = True
    return mask & (counts < counts.max())
