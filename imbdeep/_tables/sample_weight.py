"""Read the argument ``sample_weight``."""

from numbers import Number

import numpy as np
from sklearn.utils.validation import _check_sample_weight, _num_samples

from imbdeep._tables.torch_data import as_array


def read_sample_weight(sample_weight, X, dtype=None):
    """Weights of rows, at least 0; an error that helps if their number is wrong.

    Parameters
    ----------
    sample_weight : array-like or Tensor of shape (n,), or number
    X : array-like of shape (n, ...)
        The rows, or their labels.
    dtype : dtype or None, default=None
        None keeps floating point as it is.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep._tables.sample_weight import read_sample_weight
    >>> read_sample_weight([1.0, 2.0], [[0], [1], [2]])
    Traceback (most recent call last):
    ValueError: sample_weight has 2 weights, and X has 3 rows. A sampler before ...
    """
    weights = as_array(sample_weight)
    n_rows = _num_samples(X)
    if weights is not None and not isinstance(weights, Number):
        weights = np.asarray(weights)
    if np.ndim(weights) == 1 and len(weights) != n_rows:
        raise ValueError(
            f"sample_weight has {len(weights)} weights, and X has {n_rows} rows. A "
            "sampler before the classifier in a pipeline changes the rows, and no "
            "weights come with those that it makes: use class_weight in their place, "
            "or leave the sampler out."
        )
    return _check_sample_weight(weights, X, dtype=dtype, ensure_non_negative=True)
