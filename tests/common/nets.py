"""The nets among the classifiers, by name, and tables for them."""

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from skorch import NeuralNet

from .estimators import CLASSIFIERS

NETS = {name: net for name, net in CLASSIFIERS.items() if isinstance(net, NeuralNet)}

# Those that take validation rows, and whose training goes on.
GOING_ON = {name: net for name, net in NETS.items() if net.member_holdout is None}


def quick(name, **params):
    """A clone that trains for two epochs in each of its stages."""
    few = {
        "max_epochs": 2,
        "pretrain_epochs": 2,
        "average_every": 1,
        "batch_size": 40,
    }
    params = few | params
    net = clone(NETS[name])
    known = net.get_params()
    return net.set_params(**{k: v for k, v in params.items() if k in known})


def table(n_rows=90, n_features=6, random_state=0):
    """Columns of which one is constant, one whole numbers and all hold zeros."""
    X, y = make_classification(
        n_rows, n_features, n_informative=4, weights=[0.7], random_state=random_state
    )
    X[np.abs(X) < 0.4] = 0.0
    X[:, 1] = np.rint(X[:, 1])
    X[:, 2] = 3.0
    return X, y


def average_precision_on_generated(net, seed):
    """How well a net ranks 600 generated rows after training on 600 others."""
    X, y = make_classification(
        1200, 12, n_informative=6, weights=[0.9], flip_y=0.02, random_state=seed
    )
    net = clone(net).set_params(random_state=seed).fit(X[:600], y[:600])
    return average_precision_score(y[600:], net.predict_proba(X[600:])[:, 1])
