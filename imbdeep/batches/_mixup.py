"""MixUp mini-batches."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from imbdeep._arguments import FiniteReal, WholeNumber, checks_arguments
from imbdeep.batches._class_draws import numpy_generator
from imbdeep.batches._tensor_batches import (
    Batch,
    ShuffledBatches,
    mix_rows,
    take_rows,
)


def mix_batch(
    batch: Batch,
    n_classes: int,
    mixing: float,
    generator: Generator | None,
    *,
    as_pairs: bool = False,
) -> Batch:
    """Mix each row of a batch, and its one-hot label, with a permuted partner."""
    X, y = batch
    partner = torch.randperm(len(y), generator=generator)
    labels = F.one_hot(y, n_classes).float()
    weight = torch.tensor(mixing, dtype=torch.float32)
    mixed = mix_rows(X, take_rows(X, partner), weight, as_pairs=as_pairs)
    return mixed, torch.lerp(labels[partner], labels, weight)


class MixUpBatches(ShuffledBatches):
    r"""Mini-batches of convex combinations of rows and of their labels [1]_.

    Each row of a shuffled mini-batch is mixed with a partner from the same batch:
    :math:`\lambda x + (1 - \lambda) x'`. The one-hot labels are mixed likewise. Each
    batch has one :math:`\lambda \sim Beta(\alpha, \alpha)`.

    Parameters
    ----------
    dataset : skorch Dataset, Subset of one, or TensorDataset
        Rows must be floating point, labels 0 .. n_classes - 1.
    batch_size : int, at least 1, default=128
    alpha : float, greater than 0, default=0.3
        Small values mix little; large values mix half and half.
    n_classes : int or None, default=None
        Width of the soft labels. None infers it from the largest label.
    is_level : Tensor of shape (n_features,), bool, or None, default=None
        Which columns hold codes of levels, in a table with levels or missing numbers.
        Its rows are mixed as they are encoded: a batch has both rows side by side and
        the weight of the first, for an encoding that the net learns. None mixes rows.
    generator : torch.Generator or None, default=None
        Source of the draws. None is torch's global generator.

    References
    ----------
    .. [1] H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz. "mixup: Beyond empirical
       risk minimization". ICLR 2018.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> from imbdeep.batches import MixUpBatches
    >>> dataset = TensorDataset(torch.randn(6, 2), torch.tensor([0, 0, 0, 0, 1, 1]))
    >>> X, y = next(iter(MixUpBatches(dataset, batch_size=6)))
    >>> X.shape, y.shape
    (torch.Size([6, 2]), torch.Size([6, 2]))
    """

    @checks_arguments(
        alpha=[FiniteReal(0, None, closed="neither")],
        n_classes=[WholeNumber(1), None],
        is_level=[Tensor, None],
    )
    def __init__(
        self,
        dataset: Any,
        batch_size: int = 128,
        *,
        alpha: float = 0.3,
        n_classes: int | None = None,
        is_level: Tensor | None = None,
        generator: Generator | None = None,
    ):
        super().__init__(dataset, batch_size, generator=generator)
        self.alpha = alpha
        self.is_level = is_level
        n_labels = int(self.y.max()) + 1
        if n_classes is not None and n_classes < n_labels:
            raise ValueError(
                f"n_classes={n_classes} cannot hold label {n_labels - 1}; use at "
                f"least {n_labels}."
            )
        self.n_classes = n_labels if n_classes is None else n_classes

    def loss_shares(
        self, shares: Tensor, weight: Tensor, *, normalized: bool = False
    ) -> Tensor:
        unmixed = super().loss_shares(shares, weight, normalized=normalized)
        # A mixture lends its weight to both labels; permuted partners leave the sum of
        # the weights of a batch as it was.
        lent = self.alpha / (2 * self.alpha + 1)
        return unmixed + lent * (shares - unmixed)

    def mix(self, batches: Iterator[Tensor]) -> Iterator[Batch]:
        """Mix the batches of rows at the given positions."""
        beta = numpy_generator(self.generator).beta
        for index in batches:
            mixing = beta(self.alpha, self.alpha)
            yield mix_batch(
                self.take(index),
                self.n_classes,
                mixing,
                self.generator,
                as_pairs=self.is_level is not None,
            )

    def __iter__(self) -> Iterator[Batch]:
        return self.mix(self.positions())
