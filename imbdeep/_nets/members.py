"""Modules that give several outputs for each row, one of each of their members."""

import math

from torch import Tensor


def has_members(outputs: Tensor) -> bool:
    """Whether outputs are ``(n, k, n_classes)``, and not ``(n, n_classes)``."""
    return outputs.ndim == 3


def mean_of_members(
    outputs: Tensor, *, scale: float = 1.0, are_probabilities: bool = False
) -> Tensor:
    r"""Logits of a whole ensemble: their softmax is the mean of its members'.

    Parameters
    ----------
    outputs : Tensor of shape (n, k, n_classes)
        Logits of the members, or probabilities.
    scale : float, default=1.0
        Factor of the logits in the softmax.
    are_probabilities : bool, default=False

    Returns
    -------
    Tensor of shape (n, n_classes)
        :math:`\frac{1}{s} \log \frac{1}{k} \sum_i \mathrm{softmax}(s z_i)`, or the
        mean of the probabilities.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.members import mean_of_members
    >>> outputs = torch.tensor([[[0.0, 0.0], [0.0, 100.0]]])
    >>> mean_of_members(outputs).softmax(-1)
    tensor([[0.2500, 0.7500]])
    """
    if are_probabilities:
        return outputs.mean(-2)
    log_proba = (scale * outputs).log_softmax(-1)
    return (log_proba.logsumexp(-2) - math.log(outputs.shape[-2])) / scale
