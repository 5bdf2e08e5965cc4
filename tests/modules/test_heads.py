import math

import pytest
import torch

from imbdeep.modules import MLP, CosineHead


@pytest.fixture
def head():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CosineHead(4, 3)


def test_agrees_with_loops(head):
    x = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    output = head(x)
    for i, row in enumerate(x.tolist()):
        for j, direction in enumerate(head.weight.tolist()):
            dot = sum(a * b for a, b in zip(row, direction, strict=True))
            norms = math.hypot(*row) * math.hypot(*direction)
            assert output[i, j].item() == pytest.approx(dot / norms, abs=1e-6)


def test_outputs_are_bounded(head):
    x = 1e3 * torch.randn(1_000, 4, generator=torch.Generator().manual_seed(1))
    x = torch.cat([x, head.weight.detach(), -head.weight.detach()])
    assert head(x).abs().max().item() <= 1 + 1e-6


def test_own_direction_gives_1(head):
    own = head(5 * head.weight.detach()).diagonal()
    torch.testing.assert_close(own, torch.ones(3))


@pytest.mark.parametrize("factor", [1e-3, 7.0, 1e6])
def test_the_norm_of_the_features_has_no_effect(head, factor):
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(head(factor * x), head(x))


def test_the_norm_of_the_directions_has_no_effect(head):
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    before = head(x)
    with torch.no_grad():
        head.weight.mul_(torch.tensor([[0.1], [3.0], [50.0]]))
    torch.testing.assert_close(head(x), before)


def test_features_of_0_give_0_and_a_finite_gradient(head):
    x = torch.zeros(2, 4, requires_grad=True)
    output = head(x)
    output.sum().backward()
    assert (output == 0).all()
    assert torch.isfinite(x.grad).all()
    assert torch.isfinite(head.weight.grad).all()


def test_leading_axes(head):
    x = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(head(x), torch.stack([head(x[0]), head(x[1])]))


def test_no_bias():
    assert [name for name, _ in CosineHead(4, 3).named_parameters()] == ["weight"]


def test_refuses_an_unknown_head():
    with pytest.raises(ValueError, match="head must be 'linear' or 'cosine', got 'x'"):
        MLP(4, 2, head="x")
