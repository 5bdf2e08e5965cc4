"""Encodings of numeric features that are fitted on the training rows.

A net on raw columns depends on their units and tails. These modules come before its
first layer and hold what they learned in buffers: a table needs no scaling, and the
encoding travels with the net.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from rtdl_num_embeddings import compute_bins
from torch import Tensor, nn

from imbdeep._tables.rows import column_blocks, column_moments

# Limit of the open ends of an encoding, in widths of the outermost bin. If that bin is
# narrow for its column, a small attack takes a value out of it by many widths.
_FARTHEST = 1e6


def quantile_bins(X: Any, n_bins: int) -> list[Tensor]:
    """Compute the edges of the quantile bins of each column.

    Parameters
    ----------
    X : Tensor, ndarray or CSR matrix of shape (n_rows, n_features)
        Finite numbers.
    n_bins : int, at least 2
        Most bins per column. Ties give fewer; a constant column gets one.

    Returns
    -------
    list of n_features Tensors
        Increasing edges, at least two per column.
    """
    bins: list[Tensor] = []
    for block in column_blocks(X):
        bins += _bins_of_block(block, n_bins)
    return bins


def _bins_of_block(X: Tensor, n_bins: int) -> list[Tensor]:
    if len(X) == 2:
        X = X.repeat(2, 1)  # compute_bins needs more rows than bins, and two bins
    n_bins = max(2, min(n_bins, len(X) - 1))
    # compute_bins refuses constant columns. Their bin is as wide as their value: its
    # ends differ in any dtype.
    bins = [torch.stack([x, x + x.abs().clamp_min(1)]) for x in X[0]]
    varying = (X[0] != X).any(0).nonzero().flatten()
    if len(varying) == 0:
        return bins
    with warnings.catch_warnings():
        # A column of two values gets one bin, which is all it needs.
        warnings.filterwarnings("ignore", message="The .* feature has just two")
        edges = compute_bins(X[:, varying], n_bins)
    for column, feature_edges in zip(varying.tolist(), edges, strict=True):
        bins[column] = drop_narrow_bins(feature_edges)
    return bins


def drop_narrow_bins(edges: Tensor) -> Tensor:
    """Drop edges so close to the one before that 1 / width overflows."""
    keep = torch.isfinite(1 / edges.diff())
    keep = torch.cat([keep.new_ones(1), keep])
    if keep.sum() >= 2:
        return edges[keep]
    return torch.stack([edges[0], edges[0] + 1])


class Encoding(nn.Module):
    """Base class of encodings, which turn the columns of a table into inputs of a net.

    Rows may be float64, where float32 would merge the values of a column. The buffers
    that rows are computed with have the dtype of the rows; the output has that of the
    net.

    Attributes
    ----------
    n_outputs : int
        Width of the output.
    """

    n_outputs: int


class PiecewiseLinearEncoding(Encoding):
    r"""Piecewise-linear encoding of numeric features [1]_, eq. 1.

    A feature with bins :math:`[b_{t-1}, b_t]` becomes one number per bin,
    :math:`(x - b_{t-1}) / (b_t - b_{t-1})`, clipped to [0, 1] except at the open ends
    of the first and the last bin, which extend for a million bin widths. The net sees
    where a value lies in its distribution, in any unit.

    **Shape**

    - Input: ``(*, n_features)``
    - Output: ``(*, n_outputs)``, ``n_outputs = sum(len(edges) - 1 for edges in bins)``

    Parameters
    ----------
    bins : list of Tensors
        Increasing edges of each feature, at least two.

    Attributes
    ----------
    n_outputs : int
        Width of the output.

    Notes
    -----
    The bins come from ``rtdl_num_embeddings.compute_bins``.

    NOTE[DIFF]: the encoding is that library's, but without padding to the largest
    number of bins: it encodes a table with 70 continuous and 30 binary columns ten
    times faster, and inputs may have any number of leading axes.
    :math:`(x - b_{t-1}) w` also keeps the digits that :math:`x w + c` loses for columns
    far from 0.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev, A. Babenko. "On embeddings for numerical features
       in tabular deep learning". NeurIPS 2022.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import PiecewiseLinearEncoding
    >>> encoding = PiecewiseLinearEncoding([torch.tensor([0.0, 1.0, 3.0])])
    >>> encoding(torch.tensor([[0.5], [2.0], [5.0]]))
    tensor([[0.5000, 0.0000],
            [1.0000, 0.5000],
            [1.0000, 2.0000]])
    """

    feature: Tensor
    left: Tensor
    inverse_width: Tensor
    lower: Tensor
    upper: Tensor

    def __init__(self, bins: list[Tensor]):
        if not bins or any(len(edges) < 2 for edges in bins):
            raise ValueError("bins must hold at least two edges for each feature.")
        super().__init__()
        n_bins = torch.tensor([len(edges) - 1 for edges in bins])
        self.n_features = len(bins)
        self.n_outputs = int(n_bins.sum())
        last = n_bins.cumsum(0) - 1
        first = last - n_bins + 1
        self.register_buffer(
            "feature", torch.arange(len(bins)).repeat_interleave(n_bins)
        )
        self.register_buffer("left", torch.cat([edges[:-1] for edges in bins]))
        inverse_width = torch.cat([1 / edges.diff() for edges in bins])
        # The inverse of a width that overflows is 0, and infinity times 0 is NaN.
        tiny = torch.finfo(inverse_width.dtype).tiny
        self.register_buffer("inverse_width", inverse_width.clamp_min(tiny))
        self.register_buffer("lower", torch.zeros(self.n_outputs))
        self.lower[first] = -_FARTHEST
        self.register_buffer("upper", torch.ones(self.n_outputs))
        self.upper[last] = _FARTHEST

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.n_features:
            raise ValueError(f"expected {self.n_features} features, got {x.shape=}")
        x = x.index_select(-1, self.feature)
        # In the dtype of the rows until values are small: float32 comes last.
        encoded = (x - self.left) * self.inverse_width
        return encoded.to(self.lower.dtype).clamp(self.lower, self.upper)


class Standardization(Encoding):
    """Standardisation: features minus their mean, over their standard deviation.

    **Shape**

    - Input: ``(*, n_features)``
    - Output: ``(*, n_features)``

    Parameters
    ----------
    mean, std : Tensor of shape (n_features,)
        A feature with ``std`` 0 is centred only.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import Standardization
    >>> scaling = Standardization(torch.tensor([1.0, 7.0]), torch.tensor([1.0, 0.0]))
    >>> scaling(torch.tensor([[3.0, 7.0]]))
    tensor([[2., 0.]])
    """

    mean: Tensor
    std: Tensor
    like_net: Tensor

    def __init__(self, mean: Tensor, std: Tensor):
        super().__init__()
        self.n_outputs = len(mean)
        self.register_buffer("mean", mean.clone())
        self.register_buffer("std", torch.where(std > 0, std, torch.ones_like(std)))
        # Empty: it follows the dtype of the net, which need not be that of the rows.
        self.register_buffer("like_net", torch.empty(0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return ((x - self.mean) / self.std).to(self.like_net.dtype)


def encoding_recipe(
    X: Any, kind: str | None, n_bins: int = 16
) -> Callable[[], Encoding] | None:
    """Learn an encoding of the columns of ``X`` that can be built repeatedly.

    Parameters
    ----------
    X : Tensor, ndarray or CSR matrix of shape (n_rows, n_features)
    kind : {'piecewise_linear', 'standard', None}
        None leaves the columns as they are.
    n_bins : int, at least 2, default=16
        Most bins per feature, for 'piecewise_linear'.

    Returns
    -------
    callable or None
        Returns a new :class:`PiecewiseLinearEncoding` or :class:`Standardization` each
        time it is called. It can be pickled.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules._numeric_encoding import encoding_recipe
    >>> recipe = encoding_recipe(torch.randn(100, 2), 'piecewise_linear', n_bins=8)
    >>> recipe().n_outputs
    16
    """
    if kind == "piecewise_linear":
        return partial(PiecewiseLinearEncoding, quantile_bins(X, n_bins))
    if kind == "standard":
        return partial(Standardization, *column_moments(X))
    if kind is not None:
        raise ValueError(
            f"kind must be 'piecewise_linear', 'standard' or None, got {kind!r}."
        )
    return None
