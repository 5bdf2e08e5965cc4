"""Classifiers that tell the tests what was done to them."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from imbdeep_bench.engine.experiment import Method


class RecordingClassifier(ClassifierMixin, BaseEstimator):
    """Score by the first column, and keep a copy of all that a fit is given."""

    def __init__(self, log=None):
        self.log = log

    def get_params(self, deep=True):
        """Return no parameter: a log is no setting, and grows."""
        return {}

    def fit(self, X, y, eval_set=None):
        self.classes_ = np.unique(y)
        self.scale_ = np.abs(X[:, 0]).max()
        self.log.append(
            {
                "X": X.copy(),
                "y": y.copy(),
                "eval_set": None if eval_set is None else [a.copy() for a in eval_set],
            }
        )
        return self

    def predict_proba(self, X):
        positive = 1 / (1 + np.exp(-X[:, 0] / self.scale_))
        return np.column_stack([1 - positive, positive])


class BrokenClassifier(RecordingClassifier):
    """Raise in fit."""

    def fit(self, X, y, eval_set=None):
        raise RuntimeError("the fit\nwent wrong")


class NaNClassifier(RecordingClassifier):
    """Fit, then predict NaN."""

    def predict_proba(self, X):
        return np.full((len(X), 2), np.nan)


def recording_method(log, kind="stopped", name="recording", cls=RecordingClassifier):
    """Return a method whose fits are appended to `log`."""
    return Method(name, lambda random_state, device: cls(log), kind=kind)
