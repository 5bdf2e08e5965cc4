"""Whether probabilities of two classes come true."""

from dataclasses import dataclass

import numpy as np

from imbdeep.metrics import (
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
)
from imbdeep.metrics._calibration_line import slope_interval

# Of the slope and intercept, with few rows.
_LEAST_SURE = 1e-3


def least_sure(rows):
    """Probability below which none counts in the slope and intercept of calibration.

    A forest's 0 means less than it can tell, and its logit is infinite. But a row in
    thousands may well be that rare: the more rows, the less a probability may be.

    Parameters
    ----------
    rows : Judged

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.honesty import least_sure
    >>> from imbdeep.classifiers._imbalanced.report.judged import judged_rows
    >>> least_sure(judged_rows(np.full((100_000, 2), 0.5), np.zeros(100_000, int)))
    5e-06
    """
    return min(_LEAST_SURE, 0.5 / max(len(rows.y), 1))


def share_too_sure(rows):
    """Share of rows with a probability below :func:`least_sure`, of either class.

    Parameters
    ----------
    rows : Judged
        Of two classes.

    Returns
    -------
    float
    """
    return float((rows.proba.min(axis=1) < least_sure(rows)).mean())


def calibration_scores(rows):
    """Whether probabilities of the positive one of two classes come true.

    Parameters
    ----------
    rows : Judged
        Of both classes.

    Returns
    -------
    dict of float
        The slope is NaN if all probabilities are the same.
    """
    is_positive, said = rows.y == rows.positive, rows.proba[:, rows.positive]
    sure, told = _as_sure_as_can_be(rows), {"sample_weight": rows.weight}
    varies = sure.min() < sure.max()
    slope = calibration_slope(is_positive, sure, **told) if varies else np.nan
    return {
        "calibration slope": slope,
        "calibration intercept": calibration_intercept(is_positive, sure, **told),
        "calibration error": expected_calibration_error(is_positive, said, **told),
    }


def _as_sure_as_can_be(rows):
    """Probabilities of the positive class, none closer to 0 or 1 than rows can tell."""
    least = least_sure(rows)
    return np.clip(rows.proba[:, rows.positive], least, 1 - least)


def judge_slope(rows):
    """Tell in which 95 % interval the slope of calibration lies.

    Parameters
    ----------
    rows : Judged
        Of both of two classes.

    Returns
    -------
    low, high : float
        NaN if all probabilities are the same; see
        :func:`~imbdeep.metrics._calibration_line.slope_interval`.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.honesty import judge_slope
    >>> from imbdeep.classifiers._imbalanced.report.judged import judged_rows
    >>> said = np.repeat([0.2, 0.8], [50, 50])
    >>> rows = judged_rows(np.column_stack([1 - said, said]), np.arange(100) % 10 // 5)
    >>> low, high = judge_slope(rows)
    >>> print(f"{low:.2f} to {high:.2f}")
    -0.28 to 0.28
    """
    sure = _as_sure_as_can_be(rows)
    if sure.min() == sure.max():
        return np.nan, np.nan
    return slope_interval(rows.y == rows.positive, sure, rows.weight)


@dataclass(frozen=True)
class Level:
    """Whether probabilities are too high or too low overall.

    Attributes
    ----------
    said, came_true : float
        Mean probability of the positive class, and its share.
    z : float
        Their difference in standard errors.
    """

    said: float
    came_true: float
    z: float


def judge_level(rows):
    """Compare the mean probability of the positive one of two classes with its share.

    Parameters
    ----------
    rows : Judged

    Returns
    -------
    Level

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.honesty import judge_level
    >>> from imbdeep.classifiers._imbalanced.report.judged import judged_rows
    >>> y = (np.arange(100) % 5 == 0).astype(int)
    >>> judge_level(judged_rows(np.full((100, 2), 0.5), y))
    Level(said=0.5, came_true=0.2, z=6.0)
    """
    hit, said = (rows.y == rows.positive).astype(float), rows.proba[:, rows.positive]
    told = {"weights": rows.weight}
    mean_said, came_true = np.average(said, **told), np.average(hit, **told)
    # As stated, and as it came: few rare rows vary less than they might, and
    # probabilities of 0 and 1 state no variance at all.
    squares = rows.weight**2
    variance = max(squares @ (said * (1 - said)), squares @ (hit - said) ** 2)
    difference = rows.weight.sum() * (mean_said - came_true)
    z = difference / np.sqrt(variance) if variance > 0 else 0.0
    return Level(float(mean_said), float(came_true), float(z))
