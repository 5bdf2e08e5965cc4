"""From probabilities to labels: what is predicted, given what errors cost."""

import warnings
from dataclasses import dataclass
from numbers import Real

import numpy as np

from imbdeep._arguments import naming_value
from imbdeep.classifiers._imbalanced.calibrating import check_calibration
from imbdeep.classifiers._imbalanced.thresholds import (
    METRICS,
    best_threshold,
    count_at_thresholds,
)

_FORMS = (
    f"'default', a metric among {sorted(METRICS)}, a number in [0, 1], ('recall', r), "
    "('precision', p) or a matrix of costs"
)
_OF_MANY = "'default', 'balanced_accuracy' or a matrix of costs"


def cheapest(proba, costs):
    """Class with the least expected cost.

    Parameters
    ----------
    proba : ndarray of shape (n, n_classes)
    costs : ndarray of shape (n_classes, n_classes) or (n, n_classes, n_classes)
        Of each true class (rows) and predicted class (columns); of each row of the
        table, if they differ.

    Returns
    -------
    ndarray of shape (n,), int

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.decisions import cheapest
    >>> costs = np.array([[0, 1], [9, 0]])  # A miss costs nine false alarms.
    >>> cheapest(np.array([[0.95, 0.05], [0.85, 0.15]]), costs)
    array([0, 1])
    """
    return (proba[:, None, :] @ costs)[:, 0].argmin(axis=1)


def read_costs(name, costs, shape):
    """Read costs, and refuse those that make no sense.

    Parameters
    ----------
    name : str
        Of the parameter, for errors.
    costs : array-like of shape ``shape``
    shape : tuple of int

    Returns
    -------
    ndarray of shape ``shape``, float

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep.classifiers._imbalanced.decisions import read_costs
    >>> read_costs("threshold", [[0, 1], [5, 0]], (2, 2))
    array([[0., 1.],
           [5., 0.]])
    """
    with naming_value(name, costs):
        costs = np.asarray(costs, dtype=float)
    if costs.shape != shape:
        raise ValueError(
            f"{name} must have the shape {shape}, a cost for each true class (rows) "
            f"and predicted class (columns), got {costs.shape}."
        )
    if not np.isfinite(costs).all():
        raise ValueError(f"{name} holds a cost that is not finite.")
    right = np.diagonal(costs, axis1=-2, axis2=-1)
    wrong = np.argwhere(right > costs.min(-1))
    if len(wrong):
        row = f" in row {wrong[0][0]}" if costs.ndim == 3 else ""
        raise ValueError(
            f"{name} makes it cheaper to be wrong than right about class number "
            f"{wrong[0][-1]}{row}: the entry on the diagonal must be the smallest. "
            "Rows are true classes, columns predicted ones."
        )
    return costs


@dataclass(frozen=True)
class Decision:
    """What is predicted, given probabilities.

    Attributes
    ----------
    threshold : float or None
        Probability of the second of two classes from which on it is predicted.
    costs : ndarray of shape (n_classes, n_classes) or None
        They decide among more than two classes.
    """

    threshold: float | None
    costs: np.ndarray | None = None

    def __call__(self, proba):
        """Index of the class of each row."""
        if self.threshold is None:
            return cheapest(proba, self.costs)
        return (proba[:, 1] >= self.threshold).astype(int)


def is_learned(threshold, n_classes):
    """Whether a threshold, checked or not, is learned from rows held out."""
    metric = isinstance(threshold, str) and threshold != "default" and n_classes == 2
    return metric or _is_share(threshold)


def check_threshold(threshold, n_classes):
    """Refuse a threshold that no probabilities can have, before any training.

    Parameters
    ----------
    threshold : object
        See :class:`~imbdeep.classifiers.ImbalancedClassifier`.
    n_classes : int

    Raises
    ------
    ValueError
    """
    if isinstance(threshold, str):
        names = {"default", *METRICS}
        if threshold not in names:
            raise ValueError(f"threshold must be among {sorted(names)}, {threshold!r}.")
        needs_two = threshold not in ("default", "balanced_accuracy")
    elif _is_share(threshold):
        kind, wanted = threshold
        if kind not in ("recall", "precision") or not _is_number_in(wanted, 0, 1):
            raise ValueError(
                "threshold must be ('recall', r) or ('precision', p) with a number "
                f"above 0 and at most 1, got {threshold!r}."
            )
        needs_two = True
    elif isinstance(threshold, Real) and not isinstance(threshold, bool):
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must be in [0, 1], got {threshold!r}.")
        needs_two = True
    elif np.ndim(threshold) == 0:
        raise ValueError(f"threshold must be {_FORMS}, got {threshold!r}.")
    else:
        costs = read_costs("threshold", threshold, (n_classes, n_classes))
        if not (costs.max(1) > np.diagonal(costs)).all():
            raise ValueError(
                "threshold holds costs of a class that nothing is lost by missing: one "
                "entry of each row must be larger than that on the diagonal."
            )
        needs_two = False
    if needs_two and n_classes > 2:
        raise ValueError(
            f"threshold={threshold!r} is about two classes, and there are {n_classes}. "
            f"Pass {_OF_MANY}."
        )


