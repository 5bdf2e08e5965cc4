"""A fit and the draws of other threads leave each other alone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import zip_longest

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from skorch.callbacks import Callback, Initializer
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import DataLoader

from imbdeep.base import BaseNetClassifier
from imbdeep.classifiers import NetClassifier
from imbdeep.modules import MLP, Standardization
from imbdeep.over_sampling._generative.base import GenerativeSampler

from .estimators import CLASSIFIERS, IMAGE_SAMPLERS, SAMPLERS, each, is_quick
from .nets import NETS, quick, table
from .slow import slow_if

X, Y = table(n_rows=90)
PICTURES = np.random.RandomState(0).rand(40, 1, 8, 8).astype(np.float32)
MIXED = pd.DataFrame(X).rename(columns=str)
MIXED["kind"] = pd.Categorical(np.where(X[:, 0] > 0, "left", "right"))


def predict(net, X=X, y=Y, **params):
    return clone(net).set_params(**params).fit(X, y).predict_proba(X)


def resample(sampler, X=X, y=Y):
    sampler = clone(sampler)
    made, _ = sampler.fit_resample(X, y)
    if isinstance(sampler, GenerativeSampler):
        return np.concatenate([made, sampler.sample(5, 1)])
    return made


PICTURE_NETS = {
    "conv": NetClassifier("conv", max_epochs=2, random_state=0),
    "conv-dropout": NetClassifier(
        "conv", module__dropout=0.3, criterion="focal", max_epochs=2, random_state=0
    ),
    "squeezenet": NetClassifier("squeezenet", max_epochs=1, random_state=0),
    "resnet18": NetClassifier("resnet18", max_epochs=1, random_state=0),
}
GENERATIVE = {n: s for n, s in SAMPLERS.items() if isinstance(s, GenerativeSampler)}
TAKE_PICTURES = IMAGE_SAMPLERS | {n: s for n, s in GENERATIVE.items() if s._allow_nd}
FITS = (
    {name: partial(predict, quick(name, module__dropout=0.3)) for name in NETS}
    | {
        name: partial(predict, net, PICTURES, Y[: len(PICTURES)])
        for name, net in PICTURE_NETS.items()
    }
    | {
        f"{name}-classifier": partial(predict, model)
        for name, model in CLASSIFIERS.items()
        if name not in NETS
    }
    | {f"{name}-sampler": partial(resample, s) for name, s in SAMPLERS.items()}
    | {f"{name}-mixed": partial(resample, s, MIXED) for name, s in GENERATIVE.items()}
    | {
        f"{name}-pictures": partial(resample, s, PICTURES, Y[: len(PICTURES)])
        for name, s in TAKE_PICTURES.items()
    }
)
SLOW = {"squeezenet", "resnet18"} | {
    f"{name}-{kind}"
    for name in SAMPLERS
    if not is_quick(name, SAMPLERS)
    for kind in ("sampler", "mixed", "pictures")
}
FIT_NAMES = [
    *each(NETS),
    *(slow_if(name in SLOW, name) for name in FITS if name not in NETS),
]


@pytest.fixture(autouse=True)
def _global_state_put_back():
    with torch.random.fork_rng(devices=[]):
        yield


def in_thread(function, seconds=120):
    """What a function gives in a thread of its own; an error if it does not end."""
    given = []

    def call():
        given.append(function())

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "the thread waits for this one"
    assert given, "the thread failed"
    return given[0]


# --- Parts of the package -------------------------------------------------------------


@pytest.fixture(scope="module")
def alone():
    """What each fit gives when nothing else happens, worked out once."""
    given = {}

    def fit(name):
        if name not in given:
            given[name] = FITS[name]()
        return given[name]

    return fit


@pytest.mark.parametrize("name", FIT_NAMES)
def test_neither_a_fit_nor_draws_of_another_thread_notice_each_other(name, alone):
    expected, given, drawn = alone(name), [], []

    def fit():
        while not given or (len(drawn) < 20 and len(given) < 50):
            given.append(FITS[name]())

    torch.manual_seed(0)
    fitting = threading.Thread(target=fit, daemon=True)
    fitting.start()
    while fitting.is_alive():
        drawn.append(torch.rand(3))
        fitting.join(1e-3)  # so that it gets on
    assert len(drawn) >= 20
    torch.manual_seed(0)
    assert torch.equal(torch.stack(drawn), torch.stack([torch.rand(3) for _ in drawn]))
    for made in given:
        assert_array_equal(made, expected)


class Amidst(Callback):
    """Does something in the middle of a fit, once."""

    def __init__(self, action):
        self.action = action
        self.given = None

    def on_batch_end(self, net, training=False, **kwargs):
        if training and self.given is None:
            self.given = self.action()


@pytest.mark.parametrize("name", FIT_NAMES)
def test_a_fit_waits_for_no_other_and_leaves_the_global_generator(name, alone):
    # The one below fits in the middle of this one, in a thread of its own.
    amidst = Amidst(partial(in_thread, FITS[name]))
    state, seen = torch.get_rng_state(), []
    hook = register_optimizer_step_post_hook(
        lambda *args: seen.append(torch.equal(torch.get_rng_state(), state))
    )
    try:
        # Not predict: a clone would have a callback of its own.
        net = clone(NETS["net"]).set_params(max_epochs=2, callbacks=[amidst])
        made = net.fit(X, Y).predict_proba(X)
    finally:
        hook.remove()
    assert_array_equal(amidst.given, alone(name))
    assert_array_equal(made, predict(NETS["net"], max_epochs=2))
    assert len(seen) > 4
    assert all(seen)


class Together(Callback):
    """Lets no fit go on before all of them are in the middle."""

    def __init__(self, barrier):
        self.barrier = barrier
        self.met = False

    def on_batch_end(self, net, training=False, **kwargs):
        if training and not self.met:
            self.met = True
            self.barrier.wait(60)


NAMES = list(NETS)
PAIRS = list(zip_longest(NAMES[::2], NAMES[1::2], fillvalue=NAMES[0]))


@pytest.mark.parametrize("names", PAIRS, ids="-and-".join)
def test_two_nets_that_are_fitted_at_once_are_those_of_each_alone(names, alone):
    barrier = threading.Barrier(2)

    def fit(name):
        net = quick(name, module__dropout=0.3)
        # Not predict: a clone would have a callback of its own.
        net.set_params(callbacks=[*(net.callbacks or []), Together(barrier)])
        return net.fit(X, Y).predict_proba(X)

    with ThreadPoolExecutor(2) as threads:
        made = list(threads.map(fit, names))
    for proba, name in zip(made, names, strict=True):
        assert_array_equal(proba, alone(name))


# Members have a generator each, where torch has one for all.
ONE_GENERATOR = [name for name in FIT_NAMES if "members" not in str(name)]


@pytest.mark.parametrize("name", ONE_GENERATOR)
def test_draws_are_those_of_the_global_generator_with_that_seed(
    name, alone, monkeypatch
):
    for cls in (BaseNetClassifier, GenerativeSampler):
        monkeypatch.setattr(cls, "_draws_globally", lambda self: True)
    assert_array_equal(FITS[name](), alone(name))


# --- Parts of the user's --------------------------------------------------------------


class Noisy(nn.Module):
    """Draws in each step of training, in ways that take no generator."""

    def __init__(self, n_features, n_classes):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, 8), nn.Dropout(0.3), nn.Linear(8, n_classes)
        )

    def forward(self, x):
        return self.layers(x + 0.1 * torch.randn_like(x) if self.training else x)


class NoisyLoss(nn.CrossEntropyLoss):
    def forward(self, logits, target):
        return super().forward(logits + torch.randn(logits.shape), target)


class NoisyAdam(torch.optim.Adam):
    def step(self, closure=None):
        loss = super().step(closure)
        with torch.no_grad():
            for parameter in self.param_groups[0]["params"]:
                parameter += 1e-3 * torch.randn_like(parameter)
        return loss


class NoisyNet(NetClassifier):
    def training_rows(self, X, y):
        return X + torch.randn_like(X), y

    def train_step_single(self, batch, **fit_params):
        return super().train_step_single([*self.training_rows(*batch)], **fit_params)


class NoisyEncoding(Standardization):
    def forward(self, x):
        return super().forward(x + torch.randn_like(x) if self.training else x)


class NoisyCode(nn.Module):
    def __init__(self):
        super().__init__()
        n_varying = int((X.std(0) > 0).sum())
        self.encoder = nn.Sequential(nn.Linear(n_varying, 4), nn.Dropout(0.2))
        self.decoder = nn.Linear(4, n_varying)

    def forward(self, x):
        return self.decoder(self.encoder(x))


def noisy_rows(batch):
    X, y = torch.utils.data.default_collate(batch)
    return X + torch.randn_like(X), y


def own_parts():
    """Estimators with a part of the user's that draws in training."""
    small = {"max_epochs": 2, "random_state": 0}
    mean, std = torch.zeros(X.shape[1]), torch.ones(X.shape[1])
    instance = MLP(X.shape[1], 2)
    instance.hidden[2] = nn.Dropout(0.3)
    return {
        "module": NetClassifier(Noisy, **small),
        "module that was changed": NetClassifier(instance, **small),
        "encoding": NetClassifier(module__encoding=NoisyEncoding(mean, std), **small),
        "criterion": NetClassifier(criterion=NoisyLoss, **small),
        "optimizer": NetClassifier(optimizer=NoisyAdam, **small),
        "collate_fn": NetClassifier(
            iterator_train=DataLoader, iterator_train__collate_fn=noisy_rows, **small
        ),
        "subclass": NoisyNet(**small),
        "autoencoder": clone(GENERATIVE["latent-smote"]).set_params(
            autoencoder=NoisyCode()
        ),
    }


