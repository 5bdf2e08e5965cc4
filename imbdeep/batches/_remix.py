"""ReMix mini-batches: balance, then mix."""

from collections.abc import Iterator
from typing import Any

import torch
from sklearn.utils._param_validation import StrOptions
from torch import Generator, Tensor

from imbdeep._arguments import checks_arguments
from imbdeep.batches._class_draws import (
    RowsByClass,
    equal_shares,
    shares_if_balanced,
)
from imbdeep.batches._mixup import MixUpBatches


class ReMixBatches(MixUpBatches):
    r"""Balanced mini-batches of mixed rows [1]_, Algorithm 1.

    Every class gets :math:`B / C` rows of a mini-batch, drawn with replacement. Each
    row is then mixed with a permuted partner, and so are the one-hot labels. Each
    batch has one :math:`\lambda \sim Beta(\alpha, \alpha)`.

    Parameters
    ----------
    dataset : skorch Dataset, Subset of one, or TensorDataset
        Rows must be floating point, labels 0 .. n_classes - 1.
    batch_size : int, at least the number of classes, default=128
    alpha : float, greater than 0, default=0.3
        Small values mix little; towards 0 the batches are only balanced.
    balance : {'data', 'batch'}, default='data'
        Where a class's rows are drawn from: the whole training set; or, as in the
        paper, the rows of that class in an ordinary mini-batch. 'batch' cannot balance
        a mini-batch without minority rows.
    n_classes : int or None, default=None
        Width of the soft labels. None infers it from the largest label.
    is_level : Tensor of shape (n_features,), bool, or None, default=None
        See :class:`MixUpBatches`.
    generator : torch.Generator or None, default=None
        Source of the draws. None is torch's global generator.

    Notes
    -----
    NOTE[DIFF]: ``balance='data'`` departs from the paper, so that every class is in
    every batch.

    If the rows do not divide evenly among the classes, the remaining rows go to
    classes drawn anew for each batch.

    References
    ----------
    .. [1] C. Bellinger, R. Corizzo, N. Japkowicz. "ReMix training for calibrated
       imbalanced deep learning". 2020.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> from imbdeep.batches import ReMixBatches
    >>> y = torch.tensor([0] * 98 + [1] * 2)
    >>> dataset = TensorDataset(torch.randn(100, 2), y)
    >>> X, soft = next(iter(ReMixBatches(dataset, batch_size=50)))
    >>> soft.mean(0)
    tensor([0.5000, 0.5000])
    """

    @checks_arguments(balance=[StrOptions({"data", "batch"})])
    def __init__(
        self,
        dataset: Any,
        batch_size: int = 128,
        *,
        alpha: float = 0.3,
        balance: str = "data",
        n_classes: int | None = None,
        is_level: Tensor | None = None,
        generator: Generator | None = None,
    ):
        super().__init__(
            dataset,
            batch_size,
            alpha=alpha,
            n_classes=n_classes,
            is_level=is_level,
            generator=generator,
        )
        self.balance = balance
        self.rows = RowsByClass(self.y)
        n_present = len(self.rows.classes)
        if batch_size < n_present:
            raise ValueError(
                f"batch_size={batch_size} cannot hold a row of each of {n_present} "
                f"classes; use at least {n_present}."
            )

    def class_shares(self, n_classes: int) -> Tensor:
        counts = torch.bincount(self.y, minlength=n_classes)
        if self.balance == "batch":
            return shares_if_balanced(counts, self.batch_size)
        return (counts > 0).double() / len(self.rows.classes)

    def spread(self, size: int) -> float:
        return 0.0

    def positions(self) -> Iterator[Tensor]:
        if self.balance == "batch":
            for index in super().positions():
                yield index[self._draw_equally(RowsByClass(self.y[index]), len(index))]
        else:
            # A small data set makes one batch, which still has a row of each class.
            size = max(min(self.batch_size, len(self.y)), len(self.rows.classes))
            for _ in range(len(self)):
                yield self._draw_equally(self.rows, size)

    def _draw_equally(self, rows: RowsByClass, size: int) -> Tensor:
        shares = equal_shares(1, size, len(rows.classes), self.generator)
        return rows.draw(shares.squeeze(0), self.generator)
