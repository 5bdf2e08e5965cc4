"""A small table, and how the nets see it."""

import numpy as np


def table(counts=(30, 12), n_features=4):
    rng = np.random.RandomState(0)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    return rng.uniform(size=(len(y), n_features)) + y[:, None], y


def unit(X):
    """Columns in [0, 1], as the nets see them."""
    return ((X - X.min(0)) / (X.max(0) - X.min(0))).astype(np.float32)
