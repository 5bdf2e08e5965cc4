"""True labels given with annotations."""

import numpy as np
import pandas as pd

from imbdeep.crowds._annotations import as_labels, holds_numbers


def known_truth(y_true, missing_values=None):
    """Find the rows whose true label is known, and their labels.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels; NaN, None and ``pandas.NA`` are unknown.
    missing_values : int, float, NaN or None, default=None
        Number that also marks an unknown label.

    Returns
    -------
    rows : ndarray of shape (n_known,), int
        Positions of the rows.
    labels : ndarray of shape (n_known,)
        Labels of their own type: text rather than objects.

    Raises
    ------
    ValueError
        If the labels are of different types.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._known_truth import known_truth
    >>> known_truth(np.array(["sick", None, "well"], dtype=object))
    (array([0, 2]), array(['sick', 'well'], dtype='<U4'))
    """
    # As objects: NumPy would turn integers beside NaN into floats, and NaN beside text
    # into text. Through pandas, which keeps the integers of a category as well.
    labels = pd.Series(y_true, dtype=object).to_numpy()
    rows = np.flatnonzero(~pd.isna(labels))
    if missing_values is not None and holds_numbers(labels[rows]):
        rows = rows[labels[rows] != missing_values]
    return rows, as_labels(labels[rows])
