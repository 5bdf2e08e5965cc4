"""Cross-entropy, the loss that the others modify."""

import torch.nn.functional as F
from torch import Tensor

from imbdeep.losses._base import ClassificationLoss
from imbdeep.losses._reduction import take_class


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Compute the cross-entropy of each row.

    Parameters
    ----------
    logits : Tensor of shape (*, C)
    target : Tensor of shape (*,), int64, or (*, C), floating point
        Class indices or soft labels.

    Returns
    -------
    Tensor of shape (*,)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import cross_entropy
    >>> cross_entropy(torch.zeros(1, 2), torch.tensor([1]))
    tensor([0.6931])
    """
    return take_class(-logits.log_softmax(-1), target)


class CrossEntropyLoss(ClassificationLoss):
    """Cross-entropy with class weights, sample weights and soft labels.

    Parameters
    ----------
    weight : Tensor of shape (C,) or None, default=None
        Weight of each class.
    reduction : {'mean', 'sum', 'none'}, default='mean'
    weight_reduction : {'weights', 'rows'}, default='weights'
        Whether 'mean' divides by the sum of the weights or the number of rows.

    Notes
    -----
    With class indices it equals :class:`torch.nn.CrossEntropyLoss`, unless
    ``weight_reduction='rows'``. With soft labels and class weights, the weight of a row
    is the mean of the class weights under its soft label.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import CrossEntropyLoss
    >>> loss = CrossEntropyLoss(weight=torch.tensor([1.0, 9.0]))
    >>> loss(torch.zeros(4, 2), torch.tensor([0, 0, 0, 1]))
    tensor(0.6931)
    """

    def row_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(logits, target)

    def forward(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        unweighted = sample_weight is None and self.weight is None
        if unweighted and logits.ndim == 2:
            # The same numbers in one kernel: a third of the cost of a small step. With
            # more axes, torch would expect the classes on the second, not the last.
            return F.cross_entropy(logits, target, reduction=self.reduction)
        return super().forward(logits, target, sample_weight)
