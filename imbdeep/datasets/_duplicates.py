"""Duplicate rows and conflicting labels of a set."""

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length, column_or_1d


def describe_duplicates(X, y):
    """Count exact copies of rows, and feature vectors with several labels.

    A random split puts copies of training rows into the test part, which rewards
    memorising. Feature vectors with several labels bound the accuracy of any method. A
    report on a set should state both.

    Parameters
    ----------
    X : {array-like, DataFrame} of shape (n_samples, n_features)
        Features. Two missing values count as equal.

    y : array-like of shape (n_samples,)
        Labels.

    Returns
    -------
    counts : dict
        `n_duplicate_rows`: rows whose features equal those of an earlier row, with any
        label. `n_conflicting_vectors`: distinct feature vectors that occur with more
        than one label.

    Raises
    ------
    ValueError
        If `X` is not 2-D or `X` and `y` differ in length.

    See Also
    --------
    load_imblearn27 : Sets, some of which have many copies.

    Examples
    --------
    >>> from imbdeep.datasets import describe_duplicates
    >>> X = [[0, 1], [0, 1], [2, 3], [0, 1], [4, 5]]
    >>> describe_duplicates(X, [-1, -1, -1, 1, 1])
    {'n_duplicate_rows': 2, 'n_conflicting_vectors': 1}
    """
    if np.ndim(X) != 2:
        raise ValueError(
            f"X must be 2-D, got {np.ndim(X)} dimensions; pass one row per sample."
        )
    check_consistent_length(X, y)
    # Numbered columns, so that the label's name cannot clash with a feature's.
    features = pd.DataFrame(X).set_axis(range(np.shape(X)[1]), axis=1)
    labelled = features.assign(label=column_or_1d(y)).drop_duplicates()
    # Now only vectors with several labels occur more than once.
    vectors = labelled.drop(columns="label")
    conflicting = vectors[vectors.duplicated()].drop_duplicates()
    return {
        "n_duplicate_rows": int(features.duplicated().sum()),
        "n_conflicting_vectors": len(conflicting),
    }
