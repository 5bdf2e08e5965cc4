"""Dolan and More's performance profiles, adapted from times to scores."""

import numpy as np
import pandas as pd


def performance_ratios(table, *, greater_is_better=True, floor=1e-3):
    """Compute each method's cost relative to the best method on the same data set.

    Parameters
    ----------
    table : DataFrame of shape (n_datasets, n_methods)
        One mean score per data set and method; NaN marks a failure.
    greater_is_better : bool, default=True
        True for scores whose best value is 1: the cost is ``1 - score``. False for
        losses whose best value is 0: the cost is the loss.
    floor : float, default=1e-3
        Costs below this count as this much, so that a negligible difference on a nearly
        solved set does not become an infinite ratio.

    Returns
    -------
    ratios : DataFrame of shape (n_datasets, n_methods)
        At least 1; 1 for the best. Infinite for a failure.

    Raises
    ------
    ValueError
        If the floor is not positive, or a score exceeds the best value.

    See Also
    --------
    performance_profile : The share of data sets below a ratio.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import performance_ratios
    >>> performance_ratios(pd.DataFrame({"a": [0.5, 1.0], "b": [0.75, None]}))
         a    b
    0  2.0  1.0
    1  1.0  inf
    """
    if not floor > 0:
        raise ValueError(
            f"floor={floor!r} must be positive: it keeps a cost of zero from dividing."
        )
    table = table.astype("float64")
    costs = 1 - table if greater_is_better else table
    if (costs < -1e-9).any(axis=None):
        raise ValueError(
            "table holds a score above 1, or a negative loss; profiles need scores "
            "whose best value is 1, or losses whose best value is 0 with "
            "greater_is_better=False."
        )
    costs = costs.clip(lower=floor).fillna(np.inf)
    # If all methods fail, inf / inf would be NaN.
    best = costs.min(axis=1).replace(np.inf, 1.0)
    return costs.div(best, axis=0)


def performance_profile(table, tau, *, greater_is_better=True, floor=1e-3):
    """Compute the share of data sets on which a method is within a factor of the best.

    Parameters
    ----------
    table : DataFrame of shape (n_datasets, n_methods)
        One mean score per data set and method; NaN marks a failure.
    tau : array-like of shape (n_points,)
        Factors, at least 1, at which to evaluate the profile.
    greater_is_better : bool, default=True
        True for scores whose best value is 1: ratios are of ``1 - score``. False for
        losses whose best value is 0: ratios are of the loss itself.
    floor : float, default=1e-3
        Costs below this count as this much.

    Returns
    -------
    profile : DataFrame of shape (n_points, n_methods)
        Shares between 0 and 1, indexed by ``tau``. At 1 it is the share of sets on
        which the method is best (ties count for each); for large ``tau`` it tends to
        the share of sets on which the method did not fail.

    Raises
    ------
    ValueError
        If the table is empty, a ``tau`` is below 1, or as in
        :func:`performance_ratios`.

    See Also
    --------
    plot_performance_profiles : The plot.

    Notes
    -----
    Profiles were designed for solver times, where lower is better and ratios make sense
    [1]_. Ratios of scores do not: 0.98 to 0.99 would look negligible although it halves
    the error. So the ratios are those of the gap to a perfect score.

    References
    ----------
    .. [1] E. D. Dolan, J. J. More, "Benchmarking optimization software with
       performance profiles", Mathematical Programming 91, 2002.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.reporting import performance_profile
    >>> table = pd.DataFrame({"a": [0.5, 0.9], "b": [0.75, 0.6]})
    >>> performance_profile(table, [1, 2, 4])
           a    b
    tau
    1    0.5  0.5
    2    1.0  0.5
    4    1.0  1.0
    """
    tau = np.atleast_1d(np.asarray(tau))
    if not (tau >= 1).all():
        raise ValueError(
            f"tau={tau.tolist()} must hold factors of at least 1: 1 is the best method "
            "itself."
        )
    if not len(table):
        raise ValueError("table has no rows; a profile needs at least one data set.")
    ratios = performance_ratios(table, greater_is_better=greater_is_better, floor=floor)
    # A ratio such as 0.3 / 0.1 exceeds 3 by rounding alone.
    reached = ratios.to_numpy() <= tau[:, None, None] * (1 + 1e-12)
    return pd.DataFrame(
        reached.mean(axis=1), index=pd.Index(tau, name="tau"), columns=ratios.columns
    )
