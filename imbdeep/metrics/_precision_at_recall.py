"""Precision at a given recall: points of the precision-recall curve."""

import numpy as np
from sklearn.metrics import precision_recall_curve
from sklearn.utils.validation import check_array

from imbdeep._switches import usual_numbers
from imbdeep.metrics._positive_class_scorer import PositiveClassScorer
from imbdeep.metrics._targets import check_targets, check_weights, positive_label

# k / 50 rounds exactly like the recall of k in 50 positives; np.linspace need not.
RECALL_GRID = np.arange(51) / 50
# Weighted recalls are sums of floats, which rounding may leave just below the recall to
# reach.
RECALL_TOLERANCE = 1e-12


def _check_recall(recall):
    if not 0 < recall <= 1:
        raise ValueError(
            f"recall must be in (0, 1], got {recall!r}; at recall 0 nothing is "
            "predicted positive and precision has no value."
        )


def _check_score(y_score):
    score = check_array(
        y_score,
        ensure_2d=False,
        allow_nd=True,
        dtype=np.float64,
        input_name="y_score",
    )
    if score.ndim != 1:
        raise ValueError(
            "precision at recall is binary only: y_score must be 1-D, the score of "
            f"the positive class, got shape {score.shape}; pass its column, or "
            "score one class against the rest."
        )
    return score


@usual_numbers()
def precision_at_recall_score(
    y_true, y_score, *, recall=0.5, pos_label=1, sample_weight=None
):
    r"""Compute the best precision among the thresholds that reach a given recall.

    If at least this share of the positives must be found, what share of the alarms is
    right? The explicit-gradient paper reports it as "AP@0.25", "AP@0.5" and "AP@0.75"
    [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels of two classes, with at least one positive row.

    y_score : array-like of shape (n_samples,)
        Scores, probabilities of the positive class or any decision values; only their
        order matters. Tied rows are predicted positive together.

    recall : float, default=0.5
        The recall to reach, in (0, 1]. 1 requires all positive rows.

    pos_label : int, float, bool or str, default=1
        The positive class. None means the greater of two labels. If `y_true` holds only
        one class, None means 1 for labels among -1, 0, 1 and booleans, and raises an
        error otherwise.

    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights.

    Returns
    -------
    score : float
        In [0, 1], higher is better. Random scores give about the share of positives.

    Raises
    ------
    ValueError
        If there are more than two classes or no positive row, if `recall` is outside
        (0, 1], or if a score is not finite.

    See Also
    --------
    make_precision_at_recall_scorer : The same for ``scoring=``.
    sklearn.metrics.average_precision_score : Mean over all recalls.

    Notes
    -----
    With :math:`P(t)` and :math:`R(t)` the precision and recall of the rule "score at
    least :math:`t`", it is the interpolated precision of the curve at :math:`r`,

    .. math::
        \max_{t :\; R(t) \ge r} P(t) .

    It is an operating point that a user can choose, and it never rises with :math:`r`.

    NOTE: The paper does not define ``AP@r``, but its Table 1 leaves one reading only.
    Cross-entropy at 50:1 has an area under the curve of 0.333, ``AP@0.25`` of 0.513
    and ``AP@0.5`` of 0.193. An area up to :math:`r` would grow with :math:`r`; a mean
    over the recalls up to :math:`r` could not fall below 0.513 / 2 at 0.5; an area from
    :math:`r` on cannot exceed the whole; a mean from 0.25 on would make the whole at
    least 0.385. The precision at recall :math:`r` agrees with the area. Taking the best
    of the thresholds that reach :math:`r` is a choice made here.

    References
    ----------
    .. [1] B. Yasinnik, M. Salhov, O. Lindenbaum, A. Averbuch, "Imbalanced
       Classification via Explicit Gradient Learning From Augmented Data", 2022.
       Section 5.

    Examples
    --------
    >>> from imbdeep.metrics import precision_at_recall_score
    >>> y_true = [1, 0, 1, 0, 0, 1]
    >>> y_score = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    >>> precision_at_recall_score(y_true, y_score, recall=0.25)
    1.0
    >>> precision_at_recall_score(y_true, y_score, recall=0.5)
    0.66...
    >>> precision_at_recall_score(y_true, y_score, recall=1)
    0.5
    """
    _check_recall(recall)
    precision, reached = _precision_and_recall(
        y_true, y_score, pos_label, sample_weight
    )
    return float(best_at_recalls(precision, reached, [recall])[0])


