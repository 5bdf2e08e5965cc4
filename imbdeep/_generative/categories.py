"""Categories of columns, and which of their values are missing."""

import numpy as np

from imbdeep._tables.column_kinds import missing_in


def distinct(column):
    """Distinct values of a column: sorted, or as they appear if they have no order.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._generative.categories import distinct
    >>> distinct(np.array(["b", "a", "b"], dtype=object))
    array(['a', 'b'], dtype=object)
    >>> distinct(np.array(["b", 7, "b"], dtype=object))
    array(['b', 7], dtype=object)
    """
    # Sorting all rows would be slow, above all for text.
    values = np.fromiter(dict.fromkeys(column.tolist()), dtype=column.dtype)
    try:
        return np.sort(values)
    except TypeError:
        return values


def categories_of(column):
    """Categories of a column: :func:`distinct`, and a missing one last.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._generative.categories import categories_of
    >>> categories_of(np.array(["b", None, "a"], dtype=object))
    array(['a', 'b', None], dtype=object)
    """
    missing = missing_in(column)
    return np.concatenate([distinct(column[~missing]), column[missing][:1]])


def fill_gaps(numbers, fill):
    """Numbers with others in place of missing ones, column by column."""
    return np.where(np.isnan(numbers), fill, numbers)


def most_likely_missing(score, share, random_state):
    """Choose the rows whose number is missing, those of the highest scores.

    Parameters
    ----------
    score : ndarray of shape (n,)
    share : float in [0, 1]
        Of the rows, on average.
    random_state : RandomState
        Decides whether a fraction of a row counts.

    Returns
    -------
    ndarray of shape (n,), bool

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._generative.categories import most_likely_missing
    >>> scores, rng = np.array([0.1, 0.9, 0.5, 0.2]), np.random.RandomState(0)
    >>> most_likely_missing(scores, 0.5, rng)
    array([False,  True,  True, False])
    """
    n_missing = int(share * len(score) + random_state.uniform())
    chosen = np.zeros(len(score), dtype=bool)
    chosen[np.argsort(-score, kind="stable")[:n_missing]] = True
    return chosen


def positions_of(column, categories):
    """Position of each value of a column among the categories; -1 if it is none.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._generative.categories import positions_of
    >>> positions_of(np.array([5, 7, 5, 6]), np.array([5, 6]))
    array([ 0, -1,  0,  1])
    """
    lacks, gaps = missing_in(categories), missing_in(column)
    codes = dict(zip(categories[~lacks].tolist(), np.flatnonzero(~lacks), strict=True))
    found = np.empty(len(column), dtype=int)
    found[~gaps] = [codes.get(value, -1) for value in column[~gaps].tolist()]
    # A missing one may be of another kind; NaN is not equal to itself, or has no hash.
    found[gaps] = np.flatnonzero(lacks)[0] if lacks.any() else -1
    return found
