"""Which threshold is best, by rows with scores."""

import warnings
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Rows right and wrong if those at or above a threshold are called positive.

    Each entry is an array with one value per threshold.

    Attributes
    ----------
    thresholds : ndarray of shape (m,)
        Falling; halfway between neighbours among the different scores.
    tp, fp, fn, tn : ndarray of shape (m,)
        True and false positives and negatives, or their weights.
    """

    thresholds: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray


def count_at_thresholds(is_positive, score, sample_weight=None):
    """Count for every threshold that makes a difference.

    Parameters
    ----------
    is_positive : ndarray of shape (n,), bool
    score : ndarray of shape (n,)
        In [0, 1].
    sample_weight : ndarray of shape (n,) or None, default=None

    Returns
    -------
    Counts

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.metrics._thresholds import count_at_thresholds
    >>> counts = count_at_thresholds(np.array([True, False]), np.array([0.8, 0.4]))
    >>> counts.thresholds.round(1).tolist(), counts.tp.tolist(), counts.fp.tolist()
    ([1.0, 0.6, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0])
    """
    weight = np.ones(len(score)) if sample_weight is None else sample_weight
    order = np.argsort(-score, kind="stable")
    falling = score[order]
    last_of_equals = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    found = [
        np.append(0.0, np.cumsum(weight[order] * of_class)[last_of_equals])
        for of_class in (is_positive[order], ~is_positive[order])
    ]
    values = falling[last_of_equals]
    # Above the highest score nothing is positive, at 0 everything.
    above = 1.0 if values[0] < 1 else np.nextafter(values[0], 2)
    between = (values[:-1] + values[1:]) / 2
    # Rounding may put a value halfway to the next one onto that.
    between = np.where(between > values[1:], between, values[:-1])
    tp, fp = found
    return Counts(np.r_[above, between, 0.0], tp, fp, tp[-1] - tp, fp[-1] - fp)


def _ratio(numerator, denominator):
    return np.divide(
        numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0
    )


def _recall(c):
    return _ratio(c.tp, c.tp + c.fn)


def _specificity(c):
    return _ratio(c.tn, c.tn + c.fp)


def _mcc(c):
    product = (c.tp + c.fp) * (c.tp + c.fn) * (c.tn + c.fp) * (c.tn + c.fn)
    return _ratio(c.tp * c.tn - c.fp * c.fn, np.sqrt(product))


METRICS = {
    "balanced_accuracy": lambda c: (_recall(c) + _specificity(c)) / 2,
    "f1": lambda c: _ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn),
    "g_mean": lambda c: np.sqrt(_recall(c) * _specificity(c)),
    "mcc": _mcc,
    "matthews_corrcoef": _mcc,  # scikit-learn's name
}


def middle_of_best(values):
    """Position of the best value: of several in a row, the middle one.

    Parameters
    ----------
    values : ndarray of shape (m,)

    Returns
    -------
    int
        0 if all are equally good.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.metrics._thresholds import middle_of_best
    >>> int(middle_of_best(np.array([0.1, 0.7, 0.7, 0.7, 0.2, 0.7])))
    2
    """
    best = np.flatnonzero(values >= values.max() - 1e-12)
    # Only those next to the first: another region may be as good by chance.
    run = best[: np.argmax(np.append(np.diff(best) > 1, True)) + 1]
    return 0 if len(run) == len(values) else run[len(run) // 2]


def best_threshold(counts, criterion):
    """Threshold that is best by a criterion.

    Parameters
    ----------
    counts : Counts
    criterion : str or tuple (str, float)
        A name in ``METRICS``, which is maximised.
        ``('recall', r)`` is the highest threshold that finds the share ``r`` of the
        positive rows, ``('precision', p)`` the one that finds most of them while the
        share ``p`` of those called positive is.

    Returns
    -------
    float
        The middle one, if several in a row are equally good; if all are, the highest,
        so that learners that know nothing raise no alarms.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.metrics._thresholds import best_threshold, count_at_thresholds
    >>> is_positive = np.array([True, True, False, False])
    >>> counts = count_at_thresholds(is_positive, np.array([0.4, 0.3, 0.2, 0.1]))
    >>> round(best_threshold(counts, "f1"), 2)
    0.25
    """
    if isinstance(criterion, str):
        return float(counts.thresholds[middle_of_best(METRICS[criterion](counts))])
    name, wanted = criterion
    if name == "recall":
        enough = np.flatnonzero(_recall(counts) >= wanted - 1e-12)
        return float(counts.thresholds[enough[0]])
    precision = _ratio(counts.tp, counts.tp + counts.fp)
    if precision.max() < wanted - 1e-12:
        warnings.warn(
            f"threshold=('precision', {wanted}) cannot be reached: out of fold the "
            f"highest precision is {precision.max():.3f}, which it is set to.",
            UserWarning,
            stacklevel=3,
        )
        wanted = precision.max()
    enough = precision >= wanted - 1e-12
    # The first that finds as many: later ones add false alarms alone.
    return float(counts.thresholds[np.where(enough, counts.tp, -1.0).argmax()])
