"""The geometry of attacks: against loops, closed forms and known distributions."""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import beta, kstest

from imbdeep.attacks import Ball

NORMS = ["linf", "l2"]
SHAPES = [(5,), (2, 3, 4)]
DTYPES = [torch.float32, torch.float64]
RADII = ["none", "alike", "per feature"]
BOXES = ["none", "scalar", "low", "per feature"]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def rows_and_ball(norm, shape, dtype, radii="per feature", box="none", stack=()):
    """Rows, some on the edge of their box, and frozen values that are easy to spoil."""
    draws = seeded()
    radius = torch.rand(shape, dtype=dtype, generator=draws)
    radius.view(-1)[[0, 3]] = 0
    if radii != "per feature":
        radius = torch.full(shape, 0.0 if radii == "none" else 0.3, dtype=dtype)
    x = torch.randn(*stack, 8, *shape, dtype=dtype, generator=draws)
    flat = x.flatten(-len(shape))
    flat[..., 0, 0], flat[..., 1, 0], flat[..., 2, 0] = -0.0, 1e8, 1e-40
    low = -torch.rand(shape, dtype=dtype, generator=draws)
    sides = {
        "none": (None, None),
        "scalar": (torch.tensor(-0.5, dtype=dtype), torch.tensor(0.5, dtype=dtype)),
        "low": (low, None),
        "per feature": (low, low + 0.7),
    }
    ball = Ball(norm, radius, *sides[box])
    return ball.into_box(x), ball


def bits(x):
    return x.contiguous().numpy().tobytes()


def check_admissible(x_adv, x, ball):
    """In the ball up to the rounding of values, in the box and where frozen exactly."""
    assert x_adv.shape == x.shape
    assert x_adv.dtype == x.dtype
    assert torch.isfinite(x_adv).all()
    movable = ball.radius > 0
    assert bits(x_adv[..., ~movable]) == bits(x[..., ~movable])
    assert ball.low is None or (x_adv >= ball.low).all()
    assert ball.high is None or (x_adv <= ball.high).all()
    radius = ball.radius.double()[movable]
    before, after = x[..., movable].double(), x_adv[..., movable].double()
    ulp = torch.finfo(x.dtype).eps
    over = (after - before).abs() - 2 * ulp * (before.abs() + radius)
    in_radii = over.clamp_min(0) / radius
    if ball.norm == "linf":
        assert (in_radii <= 1).all()
    else:
        assert (in_radii.norm(dim=-1) <= 1 + 20 * ulp).all()


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("radii", RADII)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("norm", NORMS)
def test_points_and_projections_are_admissible(norm, shape, dtype, radii, box):
    for stack in [(), (3,)]:
        x, ball = rows_and_ball(norm, shape, dtype, radii, box, stack)
        assert ball.is_point == (radii == "none")
        for seed in range(5):
            point = ball.random_point(x, seeded(seed))
            check_admissible(point, x, ball)
            assert torch.equal(point, x) == (radii == "none")
        for length in (0, 1e-6, 0.3, 1e4):
            wild = x + length * torch.randn(x.shape, dtype=dtype, generator=seeded())
            check_admissible(ball.project(wild, x), x, ball)
        for step in (0.0, 0.1, 100.0):
            gradient = torch.randn(x.shape, dtype=dtype, generator=seeded(1))
            further = ball.ascend(point, gradient, torch.tensor(step, dtype=dtype))
            check_admissible(ball.project(further, x), x, ball)


def projected_by_loops(norm, a, x, radius, low, high):
    """A row in Python floats: radially to the ellipsoid, or feature by feature."""
    scale = 1.0
    if norm == "l2":
        length = sum(
            ((a_i - x_i) / r) ** 2
            for a_i, x_i, r in zip(a, x, radius, strict=True)
            if r
        )
        scale = max(1.0, length**0.5)
    row = []
    for a_i, x_i, r in zip(a, x, radius, strict=True):
        shift = (a_i - x_i) / scale
        if norm == "linf":
            shift = max(-r, min(r, shift))
        row.append(max(low, min(high, x_i + shift)) if r else x_i)
    return row


