"""Ranks of methods on each data set."""


def rank_methods(table, *, greater_is_better=True):
    """Rank the methods on each data set; 1 is best, ties share their mean rank.

    Parameters
    ----------
    table : DataFrame of shape (n_datasets, n_methods)
        Mean scores. NaN marks a failure and ranks last.
    greater_is_better : bool, default=True
        False for losses such as the Brier score.

    Returns
    -------
    ranks : DataFrame of shape (n_datasets, n_methods)
        Ranks from 1 to ``n_methods``; each row sums to
        ``n_methods * (n_methods + 1) / 2``.

    See Also
    --------
    friedman_iman_davenport : Tests whether all methods rank equally.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import rank_methods
    >>> rank_methods(pd.DataFrame({"a": [0.9, None], "b": [0.8, 0.5], "c": [0.9, 0.4]}))
         a    b    c
    0  1.5  3.0  1.5
    1  3.0  1.0  2.0
    """
    # Means of the same scores are ties, but may differ in their last bit.
    scores = table.astype("float64").round(12)
    return scores.rank(axis=1, ascending=not greater_is_better, na_option="bottom")
