"""From probabilities to labels: what is predicted, given what errors cost."""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from imbdeep._arguments import naming_value
from imbdeep.classifiers._imbalanced.label_scores import (
    best_by_score,
    is_function,
    label_score,
)
from imbdeep.metrics._thresholds import best_threshold, count_at_thresholds


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


def _by_label(name, costs, classes):
    """Costs of a data frame in the order of classes, if it names them."""
    if not (hasattr(costs, "index") and hasattr(costs, "columns")):
        return costs
    known = classes.tolist()
    axes = [list(costs.index), list(costs.columns)]
    if all(len(labels) == len(known) == len(set(labels)) for labels in axes):
        if all(set(labels) == set(known) for labels in axes):
            rows, columns = ([labels.index(c) for c in known] for labels in axes)
            return np.asarray(costs)[np.ix_(rows, columns)]
        # The labels of a frame that was given none.
        if all(labels == list(range(len(known))) for labels in axes):
            return costs
    raise ValueError(
        f"{name} is a data frame with the rows {axes[0]} and the columns {axes[1]}, "
        f"and the classes are {known}. Name both rows and columns by these, or pass an "
        "array in their order."
    )


def read_costs(name, costs, shape, classes=None):
    """Read costs, and refuse those that make no sense.

    Parameters
    ----------
    name : str
        Of the parameter, for errors.
    costs : array-like of shape ``shape``
    shape : tuple of int
    classes : ndarray of shape (n_classes,) or None, default=None
        Labels, by which a data frame may name its rows and columns; None if they are
        not looked at.

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
    if classes is not None:
        costs = _by_label(name, costs, classes)
    with naming_value(name, costs):
        costs = np.asarray(costs, dtype=float)
    if costs.shape != shape:
        raise ValueError(
            f"{name} must have the shape {shape}, a cost for each true class (rows) "
            f"and predicted class (columns), got {costs.shape}."
        )
    if not np.isfinite(costs).all():
        raise ValueError(f"{name} holds a cost that is not finite.")
    if costs.ndim == 3:
        # A single row may be worth less than its alarm.
        return costs
    wrong = np.flatnonzero(np.diagonal(costs) > costs.min(axis=1))
    if len(wrong):
        raise ValueError(
            f"{name} makes it cheaper to be wrong than right about class number "
            f"{wrong[0]}: the entry on the diagonal must be the smallest. Rows are "
            "true classes, columns predicted ones."
        )
    return costs


@dataclass(frozen=True)
class Decision:
    """What is predicted, given probabilities.

    Attributes
    ----------
    threshold : float or None
        Probability of the positive one of two classes from which on it is predicted.
    costs : ndarray of shape (n_classes, n_classes) or None
        They decide among more than two classes.
    positive : int, default=1
        Index of the positive class.
    """

    threshold: float | None
    costs: np.ndarray | None = None
    positive: int = 1

    def __call__(self, proba):
        """Index of the class of each row."""
        if self.threshold is None:
            return cheapest(proba, self.costs)
        is_positive = proba[:, self.positive] >= self.threshold
        return np.where(is_positive, self.positive, 1 - self.positive)


def is_share(threshold):
    """Whether a threshold is a pair, of a share and its name."""
    is_pair = isinstance(threshold, tuple | list) and len(threshold) == 2
    return is_pair and isinstance(threshold[0], str)


def is_learned(threshold, n_classes):
    """Whether a threshold, checked or not, is learned from rows held out."""
    if is_share(threshold):
        return True
    is_metric = isinstance(threshold, str) and threshold != "default"
    return n_classes == 2 and (is_metric or callable(threshold))


def learn_decision(
    threshold, proba, y, sample_weight=None, *, classes=None, positive=1
):
    """Learn what to predict from probabilities of rows that were not trained on.

    Parameters
    ----------
    threshold : object
        Checked.
    proba : ndarray of shape (n, n_classes)
    y : ndarray of shape (n,), int
        Class indices.
    sample_weight : ndarray of shape (n,) or None, default=None
    classes : ndarray of shape (n_classes,) or None, default=None
        Labels, for functions of them and costs; None for the indices.
    positive : int, default=1
        Index of the positive one of two classes.

    Returns
    -------
    Decision

    Raises
    ------
    ValueError
        If rows held out cannot tell.

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
    classes = np.arange(n_classes) if classes is None else classes
    if isinstance(threshold, str) and threshold == "default":
        return _by_costs(1.0 - np.eye(n_classes), positive)
    if is_learned(threshold, n_classes):
        # Negative and positive.
        labels = classes[[1 - positive, positive]]
        found = _learn(
            threshold, proba[:, positive], y == positive, labels, sample_weight
        )
        return Decision(found, positive=positive)
    if isinstance(threshold, str):
        shares = np.bincount(y, sample_weight, n_classes)
        # A class of weight 0 has no say.
        inverse = np.divide(shares.sum(), shares, np.zeros(n_classes), where=shares > 0)
        return _by_costs((1.0 - np.eye(n_classes)) * inverse[:, None], positive)
    if isinstance(threshold, Real):
        return Decision(float(threshold), positive=positive)
    costs = read_costs("threshold", threshold, (n_classes, n_classes), classes)
    return _by_costs(costs, positive)


def none_to_learn_from(threshold):
    """Error of a threshold that no rows speak for.

    Examples
    --------
    >>> from imbdeep.classifiers._imbalanced.decisions import none_to_learn_from
    >>> none_to_learn_from("f1")
    ValueError("threshold='f1' cannot be chosen: ...")
    """
    return ValueError(
        f"threshold={threshold!r} cannot be chosen: of one of the two classes no row "
        "was held out, or none that has a weight. Pass 'default', a number or costs."
    )


def _learn(threshold, score, is_positive, labels, sample_weight):
    is_judged = ~np.isnan(score)
    if sample_weight is not None:
        is_judged &= sample_weight > 0
        sample_weight = sample_weight[is_judged]
    is_positive, score = is_positive[is_judged], score[is_judged]
    if is_positive.all() or not is_positive.any():
        raise none_to_learn_from(threshold)
    if is_function(threshold):
        if isinstance(threshold, str):
            # scikit-learn's are about a class 1, whatever is positive here.
            labels = np.arange(2)
        y = labels[is_positive.astype(int)]
        return best_by_score(label_score(threshold), y, score, labels, sample_weight)
    counts = count_at_thresholds(is_positive, score, sample_weight)
    return best_threshold(counts, threshold)


def _by_costs(costs, positive):
    if len(costs) > 2:
        return Decision(None, costs)
    negative = 1 - positive
    # Halved, so that no difference is too large for a float.
    false_alarm = costs[negative, positive] / 2 - costs[negative, negative] / 2
    miss = costs[positive, negative] / 2 - costs[positive, positive] / 2
    return Decision(float(1 / (1 + miss / false_alarm)), positive=positive)
