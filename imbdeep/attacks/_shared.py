"""One shift for several rows: universal perturbations, and those of heaps."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor

from imbdeep.attacks._ball import Ball
from imbdeep.attacks._objectives import truncated_cross_entropy
from imbdeep.attacks._pgd import (
    Model,
    for_gradients,
    gradient_of,
    tracking_gradients,
)

Objective = Callable[[Tensor, Tensor], Tensor]


def of_rows(shift: Tensor, n_rows: int) -> Tensor:
    """Shift of each row, given that of each heap: heaps take rows in turn.

    So a heap has rows of several classes even if a batch comes sorted by class, as
    balanced ones do, and the sizes of heaps differ by one at most.

    Parameters
    ----------
    shift : Tensor of shape (n_heaps, ...)
    n_rows : int

    Returns
    -------
    Tensor of shape (n_rows, ...)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks._shared import of_rows
    >>> of_rows(torch.tensor([[1.0], [2.0]]), n_rows=3)
    tensor([[1.],
            [2.],
            [1.]])
    """
    return shift[torch.arange(n_rows, device=shift.device) % len(shift)]


def shared_gradient(
    logits_of: Model,
    x: Tensor,
    y: Tensor,
    shift: Tensor,
    ball: Ball,
    objective: Objective,
) -> Tensor:
    """Gradient of the objective of moved rows by the shifts of their heaps.

    Parameters
    ----------
    logits_of : callable
    x : Tensor of shape (n, ...)
    y : Tensor of shape (n,), int64
    shift : Tensor of shape (n_heaps, ...)
    ball : Ball
        Gives the box to which moved rows are clipped.
    objective : callable
        Takes logits and labels, and returns a number for each row.

    Returns
    -------
    Tensor of shape (n_heaps, ...)
    """
    with tracking_gradients():
        x, y = for_gradients(x), for_gradients(y)
        shift = for_gradients(shift).detach().requires_grad_()
        moved = ball.add(x, of_rows(shift, len(x)))
        return gradient_of(objective(logits_of(moved), y).sum(), shift)


def universal_shift(
    logits_of: Model,
    x: Tensor,
    y: Tensor,
    ball: Ball,
    *,
    n_epochs: int = 10,
    batch_size: int = 128,
    step_size: Tensor | None = None,
    beta: float = 9.0,
    generator: Generator | None = None,
) -> Tensor:
    r"""Learn one shift for all rows by stochastic projected gradient ascent.

    Starts at 0, and takes for each batch the step :math:`\delta \leftarrow \Pi(\delta +
    s \cdot \mathrm{sign} \nabla_\delta \sum_i \min(-\log p_{y_i}(x_i + \delta),
    \beta))`, with the unit vector of the gradient instead of its signs for 'l2'.

    Parameters
    ----------
    logits_of : callable
    x : Tensor of shape (n, ...)
        May be on the CPU; its batches are brought to the device of the ball.
    y : Tensor of shape (n,), int64
    ball : Ball
    n_epochs : int, at least 1, default=10
    batch_size : int, at least 1, default=128
    step_size : Tensor broadcastable to a row, or None, default=None
        None takes the radius by the number of batches, or a quarter of it if there are
        fewer than four.
    beta : float, default=9.0
        Bound of a row's cross-entropy.
    generator : torch.Generator or None, default=None
        Of the order of the rows, on the device of ``x``. None is torch's global one.

    Returns
    -------
    Tensor of the shape of a row

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks import Ball
    >>> from imbdeep.attacks._shared import universal_shift
    >>> net = torch.nn.Linear(2, 2, bias=False)
    >>> net.weight.data = torch.tensor([[1.0, -1.0], [0.0, 0.0]])
    >>> x, y = torch.zeros(5, 2), torch.zeros(5, dtype=torch.int64)
    >>> universal_shift(net, x, y, Ball("linf", torch.full((2,), 0.5)))
    tensor([-0.5000,  0.5000])
    """
    radius, free = ball.radius, ball.without_box()
    origin = shift = torch.zeros_like(radius)[None]
    if ball.is_point:
        return shift[0]
    step = step_size
    if step is None:
        step = radius / max(math.ceil(len(x) / batch_size), 4)
    objective = partial(truncated_cross_entropy, at=beta)
    for _ in range(n_epochs):
        order = torch.randperm(len(x), generator=generator, device=x.device)
        for rows in order.split(batch_size):
            batch, labels = x[rows].to(radius.device), y[rows].to(radius.device)
            gradient = shared_gradient(logits_of, batch, labels, shift, ball, objective)
            shift = free.project(free.ascend(shift, gradient, step), origin)
    return shift[0]


def shared_pgd(
    logits_of: Model,
    x: Tensor,
    y: Tensor,
    ball: Ball,
    *,
    heap_size: int,
    attack_steps: int,
    step_size: Tensor,
    kappa: float = math.inf,
    random_start: bool = True,
    generator: Generator | None = None,
) -> Tensor:
    """Make adversarial rows of which each heap shares a shift, for training.

    Parameters
    ----------
    logits_of : callable
    x : Tensor of shape (n, ...)
    y : Tensor of shape (n,), int64
    ball : Ball
    heap_size : int, at least 1
        Most rows that share a shift; see :func:`of_rows`.
    attack_steps : int, at least 0
        Steps of projected gradient ascent.
    step_size : Tensor broadcastable to a row
    kappa : float, default=infinity
        Bound of a row's cross-entropy.
    random_start : bool, default=True
        Whether shifts start at a random point of the ball rather than at 0.
    generator : torch.Generator or None, default=None
        Must be on the device of ``x``. None is torch's global generator.

    Returns
    -------
    Tensor of shape (n, ...)
        The last rows; without a gradient.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks import Ball
    >>> from imbdeep.attacks._shared import shared_pgd
    >>> net = torch.nn.Linear(2, 2)
    >>> x, y = torch.zeros(4, 2), torch.tensor([0, 0, 1, 1])
    >>> ball, step = Ball("linf", torch.full((2,), 0.5)), torch.tensor(0.25)
    >>> x_adv = shared_pgd(
    ...     net, x, y, ball, heap_size=2, attack_steps=4, step_size=step
    ... )
    >>> bool((x_adv[0] == x_adv[2]).all()), bool((x_adv[1] == x_adv[3]).all())
    (True, True)
    """
    x = x.detach()
    if ball.is_point:
        return x
    free = ball.without_box()
    origin = x.new_zeros((math.ceil(len(x) / heap_size), *x.shape[1:]))
    shift = free.random_point(origin, generator) if random_start else origin
    objective = partial(truncated_cross_entropy, at=kappa)
    for _ in range(attack_steps):
        gradient = shared_gradient(logits_of, x, y, shift, ball, objective)
        shift = free.project(free.ascend(shift, gradient, step_size), origin)
    return ball.add(x, of_rows(shift, len(x)))
