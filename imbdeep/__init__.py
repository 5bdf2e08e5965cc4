"""Deep learning for class imbalance, as scikit-learn estimators and samplers.

The one to start with is :class:`~imbdeep.classifiers.ImbalancedClassifier`.

Sub-packages, each imported on first use
----------------------------------------
attacks
    Adversarial rows, and metrics under attack.
augmentations
    Random changes of images, for training batches.
base
    :class:`~imbdeep.base.BaseNetClassifier`, the base class of the classifiers.
batches
    Training iterators: which rows a step sees.
calibration
    Probabilities for the class shares of the data.
callbacks
    Changes and records between epochs.
classifiers
    One classifier per method.
crowds
    Labels from many workers: inference, certainty, simulation.
datasets
    The 27 imbalanced-learn sets and a small suite that needs no network.
displays
    Pictures of one classifier.
losses
    Per-row losses and loss modules.
metrics
    Metrics that scikit-learn and imbalanced-learn lack.
modules
    Networks and numeric encodings.
over_sampling
    One sampler per method.
preprocessing
    Transformers of images.
reporting
    Tables, tests of significance and plots for benchmarks.
utils
    Discovery of the estimators.
"""

from imbdeep._sub_packages import __dir__, __getattr__
from imbdeep._version import __version__

__all__ = [
    "ImbalancedClassifier",
    "__version__",
    "attacks",
    "augmentations",
    "base",
    "batches",
    "calibration",
    "callbacks",
    "classifiers",
    "crowds",
    "datasets",
    "displays",
    "losses",
    "metrics",
    "modules",
    "over_sampling",
    "preprocessing",
    "reporting",
    "utils",
]
