"""Members of a stack are the nets that they would be alone; their mean predicts."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EpochScoring, GradientNormClipping
from torch import nn
from torch.utils.data import DataLoader

from imbdeep._nets.stack import Stack
from imbdeep._torch.draws import drawing_from
from imbdeep._torch.member_draws import drawing_for_members
from imbdeep.batches import ShuffledBatches
from imbdeep.classifiers import (
    LDAMClassifier,
    NetClassifier,
    ReMixClassifier,
    SRATClassifier,
)
from imbdeep.modules import MLP

from .estimators import CLASSIFIERS, each
from .nets import average_precision_on_generated
from .slow import slow_if

NETS = {n: one for n, one in CLASSIFIERS.items() if "module" in one.get_params()}
STACKED = {
    name: one
    for name, one in NETS.items()
    if not one._trains_one_net and one.member_holdout is None
}
SINGLE = {n: one for n, one in NETS.items() if one._trains_one_net}
X, Y = make_classification(120, 5, weights=[0.8], flip_y=0, random_state=0)
X3, Y3 = make_classification(
    150, 6, n_informative=4, n_classes=3, weights=[0.6, 0.3], random_state=0
)
# Validation rows are drawn by a net's own seed: members would see other rows alone.
WHOLE = {"train_split": None, "early_stopping": False, "max_epochs": 4}


def mixed_table():
    rng = np.random.default_rng(0)
    town = rng.choice([f"town {i}" for i in range(20)], len(X)).astype(object)
    town[::9] = None
    table = pd.DataFrame(X, columns=list("abcde")).assign(town=town, few=Y > 0)
    return table.mask(rng.random(table.shape) < 0.05)


def alone(stack, X, y, **fit_params):
    """The nets that the members of a fitted stack are, each trained alone."""
    return [
        clone(stack).set_params(n_members=1, random_state=seed).fit(X, y, **fit_params)
        for seed in stack.member_draws_.seeds
    ]


def assert_are_members(stack, nets, X, atol=1e-5):
    for member, net in zip(stack.members_, nets, strict=True):
        for own, other in zip(
            member.parameters(), net.module_.parameters(), strict=True
        ):
            assert_allclose(own.detach(), other.detach(), atol=atol)
    mean = np.mean([net.predict_proba(X) for net in nets], axis=0)
    assert_allclose(stack.predict_proba(X), mean, atol=atol)
    # Members that are one net would agree with all this.
    assert np.abs(nets[0].predict_proba(X) - nets[1].predict_proba(X)).max() > 1e-4


# --- Agreement -----------------------------------------------------------------------


@pytest.mark.parametrize("name", each(STACKED))
@pytest.mark.parametrize("data", [(X, Y), (X3, Y3)], ids=["two", "three"])
def test_each_member_is_the_net_alone(name, data):
    stack = clone(STACKED[name]).set_params(n_members=3, **WHOLE).fit(*data)
    nets = alone(stack, *data)
    assert_are_members(stack, nets, data[0])
    losses = [[epoch["train_loss"] for epoch in net.history] for net in nets]
    own = [epoch["train_loss"] for epoch in stack.history]
    assert_allclose(own, np.mean(losses, axis=0), rtol=1e-4)


@pytest.mark.parametrize(
    "params",
    [
        {"class_weight": "balanced", "iterator_train": "balanced"},
        {"iterator_train": "smote"},
        {"criterion": nn.CrossEntropyLoss},
        slow_if(
            True, {"criterion": nn.CrossEntropyLoss, "criterion__reduction": "none"}
        ),
        {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9, "lr": 0.1},
        slow_if(True, {"numeric_encoding": "periodic+standard"}),
        {"iterator_train": DataLoader},
    ],
    ids=str,
)
def test_whatever_they_are_trained_by(params):
    net = NetClassifier(n_members=3, random_state=1, **WHOLE, **params)
    assert_are_members(net.fit(X, Y), alone(net, X, Y), X)


@pytest.mark.parametrize("criterion", ["focal", nn.CrossEntropyLoss])
def test_with_weights_of_rows(criterion):
    weight = np.random.default_rng(0).random(len(X)) + 0.2
    params = {"criterion": criterion, "criterion__reduction": "none", **WHOLE}
    net = NetClassifier(n_members=3, random_state=0, **params)
    net.fit(X, Y, sample_weight=weight)
    assert_are_members(net, alone(net, X, Y, sample_weight=weight), X)


def test_on_levels_and_gaps_of_which_each_drops_its_own():
    table = mixed_table()
    net = NetClassifier(n_members=3, random_state=0, lr=0.01, **WHOLE).fit(table, Y)
    assert_are_members(net, alone(net, table, Y), table)
    mixed = ReMixClassifier(n_members=2, random_state=0, **WHOLE).fit(table, Y)
    assert_are_members(mixed, alone(mixed, table, Y), table)


def test_on_rows_in_double_precision():
    when = np.column_stack([X, 1.7e9 + 600 * Y + np.arange(len(Y))])
    net = NetClassifier(n_members=2, random_state=0, **WHOLE).fit(when, Y)
    assert net.rows_dtype_ == np.float64
    assert_are_members(net, alone(net, when, Y), when)


def test_on_images():
    images = np.random.default_rng(0).random((40, 1, 8, 8), dtype=np.float32)
    images[::2, :, :4] += 1
    y = np.arange(40) % 2
    params = {"module": "conv", "n_members": 2, "lr": 0.01, "random_state": 0}
    net = NetClassifier(**params, **WHOLE).fit(images, y)
    # Adam's first steps are as long wherever the gradient is next to 0.
    assert_are_members(net, alone(net, images, y), images, atol=1e-3)


def test_as_training_goes_on():
    net = NetClassifier(n_members=2, random_state=0, **WHOLE).fit(X, Y)
    nets = [one.partial_fit(X, Y) for one in alone(net, X, Y)]
    assert_are_members(net.partial_fit(X, Y), nets, X)
    assert len(net.history) == 8


@pytest.mark.parametrize("module", ["mlp", "tabm"])
def test_scores_of_training_rows_are_those_of_each(module):
    if module == "tabm":
        pytest.importorskip("tabm")
    scoring = EpochScoring("accuracy", on_train=True, name="train_accuracy")
    net = NetClassifier(module, n_members=3, random_state=0, **WHOLE)
    net.set_params(callbacks=[("scoring", scoring)], module__hidden_sizes=(8,))
    y = np.where(Y == 1, "rare", "common")
    net.fit(X, y)
    own = [one.history[:, "train_accuracy"] for one in alone(net, X, y)]
    assert_allclose(net.history[:, "train_accuracy"], np.mean(own, axis=0), atol=1e-6)
    assert len({tuple(scores) for scores in own}) > 1


# --- A stack as a net ----------------------------------------------------------------


def test_validation_rows_see_the_ensemble():
    net = NetClassifier(n_members=3, early_stopping=True, max_epochs=4, random_state=0)
    net.fit(X, Y, eval_X=X, eval_y=Y)
    score = average_precision_score(Y, net.predict_proba(X)[:, 1])
    assert_allclose(score, max(net.history[:, "valid_average_precision"]), atol=1e-6)


def test_seeds_and_pickles():
    def fit():
        return NetClassifier(n_members=3, random_state=5, **WHOLE).fit(X, Y)

    net, other = fit(), fit()
    expected = net.predict_proba(X)
    assert_array_equal(other.predict_proba(X), expected)
    loaded = pickle.loads(pickle.dumps(net))
    assert_array_equal(loaded.predict_proba(X), expected)
    assert_array_equal(
        loaded.partial_fit(X, Y).predict_proba(X),
        other.partial_fit(X, Y).predict_proba(X),
    )
    assert not hasattr(clone(net), "member_draws_")


def test_a_module_that_draws_globally():
    class Dropping(MLP):
        def __init__(self, n_features, n_classes, encoding):
            super().__init__(n_features, n_classes, encoding=encoding)
            self.hidden.append(nn.Dropout(0.5))

    before = torch.get_rng_state()
    params = {"module": Dropping, "n_members": 3, "random_state": 0, **WHOLE}
    nets = [NetClassifier(**params).fit(X, Y) for _ in range(2)]
    assert_array_equal(nets[0].predict_proba(X), nets[1].predict_proba(X))
    assert torch.equal(torch.get_rng_state(), before)
    first, second, _ = (m.head.weight for m in nets[0].members_)
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("criterion", ["cross_entropy", nn.CrossEntropyLoss])
def test_members_that_share_weights_in_a_stack(criterion):
    pytest.importorskip("tabm")
    params = {"module": "tabm", "module__k": 4, "module__hidden_sizes": (8,)}
    net = NetClassifier(n_members=2, criterion=criterion, lr=0.01, random_state=0)
    net.set_params(**params, **WHOLE).fit(X, Y)
    assert_are_members(net, alone(net, X, Y), X)
    assert net.forward(X).shape == (len(X), 2)


def make_batches(dataset, batch_size, generator):
    return ShuffledBatches(dataset, batch_size, generator=generator)


def test_an_iterator_that_is_a_function():
    params = {"n_members": 2, "random_state": 0, **WHOLE}
    nets = [
        NetClassifier(iterator_train=make_batches, module__dropout=0, **one).fit(X, Y)
        for one in (params, params | {"n_members": 1})
    ]
    # Alone it is the net of its own seed, and draws nothing but the order of rows.
    assert_are_members(nets[0], alone(nets[0], X, Y), X)
    assert not np.allclose(nets[0].predict_proba(X), nets[1].predict_proba(X))


def test_initialized_without_a_fit():
    sizes = {"module__n_features": 5, "module__n_classes": 2}
    net = NetClassifier(n_members=3, random_state=0, **sizes).initialize()
    first, second, _ = (member.head.weight for member in net.module_.members())
    assert not torch.allclose(first, second)


def test_grid_search_over_their_number():
    net = NetClassifier(max_epochs=2, random_state=0)
    search = GridSearchCV(net, {"n_members": [1, 2]}, cv=2).fit(X, Y)
    assert len(search.best_estimator_.members_) == search.best_params_["n_members"]


def test_one_member_is_the_plain_net():
    net = NetClassifier(n_members=1, random_state=0, max_epochs=2).fit(X, Y)
    assert not isinstance(net.module_, Stack)
    assert net.members_ == [net.module_]


class Failing(Callback):
    armed = False

    def on_epoch_end(self, net, **kwargs):
        if self.armed and len(net.history) == 6:
            raise OSError("disk full")


def test_a_failure_puts_back_what_members_drew():
    def begin():
        net = NetClassifier(n_members=2, random_state=0, **WHOLE)
        return net.set_params(callbacks=[("failing", Failing)]).fit(X, Y)

    net, expected = begin(), begin()
    Failing.armed = True
    try:
        with pytest.raises(OSError, match="disk full"):
            net.partial_fit(X, Y)
    finally:
        Failing.armed = False
    assert_array_equal(net.predict_proba(X), expected.predict_proba(X))
    for one in (net, expected):
        one.partial_fit(X, Y)
    assert_array_equal(net.predict_proba(X), expected.predict_proba(X))


# --- Refusals ------------------------------------------------------------------------


@pytest.mark.parametrize("name", each(SINGLE))
def test_methods_that_train_one_net_say_so(name):
    net = clone(SINGLE[name]).set_params(n_members=2)
    with pytest.raises(ValueError, match=f"{type(net).__name__} trains one net"):
        net.fit(X, Y)


class Normed(MLP):
    def __init__(self, n_features, n_classes, encoding):
        super().__init__(n_features, n_classes, encoding=encoding)
        self.hidden.append(nn.BatchNorm1d(16))


@pytest.mark.parametrize(
    "params, message",
    [
        ({"n_members": 0}, "'n_members' parameter"),
        ({"n_members": True}, "'n_members' parameter"),
        ({"compile": True}, "compile=True works with n_members=1"),
        ({"optimizer": torch.optim.LBFGS}, "LBFGS mixes the weights of members"),
        ({"module": Normed}, r"Normed has running statistics in hidden\.6"),
        (
            {"callbacks": [GradientNormClipping(1.0)]},
            "GradientNormClipping would clip",
        ),
    ],
    ids=["none", "bool", "compile", "lbfgs", "batch norm", "clipping"],
)
def test_refusals(params, message):
    net = NetClassifier(**{"n_members": 2, "max_epochs": 1} | params)
    with pytest.raises(ValueError, match=message):
        net.fit(X, Y)


def test_their_number_cannot_change_midway():
    net = NetClassifier(n_members=2, max_epochs=1, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="began with n_members=2.*cannot go on with 3"):
        net.set_params(n_members=3).partial_fit(X, Y)
    assert len(net.members_) == 2


# --- The module ----------------------------------------------------------------------


def perceptrons(k, **params):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return [MLP(5, 3, **params).double() for _ in range(k)]


@pytest.mark.parametrize("own_rows", [False, True])
def test_outputs_and_gradients_are_those_of_the_members(own_rows):
    members = perceptrons(4, dropout=0)
    stack = Stack(members)
    x = torch.randn(7, 4, 5, dtype=torch.float64, generator=torch.Generator())
    x = x if own_rows else x[:, 0]
    outputs = stack(x, own_rows=own_rows)
    expected = [m(x[:, i] if own_rows else x) for i, m in enumerate(members)]
    torch.testing.assert_close(outputs, torch.stack(expected, 1))
    outputs.square().sum().backward()
    torch.stack(expected).square().sum().backward()
    for i, member in enumerate(members):
        for own, stacked in zip(member.parameters(), stack.parameters(), strict=True):
            torch.testing.assert_close(stacked.grad[i], own.grad)


def test_each_has_its_own_dropout():
    members = perceptrons(3, dropout=0.5)
    stack = Stack(members)
    x = torch.randn(7, 5, dtype=torch.float64, generator=torch.Generator())
    own = [torch.Generator().manual_seed(i) for i in range(3)]
    with drawing_from(torch.Generator()), drawing_for_members(own):
        outputs = stack(x)
    for i, member in enumerate(members):
        with drawing_from(torch.Generator().manual_seed(i)):
            torch.testing.assert_close(outputs[:, i], member(x))


def test_members_taken_out_are_nets_of_their_own():
    members = perceptrons(3)
    stack = Stack(members).eval()
    out = stack.members()
    x = torch.ones(2, 5, dtype=torch.float64)
    for i, member in enumerate(out):
        torch.testing.assert_close(member(x), stack(x)[:, i])
    with torch.no_grad():
        out[0].head.bias += 1
    torch.testing.assert_close(members[0].eval()(x), stack(x)[:, 0])


def test_frozen_parameters_stay_frozen():
    members = perceptrons(2)
    for member in members:
        member.head.bias.requires_grad_(False)
    stack = Stack(members)
    frozen = [n for n, p in stack.named_parameters() if not p.requires_grad]
    assert frozen == ["member.head.bias"]


def test_buffers_that_differ_are_refused():
    members = perceptrons(2)
    for i, member in enumerate(members):
        member.register_buffer("directions", torch.full((2,), float(i)))
    with pytest.raises(ValueError, match="directions of MLP is drawn anew"):
        Stack(members)


@pytest.mark.slow
def test_members_rank_better_than_one():
    ahead = [
        average_precision_on_generated(cls(n_members=6), seed)
        - average_precision_on_generated(cls(), seed)
        for cls in (NetClassifier, LDAMClassifier)
        for seed in range(5)
    ]
    assert np.mean(ahead) > 0.005


def test_what_stacks_is_known():
    assert {"net", "ldam", "remix"} <= STACKED.keys()
    assert any(isinstance(one, SRATClassifier) for one in SINGLE.values())
