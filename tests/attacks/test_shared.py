"""One shift for several rows: against loops, exact optima and gradients by hand."""

import math

import pytest
import torch
from torch import nn

from imbdeep.attacks import Ball
from imbdeep.attacks._objectives import truncated_cross_entropy
from imbdeep.attacks._shared import (
    of_rows,
    shared_gradient,
    shared_pgd,
    universal_shift,
)
from tests.attacks.test_ball import NORMS, rows_and_ball, seeded
from tests.attacks.test_pgd import linear_net, random_net


def loss_by_hand(logits, label, at):
    """In Python floats."""
    top = max(logits)
    total = sum(math.exp(z - top) for z in logits)
    return min(top + math.log(total) - logits[label], at)


@pytest.mark.parametrize("at", [0.5, 2.0, math.inf])
def test_truncated_cross_entropy_agrees_with_loops(at):
    logits = 3 * torch.randn(50, 4, dtype=torch.float64, generator=seeded())
    y = torch.randint(4, (50,), generator=seeded())
    expected = [
        loss_by_hand(row, label, at)
        for row, label in zip(logits.tolist(), y.tolist(), strict=True)
    ]
    assert at == math.inf or 5 < expected.count(at) < 45
    found = truncated_cross_entropy(logits, y, at)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
    again = truncated_cross_entropy(logits.reshape(5, 10, 4), y.reshape(5, 10), at)
    torch.testing.assert_close(again, found.reshape(5, 10))


