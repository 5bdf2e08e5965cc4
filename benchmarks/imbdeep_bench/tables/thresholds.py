"""Ways to a threshold: each takes a classifier, and gives labels for every metric."""

import numpy as np
from imblearn.metrics import geometric_mean_score
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV

from imbdeep.classifiers import ImbalancedClassifier
from imbdeep_bench.engine.experiment import Method, by_name
from imbdeep_bench.members import WIDE, members

COSTS = [[0, 1], [10, 0]]
# Probability from which on a false alarm is expected to cost less than a miss.
LEAST_COST_FROM = 1 / 11


def mean_cost(y_true, y_pred):
    """Mean over the rows: a miss costs ten false alarms.

    Examples
    --------
    >>> mean_cost(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    2.75
    """
    return float(np.asarray(COSTS)[y_true, y_pred].mean())


SCORES = {"g_mean": geometric_mean_score, "f1": f1_score, "cost": mean_cost}
SCORERS = {
    "g_mean": make_scorer(geometric_mean_score),
    "f1": make_scorer(f1_score),
    "cost": make_scorer(mean_cost, greater_is_better=False),
}
BY_NAME = {"g_mean": "g_mean", "f1": "f1", "cost": COSTS}
HALF = dict.fromkeys(SCORES, "default")


class OutOfFold(BaseEstimator):
    """One fit; its out-of-fold rows choose a threshold for each metric."""

    def __init__(self, net, thresholds):
        self.net = net
        self.thresholds = thresholds

    def fit(self, X, y):
        learners = [("net", self.net)]
        seed = self.net.random_state
        self.model_ = ImbalancedClassifier(learners, random_state=seed).fit(X, y)
        return self

    def labels(self, X):
        """Labels of rows, by metric."""
        return {
            metric: self.model_.set_threshold(threshold).predict(X)
            for metric, threshold in self.thresholds.items()
        }


class CrossValidated(BaseEstimator):
    """Scikit-learn's way: for each metric, a fit for each fold and one on all rows."""

    def __init__(self, net):
        self.net = net

    def fit(self, X, y):
        self.models_ = {
            metric: TunedThresholdClassifierCV(self.net, scoring=scorer, cv=5).fit(X, y)
            for metric, scorer in SCORERS.items()
        }
        return self

    def labels(self, X):
        """Labels of rows, by metric."""
        return {metric: model.predict(X) for metric, model in self.models_.items()}


class OnTrainingRows(CrossValidated):
    """The mistake: one fit, and thresholds by the rows that it trained on."""

    def fit(self, X, y):
        net = FrozenEstimator(clone(self.net).fit(X, y))
        same = {"cv": "prefit", "refit": False}
        self.models_ = {
            metric: TunedThresholdClassifierCV(net, scoring=scorer, **same).fit(X, y)
            for metric, scorer in SCORERS.items()
        }
        return self


net = members(**WIDE, module="mlp", n_members=5, patience=10)
THRESHOLDS = by_name(
    [
        Method(
            "out_of_fold",
            lambda seed: OutOfFold(net(seed), BY_NAME),
            "out of fold, one fit",
        ),
        Method(
            "functions",
            lambda seed: OutOfFold(net(seed), SCORERS),
            "out of fold, by scorers",
        ),
        Method(
            "cross_validated",
            lambda seed: CrossValidated(net(seed)),
            "TunedThresholdClassifierCV",
        ),
        Method("half", lambda seed: OutOfFold(net(seed), HALF), "0.5"),
        Method(
            "training_rows",
            lambda seed: OnTrainingRows(net(seed)),
            "on the rows trained on",
        ),
    ]
)
