"""Fewer rows of frequent classes, so that there are no more than so many in all."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RowLimit:
    """Sampling strategy that leaves rare classes whole and cuts frequent ones.

    Parameters
    ----------
    n_rows : int
        Rows of all classes together, at most, but for one row of each class.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.row_limit import RowLimit
    >>> y = np.array([0] * 500 + [1] * 100 + [2] * 20)
    >>> RowLimit(200)(y)
    {0: 90, 1: 90}
    >>> RowLimit(1_000)(y)
    {}
    """

    n_rows: int

    def __call__(self, y):
        """Number of rows of each class that loses some, by label."""
        labels, counts = np.unique(y, return_counts=True)
        size = largest_size(counts, self.n_rows)
        cut = counts > size
        return dict.fromkeys(labels[cut].tolist(), size)


def largest_size(counts, n_rows):
    """Size to which to cut frequent classes, so that `n_rows` are left or fewer.

    Parameters
    ----------
    counts : ndarray of shape (n_classes,), int
    n_rows : int

    Returns
    -------
    int, at least 1

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.row_limit import largest_size
    >>> largest_size(np.array([500, 100, 20]), 200)
    90
    """
    left = n_rows
    ascending = np.sort(counts)
    for i, count in enumerate(ascending):
        size = left // (len(ascending) - i)
        if count > size:
            return max(1, int(size))
        left -= count
    return int(counts.max())
