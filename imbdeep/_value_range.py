"""The range of values of each band of images, as users give it or as rows have it."""

from typing import Any

import numpy as np

from imbdeep._arguments import shown
from imbdeep._mapped import image_blocks


def read_value_range(value_range: Any, n_bands: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the smallest and largest value of each band.

    Parameters
    ----------
    value_range : tuple (low, high)
        Each side is a number, or an array-like of one number for each band.
    n_bands : int

    Returns
    -------
    low, high : ndarray of shape (n_bands,), float64

    Raises
    ------
    ValueError
        If it is no such pair.

    Examples
    --------
    >>> from imbdeep._value_range import read_value_range
    >>> read_value_range((0, [1, 255]), 2)
    (array([0., 0.]), array([  1., 255.]))
    """
    try:
        low, high = (
            np.array(np.broadcast_to(np.asarray(side, dtype=np.float64), (n_bands,)))
            for side in value_range
        )
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            "value_range must be a pair (low, high) of numbers, or of arrays with one "
            f"number for each of the {n_bands} bands, got {shown(value_range)}."
        ) from None
    # NaN compares as False, and is refused as well.
    if not (low <= high).all():
        raise ValueError(
            f"value_range must have low at most high, got {shown(value_range)}."
        )
    check_span(low, high)
    return low, high


def check_span(low: np.ndarray, high: np.ndarray) -> None:
    """Refuse a range that is too wide for the float32 that images are computed in."""
    with np.errstate(over="ignore", invalid="ignore"):
        spans = np.float32(high) - np.float32(low)
    if not np.isfinite(spans).all():
        band = int(np.argmin(np.isfinite(spans)))
        raise ValueError(
            f"Band {band} goes from {low[band]:g} to {high[band]:g}, which is too wide "
            "for float32. Scale the images."
        )


def range_of_bands(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest value of each band of a stack of images.

    Parameters
    ----------
    images : ndarray of shape (n, bands, height, width)
        Also a mapped file, which is read a block at a time.

    Returns
    -------
    low, high : ndarray of shape (bands,), float64

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._value_range import range_of_bands
    >>> range_of_bands(np.arange(8).reshape(1, 2, 2, 2))
    (array([0., 4.]), array([3., 7.]))
    """
    ends = [
        (block.min(axis=(0, 2, 3)), block.max(axis=(0, 2, 3)))
        for block in image_blocks(images)
    ]
    lows, highs = (np.array(side, dtype=np.float64) for side in zip(*ends, strict=True))
    return lows.min(0), highs.max(0)


def check_in_range(
    low: np.ndarray,
    high: np.ndarray,
    least: np.ndarray,
    greatest: np.ndarray,
) -> None:
    """Refuse images whose bands leave the range that was given for them.

    Parameters
    ----------
    low, high : ndarray of shape (bands,)
        The range that was given.
    least, greatest : ndarray of shape (bands,)
        That of the images.

    Raises
    ------
    ValueError
        The message names the first band and its range.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._value_range import check_in_range
    >>> zero, one = np.zeros(1), np.ones(1)
    >>> check_in_range(zero, one, zero, 255 * one)
    Traceback (most recent call last):
    ValueError: Band 0 of the images goes from 0 to 255, outside of value_range 0 ...
    """
    # Interpolation rounds; what counts is a level of 256.
    slack = (high - low) / 255
    # NaN compares as False, and is refused as well.
    outside = ~((least >= low - slack) & (greatest <= high + slack))
    if outside.any():
        band = int(np.argmax(outside))
        if not (np.isfinite(least[band]) and np.isfinite(greatest[band])):
            raise ValueError(
                f"Band {band} of the images has pixels that are missing or infinite. "
                "Fill them first, for example with numpy.nan_to_num."
            )
        raise ValueError(
            f"Band {band} of the images goes from {least[band]:g} to "
            f"{greatest[band]:g}, outside of value_range {low[band]:g} to "
            f"{high[band]:g}. Give the range of the images, such as value_range="
            f"({least[band]:g}, {greatest[band]:g}), or scale them."
        )
