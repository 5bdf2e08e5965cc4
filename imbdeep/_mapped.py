"""Arrays in mapped files, of which only a block stays in memory."""

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

# Most numbers in a block of rows.
BLOCK_SIZE = 2_000_000


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
    >>> from imbdeep._mapped import image_blocks
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
    >>> from imbdeep._mapped import release_pages
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
