"""Probabilities that mean what they say: those of the data's class shares."""

from imbdeep.calibration._prior import correct_prior
from imbdeep.calibration._prior_corrected import PriorCorrectedClassifier

__all__ = ["PriorCorrectedClassifier", "correct_prior"]
