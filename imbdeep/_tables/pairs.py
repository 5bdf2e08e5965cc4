"""Mixtures of two rows that no single row can stand for.

Half of one level and half of another is no level, nor is a number half missing. Such a
mixture stays a pair of rows and a weight until an encoding has made numbers of both.
"""

import torch
from torch import Tensor


def join_pairs(first: Tensor, second: Tensor, mixing: Tensor) -> Tensor:
    """Pairs of rows and how much of each mixture is the first.

    Parameters
    ----------
    first, second : Tensor of shape (n, n_features)
    mixing : Tensor of shape () or (n,)

    Returns
    -------
    Tensor of shape (n, 2 * n_features + 1)

    Examples
    --------
    >>> import torch
    >>> from imbdeep._tables.pairs import join_pairs
    >>> join_pairs(torch.zeros(1, 2), torch.ones(1, 2), torch.tensor(0.75))
    tensor([[0.0000, 0.0000, 1.0000, 1.0000, 0.7500]])
    """
    weight = mixing.to(first.dtype).expand(len(first))
    return torch.cat([first, second, weight[:, None]], -1)


def split_pairs(pairs: Tensor, n_features: int) -> tuple[Tensor, Tensor, Tensor]:
    """The rows of pairs, and the weights of the first ones.

    Returns
    -------
    first, second : Tensor of shape (*, n, n_features)
    mixing : Tensor of shape (*, n, 1)

    Raises
    ------
    ValueError
        If the rows are neither single ones nor pairs.
    """
    if pairs.shape[-1] != 2 * n_features + 1:
        raise ValueError(f"expected {n_features} features, got {pairs.shape[-1]}")
    return pairs[..., :n_features], pairs[..., n_features:-1], pairs[..., -1:]
