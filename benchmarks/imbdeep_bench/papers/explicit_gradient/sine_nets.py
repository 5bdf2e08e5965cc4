"""The sine, points of it, and small nets that learn it: a stack, one net a seed."""

import math
from dataclasses import dataclass, fields
from functools import partial

import torch
from torch import Tensor

from imbdeep.classifiers._meta_augment.step import bilevel_step
from imbdeep.classifiers._meta_augment.synthetic_rows import SyntheticRows

N_HIDDEN = 10
SPAN = 5.0
INNER_LR = 0.1
SYNTH_LR = 1.0

# NOTE[DIFF]: the paper names neither optimiser nor steps before meta-training. These
# were settled by the loss on the training points alone, on seeds that no report uses.
PRETRAIN_STEPS = 2000
adam = partial(torch.optim.Adam, lr=0.01)
plain_descent = partial(torch.optim.SGD, lr=INNER_LR)


def sine(x):
    """Amplitude 1, frequency pi / 2, phase 0."""
    return torch.sin(math.pi / 2 * x)


@dataclass(frozen=True)
class Problem:
    """Points (x, y) and a net to start from, for each seed of a stack.

    ``train`` and ``valid`` are of the sine, ``synthetic`` anywhere; ``start`` has the
    parameters of the nets. Seeds lie along the first axis of all.
    """

    train: Tensor
    valid: Tensor
    synthetic: Tensor
    start: dict

    @property
    def real(self):
        """Training and validation points."""
        return torch.cat([self.train, self.valid], dim=1)


def draw_problem(seed, n_real, n_synthetic):
    """Draw the points of one seed, and a net as :class:`torch.nn.Linear` would.

    x of every point is uniform in [-5, 5], and so in [-1, 1] is y of the synthetic ones
    (Figure 1 says so, the text says nothing).
    """
    generator = torch.Generator().manual_seed(seed)

    # float64, so that a net learns the same whichever seeds are stacked with it: sums
    # in another order would show after thousands of steps in float32.
    def uniform(n_rows, n_columns, bound=1.0):
        shape = (1, n_rows, n_columns)
        draws = torch.rand(shape, generator=generator, dtype=torch.float64)
        return bound * (2 * draws - 1)

    x = uniform(2 * n_real, 1, SPAN)
    real = torch.cat([x, sine(x)], dim=-1)
    synthetic = torch.cat([uniform(n_synthetic, 1, SPAN), uniform(n_synthetic, 1)], -1)
    bound = 1 / math.sqrt(N_HIDDEN)
    start = {
        "hidden.weight": uniform(1, N_HIDDEN),
        "hidden.bias": uniform(1, N_HIDDEN),
        "output.weight": uniform(N_HIDDEN, 1, bound),
        "output.bias": uniform(1, 1, bound),
    }
    return Problem(real[:, :n_real], real[:, n_real:], synthetic, start)


def stack(problems):
    """Put the problems of several seeds in one."""
    *points, _ = (field.name for field in fields(Problem))
    starts = [problem.start for problem in problems]
    return Problem(
        *(torch.cat([getattr(p, name) for p in problems]) for name in points),
        {name: torch.cat([start[name] for start in starts]) for name in starts[0]},
    )


# --- Nets ----------------------------------------------------------------------------


def predict(net, x):
    """Outputs of shape (n_seeds, n, 1) for inputs of shape (n_seeds or 1, n, 1)."""
    hidden = torch.tanh(x @ net["hidden.weight"] + net["hidden.bias"])
    return hidden @ net["output.weight"] + net["output.bias"]


def mean_squared_error(net, points):
    """Loss of each seed's net on its own points, shape (n_seeds,)."""
    x, y = points[..., :1], points[..., 1:]
    return (predict(net, x) - y).square().mean((-2, -1))


def sine_points(n_points=501):
    """The sine over [-5, 5], shape (1, n_points, 2)."""
    x = torch.linspace(-SPAN, SPAN, n_points, dtype=torch.float64)[None, :, None]
    return torch.cat([x, sine(x)], dim=-1)


def rmse(net):
    """Root mean squared error against the sine over [-5, 5], shape (n_seeds,)."""
    return mean_squared_error(net, sine_points()).sqrt()


def distance_to_sine(points):
    """Mean of ``|y - sine(x)|`` over each seed's points, shape (n_seeds,)."""
    return (points[..., 1] - sine(points[..., 0])).abs().mean(-1)


# --- Training ------------------------------------------------------------------------


def train(net, points, optimizer, n_steps):
    """Train on all points at once; the loss is summed over seeds, not averaged."""
    net = {name: value.clone().requires_grad_() for name, value in net.items()}
    stepper = optimizer(list(net.values()))
    for _ in range(n_steps):
        stepper.zero_grad()
        mean_squared_error(net, points).sum().backward()
        stepper.step()
    return {name: value.detach() for name, value in net.items()}


class MetaTraining:
    """Algorithm 1 with all points in every mini-batch.

    NOTE[DIFF]: synthetic points are pairs (x, y), and both coordinates move, as the
    paper's picture has it; its algorithm moves inputs and keeps labels.

    It goes on from trained nets. The training step sees ``inner``, real points, beside
    the synthetic ones of a problem, which move by its validation points; ``synth_lr``
    are their learning rates of x and y.
    """

    def __init__(self, net, problem, inner, synth_lr):
        self.net = net
        self.inner = inner
        self.valid = problem.valid
        self.synth_lr = torch.tensor(synth_lr, dtype=torch.float64)
        start = problem.synthetic
        self.synthetic = SyntheticRows(start, start, unit="input", clip=False)

    @property
    def points(self):
        """Where the synthetic points are, shape (n_seeds, n_synthetic, 2)."""
        return self.synthetic.rows

    def step(self):
        """Train the nets once, and move the points."""
        step = bilevel_step(
            lambda net, points: mean_squared_error(
                net, torch.cat([self.inner, points], dim=1)
            ).sum(),
            lambda net: mean_squared_error(net, self.valid).sum(),
            self.net,
            self.points,
            inner_lr=INNER_LR,
        )
        seeds = torch.arange(len(self.points))
        self.synthetic.move(seeds, self.synth_lr * step.gradient, lr=1.0)
        self.net = step.parameters
