"""Class-balanced mini-batches: random over-sampling inside the training loop."""

from collections.abc import Iterator
from typing import Any

import torch
from sklearn.utils._param_validation import StrOptions
from torch import Generator, Tensor

from imbdeep._arguments import FiniteReal, checks_arguments
from imbdeep.batches._class_draws import RowsByClass, exact_draws
from imbdeep.batches._tensor_batches import TensorBatches
from imbdeep.losses import effective_number


class BalancedBatches(TensorBatches):
    r"""Mini-batches in which rare classes have as many rows as frequent ones.

    Rows are drawn with replacement: random over-sampling of the rare classes and
    under-sampling of the others, after the validation split and without copies.

    Parameters
    ----------
    dataset : skorch Dataset, Subset of one, or TensorDataset
    batch_size : int, at least 1, default=128
    balance : {'exact', 'expected'}, default='exact'
        'exact' gives each class its share of every batch, rounded up or down at random:
        the re-sampling, "RS", of [1]_. 'expected' draws rows one by one, so that a
        batch may by chance hold few rows of a class or none: the sampler of [2]_. The
        gradients have the same mean; those of 'exact' vary less, and no class is
        missing from a batch that has room for it.
    beta : float in [0, 1) or None, default=None
        None gives classes equal shares: a row is drawn with probability proportional to
        :math:`1 / n_j`. A number makes that :math:`1 / E_j`, the inverse of the
        effective number of its class, :math:`E_j = (1 - \beta^{n_j}) / (1 - \beta)`
        (:func:`~imbdeep.losses.effective_number`): classes have shares proportional
        to :math:`n_j / E_j`. 0.9999 is the "adv. + resample" of [3]_, with
        ``balance='expected'``; 0 keeps the shares of the data.
    generator : torch.Generator or None, default=None
        Source of the draws. None is torch's global generator.

    Raises
    ------
    ValueError
        If ``balance`` is anything else, or ``beta`` is not in [0, 1).

    Notes
    -----
    An epoch draws as many rows as the dataset has.

    References
    ----------
    .. [1] B. Yasinnik, M. Salhov, O. Lindenbaum, A. Averbuch. "Imbalanced
       classification via explicit gradient learning from augmented data". 2022.
    .. [2] R. Rawal, P. Pradhan. "Climate adaptation: reliably predicting from
       imbalanced satellite data". CVPR Workshops 2020.
    .. [3] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
       State University 2023, section 5.5.1.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> from imbdeep.batches import BalancedBatches
    >>> y = torch.tensor([0] * 990 + [1] * 10)
    >>> batches = BalancedBatches(TensorDataset(y, y), batch_size=50)
    >>> {tuple(y.bincount().tolist()) for X, y in batches}
    {(25, 25)}
    """

    @checks_arguments(
        balance=[StrOptions({"exact", "expected"})],
        beta=[FiniteReal(0, 1, closed="left"), None],
    )
    def __init__(
        self,
        dataset: Any,
        batch_size: int = 128,
        *,
        balance: str = "exact",
        beta: float | None = None,
        generator: Generator | None = None,
    ):
        super().__init__(dataset, batch_size, generator=generator)
        self.balance = balance
        self.rows = RowsByClass(self.y)
        counts = self.rows.counts.double()
        drawn = counts if beta is None else effective_number(counts, beta)
        self.shares = counts / drawn / (counts / drawn).sum()

    def class_shares(self, n_classes: int) -> Tensor:
        shares = torch.zeros(n_classes, dtype=torch.float64)
        shares[self.rows.classes] = self.shares
        return shares

    def spread(self, size: int) -> float:
        return 0.0 if self.balance == "exact" else 1.0

    def positions(self) -> Iterator[Tensor]:
        for index in self.cut(torch.arange(len(self.y))):
            yield self.rows.draw(self._draw_classes(len(index)), self.generator)

    def _draw_classes(self, size: int) -> Tensor:
        if self.balance == "exact":
            return exact_draws(size, self.shares, self.generator)
        return torch.multinomial(
            self.shares, size, replacement=True, generator=self.generator
        )
