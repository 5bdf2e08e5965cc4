"""Encodings of numeric features, learned from the training rows.

A net on raw columns depends on their units and tails. These modules hold what they
learned as buffers, so an unscaled table works and the encoding travels with the net.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from imbdeep._tables.rows import column_moments
from imbdeep.modules._encoding import Encoding
from imbdeep.modules._periodic import PeriodicEncoding
from imbdeep.modules._piecewise_linear import PiecewiseLinearEncoding, quantile_bins
from imbdeep.modules._scaling import (
    RobustScaling,
    Standardization,
    median_and_spread,
)


class SeveralEncodings(Encoding):
    """Several encodings of the same columns, one after the other.

    Parameters
    ----------
    encodings : sequence of Encoding
    """

    def __init__(self, encodings: Sequence[Encoding]):
        super().__init__()
        self.encodings = nn.ModuleList(encodings)
        source = torch.cat([encoding.source for encoding in encodings])
        self.register_buffer("source", source, persistent=False)
        self.register_buffer("neutral", encodings[0].neutral.clone())

    def forward(self, x: Tensor) -> Tensor:
        x = self.filled(x)
        return torch.cat([encoding(x) for encoding in self.encodings], -1)


_RECIPES: dict[str, Callable[[Any, int], Callable[[], Encoding]]] = {
    "piecewise_linear": lambda X, n: partial(
        PiecewiseLinearEncoding, quantile_bins(X, n)
    ),
    "standard": lambda X, n: partial(Standardization, *column_moments(X)),
    "robust": lambda X, n: partial(RobustScaling, *median_and_spread(X)),
    "periodic": lambda X, n: partial(PeriodicEncoding, *median_and_spread(X)),
}


def encoding_kinds(kind: str) -> list[str]:
    """Encodings that a string names, several of them with '+' between.

    Raises
    ------
    ValueError
        If one is unknown.

    Examples
    --------
    >>> from imbdeep.modules._numeric_encoding import encoding_kinds
    >>> encoding_kinds("piecewise_linear+robust")
    ['piecewise_linear', 'robust']
    """
    kinds = kind.split("+")
    unknown = [name for name in kinds if name not in _RECIPES]
    if unknown or len(set(kinds)) < len(kinds):
        raise ValueError(
            f"The 'numeric_encoding' parameter must be one of {sorted(_RECIPES)}, "
            "several of them, such as 'piecewise_linear+robust', or None. Got "
            f"{kind!r} instead."
        )
    return kinds


def encoding_recipe(
    X: Any, kind: str | None, n_bins: int = 16
) -> Callable[[], Encoding] | None:
    """Learn an encoding of numeric columns, to be built as often as needed.

    Parameters
    ----------
    X : Tensor, ndarray or CSR matrix of shape (n_rows, n_features)
        NaN where a number is missing.
    kind : str or None
        See :func:`encoding_kinds`; None leaves the columns as they are.
    n_bins : int, at least 2, default=16
        Most bins of a feature, for 'piecewise_linear'.

    Returns
    -------
    callable or None
        Gives a new :class:`Encoding` each time it is called. It can be pickled.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules._numeric_encoding import encoding_recipe
    >>> encoding_recipe(torch.randn(100, 2), "piecewise_linear", n_bins=8)().n_outputs
    16
    """
    if kind is None:
        return None
    recipes = [_RECIPES[name](X, n_bins) for name in encoding_kinds(kind)]
    return recipes[0] if len(recipes) == 1 else partial(_build_all, recipes)


def _build_all(recipes: Sequence[Callable[[], Encoding]]) -> SeveralEncodings:
    return SeveralEncodings([recipe() for recipe in recipes])
