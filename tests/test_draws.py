import threading

import pytest
import torch
from torch import nn

from imbdeep._torch.draws import (
    _FILL,
    _TAKE_GENERATOR,
    current_generator,
    current_generators,
    drawing_for_fit,
    drawing_from,
    draws_globally,
)
from imbdeep._torch.seeding import draws_undone, seeded_torch
from imbdeep.losses import FocalLoss
from imbdeep.modules import MLP, ConvNet, EfficientNet, ResNet18, SqueezeNet

HALVES = torch.full((3, 5), 0.5)
ONES = torch.ones(3, 5)

# Every draw that torch offers, with no generator.
DRAWS = {
    "rand": lambda: torch.rand(3),
    "rand of a dtype": lambda: torch.rand(3, dtype=torch.float64),
    "randn": lambda: torch.randn(3),
    "randn, size 20": lambda: torch.randn(20),
    "randint": lambda: torch.randint(9, (3,)),
    "randperm": lambda: torch.randperm(9),
    "rand_like": lambda: torch.rand_like(ONES),
    "rand_like, dtype": lambda: torch.rand_like(ONES, dtype=torch.float64),
    "randn_like": lambda: torch.randn_like(ONES),
    "normal": lambda: torch.normal(ONES, ONES),
    "normal of floats": lambda: torch.normal(0.0, 1.0, (3,)),
    "bernoulli": lambda: torch.bernoulli(HALVES),
    "multinomial": lambda: torch.multinomial(ONES, 2),
    "poisson": lambda: torch.poisson(9 * ONES),
    "binomial": lambda: torch.binomial(9 * ONES, HALVES),
    "x.bernoulli": HALVES.bernoulli,
    "x.multinomial": lambda: ONES.multinomial(2),
    "normal_": lambda: torch.empty(3).normal_(),
    "generator=None": lambda: torch.empty(3).normal_(generator=None),
    "uniform_": lambda: torch.empty(3).uniform_(1, 2),
    "random_": lambda: torch.empty(3).random_(9),
    "bernoulli_": lambda: torch.empty(3).bernoulli_(0.3),
    "exponential_": lambda: torch.empty(3).exponential_(),
    "geometric_": lambda: torch.empty(3).geometric_(0.3),
    "cauchy_": lambda: torch.empty(3).cauchy_(),
    "log_normal_": lambda: torch.empty(3).log_normal_(),
    "Beta": lambda: torch.distributions.Beta(0.3, 0.4).sample((5,)),
    "Gamma": lambda: torch.distributions.Gamma(ONES, ONES).sample(),
    "Categorical": lambda: torch.distributions.Categorical(ONES).sample(),
}
DRAWS |= {
    f"init.{name}": lambda name=name: getattr(nn.init, name)(torch.empty(4, 6))
    for name in (
        "uniform_",
        "normal_",
        "trunc_normal_",
        "xavier_uniform_",
        "xavier_normal_",
        "kaiming_uniform_",
        "kaiming_normal_",
        "orthogonal_",
    )
}
DRAWS["init.sparse_"] = lambda: nn.init.sparse_(torch.empty(40, 6), 0.9)


def weights_of(build):
    return lambda: torch.cat([p.detach().flatten() for p in build().parameters()])


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(3) + torch.randn_like(torch.ones(3)))
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), MLP(4, 2))


DRAWS |= {
    f"weights of {name}": weights_of(build)
    for name, build in {
        "MLP": lambda: MLP(6, 2),
        "MLP, cosine": lambda: MLP(6, 2, head="cosine"),
        "ConvNet": lambda: ConvNet(3, 2),
        "SqueezeNet": lambda: SqueezeNet(3, 2),
        "ResNet18": lambda: ResNet18(3, 2),
        "EfficientNet": lambda: EfficientNet(3, 2),
        "Own": Own,
        "LSTM": lambda: nn.LSTM(3, 4),
        "Embedding": lambda: nn.Embedding(5, 3),
        "Bilinear": lambda: nn.Bilinear(2, 3, 4),
        "attention": lambda: nn.MultiheadAttention(4, 2),
        "transformer": lambda: nn.TransformerEncoderLayer(4, 2, 8),
        "spectral norm": lambda: nn.utils.parametrizations.spectral_norm(
            nn.Linear(4, 3)
        ),
    }.items()
}
# Those that need MONAI.
SLOW = {"weights of ResNet18", "weights of EfficientNet"}


