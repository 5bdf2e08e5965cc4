"""Calibration by bins of predicted probability."""

import numpy as np

from imbdeep._switches import usual_numbers
from imbdeep.metrics._bins import read_bins
from imbdeep.metrics._positive_class_scorer import PositiveClassScorer


@usual_numbers()
def calibration_bins(
    y_true,
    y_proba,
    *,
    n_bins=10,
    strategy="quantile",
    pos_label=None,
    sample_weight=None,
):
    """Compute the sums of a reliability diagram: what is predicted and what happens.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels of two classes.

    y_proba : array-like of shape (n_samples,)
        Probabilities of the positive class, in [0, 1].

    n_bins : int, at least 1, default=10
        Number of bins.

    strategy : {'quantile', 'uniform'}, default='quantile'
        Bins of equal mass, or of equal width. If one class is rare, equal widths put
        nearly all rows into the first bin and a handful into the others. Bins of equal
        mass keep rows of the same probability together, and there are fewer if many
        are the same. Bins of equal width may be pooled over data sets; they are closed
        on the left, and the last one on both sides.

    pos_label : int, float, bool or str, default=None
        The positive class; see :func:`balanced_brier_score`.

    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights.

    Returns
    -------
    bins : dict of str to list
        In ascending order: ``count`` of rows, their ``mean_predicted`` probability and
        the number of ``positives`` among them. With weights, counts are sums of these.
        'uniform' gives empty bins as well, with a mean of 0; 'quantile' gives none.

    Raises
    ------
    ValueError
        If there are more than two classes, if probabilities are not finite or not in
        [0, 1], or if lengths differ.

    See Also
    --------
    expected_calibration_error : One number for all bins.
    calibration_error_of_bins : The same for bins that were pooled.
    imbdeep.displays.ReliabilityDisplay : The plot, with a band.
    imbdeep.reporting.plot_reliability : The plot of many methods.

    Examples
    --------
    >>> from imbdeep.metrics import calibration_bins
    >>> bins = calibration_bins([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.9], n_bins=2)
    >>> bins["count"], bins["positives"]
    ([2, 2], [0, 2])
    >>> bins = calibration_bins([0, 1, 1], [0.05, 0.95, 0.95], strategy="uniform")
    >>> bins["count"]
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    """
    bins = read_bins(
        y_true,
        y_proba,
        n_bins=n_bins,
        strategy=strategy,
        pos_label=pos_label,
        sample_weight=sample_weight,
    )
    count, positives = bins.count, bins.positives
    if sample_weight is None:
        count, positives = count.astype(int), positives.astype(int)
    return {
        "count": count.tolist(),
        "mean_predicted": bins.mean_predicted.tolist(),
        "positives": positives.tolist(),
    }


def calibration_error_of_bins(count, mean_predicted, positives):
    """Compute the mean gap between predicted and observed frequency, by rows.

    Parameters
    ----------
    count : array-like of shape (n_bins,)
        Number of rows in each bin of predicted probability.

    mean_predicted : array-like of shape (n_bins,)
        Mean predicted probability in each bin; ignored in empty bins.

    positives : array-like of shape (n_bins,)
        Number of positive rows in each bin.

    Returns
    -------
    error : float
        Between 0 (calibrated at the resolution of the bins) and 1; NaN if all bins are
        empty.

    Raises
    ------
    ValueError
        If the three differ in shape, a count is negative, or a bin holds more
        positives than rows.

    See Also
    --------
    expected_calibration_error : From labels and probabilities.
    calibration_bins : The bins.

    Examples
    --------
    >>> from imbdeep.metrics import calibration_error_of_bins
    >>> calibration_error_of_bins([80, 20], [0.1, 0.6], [8, 10])
    0.02
    """
    count = np.asarray(count, dtype=float)
    mean_predicted = np.asarray(mean_predicted, dtype=float)
    positives = np.asarray(positives, dtype=float)
    if not count.shape == mean_predicted.shape == positives.shape:
        raise ValueError(
            f"count, mean_predicted and positives have shapes {count.shape}, "
            f"{mean_predicted.shape} and {positives.shape}; give one value per bin."
        )
    if (count < 0).any() or (positives < 0).any() or (positives > count).any():
        raise ValueError(
            "count and positives must satisfy 0 <= positives <= count in every bin."
        )
    used = count > 0
    if not used.any():
        return float("nan")
    gaps = np.abs(positives[used] - count[used] * mean_predicted[used])
    return float(gaps.sum() / count.sum())


def expected_calibration_error(
    y_true,
    y_proba,
    *,
    n_bins=10,
    strategy="quantile",
    pos_label=None,
    sample_weight=None,
):
    r"""Compute how far predicted probabilities are from observed frequencies.

    Rows are put into bins by their predicted probability; it is the mean over the rows
    of the gap between what a bin predicts and what it holds [1]_, [2]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels of two classes.

    y_proba : array-like of shape (n_samples,)
        Probabilities of the positive class, in [0, 1].

    n_bins : int, at least 1, default=10
        Number of bins. Each needs positive rows to say something.

    strategy : {'quantile', 'uniform'}, default='quantile'
        Bins of equal mass [2]_, or of equal width [1]_; see :func:`calibration_bins`.
        With a rare class, widths put nearly all rows into one bin, within which errors
        cancel.

    pos_label : int, float, bool or str, default=None
        The positive class; see :func:`balanced_brier_score`.

    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights.

    Returns
    -------
    error : float
        Between 0 (calibrated at the resolution of the bins) and 1. A low value is easy
        to reach if positives are rare: it is at most about twice their share for any
        model that predicts that share on average. Read it together with
        :func:`calibration_slope`.

    Raises
    ------
    ValueError
        As :func:`calibration_bins`.

    See Also
    --------
    calibration_bins : The bins.
    calibration_error_of_bins : The same, of bins that were pooled.
    calibration_slope : Whether probabilities are too extreme, without bins.

    Notes
    -----
    With :math:`w_b` the share of the rows in bin :math:`b`, :math:`\bar p_b` their mean
    probability and :math:`\bar y_b` the share of positive ones,

    .. math::
        \sum_b w_b \left| \bar y_b - \bar p_b \right| .

    Chance makes :math:`\bar y_b` differ from :math:`\bar p_b`, so that the error of a
    calibrated model is above 0, and the more so the fewer rows a bin holds. Compare
    models on the same rows and with the same bins.

    References
    ----------
    .. [1] M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining Well Calibrated
       Probabilities Using Bayesian Binning", AAAI 2015.
    .. [2] K. Nguyen, B. O'Connor, "Posterior Calibration and Exploratory Analysis for
       Natural Language Processing Models", EMNLP 2015. Section 3: adaptive binning.

    Examples
    --------
    >>> from imbdeep.metrics import expected_calibration_error
    >>> y_true, y_proba = [0, 0, 0, 1], [0.1, 0.1, 0.4, 0.6]
    >>> round(expected_calibration_error(y_true, y_proba, n_bins=2), 6)
    0.05
    """
    bins = calibration_bins(
        y_true,
        y_proba,
        n_bins=n_bins,
        strategy=strategy,
        pos_label=pos_label,
        sample_weight=sample_weight,
    )
    return calibration_error_of_bins(**bins)


#: Minus :func:`expected_calibration_error` of ten bins of equal mass, for ``scoring=``.
expected_calibration_error_scorer = PositiveClassScorer(
    expected_calibration_error, -1, {}, "predict_proba"
)