OWN_PARTS = own_parts()


def made_by(estimator):
    is_net = isinstance(estimator, BaseNetClassifier)
    return (predict if is_net else resample)(estimator)


@pytest.mark.parametrize("name", OWN_PARTS)
def test_a_part_of_the_users_draws_from_the_seed_of_the_fit(name):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    expected = made_by(OWN_PARTS[name])
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert_array_equal(made_by(OWN_PARTS[name]), expected)


def test_fits_with_parts_of_the_users_take_turns():
    state = torch.get_rng_state()
    expected = [made_by(estimator) for estimator in OWN_PARTS.values()]
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(made_by, OWN_PARTS.values()))
    for one, other in zip(made, expected, strict=True):
        assert_array_equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_fit_within_a_fit_has_draws_of_its_own():
    """Whichever of the two has a part of the user's."""
    nets = quick("net", module__dropout=0.3), OWN_PARTS["module"]
    alone = [predict(net) for net in nets]
    for (outer, inner), expected in zip(
        (nets, nets[::-1]), (alone, alone[::-1]), strict=True
    ):
        amidst = Amidst(partial(predict, inner))
        made = clone(outer).set_params(callbacks=[amidst]).fit(X, Y).predict_proba(X)
        assert_array_equal([made, amidst.given], expected)


