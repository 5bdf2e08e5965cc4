"""Worst-case accuracy."""

from inspect import signature

import numpy as np
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils.validation import column_or_1d

from imbdeep._arguments import shown
from imbdeep.attacks._checks import check_attack
from imbdeep.attacks._evaluate import adversarial_rows, robust_predictions
from imbdeep.attacks._scored_rows import (
    read_rows,
    refuse_per_class,
    rows_of_interest,
    rows_of_known_classes,
    share_per_class,
)


def robust_accuracy(
    estimator, X, y, *, eps, rows="all", class_counts=None, random_state=None, **attack
):
    """Worst-case accuracy of a classifier on rows that may move within ``eps``.

    Parameters
    ----------
    estimator, X, y, eps
        See :func:`adversarial_rows`; ``eps=0`` gives the standard accuracy. Rows of a
        class that the estimator has not seen, as in folds of a very rare class, count
        as wrong.
    rows : {'all', 'per_class', 'under_represented'} or list of labels, default='all'
        Rows to score: all; those of each class; those of the rarer half of the
        classes, see :func:`~imbdeep.metrics.under_represented`; or those of the classes
        in a list, such as ``['fraud']``.
    class_counts : array-like of shape (n_classes,), mapping, Series or None, \
            default=None
        Number of training rows per class, for 'under_represented': in the order of
        ``classes_``, or by label, such as ``y_train.value_counts()``. None takes the
        estimator's ``class_counts_``.
    random_state : int, RandomState instance or None, default=None
        See :func:`adversarial_rows`.
    **attack
        Further parameters of :func:`adversarial_rows`, such as ``norm``,
        ``attack_steps`` or ``restarts``.

    Returns
    -------
    accuracy : float, or ndarray of shape (n_classes,)
        For 'per_class' an array in the order of ``classes_``, NaN for classes without
        rows in ``y``.

    Raises
    ------
    ValueError
        If ``rows`` is unknown, or ``y`` has no such row. See also
        :func:`adversarial_rows`.

    See Also
    --------
    make_robust_scorer : The same for ``scoring=``.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.attacks import robust_accuracy
    >>> from imbdeep.classifiers import AdversarialClassifier
    >>> X, y = make_classification(weights=[0.8], flip_y=0, random_state=0)
    >>> net = AdversarialClassifier(eps=0.2, max_epochs=5, random_state=0).fit(X, y)
    >>> robust_accuracy(net, X, y, eps=0.2, rows="per_class", random_state=0).shape
    (2,)
    """
    rows, y = read_rows(rows), column_or_1d(y)
    check_consistent_length(X, y)
    if rows not in ("all", "per_class"):
        scored = rows_of_interest(estimator, y, rows, class_counts)
        X, y = _safe_indexing(X, scored), y[scored]
    # Rows of a class that training lacked are wrong without any attack.
    known = rows_of_known_classes(estimator, y)
    right = np.zeros(len(y), dtype=bool)
    if len(known):
        y_pred = robust_predictions(
            estimator,
            _safe_indexing(X, known),
            y[known],
            eps=eps,
            random_state=random_state,
            **attack,
        )
        right[known] = y_pred == y[known]
    if rows == "per_class":
        return share_per_class(right, y, estimator.classes_)
    return float(right.mean())


def make_robust_scorer(
    *, eps, rows="all", class_counts=None, random_state=None, **attack
):
    """Make a scorer for the robust accuracy.

    Parameters
    ----------
    eps
        See :func:`robust_accuracy`.
    rows : {'all', 'under_represented'} or list of labels, default='all'
        Rows to score. Those of one class, as in ``['fraud']``, give its recall.
    class_counts, random_state, **attack
        See :func:`robust_accuracy`.

    Returns
    -------
    scorer : callable
        Takes ``(estimator, X, y)``; for ``scoring=``.

    Raises
    ------
    ValueError
        If ``rows`` or a parameter of the attack is invalid.
    TypeError
        If a parameter is unknown.

    See Also
    --------
    robust_accuracy : The metric.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.model_selection import cross_val_score
    >>> from imbdeep.attacks import make_robust_scorer
    >>> from imbdeep.classifiers import AdversarialClassifier
    >>> X, y = make_classification(weights=[0.8], flip_y=0, random_state=0)
    >>> scorer = make_robust_scorer(eps=0.2, rows="under_represented", random_state=0)
    >>> net = AdversarialClassifier(eps=0.2, max_epochs=5, random_state=0)
    >>> cross_val_score(net, X, y, scoring=scorer, cv=2).shape
    (2,)
    """
    parameters = {
        "eps": eps,
        "rows": rows,
        "class_counts": class_counts,
        "random_state": random_state,
        **attack,
    }
    check_scorer(parameters, "robust_accuracy", adversarial_rows, check_attack)
    return Scorer(robust_accuracy, "make_robust_scorer", parameters)


def check_scorer(parameters, per_class, attack, check):
    """Refuse a wrong parameter now, and not in each fold as a score of NaN.

    Parameters
    ----------
    parameters : dict
        ``rows`` and ``class_counts``, and what the attack is given.
    per_class : str
        The function that has scores of each class.
    attack : callable
        Takes the parameters after a classifier, rows and labels.
    check : callable
        Checks all of its arguments, defaults included.

    Raises
    ------
    ValueError, TypeError
    """
    given = dict(parameters)
    rows, _ = given.pop("rows"), given.pop("class_counts")
    if read_rows(rows) == "per_class":
        refuse_per_class(per_class)
    bound = signature(attack).bind(None, None, None, **given)
    bound.apply_defaults()
    check(bound.arguments)


class Scorer:
    """A metric with its parameters, as scikit-learn calls it.

    Parameters
    ----------
    metric : function
        Takes ``(estimator, X, y)`` and the parameters.
    maker : str
        Name of the public function that makes such scorers, to show.
    parameters : dict
    """

    def __init__(self, metric, maker, parameters):
        self.metric = metric
        self.maker = maker
        self.parameters = parameters

    def __call__(self, estimator, X, y):
        return self.metric(estimator, X, y, **self.parameters)

    def __repr__(self):
        given = ", ".join(
            f"{name}={shown(value)}" for name, value in self.parameters.items()
        )
        return f"{self.maker}({given})"