@pytest.fixture(autouse=True)
def _global_state_put_back():
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
        for name in DRAWS
    ],
)
def test_draws_for_a_fit_are_those_of_the_global_generator_with_its_seed(name):
    draw, twice = DRAWS[name], []
    for seed in (3, 4):
        torch.manual_seed(seed)
        twice += [draw(), draw()]
    torch.manual_seed(0)
    state = torch.get_rng_state()
    own = []
    for seed in (3, 4):
        with drawing_from(torch.Generator().manual_seed(seed)), drawing_for_fit():
            own += [draw(), draw()]
    for one, other in zip(own, twice, strict=True):
        assert torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(own[0], own[2])


def test_every_function_that_is_looked_after_is_drawn_from():
    """One that torch would no longer have look through the mode is of no use."""
    seen = set()

    class Look(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.add(func)
            return func(*args, **(kwargs or {}))

    with Look():
        for draw in DRAWS.values():
            draw()
    assert seen >= _TAKE_GENERATOR | set(_FILL)


def test_a_generator_that_is_named_is_taken():
    named = torch.Generator().manual_seed(1)
    expected = torch.rand(3, generator=torch.Generator().manual_seed(1))
    with drawing_from(torch.Generator().manual_seed(2)), drawing_for_fit():
        assert torch.equal(torch.rand(3, generator=named), expected)


def test_outside_of_a_fit_the_global_generator_is_drawn_from():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with drawing_for_fit():
        assert torch.equal(torch.rand(3), expected)


def test_the_innermost_fit_counts():
    outer, inner = torch.Generator(), torch.Generator()
    with drawing_from(outer):
        with drawing_from(inner):
            assert current_generator() is inner
        with drawing_from():
            assert current_generator() is None
        assert current_generator("cpu") is outer
        assert current_generator(torch.device("cpu")) is outer
        assert current_generator("meta") is None
        with pytest.raises(ValueError, match="no luck"), drawing_from(inner):
            raise ValueError("no luck")
        assert current_generators() == [outer]
    assert current_generator() is None


def test_a_thread_does_not_see_the_fit_of_another():
    seen = []
    with drawing_from(torch.Generator()):
        thread = threading.Thread(target=lambda: seen.append(current_generator()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_what_belongs_to_others_may_draw_globally():
    class Same(MLP):
        pass

    class Adam(torch.optim.Adam):
        pass

    harmless = [MLP, FocalLoss, nn.CrossEntropyLoss, torch.optim.SGD]
    others = [nn.Dropout, nn.Linear, Same, Adam, MLP(2, 2), FocalLoss(), torch.relu]
    assert not any(map(draws_globally, harmless))
    assert all(map(draws_globally, others))


@pytest.mark.parametrize("shared", [True, False])
def test_seeds_are_drawn_once_and_the_global_state_is_left(shared):
    state, seeds = torch.get_rng_state(), iter([5, 6])
    with seeded_torch(lambda: next(seeds), shared=shared):
        drawn = torch.rand(3, generator=current_generator())
    assert next(seeds) == 6
    assert torch.equal(drawn, torch.rand(3, generator=torch.Generator().manual_seed(5)))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("fit", ["none", "private", "shared"])
def test_draws_are_undone_and_others_are_left(fit):
    if fit == "none":
        check_that_draws_are_undone()
        return
    state = torch.get_rng_state()
    with seeded_torch(lambda: 0, shared=fit == "shared"):
        check_that_draws_are_undone()
    assert torch.equal(torch.get_rng_state(), state)


def check_that_draws_are_undone():
    with pytest.raises(ValueError, match="no luck"), draws_undone():
        first = torch.rand(3, generator=current_generator())
        raise ValueError("no luck")
    assert torch.equal(torch.rand(3, generator=current_generator()), first)
