"""Metrics that scikit-learn and imbalanced-learn lack.

Each metric is a function and a scorer, which scikit-learn takes as ``scoring=``. If
smaller is better, the scorer returns the metric with its sign changed, like
scikit-learn's ``neg_*`` scorers.

* :func:`balanced_brier_score`, ``balanced_brier_scorer``: any number of classes.
* :func:`intra_class_variance`, ``intra_class_variance_scorer`` (the sum that its paper
  defines) and ``root_intra_class_variance_scorer`` (the root that its tables hold): any
  number of classes.
* :func:`precision_at_recall_score`, ``precision_at_recall_scorer`` (recall 0.5) and
  :func:`make_precision_at_recall_scorer` (any recall): two classes.

:func:`under_represented` returns the rarer half of the classes, for metrics on these.
"""

from imbdeep.metrics._brier import balanced_brier_score, balanced_brier_scorer
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
)

__all__ = [
    "balanced_brier_score",
    "balanced_brier_scorer",
    "intra_class_variance",
    "intra_class_variance_scorer",
    "make_precision_at_recall_scorer",
    "precision_at_recall_score",
    "precision_at_recall_scorer",
    "root_intra_class_variance_scorer",
    "under_represented",
]
