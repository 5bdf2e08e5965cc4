"""The worst rows of one or two attacks, as tensors."""

import torch

from imbdeep.attacks._objectives import margin
from imbdeep.attacks._pgd import strongest_pgd
from imbdeep.attacks._square import square


def worst_rows(
    logits_of,
    x,
    y,
    ball,
    *,
    attack="pgd",
    attack_steps=20,
    step_size=None,
    random_start=True,
    restarts=1,
    queries=500,
    levels=None,
    early_stop=False,
    generator=None,
):
    """Find the worst rows of one or two attacks, as tensors.

    Parameters
    ----------
    logits_of : callable
        Takes rows and returns logits of shape (n, C); log-probabilities do for
        'square'.
    x : Tensor of shape (n, ...)
    y : Tensor of shape (n,), int64
    ball : Ball
    attack : {'pgd', 'square', 'both'}, default='pgd'
    attack_steps, step_size, random_start, restarts
        See :func:`strongest_pgd`.
    queries : int, default=500
    levels : LevelChoices or None, default=None
        See :func:`square`.
    early_stop, generator
        See :func:`strongest_pgd`.

    Returns
    -------
    Tensor of shape (n, ...)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks import Ball
    >>> from imbdeep.attacks._worst import worst_rows
    >>> net = torch.nn.Linear(2, 2)
    >>> x, y = torch.zeros(4, 2), torch.tensor([0, 1, 0, 1])
    >>> ball = Ball("linf", torch.full((2,), 0.5))
    >>> worst_rows(net, x, y, ball, attack="both").shape
    torch.Size([4, 2])
    """
    worst = x
    if attack != "square":
        worst = strongest_pgd(
            logits_of,
            x,
            y,
            ball,
            attack_steps=attack_steps,
            step_size=step_size,
            random_start=random_start,
            restarts=restarts,
            early_stop=early_stop,
            generator=generator,
        )
    if attack == "pgd":
        return worst
    with torch.no_grad():
        height = margin(logits_of(worst), y)
        going = height <= 0 if early_stop else torch.ones_like(height, dtype=torch.bool)
        rows = going.nonzero()[:, 0]
        if len(rows) == 0:
            return worst
        # From the original rows: the ball is around them.
        found = square(
            logits_of,
            x[rows],
            y[rows],
            ball,
            queries=queries,
            levels=levels,
            early_stop=early_stop,
            generator=generator,
        )
        higher = margin(logits_of(found), y[rows]) > height[rows]
    # With attack='square' it is still the caller's x.
    worst = worst.clone()
    worst[rows[higher]] = found[higher]
    return worst