@usual_numbers()
def precision_at_recalls(y_true, y_score, *, pos_label=1, sample_weight=None):
    """Compute the interpolated precision at 51 recalls: the best at r or more.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels of two classes, with at least one positive row.

    y_score : array-like of shape (n_samples,)
        Scores, of which only the order matters.

    pos_label : int, float, bool or str, default=1
        The positive class; see :func:`precision_at_recall_score`.

    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights.

    Returns
    -------
    precision : list of 51 floats
        For r = 0, 0.02, ..., 1. It never rises.

    Raises
    ------
    ValueError
        As :func:`precision_at_recall_score`.

    See Also
    --------
    precision_at_recall_score : At one recall.
    imbdeep.displays.PrecisionRecallDisplay : The plot, with a band.
    imbdeep.reporting.plot_precision_recall : The plot of many methods.

    Examples
    --------
    >>> from imbdeep.metrics import precision_at_recalls
    >>> precision = precision_at_recalls([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4])
    >>> precision[0], precision[-1]
    (1.0, 0.6666666666666666)
    """
    curve = _precision_and_recall(y_true, y_score, pos_label, sample_weight)
    return best_at_recalls(*curve, RECALL_GRID).tolist()


def best_at_recalls(precision, recall, wanted):
    """Best precision among the thresholds that reach each of the wanted recalls.

    Parameters
    ----------
    precision, recall : ndarray of shape (m,)
        Of rising thresholds: recall falls, from 1.
    wanted : array-like of shape (n,)

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.metrics._precision_at_recall import best_at_recalls
    >>> best_at_recalls(np.array([0.75, 0.5]), np.array([1.0, 0.5]), [0.5])
    array([0.75])
    """
    least = np.asarray(wanted) - RECALL_TOLERANCE
    n_reached = np.searchsorted(-recall, -least, side="right")
    return np.maximum.accumulate(precision)[n_reached - 1]


def _precision_and_recall(y_true, y_score, pos_label, sample_weight):
    score = _check_score(y_score)
    y_true = check_targets(y_true, score)
    positive = y_true == positive_label(np.unique(y_true), pos_label)
    weight = check_weights(sample_weight, y_true)
    if not weight[positive].sum() > 0:
        raise ValueError(
            f"y_true holds no row of the positive class (pos_label={pos_label!r}) with "
            "a positive weight, so recall has no value; score rows that hold one."
        )
    precision, recall, _ = precision_recall_curve(positive, score, sample_weight=weight)
    # The last point, precision 1 at recall 0, belongs to no threshold.
    return precision[:-1], recall[:-1]


def make_precision_at_recall_scorer(recall=0.5, *, pos_label=None):
    """Make a scorer for :func:`precision_at_recall_score` at a given recall.

    Parameters
    ----------
    recall : float, default=0.5
        The recall to reach, in (0, 1].

    pos_label : int, float, bool or str, default=None
        The positive class. None means the last of the classifier's `classes_`, even if
        the scored rows lack it.

    Returns
    -------
    scorer : callable
        Takes ``(estimator, X, y)``; uses `decision_function`, or `predict_proba` if
        there is none. Binary classifiers only.

    Raises
    ------
    ValueError
        If `recall` is outside (0, 1].

    See Also
    --------
    precision_at_recall_score : The metric.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from imbdeep.metrics import make_precision_at_recall_scorer
    >>> X, y = make_classification(weights=[0.9], class_sep=3, random_state=0)
    >>> scorer = make_precision_at_recall_scorer(0.75)
    >>> scores = cross_val_score(LogisticRegression(), X, y, scoring=scorer, cv=3)
    >>> scores.shape
    (3,)
    """
    _check_recall(recall)
    return PositiveClassScorer(
        precision_at_recall_score,
        1,
        {"recall": recall, "pos_label": pos_label},
        ("decision_function", "predict_proba"),
    )


#: :func:`precision_at_recall_score` at recall 0.5, for ``scoring=``.
precision_at_recall_scorer = make_precision_at_recall_scorer(0.5)
