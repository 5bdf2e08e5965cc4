"""Random search by scores, for models without a gradient."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Generator, Tensor

from imbdeep.attacks._ball import Ball
from imbdeep.attacks._levels import LevelChoices
from imbdeep.attacks._objectives import margin

# Shares of the queries after which proposals change half as many features, as in the
# code of the attack's authors.
HALVED_AT = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


def changed_share(progress: float, initial: float = 0.8) -> float:
    """Share of the features that a proposal changes: large at first, then smaller.

    Parameters
    ----------
    progress : float in [0, 1]
        Share of the queries used so far.
    initial : float in (0, 1], default=0.8

    Returns
    -------
    float

    Examples
    --------
    >>> from imbdeep.attacks._square import changed_share
    >>> changed_share(0.0), changed_share(0.03)
    (0.8, 0.1)
    """
    return initial / 2 ** bisect_left(HALVED_AT, progress)


def random_squares(
    n: int, picture: torch.Size, share: float, like: Tensor, generator: Generator | None
) -> Tensor:
    """Draw a square of pixels for each picture, as a mask of shape (n, 1, h, w)."""
    _, *sides = picture
    wanted = max(round(math.sqrt(share * math.prod(sides))), 1)
    along = []
    for side in sides:
        extent = min(wanted, side)
        start = torch.randint(
            side - extent + 1, (n, 1), generator=generator, device=like.device
        )
        past_start = torch.arange(side, device=like.device) - start
        along.append((past_start >= 0) & (past_start < extent))
    down, across = along
    return down[:, None, :, None] & across[:, None, None, :]


def random_subsets(
    n: int, movable: Tensor, share: float, like: Tensor, generator: Generator | None
) -> Tensor:
    """Draw some movable features for each row, as a mask of shape (n, ...)."""
    candidates = movable.flatten().nonzero().squeeze(1)
    size = max(round(share * len(candidates)), 1)
    # The largest of random ranks: a subset per row, without a loop over rows.
    ranks = torch.rand(n, len(candidates), generator=generator, device=like.device)
    chosen = candidates[ranks.topk(size).indices]
    mask = torch.zeros(n, movable.numel(), dtype=torch.bool, device=like.device)
    return mask.scatter_(1, chosen, True).reshape(n, *movable.shape)


def random_values(
    shape: tuple[int, ...], ball: Ball, like: Tensor, generator: Generator | None
) -> Tensor:
    """Draw shifts in units of the radius: corners for 'linf', directions for 'l2'."""
    values = like.new_empty(shape)
    if ball.norm == "linf":
        return 2 * values.bernoulli_(0.5, generator=generator) - 1
    return values.normal_(generator=generator)


def moved(
    found: Tensor, x: Tensor, ball: Ball, patch: Tensor, values: Tensor
) -> Tensor:
    """Change the values in a patch, and scale back to the surface of the ball."""
    movable = ball.radius > 0
    if ball.norm == "linf":
        return ball.project(torch.where(patch, x + ball.radius * values, found), x)
    axes = tuple(range(1, x.ndim))
    shift = torch.where(movable, (found - x) / ball.radius, 0.0).nan_to_num(0.0)
    # The typical size of the entries of a random unit vector.
    values = values / math.sqrt(int(movable.sum()))
    shift = torch.where(patch & movable, values, shift)
    length = torch.linalg.vector_norm(shift, dim=axes, keepdim=True)
    # A row that has not moved has length 0 if its patch holds fixed features only.
    shift = shift / torch.where(length > 0, length, 1.0)
    return ball.project(x + ball.radius * shift, x)


def propose(
    found: Tensor,
    x: Tensor,
    ball: Ball,
    progress: float,
    generator: Generator | None,
) -> Tensor:
    """Propose the next row to query, from the worst found so far.

    Parameters
    ----------
    found, x : Tensor of shape (n, ...)
        The worst rows found so far, and the original rows.
    ball : Ball
    progress : float in [0, 1)
        Share of the queries used so far; at 0 all features change.
    generator : torch.Generator or None

    Returns
    -------
    Tensor of shape (n, ...)
    """
    n, *row = x.shape
    if x.ndim == 4:
        channels, _, width = row
        if progress == 0:
            patch = torch.ones((), dtype=torch.bool, device=x.device)
            values = random_values((n, channels, 1, width), ball, x, generator)
        else:
            share = changed_share(progress)
            patch = random_squares(n, x.shape[1:], share, x, generator)
            values = random_values((n, channels, 1, 1), ball, x, generator)
    else:
        share = 1.0 if progress == 0 else changed_share(progress)
        patch = random_subsets(n, ball.radius > 0, share, x, generator)
        values = random_values((n, *row), ball, x, generator)
    return moved(found, x, ball, patch, values)


def proposals(
    ball: Ball, levels: LevelChoices | None, queries: int, generator: Generator | None
) -> Iterator[Callable[[Tensor, Tensor], Tensor]]:
    """What to query one after another, as functions of the rows found and given.

    Numbers and levels take turns. Levels alone are tried one after another if the
    queries suffice for all that the budget allows.
    """
    searches_levels = levels is not None and levels.most_changes > 0
    if ball.is_point and levels.n_combinations <= queries:
        for change in levels.each():
            yield lambda found, x, change=change: change(x)
        return
    for query in range(queries):
        progress = query / queries
        if not searches_levels:
            yield partial(propose, ball=ball, progress=progress, generator=generator)
        elif ball.is_point or query % 2:
            share = changed_share(progress)
            yield partial(levels.propose, share=share, generator=generator)
        else:
            yield partial(
                _move_numbers, ball, levels, progress=progress, generator=generator
            )


def _move_numbers(ball, levels, found, x, **how):
    # The ball puts back what it does not let move.
    moved = propose(found, x, ball, **how)
    moved[:, levels.columns] = found[:, levels.columns]
    return moved


@torch.no_grad()
def square(
    scores_of: Callable[[Tensor], Tensor],
    x: Tensor,
    y: Tensor,
    ball: Ball,
    *,
    queries: int = 500,
    levels: LevelChoices | None = None,
    early_stop: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    r"""Make adversarial rows by random search, from the scores of a model only.

    Like the Square Attack [1]_, each query changes a random part of the worst row found
    so far, and keeps the change if the row is then further on the wrong side. The
    search needs no gradient, so it also attacks trees, and nets whose gradients
    mislead.

    Rows of shape (channels, height, width) are pictures: the search starts with
    vertical stripes, then uses squares with one value per channel. In other rows it
    changes random subsets of the features that may move.

    Parameters
    ----------
    scores_of : callable
        Takes rows of shape (m, ...), m at most n, and returns logits or
        log-probabilities, of shape (m, C) and on the device of ``x``.
    x : Tensor of shape (n, ...), floating point
        Rows, within the box of the ball.
    y : Tensor of shape (n,), int64
        Class indices.
    ball : Ball
    queries : int, at least 0, default=500
        Number of changed rows to query per row, in addition to ``x`` itself. Changes
        are large at first and end at single features, on a schedule in shares of this
        number.
    levels : LevelChoices or None, default=None
        Columns of rows of shape (d,) that hold numbers for levels, and how many of them
        may change; the ball must not move them. Every second query then draws other
        levels, or every query if no number moves. If no number moves and there are no
        more combinations than queries, each of them is tried, and the rows returned are
        the worst there are.
    early_stop : bool, default=False
        Whether to stop attacking a row once it is misclassified.
    generator : torch.Generator or None, default=None
        Must be on the device of ``x``. None is torch's global generator.

    Returns
    -------
    Tensor of shape (n, ...)
        The rows with the greatest :func:`margin` among all that were queried, including
        the clean ones.

    See Also
    --------
    strongest_pgd : Needs gradients; faster and stronger if they are good.

    Notes
    -----
    NOTE[DIFF]: the paper searches pictures with one radius. Here the unit of a shift is
    the radius of its feature, and the search continues from ``x`` if the first, random
    shift does not help. Every row has its own squares.

    NOTE[DIFF]: for 'l2' this is a Square-type search: a patch gets new random values
    and the whole shift is scaled back to length 1. The paper's patches have the shape
    of two pyramids and take their length from another patch.

    NOTE[DIFF]: the paper knows no levels.

    References
    ----------
    .. [1] M. Andriushchenko, F. Croce, N. Flammarion, M. Hein. "Square Attack: a
       query-efficient black-box adversarial attack via random search". ECCV 2020.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks import Ball, square
    >>> x, y = torch.zeros(2, 2), torch.tensor([0, 1])
    >>> ball = Ball("linf", torch.tensor([0.5, 0.0]))
    >>> square(lambda x: x, x, y, ball, generator=torch.Generator().manual_seed(0))
    tensor([[-0.5000,  0.0000],
            [ 0.5000,  0.0000]])
    """
    if ball.is_point and not (levels and levels.most_changes):
        return x
    worst, height = x.clone(), margin(scores_of(x), y)
    rows = torch.arange(len(x), device=x.device)
    for proposal in proposals(ball, levels, queries, generator):
        if early_stop:
            rows = rows[height[rows] <= 0]
        if len(rows) == 0:
            break
        asked = proposal(worst[rows], x[rows])
        reached = margin(scores_of(asked), y[rows])
        higher = reached > height[rows]
        worst[rows[higher]] = asked[higher]
        height[rows[higher]] = reached[higher]
    return worst
