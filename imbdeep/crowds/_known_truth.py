"""The truth that came along with annotations."""

import numpy as np
import pandas as pd

from imbdeep.crowds._annotations import as_labels, holds_numbers


def known_truth(y_true, missing_values=None):
    """Rows whose true label is known, and the labels.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels; NaN, None and ``pandas.NA`` where they are not known.
    missing_values : int, float, NaN or None, default=None
        Number that stands for a label that is not known, too.

    Returns
    -------
    rows : ndarray of shape (n_known,), int
        Positions of the rows.
    labels : ndarray of shape (n_known,)
        Of the type that they have: text rather than objects.

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
    # As objects, since integers beside missing ones would become floats, and text
    # beside NaN all text; by pandas, which does so with the integers of a category too.
    labels = pd.Series(y_true, dtype=object).to_numpy()
    rows = np.flatnonzero(~pd.isna(labels))
    if missing_values is not None and holds_numbers(labels[rows]):
        rows = rows[labels[rows] != missing_values]
    return rows, as_labels(labels[rows])
