"""Base class of the loss modules, with a class weight that a callback may change."""

import torch
from torch import Tensor, nn

from imbdeep._arguments import checks_arguments
from imbdeep.losses._reduction import check_reduction, reduce_losses, take_class


class ClassificationLoss(nn.Module):
    """Base class of the losses: per-row losses, then class weights, then reduction.

    Subclasses implement :meth:`row_losses` by calling their pure function. The class
    weight is a buffer: it moves with the module, and a callback can change it while the
    optimizer keeps its state.

    Parameters
    ----------
    weight : Tensor of shape (C,) or None, default=None
        Weight of each class, at least 0; it multiplies per-row losses. None gives all
        classes the same weight.
    reduction : {'mean', 'sum', 'none'}, default='mean'
    weight_reduction : {'weights', 'rows'}, default='weights'
        What 'mean' divides by, see ``reduce_losses``.

    Attributes
    ----------
    scale : float
        Factor of the logits in the loss, and thus in the softmax that turns them into
        probabilities.
    head : {'linear', 'cosine'}
        Last layer that the loss is meant for.
    """

    scale: float = 1.0
    head: str = "linear"
    weight: Tensor | None

    @checks_arguments(weight=["array-like", Tensor, None])
    def __init__(
        self,
        *,
        weight: Tensor | None = None,
        reduction: str = "mean",
        weight_reduction: str = "weights",
    ):
        check_reduction(reduction, weight_reduction)
        super().__init__()
        self.reduction = reduction
        self.weight_reduction = weight_reduction
        if weight is not None:
            weight = torch.as_tensor(weight, dtype=torch.float32)
            # Not "less than 0", which NaN is not either.
            if not ((weight >= 0) & weight.isfinite()).all():
                raise ValueError(
                    f"weight must be finite and at least 0, got {weight.tolist()}."
                )
        # A buffer even if None: deferred re-weighting assigns a tensor to it later.
        self.register_buffer("weight", weight)

    def set_class_counts(self, class_counts: Tensor) -> None:
        """Set the number of rows per class; most losses do not depend on it."""

    def check_weight(self, logits: Tensor) -> None:
        """Refuse a class weight with the wrong number of classes."""
        if self.weight is not None and self.weight.shape[-1] != logits.shape[-1]:
            raise ValueError(
                f"weight holds {self.weight.shape[-1]} classes, the logits "
                f"{logits.shape[-1]}; give one weight for each class."
            )

    def row_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the unweighted per-row losses, of shape ``(*,)``."""
        raise NotImplementedError

    def forward(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Compute the loss of a batch.

        Parameters
        ----------
        logits : Tensor of shape (*, C)
        target : Tensor of shape (*,), int64, or (*, C), floating point
            Class indices or soft labels.
        sample_weight : Tensor of shape (*,) or None, default=None
            Weights of the rows, multiplied by the class weights.

        Returns
        -------
        Tensor
            A scalar, or of shape ``(*,)`` if ``reduction='none'``.
        """
        return self._reduce(logits, target, sample_weight, self.reduction)

    def batch_loss(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Scalar loss of a batch to minimise; the mean if ``reduction='none'``."""
        if self.reduction == "none":
            return self._reduce(logits, target, sample_weight, "mean")
        return self(logits, target, sample_weight)

    def reduce_also(
        self, losses: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Weight and reduce other losses of the rows of a batch as :meth:`batch_loss`.

        Parameters
        ----------
        losses : Tensor of shape (*,)
        target : Tensor of shape (*,), int64, or (*, C), floating point
            Class indices or soft labels of the rows, which decide their class weights.
        sample_weight : Tensor of shape (*,) or None, default=None

        Returns
        -------
        Tensor of shape ()
        """
        reduction = "mean" if self.reduction == "none" else self.reduction
        return self._reduce_rows(losses, target, sample_weight, reduction)

    def _reduce(
        self,
        logits: Tensor,
        target: Tensor,
        sample_weight: Tensor | None,
        reduction: str,
    ) -> Tensor:
        self.check_weight(logits)
        losses = self.row_losses(logits, target)
        return self._reduce_rows(losses, target, sample_weight, reduction)

    def _reduce_rows(
        self,
        losses: Tensor,
        target: Tensor,
        sample_weight: Tensor | None,
        reduction: str,
    ) -> Tensor:
        weights = sample_weight
        if self.weight is not None:
            class_weight = take_class(self.weight, target)
            weights = class_weight if weights is None else weights * class_weight
        return reduce_losses(losses, weights, reduction, self.weight_reduction)
