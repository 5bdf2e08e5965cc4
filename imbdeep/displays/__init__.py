"""Pictures of one classifier, in the form of scikit-learn's displays.

All have ``from_estimator``, most ``from_predictions``, and ``plot`` draws again, on
other axes or in another style. Colours are those of matplotlib's style. Matplotlib is
imported once something is drawn.
"""

from imbdeep.displays._learning_curve import LearningCurveDisplay
from imbdeep.displays._precision_recall import PrecisionRecallDisplay
from imbdeep.displays._reliability import ReliabilityDisplay
from imbdeep.displays._threshold import ThresholdDisplay

__all__ = [
    "LearningCurveDisplay",
    "PrecisionRecallDisplay",
    "ReliabilityDisplay",
    "ThresholdDisplay",
]
