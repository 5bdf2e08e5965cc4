import numpy as np
import pytest

from imbdeep.callbacks import TriangularLR
from tests.callbacks.conftest import Probe, rate_by_interpolation


def rates(net):
    return [group["lr"] for group in net.optimizer_.param_groups]


@pytest.mark.parametrize("step_size", [1, 2, 0.75])
def test_every_step_has_the_rate_of_its_time(make_net, binary, step_size):
    X, y = binary
    net = make_net(
        TriangularLR(1e-4, 1e-2, step_size),
        ("probe", Probe(rates, "step_begin")),
        max_epochs=6,
    ).fit(X, y)
    n_steps = len(X) // 16
    expected = rate_by_interpolation(
        np.arange(6 * n_steps) / n_steps, 1e-4, 1e-2, step_size
    )
    seen = np.array(dict(net.callbacks_)["probe"].seen_)
    np.testing.assert_allclose(seen, expected[:, None])
    np.testing.assert_allclose(net.history[:, "event_lr"], expected[::n_steps])


def test_the_rate_of_each_step_is_the_one_it_is_made_with(make_net, binary):
    # The rate must be set before the step: all groups, first step included.
    X, y = binary
    cyclical = make_net(TriangularLR(1e-12, 1e-2, 1), max_epochs=1, batch_size=-1)
    before = make_net(lr=1e-12, max_epochs=1, batch_size=-1).fit(X, y)
    np.testing.assert_allclose(
        cyclical.fit(X, y).predict_proba(X), before.predict_proba(X), rtol=1e-6
    )


@pytest.mark.parametrize(
    "sizes",
    [
        {"iterator_train__batch_size": 16, "batch_size": 96},
        {"iterator_train__batch_size": 96, "batch_size": 16},
        # The last row joins the batch before it: 5 steps, not 6.
        {"batch_size": 19},
        {"batch_size": -1},
    ],
)
def test_rates_are_even_over_the_epoch(make_net, binary, sizes):
    X, y = binary
    net = make_net(
        TriangularLR(1e-4, 1e-2, step_size=4),
        ("probe", Probe(rates, "step_begin")),
        **sizes,
    ).fit(X, y)
    seen = np.array(dict(net.callbacks_)["probe"].seen_).ravel()
    n_steps = len(seen) // 4
    expected = rate_by_interpolation(np.arange(len(seen)) / n_steps, 1e-4, 1e-2, 4)
    np.testing.assert_allclose(seen, expected)


def test_validation_makes_no_steps(make_net, binary):
    X, y = binary
    nets = [
        make_net(TriangularLR(1e-4, 1e-2), ("probe", Probe(rates, "step_begin"))).fit(
            X[:64], y[:64], eval_set=eval_set
        )
        for eval_set in (None, (X[64:], y[64:]))
    ]
    seen = [dict(net.callbacks_)["probe"].seen_ for net in nets]
    assert seen[0] == seen[1]


@pytest.mark.parametrize("name", ["base_lr", "max_lr", "step_size"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_refuses_what_is_not_positive(make_net, binary, name, value):
    with pytest.raises(ValueError, match=f"{name} must be greater than 0, got {value}"):
        make_net(TriangularLR(**{name: value})).fit(*binary)


def test_training_that_goes_on_goes_on_in_the_cycle(make_net, binary):
    cycle = TriangularLR(1e-4, 1e-2, step_size=3)
    probe = ("probe", Probe(rates, "step_begin"))
    net = make_net(cycle, probe, max_epochs=2).fit(*binary)
    n_steps = len(dict(net.callbacks_)["probe"].seen_) // 2
    net.partial_fit(*binary)
    seen = np.ravel(dict(net.callbacks_)["probe"].seen_)[-2 * n_steps :]
    progress = np.arange(2 * n_steps, 4 * n_steps) / n_steps
    expected = rate_by_interpolation(progress, 1e-4, 1e-2, 3)
    np.testing.assert_allclose(seen, expected)


def test_rates_of_steps_are_in_the_batches_of_the_history(make_net, binary):
    net = make_net(
        TriangularLR(1e-4, 1e-2, step_size=2),
        ("probe", Probe(rates, "step_begin")),
        max_epochs=3,
    ).fit(*binary)
    recorded = np.ravel(net.history[:, "batches", :, "event_lr"])
    np.testing.assert_array_equal(
        recorded, np.ravel(dict(net.callbacks_)["probe"].seen_)
    )
