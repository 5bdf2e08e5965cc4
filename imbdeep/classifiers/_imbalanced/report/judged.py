"""Rows that learners held out, with what they said."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Judged:
    """Rows that learners held out, with what they said.

    Attributes
    ----------
    proba : ndarray of shape (n, n_classes)
    y : ndarray of shape (n,), int
        Class indices.
    weight : ndarray of shape (n,)
        Above 0.
    positive : int, default=1
        Index of the positive one of two classes.
    """

    proba: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    positive: int = 1

    @property
    def classes(self):
        """Indices of the classes that have rows."""
        return np.unique(self.y)


def judged_rows(proba, y, sample_weight=None, positive=1):
    """Rows that were held out and that have a weight.

    Parameters
    ----------
    proba : ndarray of shape (n, n_classes)
        NaN in rows that were not.
    y : ndarray of shape (n,), int
    sample_weight : ndarray of shape (n,) or None, default=None
    positive : int, default=1

    Returns
    -------
    Judged
    """
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    kept = ~np.isnan(proba).any(axis=1) & (weight > 0)
    return Judged(proba[kept], y[kept], weight[kept], positive)
