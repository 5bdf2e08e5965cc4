"""Intra-class variance: how far the recalls of the classes lie from the accuracy."""

import numpy as np
from sklearn.metrics import accuracy_score, make_scorer, recall_score

from imbdeep.metrics._targets import check_targets, check_weights


def intra_class_variance(y_true, y_pred, *, sample_weight=None):
    r"""Sum over the classes of the squared gap between accuracy and recall.

    A classifier that lives off the frequent class has a high accuracy and a low
    recall on the rare ones: the gaps are wide and the score is high [1]_. 0 means
    that every class is recognised equally often, well or badly, so read it
    beside an accuracy.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels: numbers, strings or booleans, any number of classes.

    y_pred : array-like of shape (n_samples,)
        Predicted labels, of the same kind.

    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights, for the accuracy and for the recalls.

    Returns
    -------
    score : float
        Not negative, below the number of classes; lower is better.

    Raises
    ------
    ValueError
        If lengths differ or `y_true` does not hold class labels.

    See Also
    --------
    sklearn.metrics.balanced_accuracy_score : Mean of the recalls.
    imblearn.metrics.geometric_mean_score : Geometric mean of the recalls.

    Notes
    -----
    With :math:`K` the classes present in `y_true`,

    .. math::
        \sum_{k \in K} (\mathrm{acc} - \mathrm{recall}_k)^2 .

    As the paper says, :math:`\mathrm{acc}` is the plain accuracy over all rows, not
    the mean of the recalls, so this is more than a variance: it is the variance of
    the recalls times :math:`|K|`, plus :math:`|K|` times the squared gap between the
    accuracy and the balanced accuracy. It is a sum: compare it between
    classifiers of one problem, not between problems with different numbers of classes.

    NOTE: The paper's sum runs from 0 to 4 although its data have the classes 0 to 3.
    Here it runs over the classes present. The third row of its Table 8 has balanced
    accuracy and intra-class variance in each other's column: by the identity above,
    four classes with accuracy 0.7022 and balanced accuracy 0.2076 give at least 0.97,
    not 0.6406.

    References
    ----------
    .. [1] R. Rawal, P. Pradhan, "Climate Adaptation: Reliably Predicting from
       Imbalanced Satellite Data", 2020. Section 1.1.

    Examples
    --------
    >>> from imbdeep.metrics import intra_class_variance
    >>> intra_class_variance([0, 0, 0, 1], [0, 0, 0, 0])
    0.625
    >>> intra_class_variance([0, 0, 0, 1], [0, 0, 0, 1])
    0.0
    """
    y_true = check_targets(y_true, y_pred)
    weight = check_weights(sample_weight, y_true)
    # A class whose rows all weigh nothing is as absent as one without rows.
    classes = np.unique(y_true[weight > 0])
    accuracy = accuracy_score(y_true, y_pred, sample_weight=weight)
    recalls = recall_score(
        y_true, y_pred, labels=classes, average=None, sample_weight=weight
    )
    return float(((accuracy - recalls) ** 2).sum())


#: Minus :func:`intra_class_variance`, for ``scoring=``.
intra_class_variance_scorer = make_scorer(
    intra_class_variance, response_method="predict", greater_is_better=False
)
