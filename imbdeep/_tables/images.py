"""Stacks of images, which stay as they are until a batch of them is taken.

A float32 copy of 86,317 tiles of ten bands takes 15 GB, their bytes a quarter of that,
and a mapped file next to nothing.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imbdeep._mapped import image_blocks, release_pages


def is_kept(X: Any) -> bool:
    """Whether batches are to be taken from images as they are, without a copy before.

    Parameters
    ----------
    X : object

    Returns
    -------
    bool
        True for arrays of more than two axes of integers or booleans that float32 holds
        without loss, such as bytes; and for read-only float32, such as a mapped file,
        which torch would copy as a whole.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.images import is_kept
    >>> [is_kept(np.zeros((2, 3, 4), dtype)) for dtype in ("uint8", "int64", "float32")]
    [True, False, False]
    """
    if not isinstance(X, np.ndarray) or X.ndim <= 2:
        return False
    if X.dtype == np.float32:
        return not X.flags.writeable
    return X.dtype.kind in "iub" and np.can_cast(X.dtype, np.float32)


def take_images(X: np.ndarray, index: Tensor) -> Tensor:
    """Take images by position, as float32 of the same values.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
    index : Tensor of shape (k,), int64

    Returns
    -------
    Tensor of shape (k, ...), float32

    Examples
    --------
    >>> import numpy as np, torch
    >>> from imbdeep._tables.images import take_images
    >>> take_images(np.arange(4, dtype=np.uint8).reshape(4, 1, 1), torch.tensor([3]))
    tensor([[[3.]]])
    """
    # astype copies even float32: what is taken may not share memory with the file.
    images = X[index.numpy()].astype(np.float32, order="C")
    release_pages(X)
    return torch.from_numpy(images)


def check_has_pixels(X: Any) -> None:
    """Refuse images without bands or without pixels.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n, ...)
        Tables pass.

    Raises
    ------
    ValueError
    """
    if len(X.shape) > 2 and 0 in X.shape[1:]:
        raise ValueError(
            f"The images of X have shape {X.shape[1:]}: there is nothing in them. Look "
            "at how they were cut, or their bands chosen."
        )


def check_like_training(X: Any, trained: tuple[int, ...], estimator: object) -> None:
    """Refuse images of other axes or bands than in training, and say what helps.

    Parameters
    ----------
    X : object with a shape
    trained : tuple of int
        Shape of an image in training; pixels may be of another number.
    estimator : object
        Named in errors.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.images import check_like_training
    >>> check_like_training(np.zeros((3, 8, 8)), (3, 8, 8), object())
    Traceback (most recent call last):
    ValueError: X has shape (3, 8, 8), and object was trained on images of shape (n, ...
    """
    shape = tuple(X.shape)
    if len(shape) == 1 + len(trained) and shape[1] == trained[0]:
        return
    expected = ", ".join(map(str, ("n", *trained)))
    raise ValueError(
        f"X has shape {shape}, and {type(estimator).__name__} was trained on images of "
        f"shape ({expected}). {_remedy(shape, trained)}"
    )


def _remedy(shape: tuple[int, ...], trained: tuple[int, ...]) -> str:
    """What makes images of a shape those of training."""
    one, n_bands = len(shape) == len(trained), trained[0]
    if one and shape[0] == n_bands:
        return "Give a single image a first axis, X[None]."
    if one and n_bands == 1:
        return "Give images without bands one, X[:, None]."
    if shape[-1] == n_bands and one:
        return "Put bands first, and an axis before them: np.moveaxis(X, -1, 0)[None]."
    if shape[-1] == n_bands and len(shape) == 1 + len(trained):
        return "Put bands before the pixels: np.moveaxis(X, -1, 1)."
    if len(shape) == 2 and shape[1] == math.prod(trained):
        return f"Reshape them: X.reshape(-1, {', '.join(map(str, trained))})."
    return "Choose the bands that training had, in axes of this order."


def check_fits_float32(X: np.ndarray) -> None:
    """Refuse images that float32 cannot hold.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
        Finite.

    Raises
    ------
    ValueError
        If a pixel is larger than the largest float32, or all are smaller than the
        smallest; the message names the pixel.
    """
    if np.can_cast(X.dtype, np.float32):
        return
    most, least = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
    largest, start = 0.0, 0
    for block in image_blocks(X):
        low, high = float(block.min()), float(block.max())
        if max(-low, high) > most:
            first = np.argwhere(np.abs(block.astype(np.float64)) > most)[0]
            value = block[tuple(first)]
            first[0] += start
            raise ValueError(
                f"X holds {value:g} in the pixel {tuple(first.tolist())}, and nets "
                f"compute in float32, which ends at {most:.2g}. Scale the images "
                "first, for example with BandScaler, or drop those with such pixels."
            )
        largest = max(largest, -low, high)
        start += len(block)
    if 0 < largest < least:
        raise ValueError(
            f"The largest pixel of X is {largest:g}, and nets compute in float32, in "
            f"which numbers below {least:.2g} lose their digits. Scale the images "
            "first, for example with BandScaler."
        )
