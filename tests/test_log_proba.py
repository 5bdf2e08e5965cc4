"""Logarithms of probabilities, which are finite where these are not above 0."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Perceptron
from skorch import NeuralNet

from imbdeep._nets.prediction import scaled_log_softmax
from imbdeep.classifiers import InferThenFit, LDAMClassifier, NetClassifier

from .common.estimators import CLASSIFIERS, each

SHORT = {"max_epochs": 4, "pretrain_epochs": 1, "warmup_epochs": 1, "decoder_epochs": 1}


@pytest.fixture(scope="module")
def data():
    return make_classification(60, 5, weights=[0.7], flip_y=0, random_state=0)


class Given(torch.nn.Module):
    """Gives its columns, as logits or as probabilities."""

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(()))

    def forward(self, X):
        return X + 0 * self.unused


@pytest.mark.parametrize("name", each(CLASSIFIERS))
def test_it_is_the_logarithm_of_the_probabilities(name, data):
    model = clone(CLASSIFIERS[name])
    known = model.get_params(deep=False)
    model.set_params(**{k: v for k, v in SHORT.items() if k in known}).fit(*data)
    logs = model.predict_log_proba(data[0])
    assert logs.dtype == np.float64
    np.testing.assert_allclose(logs, np.log(model.predict_proba(data[0])), atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("gap", [0.0, 3.0, 700.0, 1e4, 3e6])
def test_against_the_definition(gap, scale):
    given = torch.tensor([[0.0, gap, -gap]])
    expected = [-scale * gap, 0, -2 * scale * gap] - np.log(
        np.exp(-scale * gap) + 1 + np.exp(-2 * scale * gap)
    )
    np.testing.assert_allclose(
        scaled_log_softmax(given, scale)[0], expected, rtol=1e-12
    )


def test_it_is_finite_where_the_probability_is_too_small():
    X, y = np.array([[0.0, 5000.0], [5000.0, 0.0]] * 4), [1, 0] * 4
    net = NetClassifier(Given, max_epochs=1, random_state=0).fit(X, y)
    far = X[:1]
    assert net.predict_proba(far)[0, 0] == 0
    np.testing.assert_allclose(net.predict_log_proba(far), [[-5000, 0]])
    scaled = LDAMClassifier(Given, scale=30.0, max_epochs=1, random_state=0).fit(X, y)
    np.testing.assert_allclose(scaled.predict_log_proba(far), [[-150_000, 0]])


def test_a_probability_of_0_has_the_logarithm_minus_infinity():
    X, y = np.array([[0.0, 1.0], [1.0, 0.0]] * 4), [1, 0] * 4
    net = NetClassifier(
        Given, criterion=torch.nn.NLLLoss, max_epochs=1, random_state=0
    ).fit(X, y)
    logs = net.predict_log_proba([[0.0, 1.0], [0.5, 0.5]])
    expected = [[-np.inf, 0], np.log([0.5, 0.5])]
    np.testing.assert_allclose(logs, expected, rtol=1e-6)
    own = NetClassifier(Given, predict_nonlinearity=torch.sigmoid, max_epochs=1)
    logs = own.fit(X, y).predict_log_proba([[0.0, 0.0]])
    np.testing.assert_allclose(logs, np.log([[0.5, 0.5]]), rtol=1e-6)


def test_before_fit(data):
    for model in CLASSIFIERS.values():
        with pytest.raises(NotFittedError):
            clone(model).predict_log_proba(data[0])


def test_only_where_the_classifier_has_it():
    assert hasattr(InferThenFit(estimator=LogisticRegression()), "predict_log_proba")
    assert not hasattr(InferThenFit(estimator=Perceptron()), "predict_log_proba")
    nets = [m for m in CLASSIFIERS.values() if isinstance(m, NeuralNet)]
    assert nets and all(hasattr(net, "predict_log_proba") for net in nets)