def test_rows_beyond_the_bound_have_no_gradient():
    logits = torch.tensor([[0.0, 1.0], [0.0, 9.0]], dtype=torch.float64)
    logits.requires_grad_()
    y = torch.zeros(2, dtype=torch.int64)
    truncated_cross_entropy(logits, y, 3.0).sum().backward()
    p = 1 / (1 + math.exp(-1.0))
    expected = torch.tensor([[-p, p], [0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(logits.grad, expected)


@pytest.mark.parametrize("n_heaps", [1, 2, 3, 8])
def test_heaps_take_rows_in_turn(n_heaps):
    shift = torch.arange(n_heaps, dtype=torch.float32)[:, None].expand(-1, 2)
    found = of_rows(shift, 8).tolist()
    expected, heap = [], 0
    for _ in range(8):
        expected.append([heap, heap])
        heap = heap + 1 if heap + 1 < n_heaps else 0
    assert found == expected


@pytest.mark.parametrize("heap_size", [1, 3, 8])
def test_gradients_agree_with_differences(heap_size):
    """Those of clipped, frozen and missing numbers are 0."""
    net = random_net(5)
    x, _ = rows_and_ball("linf", (5,), torch.float64)
    x[2, 1] = math.nan
    radius = torch.tensor([0.5, 0.5, 0.0, 0.5, 0.5], dtype=torch.float64)
    high = x.nan_to_num(-9).amax(0) + 0.1
    ball = Ball("linf", radius, None, high)
    y = torch.randint(3, (8,), generator=seeded(7))

    def logits_of(x):
        return net(x.nan_to_num(0.0))

    def objective(logits, y):
        return truncated_cross_entropy(logits, y, 2.5)

    def total(shift):
        moved = x + of_rows(shift, 8)
        moved = torch.where(radius > 0, torch.minimum(moved, high), x)
        return objective(logits_of(moved), y).sum()

    shift = 0.3 * torch.randn(
        -(-8 // heap_size), 5, dtype=torch.float64, generator=seeded(3)
    )
    found = shared_gradient(logits_of, x, y, shift, ball, objective)
    for place in torch.cartesian_prod(torch.arange(len(shift)), torch.arange(5)):
        step = torch.zeros_like(shift)
        step[tuple(place)] = 1e-6
        slope = (total(shift + step) - total(shift - step)) / 2e-6
        torch.testing.assert_close(found[tuple(place)], slope, rtol=1e-5, atol=1e-7)
    assert (found[:, 2] == 0).all()
    assert (found != 0).sum() > len(shift)


def universal_by_loops(logits_of, x, y, ball, n_epochs, batch_size, step, beta):
    """Row after row, in the order of the same draws."""
    shift, draws = torch.zeros(x.shape[1], dtype=x.dtype), seeded(5)
    for _ in range(n_epochs):
        order = torch.randperm(len(x), generator=draws).tolist()
        while order:
            batch, order = order[:batch_size], order[batch_size:]
            slope = torch.zeros_like(shift)
            for i in batch:
                row = (x[i] + shift).clamp(ball.low, ball.high)
                inside = row == x[i] + shift
                row.requires_grad_()
                loss = -logits_of(row[None]).log_softmax(-1)[0, y[i]]
                if loss < beta:
                    slope += torch.autograd.grad(loss, row)[0] * inside
            if ball.norm == "linf":
                shift = shift + step * slope.sign()
                shift = torch.maximum(-ball.radius, torch.minimum(shift, ball.radius))
            else:
                scaled = slope * ball.radius
                # Nothing pulls once all rows are lost.
                shift = shift + step * (scaled / scaled.norm()).nan_to_num(0.0)
                shift = shift / (shift / ball.radius).norm().clamp_min(1)
    return shift


@pytest.mark.parametrize("beta", [1.0, math.inf])
@pytest.mark.parametrize("norm", NORMS)
def test_universal_shift_agrees_with_loops(norm, beta):
    logits_of = random_net(5)
    x, _ = rows_and_ball(norm, (5,), torch.float64)
    limits = -x.abs().amax(0) - 0.05, x.abs().amax(0) + 0.05
    radius = torch.linspace(0.2, 0.4, 5, dtype=torch.float64)
    ball = Ball(norm, radius, *limits)
    y = torch.randint(3, (8,), generator=seeded(7))
    step = radius / 3
    given = {"n_epochs": 4, "batch_size": 3, "beta": beta}
    found = universal_shift(
        logits_of, x, y, ball, step_size=step, generator=seeded(5), **given
    )
    expected = universal_by_loops(logits_of, x, y, ball, step=step, **given)
    torch.testing.assert_close(found, expected)
    assert found.abs().max() > 0.1


def slope_of(weight, y):
    """What one shift of all rows moves towards: the frequent label's other side."""
    return -weight if 2 * y.sum() > len(y) else weight


@pytest.mark.parametrize("batch_size", [4, 128])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n_ones", [0, 2, 7])
def test_of_a_linear_net_in_closed_form(norm, batch_size, n_ones):
    """Far from the border all rows of a class have the same gradient."""
    weight = torch.tensor([0.5, -0.25, 0.0, 1.0], dtype=torch.float64)
    x = torch.zeros(9, 4, dtype=torch.float64)
    y = (torch.arange(9) < n_ones).long()
    # Near 0 logits the gradient of a row is half the weight, whatever its label.
    radius = torch.tensor([1e-3, 2e-3, 1e-3, 0.0], dtype=torch.float64)
    direction = slope_of(weight, y)
    if norm == "linf":
        expected = radius * direction.sign()
    else:
        in_radii = direction * radius
        expected = radius * in_radii / in_radii.norm()
    given = {"batch_size": batch_size, "generator": seeded()}
    if batch_size == 4:
        # Of mixed batches some pull the other way.
        given |= {"n_epochs": 40, "step_size": 0.02 * radius}
    found = universal_shift(linear_net(weight), x, y, Ball(norm, radius), **given)
    atol = 3e-4 if batch_size == 4 else 1e-12
    torch.testing.assert_close(found, expected, rtol=0, atol=atol)


def test_rows_that_are_lost_count_no_more():
    """Seven rows far beyond the border would outvote two near it."""
    weight = torch.tensor([1.0, 1.0], dtype=torch.float64)
    x = torch.full((9, 2), 6.0, dtype=torch.float64)
    x[:2] = 0
    y = torch.tensor([1, 1] + [0] * 7)
    ball = Ball("linf", torch.full((2,), 0.5, dtype=torch.float64))
    bounded = universal_shift(linear_net(weight), x, y, ball, beta=9.0)
    assert bounded.tolist() == [-0.5, -0.5]
    unbounded = universal_shift(linear_net(weight), x, y, ball, beta=math.inf)
    assert unbounded.tolist() == [0.5, 0.5]


def test_gradients_of_parameters_are_left_as_found():
    net = nn.Linear(5, 3)
    net.bias.grad = torch.ones(3)
    x, ball = rows_and_ball("linf", (5,), torch.float32)
    state = torch.get_rng_state()
    with torch.no_grad():
        shift = universal_shift(net, x, x[:, 0].gt(0).long(), ball, generator=seeded())
    assert torch.equal(torch.get_rng_state(), state)
    assert not shift.requires_grad
    assert torch.equal(net.bias.grad, torch.ones(3))
    assert net.weight.grad is None


def test_a_net_that_ignores_its_rows_is_refused():
    x, ball = rows_and_ball("linf", (5,), torch.float32)
    scores = nn.Parameter(torch.zeros(2))
    y = torch.zeros(len(x), dtype=torch.int64)
    with pytest.raises(ValueError, match="passes no gradient to its rows"):
        universal_shift(lambda x: scores.expand(len(x), 2), x, y, ball)


# --- Heaps ---------------------------------------------------------------------------


@pytest.mark.parametrize("heap_size", [1, 3, 8, 20])
@pytest.mark.parametrize("norm", NORMS)
def test_each_heap_is_moved_as_if_it_were_alone(norm, heap_size):
    """By a loop over heaps, each of which is one batch of a universal shift."""
    logits_of = random_net(5)
    x, ball = rows_and_ball(norm, (5,), torch.float64)
    y = torch.randint(3, (8,), generator=seeded(7))
    step = ball.radius / 3
    given = {"attack_steps": 4, "step_size": step, "random_start": False}
    found = shared_pgd(logits_of, x, y, ball, heap_size=heap_size, kappa=1.609, **given)
    n_heaps = math.ceil(8 / heap_size)
    for first in range(n_heaps):
        heap = slice(first, None, n_heaps)
        shift = universal_shift(
            logits_of,
            x[heap],
            y[heap],
            ball,
            n_epochs=4,
            batch_size=100,
            step_size=step,
            beta=1.609,
        )
        torch.testing.assert_close(found[heap], ball.add(x[heap], shift))
    assert (found != x).any()


@pytest.mark.parametrize("norm", NORMS)
def test_shifts_of_heaps_start_at_random_points_of_the_ball(norm):
    x, ball = rows_and_ball(norm, (5,), torch.float64)
    y = torch.zeros(8, dtype=torch.int64)
    given = {"heap_size": 3, "attack_steps": 0, "step_size": ball.radius}
    moved = shared_pgd(random_net(5), x, y, ball, generator=seeded(2), **given)
    expected = ball.random_point(torch.zeros(3, 5, dtype=x.dtype), seeded(2))
    torch.testing.assert_close(moved - x, of_rows(expected, 8))
