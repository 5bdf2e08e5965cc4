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
    rows_of,
    take_rows,
)


def nearest_neighbors(X: Tensor, k: int, is_level: Tensor | None = None) -> Tensor:
    """Find the ``k`` nearest other rows of each row.

    Parameters
    ----------
    X : Tensor of shape (n, ...)
        n must be greater than k.
    k : int
    is_level : Tensor of shape (n_features,), bool, or None, default=None
        See :func:`mixed_distances`; None takes Euclidean distances.

    Returns
    -------
    Tensor of shape (n, k), int64
        Positions of the neighbours.
    """
    if is_level is None:
        flat = X.flatten(1)
        # By default cdist may use a matrix product, which loses small distances between
        # rows far from 0.
        distance = torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist")
    else:
        distance = mixed_distances(X, is_level)
    # A row is not its own neighbour, but a duplicate of it is.
    distance.fill_diagonal_(float("inf"))
    return distance.topk(k, largest=False).indices


def level_gap(numbers: Tensor) -> Tensor:
    """Squared distance between two levels, as SMOTENC has it.

    The square of the median of the standard deviations of the numeric columns; 1 where
    there is none, or it is 0.
    """
    if not numbers.shape[1]:
        return numbers.new_tensor(1.0)
    median = numbers.double().std(0, correction=0).quantile(0.5).to(numbers.dtype)
    return torch.where(median > 0, median.square(), 1.0)


def mixed_distances(X: Tensor, is_level: Tensor) -> Tensor:
    """Distances between rows with levels or missing numbers.

    Euclidean in the numbers; a pair of different levels counts as :func:`level_gap`
    says. A missing number is as far from one that is there, and a missing level is a
    level of its own.

    Parameters
    ----------
    X : Tensor of shape (n, n_features)
        Codes in the columns of levels, NaN where anything is missing.
    is_level : Tensor of shape (n_features,), bool

    Returns
    -------
    Tensor of shape (n, n)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._smote import mixed_distances
    >>> X = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    >>> mixed_distances(X, torch.tensor([False, True]))[0]
    tensor([0.0000, 2.0000, 0.9428])
    """
    numbers, levels = X[:, ~is_level], X[:, is_level]
    missing = numbers.isnan()
    filled = torch.where(missing, numbers.nanmean(0), numbers).nan_to_num(0.0)
    squared = torch.cdist(
        filled, filled, compute_mode="donot_use_mm_for_euclid_dist"
    ).square()
    codes = torch.cat([levels.nan_to_num(-1.0), missing.to(X.dtype)], 1)
    # Of the 0-norm: how many entries differ.
    differing = torch.cdist(codes, codes, p=0.0)
    return (squared + level_gap(filled) * differing).sqrt()


def most_frequent(codes: Tensor) -> Tensor:
    """Most frequent code of each column among some rows; of equals the first row's.

    Parameters
    ----------
    codes : Tensor of shape (n, k, n_levels)
        Of n groups of k rows.

    Returns
    -------
    Tensor of shape (n, n_levels)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._smote import most_frequent
    >>> most_frequent(torch.tensor([[[2.0], [0.0], [0.0]], [[1.0], [0.0], [2.0]]]))
    tensor([[0.],
            [1.]])
    """
    known = codes.nan_to_num(-1.0)
    votes = (known[:, :, None] == known[:, None]).sum(2)
    winner = votes.argmax(1, keepdim=True)
    return codes.gather(1, winner).squeeze(1)


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
    is_level : Tensor of shape (n_features,), bool, or None, default=None
        Which columns hold codes of levels, in a table with levels or missing numbers:
        a synthetic row has the most frequent level of the neighbours of its seed there,
        and distances count levels as :class:`imblearn.over_sampling.SMOTENC` does.
        None: numbers alone.
    generator : torch.Generator or None, default=None
        Source of the draws. None is torch's global generator.

    Notes
    -----
    Distances are Euclidean in the unscaled columns. A number that one of the parents
    lacks is missing in the synthetic row. The ``sample_weight`` of a synthetic row lies
    between those of its parents, as its columns do.

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

    @checks_arguments(n_neighbors=[WholeNumber(1)], is_level=[Tensor, None])
    def __init__(
        self,
        dataset: Any,
        batch_size: int = 128,
        *,
        n_neighbors: int = 5,
        is_level: Tensor | None = None,
        generator: Generator | None = None,
    ):
        super().__init__(dataset, batch_size, generator=generator)
        self.n_neighbors = n_neighbors
        self.is_level = is_level

    def class_shares(self, n_classes: int) -> Tensor:
        counts = torch.bincount(self.y, minlength=n_classes)
        return shares_if_balanced(counts, self.batch_size)

    def spread(self, size: int) -> float:
        return 0.0

    def __iter__(self) -> Iterator[Batch]:
        for index in self.positions():
            yield self.balance(*self.take(index))

    def balance(self, rows: Rows, y: Tensor) -> Batch:
        """Balance the classes of one batch."""
        classes = torch.unique(y)
        shares = equal_shares(1, len(y), len(classes), self.generator).flatten()
        kept, seeds, neighbors, levels = [], [], [], []
        for position, label in enumerate(classes):
            own = (y == label).nonzero().flatten()
            size = int((shares == position).sum())
            order = torch.randperm(len(own), generator=self.generator)
            kept.append(own[order[:size]])
            n_new = max(size - len(own), 0)
            X = rows_of(rows)[own]
            seed, neighbor, nearest = self.draw_pairs(X, n_new)
            seeds.append(own[seed])
            neighbors.append(own[neighbor])
            if self.is_level is not None:
                levels.append(most_frequent(X[nearest[seed]][..., self.is_level]))
        index, seed, neighbor = map(torch.cat, (kept, seeds, neighbors))
        step = torch.rand(len(seed), generator=self.generator)
        made = mix_rows(take_rows(rows, seed), take_rows(rows, neighbor), step)
        if self.is_level is not None:
            rows_of(made)[:, self.is_level] = torch.cat(levels)
        return join(take_rows(rows, index), made), torch.cat([y[index], y[seed]])

    def draw_pairs(self, X: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw ``size`` rows of a class, each with one of its nearest neighbours.

        Returns
        -------
        seed, neighbor : Tensor of shape (size,), int64
        nearest : Tensor of shape (n, k), int64
            Neighbours of each row; the row itself, if it is alone.
        """
        seed = torch.randint(len(X), (size,), generator=self.generator)
        # A row without neighbours can only be copied.
        if len(X) == 1 or size == 0:
            return seed, seed, torch.arange(len(X))[:, None]
        nearest = nearest_neighbors(X, min(self.n_neighbors, len(X) - 1), self.is_level)
        choice = torch.randint(nearest.shape[1], (size,), generator=self.generator)
        return seed, nearest[seed, choice], nearest
