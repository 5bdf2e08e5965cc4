"""Reliability and precision-recall curves, each as a few numbers."""

import numpy as np
from sklearn.metrics import precision_recall_curve

# k / 50 rounds exactly like the recall of k in 50 positives; np.linspace need not.
RECALL_GRID = np.arange(51) / 50
CALIBRATION_EDGES = np.arange(11) / 10


def precision_at_recalls(y_true, proba):
    """Compute the interpolated precision: the best at a recall of at least r.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,)
        1 for the minority class, else 0.
    proba : ndarray of shape (n_samples,)
        Predicted probabilities of class 1.

    Returns
    -------
    precision : list of 51 floats
        For r = 0, 0.02, ..., 1.

    See Also
    --------
    plot_precision_recall : The plot.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.reporting import precision_at_recalls
    >>> precision = precision_at_recalls(np.array([0, 1, 0, 1]), [0.1, 0.2, 0.3, 0.4])
    >>> precision[0], precision[-1]
    (1.0, 0.6666666666666666)
    """
    precision, recall, _ = precision_recall_curve(y_true, proba)
    # scikit-learn adds a last point (recall 0, precision 1) that no threshold reaches;
    # with it, every curve would start at 1.
    precision, recall = precision[:-1], recall[:-1]
    return [float(precision[recall >= r].max()) for r in RECALL_GRID]


def calibration_bins(y_true, proba):
    """Compute the sums of a reliability diagram over ten bins of equal width.

    Bins are closed on the left, and the last one on both sides.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,)
        1 for the minority class, else 0.
    proba : ndarray of shape (n_samples,)
        Predicted probabilities of class 1.

    Returns
    -------
    bins : dict of str to list
        ``count`` of rows, their ``mean_predicted`` probability (0 in an empty bin) and
        the number of ``positives`` among them.

    See Also
    --------
    expected_calibration_error : One number for all bins.
    plot_reliability : The plot.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.reporting import calibration_bins, expected_calibration_error
    >>> bins = calibration_bins(np.array([0, 1, 1]), np.array([0.05, 0.95, 0.95]))
    >>> bins["count"]
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    >>> round(expected_calibration_error(**bins), 3)
    0.05
    """
    count, _ = np.histogram(proba, CALIBRATION_EDGES)
    total, _ = np.histogram(proba, CALIBRATION_EDGES, weights=proba)
    positives, _ = np.histogram(proba[y_true == 1], CALIBRATION_EDGES)
    return {
        "count": count.tolist(),
        "mean_predicted": (total / np.maximum(count, 1)).tolist(),
        "positives": positives.tolist(),
    }


def expected_calibration_error(count, mean_predicted, positives):
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
        empty. A low value is easy to reach if positives are rare, so read it together
        with the balanced Brier score.

    Raises
    ------
    ValueError
        If the three differ in shape, a count is negative, or a bin holds more
        positives than rows.

    See Also
    --------
    calibration_bins : The bins.

    Examples
    --------
    >>> from imbdeep.reporting import expected_calibration_error
    >>> expected_calibration_error([80, 20], [0.1, 0.6], [8, 10])
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
