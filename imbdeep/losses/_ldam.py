"""Label-distribution-aware margin (LDAM) loss."""

import torch
from torch import Tensor

from imbdeep._arguments import FiniteReal, checks_arguments
from imbdeep.losses._base import ClassificationLoss
from imbdeep.losses._class_weights import check_class_counts
from imbdeep.losses._cross_entropy import cross_entropy
from imbdeep.losses._reduction import is_soft, take_class


def ldam_margins(class_counts: Tensor, max_margin: float = 0.5) -> Tensor:
    r"""Compute the margins :math:`m_j = m_{max} (n_{min} / n_j)^{1/4}`.

    Parameters
    ----------
    class_counts : Tensor or array-like of shape (C,)
        Number of rows per class. A class without rows gets margin 0.
    max_margin : float, at least 0, default=0.5
        Margin of the rarest class.

    Returns
    -------
    Tensor of shape (C,), float32

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import ldam_margins
    >>> ldam_margins(torch.tensor([1600, 100]))
    tensor([0.2500, 0.5000])
    """
    if max_margin < 0:
        raise ValueError(f"max_margin must be at least 0, got {max_margin!r}.")
    counts = check_class_counts(class_counts)
    # A class without rows would have an infinite margin.
    rarest = counts[counts > 0].min()
    margins = max_margin * (rarest / counts).pow(0.25)
    return torch.where(counts > 0, margins, 0.0).float()


def ldam(
    logits: Tensor, target: Tensor, margins: Tensor, scale: float = 30.0
) -> Tensor:
    r"""Compute the LDAM loss of each row: cross-entropy of :math:`s (z - m_y e_y)`.

    Parameters
    ----------
    logits : Tensor of shape (*, C)
        Outputs :math:`z`; cosines with a cosine head.
    target : Tensor of shape (*,), int64, or (*, C), floating point
        Class indices or soft labels; the loss of a soft label is its mean over the
        classes.
    margins : Tensor of shape (C,) or broadcastable to ``logits``
        Margin of each class, see :func:`ldam_margins`.
    scale : float, greater than 0, default=30
        Inverse temperature :math:`s`.

    Returns
    -------
    Tensor of shape (*,)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import ldam
    >>> logits, target = torch.zeros(1, 2), torch.tensor([1])
    >>> ldam(logits, target, torch.tensor([0.0, 0.0]), scale=1.0)
    tensor([0.6931])
    >>> ldam(logits, target, torch.tensor([0.0, 0.5]), scale=1.0)
    tensor([0.9741])
    """
    if is_soft(target):
        # Each class has a margin of its own, so there are C sets of logits: row c of
        # the last two axes is for label c.
        shifted = logits.unsqueeze(-2) - torch.diag_embed(margins)
        per_class = -(scale * shifted).log_softmax(-1).diagonal(dim1=-2, dim2=-1)
        return take_class(per_class, target)
    margin = take_class(margins.to(logits), target)
    # Not in place: callbacks score these logits as the predictions of the step.
    shifted = logits.scatter_add(-1, target.unsqueeze(-1), -margin.unsqueeze(-1))
    return cross_entropy(scale * shifted, target)


class LDAMLoss(ClassificationLoss):
    """Label-distribution-aware margin loss [1]_.

    The rarer a class, the larger its margin, which is subtracted from the logit of the
    true class before the softmax.

    Parameters
    ----------
    class_counts : Tensor or array-like of shape (C,)
        Number of training rows per class.
    max_margin : float, at least 0, default=0.5
        Margin of the rarest class; 0 is cross-entropy of the scaled logits.
    scale : float, greater than 0, default=30
        Inverse temperature: 30 for the cosines of a cosine head, 1 for the unbounded
        outputs of a linear head.
    weight : Tensor of shape (C,) or None, default=None
        Weight of each class.
    reduction : {'mean', 'sum', 'none'}, default='mean'
    weight_reduction : {'weights', 'rows'}, default='weights'
        Whether 'mean' divides by the sum of the weights or the number of rows.

    References
    ----------
    .. [1] K. Cao, C. Wei, A. Gaidon, N. Arechiga, T. Ma. "Learning imbalanced datasets
       with label-distribution-aware margin loss". NeurIPS 2019.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import LDAMLoss
    >>> loss = LDAMLoss(class_counts=torch.tensor([1600, 100]), scale=1.0)
    >>> loss(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.9741)
    """

    head = "cosine"

    @checks_arguments(
        max_margin=[FiniteReal(0, None)], scale=[FiniteReal(0, None, closed="neither")]
    )
    def __init__(
        self,
        class_counts: Tensor,
        max_margin: float = 0.5,
        scale: float = 30.0,
        *,
        weight: Tensor | None = None,
        reduction: str = "mean",
        weight_reduction: str = "weights",
    ):
        super().__init__(
            weight=weight, reduction=reduction, weight_reduction=weight_reduction
        )
        self.max_margin = max_margin
        self.scale = scale
        self.margins: Tensor
        self.register_buffer("margins", ldam_margins(class_counts, max_margin))

    def set_class_counts(self, class_counts: Tensor) -> None:
        self.margins = ldam_margins(class_counts, self.max_margin).to(self.margins)

    def row_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        return ldam(logits, target, self.margins, self.scale)
