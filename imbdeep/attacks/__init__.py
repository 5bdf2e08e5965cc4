"""Attacks on nets, for tables and images, and metrics under them.

For a fitted classifier: :func:`adversarial_rows`, :func:`robust_predictions`,
:func:`robust_accuracy`, :func:`make_robust_scorer`.

The attacks themselves take a function from rows to logits and a :class:`Ball`:
:func:`pgd`, to train with; :func:`strongest_pgd` and the black-box search
:func:`square`, to evaluate with.
"""

from imbdeep.attacks._ball import Ball
from imbdeep.attacks._box import check_inside, read_box
from imbdeep.attacks._evaluate import adversarial_rows, robust_predictions
from imbdeep.attacks._nets import evaluation_mode, net_logits
from imbdeep.attacks._objectives import log_odds, margin
from imbdeep.attacks._pgd import pgd, strongest_pgd
from imbdeep.attacks._scorer import make_robust_scorer, robust_accuracy
from imbdeep.attacks._square import square
from imbdeep.attacks._supplementary import supplementary_rows
from imbdeep.attacks._threat import (
    check_threat,
    lengths_of_row,
    make_ball,
    movable_features,
    warn_of_tiny_radius,
)
from imbdeep.attacks._worst import worst_rows

__all__ = [
    "Ball",
    "adversarial_rows",
    "check_inside",
    "check_threat",
    "evaluation_mode",
    "lengths_of_row",
    "log_odds",
    "make_ball",
    "make_robust_scorer",
    "margin",
    "movable_features",
    "net_logits",
    "pgd",
    "read_box",
    "robust_accuracy",
    "robust_predictions",
    "square",
    "strongest_pgd",
    "supplementary_rows",
    "warn_of_tiny_radius",
    "worst_rows",
]
