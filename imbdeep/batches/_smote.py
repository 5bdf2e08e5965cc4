"""SMOTE inside the mini-batch."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from imbdeep._arguments import WholeNumber, checks_arguments
from imbdeep.batches._class_draws import equal_shares, shares_if_balanced
from imbdeep.batches._tensor_batches import (
    Batch,
    Rows,
    ShuffledBatches,
    mix_rows,
    take_rows,
)


def nearest_neighbors(X: Tensor, k: int) -> Tensor:
    """Find the ``k`` nearest other rows of each row.

    Parameters
    ----------
    X : Tensor of shape (n, ...)
        n must be greater than k.
    k : int

    Returns
    -------
    Tensor of shape (n, k), int64
        Positions of the neighbours.
    """
    flat = X.flatten(1)
    # By default cdist may use a matrix product, which loses small distances between
    # rows far from 0.
    distance = torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist")
    # A row is not its own neighbour, but a duplicate of it is.
    distance.fill_diagonal_(float("inf"))
    return distance.topk(k, largest=False).indices


def features(rows: Rows) -> Tensor:
    """Rows without their weights, to measure distances in."""
    return rows["X"] if isinstance(rows, dict) else rows


def join(first: Rows, second: Rows) -> Rows:
    """Concatenate two sets of rows."""
    if isinstance(first, dict):
        return {name: torch.cat([x, second[name]]) for name, x in first.items()}
    return torch.cat([first, second])


class SMOTEBatches(ShuffledBatches):
    """Balanced mini-batches, filled up with SMOTE [1]_ among their own rows.

    A shuffled mini-batch of B rows is balanced to B / C rows for each of the C classes
    present. Larger classes are under-sampled without replacement. Smaller ones keep
    their rows and gain synthetic rows, each between a row and one of its nearest
    neighbours of the same class in the batch.

    Parameters
    ----------
    dataset : skorch Dataset, Subset of one, or TensorDataset
        Rows must be floating point, labels class indices.
    batch_size : int, at least 1, default=128
    n_neighbors : int, at least 1, default=5
        Neighbours to interpolate with. A class with fewer other rows in the batch uses
        all it has; a single row is repeated.
    generator : torch.Generator or None, default=None
        Source of the draws. None is torch's global generator.

    Notes
    -----
    Distances are Euclidean in the unscaled columns. The ``sample_weight`` of a
    synthetic row lies between those of its parents, as its columns do.

    References
    ----------
    .. [1] N. V. Chawla, K. W. Bowyer, L. O. Hall, W. P. Kegelmeyer. "SMOTE: synthetic
       minority over-sampling technique". JAIR 16, 2002.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> from imbdeep.batches import SMOTEBatches
    >>> y = torch.tensor([0] * 45 + [1] * 5)
    >>> dataset = TensorDataset(torch.randn(50, 2), y)
    >>> X, y = next(iter(SMOTEBatches(dataset, batch_size=50)))
    >>> y.bincount()
    tensor([25, 25])
    """

    @checks_arguments(n_neighbors=[WholeNumber(1)])
    def __init__(
        self,
        dataset: Any,
        batch_size: int = 128,
        *,
        n_neighbors: int = 5,
        generator: Generator | None = None,
    ):
        super().__init__(dataset, batch_size, generator=generator)
        self.n_neighbors = n_neighbors

    def class_shares(self, n_classes: int) -> Tensor:
        counts = torch.bincount(self.y, minlength=n_classes)
        return shares_if_balanced(counts, self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for index in self.positions():
            yield self.balance(*self.take(index))

    def balance(self, rows: Rows, y: Tensor) -> Batch:
        """Balance the classes of one batch."""
        classes = torch.unique(y)
        shares = equal_shares(1, len(y), len(classes), self.generator).flatten()
        kept, seeds, neighbors = [], [], []
        for position, label in enumerate(classes):
            own = (y == label).nonzero().flatten()
            size = int((shares == position).sum())
            order = torch.randperm(len(own), generator=self.generator)
            kept.append(own[order[:size]])
            n_new = max(size - len(own), 0)
            seed, neighbor = self.draw_pairs(features(rows)[own], n_new)
            seeds.append(own[seed])
            neighbors.append(own[neighbor])
        index, seed, neighbor = map(torch.cat, (kept, seeds, neighbors))
        step = torch.rand(len(seed), generator=self.generator)
        made = mix_rows(take_rows(rows, seed), take_rows(rows, neighbor), step)
        return join(take_rows(rows, index), made), torch.cat([y[index], y[seed]])

    def draw_pairs(self, X: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Draw ``size`` rows of a class, each with one of its nearest neighbours."""
        seed = torch.randint(len(X), (size,), generator=self.generator)
        # A row without neighbours can only be copied.
        if len(X) == 1 or size == 0:
            return seed, seed
        neighbors = nearest_neighbors(X, min(self.n_neighbors, len(X) - 1))
        choice = torch.randint(neighbors.shape[1], (size,), generator=self.generator)
        return seed, neighbors[seed, choice]
