"""Scalings of numeric features: by their moments, or by their quartiles."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from imbdeep._tables.rows import column_blocks
from imbdeep.modules._encoding import Encoding

# Where a value far from the others ends, in interquartile ranges from the median.
_CLIP = 3.0
_FAR = 1e30


class Standardization(Encoding):
    """Features minus their mean, over their standard deviation.

    **Shape**

    - Input: ``(*, n_features)``; NaN counts as the mean
    - Output: ``(*, n_features)``

    Parameters
    ----------
    mean, std : Tensor of shape (n_features,)
        A feature with ``std`` 0 is only centred.

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
        self.register_buffer("source", torch.arange(len(mean)), persistent=False)
        self.register_buffer("neutral", mean.clone())
        self.register_buffer("mean", mean.clone())
        self.register_buffer("std", torch.where(std > 0, std, torch.ones_like(std)))
        # Empty: it knows the dtype of the net, which may be another than that of rows.
        self.register_buffer("like_net", torch.empty(0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return ((self.filled(x) - self.mean) / self.std).to(self.like_net.dtype)


class RobustScaling(Encoding):
    r"""Features in interquartile ranges from their median, smoothly clipped [1]_.

    With :math:`z = (x - \mathrm{median}) / \mathrm{IQR}` it gives
    :math:`z / \sqrt{1 + (z / 3)^2}`, which is about z near the median and never beyond
    3.

    **Shape**

    - Input: ``(*, n_features)``; NaN counts as the median
    - Output: ``(*, n_features)``

    Parameters
    ----------
    median, spread : Tensor of shape (n_features,)
        A feature with ``spread`` 0 is only centred.

    References
    ----------
    .. [1] D. Holzmueller, L. Grinsztajn, I. Steinwart. "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data". NeurIPS 2024.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import RobustScaling
    >>> scaling = RobustScaling(torch.tensor([1.0]), torch.tensor([2.0]))
    >>> scaling(torch.tensor([[1.0], [3.0], [1e9], [torch.nan]]))
    tensor([[0.0000],
            [0.9487],
            [3.0000],
            [0.0000]])
    """

    spread: Tensor
    like_net: Tensor

    def __init__(self, median: Tensor, spread: Tensor):
        super().__init__()
        self.register_buffer("source", torch.arange(len(median)), persistent=False)
        self.register_buffer("neutral", median.clone())
        usable = torch.where(spread > 0, spread, torch.ones_like(spread))
        self.register_buffer("spread", usable)
        # Empty: it knows the dtype of the net, which may be another than that of rows.
        self.register_buffer("like_net", torch.empty(0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        z = (self.filled(x) - self.neutral) / self.spread
        # Of float64 rows it may be beyond float32: infinity by infinity is no number.
        z = z.clamp(-_FAR, _FAR).to(self.like_net.dtype)
        # Not z / sqrt(1 + z**2 / 9), whose square overflows.
        return _CLIP * z / torch.hypot(z, z.new_tensor(_CLIP))


def median_and_spread(X: Any) -> tuple[Tensor, Tensor]:
    """Median and interquartile range of each column, of what is not missing.

    Where more than half of the values are alike, half of the range stands for the
    interquartile range.

    Parameters
    ----------
    X : Tensor, ndarray or CSR matrix of shape (n_rows, n_features)

    Returns
    -------
    median, spread : Tensor of shape (n_features,)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules._scaling import median_and_spread
    >>> median_and_spread(torch.tensor([[0.0], [1.0], [2.0], [3.0], [9.0]]))
    (tensor([2.]), tensor([2.]))
    """
    parts = list(_quartiles(X))
    low, first, median, third, high = (
        torch.cat(own) for own in zip(*parts, strict=True)
    )
    quartiles, half_range = third - first, high / 2 - low / 2
    return median, torch.where(quartiles > 0, quartiles, half_range)


def _quartiles(X: Any) -> Iterator[Tensor]:
    for block in column_blocks(X):
        block = block if block.is_floating_point() else block.double()
        at = torch.linspace(0, 1, 5, dtype=block.dtype)
        # A column without a single value has none.
        yield torch.nanquantile(block, at, dim=0).nan_to_num(0.0)
