"""Draws that give every class its share, however many rows it has."""

import numpy as np
import torch
from torch import Generator, Tensor


class RowsByClass:
    """Draw rows of given classes uniformly.

    Parameters
    ----------
    y : Tensor of shape (n,), int64
        Class of each row.

    Attributes
    ----------
    classes : Tensor
        Classes that have rows, in increasing order.
    counts : Tensor
        Number of rows of each of these classes.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._class_draws import RowsByClass
    >>> rows = RowsByClass(torch.tensor([7, 3, 3, 3]))
    >>> rows.classes, rows.counts
    (tensor([3, 7]), tensor([3, 1]))
    >>> rows.draw(torch.tensor([1, 1]))  # two rows of class 7
    tensor([0, 0])
    """

    def __init__(self, y: Tensor):
        self.classes, self.counts = torch.unique(y, return_counts=True)
        # Stable, so that a seed draws the same rows whatever algorithm torch sorts by.
        self.order = torch.argsort(y, stable=True)
        self.starts = self.counts.cumsum(0) - self.counts

    def draw(self, positions: Tensor, generator: Generator | None = None) -> Tensor:
        """Draw a row, with replacement, for each entry of ``positions``.

        Parameters
        ----------
        positions : Tensor of int64
            Positions of classes in ``classes``.
        generator : torch.Generator or None

        Returns
        -------
        Tensor of int64, shaped like ``positions``
            Indices of the rows drawn.
        """
        # float32 has 2**24 values in [0, 1): some rows of a larger class would never
        # be drawn.
        u = torch.rand(positions.shape, generator=generator, dtype=torch.float64)
        within = (u * self.counts[positions]).long()
        return self.order[self.starts[positions] + within]


def equal_shares(
    n_batches: int, batch_size: int, n_classes: int, generator: Generator | None = None
) -> Tensor:
    """Choose the classes of the rows of balanced batches.

    Every class gets ``batch_size // n_classes`` rows of each batch. The remaining rows
    go to distinct classes drawn anew for each batch, so that shares are equal in
    expectation.

    Returns
    -------
    Tensor of shape (n_batches, batch_size), int64
    """
    each, left_over = divmod(batch_size, n_classes)
    shares = torch.arange(n_classes).repeat_interleave(each).expand(n_batches, -1)
    # Drawn for each batch: otherwise the same classes would always get a row more.
    lucky = torch.rand(n_batches, n_classes, generator=generator).argsort(-1)
    return torch.cat([shares, lucky[:, :left_over]], -1)


def exact_draws(
    size: int, shares: Tensor, generator: Generator | None = None
) -> Tensor:
    """Choose the classes of the rows of a batch, each according to its share.

    This is systematic sampling in a random order of the classes: a class of share s
    gets s times ``size`` rows in expectation, rounded up or down.

    Parameters
    ----------
    size : int
    shares : Tensor of shape (C,), float64
        At least 0; they sum to 1.
    generator : torch.Generator or None, default=None

    Returns
    -------
    Tensor of shape (size,), int64

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._class_draws import exact_draws
    >>> exact_draws(4, torch.tensor([0.5, 0.5], dtype=torch.float64)).bincount()
    tensor([2, 2])
    """
    order = torch.randperm(len(shares), generator=generator)
    start = torch.rand((), generator=generator, dtype=torch.float64)
    ends = size * shares[order].cumsum(0)
    ends[-1] = size  # rounding may miss it, and the batch would lack a row
    ends = (ends + start).floor().long()
    return order.repeat_interleave(ends.diff(prepend=ends.new_zeros(1)))


def shares_if_balanced(class_counts: Tensor, batch_size: int) -> Tensor:
    r"""Expected share of each class if batches are balanced among their own classes.

    A class is in a batch with probability :math:`p_j`, and then shares it equally with
    the other classes there. Taking the classes as independent, its expected share is

    .. math::
        p_j \int_0^1 \prod_{k \neq j} (1 - p_k + p_k t) \, dt.

    Parameters
    ----------
    class_counts : Tensor of shape (C,)
        Number of rows per class; batches of ``batch_size`` rows are drawn from all.
    batch_size : int

    Returns
    -------
    Tensor of shape (C,), float64
        Sums to 1.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._class_draws import shares_if_balanced
    >>> shares_if_balanced(torch.tensor([98, 2]), batch_size=50)
    tensor([0.6237, 0.3763], dtype=torch.float64)
    """
    counts = class_counts.double()
    n_rows = counts.sum()
    size = min(batch_size, int(n_rows))
    # Share of the batches without a row of class j, by logarithms: the binomial
    # coefficients overflow.
    others = n_rows - counts
    absent = torch.exp(
        torch.lgamma(others + 1)
        - torch.lgamma((others - size).clamp_min(0) + 1)
        - torch.lgamma(n_rows + 1)
        + torch.lgamma(n_rows - size + 1)
    )
    present = 1 - torch.where(others >= size, absent, 0.0)
    # Enough nodes to be exact for a polynomial of degree C - 1.
    nodes, node_weights = np.polynomial.legendre.leggauss(len(counts) // 2 + 1)
    t = torch.from_numpy((nodes + 1) / 2)
    factors = 1 - present + present * t[:, None]
    other_factors = torch.stack(
        [factors[:, torch.arange(len(counts)) != j].prod(1) for j in range(len(counts))]
    )
    shares = present * (other_factors @ torch.from_numpy(node_weights / 2))
    return shares / shares.sum()


def numpy_generator(generator: Generator | None) -> np.random.Generator:
    """Make a NumPy generator from a torch one, which has no beta distribution."""
    seed = torch.randint(2**62, (), generator=generator)
    return np.random.default_rng(int(seed))
