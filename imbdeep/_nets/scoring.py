"""Scores that callbacks take during training, in the labels of the user."""

import inspect
from numbers import Real

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.metrics._scorer import _BaseScorer
from skorch.callbacks.scoring import ScoringBase


def counts_one_as_positive(scorer, labels):
    """Whether a scorer would look for a label 1 that is none of the labels.

    scikit-learn's metrics for one class, such as F1, take 1 for it unless they are told
    otherwise. Among text labels it is the second then, as everywhere in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import get_scorer
    >>> from imbdeep._nets.scoring import counts_one_as_positive
    >>> counts_one_as_positive(get_scorer("f1"), np.array(["common", "rare"]))
    True
    >>> counts_one_as_positive(get_scorer("f1"), np.array([0, 1]))
    False
    """
    if not isinstance(scorer, _BaseScorer):
        return False
    if not {"pos_label", "labels"}.isdisjoint(scorer._kwargs):
        return False
    metric = inspect.signature(scorer._score_func).parameters
    numbers = all(isinstance(label, Real) for label in labels.tolist())
    return "pos_label" in metric and not numbers


class _InPositions:
    """A net that speaks of classes by their positions."""

    def __init__(self, net):
        self._net = net
        self.classes_ = np.arange(len(net.classes_))

    def __getattr__(self, name):
        return getattr(self._net, name)

    def predict(self, X):
        return np.searchsorted(self._net.classes_, self._net.predict(X))


class InLabels:
    """A scoring of callbacks that sees the labels of the user.

    Nets train on class indices. A scorer that names a label, or looks it up among
    ``classes_``, must see neither an index nor another label than it means.

    Parameters
    ----------
    scoring : str, callable or None
        As :class:`skorch.callbacks.EpochScoring` takes it.
    """

    def __init__(self, scoring):
        self.scoring = scoring

    def __call__(self, net, X, y):
        scorer = check_scoring(net, self.scoring)
        labels = net.classes_inferred_
        if np.ndim(y) != 1:  # soft labels, of mixed rows, which are none of the user's
            return scorer(net, X, y)
        if counts_one_as_positive(scorer, labels):
            return scorer(_InPositions(net), X, y)
        return scorer(net, X, labels[y])


def score_in_labels(callbacks):
    """Let scoring callbacks see the labels of the user.

    Parameters
    ----------
    callbacks : list of tuple (name, callback)
        Initialized.
    """
    for _, callback in callbacks:
        if isinstance(callback, ScoringBase):
            # Not its parameter, which is the user's.
            callback.scoring_ = InLabels(callback.scoring_)
