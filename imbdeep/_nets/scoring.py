"""Scores that callbacks compute during training, in the user's labels."""

import inspect
from numbers import Real

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.metrics._scorer import _BaseScorer
from skorch.callbacks.scoring import ScoringBase

from imbdeep._arguments import naming_value
from imbdeep._nets.stack import Stack


def counts_one_as_positive(scorer, labels):
    """Whether a scorer would look for a label 1 that does not exist.

    scikit-learn's metrics for one class, such as F1, take 1 as the positive label by
    default. Among text labels the positive one is then the second, as everywhere in
    scikit-learn.

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
    """A net that predicts the positions of classes instead of labels."""

    def __init__(self, net):
        self._net = net
        self.classes_ = np.arange(len(net.classes_))

    def __getattr__(self, name):
        return getattr(self._net, name)

    def predict(self, X):
        return np.searchsorted(self._net.classes_, self._net.predict(X))


class InLabels:
    """A callback's scoring that sees the user's labels.

    Nets train on class indices. A scorer that names a label, or looks it up in
    ``classes_``, must not be given an index instead.

    Parameters
    ----------
    scoring : str, callable or None
        The ``scoring`` of :class:`skorch.callbacks.EpochScoring`.
    """

    def __init__(self, scoring):
        self.scoring = scoring

    def __call__(self, net, X, y):
        if not isinstance(self.scoring, str):
            return self._score(net, X, y)
        with naming_value("scoring", self.scoring):
            return self._score(net, X, y)

    def _score(self, net, X, y):
        scorer = check_scoring(net, self.scoring)
        labels = net.classes_inferred_
        if isinstance(net.module_, Stack) and np.ndim(y) > 1:
            # Of training rows, of which each member has its own.
            y = y.reshape(-1, *y.shape[2:])
        if np.ndim(y) != 1:  # soft labels of mixed rows have no label of the user's
            return scorer(net, X, y)
        if counts_one_as_positive(scorer, labels):
            return scorer(_InPositions(net), X, y)
        return scorer(net, X, labels[y])


def score_in_labels(callbacks):
    """Let scoring callbacks see the user's labels.

    Parameters
    ----------
    callbacks : list of tuple (name, callback)
        Initialized callbacks.
    """
    for _, callback in callbacks:
        if isinstance(callback, ScoringBase):
            # Not its parameter ``scoring``, which belongs to the user.
            callback.scoring_ = InLabels(callback.scoring_)


def look_at_rows_anew(callbacks):
    """Let scoring callbacks that cache nothing take the rows of a data set.

    skorch chooses how to index them by the data set, not by what it holds, and fails
    on a part of a dict.

    Parameters
    ----------
    callbacks : list of tuple (name, callback)
        After the beginning of training.
    """
    for _, callback in callbacks:
        if isinstance(callback, ScoringBase):
            callback.X_indexing_ = callback.y_indexing_ = None
