"""Logits of skorch nets, and nets left as they were."""

import numpy as np
import pytest
import torch
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier
from torch import nn

from imbdeep.attacks._nets import evaluation_mode, net_logits
from imbdeep.classifiers import (
    AdversarialClassifier,
    LDAMClassifier,
    NetClassifier,
)

X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
Y = np.arange(30) % 3


class Softmax(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x):
        return self.linear(x).softmax(-1)


class WithFeatures(nn.Module):
    """Logits, and something else beside them."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x):
        return self.linear(x), x


class Certain(Softmax):
    def forward(self, x):
        return torch.tensor([[0.0, 1.0]]).expand(len(x), 2)


class OneOutput(nn.Module):
    """A logit of the positive class."""

    def __init__(self, flat):
        super().__init__()
        self.linear, self.flat = nn.Linear(4, 1), flat

    def forward(self, x):
        return self.linear(x)[:, 0] if self.flat else self.linear(x)


def skorch_net(module, criterion):
    return NeuralNetClassifier(module, criterion=criterion, max_epochs=1, verbose=0)


NETS = {
    "NetClassifier": NetClassifier(max_epochs=2, random_state=0),
    "LDAMClassifier": LDAMClassifier(max_epochs=2, random_state=0),
    "LDAMClassifier-scale": LDAMClassifier(max_epochs=2, scale=5.0, random_state=0),
    "AdversarialClassifier": AdversarialClassifier(
        eps=0.1, max_epochs=2, random_state=0
    ),
    "cross_entropy": skorch_net(nn.Linear(4, 3), nn.CrossEntropyLoss),
    "nll": skorch_net(Softmax, nn.NLLLoss),
}


@pytest.mark.parametrize("name", NETS)
def test_softmax_of_the_logits_are_the_probabilities(name):
    net = NETS[name].fit(X, Y)
    with evaluation_mode(net.module_), torch.no_grad():
        logits = net_logits(net, torch.from_numpy(X))
    assert logits.shape == (30, 3)
    np.testing.assert_allclose(
        logits.softmax(-1).numpy(), net.predict_proba(X), rtol=1e-5, atol=1e-6
    )


def test_of_several_outputs_the_first_are_the_logits():
    net = skorch_net(WithFeatures, nn.CrossEntropyLoss).initialize()
    x = torch.from_numpy(X)
    torch.testing.assert_close(net_logits(net, x), net.module_.linear(x))


def test_probabilities_of_0_have_finite_logits():
    net = skorch_net(Certain, nn.NLLLoss).initialize()
    logits = net_logits(net, torch.from_numpy(X))
    assert torch.isfinite(logits).all()
    assert (logits[:, 1] == 0).all()
    assert (logits[:, 0] < -80).all()


@pytest.mark.parametrize("flat", [False, True])
def test_the_one_output_of_a_binary_net_is_the_logit_of_the_second_class(flat):
    net = NeuralNetBinaryClassifier(OneOutput(flat=flat)).initialize()
    logits = net_logits(net, torch.from_numpy(X))
    np.testing.assert_allclose(
        logits.softmax(-1).detach(), net.predict_proba(X), rtol=1e-6
    )


def test_needs_a_logit_for_each_class():
    net = skorch_net(OneOutput(flat=False), nn.CrossEntropyLoss).initialize()
    with pytest.raises(ValueError, match=r"of shape \(30, 1\).* one output per"):
        net_logits(net, torch.from_numpy(X))


def parts():
    """A net some of whose parts are in the other mode."""
    module = nn.Sequential(
        nn.Linear(4, 4), nn.Sequential(nn.BatchNorm1d(4), nn.Dropout())
    )
    module[1][0].eval()
    return module


@pytest.mark.parametrize("training", [True, False])
def test_modes_are_put_back(training):
    module = parts()
    module.training = module[1][1].training = training
    before = [part.training for part in module.modules()]
    assert len(set(before)) == 2
    with evaluation_mode(module):
        assert not any(part.training for part in module.modules())
    assert [part.training for part in module.modules()] == before


def test_modes_are_put_back_after_an_error():
    module = parts()
    before = [part.training for part in module.modules()]
    with pytest.raises(RuntimeError, match="no"), evaluation_mode(module):
        raise RuntimeError("no")
    assert [part.training for part in module.modules()] == before
