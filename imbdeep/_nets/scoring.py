"""Scores that callbacks take during training, in the labels of the user."""

import inspect
from contextlib import contextmanager
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


@contextmanager
def _in_labels(net):
    """Let a net in training speak the labels of the user."""
    net.scores_in_labels_ = True
    try:
        yield
    finally:
        del net.scores_in_labels_


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
        # Soft labels, of mixed rows, are none of the user's.
        if np.ndim(y) != 1 or counts_one_as_positive(scorer, labels):
            return scorer(net, X, y)
        with _in_labels(net):
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
