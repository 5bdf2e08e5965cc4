"""Intra-class variance: how far the recalls of the classes are from the accuracy."""

import math

import numpy as np
from sklearn.metrics import accuracy_score, make_scorer, recall_score

from imbdeep._switches import usual_numbers
from imbdeep.metrics._targets import check_targets, check_weights


@usual_numbers()
def intra_class_variance(y_true, y_pred, *, root=False, sample_weight=None):
    r"""Sum the squared gaps between accuracy and recall over the classes.

    A classifier that relies on the frequent class has a high accuracy and low recalls
    on rare classes: the gaps are wide and the score is high [1]_. 0 means that all
    recalls are equal, well or badly, so read it together with an accuracy.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels: numbers, strings or booleans, any number of classes.

    y_pred : array-like of shape (n_samples,)
        Predicted labels, of the same kind.

    root : bool, default=False
        Whether to return the square root of the sum: the length of the vector of gaps.
        The paper defines the sum in Section 1.1 and prints the root in its Table 8 (see
        Notes), so use the root to compare with that table.

    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights, for the accuracy and the recalls.

    Returns
    -------
    score : float
        Not negative; the sum is below the number of classes. Lower is better.

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

    As in the paper, :math:`\mathrm{acc}` is the plain accuracy over all rows, not the
    mean of the recalls. So this is more than a variance: it is :math:`|K|` times the
    variance of the recalls, plus :math:`|K|` times the squared gap between accuracy and
    balanced accuracy. As a sum, it compares classifiers of one problem, not problems
    with different numbers of classes.

    NOTE: The nine values that Table 8 of the paper calls intra-class variance are the
    square root of this sum. Its Tables 1, 2 and 4 to 6 print the accuracy and the
    recalls of each row of Table 8: the roots agree with it to 0.00015, about the
    rounding error of the recalls, and the sums do not.

    ===================================  ======  ======  =======
    Row of Table 8                          Sum    Root  Printed
    ===================================  ======  ======  =======
    ResNet-50                            0.2035  0.4511   0.4510
    ResNet-50, sampler                   0.0761  0.2758   0.2757
    ResNet-50, sampler, LDAM-DRW         0.0431  0.2075   0.2076
    EfficientNet-B4                      0.1975  0.4444   0.4443
    EfficientNet-B4, sampler, LDAM-DRW   0.0478  0.2186   0.2185
    the same, averaged                   0.0584  0.2417   0.2417
    the same, bands 6, 5, 2              0.0448  0.2117   0.2115
    EfficientNet-B4, sampler, GAN        0.0089  0.0943   0.0942
    the same, LDAM-DRW, averaged         0.0387  0.1968   0.1967
    ===================================  ======  ======  =======

    In the third row, the paper swaps balanced accuracy (0.6406) and intra-class
    variance.

    NOTE: The paper's sum runs from 0 to 4 although its data have the classes 0 to 3.
    Here it runs over the classes present.

    References
    ----------
    .. [1] R. Rawal, P. Pradhan, "Climate Adaptation: Reliably Predicting from
       Imbalanced Satellite Data", 2020. Section 1.1.

    Examples
    --------
    >>> from imbdeep.metrics import intra_class_variance
    >>> intra_class_variance([0, 0, 0, 1], [0, 0, 0, 0])
    0.625
    >>> intra_class_variance([0, 0, 0, 1], [0, 0, 0, 0], root=True)
    0.79...
    >>> intra_class_variance([0, 0, 0, 1], [0, 0, 0, 1])
    0.0
    """
    y_true = check_targets(y_true, y_pred)
    weight = check_weights(sample_weight, y_true)
    # A class whose rows all have weight 0 is as absent as one without rows.
    classes = np.unique(y_true[weight > 0])
    accuracy = accuracy_score(y_true, y_pred, sample_weight=weight)
    recalls = recall_score(
        y_true, y_pred, labels=classes, average=None, sample_weight=weight
    )
    total = float(((accuracy - recalls) ** 2).sum())
    return math.sqrt(total) if root else total


#: Minus :func:`intra_class_variance`, for ``scoring=``.
intra_class_variance_scorer = make_scorer(
    intra_class_variance, response_method="predict", greater_is_better=False
)

#: Minus the square root of :func:`intra_class_variance`, for ``scoring=``.
root_intra_class_variance_scorer = make_scorer(
    intra_class_variance, response_method="predict", greater_is_better=False, root=True
)
