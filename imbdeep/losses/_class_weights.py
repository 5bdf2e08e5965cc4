"""Weights that depend on how many rows a class has."""

import math

import torch
from torch import Tensor


def class_balanced_weights(class_counts: Tensor, beta: float = 0.9999) -> Tensor:
    r"""Weights by the effective number of samples of a class.

    The weight of class :math:`j` with :math:`n_j` rows is proportional to
    :math:`(1 - \beta) / (1 - \beta^{n_j})`; the weights sum to the number of
    classes [1]_, eq. 4. ``beta=0`` weighs classes alike; ``beta`` towards 1 tends to
    :math:`1 / n_j`.

    Parameters
    ----------
    class_counts : Tensor of shape (C,)
        Rows of each class. A class without rows gets weight 0.
    beta : float in [0, 1), default=0.9999
        How slowly further rows of a class stop adding information.

    Returns
    -------
    Tensor of shape (C,), float32

    Raises
    ------
    ValueError
        If ``beta`` is not in [0, 1), or no class has a row.

    References
    ----------
    .. [1] Y. Cui, M. Jia, T.-Y. Lin, Y. Song, S. Belongie. "Class-balanced loss based
       on effective number of samples". CVPR 2019.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import class_balanced_weights
    >>> class_balanced_weights(torch.tensor([900, 100]), beta=0.0)
    tensor([1., 1.])
    >>> class_balanced_weights(torch.tensor([900, 100]))
    tensor([0.2073, 1.7927])
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta must be in [0, 1), got {beta!r}.")
    counts = check_class_counts(class_counts)
    if beta == 0:
        weights = torch.ones_like(counts)
    else:
        # 1 - beta**n loses all digits for beta close to 1; expm1 keeps them.
        weights = (1 - beta) / -torch.expm1(counts * math.log(beta))
    weights = torch.where(counts > 0, weights, 0.0)
    return (weights * len(counts) / weights.sum()).float()


def check_class_counts(class_counts: Tensor) -> Tensor:
    """Class counts as float64, or an error that says what is wrong with them."""
    counts = torch.as_tensor(class_counts).double()
    if counts.ndim != 1 or len(counts) < 2:
        raise ValueError(
            "class_counts must hold one count for each of at least two classes, got "
            f"shape {tuple(counts.shape)}."
        )
    if not torch.isfinite(counts).all() or (counts < 0).any() or not counts.any():
        raise ValueError(
            "class_counts must be finite, at least 0 and not all 0, got "
            f"{counts.tolist()}."
        )
    return counts
