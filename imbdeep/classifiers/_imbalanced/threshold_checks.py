"""What thresholds are refused, before any training."""

import warnings
from numbers import Real

import numpy as np

from imbdeep._arguments import naming_value
from imbdeep.classifiers._imbalanced.calibrating import (
    check_calibration,
    too_few_to_calibrate,
)
from imbdeep.classifiers._imbalanced.decisions import (
    is_learned,
    is_share,
    none_to_learn_from,
    read_costs,
)
from imbdeep.classifiers._imbalanced.label_scores import is_function, label_score
from imbdeep.metrics._thresholds import METRICS

_FORMS = (
    f"'default', a metric among {sorted(METRICS)}, a number in [0, 1], ('recall', r), "
    "('precision', p), a function of labels or a matrix of costs"
)
_OF_MANY = "'default', 'balanced_accuracy' or a matrix of costs"


def check_threshold(threshold, classes):
    """Refuse a threshold that no probabilities can have, before any training.

    Parameters
    ----------
    threshold : object
        See :class:`~imbdeep.classifiers.ImbalancedClassifier`.
    classes : ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
    """
    if is_function(threshold):
        label_score(threshold)
        needs_two = True
    elif isinstance(threshold, str):
        needs_two = threshold not in ("default", "balanced_accuracy")
    elif is_share(threshold):
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
    else:
        _check_costs(threshold, classes)
        needs_two = False
    if needs_two and len(classes) > 2:
        raise ValueError(
            f"threshold={threshold!r} is about two classes, and there are "
            f"{len(classes)}. Pass {_OF_MANY}."
        )


def _check_costs(threshold, classes):
    with naming_value("threshold", threshold):
        is_one = np.ndim(threshold) == 0
    if is_one:
        raise ValueError(f"threshold must be {_FORMS}, got {threshold!r}.")
    shape = (len(classes), len(classes))
    costs = read_costs("threshold", threshold, shape, classes)
    if not (costs.max(1) > np.diagonal(costs)).all():
        raise ValueError(
            "threshold holds costs of a class that nothing is lost by missing: one "
            "entry of each row must be larger than that on the diagonal."
        )


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
    check_threshold(threshold, classes)
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


def warn_of_lone_rows(classes, counts):
    """Warn of classes of one row, of which nothing can be told.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    counts : ndarray of shape (n_classes,), int
        Rows of each class.
    """
    lone = classes[counts == 1].tolist()
    if lone:
        warnings.warn(
            f"Of each of the classes {lone} there is one row, which all learners train "
            "on: nobody can tell how they fare, and oof_proba_ is NaN there.",
            UserWarning,
            stacklevel=2,
        )


def check_rows(threshold, calibration, classes, y, sample_weight=None, groups=None):
    """Refuse what these rows cannot decide, before any training.

    Parameters
    ----------
    threshold : object
        Checked.
    calibration : str or None
    classes : ndarray of shape (n_classes,)
    y : ndarray of shape (n,), int
        Class indices.
    sample_weight : ndarray of shape (n,) or None, default=None
    groups : ndarray of shape (n,), int, or None, default=None

    Raises
    ------
    ValueError
        If something is to be learned of a class that is never held out, or has no
        weight; or if the threshold is a function that returns no number.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.threshold_checks import check_rows
    >>> y = np.array([0, 0, 1, 1])
    >>> check_rows("f1", None, np.arange(2), y, groups=y)
    Traceback (most recent call last):
    ValueError: threshold='f1' cannot be chosen: ...
    """
    indices = range(len(classes))
    # All models train on the only group of a class.
    is_kept = groups is not None and any(
        len(np.unique(groups[y == index])) == 1 for index in indices
    )
    if calibration is not None and is_kept:
        raise too_few_to_calibrate(calibration)
    is_weightless = sample_weight is not None and not all(
        sample_weight[y == index].any() for index in indices
    )
    if is_learned(threshold, len(classes)) and (is_kept or is_weightless):
        raise none_to_learn_from(threshold)
    # Names of scorers are told which class is positive.
    labels = y if isinstance(threshold, str) else classes[y]
    try_out(threshold, labels, sample_weight)


def try_out(threshold, y, sample_weight=None):
    """Call a function of labels once, before any training, if the threshold is one.

    Parameters
    ----------
    threshold : object
        Checked.
    y : ndarray of shape (n,)
        Labels.
    sample_weight : ndarray of shape (n,) or None, default=None

    Raises
    ------
    ValueError
        If it returns no number.

    Examples
    --------
    >>> from imbdeep.classifiers._imbalanced.threshold_checks import try_out
    >>> try_out(lambda y_true, y_pred: "good", ["yes", "no"])
    Traceback (most recent call last):
    ValueError: threshold=<function <lambda> at ...> must return a number, ...
    """
    if is_function(threshold):
        label_score(threshold)(y, y, sample_weight)


def positive_index(pos_label, classes):
    """Index of the positive one of two classes.

    Parameters
    ----------
    pos_label : object
        None for the second.
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    int

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.threshold_checks import positive_index
    >>> positive_index("churned", np.array(["churned", "stayed"]))
    0
    """
    if pos_label is None:
        return 1
    known = classes.tolist()
    if len(known) > 2:
        raise ValueError(
            f"pos_label={pos_label!r} is about two classes, and there are "
            f"{len(known)}. Pass None."
        )
    # An array would compare itself with a label entry by entry.
    if np.ndim(pos_label) or pos_label not in known:
        raise ValueError(f"pos_label must be None or among {known}, got {pos_label!r}.")
    return known.index(pos_label)
