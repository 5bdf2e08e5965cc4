"""How good out-of-fold probabilities are, and what a decision makes of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
)

from imbdeep.classifiers._imbalanced.report.honesty import calibration_scores
from imbdeep.metrics._bins import bins_of_equal_mass, fill_bins
from imbdeep.metrics._brier import squared_error_per_row

_LEAST_PROBA = 1e-15
_MOST_BINS = 10
# Rare rows that a bin should hold, by what the probabilities say.
_FEWEST_IN_BIN = 5


def average_precision(rows):
    """Of the positive class; of more than two, the mean over classes.

    Parameters
    ----------
    rows : Judged

    Returns
    -------
    float
    """
    return _mean_over_classes(average_precision_score, rows)


def _mean_over_classes(metric, rows):
    classes = [rows.positive] if rows.proba.shape[1] == 2 else rows.classes
    values = [
        metric(rows.y == c, rows.proba[:, c], sample_weight=rows.weight)
        for c in classes
    ]
    return float(np.mean(values))


def mean_log_loss(rows):
    """Of all rows, whatever their class.

    Parameters
    ----------
    rows : Judged

    Returns
    -------
    float
    """
    own = np.maximum(rows.proba[np.arange(len(rows.y)), rows.y], _LEAST_PROBA)
    return float(np.average(-np.log(own), weights=rows.weight))


def _brier(rows):
    """In [0, 1], of several classes as well as of two."""
    error = squared_error_per_row(rows.y, rows.proba)
    return float(np.average(error, weights=rows.weight))


def score_table(rows):
    """Scores, beside those of probabilities that know the shares of classes alone.

    Parameters
    ----------
    rows : Judged

    Returns
    -------
    DataFrame
        Columns ``score`` and ``knows_nothing``; the latter is NaN where there is
        nothing to compare with. No row without two classes to tell apart.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.judged import judged_rows
    >>> from imbdeep.classifiers._imbalanced.report.scores import score_table
    >>> proba = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]])
    >>> score_table(judged_rows(proba, np.array([0, 0, 1, 1]))).round(3)
                           score  knows_nothing
    average precision      1.000          0.500
    ROC AUC                1.000          0.500
    log loss               0.511          0.693
    Brier score            0.175          0.250
    calibration slope        inf            NaN
    calibration intercept  1.027            NaN
    calibration error      0.350            NaN
    """
    n_classes = rows.proba.shape[1]
    if len(rows.classes) < 2:
        return pd.DataFrame(columns=["score", "knows_nothing"], dtype=float)
    known = np.bincount(rows.y, rows.weight, n_classes) / rows.weight.sum()
    nothing = replace(rows, proba=np.tile(known, (len(rows.y), 1)))
    over = ", mean over classes" if n_classes > 2 else ""
    of = {
        f"average precision{over}": average_precision,
        f"ROC AUC{over}": lambda rows: _mean_over_classes(roc_auc_score, rows),
        # Not over classes: probabilities at the shares of the data would look bad.
        "log loss": mean_log_loss,
        "Brier score": _brier,
    }
    scores = {name: score(rows) for name, score in of.items()}
    if n_classes == 2:
        scores |= calibration_scores(rows)
    table = pd.DataFrame({"score": scores})
    table["knows_nothing"] = pd.Series({n: score(nothing) for n, score in of.items()})
    return table


def confusion_per_1000(rows, decision):
    """Rows of each true and predicted class, of a thousand.

    Parameters
    ----------
    rows : Judged
    decision : Decision

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        Rows are true classes, columns predicted ones.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.decisions import Decision
    >>> from imbdeep.classifiers._imbalanced.report.judged import judged_rows
    >>> from imbdeep.classifiers._imbalanced.report.scores import confusion_per_1000
    >>> proba = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]])
    >>> rows = judged_rows(proba, np.array([0, 0, 1, 1]))
    >>> confusion_per_1000(rows, Decision(0.5))
    array([[500.,   0.],
           [250., 250.]])
    """
    n_classes = rows.proba.shape[1]
    cells = rows.y * n_classes + decision(rows.proba)
    total = np.bincount(cells, rows.weight, n_classes**2).reshape(n_classes, -1)
    return 1_000 * total / max(rows.weight.sum(), np.finfo(float).tiny)


def precision_recall(rows, c):
    """Precision and recall of a class at each threshold, from the highest to 0.

    Parameters
    ----------
    rows : Judged
    c : int
        Class index.

    Returns
    -------
    recall, precision : ndarray of shape (m,)
    """
    precision, recall, _ = precision_recall_curve(
        rows.y == c, rows.proba[:, c], sample_weight=rows.weight
    )
    # Without scikit-learn's last point, which no threshold reaches.
    return recall[-2::-1], precision[-2::-1]


def reliability(rows, c):
    """Shares of a class among rows of like probability.

    Each bin holds as many rows of the class, by the sum of the probabilities: bins of
    equal width would all but one be empty for a rare class, and of bins with equally
    many rows most would hold none of it.

    Parameters
    ----------
    rows : Judged
    c : int
        Class index.

    Returns
    -------
    DataFrame
        Columns ``said``, the mean probability of a bin, ``came_true``, the share of the
        class there, and ``low`` and ``high``, its 95 % interval of Clopper and Pearson.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.judged import judged_rows
    >>> from imbdeep.classifiers._imbalanced.report.scores import reliability
    >>> said = np.repeat([0.1, 0.5], [50, 10])
    >>> y = np.repeat([0, 1, 0, 1], [45, 5, 4, 6])
    >>> rows = judged_rows(np.column_stack([1 - said, said]), y)
    >>> reliability(rows, 1)[["said", "came_true"]].round(2)
       said  came_true
    0   0.1        0.1
    1   0.5        0.6
    """
    said, hit = rows.proba[:, c], rows.y == c
    n_bins = int(np.clip(hit.sum() // _FEWEST_IN_BIN, 1, _MOST_BINS))
    place = bins_of_equal_mass(said, rows.weight * said, n_bins)
    bins = fill_bins(hit, said, rows.weight, place, int(place.max()) + 1)
    low, high = bins.intervals()
    return pd.DataFrame(
        {
            "said": bins.mean_predicted,
            "came_true": bins.observed,
            "low": low,
            "high": high,
        }
    )
