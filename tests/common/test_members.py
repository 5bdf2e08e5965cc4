"""Modules with several outputs a row: each is trained, and their mean predicts."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from skorch.callbacks import EpochScoring

from imbdeep._nets.members import mean_of_members
from imbdeep.attacks import adversarial_rows
from imbdeep.attacks._nets import net_logits
from imbdeep.classifiers import NetClassifier
from imbdeep.modules import MLP

from .estimators import CLASSIFIERS, each
from .nets import average_precision_on_generated

SHORT = {"max_epochs": 4, "pretrain_epochs": 1, "warmup_epochs": 1, "decoder_epochs": 1}
NETS = {
    name: one
    for name, one in CLASSIFIERS.items()
    if one.get_params().get("n_members") == 1
}
X, Y = make_classification(120, 5, weights=[0.8], flip_y=0, random_state=0)


class Twins(MLP):
    """Two members that are one perceptron."""

    def forward(self, x):
        return super().forward(x).unsqueeze(1).expand(-1, 2, -1)


def short(name, **params):
    net = clone(NETS[name])
    known = net.get_params()
    fewer = {key: value for key, value in SHORT.items() if key in known}
    return net.set_params(**fewer | params)


def tabm(name, **params):
    pytest.importorskip("tabm")
    return short(name, module="tabm", module__k=3, **params)


# --- Combination ---------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("k", [1, 4])
def test_the_mean_of_probabilities(k, scale):
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(5, k, 3, dtype=torch.float64, generator=generator)
    combined = (scale * mean_of_members(outputs, scale=scale)).exp()
    odds = (scale * outputs).exp().numpy()
    expected = np.mean(odds / odds.sum(-1, keepdims=True), axis=1)
    assert_allclose(combined / combined.sum(-1, keepdim=True), expected)
    assert torch.autograd.gradcheck(
        lambda z: mean_of_members(z, scale=scale), outputs.requires_grad_()
    )


def test_the_mean_stays_finite_where_members_are_sure():
    outputs = torch.tensor([[[0.0, 1e4], [0.0, -1e4]]])
    assert_allclose(mean_of_members(outputs).softmax(-1), [[0.5, 0.5]])
    outputs = torch.tensor([[[0.0, 1e4], [0.0, 2e4]]])
    # Half of the probability that the less sure member gives.
    expected = [[-1e4 - np.log(2), 0.0]]
    assert_allclose(mean_of_members(outputs).log_softmax(-1), expected, rtol=1e-6)


def test_probabilities_have_their_own_mean():
    outputs = torch.tensor([[[0.2, 0.8], [0.6, 0.4]]])
    assert_allclose(mean_of_members(outputs, are_probabilities=True), [[0.4, 0.6]])


# --- Nets ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", each(NETS))
def test_every_net_trains_members(name):
    net = tabm(name).fit(X, Y)
    net.module_.eval()
    with torch.no_grad():
        outputs = net.module_(torch.as_tensor(X, dtype=torch.float32)).double()
    assert outputs.shape == (len(X), 3, 2)
    assert (outputs[:, 0] - outputs[:, 1]).abs().max() > 1e-3
    expected = (net.logit_scale_ * outputs).softmax(-1).mean(1)
    assert_allclose(net.predict_proba(X), expected, atol=1e-5)
    assert_allclose(net.predict_log_proba(X), expected.log(), atol=1e-3)
    assert net.forward(X).shape == (len(X), 2)


@pytest.mark.parametrize("name", each(NETS))
def test_equal_members_are_one_net(name):
    twins, one = (short(name, module=module).fit(X, Y) for module in (Twins, MLP))
    assert_allclose(twins.predict_proba(X), one.predict_proba(X), atol=1e-4)
    losses = [[epoch["train_loss"] for epoch in net.history] for net in (twins, one)]
    assert_allclose(*losses, rtol=1e-4)


@pytest.mark.parametrize("criterion", [torch.nn.CrossEntropyLoss, "focal"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_the_mean_of_the_members(criterion, weighted):
    net = NetClassifier(module=Twins, criterion=criterion, criterion__reduction="none")
    net.set_params(random_state=0, max_epochs=1).fit(X, Y)
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(6, 4, 2, generator=generator)
    y = torch.tensor([0, 1, 0, 0, 1, 0])
    rows = torch.zeros(6, 5)
    if weighted:
        rows = {"X": rows, "sample_weight": torch.tensor([1.0, 0, 2, 1, 5, 1])}
    losses = [net.get_loss(outputs[:, i], y, X=rows, training=True) for i in range(4)]
    together = net.get_loss(outputs, y, X=rows, training=True)
    assert_allclose(together, torch.stack(losses).mean(), rtol=1e-6)


def test_callbacks_see_one_output_per_row():
    accuracy = EpochScoring("accuracy", on_train=True, name="train_accuracy")
    net = tabm("net", callbacks=[("accuracy", accuracy)], max_epochs=30)
    net.fit(X, Y)
    assert net.history[-1, "train_accuracy"] > 0.8
    assert {"valid_loss", "valid_average_precision"} <= set(net.history[-1])


def test_validation_rows_see_the_ensemble():
    net = tabm("net", early_stopping=True, max_epochs=3).fit(X, Y, eval_X=X, eval_y=Y)
    net.set_params(callbacks=None)
    best = net.history[:, "valid_average_precision"]
    scores = average_precision_score(Y, net.predict_proba(X)[:, 1])
    assert_allclose(scores, max(best), atol=1e-6)


def test_attacks_see_the_ensemble():
    net = tabm("net", max_epochs=30).fit(X, Y)
    rows = torch.as_tensor(X, dtype=torch.float32)
    net.module_.eval()
    with torch.no_grad():
        proba = net_logits(net, rows).softmax(-1)
    assert_allclose(proba, net.predict_proba(X), atol=1e-6)
    attacked = adversarial_rows(net, X, Y, eps=0.5, random_state=0)
    rare = Y == 1
    before, after = (net.predict_proba(Z)[rare, 1].mean() for Z in (X, attacked))
    assert after < before - 0.02


def test_seeds_pickles_and_going_on():
    nets = [tabm("net", max_epochs=3).fit(X, Y) for _ in range(2)]
    assert_array_equal(nets[0].predict_proba(X), nets[1].predict_proba(X))
    again = pickle.loads(pickle.dumps(nets[0]))
    assert_array_equal(again.predict_proba(X), nets[0].predict_proba(X))
    for net in (nets[0], again):
        net.partial_fit(X, Y)
    assert_array_equal(again.predict_proba(X), nets[0].predict_proba(X))
    assert not np.allclose(nets[1].predict_proba(X), again.predict_proba(X))


def test_a_module_of_the_package_itself():
    package = pytest.importorskip("tabm")
    net = NetClassifier(
        package.TabM.make(n_num_features=5, d_out=2, k=3, d_block=16),
        numeric_encoding=None,
        lr=0.002,
        max_epochs=3,
        random_state=0,
    )
    assert_allclose(net.fit(X, Y).predict_proba(X).sum(1), 1)


@pytest.mark.slow
def test_members_rank_better_than_one_net():
    members, one = NetClassifier("tabm", lr=0.002), NetClassifier()
    ahead = [
        average_precision_on_generated(members, seed)
        - average_precision_on_generated(one, seed)
        for seed in range(5)
    ]
    assert np.mean(ahead) > 0.01
