"""Calibration by a line in logits: too extreme, too high or too low."""

import warnings

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

from imbdeep._arguments import FiniteReal, check_arguments
from imbdeep._switches import usual_numbers
from imbdeep.metrics._positive_class_scorer import PositiveClassScorer
from imbdeep.metrics._targets import check_binary

_CLIP = {"clip": [FiniteReal(0, 0.5, closed="neither"), None]}
_MOST_STEPS = 100
_ROUNDING = 1e-14


def _check_both(is_positive, weight):
    if not (weight[is_positive].any() and weight[~is_positive].any()):
        raise ValueError(
            "y_true holds one class only, of rows with a positive weight, so that "
            "calibration in logits has no value; score rows of both classes."
        )


def _no_slope(proba, clip):
    """Error of probabilities that are all the same, or are so once clipped."""
    low, high = proba.min(), proba.max()
    if low == high:
        why, remedy = f"is {low:g} for all rows", ""
    else:
        why = f"lies in [{low:g}, {high:g}], which clip={clip:g} makes one for all rows"
        remedy = " Pass a smaller clip."
    return ValueError(
        f"y_proba {why}, and a line through one point has no slope; "
        f"calibration_intercept says how far off it is.{remedy}"
    )


def fit_line(x, is_positive, weight):
    """Maximum-likelihood slope of a logistic regression on one number, by Newton.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Finite; no value separates the classes.
    is_positive : ndarray of shape (n,), bool
    weight : ndarray of shape (n,)

    Returns
    -------
    slope, error : float
        The error is the standard error, by the information of the fit; infinite if
        there is next to none. Weights tell how much a row counts: doubling all leaves
        both as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.metrics._calibration_line import fit_line
    >>> x, is_positive = np.array([0, 0, 1, 1]), np.array([True, False] * 2)
    >>> slope, _ = fit_line(x, is_positive, np.array([1, 3, 3, 1]))
    >>> print(f"{slope:.4f} {2 * np.log(3):.4f}")
    2.1972 2.1972
    """
    weight = weight / weight.sum()
    center = weight @ x
    spread = np.sqrt(weight @ (x - center) ** 2)
    design = np.column_stack([np.ones(len(x)), (x - center) / spread])

    def loss(line):
        eta = design @ line
        return weight @ (np.logaddexp(0, eta) - is_positive * eta)

    line = np.array([logit(weight @ is_positive), 0.0])
    now = loss(line)
    for _ in range(_MOST_STEPS):
        proba = expit(design @ line)
        gradient = design.T @ (weight * (proba - is_positive))
        curvature = (design.T * (weight * proba * (1 - proba))) @ design
        # Least squares: classes that hardly overlap leave next to no curvature.
        step = np.linalg.lstsq(curvature, gradient)[0]
        # Close to the minimum, losses differ by rounding alone.
        while (then := loss(line - step)) > now + _ROUNDING:
            step /= 2
        line, now = line - step, then
        if np.abs(step).max() < 1e-10 * (1 + np.abs(line).max()):
            break
    return float(line[1] / spread), _error_of_slope(design, line, weight) / spread


def _error_of_slope(design, line, weight):
    proba = expit(design @ line)
    variance = weight * proba * (1 - proba)
    curvature = (design.T * variance) @ design
    determinant = curvature[0, 0] * curvature[1, 1] - curvature[0, 1] ** 2
    if determinant <= 0:
        return float("inf")
    # Row of the inverse. With weights, the information is not the variance of scores.
    slope = np.array([-curvature[0, 1], curvature[0, 0]]) / determinant
    return float(np.sqrt(slope @ ((design.T * (weight * variance)) @ design) @ slope))


def slope_interval(is_positive, proba, weight, confidence_level=0.95):
    """Interval of the calibration slope, by the normal distribution.

    Parameters
    ----------
    is_positive : ndarray of shape (n,), bool
        Of both classes.
    proba : ndarray of shape (n,)
        In (0, 1), and not all the same.
    weight : ndarray of shape (n,)
        Above 0.
    confidence_level : float in (0, 1), default=0.95

    Returns
    -------
    lower, upper : float
        Where a threshold separates the classes, the slope is infinite and may be
        anything: ``-inf`` and ``inf``. Where one does so backwards, which honest
        probabilities hardly ever do, both are ``-inf``.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.metrics._calibration_line import slope_interval
    >>> proba, is_positive = np.repeat([0.2, 0.8], 50), np.arange(100) % 10 >= 3
    >>> is_positive[:50] = ~is_positive[:50]
    >>> lower, upper = slope_interval(is_positive, proba, np.ones(100))
    >>> print(f"{lower:.2f} to {upper:.2f}")
    0.30 to 0.92
    """
    x = logit(proba)
    if x[is_positive].min() >= x[~is_positive].max():
        return float("-inf"), float("inf")
    if x[is_positive].max() <= x[~is_positive].min():
        return float("-inf"), float("-inf")
    slope, error = fit_line(x, is_positive, weight)
    half = float(norm.ppf((1 + confidence_level) / 2)) * error
    return slope - half, slope + half


