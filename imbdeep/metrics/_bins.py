"""Rows in bins of predicted probability, and how sure what comes true there is."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta
from sklearn.utils._param_validation import StrOptions

from imbdeep._arguments import WholeNumber, check_arguments
from imbdeep.metrics._targets import check_binary

_BINS = {"n_bins": [WholeNumber(1)], "strategy": [StrOptions({"quantile", "uniform"})]}


def bins_of_equal_mass(proba, mass, n_bins):
    """Bin of each row, each bin with about as much of a mass.

    Parameters
    ----------
    proba : ndarray of shape (n,)
    mass : ndarray of shape (n,)
        At least 0: the weight of each row, so that bins hold equally many, or the
        weight times the probability, so that they hold equally many positive rows by
        what the probabilities say.
    n_bins : int, at least 1

    Returns
    -------
    ndarray of shape (n,), int
        Rows of equal probability share a bin, so that there may be fewer than asked
        for; none is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.metrics._bins import bins_of_equal_mass
    >>> proba = np.array([0.1, 0.2, 0.3, 0.9])
    >>> bins_of_equal_mass(proba, np.ones(4), 2), bins_of_equal_mass(proba, proba, 2)
    (array([0, 0, 1, 1]), array([0, 0, 0, 1]))
    """
    _, place = np.unique(proba, return_inverse=True)
    mass = np.bincount(place, weights=mass)
    # Of probabilities that are all 0 nothing is expected.
    total = max(mass.sum(), np.finfo(float).tiny)
    middle = np.cumsum(mass) - mass / 2
    # A middle on a boundary goes up, also if rounding has left it just below.
    number = np.minimum(np.floor(n_bins * middle / total + 1e-9), n_bins - 1)
    return np.unique(number, return_inverse=True)[1][place]


def _bins_of_equal_width(proba, n_bins):
    """Bin of each row; closed on the left, and the last one on both sides."""
    # k / n_bins rounds like the number that a user types; np.linspace need not.
    edges = np.arange(1, n_bins) / n_bins
    return np.searchsorted(edges, proba, side="right")


def clopper_pearson(positives, count, confidence_level):
    """Exact intervals of shares.

    Parameters
    ----------
    positives, count : ndarray of shape (m,)
        Rows that are positive, and all; at least one. Whole numbers, unless rows have
        weights.
    confidence_level : float in (0, 1)

    Returns
    -------
    lower, upper : ndarray of shape (m,)

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.metrics._bins import clopper_pearson
    >>> lower, upper = clopper_pearson(np.array([0]), np.array([100]), 0.95)
    >>> float(lower[0]), float(upper[0].round(3))  # About 3.7 / 100.
    (0.0, 0.036)
    """
    outside = (1 - confidence_level) / 2
    # At the ends the quantile is NaN.
    lower = np.nan_to_num(beta.ppf(outside, positives, count - positives + 1), nan=0.0)
    upper = beta.ppf(1 - outside, positives + 1, count - positives)
    return lower, np.nan_to_num(upper, nan=1.0)


@dataclass(frozen=True)
class Bins:
    """What is predicted in bins, and what happens there.

    Attributes
    ----------
    count : ndarray of shape (n_bins,)
        Rows, or their weights.
    mean_predicted : ndarray of shape (n_bins,)
        Mean probability; 0 in empty bins.
    positives : ndarray of shape (n_bins,)
        Rows of the positive class, or their weights.
    n_rows : ndarray of shape (n_bins,)
        How many rows of equal weight would tell as much:
        :math:`(\\sum w)^2 / \\sum w^2`, the effective sample size.
    """

    count: np.ndarray
    mean_predicted: np.ndarray
    positives: np.ndarray
    n_rows: np.ndarray

    @property
    def observed(self):
        """Share of positive rows; of bins that are not empty."""
        return self.positives / self.count

    def without_empty(self):
        """The bins that hold rows.

        Returns
        -------
        Bins
        """
        used = self.count > 0
        return Bins(*(part[used] for part in vars(self).values()))

    def intervals(self, confidence_level=0.95):
        """Intervals of the shares of positive rows, of bins that are not empty.

        Parameters
        ----------
        confidence_level : float in (0, 1), default=0.95

        Returns
        -------
        lower, upper : ndarray of shape (n_bins,)
        """
        positives = self.observed * self.n_rows
        return clopper_pearson(positives, self.n_rows, confidence_level)


def fill_bins(is_positive, proba, weight, place, n_bins):
    """Sum up the rows of each bin.

    Parameters
    ----------
    is_positive : ndarray of shape (n,), bool
    proba : ndarray of shape (n,)
    weight : ndarray of shape (n,)
        Above 0.
    place : ndarray of shape (n,), int
        Bin of each row.
    n_bins : int

    Returns
    -------
    Bins

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.metrics._bins import fill_bins
    >>> proba, weight = np.array([0.1, 0.2, 0.9]), np.array([4, 1, 1])
    >>> fill_bins(proba > 0.5, proba, weight, np.zeros(3, int), 1).n_rows
    array([2.])
    """
    count, total, positives, squares = (
        np.bincount(place, weights, minlength=n_bins)
        for weights in (weight, weight * proba, weight * is_positive, weight**2)
    )
    used = count > 0
    mean = np.divide(total, count, out=np.zeros(len(count)), where=used)
    n_rows = np.divide(count**2, squares, out=np.zeros(len(count)), where=used)
    return Bins(count, mean, positives, n_rows)


def read_bins(y_true, y_proba, *, n_bins, strategy, pos_label, sample_weight):
    """Check labels and probabilities, and put the rows into bins.

    Parameters and errors are those of :func:`~imbdeep.metrics.calibration_bins`.

    Returns
    -------
    Bins
        Of 'uniform' also empty ones.
    """
    check_arguments(_BINS, {"n_bins": n_bins, "strategy": strategy})
    is_positive, proba, weight = check_binary(y_true, y_proba, pos_label, sample_weight)
    # Rows without weight make no bin.
    used = weight > 0
    is_positive, proba, weight = is_positive[used], proba[used], weight[used]
    if strategy == "uniform":
        place = _bins_of_equal_width(proba, n_bins)
        return fill_bins(is_positive, proba, weight, place, n_bins)
    place = bins_of_equal_mass(proba, weight, n_bins)
    return fill_bins(is_positive, proba, weight, place, int(place.max()) + 1)