@pytest.mark.parametrize("length", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("norm", NORMS)
def test_projection_agrees_with_loops(norm, length):
    x, ball = rows_and_ball(norm, (5,), torch.float64, box="scalar")
    wild = x + length * torch.randn(x.shape, dtype=x.dtype, generator=seeded(2))
    expected = [
        projected_by_loops(norm, a, row, ball.radius.tolist(), -0.5, 0.5)
        for a, row in zip(wild.tolist(), x.tolist(), strict=True)
    ]
    torch.testing.assert_close(
        ball.project(wild, x), torch.tensor(expected, dtype=x.dtype)
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("norm", NORMS)
def test_projection_leaves_admissible_rows_alone(norm, shape):
    x, ball = rows_and_ball(norm, shape, torch.float64, box="per feature")
    point = ball.random_point(x, seeded())
    torch.testing.assert_close(ball.project(point, x), point, rtol=1e-14, atol=1e-14)
    assert torch.equal(ball.project(x, x), x)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("norm", NORMS)
def test_rows_and_stacks_do_not_see_each_other(norm, shape):
    x, ball = rows_and_ball(norm, shape, torch.float64, stack=(3,))
    wild = x + torch.randn(x.shape, dtype=x.dtype, generator=seeded(3))
    gradient = torch.randn(x.shape, dtype=x.dtype, generator=seeded(4))
    step = 0.1 * ball.radius
    projected, ascended = ball.project(wild, x), ball.ascend(wild, gradient, step)
    for i, j in itertools.product(range(3), range(8)):
        one = (slice(i, i + 1), slice(j, j + 1))
        torch.testing.assert_close(projected[one], ball.project(wild[one], x[one]))
        torch.testing.assert_close(
            ascended[one], ball.ascend(wild[one], gradient[one], step)
        )


@pytest.mark.parametrize("norm", NORMS)
def test_a_step_raises_a_linear_objective_most(norm):
    """No other shift of the same length, radii counted, gains as much."""
    _, ball = rows_and_ball(norm, (5,), torch.float64)
    movable = ball.radius > 0
    gradient = torch.randn(1, 5, dtype=torch.float64, generator=seeded(5))
    step = 0.4 * ball.radius
    shift = ball.ascend(torch.zeros_like(gradient), gradient, step)[:, movable]
    in_radii = shift / ball.radius[movable]
    order = torch.inf if norm == "linf" else 2
    assert in_radii.norm(order).item() == pytest.approx(0.4, rel=1e-12)
    others = torch.randn(20_000, 3, dtype=torch.float64, generator=seeded(6))
    others *= 0.4 / others.norm(order, dim=1, keepdim=True)
    gains = others * ball.radius[movable] @ gradient[0, movable]
    best = (shift[0] * gradient[0, movable]).sum()
    assert gains.max() <= best
    assert gains.max() > 0.9 * best  # the others come close: the bound is tight


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("norm", NORMS)
def test_no_gradient_no_step(norm, dtype):
    x, ball = rows_and_ball(norm, (5,), dtype)
    assert torch.equal(ball.ascend(x, torch.zeros_like(x), ball.radius), x)


@pytest.mark.parametrize("size", [1e-36, 1e36])
@pytest.mark.parametrize("norm", NORMS)
def test_steps_are_as_long_for_tiny_and_huge_gradients(norm, size):
    x, ball = torch.zeros(4, 5), Ball(norm, torch.full((5,), 0.3))
    gradient = torch.randn(4, 5, generator=seeded())
    torch.testing.assert_close(
        ball.ascend(x, size * gradient, ball.radius),
        ball.ascend(x, gradient, ball.radius),
    )


def in_radii(ball, n=20_000):
    """Random points around 0 as shares of the radii, of the features that may move."""
    x = torch.zeros(n, *ball.radius.shape, dtype=torch.float64)
    movable = ball.radius > 0
    return (ball.random_point(x, seeded())[:, movable] / ball.radius[movable]).numpy()


@pytest.mark.parametrize("shape", SHAPES)
def test_random_points_are_uniform_in_the_cube(shape):
    _, ball = rows_and_ball("linf", shape, torch.float64)
    shares = in_radii(ball)
    assert shares.min() >= -1
    assert shares.max() <= 1
    for feature in shares.T:
        assert kstest(feature, "uniform", args=(-1, 2)).pvalue > 1e-6
        assert abs(feature.mean()) < 0.03
        np.testing.assert_allclose(
            np.quantile(feature, [0.01, 0.99]), [-0.98, 0.98], atol=0.005
        )
    correlation = np.corrcoef(shares.T) - np.eye(shares.shape[1])
    assert np.abs(correlation).max() < 0.04


@pytest.mark.parametrize("shape", SHAPES)
def test_random_points_are_uniform_in_the_ellipsoid(shape):
    _, ball = rows_and_ball("l2", shape, torch.float64)
    shares = in_radii(ball)
    d = shares.shape[1]
    assert d == np.prod(shape) - 2
    length = np.linalg.norm(shares, axis=1)
    assert length.max() <= 1 + 1e-12
    # The share of the volume within a radius is its d-th power.
    assert kstest(length**d, "uniform").pvalue > 1e-6
    # A coordinate of a point of the unit ball: (1 + t) / 2 is Beta((d + 1) / 2, same).
    marginal = beta((d + 1) / 2, (d + 1) / 2).cdf
    for feature in shares.T:
        assert kstest((1 + feature) / 2, marginal).pvalue > 1e-6
    correlation = np.corrcoef(shares.T) - np.eye(d)
    assert np.abs(correlation).max() < 0.04


@pytest.mark.parametrize("norm", NORMS)
def test_random_points_are_clipped_to_the_box(norm):
    x, ball = rows_and_ball(norm, (5,), torch.float64, box="scalar")
    free = Ball(norm, ball.radius).random_point(x, seeded())
    clipped = ball.random_point(x, seeded())
    assert not torch.equal(free, clipped)
    movable = ball.radius > 0
    torch.testing.assert_close(
        clipped[:, movable], free[:, movable].clamp(-0.5, 0.5), rtol=0, atol=0
    )


@pytest.mark.parametrize("norm", NORMS)
def test_random_points_come_from_the_generator(norm):
    x, ball = rows_and_ball(norm, (5,), torch.float32)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1]
    generator = seeded(1)
    first, second = (ball.random_point(x, generator) for _ in range(2))
    assert torch.equal(first, ball.random_point(x, seeded(1)))
    assert not torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()
    with torch.random.fork_rng():
        assert not torch.equal(ball.random_point(x), ball.random_point(x))


def test_a_ball_of_one_movable_feature_is_an_interval():
    ball = Ball("l2", torch.tensor([0.0, 2.0, 0.0], dtype=torch.float64))
    assert kstest(in_radii(ball)[:, 0], "uniform", args=(-1, 2)).pvalue > 1e-6


def test_refuses_a_norm_that_it_does_not_know():
    with pytest.raises(ValueError, match=r"norm must be one of .*'linf'.*got 'l1'"):
        Ball("l1", torch.ones(2))


@pytest.mark.parametrize("box", BOXES)
def test_to_keeps_everything(box):
    _, ball = rows_and_ball("l2", (5,), torch.float32, box=box)
    moved = ball.to("meta")
    assert moved.norm == "l2"
    for side in ("radius", "low", "high"):
        before, after = getattr(ball, side), getattr(moved, side)
        if before is None:
            assert after is None
        else:
            assert after.device.type == "meta"
            assert after.shape == before.shape