@usual_numbers()
def calibration_slope(
    y_true, y_proba, *, clip=None, pos_label=None, sample_weight=None
):
    r"""Compute the slope of the logistic recalibration of probabilities.

    It says whether probabilities are spread as they should be [1]_, [2]_: 1 is best.
    Below 1 they are too extreme, as those of an overfitted model: the low ones too low
    and the high ones too high. Above 1 they are too timid. 0 says that they tell
    nothing, and below 0 they rank backwards. Unlike
    :func:`expected_calibration_error` it needs no bins.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels, of both of two classes.

    y_proba : array-like of shape (n_samples,)
        Probabilities of the positive class, in [0, 1].

    clip : float in (0, 0.5) or None, default=None
        Probabilities closer to 0 or to 1 count as being so far away. For models whose
        0 stands for "less than I can tell": of 100 trees that vote, 1 / 200, say. None
        takes 0 and 1 at their word, see the notes.

    pos_label : int, float, bool or str, default=None
        The positive class; see :func:`balanced_brier_score`. The slope is the same for
        either class.

    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights.

    Returns
    -------
    slope : float
        ``inf`` if a threshold separates the classes, ``-inf`` if one does so backwards.

    Raises
    ------
    ValueError
        If there are not two classes, if all probabilities are the same, or if they are
        not finite or not in [0, 1].

    Warns
    -----
    UserWarning
        If a probability of 0 or 1 is wrong, which makes the slope 0.

    See Also
    --------
    calibration_intercept : Whether probabilities are too high or too low overall.
    expected_calibration_error : The gap in bins.

    Notes
    -----
    It is the maximum-likelihood estimate of :math:`b` in

    .. math:: \operatorname{logit} P(y = 1) = a + b \, \operatorname{logit} \hat p ,

    with both :math:`a` and :math:`b` free: the "calibration slope" of [2]_, and
    :math:`\beta` of [1]_.

    Probabilities of exactly 0 or 1 have infinite logits. The slope is the limit for
    logits that grow beyond all bounds. Of these rows, those that are right have no
    influence on a positive slope, and make 0 of a negative one; a single one that is
    wrong makes the slope 0, as it makes log loss infinite.

    A good model separates a few rows easily, and its slope is infinite then, whatever
    ``clip`` is. In cross-validation one such fold makes the mean infinite, and that of
    ``calibration_slope_distance_scorer`` ``-inf``. Compute one slope of the out-of-fold
    probabilities of all rows, or compare models by log loss or the Brier score.

    References
    ----------
    .. [1] D. R. Cox, "Two Further Applications of a Model for Binary Regression",
       Biometrika 45, 1958.
    .. [2] B. Van Calster, D. Nieboer, Y. Vergouwe, B. De Cock, M. J. Pencina, E. W.
       Steyerberg, "A calibration hierarchy for risk prediction models was defined: from
       utopia to empirical data", Journal of Clinical Epidemiology 74, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.special import expit
    >>> from imbdeep.metrics import calibration_slope
    >>> rng = np.random.default_rng(0)
    >>> logits = rng.normal(-3, 1, 20_000)
    >>> y_true = rng.random(20_000) < expit(logits)
    >>> round(calibration_slope(y_true, expit(logits)), 1)
    1.0
    >>> round(calibration_slope(y_true, expit(2 * logits)), 1)  # Too extreme.
    0.5
    """
    check_arguments(_CLIP, {"clip": clip})
    is_positive, proba, weight = check_binary(y_true, y_proba, pos_label, sample_weight)
    _check_both(is_positive, weight)
    used = weight > 0
    is_positive, proba, weight = is_positive[used], proba[used], weight[used]
    x = logit(proba)
    if clip is not None:
        x = np.clip(x, logit(clip), -logit(clip))
    if x.min() == x.max():
        raise _no_slope(proba, clip)
    if x[is_positive].min() >= x[~is_positive].max():
        return float("inf")
    wrong = x == np.where(is_positive, -np.inf, np.inf)
    if wrong.any():
        warnings.warn(
            f"{wrong.sum()} probabilities of exactly 0 or 1 are wrong, which makes the "
            "slope 0, whatever the others are. Pass clip, if 0 means less than some "
            "probability.",
            UserWarning,
            # Past the decorator.
            stacklevel=3,
        )
        return 0.0
    finite = np.isfinite(x)
    low = -np.inf if finite.all() else 0.0
    x, is_positive, weight = x[finite], is_positive[finite], weight[finite]
    if x[is_positive].max() <= x[~is_positive].min():
        return low
    return max(low, fit_line(x, is_positive, weight)[0])


