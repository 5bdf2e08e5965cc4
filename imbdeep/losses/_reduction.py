"""From per-class losses to one number: select, weight, reduce.

Losses are functions of logits ``(*, C)`` and targets ``(*,)`` (class indices) or
``(*, C)`` (soft labels) that return per-row losses, ``(*,)``. Weights and reduction
come last, separate from the mathematics of a loss.
"""

import torch
from torch import Tensor


def is_soft(target: Tensor) -> bool:
    """Tell soft labels (floating point) from class indices."""
    return target.is_floating_point()


def take_class(per_class: Tensor, target: Tensor) -> Tensor:
    """Take the entry of the target class, or the expectation under a soft target.

    Parameters
    ----------
    per_class : Tensor of shape (*, C) or broadcastable to it
        One number per class: losses, weights or margins.
    target : Tensor of shape (*,), int64, or (*, C), floating point
        Class indices or soft labels.

    Returns
    -------
    Tensor of shape (*,)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses._reduction import take_class
    >>> weight = torch.tensor([1.0, 3.0])
    >>> take_class(weight, torch.tensor([0, 1, 1]))
    tensor([1., 3., 3.])
    >>> take_class(weight, torch.tensor([[0.5, 0.5]]))
    tensor([2.])
    """
    if is_soft(target):
        return (per_class * target).sum(-1)
    # Unlike the product above, gather does not broadcast.
    per_class = per_class.expand(*target.shape, per_class.shape[-1])
    return per_class.gather(-1, target.unsqueeze(-1)).squeeze(-1)


def reduce_losses(
    losses: Tensor,
    weights: Tensor | None = None,
    reduction: str = "mean",
    weight_reduction: str = "weights",
) -> Tensor:
    r"""Weight the losses of a batch and reduce them.

    Parameters
    ----------
    losses : Tensor of shape (*, n)
        Per-row losses; leading axes are a stack of nets, whose losses are summed.
    weights : Tensor of shape (*, n) or None, default=None
        Weights of the rows, at least 0. None gives all rows the same weight.
    reduction : {'mean', 'sum', 'none'}, default='mean'
    weight_reduction : {'weights', 'rows'}, default='weights'
        What 'mean' divides the weighted sum by: the sum of the weights,
        :math:`\sum_i w_i L_i / \sum_i w_i`, as :class:`torch.nn.CrossEntropyLoss`
        does, or the number of rows, :math:`\sum_i w_i L_i / n`.

    Returns
    -------
    Tensor
        A scalar, or of shape (*, n) if ``reduction='none'``.

    Raises
    ------
    ValueError
        If ``reduction`` or ``weight_reduction`` is unknown.

    Notes
    -----
    With 'weights' all batches have the same influence, whatever their rows: multiplying
    all weights by a number does not change the loss. With 'rows' a row has the same
    influence in any batch, so that the mean over the batches of an epoch is the
    weighted loss of the data; multiplying all weights multiplies the loss.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses._reduction import reduce_losses
    >>> losses = torch.tensor([1.0, 2.0])
    >>> reduce_losses(losses, weights=torch.tensor([1.0, 3.0]))
    tensor(1.7500)
    >>> reduce_losses(losses, torch.tensor([1.0, 3.0]), weight_reduction="rows")
    tensor(3.5000)
    """
    check_reduction(reduction, weight_reduction)
    if reduction == "mean" and weights is None:
        return losses.mean(-1).sum()
    if weights is None:
        weights = torch.ones_like(losses)
    losses = losses * weights
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if weight_reduction == "rows":
        # Annotations may leave no row at all.
        return losses.sum() / max(losses.shape[-1], 1)
    # If all rows of a batch have weight 0, its loss is 0, not 0 / 0.
    total = weights.sum(-1).clamp_min(torch.finfo(losses.dtype).tiny)
    return (losses.sum(-1) / total).sum()


def check_reduction(reduction: str, weight_reduction: str = "weights") -> None:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(
            f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}."
        )
    if weight_reduction not in ("weights", "rows"):
        raise ValueError(
            f"weight_reduction must be 'weights' or 'rows', got {weight_reduction!r}."
        )
