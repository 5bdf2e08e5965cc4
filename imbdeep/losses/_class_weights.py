"""Class weights by the number of rows."""

import math

import torch
from torch import Tensor


def effective_number(class_counts: Tensor, beta: float = 0.9999) -> Tensor:
    r"""Effective number of samples of a class, :math:`(1 - \beta^n) / (1 - \beta)`.

    Parameters
    ----------
    class_counts : Tensor of shape (C,)
        Number of rows :math:`n` per class.
    beta : float in [0, 1), default=0.9999
        How slowly the information that further rows add decays: 0 counts all rows of a
        class as one row, and values towards 1 count each row.

    Returns
    -------
    Tensor of shape (C,), float64

    Raises
    ------
    ValueError
        If ``beta`` is not in [0, 1).

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import effective_number
    >>> effective_number(torch.tensor([5000, 50]))
    tensor([3934.8450,   49.8777], dtype=torch.float64)
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta must be in [0, 1), got {beta!r}.")
    counts = torch.as_tensor(class_counts).double()
    if beta == 0:
        return (counts > 0).double()
    # 1 - beta**n loses all digits for beta close to 1; expm1 keeps them.
    return -torch.expm1(counts * math.log(beta)) / (1 - beta)


def class_balanced_weights(
    class_counts: Tensor,
    beta: float = 0.9999,
    normalization: str = "classes",
    class_shares: Tensor | None = None,
) -> Tensor:
    r"""Compute class weights by the effective number of samples.

    The weight of class :math:`j` with :math:`n_j` rows is proportional to
    :math:`(1 - \beta) / (1 - \beta^{n_j})` [1]_, eq. 4. With ``beta=0`` all classes
    have the same weight; for ``beta`` towards 1 the weight tends to :math:`1 / n_j`.

    Parameters
    ----------
    class_counts : Tensor of shape (C,)
        Number of rows per class. A class without rows gets weight 0.
    beta : float in [0, 1), default=0.9999
        See :func:`effective_number`.
    normalization : {'classes', 'rows', 'frequent'}, default='classes'
        What is 1. 'classes': the mean weight over the classes, so that the weights sum
        to C, as in [1]_. 'rows': the mean weight over the rows, which keeps the size of
        a loss that is divided by the number of rows. 'frequent': the weight of the most
        frequent class, as in Figure 4.5 of [2]_.
    class_shares : Tensor of shape (C,) or None, default=None
        Share of each class in the rows of training, for 'rows'. None takes the shares
        of ``class_counts``; those of balanced batches differ.

    Returns
    -------
    Tensor of shape (C,), float32

    Raises
    ------
    ValueError
        If ``beta`` is not in [0, 1), no class has a row, or ``normalization`` is
        unknown.

    References
    ----------
    .. [1] Y. Cui, M. Jia, T.-Y. Lin, Y. Song, S. Belongie. "Class-balanced loss based
       on effective number of samples". CVPR 2019.
    .. [2] W. Wang. "Learning from imbalanced data distribution". Dissertation, Michigan
       State University 2023, chapter 4.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.losses import class_balanced_weights
    >>> class_balanced_weights(torch.tensor([900, 100]), beta=0.0)
    tensor([1., 1.])
    >>> class_balanced_weights(torch.tensor([900, 100]))
    tensor([0.2073, 1.7927])
    >>> class_balanced_weights(torch.tensor([900, 100]), normalization="rows")
    tensor([0.5666, 4.9008])
    >>> class_balanced_weights(torch.tensor([900, 100]), normalization="frequent")
    tensor([1.0000, 8.6500])
    """
    counts = check_class_counts(class_counts)
    # A class without rows has an effective number of 0: infinite until the next line.
    weights = 1 / effective_number(counts, beta)
    weights = torch.where(counts > 0, weights, 0.0)
    if normalization == "classes":
        weights = weights / weights.mean()
    elif normalization == "rows":
        shares = counts if class_shares is None else class_shares.to(counts)
        weights = weights * shares.sum() / (weights * shares).sum()
    elif normalization == "frequent":
        weights = weights / weights[counts.argmax()]
    else:
        raise ValueError(
            "normalization must be 'classes', 'rows' or 'frequent', got "
            f"{normalization!r}."
        )
    return weights.float()


def check_class_counts(class_counts: Tensor) -> Tensor:
    """Convert class counts to float64, or raise an error that says what is wrong."""
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
