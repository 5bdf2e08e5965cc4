"""How much a curve over thresholds would differ with other rows."""

import numpy as np
from sklearn.utils import check_random_state

from imbdeep.metrics._thresholds import Counts, count_at_thresholds

MOST_THRESHOLDS = 1000


def thinned(counts, most):
    """Fewer thresholds, evenly spaced by the rows of each class that lie between.

    Parameters
    ----------
    counts : Counts
        Of both classes.
    most : int
        About how many are left.

    Returns
    -------
    Counts
        The first and the last threshold are among them.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.metrics._thresholds import count_at_thresholds
    >>> from imbdeep.displays._bootstrap import thinned
    >>> score = np.linspace(1, 0, 10_000)
    >>> counts = thinned(count_at_thresholds(np.arange(10_000) < 9, score), 100)
    >>> len(counts.thresholds) < 110, sorted(set(counts.tp.astype(int).tolist()))
    (True, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    if len(counts.thresholds) <= most:
        return counts
    # By rows alone the few of a rare class would fall between two thresholds.
    passed = counts.tp / counts.tp[-1] + counts.fp / counts.fp[-1]
    kept = np.searchsorted(passed, np.linspace(0, 2, most))
    kept = np.unique(np.r_[0, np.minimum(kept, len(passed) - 1), len(passed) - 1])
    parts = (counts.thresholds, counts.tp, counts.fp, counts.fn, counts.tn)
    return Counts(*(part[kept] for part in parts))


def jumps(thresholds, score):
    """Where counts jump: the lowest score that reaches each threshold.

    Parameters
    ----------
    thresholds : ndarray of shape (m,)
        Between scores.
    score : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (m,)
        A threshold that no score reaches stays as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.displays._bootstrap import jumps
    >>> jumps(np.array([1.0, 0.6, 0.0]), np.array([0.4, 0.8])).tolist()
    [1.0, 0.8, 0.4]
    """
    levels = np.unique(score)
    place = np.searchsorted(levels, thresholds)
    reached = place < len(levels)
    return np.where(reached, levels[np.where(reached, place, 0)], thresholds)


def resampled_counts(
    is_positive, score, weight, *, n_bootstraps, random_state, most=MOST_THRESHOLDS
):
    """Count at thresholds for the rows, and for rows drawn from them.

    Rows of each class are drawn with replacement, as many as there are: with few rare
    rows some draws would have none otherwise.

    Parameters
    ----------
    is_positive : ndarray of shape (n,), bool
        Of both classes.
    score : ndarray of shape (n,)
        In [0, 1].
    weight : ndarray of shape (n,)
    n_bootstraps : int, at least 0
    random_state : int, RandomState or None
    most : int, default=1000
        Of more thresholds, so many are kept.

    Returns
    -------
    counts : Counts
        Arrays of shape (m,).
    resampled : Counts
        Arrays of shape (n_bootstraps, m), but for the thresholds, which are the same.
    """
    counts = thinned(count_at_thresholds(is_positive, score, weight), most)
    thresholds = counts.thresholds
    # Number of the first threshold that a row reaches.
    place = np.searchsorted(-thresholds, -score)
    state = check_random_state(random_state)
    found = []
    for rows in (np.flatnonzero(is_positive), np.flatnonzero(~is_positive)):
        sums = np.empty((n_bootstraps, len(thresholds)))
        for one in sums:
            drawn = state.choice(rows, len(rows))
            one[:] = np.bincount(place[drawn], weight[drawn], len(thresholds))
        found.append(np.cumsum(sums, axis=1))
    tp, fp = found
    return counts, Counts(thresholds, tp, fp, tp[:, -1:] - tp, fp[:, -1:] - fp)


def pointwise_band(curves, confidence_level):
    """Quantiles at each point of several curves.

    Parameters
    ----------
    curves : ndarray of shape (n_curves, m)
        NaN where a curve has no value.
    confidence_level : float in (0, 1)

    Returns
    -------
    lower, upper : ndarray of shape (m,), or None if there are no curves
        NaN where no curve has a value.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.displays._bootstrap import pointwise_band
    >>> lower, upper = pointwise_band(np.arange(101.0)[:, None], 0.9)
    >>> float(lower[0].round(6)), float(upper[0].round(6))
    (5.0, 95.0)
    """
    if not len(curves):
        return None, None
    band = np.full((2, curves.shape[1]), np.nan)
    has_value = ~np.isnan(curves).all(axis=0)
    outside = (1 - confidence_level) / 2
    band[:, has_value] = np.nanquantile(
        curves[:, has_value], [outside, 1 - outside], axis=0
    )
    return tuple(band)
