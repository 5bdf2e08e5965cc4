"""Stacks of images, which stay as they are until a batch of them is taken.

A float32 copy of 86,317 tiles of ten bands takes 15 GB, their bytes a quarter of that,
and a mapped file next to nothing.
"""

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imbdeep._tables.rows import BLOCK_SIZE


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


def image_blocks(X: np.ndarray) -> Iterator[np.ndarray]:
    """Iterate over images in blocks of at most ``BLOCK_SIZE`` numbers.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
        Of a mapped file no more than a block stays in memory.

    Yields
    ------
    ndarray of shape (k, ...)
        A view.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.images import image_blocks
    >>> [len(block) for block in image_blocks(np.zeros((5, 1000, 1000), np.uint8))]
    [2, 2, 1]
    """
    step = max(1, BLOCK_SIZE // max(1, X[:1].size))
    for start in range(0, len(X), step):
        yield X[start : start + step]
        release_pages(X)


def release_pages(X: np.ndarray) -> None:
    """Let go of the pages of a mapped file, which count as memory of the process.

    What was written to them is not lost: it belongs to the file. A mapping whose
    changes belong to the process alone is left as it is, and so is any other array.

    Parameters
    ----------
    X : ndarray

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.images import release_pages
    >>> release_pages(np.zeros(3))
    """
    mapping = _shared_mapping(X)
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def _shared_mapping(X: Any) -> mmap.mmap | None:
    """Mapping of the file that an array is a view of, or None."""
    mode = "c"
    while X is not None and not isinstance(X, mmap.mmap):
        if isinstance(X, np.memmap):
            mode = X.mode
        X = getattr(X, "base", None)
    return None if mode == "c" else X
