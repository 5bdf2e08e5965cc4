"""Metrics that scikit-learn and imbalanced-learn lack.

Each metric is a function and a scorer, which scikit-learn takes as ``scoring=``. If
smaller is better, the scorer returns the metric with its sign changed, like
scikit-learn's ``neg_*`` scorers.

* :func:`balanced_brier_score`, ``balanced_brier_scorer``: any number of classes.
* :func:`intra_class_variance`, ``intra_class_variance_scorer`` (the sum that its paper
  defines) and ``root_intra_class_variance_scorer`` (the root that its tables hold): any
  number of classes.
* :func:`calibration_slope`, :func:`calibration_intercept` and
  :func:`expected_calibration_error`, ``calibration_slope_distance_scorer`` and
  ``calibration_intercept_distance_scorer`` (how far from 1 and from 0) and
  ``expected_calibration_error_scorer``: two classes.
* :func:`precision_at_recall_score`, ``precision_at_recall_scorer`` (recall 0.5) and
  :func:`make_precision_at_recall_scorer` (any recall): two classes.

:func:`calibration_bins` and :func:`precision_at_recalls` are the curves behind them;
:func:`calibration_error_of_bins` is for bins that were pooled.
:func:`under_represented` returns the rarer half of the classes, for metrics on these.
"""

from imbdeep.metrics._brier import balanced_brier_score, balanced_brier_scorer
from imbdeep.metrics._calibration_bins import (
    calibration_bins,
    calibration_error_of_bins,
    expected_calibration_error,
    expected_calibration_error_scorer,
)
from imbdeep.metrics._calibration_line import (
    calibration_intercept,
    calibration_intercept_distance_scorer,
    calibration_slope,
    calibration_slope_distance_scorer,
)
from imbdeep.metrics._class_halves import under_represented
from imbdeep.metrics._intra_class import (
    intra_class_variance,
    intra_class_variance_scorer,
    root_intra_class_variance_scorer,
)
from imbdeep.metrics._precision_at_recall import (
    make_precision_at_recall_scorer,
    precision_at_recall_score,
    precision_at_recall_scorer,
    precision_at_recalls,
)

__all__ = [
    "balanced_brier_score",
    "balanced_brier_scorer",
    "calibration_bins",
    "calibration_error_of_bins",
    "calibration_intercept",
    "calibration_intercept_distance_scorer",
    "calibration_slope",
    "calibration_slope_distance_scorer",
    "expected_calibration_error",
    "expected_calibration_error_scorer",
    "intra_class_variance",
    "intra_class_variance_scorer",
    "make_precision_at_recall_scorer",
    "precision_at_recall_score",
    "precision_at_recall_scorer",
    "precision_at_recalls",
    "root_intra_class_variance_scorer",
    "under_represented",
]
