"""Bands of images that are brought to [0, 1], and back."""

import numpy as np
import torch
from torch import Tensor


def of_bands(numbers: np.ndarray, like: Tensor) -> Tensor:
    """Numbers of bands, each to be combined with all pixels of its band."""
    return torch.as_tensor(numbers, dtype=like.dtype, device=like.device)[:, None, None]


def to_unit_bands(images: Tensor, low: np.ndarray, high: np.ndarray) -> Tensor:
    """Bring each band from its range to [0, 1], and clip what lies beyond.

    Parameters
    ----------
    images : Tensor of shape (n, bands, height, width)
    low, high : ndarray of shape (bands,)
        Ends of the range of each band; 0 becomes of a band of one value.

    Returns
    -------
    Tensor of shape (n, bands, height, width)

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from imbdeep.augmentations._unit_bands import to_unit_bands
    >>> images = torch.tensor([0.0, 51.0, 999.0]).reshape(1, 1, 1, 3)
    >>> to_unit_bands(images, np.zeros(1), np.full(1, 255.0))
    tensor([[[[0.0000, 0.2000, 1.0000]]]])
    """
    span = of_bands(high - low, images)
    unit = (images - of_bands(low, images)) / span.masked_fill(span == 0, 1)
    return unit.clamp(0, 1)


def from_unit_bands(images: Tensor, low: np.ndarray, high: np.ndarray) -> Tensor:
    """Bring each band from [0, 1] to its range, see :func:`to_unit_bands`."""
    return of_bands(low, images) + of_bands(high - low, images) * images
