"""Majority vote: all workers count equally."""

import numpy as np

from imbdeep._arguments import MISSING_VALUES
from imbdeep.crowds._aggregator import Aggregator
from imbdeep.crowds._annotations import count_votes, indicator_matrix
from imbdeep.crowds._worker_model import (
    estimate_confusion,
    estimate_prior,
    vote_shares,
)


class MajorityVote(Aggregator):
    """Infer the label that most workers gave.

    Read more in the :ref:`User Guide <crowds>`.

    Parameters
    ----------
    classes : array-like of shape (n_classes,) or None, default=None
        All labels, if ``fit`` may not see every one.
    missing_values : int, float, NaN or None, default=-1
        Number that marks a missing annotation, in addition to NaN and None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    label_posterior_ : ndarray of shape (n_samples, n_classes)
        Share of the votes of each label, for the rows of ``fit``.
    confusion_matrices_ : ndarray of shape (n_workers, n_classes, n_classes)
        How often a worker gave a label (third axis) to rows with a majority label
        (second); rows sum to 1. Uniform if there is nothing to count.
    class_prior_ : ndarray of shape (n_classes,)
        Share of rows with each majority label.
    worker_error_rates_ : ndarray of shape (n_workers,)
        How often a worker differs from the majority, by its confusion matrix and
        ``class_prior_``; NaN for a worker without annotations.
    n_features_in_ : int
        Number of workers.
    feature_names_in_ : ndarray of shape (n_workers,)
        If ``annotations`` is a data frame with string column names.

    See Also
    --------
    DawidSkene : Learns the error rates of each worker.

    Notes
    -----
    Ties go to the first label in ``classes_``, as in
    :class:`sklearn.ensemble.VotingClassifier`; ``predict_proba`` shows them.

    Examples
    --------
    >>> from imbdeep.crowds import MajorityVote
    >>> annotations = [[0, 0, 1], [1, 1, -1], [1, -1, 0]]
    >>> vote = MajorityVote().fit(annotations)
    >>> vote.predict(annotations)
    array([0, 1, 0])
    >>> vote.predict_proba([[1, 1, 0]]).round(2)
    array([[0.33, 0.67]])
    """

    _parameter_constraints = {
        "classes": ["array-like", None],
        "missing_values": MISSING_VALUES,
    }

    def __init__(self, *, classes=None, missing_values=-1):
        self.classes = classes
        self.missing_values = missing_values

    def _learn(self, codes):
        n_classes = len(self.classes_)
        self.label_posterior_ = self._posterior(codes)
        winners = np.eye(n_classes)[self.label_posterior_.argmax(1)]
        indicators = indicator_matrix(codes, n_classes)
        self.confusion_matrices_ = estimate_confusion(indicators, winners, smoothing=0)
        self.class_prior_ = estimate_prior(winners, smoothing=0)

    def _posterior(self, codes):
        return vote_shares(count_votes(codes, len(self.classes_)))
