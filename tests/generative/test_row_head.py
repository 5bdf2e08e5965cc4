"""The last layer of nets that make rows of a table."""

import math

import pytest
import torch

from imbdeep._generative import RowHead


def rows(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def draw(head, x, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return head(x)


@pytest.mark.parametrize("n_numeric", [0, 1, 3])
@pytest.mark.parametrize("sizes", [[], [2], [3, 2, 5]])
@pytest.mark.parametrize("bounded", [True, False])
def test_agrees_with_columns_written_out(n_numeric, sizes, bounded):
    x = 3 * rows(7, n_numeric + sum(sizes))
    made = RowHead(n_numeric, sizes, bounded=bounded)(x)
    assert made.shape == x.shape
    for given, got in zip(x.tolist(), made.tolist(), strict=True):
        expected = [
            1 / (1 + math.exp(-value)) if bounded else value
            for value in given[:n_numeric]
        ]
        start = n_numeric
        for size in sizes:
            powers = [math.exp(value) for value in given[start : start + size]]
            expected += [power / sum(powers) for power in powers]
            start += size
        assert got == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("temperature", [None, 0.2, 1.0])
def test_blocks_are_shares(temperature):
    head = RowHead(2, [3, 4], bounded=True, temperature=temperature)
    made = draw(head, 5 * rows(50, 9))
    for block in made.split([2, 3, 4], 1)[1:]:
        assert (block >= 0).all()
        torch.testing.assert_close(block.sum(1), torch.ones(50))


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_draws_have_the_frequencies_of_the_softmax(temperature):
    n = 20_000
    logits = torch.tensor([0.5, 1.0, -1.0, 0.0, 2.0])
    head = RowHead(0, [3, 2], bounded=True, temperature=temperature)
    made = draw(head, logits.expand(n, 5))
    for block, own in zip(made.split([3, 2], 1), logits.split([3, 2]), strict=True):
        powers = [math.exp(value) for value in own.tolist()]
        for category, power in enumerate(powers):
            share = power / sum(powers)
            found = (block.argmax(1) == category).float().mean().item()
            # Five standard deviations of a binomial share.
            assert abs(found - share) < 5 * math.sqrt(share * (1 - share) / n)


def test_draws_are_nearly_one_hot_at_a_low_temperature():
    x = rows(1_000, 3)
    largest = [
        draw(RowHead(0, [3], bounded=True, temperature=t), x).amax(1).mean().item()
        for t in (0.01, 1.0, 100.0)
    ]
    assert largest[0] > 0.98
    assert largest[0] > largest[1] > largest[2]
    assert largest[2] < 0.36


def test_only_categories_are_drawn():
    x = rows(20, 5)
    drawing = RowHead(2, [3], bounded=True, temperature=0.5)
    first, other = draw(drawing, x, seed=0), draw(drawing, x, seed=1)
    assert torch.equal(first[:, :2], other[:, :2])
    assert (first[:, 2:] != other[:, 2:]).any(1).all()
    assert torch.equal(first, draw(drawing, x, seed=0))
    still = RowHead(2, [3], bounded=True)
    assert torch.equal(still(x), still(x))


@pytest.mark.parametrize("temperature", [None, 0.5])
@pytest.mark.parametrize("bounded", [True, False])
def test_every_input_gets_a_gradient(temperature, bounded):
    x = rows(20, 5).requires_grad_()
    head = RowHead(2, [3], bounded=bounded, temperature=temperature)
    (draw(head, x) * rows(20, 5, seed=1)).sum().backward()
    assert x.grad.isfinite().all()
    assert x.grad.any(0).all()
