"""Class-balanced mini-batches: random over-sampling inside the training loop."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from imbdeep.batches._class_draws import RowsByClass
from imbdeep.batches._tensor_batches import TensorBatches


class BalancedBatches(TensorBatches):
    """Mini-batches whose rows are drawn with probability proportional to 1 / n_j.

    Rows of a class with :math:`n_j` rows are drawn with replacement with probability
    proportional to :math:`1 / n_j`: random over-sampling of the rare classes and
    under-sampling of the others, after the validation split and without copies.

    Parameters
    ----------
    dataset : skorch Dataset, Subset of one, or TensorDataset
    batch_size : int, at least 1, default=128
    generator : torch.Generator or None, default=None
        Source of the draws. None is torch's global generator.

    Notes
    -----
    An epoch has as many rows as the dataset.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> from imbdeep.batches import BalancedBatches
    >>> y = torch.tensor([0] * 990 + [1] * 10)
    >>> batches = BalancedBatches(
    ...     TensorDataset(y, y), generator=torch.Generator().manual_seed(0)
    ... )
    >>> share = torch.cat([y for X, y in batches]).float().mean()
    >>> bool(0.4 < share < 0.6)
    True
    """

    def __init__(
        self, dataset: Any, batch_size: int = 128, *, generator: Generator | None = None
    ):
        super().__init__(dataset, batch_size, generator=generator)
        self.rows = RowsByClass(self.y)

    def class_shares(self, n_classes: int) -> Tensor:
        present = torch.bincount(self.y, minlength=n_classes) > 0
        return present.double() / present.sum()

    def positions(self) -> Iterator[Tensor]:
        n_classes = len(self.rows.classes)
        share = torch.randint(n_classes, (len(self.y),), generator=self.generator)
        return self.cut(self.rows.draw(share, self.generator))
