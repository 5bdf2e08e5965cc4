"""Checks of the layer sizes that users choose."""

from numbers import Integral
from typing import Any

import numpy as np


def _is_size(value: Any) -> bool:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    return whole and int(value) >= 1


def read_sizes(name: str, sizes: Any, *, may_be_empty: bool = True) -> tuple[int, ...]:
    """Refuse anything but a sequence of whole numbers of at least 1.

    Parameters
    ----------
    name : str
        Name of the parameter, for errors.
    sizes : object
    may_be_empty : bool, default=True

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep._sizes import read_sizes
    >>> read_sizes("hidden_sizes", [16, 8])
    (16, 8)
    >>> read_sizes("hidden_sizes", 16)
    Traceback (most recent call last):
    ValueError: hidden_sizes must hold whole numbers of at least 1, one per layer, ...
    """
    listed = isinstance(sizes, list | tuple) or np.ndim(sizes) == 1
    if listed and all(map(_is_size, sizes)) and (may_be_empty or len(sizes)):
        return tuple(map(int, sizes))
    remedy = f" Pass {name}=({sizes},)." if _is_size(sizes) else ""
    raise ValueError(
        f"{name} must hold whole numbers of at least 1, one per layer, got {sizes!r}."
        f"{remedy}"
    )
