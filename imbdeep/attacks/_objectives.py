"""Objectives that an attack raises: how far a row is from its label."""

import torch.nn.functional as F
from torch import Tensor


def _without_label(logits: Tensor, target: Tensor) -> Tensor:
    # -inf adds nothing to a sum of exponentials or a maximum, and its gradient is 0.
    return logits.scatter(-1, target.unsqueeze(-1), -float("inf"))


def _of_label(logits: Tensor, target: Tensor) -> Tensor:
    return logits.gather(-1, target.unsqueeze(-1)).squeeze(-1)


def log_odds(logits: Tensor, target: Tensor) -> Tensor:
    r"""Log odds against the label, :math:`\log((1 - p_y) / p_y)`.

    Parameters
    ----------
    logits : Tensor of shape (*, n, C)
    target : Tensor of shape (*, n), int64

    Returns
    -------
    Tensor of shape (*, n)

    Notes
    -----
    Cross-entropy, the focal loss and the LDAM loss of a row are increasing functions of
    the log odds, so they share its direction of steepest ascent. An attack with steps
    of fixed length needs no more from a loss. Their own gradients vanish where the net
    is certain, :math:`p_y = 1` in floating point, and an attack would mistake that for
    robustness; the gradient of the log odds does not vanish.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks import log_odds
    >>> log_odds(torch.tensor([[0.0, 100.0]]), torch.tensor([1]))
    tensor([-100.])
    """
    return _without_label(logits, target).logsumexp(-1) - _of_label(logits, target)


def margin(logits: Tensor, target: Tensor) -> Tensor:
    r"""Lead of the best other class, :math:`\max_{j \neq y} z_j - z_y`.

    Parameters
    ----------
    logits : Tensor of shape (*, n, C)
        Logits or log-probabilities.
    target : Tensor of shape (*, n), int64

    Returns
    -------
    Tensor of shape (*, n)
        Greater than 0 for misclassified rows. With two classes it equals
        :func:`log_odds`.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks import margin
    >>> margin(torch.tensor([[0.0, 2.0, 1.0]]), torch.tensor([1]))
    tensor([-1.])
    """
    return _without_label(logits, target).amax(-1) - _of_label(logits, target)


def truncated_cross_entropy(logits: Tensor, target: Tensor, at: float) -> Tensor:
    r"""Cross-entropy up to a bound, :math:`\min(-\log p_y, b)`.

    Parameters
    ----------
    logits : Tensor of shape (*, n, C)
    target : Tensor of shape (*, n), int64
    at : float
        The bound :math:`b`; infinity for none.

    Returns
    -------
    Tensor of shape (*, n)

    Notes
    -----
    For one shift of many rows. A sum of log odds would be raised by the few rows that
    go astray ever further; here a row that has been lost has no gradient any more.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.attacks._objectives import truncated_cross_entropy
    >>> logits = torch.tensor([[0.0, 0.0], [0.0, 100.0]])
    >>> truncated_cross_entropy(logits, torch.tensor([0, 0]), 9.0)
    tensor([0.6931, 9.0000])
    """
    losses = F.cross_entropy(
        logits.flatten(0, -2), target.flatten(), reduction="none"
    ).reshape(target.shape)
    return losses.clamp_max(at)
