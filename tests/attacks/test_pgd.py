"""Projected gradient ascent: against loops, exact optima and random noise."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from imbdeep.attacks import Ball, log_odds, margin, pgd
from imbdeep.attacks._pgd import strongest_pgd
from tests.attacks.test_ball import (
    BOXES,
    DTYPES,
    NORMS,
    RADII,
    SHAPES,
    check_admissible,
    rows_and_ball,
    seeded,
)
from tests.common.slow import half_of


def random_net(d, n_classes=3, seed=0, activation=torch.tanh, dtype=torch.float64):
    """Random weights of a net with one hidden layer."""
    draws = seeded(seed)
    first = torch.randn(d, 16, generator=draws, dtype=dtype) * 2 / math.sqrt(d)
    last = torch.randn(16, n_classes, generator=draws, dtype=dtype)
    return lambda x: activation(x @ first) @ last


def linear_net(weight, bias=0.0):
    """Log odds ``x @ weight + bias`` of class 1."""

    def logits_of(x):
        logit = x @ weight + bias
        return torch.stack([-logit / 2, logit / 2], -1)

    return logits_of


class Recorder:
    """A net that remembers the rows it saw."""

    def __init__(self, logits_of):
        self.logits_of = logits_of
        self.seen = []

    def __call__(self, x):
        self.seen.append(x.detach().clone())
        return self.logits_of(x)


# --- Admissible ----------------------------------------------------------------------


@half_of(norm=NORMS, shape=SHAPES, dtype=DTYPES, radii=RADII, box=BOXES)
def test_rows_are_admissible(norm, shape, dtype, radii, box):
    logits_of = random_net(math.prod(shape), dtype=dtype)

    def of_rows(x):
        return logits_of(x.flatten(x.ndim - len(shape)))

    for stack in [(), (3,)]:
        x, ball = rows_and_ball(norm, shape, dtype, radii, box, stack)
        y = torch.randint(3, x.shape[: x.ndim - len(shape)], generator=seeded())
        steps_and_lengths = [
            (0, None),
            (1, None),
            (1, torch.tensor(0.0)),
            (3, ball.radius / 3),
            (6, None),
            (6, torch.tensor(5.0)),
        ]
        for steps, length in steps_and_lengths:
            for random_start in (True, False):
                given = {
                    "attack_steps": steps,
                    "step_size": length,
                    "random_start": random_start,
                    "generator": seeded(),
                }
                check_admissible(pgd(of_rows, x, y, ball, **given), x, ball)
                if stack == () and steps < 6:
                    worst = strongest_pgd(of_rows, x, y, ball, restarts=2, **given)
                    check_admissible(worst, x, ball)


@pytest.mark.parametrize("random_start", [True, False])
@pytest.mark.parametrize("norm", NORMS)
def test_a_net_without_slope_leaves_the_start(norm, random_start):
    x, ball = rows_and_ball(norm, (5,), torch.float32)
    y = torch.zeros(8, dtype=torch.int64)
    given = {"random_start": random_start, "generator": seeded()}
    x_adv = pgd(lambda x: 0 * x[:, :2], x, y, ball, **given)
    start = ball.random_point(x, seeded()) if random_start else x
    torch.testing.assert_close(x_adv, start)
    worst = strongest_pgd(lambda x: 0 * x[:, :2], x, y, ball, **given)
    assert torch.equal(worst, x)


@pytest.mark.parametrize("attack", [pgd, strongest_pgd])
@pytest.mark.parametrize("norm", NORMS)
def test_rows_come_without_a_gradient(norm, attack):
    net = nn.Linear(5, 2)
    grad = net.bias.grad = torch.ones(2)
    y = torch.zeros(8, dtype=torch.int64)
    for radii in RADII:
        x, ball = rows_and_ball(norm, (5,), torch.float32, radii)
        before = x.clone()
        for steps in (0, 2):
            with torch.no_grad():
                assert not attack(net, x, y, ball, attack_steps=steps).requires_grad
            asked = x.clone().requires_grad_()
            assert not attack(net, asked, y, ball, attack_steps=steps).requires_grad
            assert asked.grad is None
        assert torch.equal(x, before)
    assert net.weight.grad is None
    assert net.bias.grad is grad
    assert torch.equal(grad, torch.ones(2))


@pytest.mark.parametrize("attack", [pgd, strongest_pgd])
def test_draws_come_from_the_generator(attack):
    x, ball = rows_and_ball("l2", (5,), torch.float64)
    net, y = random_net(5), torch.zeros(8, dtype=torch.int64)
    state = torch.get_rng_state()
    first = attack(net, x, y, ball, attack_steps=1, generator=seeded(1))
    assert torch.equal(
        first, attack(net, x, y, ball, attack_steps=1, generator=seeded(1))
    )
    again = attack(net, x, y, ball, attack_steps=1, generator=seeded(2))
    assert not torch.equal(first, again)
    fixed = [
        attack(net, x, y, ball, random_start=False, generator=seeded(seed))
        for seed in (1, 2)
    ]
    assert torch.equal(*fixed)
    assert torch.equal(torch.get_rng_state(), state)


# --- Step by step --------------------------------------------------------------------


def log_odds_of(logits, label):
    others = [z for j, z in enumerate(logits) if j != label]
    return math.log(sum(math.exp(z) for z in others)) - logits[label]


def margin_of(logits, label):
    return max(z for j, z in enumerate(logits) if j != label) - logits[label]


def central_differences(function, row, h=1e-5):
    slopes = []
    for i in range(len(row)):
        up, down = row.copy(), row.copy()
        up[i] += h
        down[i] -= h
        slopes.append((function(up) - function(down)) / (2 * h))
    return slopes


def pgd_by_loops(height, x, start, norm, radius, low, high, steps, step):
    """One row after another, one feature after another; all rows passed on the way."""
    a, passed = start.copy(), [start]
    for _ in range(steps):
        slopes = central_differences(height, a)
        if norm == "linf":
            a = a + step * np.sign(slopes)
        else:
            pull = [g * r for g, r in zip(slopes, radius, strict=True)]
            length = math.sqrt(sum(p * p for p in pull))
            a = a + step * np.array(pull) / length
            away = [(a[i] - x[i]) / r for i, r in enumerate(radius) if r > 0]
            too_far = max(1.0, math.sqrt(sum(s * s for s in away)))
            a = x + (a - x) / too_far
        for i, r in enumerate(radius):
            if norm == "linf":
                a[i] = min(max(a[i], x[i] - r), x[i] + r)
            a[i] = min(max(a[i], low), high) if r > 0 else x[i]
        passed.append(a)
    return passed


class Problem:
    """Six rows, a net, and a ball whose second feature is frozen, in a box."""

    low, high = -1.0, 0.9

    def __init__(self, norm, n_classes):
        self.norm, self.net = norm, random_net(4, n_classes)
        self.x = torch.randn(6, 4, dtype=torch.float64, generator=seeded(3))
        self.x = self.x.clamp(self.low, self.high)
        self.y = torch.arange(6) % n_classes
        self.radius = torch.tensor([0.5, 0.0, 1.2, 0.3], dtype=torch.float64)
        self.ball = Ball(norm, self.radius, *map(torch.tensor, (self.low, self.high)))

    def passed(self, height_of, start, steps, step):
        """Rows that each step comes to, of shape (steps + 1, n, d)."""

        def trace(row):
            label = self.y[row].item()

            def height(a):
                return height_of(self.net(torch.from_numpy(a)).tolist(), label)

            return pgd_by_loops(
                height,
                self.x[row].numpy(),
                start[row].numpy(),
                self.norm,
                self.radius.tolist(),
                self.low,
                self.high,
                steps,
                step,
            )

        return torch.from_numpy(np.stack([trace(row) for row in range(6)], axis=1))


@pytest.mark.parametrize("random_start", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("norm", NORMS)
def test_agrees_with_loops(norm, n_classes, random_start):
    problem = Problem(norm, n_classes)
    x, y, net, ball = problem.x, problem.y, problem.net, problem.ball
    start = ball.random_point(x, seeded()) if random_start else x
    given = {"random_start": random_start}
    for steps in (1, 2, 5):
        # The default length reaches any point of the ball from any other.
        default = np.array([2.5 * r / steps for r in problem.radius.tolist()])
        for step, given_step in [(None, default), (torch.tensor(0.1), np.full(4, 0.1))]:
            expected = problem.passed(log_odds_of, start, steps, given_step)
            x_adv = pgd(
                net,
                x,
                y,
                ball,
                attack_steps=steps,
                step_size=step,
                generator=seeded(),
                **given,
            )
            torch.testing.assert_close(x_adv, expected[-1], rtol=0, atol=1e-6)
            assert (x_adv != x).any(1).all()


@pytest.mark.parametrize("norm", NORMS)
def test_strongest_takes_turns_at_two_objectives(norm):
    problem = Problem(norm, 4)
    net = Recorder(problem.net)
    strongest_pgd(
        net,
        problem.x,
        problem.y,
        problem.ball,
        attack_steps=3,
        restarts=3,
        random_start=False,
        generator=seeded(),
    )
    step = np.array([2.5 * r / 3 for r in problem.radius.tolist()])
    for restart, height_of in enumerate([log_odds_of, margin_of]):
        expected = problem.passed(height_of, problem.x, 3, step)
        seen = torch.stack(net.seen[1 + 4 * restart : 5 + 4 * restart])
        torch.testing.assert_close(seen, expected, rtol=0, atol=1e-6)
    assert len(net.seen) == 13
    assert not torch.equal(net.seen[4], net.seen[8])
    # A third from the same point would be the first again.
    starts = [net.seen[1], net.seen[5], net.seen[9]]
    assert torch.equal(starts[0], starts[1])
    assert not torch.equal(starts[0], starts[2])


@pytest.mark.parametrize("norm", NORMS)
def test_nets_in_a_stack_do_not_see_each_other(norm):
    x, ball = rows_and_ball(norm, (5,), torch.float64, box="scalar", stack=(3,))
    y = torch.randint(3, (3, 8), generator=seeded())
    first = torch.randn(3, 5, 3, dtype=torch.float64, generator=seeded(8))
    stacked = pgd(lambda x: (x @ first).sin(), x, y, ball, random_start=False)
    for i in range(3):
        alone = pgd(
            lambda x, i=i: (x @ first[i]).sin(), x[i], y[i], ball, random_start=False
        )
        torch.testing.assert_close(stacked[i], alone)


# --- Strength ------------------------------------------------------------------------


@pytest.mark.parametrize("random_start", [True, False])
@pytest.mark.parametrize("box", [None, (-0.8, 0.8)])
@pytest.mark.parametrize("attack", [pgd, strongest_pgd])
def test_reaches_the_optimum_of_a_linear_net_in_the_cube(attack, box, random_start):
    draws = seeded()
    x, w = torch.rand(20, 6, generator=draws) - 0.5, torch.randn(6, generator=draws)
    y = torch.arange(20) % 2
    eps = torch.tensor([0.5, 0.1, 0.0, 1.0, 0.3, 0.7])
    sides = (None, None) if box is None else map(torch.tensor, box)
    x_adv = attack(
        linear_net(w), x, y, Ball("linf", eps, *sides), random_start=random_start
    )
    expected = x + eps * w.sign() * (1 - 2 * y[:, None])
    expected = expected if box is None else expected.clamp(*box)
    # The rows on the way to a corner may round to its margin before they reach it.
    tolerance = 0 if attack is pgd else 1e-6
    torch.testing.assert_close(x_adv, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("eps", [[0.5] * 6, [0.5, 0.1, 0.0, 1.0, 0.3, 0.7]])
@pytest.mark.parametrize("attack", [pgd, strongest_pgd])
def test_reaches_the_optimum_of_a_linear_net_in_the_ellipsoid(attack, eps):
    draws = seeded()
    x, w = torch.randn(20, 6, generator=draws), torch.randn(6, generator=draws)
    x, w, eps = x.double(), w.double(), torch.tensor(eps, dtype=torch.float64)
    y = torch.arange(20) % 2
    # The largest w @ d with sum((d / eps)**2) = 1, by Lagrange.
    best = eps**2 * w / (eps * w).norm()
    if eps.unique().numel() == 1:
        torch.testing.assert_close(best, 0.5 * w / w.norm())
    net, ball = linear_net(w), Ball("l2", eps)
    x_adv = attack(net, x, y, ball, random_start=False)
    torch.testing.assert_close(x_adv, x + best * (1 - 2 * y[:, None]))
    # From elsewhere it turns towards the optimum with each step.
    x_adv = attack(
        net, x, y, ball, attack_steps=100, step_size=eps / 10, generator=seeded()
    )
    gain = margin(net(x_adv), y) - margin(net(x), y)
    assert (gain > 0.999 * (eps * w).norm()).all()
    assert (gain <= (eps * w).norm() * (1 + 1e-12)).all()


def noise(x, ball, generator):
    """Shifts on the surface of the ball: corners of the cube, or random directions."""
    shift = torch.randn(x.shape, dtype=x.dtype, generator=generator)
    if ball.norm == "linf":
        return x + ball.radius * shift.sign()
    return x + ball.radius * shift / shift.norm(dim=1, keepdim=True)


@pytest.mark.parametrize("activation", [torch.tanh, torch.relu])
@pytest.mark.parametrize("norm", NORMS)
def test_raises_the_loss_more_than_noise(norm, activation):
    d, eps = 20, {"linf": 0.1, "l2": 0.45}[norm]
    ball = Ball(norm, torch.full((d,), eps, dtype=torch.float64))
    for seed in range(5):
        net = random_net(d, seed=seed, activation=activation)
        x = torch.randn(100, d, dtype=torch.float64, generator=seeded(seed))
        y = net(x).argmax(1)

        def loss(rows, net=net, y=y):
            return cross_entropy(net(rows), y).item()

        clean, draws = loss(x), seeded(100 + seed)
        x_adv = pgd(net, x, y, ball, generator=draws)
        noisy = max(loss(noise(x, ball, draws)) for _ in range(5))
        inner = max(loss(ball.random_point(x, draws)) for _ in range(5))
        assert loss(x_adv) - clean > 2 * max(noisy - clean, inner - clean, 0.0)
        assert loss(x_adv) > clean + 0.1


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("norm", NORMS)
def test_strongest_gives_the_worst_row_that_it_saw(norm, n_classes):
    x, ball = rows_and_ball(norm, (5,), torch.float64, box="scalar")
    net = Recorder(random_net(5, n_classes))
    y = net.logits_of(x).argmax(1)
    worst = strongest_pgd(
        net, x, y, ball, attack_steps=6, restarts=4, generator=seeded()
    )
    heights = torch.stack([margin(net.logits_of(rows), y) for rows in net.seen])
    reached = margin(net.logits_of(worst), y)
    torch.testing.assert_close(reached, heights.amax(0))
    assert torch.equal(net.seen[0], x)
    assert (reached >= heights[0]).all()
    # The random starts are among the rows that it saw, so it is no weaker than they.
    draws = seeded()
    for restart in range(4):
        start = ball.random_point(x, draws)
        assert torch.equal(net.seen[1 + 7 * restart], start)
        assert (reached >= margin(net.logits_of(start), y) - 1e-12).all()
    if n_classes == 2:
        losses = [
            cross_entropy(net.logits_of(rows), y, reduction="none")
            for rows in (worst, start)
        ]
        assert (losses[0] >= losses[1] - 1e-12).all()


@pytest.mark.parametrize("norm", NORMS)
def test_more_restarts_are_never_worse(norm):
    d = 6
    net = random_net(d, 4, activation=lambda x: (3 * x).sin())
    x = torch.randn(100, d, dtype=torch.float64, generator=seeded())
    y = net(x).argmax(1)
    ball = Ball(norm, torch.full((d,), 0.06, dtype=torch.float64))
    heights = torch.stack(
        [
            margin(
                net(
                    strongest_pgd(
                        net, x, y, ball, attack_steps=4, restarts=n, generator=seeded()
                    )
                ),
                y,
            )
            for n in (1, 2, 5, 10)
        ]
    )
    assert (heights.diff(dim=0) >= -1e-12).all()
    wrong = (heights > 0).sum(1)
    assert (wrong.diff() >= 0).all()
    assert 0 < wrong[0] < wrong[-1] < 100


@pytest.mark.parametrize("norm", NORMS)
def test_early_stop_leaves_misclassified_rows_alone(norm):
    d = 6
    x = torch.randn(100, d, dtype=torch.float64, generator=seeded())
    net = Recorder(random_net(d, 4))
    y = net.logits_of(x).argmax(1)
    y[:10] = (y[:10] + 1) % 4
    ball = Ball(norm, torch.full((d,), 0.1, dtype=torch.float64))
    given = {"restarts": 3, "attack_steps": 5}
    stopped = strongest_pgd(
        net, x, y, ball, early_stop=True, generator=seeded(), **given
    )
    n_seen = [len(rows) for rows in net.seen]
    assert torch.equal(stopped[:10], x[:10])
    assert n_seen[:2] == [100, 90]
    assert n_seen[1:] == sorted(n_seen[1:], reverse=True)
    further = strongest_pgd(net.logits_of, x, y, ball, generator=seeded(), **given)
    left, went_on = (margin(net.logits_of(rows), y) for rows in (stopped, further))
    assert torch.equal(left > 0, went_on > 0)
    assert 10 < (left > 0).sum() < 100
    assert (went_on >= left - 1e-9).all()
    assert went_on[left > 0].mean() > left[left > 0].mean()
    # Rows on which it did not succeed were searched as far.
    torch.testing.assert_close(stopped[left <= 0], further[left <= 0])


def test_early_stop_asks_no_more_when_all_rows_are_misclassified():
    net = Recorder(random_net(5))
    x, ball = rows_and_ball("linf", (5,), torch.float64)
    y = (net.logits_of(x).argmax(1) + 1) % 3
    worst = strongest_pgd(net, x, y, ball, restarts=5, early_stop=True)
    assert torch.equal(worst, x)
    assert len(net.seen) == 1


def test_attacks_a_net_that_is_certain():
    """Where cross-entropy has no gradient, float32 included."""
    w = torch.tensor([3.0, -2.0])
    x, y = torch.tensor([[100.0, 0.0]]), torch.tensor([1])
    net = linear_net(w)
    asked = x.clone().requires_grad_()
    cross_entropy(net(asked), y).backward()
    assert (asked.grad == 0).all()
    x_adv = pgd(net, x, y, Ball("linf", torch.full((2,), 99.0)))
    assert torch.equal(x_adv, torch.tensor([[1.0, 99.0]]))
    assert (log_odds(net(x_adv), y) > 0).all()
