"""A learner that knows its probabilities from the start: no fold changes them."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from imbdeep.classifiers import ImbalancedClassifier


class Told(ClassifierMixin, BaseEstimator):
    """Says the first column, as the probability of the second class."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.c_[1 - X[:, 0], X[:, 0]]


def table(seed, n=60, share=0.5):
    """Labels and probabilities, with equal ones among them."""
    rng = np.random.RandomState(seed)
    y = np.append(rng.rand(n - 4) < share, [0, 1, 0, 1]).astype(int)
    score = np.clip(0.3 * y + rng.uniform(0, 0.7, n), 0, 1).round(2)
    return y, np.c_[1 - score, score]


def cuts(score):
    """A threshold in each gap between the scores, and beyond them."""
    values = np.unique(score)
    return np.r_[0.0, (values[:-1] + values[1:]) / 2, 1.01]


def told(y, proba, *, fit_params=None, **params):
    """A fitted classifier with these out-of-fold probabilities."""
    model = ImbalancedClassifier([("told", Told())], random_state=0, **params)
    return model.fit(proba[:, 1:], y, **(fit_params or {}))
