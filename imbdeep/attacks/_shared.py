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


def of_rows(shift: Tensor, heap_size: int, n_rows: int) -> Tensor:
    """Shift of each row, given that of each heap.

    Parameters
    ----------
    shift : Tensor of shape (n_heaps, ...)
    heap_size : int
        Rows that follow each other and share a shift; the last heap may be smaller.
    n_rows : int

    Returns
    -------
    Tensor of shape (n_rows, ...)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks._shared import of_rows
    >>> of_rows(torch.tensor([[1.0], [2.0]]), heap_size=2, n_rows=3)
    tensor([[1.],
            [1.],
            [2.]])
    """
    return shift.repeat_interleave(heap_size, dim=0)[:n_rows]


def shared_gradient(
    logits_of: Model,
    x: Tensor,
    y: Tensor,
    shift: Tensor,
    ball: Ball,
    objective: Objective,
    heap_size: int,
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
    heap_size : int

    Returns
    -------
    Tensor of shape (n_heaps, ...)
    """
    with tracking_gradients():
        x, y = for_gradients(x), for_gradients(y)
        shift = for_gradients(shift).detach().requires_grad_()
        moved = ball.add(x, of_rows(shift, heap_size, len(x)))
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
            gradient = shared_gradient(
                logits_of, batch, labels, shift, ball, objective, len(rows)
            )
            shift = free.project(free.ascend(shift, gradient, step), origin)
    return shift[0]
