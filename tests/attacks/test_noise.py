"""Noise of a given length after clipping: against sorting, and its limits."""

import math

import pytest
import torch

from imbdeep.attacks import Ball
from imbdeep.attacks._noise import add_noise, noise_factor
from tests.attacks.test_ball import seeded

SHAPES = [(7,), (2, 3, 3)]
SIDES = {
    "closed": (torch.tensor(0.0), torch.tensor(1.0)),
    "above": (None, torch.tensor(0.9)),
    "below": (torch.tensor(0.1), None),
    "open": (None, None),
    "partly": "partly",
}


def noisy_case(shape, sides, dtype=torch.float64, eps=0.2, seed=0):
    """Rows in the box, noise of very different sizes, and a ball with a frozen part."""
    draws = seeded(seed)
    x = torch.rand(40, *shape, dtype=dtype, generator=draws)
    noise = torch.randn(x.shape, dtype=dtype, generator=draws)
    noise *= 10 ** (4 * torch.rand(40, dtype=dtype, generator=draws) - 2).reshape(
        -1, *[1] * len(shape)
    )
    radius = 0.5 + torch.rand(shape, dtype=dtype, generator=draws)
    radius[..., -1] = 0
    radius *= eps * (radius > 0).sum().sqrt()
    if sides == "partly":
        high = torch.ones(shape, dtype=dtype)
        high[..., 0] = torch.inf
        sides = -high, high
    ball = Ball("l2", radius, *sides)
    return ball.into_box(x), noise, ball


def factor_by_sorting(x, noise, radius, low, high):
    """In one row: numbers are clipped in order, until the rest has the length left."""
    left, clipped = 1.0, []
    free = 0.0
    for v, d, r in zip(x, noise, radius, strict=True):
        if r == 0 or d == 0:
            continue
        free += (d / r) ** 2
        room = (high - v if d > 0 else v - low) / abs(d)
        clipped.append((room, (d / r) ** 2))
    for room, squared in sorted(clipped):
        if free > 0 and math.sqrt(max(left, 0) / free) <= room:
            return math.sqrt(max(left, 0) / free)
        left -= squared * room**2
        free = max(free - squared, 0.0)
    return None  # not to be reached


@pytest.mark.parametrize("eps", [0.05, 0.2])
@pytest.mark.parametrize("sides", ["closed", "above", "below", "open"])
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_sorting(shape, sides, eps):
    x, noise, ball = noisy_case(shape, SIDES[sides], eps=eps)
    low, high = (
        infinity if side is None else side.item()
        for side, infinity in zip(SIDES[sides], (-math.inf, math.inf), strict=True)
    )
    found = noise_factor(x, noise, ball)
    assert found.shape == (40, *[1] * len(shape))
    n_clipped = 0
    for row, (values, own) in enumerate(zip(x, noise, strict=True)):
        expected = factor_by_sorting(
            values.flatten().tolist(),
            own.flatten().tolist(),
            ball.radius.flatten().tolist(),
            low,
            high,
        )
        assert expected is not None
        assert found[row].item() == pytest.approx(expected, rel=1e-7)
        moved = values + expected * own
        n_clipped += bool(((moved < low) | (moved > high)).any())
    assert n_clipped > 10 or sides == "open" or eps < 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_length_after_clipping_is_that_of_the_ball(shape, sides, dtype):
    x, noise, ball = noisy_case(shape, SIDES[sides], dtype, eps=0.12)
    moved = add_noise(x, noise, ball)
    assert torch.equal(moved, ball.into_box(moved))
    assert torch.equal(moved[..., -1], x[..., -1])
    in_radii = ((moved - x) / ball.radius)[..., :-1].flatten(1)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-10
    torch.testing.assert_close(
        in_radii.norm(dim=1), torch.ones(40, dtype=dtype), atol=tolerance, rtol=0
    )
    assert ((moved - x) * noise >= 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_length_out_of_reach_saturates(dtype):
    x, noise, ball = noisy_case((7,), SIDES["closed"], dtype, eps=5.0)
    moved = add_noise(x, noise, ball)
    expected = torch.where(noise > 0, 1.0, 0.0).to(dtype)
    expected[:, -1] = x[:, -1]
    torch.testing.assert_close(moved, expected)


def test_without_a_box_it_is_the_normalized_noise():
    x, noise, ball = noisy_case((7,), (None, None))
    in_radii = (noise / ball.radius)[:, :-1]
    expected = x[:, :-1] + noise[:, :-1] / in_radii.norm(dim=1, keepdim=True)
    torch.testing.assert_close(add_noise(x, noise, ball)[:, :-1], expected)


def test_rows_without_noise_and_gaps_stay():
    x, noise, ball = noisy_case((7,), SIDES["closed"])
    noise[0] = 0
    x[1, :3] = torch.nan
    x[2] = torch.nan
    moved = add_noise(x, noise, ball)
    assert torch.equal(moved[0], x[0])
    assert torch.equal(moved.isnan(), x.isnan())
    shift = ((moved - x) / ball.radius)[1, 3:6]
    assert shift.norm().item() == pytest.approx(1)


def test_noise_of_any_size():
    """Tiny and huge numbers in one row, also in single precision."""
    for dtype in (torch.float32, torch.float64):
        x = torch.full((1, 3), 0.5, dtype=dtype)
        noise = torch.tensor([[1e-25, 1.0, 1e15]], dtype=dtype)
        ball = Ball("l2", torch.full((3,), 0.6, dtype=dtype), *SIDES["closed"])
        moved = add_noise(x, noise, ball)
        # The last is clipped at .5, and the rest of the length is left to the second.
        rest = math.sqrt(0.36 - 0.25)
        expected = torch.tensor([[0.5, 0.5 + rest, 1.0]], dtype=dtype)
        torch.testing.assert_close(moved, expected)


def test_gradients_are_those_for_a_fixed_factor():
    x, noise, ball = noisy_case((7,), SIDES["closed"])
    noise.requires_grad_()
    way = torch.randn(x.shape, dtype=x.dtype, generator=seeded(5))
    (add_noise(x, noise, ball) * way).sum().backward()
    with torch.no_grad():
        factor = noise_factor(x, noise, ball)
        moved = x + factor * noise
        inside = (moved > 0) & (moved < 1) & (ball.radius > 0)
    torch.testing.assert_close(noise.grad, way * factor * inside)
    assert noise.grad.isfinite().all()