def _is_share(threshold):
    is_pair = isinstance(threshold, tuple | list) and len(threshold) == 2
    return is_pair and isinstance(threshold[0], str)


def _is_number_in(value, low, high):
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and low < value <= high


def check_decisions(threshold, calibration, classes, counts):
    """Refuse what rows held out cannot decide, before any training.

    Parameters
    ----------
    threshold : object
    calibration : str or None
    classes : ndarray of shape (n_classes,)
    counts : ndarray of shape (n_classes,), int
        Rows of each class.

    Raises
    ------
    ValueError
    """
    check_threshold(threshold, len(classes))
    check_calibration(calibration, len(classes))
    lone = classes[counts == 1].tolist()
    learned = [f"calibration={calibration!r}"] if calibration is not None else []
    if is_learned(threshold, len(classes)):
        learned.append(f"threshold={threshold!r}")
    if lone and learned:
        raise ValueError(
            f"{' and '.join(learned)} would be learned from rows that are held out, "
            f"and a class of one row, such as {lone[0]!r}, never is. Gather more rows "
            "of it, merge it with another class or drop it."
        )
    if lone:
        warnings.warn(
            f"Of each of the classes {lone} there is one row, which all learners train "
            "on: nobody can tell how they fare, and oof_proba_ is NaN there.",
            UserWarning,
            stacklevel=2,
        )


def learn_decision(threshold, proba, y, sample_weight=None):
    """Learn what to predict from probabilities of rows that were not trained on.

    Parameters
    ----------
    threshold : object
        Checked.
    proba : ndarray of shape (n, n_classes)
    y : ndarray of shape (n,), int
        Class indices.
    sample_weight : ndarray of shape (n,) or None, default=None

    Returns
    -------
    Decision

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.decisions import learn_decision
    >>> proba = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.7, 0.3]])
    >>> round(learn_decision("f1", proba, np.array([0, 0, 1, 1])).threshold, 2)
    0.25
    >>> learn_decision([[0, 1], [9, 0]], proba, np.array([0, 0, 1, 1])).threshold
    0.1
    """
    n_classes = proba.shape[1]
    if isinstance(threshold, str) and threshold == "default":
        return _by_costs(1.0 - np.eye(n_classes))
    if isinstance(threshold, str) and n_classes > 2:
        shares = np.bincount(y, sample_weight, n_classes)
        # A class of weight 0 has no say.
        inverse = np.divide(shares.sum(), shares, np.zeros(n_classes), where=shares > 0)
        return _by_costs((1.0 - np.eye(n_classes)) * inverse[:, None])
    if is_learned(threshold, n_classes):
        is_judged = ~np.isnan(proba[:, 1])
        if sample_weight is not None:
            is_judged &= sample_weight > 0
            sample_weight = sample_weight[is_judged]
        is_positive, score = y[is_judged] == 1, proba[is_judged, 1]
        if is_positive.all() or not is_positive.any():
            raise ValueError(
                f"threshold={threshold!r} cannot be chosen: of one of the two classes "
                "no row was held out, or none that has a weight. Pass 'default', a "
                "number or costs."
            )
        counts = count_at_thresholds(is_positive, score, sample_weight)
        return Decision(best_threshold(counts, threshold))
    if isinstance(threshold, Real):
        return Decision(float(threshold))
    return _by_costs(read_costs("threshold", threshold, (n_classes, n_classes)))


def _by_costs(costs):
    if len(costs) > 2:
        return Decision(None, costs)
    # Halved, so that no difference is too large for a float.
    false_alarm = costs[0, 1] / 2 - costs[0, 0] / 2
    miss = costs[1, 0] / 2 - costs[1, 1] / 2
    return Decision(float(1 / (1 + miss / false_alarm)))
