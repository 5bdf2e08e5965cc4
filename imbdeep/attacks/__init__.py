"""Attacks on nets, for tables and images, and metrics under attack or corruption.

For a fitted classifier, rows moved one by one: :func:`adversarial_rows`,
:func:`robust_predictions`, :func:`robust_accuracy`, :func:`make_robust_scorer`; all by
the same numbers: :func:`universal_perturbation`, :func:`perturbed_rows`,
:func:`fooling_rate`, :func:`make_universal_scorer`. Corrupted without regard to the
classifier: :func:`make_corruption_scorer`.

The attacks themselves, :func:`pgd` and the black-box search :func:`square`, take a
function from rows to logits and a :class:`Ball`.
"""

from imbdeep.attacks._ball import Ball
from imbdeep.attacks._corrupted import make_corruption_scorer
from imbdeep.attacks._evaluate import adversarial_rows, robust_predictions
from imbdeep.attacks._fooling import fooling_rate, make_universal_scorer
from imbdeep.attacks._levels import LevelChoices
from imbdeep.attacks._objectives import log_odds, margin
from imbdeep.attacks._pgd import pgd
from imbdeep.attacks._scorer import make_robust_scorer, robust_accuracy
from imbdeep.attacks._square import square
from imbdeep.attacks._universal import perturbed_rows, universal_perturbation

__all__ = [
    "Ball",
    "LevelChoices",
    "adversarial_rows",
    "fooling_rate",
    "log_odds",
    "make_corruption_scorer",
    "make_robust_scorer",
    "make_universal_scorer",
    "margin",
    "perturbed_rows",
    "pgd",
    "robust_accuracy",
    "robust_predictions",
    "square",
    "universal_perturbation",
]
