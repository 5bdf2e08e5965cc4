"""A t-test for scores of overlapping training sets."""

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class TTestResult:
    """Statistic and two-sided p-value of a t-test.

    Parameters
    ----------
    statistic, p_value : float
        Student's t and its p-value.

    See Also
    --------
    corrected_resampled_ttest : Compute it.
    """

    statistic: float
    p_value: float


def corrected_resampled_ttest(differences, n_train, n_test):
    """Compare two methods on one data set, over folds that overlap.

    Parameters
    ----------
    differences : array-like of shape (n_folds,)
        Paired differences of the two methods' scores, at least two.
    n_train, n_test : int or float
        Number of rows in a training and a test part. Their ratio tells how strongly the
        folds overlap.

    Returns
    -------
    result : TTestResult
        Student's t with ``n_folds - 1`` degrees of freedom and its two-sided
        p-value. Without variance the p-value is 1 if the mean is 0, otherwise 0.

    Raises
    ------
    ValueError
        If there are fewer than two differences, one is not finite, or a count is not
        positive.

    See Also
    --------
    wilcoxon_holm : Two methods over many data sets.

    Notes
    -----
    The folds of repeated cross-validation share training rows, so a plain paired t-test
    finds differences that do not exist. [1]_ replaces the variance of the mean by
    :math:`(1 / J + n_{test} / n_{train}) \\hat\\sigma^2`.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine
       Learning 52, 2003.

    Examples
    --------
    >>> from imbdeep.reporting import corrected_resampled_ttest
    >>> result = corrected_resampled_ttest([0.1, 0.2, 0.3, 0.2], 100, 100)
    >>> round(result.statistic, 3), round(result.p_value, 3)
    (2.191, 0.116)
    """
    differences = np.asarray(differences, dtype=float)
    if differences.ndim != 1 or len(differences) < 2:
        raise ValueError(
            f"differences has shape {differences.shape}; give one row of at least two "
            "paired differences, one per fold."
        )
    if not np.isfinite(differences).all():
        raise ValueError(
            "differences holds a NaN or an infinity; leave failed folds out and say so."
        )
    if n_train <= 0 or n_test <= 0:
        raise ValueError(
            f"n_train={n_train!r} and n_test={n_test!r} must both be positive: they "
            "are the rows in a training and a test part."
        )
    n = len(differences)
    mean = differences.mean()
    variance = (1 / n + n_test / n_train) * differences.var(ddof=1)
    if variance > 0:
        statistic = mean / np.sqrt(variance)
    else:
        statistic = np.copysign(np.inf, mean) if mean else 0.0
    p_value = 2 * stats.t.sf(abs(statistic), n - 1)
    return TTestResult(float(statistic), float(p_value))
