"""Feature separation: the supervised contrastive loss of one view of each row."""

import torch
from torch import Tensor


def unit_rows(features: Tensor) -> Tensor:
    """Scale rows to length 1; rows of zeros stay as they are.

    Parameters
    ----------
    features : Tensor of shape (*, d)

    Returns
    -------
    Tensor of shape (*, d)
    """
    length = torch.linalg.vector_norm(features, dim=-1, keepdim=True)
    # Dividing by a tiny length instead would multiply the gradient by its inverse.
    return features / length.masked_fill(length < 1e-12, 1.0)


def feature_separation(
    features: Tensor, target: Tensor, temperature: float = 0.1
) -> tuple[Tensor, Tensor]:
    r"""Compute the feature separation loss of each row, and which rows have none.

    The loss pulls rows of the same class together and rows of different classes apart
    [1]_, eq. 4.12:

    .. math::
        L_i = -\frac{1}{|P(i)|} \sum_{p \in P(i)} \log
        \frac{\exp(z_i \cdot z_p / \tau)}{\sum_{a \neq i} \exp(z_i \cdot z_a / \tau)}

    with :math:`P(i)` the other rows of the class of :math:`i` in the batch. It is the
    supervised contrastive loss [2]_ of one view of each row.

    Parameters
    ----------
    features : Tensor of shape (*, n, d), floating point
        Features :math:`z` of the rows of a batch, before they are scaled to length 1;
        leading axes are a stack of batches.
    target : Tensor of shape (*, n), int64
        Class indices.
    temperature : float, greater than 0, default=0.1
        :math:`\tau`. Small values consider only the nearest rows; large ones consider
        all rows equally.

    Returns
    -------
    losses : Tensor of shape (*, n)
        0 for a row that is the only one of its class.
    no_positive : Tensor of shape (*, n), bool
        Which rows are the only one of their class.

    Raises
    ------
    ValueError
        If ``temperature`` is not greater than 0.

    Notes
    -----
    NOTE[DIFF]: eq. 4.12 does not say that features have length 1. Here they do, as in
    [2]_; otherwise the temperature would not bound the loss. The loss of a row with a
    positive is at most :math:`\log(n - 1) + 2 / \tau`.

    A row of zeros has no direction, is orthogonal to every row, and keeps a bounded
    gradient.

    References
    ----------
    .. [1] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
       State University 2023, chapter 4.
    .. [2] P. Khosla et al. "Supervised contrastive learning". NeurIPS 2020.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import feature_separation
    >>> features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> losses, no_positive = feature_separation(features, torch.tensor([0, 0, 1]), 1.0)
    >>> losses
    tensor([0.3133, 0.3133, 0.0000])
    >>> no_positive
    tensor([False, False,  True])
    """
    if not temperature > 0:
        raise ValueError(
            f"temperature must be greater than 0, got {temperature!r}; 0.1 is common."
        )
    z = unit_rows(features)
    itself = torch.eye(z.shape[-2], dtype=torch.bool, device=z.device)
    positive = (target.unsqueeze(-1) == target.unsqueeze(-2)) & ~itself
    n_positive = positive.sum(-1)
    similarity = z @ z.mT / temperature
    # The lowest number, not -inf, with which the softmax of a single row is NaN.
    lowest = torch.finfo(similarity.dtype).min
    log_p = similarity.masked_fill(itself, lowest).log_softmax(-1)
    total = (-log_p).masked_fill(~positive, 0.0).sum(-1)
    return total / n_positive.clamp_min(1), n_positive == 0
