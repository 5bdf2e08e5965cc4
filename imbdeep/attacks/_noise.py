"""Noise of a given length, measured after rows have been clipped to their box."""

import torch
from torch import Tensor

from imbdeep.attacks._ball import Ball

# Each step halves the ratio of the bounds on a logarithmic scale: from any two floats
# these many leave less than rounding does.
_BISECTIONS = 45


def noise_factor(x: Tensor, noise: Tensor, ball: Ball) -> Tensor:
    r"""Factor by which noise reaches the border of the ball, after clipping.

    Parameters
    ----------
    x, noise : Tensor of shape (*, n, ...)
    ball : Ball
        With the norm 'l2'.

    Returns
    -------
    Tensor of shape (*, n, 1, ...)
        The :math:`\eta` with :math:`\| (\mathrm{clip}(x + \eta d) - x) / r \| = 1`. If
        the box is too small for that, one for which all noise is clipped; 0 if there is
        no noise.

    Notes
    -----
    With :math:`a_i = |d_i| / r_i` and the factor :math:`t_i` from which on a number is
    clipped, the squared length is :math:`\sum_i a_i^2 \min(\eta, t_i)^2`, which grows
    with :math:`\eta`: bisection finds it.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks import Ball
    >>> from imbdeep.attacks._noise import noise_factor
    >>> ball = Ball("l2", torch.ones(2), torch.tensor(0.0), torch.tensor(0.6))
    >>> x, noise = torch.zeros(1, 2), torch.tensor([[3.0, 1.0]])
    >>> noise_factor(x, noise, ball)  # to (0.6, 0.8) but for the box
    tensor([[0.6000]])
    """
    axes = tuple(range(-ball.radius.ndim, 0))
    moves = (ball.radius > 0) & ~x.isnan() & (noise != 0)
    in_radii = torch.where(moves, noise.abs() / ball.radius, 0.0)
    clipped_from = torch.where(moves, _room(x, noise, ball) / noise.abs(), 0.0)

    def length(factor: Tensor) -> Tensor:
        reached = in_radii * torch.minimum(factor, clipped_from)
        return torch.linalg.vector_norm(reached, dim=axes, keepdim=True)

    # What is never clipped reaches the border by itself, or all is clipped in the end.
    free = torch.where(clipped_from.isinf(), in_radii, 0.0).amax(axes, keepdim=True)
    bounded = torch.where(clipped_from.isinf(), 0.0, clipped_from)
    high = torch.where(free > 0, 1 / free, bounded.amax(axes, keepdim=True))
    unclipped = torch.linalg.vector_norm(in_radii, dim=axes, keepdim=True)
    low = torch.minimum(1 / unclipped, high)
    saturated = length(high) <= 1
    for _ in range(_BISECTIONS):
        # Of numbers that differ by orders of magnitude.
        middle = low.sqrt() * high.sqrt()
        beyond = length(middle) > 1
        low = torch.where(beyond, low, middle)
        high = torch.where(beyond & ~saturated, middle, high)
    return high


def _room(x: Tensor, noise: Tensor, ball: Ball) -> Tensor:
    """How far each number can go in the direction of the noise."""
    room = torch.full_like(x, torch.inf)
    if ball.high is not None:
        room = torch.where(noise > 0, ball.high - x, room)
    if ball.low is not None:
        room = torch.where(noise < 0, x - ball.low, room)
    return room


def add_noise(x: Tensor, noise: Tensor, ball: Ball) -> Tensor:
    """Add noise to rows, scaled so that they lie on the border of their balls.

    Parameters
    ----------
    x : Tensor of shape (*, n, ...)
        Rows in the box.
    noise : Tensor of shape (*, n, ...)
        Its directions count, not its lengths. A gradient leads back to it, but not by
        way of the factor.
    ball : Ball
        With the norm 'l2'.

    Returns
    -------
    Tensor of shape (*, n, ...)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks import Ball
    >>> from imbdeep.attacks._noise import add_noise
    >>> ball = Ball("l2", torch.full((2,), 5.0))
    >>> add_noise(torch.ones(1, 2), torch.tensor([[0.3, 0.4]]), ball)
    tensor([[4.0000, 5.0000]])
    """
    factor = noise_factor(x.detach(), noise.detach(), ball)
    return ball.add(x, factor * noise)
