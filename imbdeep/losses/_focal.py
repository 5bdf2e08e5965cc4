"""Focal loss."""

import torch
from torch import Tensor

from imbdeep._arguments import FiniteReal, checks_arguments
from imbdeep.losses._base import ClassificationLoss
from imbdeep.losses._reduction import take_class


def focal(logits: Tensor, target: Tensor, gamma: float = 2.0) -> Tensor:
    r"""Compute the focal loss of each row, :math:`-(1 - p_y)^\gamma \log p_y`.

    Parameters
    ----------
    logits : Tensor of shape (*, C)
    target : Tensor of shape (*,), int64, or (*, C), floating point
        Class indices or soft labels; the loss of a soft label is its mean over the
        classes.
    gamma : float, at least 0, default=2
        How strongly to discount rows that are already right; 0 is cross-entropy.

    Returns
    -------
    Tensor of shape (*,)

    Notes
    -----
    :math:`p_y` comes from the unweighted softmax. Class weights come last, as they
    would distort it.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import focal
    >>> focal(torch.zeros(1, 2), torch.tensor([1]))
    tensor([0.1733])
    """
    log_p = logits.log_softmax(-1)
    # expm1 keeps the digits of 1 - p for p near 1. The clamp keeps the gradient finite
    # if p rounds to 1 and gamma is below 1.
    miss = (-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).tiny)
    return take_class(-log_p * miss**gamma, target)


class FocalLoss(ClassificationLoss):
    """Focal loss [1]_ with class weights, sample weights and soft labels.

    Parameters
    ----------
    gamma : float, at least 0, default=2
        How strongly to discount rows that are already right; 0 is cross-entropy.
    weight : Tensor of shape (C,) or None, default=None
        Weight of each class.
    reduction : {'mean', 'sum', 'none'}, default='mean'
    weight_reduction : {'weights', 'rows'}, default='weights'
        Whether 'mean' divides by the sum of the weights or the number of rows.

    References
    ----------
    .. [1] T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár. "Focal loss for dense
       object detection". ICCV 2017.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import FocalLoss
    >>> FocalLoss(gamma=0.0)(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)
    """

    @checks_arguments(gamma=[FiniteReal(0, None)])
    def __init__(
        self,
        gamma: float = 2.0,
        *,
        weight: Tensor | None = None,
        reduction: str = "mean",
        weight_reduction: str = "weights",
    ):
        super().__init__(
            weight=weight, reduction=reduction, weight_reduction=weight_reduction
        )
        self.gamma = gamma

    def row_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        return focal(logits, target, self.gamma)
