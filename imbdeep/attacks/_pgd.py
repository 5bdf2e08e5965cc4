"""Projected gradient ascent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import torch
from torch import Generator, Tensor

from imbdeep.attacks._ball import Ball
from imbdeep.attacks._objectives import log_odds, margin

Model = Callable[[Tensor], Tensor]


def input_gradient(
    logits_of: Model, x: Tensor, y: Tensor, objective: Model = log_odds
) -> tuple[Tensor, Tensor]:
    """Gradient of an objective with respect to the rows, and their logits.

    Gradients of parameters are neither used nor changed.
    """
    with tracking_gradients():
        x, y = for_gradients(x).detach().requires_grad_(), for_gradients(y)
        logits = logits_of(x)
        gradient = gradient_of(objective(logits, y).sum(), x)
    return gradient, logits.detach()


@contextmanager
def tracking_gradients() -> Iterator[None]:
    """Track gradients, even in a block without, where users may call an attack."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def gradient_of(objective: Tensor, variable: Tensor) -> Tensor:
    """Gradient of a sum over rows, or an error if the net passes none."""
    (gradient,) = torch.autograd.grad(objective, variable, allow_unused=True)
    if gradient is None:
        raise_no_gradient()
    return gradient


def raise_no_gradient() -> NoReturn:
    """Refuse a net that passes no gradient to its rows."""
    raise ValueError(
        "The net passes no gradient to its rows, so they cannot be attacked by it. "
        "Use attack='square' to evaluate such a net."
    )


def for_gradients(tensor: Tensor) -> Tensor:
    """Copy a tensor that was made in inference mode, which bars it from gradients."""
    return tensor.clone() if tensor.is_inference() else tensor


def pgd(
    logits_of: Model,
    x: Tensor,
    y: Tensor,
    ball: Ball,
    *,
    attack_steps: int = 10,
    step_size: Tensor | None = None,
    random_start: bool = True,
    generator: Generator | None = None,
) -> Tensor:
    r"""Make adversarial rows by projected gradient ascent [1]_, for training.

    Starts at a random point of the ball and repeats :math:`x' \leftarrow \Pi(x' + s
    \cdot \mathrm{sign} \nabla_{x'} L)`, with the unit vector of the gradient instead of
    its signs for 'l2'.

    Parameters
    ----------
    logits_of : callable
        Takes rows and returns logits of shape (*, n, C). A module keeps its mode.
    x : Tensor of shape (*, n, ...)
        Rows, within the box of the ball.
    y : Tensor of shape (*, n), int64
        Class indices.
    ball : Ball
    attack_steps : int, at least 0, default=10
    step_size : Tensor broadcastable to a row, or None, default=None
        Step length. None takes ``2.5 * radius / attack_steps``, which reaches any point
        of the ball from any other.
    random_start : bool, default=True
        Whether to start at a point drawn uniformly from the ball rather than at ``x``.
    generator : torch.Generator or None, default=None
        Must be on the device of ``x``. None is torch's global generator.

    Returns
    -------
    Tensor of shape (*, n, ...)
        The last rows; without a gradient.

    See Also
    --------
    strongest_pgd : The worst rows of several such attacks, for evaluation.

    Notes
    -----
    The objective is :func:`log_odds`.

    References
    ----------
    .. [1] A. Madry, A. Makelov, L. Schmidt, D. Tsipras, A. Vladu. "Towards deep
       learning models resistant to adversarial attacks". ICLR 2018.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks import Ball, pgd
    >>> net = torch.nn.Linear(2, 2)
    >>> x, y = torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])
    >>> x_adv = pgd(net, x, y, Ball("linf", torch.full((2,), 0.5)))
    >>> x_adv.abs()
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000],
            [0.5000, 0.5000],
            [0.5000, 0.5000]])
    """
    x = x.detach()
    if ball.is_point:
        return x
    step = _step_of(ball, attack_steps, step_size)
    x_adv = ball.random_point(x, generator) if random_start else x
    for _ in range(attack_steps):
        gradient, _ = input_gradient(logits_of, x_adv, y)
        x_adv = ball.project(ball.ascend(x_adv, gradient, step), x)
    return x_adv


def strongest_pgd(
    logits_of: Model,
    x: Tensor,
    y: Tensor,
    ball: Ball,
    *,
    attack_steps: int = 20,
    step_size: Tensor | None = None,
    random_start: bool = True,
    restarts: int = 1,
    early_stop: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Find the worst rows of several ascents, for evaluation.

    Parameters
    ----------
    logits_of, x, y, ball, attack_steps, step_size, random_start
        See :func:`pgd`; rows have one leading axis.
    restarts : int, at least 1, default=1
        Number of attacks. Every second one raises the :func:`margin` instead of the
        :func:`log_odds`. From the third on, all start at random points.
    early_stop : bool, default=False
        Whether to stop attacking a row once it is misclassified.
    generator : torch.Generator or None, default=None
        See :func:`pgd`.

    Returns
    -------
    Tensor of shape (n, ...)
        The rows with the greatest :func:`margin` among all that were visited, including
        the clean ones.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks import Ball
    >>> from imbdeep.attacks._pgd import strongest_pgd
    >>> net = torch.nn.Linear(2, 2)
    >>> x, y = torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])
    >>> ball = Ball("l2", torch.full((2,), 0.5))
    >>> strongest_pgd(net, x, y, ball, restarts=3).norm(dim=1)
    tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """
    x = x.detach()
    with torch.no_grad():
        worst, height = x.clone(), margin(logits_of(x), y)
    if ball.is_point:
        return worst
    step = _step_of(ball, attack_steps, step_size)
    for restart in range(restarts):
        objective = margin if restart % 2 else log_odds
        rows = torch.arange(len(x), device=x.device)
        # From the row itself, one attack per objective is enough: it is deterministic.
        at_random = random_start or restart > 1
        x_adv = ball.random_point(x, generator) if at_random else x
        # One pass more than steps, which looks at the last rows.
        for remaining in range(attack_steps, -1, -1):
            if early_stop:
                going = height[rows] <= 0
                rows, x_adv = rows[going], x_adv[going]
            if len(rows) == 0:
                break
            gradient, logits = input_gradient(logits_of, x_adv, y[rows], objective)
            reached = margin(logits, y[rows])
            higher = reached > height[rows]
            worst[rows[higher]] = x_adv[higher]
            height[rows[higher]] = reached[higher]
            if remaining:
                x_adv = ball.project(ball.ascend(x_adv, gradient, step), x[rows])
    return worst


def _step_of(ball: Ball, attack_steps: int, step_size: Tensor | None) -> Tensor:
    # Madry et al.'s length, which reaches the far side of the ball from any start.
    return 2.5 * ball.radius / max(attack_steps, 1) if step_size is None else step_size
