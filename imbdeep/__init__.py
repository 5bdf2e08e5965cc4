"""Deep learning for class imbalance, as scikit-learn estimators and samplers.

Sub-packages, each imported when it is first asked for
-------------------------------------------------------
attacks
    Rows moved against a classifier, and what withstands them.
base
    :class:`~imbdeep.base.BaseNetClassifier`, what every classifier builds on.
batches
    Training iterators: which rows a step sees.
callbacks
    What changes between epochs.
classifiers
    One classifier per method.
crowds
    Labels that many workers gave: inference, certainty, simulation.
datasets
    The 27 imbalanced-learn sets and a small suite that needs no network.
losses
    What a step minimises.
metrics
    Metrics that scikit-learn and imbalanced-learn lack.
modules
    Networks and numeric encodings.
over_sampling
    One sampler per method.
reporting
    Tables, tests of significance and plots for benchmarks.
utils
    Discovery of the estimators.
"""

from imbdeep._sub_packages import __dir__, __getattr__
from imbdeep._version import __version__

__all__ = [
    "__version__",
    "attacks",
    "base",
    "batches",
    "callbacks",
    "classifiers",
    "crowds",
    "datasets",
    "losses",
    "metrics",
    "modules",
    "over_sampling",
    "reporting",
    "utils",
]
