"""What every callback owes to skorch and scikit-learn."""

import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from skorch.callbacks import Callback

from imbdeep import callbacks as callbacks_module
from imbdeep.callbacks import (
    DeferredReweighting,
    EarlyStopping,
    EpochMetrics,
    EpochProgressBar,
    FiniteLoss,
    LRDrops,
    PrintLog,
    TriangularLR,
    WeightAveraging,
)

CASES = [
    DeferredReweighting(reweight_from=0.3, beta=0.9),
    EarlyStopping("train_loss", patience=3, lower_is_better=True),
    EpochMetrics(),
    EpochProgressBar(monitor="train_loss"),
    FiniteLoss(),
    LRDrops(at=(0.4,), factor=0.5),
    PrintLog(),
    TriangularLR(base_lr=1e-4, max_lr=1e-2, step_size=3),
    WeightAveraging("ema", average_from=0.2, decay=0.5),
]
every_callback = pytest.mark.parametrize(
    "callback", CASES, ids=lambda callback: type(callback).__name__
)


def test_every_public_callback_is_here():
    public = {
        value
        for value in vars(callbacks_module).values()
        if isinstance(value, type) and issubclass(value, Callback)
    }
    assert public == {type(callback) for callback in CASES}


@every_callback
def test_parameters_are_those_of_the_constructor(callback):
    names = set(inspect.signature(type(callback)).parameters)
    assert set(callback.get_params()) == names


@every_callback
def test_clone(callback):
    copy = clone(callback)
    assert type(copy) is type(callback)
    assert copy is not callback
    assert copy.get_params() == callback.get_params()


@every_callback
def test_set_params(callback):
    copy = type(callback)()
    copy.set_params(**callback.get_params())
    assert copy.get_params() == callback.get_params()


@every_callback
def test_hooks_take_further_arguments(callback):
    # skorch may pass more to a hook than it does today.
    hooks = [
        value
        for name, value in inspect.getmembers(type(callback), inspect.isfunction)
        if name.startswith("on_")
    ]
    for hook in hooks:
        kinds = [p.kind for p in inspect.signature(hook).parameters.values()]
        assert inspect.Parameter.VAR_KEYWORD in kinds


@every_callback
def test_pickle_before_and_after_training(callback, make_net, binary):
    X, y = binary
    net = make_net(("mine", clone(callback)), max_epochs=3)
    again = pickle.loads(pickle.dumps(net)).fit(X, y)
    proba = again.predict_proba(X)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(again)).predict_proba(X), proba
    )
    np.testing.assert_array_equal(net.fit(X, y).predict_proba(X), proba)


@every_callback
def test_pickle_during_training(callback, make_net, binary):
    # Checkpoints pickle the net between two epochs.
    class Pickle(Callback):
        def on_epoch_end(self, net, **kwargs):
            pickle.dumps(dict(net.callbacks_)["mine"])

    make_net(("mine", clone(callback)), ("pickle", Pickle()), max_epochs=3).fit(*binary)


@every_callback
def test_training_again_is_the_same_training(callback, make_net, binary):
    X, y = binary
    net = make_net(("mine", clone(callback)), max_epochs=3)
    first = net.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(net.fit(X, y).predict_proba(X), first)
    np.testing.assert_array_equal(clone(net).fit(X, y).predict_proba(X), first)


@every_callback
def test_parameters_do_not_change_in_training(callback, make_net, binary):
    net = make_net(("mine", clone(callback)), max_epochs=3).fit(*binary)
    assert dict(net.callbacks_)["mine"].get_params() == callback.get_params()


@every_callback
def test_further_training(callback, make_net, binary):
    net = make_net(("mine", clone(callback)), max_epochs=2)
    net.partial_fit(*binary).partial_fit(*binary)
    assert len(net.history) == 4
    assert np.isfinite(net.history[:, "train_loss"]).all()