@usual_numbers()
def calibration_intercept(y_true, y_proba, *, pos_label=None, sample_weight=None):
    r"""Compute how far probabilities are too low (above 0) or too high, in logits.

    It is *calibration-in-the-large* [1]_: 0 is best, and says that as many rows are
    positive as the probabilities add up to. At -1 the odds are, overall, stated
    :math:`e` times too high, such as after training with balanced classes.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels, of both of two classes.

    y_proba : array-like of shape (n_samples,)
        Probabilities of the positive class, in [0, 1].

    pos_label : int, float, bool or str, default=None
        The positive class; see :func:`balanced_brier_score`. That of the other class
        has the opposite sign.

    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights.

    Returns
    -------
    intercept : float
        ``inf`` or ``-inf`` if only probabilities of exactly 0 or 1, which no shift
        changes, are too low or too high; see the notes.

    Raises
    ------
    ValueError
        If there are not two classes, or if probabilities are not finite or not in
        [0, 1].

    See Also
    --------
    calibration_slope : Whether probabilities are too extreme.
    imbdeep.calibration.correct_prior : Shifts logits for other class shares.

    Notes
    -----
    It is the maximum-likelihood estimate of :math:`a` in

    .. math:: \operatorname{logit} P(y = 1) = a + \operatorname{logit} \hat p ,

    with the slope *fixed at 1* ("calibration intercept" or :math:`a \mid b = 1` of
    [1]_). It is not the intercept of the fit that gives :func:`calibration_slope`,
    which is the level at a probability of one half, far from a rare class. The estimate
    solves :math:`\sum_i \sigma(a + \operatorname{logit} \hat p_i) = \sum_i y_i`.

    Probabilities of exactly 0 or 1 stay as they are, whatever :math:`a`: the other rows
    have to make up for those that are wrong. If they cannot, it is infinite; if there
    are no others and nothing to make up for, it is 0.

    References
    ----------
    .. [1] B. Van Calster, D. Nieboer, Y. Vergouwe, B. De Cock, M. J. Pencina, E. W.
       Steyerberg, "A calibration hierarchy for risk prediction models was defined: from
       utopia to empirical data", Journal of Clinical Epidemiology 74, 2016.

    Examples
    --------
    >>> from imbdeep.metrics import calibration_intercept
    >>> y_true = [0] * 9 + [1]
    >>> print(f"{calibration_intercept(y_true, [0.5] * 10):.3f}")  # Odds of 1 to 9.
    -2.197
    >>> abs(calibration_intercept(y_true, [0.1] * 10)) < 1e-9
    True
    """
    is_positive, proba, weight = check_binary(y_true, y_proba, pos_label, sample_weight)
    _check_both(is_positive, weight)
    x = logit(proba)
    finite = np.isfinite(x)
    wrong_zeros = weight[is_positive & (x == -np.inf)].sum()
    wrong_ones = weight[~is_positive & (x == np.inf)].sum()
    # What the finite rows have to hold of each class.
    positive = weight[is_positive & finite].sum() + wrong_zeros - wrong_ones
    negative = weight[~is_positive & finite].sum() + wrong_ones - wrong_zeros
    if negative <= 0:
        return 0.0 if positive <= 0 else float("inf")
    if positive <= 0:
        return float("-inf")
    x, weight = x[finite], weight[finite]
    level = np.log(positive) - np.log(negative)
    # At the ends all probabilities are on one side of the share.
    low, high = level - x.max() - 1, level - x.min() + 1
    return float(brentq(lambda a: weight @ expit(a + x) - positive, low, high))


def calibration_slope_distance(y_true, y_proba, **options):
    """Distance of :func:`calibration_slope` from 1."""
    return abs(calibration_slope(y_true, y_proba, **options) - 1)


def calibration_intercept_distance(y_true, y_proba, **options):
    """Distance of :func:`calibration_intercept` from 0."""
    return abs(calibration_intercept(y_true, y_proba, **options))


#: Minus the distance of :func:`calibration_slope` from 1, for ``scoring=``. It is
#: ``-inf`` where a threshold separates the classes of a fold, which few rows of a good
#: model easily do, and no ``clip`` changes that: a search would refuse a perfect model.
#: Search by log loss, or compute one slope of all out-of-fold probabilities.
calibration_slope_distance_scorer = PositiveClassScorer(
    calibration_slope_distance, -1, {}, "predict_proba"
)

#: Minus the distance of :func:`calibration_intercept` from 0, for ``scoring=``.
calibration_intercept_distance_scorer = PositiveClassScorer(
    calibration_intercept_distance, -1, {}, "predict_proba"
)