class NoisyGradients(Callback):
    def on_grad_computed(self, net, named_parameters, **kwargs):
        for _, parameter in named_parameters:
            parameter.grad += 0.1 * torch.randn_like(parameter)
            parameter.grad *= torch.rand(1)


@pytest.mark.parametrize(
    "callback",
    [NoisyGradients(), Initializer("*.weight", fn=nn.init.xavier_uniform_)],
    ids=["gradients", "weights"],
)
def test_callbacks_of_the_users_draw_from_the_seed_of_the_fit(callback, monkeypatch):
    net = clone(NETS["net"]).set_params(max_epochs=2, callbacks=[callback])
    torch.manual_seed(1)
    state = torch.get_rng_state()
    expected = predict(net)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert_array_equal(predict(net), expected)
    assert not np.array_equal(predict(net, callbacks=None), expected)
    # As they did when the fit had the global generator.
    monkeypatch.setattr(BaseNetClassifier, "_draws_globally", lambda self: True)
    assert_array_equal(predict(net), expected)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"module": MLP}, False),
        ({"criterion": nn.CrossEntropyLoss}, False),
        ({"optimizer": torch.optim.SGD}, False),
        ({"iterator_train": "remix"}, False),
        ({"module__hidden_sizes": (4,), "criterion__weight_reduction": "rows"}, False),
        ({"module": MLP(3, 2)}, True),
        ({"criterion": nn.CrossEntropyLoss()}, True),
        ({"optimizer": partial(torch.optim.SGD, momentum=0.9)}, True),
        # Its masks are drawn by what the compiler makes of it.
        ({"compile": True}, True),
    ],
    ids=str,
)
def test_which_parts_need_the_global_generator(params, expected):
    assert NetClassifier(**params)._draws_globally() is expected


def test_a_data_loader_draws_from_the_generator_that_it_is_given():
    net = quick("net", iterator_train=DataLoader, random_state=0)
    alone = clone(net).fit(X, Y).predict_proba(X)
    state = torch.get_rng_state()

    class Draws(Callback):
        def on_batch_end(self, net, **kwargs):
            torch.default_generator.seed()

    disturbed = clone(net).set_params(callbacks=[Draws()]).fit(X, Y)
    torch.set_rng_state(state)
    assert_array_equal(disturbed.predict_proba(X), alone)
