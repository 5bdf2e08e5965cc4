"""Piecewise-linear encoding of numeric features, by their quantiles."""

import warnings
from typing import Any

import torch
from rtdl_num_embeddings import compute_bins
from torch import Tensor

from imbdeep._tables.rows import column_blocks
from imbdeep.modules._encoding import Encoding

# Where the open ends of an encoding end all the same, in widths of the outermost bin:
# an attack may take a value far out of a bin that is narrow beside the column.
_FARTHEST = 1e6

# A table of thousands of columns gets fewer bins for each.
_MOST_INPUTS = 16_384


def quantile_bins(X: Any, n_bins: int) -> list[Tensor]:
    """Edges of the quantile bins of each column.

    Parameters
    ----------
    X : Tensor, ndarray or CSR matrix of shape (n_rows, n_features)
        Finite numbers; missing ones have no part in the edges.
    n_bins : int, at least 2
        Most bins a column gets, fewer if that gave more than 16,384 in all. Ties give
        fewer; a constant column gets one.

    Returns
    -------
    list of n_features Tensors
        Increasing edges, at least two a column.
    """
    bins: list[Tensor] = []
    n_bins = max(2, min(n_bins, _MOST_INPUTS // max(1, X.shape[1])))
    for block in column_blocks(X):
        bins += _bins_of_block(block, n_bins)
    return bins


def _bins_of_block(X: Tensor, n_bins: int) -> list[Tensor]:
    gappy = X.isnan().any(0)
    if gappy.any():
        bins = _bins_of_block(X.masked_fill(gappy, 0), n_bins)
        for column in gappy.nonzero().flatten().tolist():
            bins[column] = _bins_of_block(_present(X[:, column])[:, None], n_bins)[0]
        return bins
    if len(X) == 2:
        X = X.repeat(2, 1)  # compute_bins wants more rows than bins
    n_bins = max(2, min(n_bins, len(X) - 1))
    varies = (X[0] != X).any(0)
    constants = (~varies).nonzero().flatten()
    varying = varies.nonzero().flatten()
    bins = [X] * X.shape[1]
    for column in constants.tolist():
        x = X[0, column]
        bins[column] = torch.stack([x, x + x.abs().clamp_min(1)])
    if len(varying) == 0:
        return bins
    with warnings.catch_warnings():
        # A column of two values has one bin, which is just what it needs.
        warnings.filterwarnings("ignore", message="The .* feature has just two")
        edges = compute_bins(X[:, varying], n_bins)
    for column, feature_edges in zip(varying.tolist(), edges, strict=True):
        bins[column] = drop_narrow_bins(feature_edges)
    return bins


def _present(column: Tensor) -> Tensor:
    """Values that are not missing; a zero if there is none."""
    present = column[~column.isnan()]
    return present if len(present) else column.new_zeros(1)


def drop_narrow_bins(edges: Tensor) -> Tensor:
    """Drop edges so close to the one before that 1 / width overflows."""
    keep = torch.isfinite(1 / edges.diff())
    if len(keep) > 0 and keep.all():
        return edges
    keep = torch.cat([keep.new_ones(1), keep])
    if keep.sum() >= 2:
        return edges[keep]
    return torch.stack([edges[0], edges[0] + 1])


class PiecewiseLinearEncoding(Encoding):
    r"""Piecewise-linear encoding of numeric features [1]_, eq. 1.

    A feature with bins :math:`[b_{t-1}, b_t]` becomes one number a bin,
    :math:`(x - b_{t-1}) / (b_t - b_{t-1})`, clipped to [0, 1] but for the open ends of
    the first and the last bin, which go on for a million of its
    widths. The net sees where in its distribution a value lies, whatever the unit of
    the column.

    **Shape**

    - Input: ``(*, n_features)``; NaN counts as the middle edge, about the median
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

    NOTE[DIFF]: the encoding itself is the library's, computed without its padding to
    the largest number of bins: a table with 70 continuous and 30 binary columns is
    encoded ten times faster, and inputs may have any number of leading axes.
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

    left: Tensor
    inverse_width: Tensor
    lower: Tensor
    upper: Tensor

    def __init__(self, bins: list[Tensor]):
        if not bins or any(len(edges) < 2 for edges in bins):
            raise ValueError("bins must hold at least two edges for each feature.")
        super().__init__()
        n_edges = torch.tensor([len(edges) for edges in bins])
        n_bins = n_edges - 1
        self.n_features = len(bins)
        # All columns at once: a loop over them took a tenth of a small fit.
        edges = torch.cat(bins)
        end = n_edges.cumsum(0)
        is_last = torch.zeros(len(edges), dtype=torch.bool)
        is_last[end - 1] = True
        self.register_buffer("neutral", edges[end - n_edges + n_edges // 2])
        last = n_bins.cumsum(0) - 1
        first = last - n_bins + 1
        self.register_buffer(
            "source", torch.arange(len(bins)).repeat_interleave(n_bins)
        )
        self.register_buffer("left", edges[~is_last])
        inverse_width = 1 / edges.diff()[~is_last[:-1]]
        # A width that overflows has inverse 0, and infinity times 0 is no number.
        tiny = torch.finfo(inverse_width.dtype).tiny
        self.register_buffer("inverse_width", inverse_width.clamp_min(tiny))
        self.register_buffer("lower", torch.zeros(self.n_outputs))
        self.lower[first] = -_FARTHEST
        self.register_buffer("upper", torch.ones(self.n_outputs))
        self.upper[last] = _FARTHEST

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.n_features:
            raise ValueError(f"expected {self.n_features} features, got {x.shape=}")
        x = self.filled(x).index_select(-1, self.source)
        encoded = (x - self.left) * self.inverse_width
        return encoded.to(self.lower.dtype).clamp(self.lower, self.upper)
