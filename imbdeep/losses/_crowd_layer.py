"""The crowd layer: from the net's probabilities to each worker's labels."""

import torch
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from imbdeep._arguments import WholeNumber, checks_arguments
from imbdeep.losses._base import ClassificationLoss
from imbdeep.losses._cross_entropy import cross_entropy
from imbdeep.losses._reduction import reduce_losses, take_class

LAYERS = ("matrix", "vector", "vector_bias")


def crowd_layer(proba: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute the logits of the labels that each worker gives.

    Parameters
    ----------
    proba : Tensor of shape (*, C)
        Probability of each class.
    weight : Tensor of shape (W, C, C) or (W, C)
        For each worker a matrix, [worker, given, true], or one factor per class.
    bias : Tensor of shape (W, C) or None, default=None

    Returns
    -------
    Tensor of shape (*, W, C)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import crowd_layer
    >>> weight = torch.stack([torch.eye(2), torch.eye(2).flip(0)])
    >>> crowd_layer(torch.tensor([0.75, 0.25]), weight)
    tensor([[0.7500, 0.2500],
            [0.2500, 0.7500]])
    """
    if weight.ndim == 3:
        logits = torch.einsum("wgt,...t->...wg", weight, proba)
    else:
        logits = proba.unsqueeze(-2) * weight
    return logits if bias is None else logits + bias


def annotation_losses(logits: Tensor, annotations: Tensor) -> Tensor:
    """Compute the cross-entropy of each annotation; 0 for missing ones.

    Parameters
    ----------
    logits : Tensor of shape (*, W, C)
    annotations : Tensor of shape (*, W), int64
        Class indices; -1 for a missing annotation.

    Returns
    -------
    Tensor of shape (*, W)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses._crowd_layer import annotation_losses
    >>> annotation_losses(torch.zeros(1, 2, 2), torch.tensor([[1, -1]]))
    tensor([[0.6931, 0.0000]])
    """
    given = annotations >= 0
    # gather takes no index of -1, even where the loss is multiplied by 0.
    return cross_entropy(logits, annotations.clamp_min(0)) * given


class CrowdLayerLoss(ClassificationLoss):
    """Cross-entropy of annotations, through a layer that models the workers.

    Each worker has a layer behind the softmax of the net, which learns how the worker's
    labels arise from the true class. It starts as the identity, and prediction leaves
    it out [1]_.

    Parameters
    ----------
    n_workers, n_classes : int
    layer : {'matrix', 'vector', 'vector_bias'}, default='matrix'
        For each worker a matrix; one factor per class; or a factor and a bias per
        class. The paper's MW, VW and VW+B.
    weight : Tensor of shape (C,) or None, default=None
        Weight of an annotation, by its label.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        'mean' is over the annotations in a batch that are not missing.
    weight_reduction : {'weights', 'rows'}, default='weights'
        Whether 'mean' divides by the sum of the weights or the number of annotations.

    Notes
    -----
    Targets of shape ``(n, n_workers)`` are annotations, with -1 for missing ones. Their
    losses have the same shape, and the sample weight of a row applies to each of its
    annotations. Targets of shape ``(n,)`` are true labels and bypass the layer: their
    loss is the cross-entropy.

    References
    ----------
    .. [1] F. Rodrigues, F. Pereira. "Deep learning from crowds". AAAI 2018.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import CrowdLayerLoss
    >>> loss = CrowdLayerLoss(n_workers=3, n_classes=2)
    >>> round(loss(torch.zeros(1, 2), torch.tensor([[1, -1, 0]])).item(), 4)
    0.6931
    """

    @checks_arguments(
        n_workers=[WholeNumber(1)],
        n_classes=[WholeNumber(1)],
        layer=[StrOptions(set(LAYERS))],
    )
    def __init__(
        self,
        n_workers: int,
        n_classes: int,
        *,
        layer: str = "matrix",
        weight: Tensor | None = None,
        reduction: str = "mean",
        weight_reduction: str = "weights",
    ):
        super().__init__(
            weight=weight, reduction=reduction, weight_reduction=weight_reduction
        )
        start = torch.eye(n_classes) if layer == "matrix" else torch.ones(n_classes)
        self.worker_weight = nn.Parameter(start.repeat(n_workers, *[1] * start.ndim))
        self.worker_bias = (
            nn.Parameter(torch.zeros(n_workers, n_classes))
            if layer == "vector_bias"
            else None
        )

    def row_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(logits, target)

    def _reduce(
        self,
        logits: Tensor,
        target: Tensor,
        sample_weight: Tensor | None,
        reduction: str,
    ) -> Tensor:
        # Labels of validation rows, or soft labels: no annotations.
        if target.ndim < 2 or target.is_floating_point():
            return super()._reduce(logits, target, sample_weight, reduction)
        self.check_weight(logits)
        # The paper's layer acts on probabilities, so the loss takes a second softmax.
        by_worker = crowd_layer(
            logits.softmax(-1), self.worker_weight, self.worker_bias
        )
        losses = annotation_losses(by_worker, target)
        given = target >= 0
        weights = given.to(losses.dtype)
        if self.weight is not None:
            weights = weights * take_class(self.weight, target.clamp_min(0))
        if sample_weight is not None:
            weights = weights * sample_weight[:, None]
        if reduction == "none":
            return losses * weights
        return reduce_losses(
            losses[given], weights[given], reduction, self.weight_reduction
        )
