import pytest
import torch
import torch.nn.functional as F
from torch import nn

from imbdeep._torch.draws import drawing_from
from imbdeep.modules import MLP, ConvNet
from imbdeep.modules._dropout import Dropout


def rows(*shape, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=dtype)


def seeded(seed, function, x):
    """A function of rows and its gradient, with the global generator of a seed."""
    x = x.clone().requires_grad_()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = function(x)
    return made, torch.autograd.grad(made.square().sum(), x)[0]


def in_fit(seed, function, x):
    """The same in a fit of that seed, which leaves the global generator."""
    x = x.clone().requires_grad_()
    state = torch.get_rng_state()
    with drawing_from(torch.Generator().manual_seed(seed)):
        made = function(x)
    assert torch.equal(torch.get_rng_state(), state)
    return made, torch.autograd.grad(made.square().sum(), x)[0]


@pytest.mark.parametrize("p", [0.1, 0.5, 0.77])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (128, 128), (2, 3, 4, 5)])
def test_masks_are_those_of_torch_with_the_same_seed(shape, dtype, p):
    x = rows(*shape, dtype=dtype)
    if x.ndim == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    for seed in (3, 4):
        expected = seeded(seed, lambda x: F.dropout(x, p, True), x)
        for made in (in_fit(seed, Dropout(p), x), seeded(seed, Dropout(p), x)):
            for one, other in zip(made, expected, strict=True):
                assert torch.equal(one, other)


def test_units_are_left_out_in_the_share_that_was_asked_for():
    with drawing_from(torch.Generator().manual_seed(0)):
        made = Dropout(0.3)(torch.ones(100_000))
    assert made.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert (made == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)


def test_evaluation_draws_nothing():
    own = torch.Generator().manual_seed(0)
    state, x = own.get_state(), rows(4, 3)
    with drawing_from(own):
        assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(own.get_state(), state)


@pytest.mark.parametrize(
    "net", [MLP(3, 2, dropout=0.3), ConvNet(3, 2, dropout=0.3)], ids=["mlp", "conv"]
)
def test_nets_have_no_other_dropout(net):
    kinds = {type(m) for m in net.modules() if isinstance(m, nn.Dropout)}
    assert kinds == {Dropout}


def test_a_compiler_meets_the_dropout_of_torch():
    compiled = torch.compile(Dropout(0.5), fullgraph=True, backend="eager")
    own = torch.Generator().manual_seed(0)
    state, x = own.get_state(), rows(50, 4)
    with drawing_from(own):
        made = seeded(3, compiled, x)
    assert torch.equal(own.get_state(), state)
    for one, other in zip(made, seeded(3, nn.Dropout(0.5), x), strict=True):
        assert torch.equal(one, other)
