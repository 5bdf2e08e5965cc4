"""Objectives that an attack raises: how far a row is from its label."""

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
