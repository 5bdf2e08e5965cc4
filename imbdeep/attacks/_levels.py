"""Random search over levels: which of them a row may have instead of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations, pairwise, product

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class LevelChoices:
    """Levels that some columns of a row may have instead of their own.

    Parameters
    ----------
    allowed : dict of int to Tensor of shape (n_allowed,)
        For each of these columns, the numbers that stand for its allowed levels.
    n_changes : int, at least 0
        How many of the columns of a row may change. NaN, a gap, never does.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks._levels import LevelChoices
    >>> choices = LevelChoices({1: torch.tensor([0.0, 1.0, 2.0])}, n_changes=1)
    >>> choices.n_combinations
    3
    >>> [change(torch.tensor([[7.0, 2.0]])).tolist() for change in choices.each()]
    [[[7.0, 0.0]], [[7.0, 1.0]], [[7.0, 2.0]]]
    """

    allowed: dict[int, Tensor]
    n_changes: int

    @cached_property
    def columns(self) -> list[int]:
        """Columns that may change."""
        return [column for column, levels in self.allowed.items() if len(levels)]

    @property
    def most_changes(self) -> int:
        """How many columns of a row may change, of those there are."""
        return min(self.n_changes, len(self.columns))

    @property
    def n_combinations(self) -> int:
        """Number of ways to change a row; some may leave it as it is."""
        # Coefficients of a product of (1 + n_levels * t), one factor for each column.
        ways = [1] + [0] * self.most_changes
        for column in self.columns:
            n_levels = len(self.allowed[column])
            ways[1:] = [more + n_levels * fewer for fewer, more in pairwise(ways)]
        return sum(ways[1:])

    def to(self, device: torch.device | str) -> "LevelChoices":
        """Return the same choices on a device."""
        allowed = {column: own.to(device) for column, own in self.allowed.items()}
        return LevelChoices(allowed, self.n_changes)

    def each(self) -> Iterator[Callable[[Tensor], Tensor]]:
        """Each way to change rows of shape (n, n_features), few columns first."""
        for size in range(1, self.most_changes + 1):
            for columns in combinations(self.columns, size):
                for levels in product(*(self.allowed[column] for column in columns)):
                    yield partial(_put, columns, torch.stack(levels))

    def propose(
        self, found: Tensor, x: Tensor, share: float, generator: Generator | None
    ) -> Tensor:
        """Change some levels at random.

        Parameters
        ----------
        found, x : Tensor of shape (n, n_features)
            The worst rows found so far, and the original rows.
        share : float in (0, 1]
            Of the columns that may change at once.
        generator : torch.Generator or None

        Returns
        -------
        Tensor of shape (n, n_features)
        """
        own, now = x[:, self.columns], found[:, self.columns]
        like = {"generator": generator, "device": x.device}
        size = max(round(share * self.most_changes), 1)
        chosen = torch.zeros(own.shape, dtype=torch.bool, device=x.device)
        ranks = torch.rand(own.shape, **like)
        chosen.scatter_(1, ranks.topk(size).indices, True)
        drawn = torch.stack([self._draw(c, len(x), like) for c in self.columns], 1)
        new = torch.where(chosen & ~own.isnan(), drawn, now)
        # Of what was changed before, what is beyond the budget goes back.
        ranks = torch.rand(own.shape, **like) + chosen
        ranks = torch.where((new != own) & ~own.isnan(), ranks, -1.0)
        kept = torch.zeros_like(chosen)
        kept.scatter_(1, ranks.topk(self.most_changes).indices, True)
        return _put(self.columns, torch.where(kept, new, own), found)

    def _draw(self, column: int, n: int, like: dict) -> Tensor:
        levels = self.allowed[column]
        return levels[torch.randint(len(levels), (n,), **like)]


def _put(columns: list[int], levels: Tensor, x: Tensor) -> Tensor:
    """Put levels into columns; gaps stay."""
    changed = x.clone()
    own = x[:, columns]
    changed[:, columns] = torch.where(own.isnan(), own, levels)
    return changed
