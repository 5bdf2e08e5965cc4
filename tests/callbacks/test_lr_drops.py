import numpy as np
import pytest
from skorch.callbacks import Callback

from imbdeep.callbacks import LRDrops
from tests.callbacks.conftest import Probe


def rates(net):
    return [group["lr"] for group in net.optimizer_.param_groups]


@pytest.mark.parametrize(
    "at, exponents",
    [
        ((0.8, 0.9), [0] * 8 + [1, 2]),
        ((0.5,), [0] * 5 + [1] * 5),
        ((0,), [1] * 10),
        ((0.3, 0.3), [0] * 3 + [2] * 7),
        ((1,), [0] * 10),
        ((), [0] * 10),
    ],
)
def test_drops_at_the_stated_epochs(make_net, binary, at, exponents):
    net = make_net(
        LRDrops(at, factor=0.1),
        ("probe", Probe(rates, "step_begin")),
        max_epochs=10,
        batch_size=-1,
    ).fit(*binary)
    expected = [0.01 * 0.1**exponent for exponent in exponents]
    seen = [rate for (rate,) in dict(net.callbacks_)["probe"].seen_]
    assert seen == pytest.approx(expected)
    assert net.history[:, "event_lr"] == pytest.approx(expected)


def test_defaults_are_those_of_the_paper(make_net, binary):
    net = make_net(LRDrops(), max_epochs=20, batch_size=-1, lr=1.0).fit(*binary)
    expected = [1.0] * 16 + [1e-2] * 2 + [1e-4] * 2
    assert net.history[:, "event_lr"] == pytest.approx(expected)


def test_every_group_drops_and_recovers(make_net, binary):
    seen = []

    class Rates(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(sorted(rates(net)))

    net = make_net(
        Rates(),
        LRDrops((0.5,), factor=0.5),
        optimizer__param_groups=[("head*", {"lr": 0.2})],
        max_epochs=2,
    ).fit(*binary)
    np.testing.assert_allclose(seen, [[0.01, 0.2], [0.005, 0.1]])
    assert sorted(rates(net)) == pytest.approx([0.01, 0.2])
    # Training that goes on begins with the full rate and drops again.
    net.partial_fit(*binary)
    np.testing.assert_allclose(seen[2:], seen[:2])


@pytest.mark.parametrize(
    "params, message",
    [
        ({"at": (0.5, 1.2)}, r"at must hold fractions in \[0, 1\], got \(0.5, 1.2\)"),
        ({"at": (-0.1,)}, "at must hold fractions"),
        ({"factor": 0}, "factor must be greater than 0, got 0"),
    ],
)
def test_refuses(make_net, binary, params, message):
    with pytest.raises(ValueError, match=message):
        make_net(LRDrops(**params)).fit(*binary)
