"""Draws that give every class its share, whatever its number of rows."""

import numpy as np
import torch
from torch import Generator, Tensor


class RowsByClass:
    """Uniform draws from the rows of given classes.

    Parameters
    ----------
    y : Tensor of shape (n,), int64
        Class of each row.

    Attributes
    ----------
    classes : Tensor
        Classes that have rows, increasing.
    counts : Tensor
        Rows of each of them.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches import RowsByClass
    >>> rows = RowsByClass(torch.tensor([7, 3, 3, 3]))
    >>> rows.classes, rows.counts
    (tensor([3, 7]), tensor([3, 1]))
    >>> rows.draw(torch.tensor([1, 1]))  # two rows of class 7
    tensor([0, 0])
    """

    def __init__(self, y: Tensor):
        self.classes, self.counts = torch.unique(y, return_counts=True)
        self.order = torch.argsort(y, stable=True)
        self.starts = self.counts.cumsum(0) - self.counts

    def draw(self, share: Tensor, generator: Generator | None = None) -> Tensor:
        """Draw a row, with replacement, for each entry of ``share``.

        Parameters
        ----------
        share : Tensor of int64
            Positions in ``classes``.
        generator : torch.Generator or None

        Returns
        -------
        Tensor of int64, shaped like ``share``
            Positions of the rows drawn.
        """
        # float64, or a class of more than 2**24 rows would never give some of them.
        u = torch.rand(share.shape, generator=generator, dtype=torch.float64)
        within = (u * self.counts[share]).long()
        return self.order[self.starts[share] + within]


def equal_shares(
    n_batches: int, batch_size: int, n_classes: int, generator: Generator | None = None
) -> Tensor:
    """Classes of the rows of balanced batches.

    Every class gets ``batch_size // n_classes`` rows of each batch; what is left over
    goes to different classes drawn anew for each batch, so that shares are equal in
    expectation.

    Returns
    -------
    Tensor of shape (n_batches, batch_size), int64
    """
    each, left_over = divmod(batch_size, n_classes)
    shares = torch.arange(n_classes).repeat_interleave(each).expand(n_batches, -1)
    lucky = torch.rand(n_batches, n_classes, generator=generator).argsort(-1)
    return torch.cat([shares, lucky[:, :left_over]], -1)


def numpy_generator(generator: Generator | None) -> np.random.Generator:
    """NumPy generator seeded from a torch one, for laws torch cannot draw from it."""
    seed = torch.randint(2**62, (), generator=generator)
    return np.random.default_rng(int(seed))
