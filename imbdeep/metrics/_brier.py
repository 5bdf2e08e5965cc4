"""Balanced Brier score: the probabilities of all classes count equally."""

import numpy as np
from sklearn.metrics._scorer import _BaseScorer
from sklearn.utils.multiclass import unique_labels

from imbdeep._switches import usual_numbers
from imbdeep.metrics._targets import (
    check_proba,
    check_targets,
    check_weights,
    positive_label,
)


def squared_error_per_row(column_of_row, proba):
    """Return half the squared distance between one-hot rows and `proba`."""
    error = proba.copy()  # it may be the caller's array
    error[np.arange(len(proba)), column_of_row] -= 1
    return 0.5 * (error**2).sum(axis=1)


def _check_classes(y_true, labels):
    """Return the classes in the order of the columns of `y_proba`."""
    if labels is None:
        return np.unique(y_true)
    classes = np.asarray(labels)
    if len(np.unique(classes)) != len(classes):
        raise ValueError(f"labels must not repeat a class, got {classes.tolist()}.")
    strange = sorted(set(y_true.tolist()) - set(classes.tolist()))
    if strange:
        raise ValueError(
            f"y_true holds {strange}, not among labels={classes.tolist()}; pass every "
            "class that the classifier knows."
        )
    return classes


def _column_of_row(y_true, proba, classes):
    """Return the column that holds the probability of each row's own class."""
    if len(classes) != proba.shape[1]:
        raise ValueError(
            f"y_proba has {proba.shape[1]} columns for {len(classes)} classes "
            f"({classes.tolist()}); pass labels, the class of each column."
        )
    order = np.argsort(classes)
    return order[np.searchsorted(classes, y_true, sorter=order)]


@usual_numbers()
def balanced_brier_score(
    y_true, y_proba, *, labels=None, pos_label=None, sample_weight=None
):
    r"""Compute the mean of the Brier scores of the classes.

    The Brier score of an imbalanced problem is nearly that of the majority class. The
    balanced one is computed on the rows of each class and averaged, so that rare and
    frequent classes have the same weight [1]_. 0 is best, 1 is worst; predicting 0.5
    for two classes gives 0.25.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels: numbers, strings or booleans, two classes or more.

    y_proba : array-like of shape (n_samples,) or (n_samples, n_classes)
        Probabilities in [0, 1]. A 1-D array is the probability of the positive
        class. The rows of a 2-D array sum to 1.

    labels : array-like of shape (n_classes,), default=None
        ``labels[j]`` is the class of column ``j``: the fitted `classes_`. None takes
        the sorted classes of `y_true`, which match the columns of `predict_proba`
        unless a class has no row here. With a 1-D `y_proba`, the two classes.

    pos_label : int, float, bool or str, default=None
        The class whose probability a 1-D `y_proba` holds. None means the last of
        `labels`; without `labels`, the greater of two classes, as in
        ``predict_proba(X)[:, 1]``. If `y_true` holds only one class, None means 1 for
        labels among -1, 0, 1 and booleans, and raises an error otherwise. No effect on
        a 2-D `y_proba`.

    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights. They apply within a class only: all classes with a
        positive weight still count equally.

    Returns
    -------
    score : float
        In [0, 1], lower is better.

    Raises
    ------
    ValueError
        If probabilities are not finite, not in [0, 1] or do not sum to 1, if columns
        and classes differ in number, or if lengths differ.

    See Also
    --------
    sklearn.metrics.brier_score_loss : All rows count equally.
    sklearn.metrics.balanced_accuracy_score : The same balance, for labels.

    Notes
    -----
    With :math:`S_j` the rows of class :math:`j` and :math:`K` classes present in
    `y_true`,

    .. math::
        \frac{1}{K} \sum_{j=1}^{K} \frac{1}{|S_j|} \sum_{i \in S_j}
        \frac{1}{2} \sum_{c=1}^{C} (y_{ic} - \hat p_{ic})^2 .

    For two classes the inner term is :math:`(y_i - \hat p_i)^2`.

    NOTE: The paper prints the Brier score of one class with the square inside the
    parenthesis, :math:`(y_i - \hat p_i^2)`; it means, and this function uses, the usual
    :math:`(y_i - \hat p_i)^2` of its source.

    NOTE: The paper gives the formula for two classes. For more, the factor 1/2 keeps
    the range [0, 1], and gives the same number for one column and both columns of a
    binary problem. :func:`sklearn.metrics.brier_score_loss` uses that factor for two
    classes only; for a comparison with more classes, pass it ``scale_by_half=True``.

    References
    ----------
    .. [1] C. Bellinger, R. Corizzo, N. Japkowicz, "ReMix Training for Calibrated
       Imbalanced Deep Learning", 2020. Section "Metrics and Evaluation", equation 3.

    Examples
    --------
    >>> from imbdeep.metrics import balanced_brier_score
    >>> y_true = [0, 0, 0, 0, 1]
    >>> balanced_brier_score(y_true, [0.0, 0.0, 0.0, 0.0, 0.2])
    0.32...
    >>> balanced_brier_score(
    ...     ["a", "b", "c"], [[0.8, 0.2, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0]]
    ... )
    0.26...
    """
    proba = check_proba(y_proba)
    y_true = check_targets(y_true, proba)
    weight = check_weights(sample_weight, y_true)

    classes = _check_classes(y_true, labels)

    if proba.ndim == 1:
        if labels is not None and pos_label is None:
            pos_label = classes[-1]
        column = (y_true == positive_label(classes, pos_label)).astype(int)
        proba = np.column_stack([1 - proba, proba])
    else:
        column = _column_of_row(y_true, proba, classes)

    error = squared_error_per_row(column, proba)
    weight_per_class = np.bincount(column, weights=weight)
    error_per_class = np.bincount(column, weights=weight * error)
    present = weight_per_class > 0
    return float(np.mean(error_per_class[present] / weight_per_class[present]))


class _BalancedBrierScorer(_BaseScorer):
    """A scorer as ``make_scorer`` makes it, with a column for each class.

    It bypasses ``method_caller``, which caches one column for two classes: that of the
    positive class of whichever scorer came first.
    """

    def _score(self, method_caller, estimator, X, y_true, **kwargs):
        proba = np.asarray(estimator.predict_proba(X))
        y_true = check_targets(y_true, proba)
        classes = np.asarray(estimator.classes_)
        labels = unique_labels(classes, y_true)
        # Classes that training lacked have probability 0.
        every_class = np.zeros((len(proba), len(labels)))
        every_class[:, np.searchsorted(labels, classes)] = proba
        return self._sign * self._score_func(
            y_true, every_class, labels=labels, **self._kwargs, **kwargs
        )


#: Minus :func:`balanced_brier_score`, for ``scoring=``. Columns follow the classifier's
#: `classes_`, so the scored rows may lack a class; a class that training lacked has
#: probability 0.
balanced_brier_scorer = _BalancedBrierScorer(
    balanced_brier_score, -1, {}, "predict_proba"
)
