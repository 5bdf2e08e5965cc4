"""Scorers of metrics that have a positive class."""

import numpy as np
from sklearn.metrics._scorer import _BaseScorer
from sklearn.utils._response import _get_response_values


class PositiveClassScorer(_BaseScorer):
    """A scorer as ``make_scorer`` makes it, with the classifier's positive class.

    That is the last of the classifier's `classes_`, even if the scored rows lack it. It
    bypasses ``method_caller``, which caches the scores of the positive class of
    whichever scorer came first.
    """

    def _score(self, method_caller, estimator, X, y_true, **kwargs):
        options = {"pos_label": None, **self._kwargs, **kwargs}
        y_score, positive = _get_response_values(
            estimator, X, self._response_method, pos_label=options["pos_label"]
        )
        options["pos_label"] = np.asarray(positive).item()
        return self._sign * self._score_func(y_true, y_score, **options)
