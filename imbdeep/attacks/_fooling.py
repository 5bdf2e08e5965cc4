"""What one perturbation of all rows does to predictions."""

import numpy as np
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils.validation import check_is_fitted, column_or_1d

from imbdeep.attacks._scored_rows import (
    read_rows,
    rows_of_interest,
    rows_of_known_classes,
    share_per_class,
)
from imbdeep.attacks._scorer import Scorer, check_scorer
from imbdeep.attacks._universal import (
    check_universal,
    perturbed_rows,
    universal_perturbation,
)


def fooling_rate(
    estimator, X, perturbation, *, y=None, rows="all", class_counts=None, box=None
):
    """Share of the rows whose prediction changes when a perturbation is added.

    Parameters
    ----------
    estimator : fitted classifier
        Any; the perturbation may come from another one.
    X : array-like
        See :func:`perturbed_rows`.
    perturbation : array-like of the shape of a row
        Such as :func:`universal_perturbation` returns.
    y : array-like of shape (n_samples,) or None, default=None
        True labels, for ``rows`` other than 'all'.
    rows : {'all', 'per_class', 'under_represented'} or list of labels, default='all'
        Rows to count: all; those of each class; those of the rarer half of the
        classes, see :func:`~imbdeep.metrics.under_represented`; or those of the classes
        in a list.
    class_counts : array-like of shape (n_classes,), mapping, Series or None, \
            default=None
        Number of training rows per class, see :func:`robust_accuracy`.
    box : tuple (low, high), mapping, DataFrame of two rows or None, default=None
        See :func:`perturbed_rows`.

    Returns
    -------
    rate : float, or ndarray of shape (n_classes,)
        For 'per_class' an array in the order of ``classes_``, NaN for classes without
        rows in ``y``.

    Raises
    ------
    ValueError
        If ``rows`` is unknown, or needs ``y``; see also :func:`perturbed_rows`.

    See Also
    --------
    universal_perturbation : Learns a perturbation.

    Notes
    -----
    It does not ask whether predictions are right: a change from a wrong label to the
    true one counts as well. For accuracies, score ``perturbed_rows`` as any rows.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.attacks import fooling_rate, universal_perturbation
    >>> from imbdeep.classifiers import NetClassifier
    >>> X, y = make_classification(weights=[0.8], flip_y=0, random_state=0)
    >>> net = NetClassifier(max_epochs=20, random_state=0).fit(X, y)
    >>> shift = universal_perturbation(net, X, y, eps=1.0, random_state=0)
    >>> bool(fooling_rate(net, X, shift) > fooling_rate(net, X, 0 * shift))
    True
    """
    rows = read_rows(rows)
    check_is_fitted(estimator, "classes_")
    if rows != "all":
        if y is None:
            raise ValueError(f"rows={rows!r} needs y, the true labels.")
        y = column_or_1d(y)
        check_consistent_length(X, y)
    moved = perturbed_rows(estimator, X, perturbation, box=box)
    changed = np.asarray(estimator.predict(X)) != np.asarray(estimator.predict(moved))
    return _share(changed, estimator, y, rows, class_counts)


def _share(hits, estimator, y, rows, class_counts):
    """Share of hits among the rows of interest."""
    if rows == "per_class":
        return share_per_class(hits, y, estimator.classes_)
    if rows != "all":
        hits = hits[rows_of_interest(estimator, y, rows, class_counts)]
    return float(hits.mean())


def make_universal_scorer(
    *, eps, rows="all", class_counts=None, random_state=None, **attack
):
    """Make a scorer for the accuracy under a universal perturbation.

    The perturbation is learned for each estimator on the rows that it is scored on. So
    it is a stronger attack than one that is learned on other rows, and the fewer rows,
    the stronger.

    Parameters
    ----------
    eps
        See :func:`universal_perturbation`.
    rows : {'all', 'under_represented'} or list of labels, default='all'
        Rows whose accuracy is returned; the perturbation is that of all rows. Those of
        one class, as in ``['fraud']``, give its recall.
    class_counts
        See :func:`robust_accuracy`.
    random_state, **attack
        See :func:`universal_perturbation`, such as ``norm``, ``n_epochs`` or ``box``.

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
    make_robust_scorer : Each row is moved on its own.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.model_selection import cross_val_score
    >>> from imbdeep.attacks import make_universal_scorer
    >>> from imbdeep.classifiers import NetClassifier
    >>> X, y = make_classification(weights=[0.8], flip_y=0, random_state=0)
    >>> scorer = make_universal_scorer(eps=0.2, random_state=0)
    >>> net = NetClassifier(max_epochs=5, random_state=0)
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
    check_scorer(parameters, "fooling_rate", universal_perturbation, check_universal)
    return Scorer(_universal_accuracy, "make_universal_scorer", parameters)


def _universal_accuracy(estimator, X, y, *, rows, class_counts, **attack):
    """Accuracy on rows that one perturbation has moved, which is learned on them."""
    rows, y = read_rows(rows), column_or_1d(y)
    check_consistent_length(X, y)
    # Rows of a class that training lacked are wrong without any attack.
    known = rows_of_known_classes(estimator, y)
    right = np.zeros(len(y), dtype=bool)
    if len(known):
        X_known = _safe_indexing(X, known)
        shift = universal_perturbation(estimator, X_known, y[known], **attack)
        moved = perturbed_rows(estimator, X_known, shift, box=attack.get("box"))
        right[known] = estimator.predict(moved) == y[known]
    return _share(right, estimator, y, rows, class_counts)
