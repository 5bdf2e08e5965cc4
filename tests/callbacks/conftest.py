import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from skorch.callbacks import Callback

from imbdeep.classifiers import NetClassifier


class Probe(Callback):
    """Call a function in a hook and keep what it returns.

    Parameters
    ----------
    look : callable
        Takes the net.
    hook : {'epoch_begin', 'step_begin', 'step_end', 'epoch_end'}
    """

    def __init__(self, look, hook="epoch_end"):
        self.look = look
        self.hook = hook

    def initialize(self):
        self.seen_ = []
        return self

    def _look(self, net, hook):
        if hook == self.hook:
            self.seen_.append(self.look(net))

    def on_epoch_begin(self, net, **kwargs):
        self._look(net, "epoch_begin")

    def on_batch_begin(self, net, training=False, **kwargs):
        if training:
            self._look(net, "step_begin")

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            self._look(net, "step_end")

    def on_epoch_end(self, net, **kwargs):
        self._look(net, "epoch_end")


class Scores(Callback):
    """Record given scores in the history, epoch by epoch; None records nothing."""

    def __init__(self, scores):
        self.scores = scores

    def on_epoch_end(self, net, **kwargs):
        score = self.scores[len(net.history) - 1]
        if score is not None:
            net.history.record("score", score)


def weights_of(net):
    """Copy of the weights of the module."""
    return {k: v.detach().clone() for k, v in net.module_.state_dict().items()}


class BatchNormNet(torch.nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.first = torch.nn.Linear(n_features, 6)
        self.norm = torch.nn.BatchNorm1d(6)
        self.last = torch.nn.Linear(6, n_classes)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x))))


@pytest.fixture(scope="session")
def binary():
    """96 rows of two classes, about one in five of class 1."""
    X, y = make_classification(96, 5, weights=[0.8], random_state=0)
    return X.astype("float32"), y


@pytest.fixture(scope="session")
def multi_class():
    X, y = make_classification(
        240,
        6,
        n_informative=4,
        n_classes=3,
        weights=[0.2, 0.7],
        class_sep=0.5,
        random_state=0,
    )
    return X.astype("float32"), y


@pytest.fixture
def make_net():
    """A small net that trains on all rows for as long as it is told."""

    def make(*callbacks, **kwargs):
        defaults = {
            "module__hidden_sizes": (6,),
            "batch_size": 16,
            "max_epochs": 4,
            "lr": 0.01,
            "train_split": None,
            "early_stopping": False,
            "n_bins": 4,
            "random_state": 0,
        }
        if "module" in kwargs:
            del defaults["module__hidden_sizes"]
        return NetClassifier(callbacks=list(callbacks), **defaults | kwargs)

    return make


def rate_by_interpolation(progress, base_lr, max_lr, step_size):
    corners = [0, step_size, 2 * step_size]
    return np.interp(
        np.mod(progress, 2 * step_size), corners, [base_lr, max_lr, base_lr]
    )
