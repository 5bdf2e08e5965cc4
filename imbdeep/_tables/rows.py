"""Tables that may be sparse: rows of a batch, and statistics of columns.

A sparse table is made dense one batch of rows or one block of columns at a time, never
as a whole.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.utils.sparsefuncs import min_max_axis
from torch import Tensor

# Most numbers in a block of columns, so that it can be sorted in memory.
BLOCK_SIZE = 2_000_000


def take(X: Any, index: Tensor) -> Any:
    """Take rows of a tensor or of a CSR matrix by position.

    Parameters
    ----------
    X : Tensor of shape (n, ...) or CSR matrix of shape (n, n_features)
    index : Tensor of shape (k,), int64

    Returns
    -------
    Tensor of shape (k, ...) or CSR matrix of shape (k, n_features)

    Examples
    --------
    >>> import torch
    >>> from imbdeep._tables.rows import take
    >>> take(torch.tensor([[1.0], [2.0]]), torch.tensor([1]))
    tensor([[2.]])
    """
    if sparse.issparse(X):
        return X[index.numpy()]
    # index_select gathers whole rows; indexing with a tensor goes element by element.
    return X.index_select(0, index)


def dense(X: Any) -> Tensor:
    """Convert a few rows, sparse or not, to a dense tensor.

    Examples
    --------
    >>> from scipy import sparse
    >>> from imbdeep._tables.rows import dense
    >>> dense(sparse.csr_array([[0.0, 2.0]]))
    tensor([[0., 2.]], dtype=torch.float64)
    """
    if sparse.issparse(X):
        return torch.from_numpy(X.toarray())
    # torch cannot share memory that NumPy holds read-only.
    if isinstance(X, np.ndarray):
        X = np.require(X, requirements="W")
    return torch.as_tensor(X)


def as_arrays(rows: Any) -> Any:
    """Convert rows for a data set: tensors to arrays; others pass unchanged.

    Parameters
    ----------
    rows : Tensor, ndarray, CSR matrix or dict of such

    Returns
    -------
    ndarray, CSR matrix or dict of such

    Examples
    --------
    >>> import torch
    >>> from imbdeep._tables.rows import as_arrays
    >>> as_arrays({"X": torch.zeros(2)})
    {'X': array([0., 0.], dtype=float32)}
    """
    if isinstance(rows, dict):
        return {name: as_arrays(X) for name, X in rows.items()}
    return rows.numpy() if torch.is_tensor(rows) else rows


def column_blocks(X: Any) -> Iterator[Tensor]:
    """Iterate over the columns of a table in blocks of at most ``BLOCK_SIZE`` numbers.

    Parameters
    ----------
    X : ndarray or Tensor of shape (n, ...), or CSR matrix of shape (n, n_features)

    Yields
    ------
    Tensor of shape (n, k, ...)

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.rows import column_blocks
    >>> [block.shape for block in column_blocks(np.zeros((1_000_000, 3)))]
    [torch.Size([1000000, 2]), torch.Size([1000000, 1])]
    """
    if sparse.issparse(X):
        X = X.tocsc()  # each slice of columns would read all of a CSR matrix
    width = max(1, BLOCK_SIZE // X.shape[0])
    for start in range(0, X.shape[1], width):
        yield dense(X[:, start : start + width])


def column_range(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest value of each column.

    Parameters
    ----------
    X : ndarray or Tensor of shape (n, ...), or CSR matrix of shape (n, n_features)

    Returns
    -------
    low, high : ndarray of the shape of a row, of the dtype of X
        Of what is not missing; NaN for a column without a single value.

    Examples
    --------
    >>> from scipy import sparse
    >>> from imbdeep._tables.rows import column_range
    >>> column_range(sparse.csr_array([[0.0, 2.0], [0.0, 3.0]]))
    (array([0., 2.]), array([0., 3.]))
    """
    if sparse.issparse(X):
        return min_max_axis(X, axis=0, ignore_nan=True)
    low, high = (end.numpy() for end in torch.aminmax(dense(X), dim=0))
    for gappy in np.argwhere(np.isnan(low)):
        # Without the warning that nanmin has for a column of nothing.
        column = (slice(None), *gappy)
        low[tuple(gappy)] = np.fmin.reduce(np.asarray(X)[column])
        high[tuple(gappy)] = np.fmax.reduce(np.asarray(X)[column])
    return low, high


def missing_shares(X: Any) -> np.ndarray:
    """Share of the rows that lack the number of each column.

    Parameters
    ----------
    X : ndarray of shape (n, ...) or CSR matrix of shape (n, n_features)

    Returns
    -------
    ndarray of the shape of a row

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.rows import missing_shares
    >>> missing_shares(np.array([[0.0, np.nan], [0.0, 1.0]]))
    array([0. , 0.5])
    """
    if sparse.issparse(X):
        missing = np.bincount(X.indices[np.isnan(X.data)], minlength=X.shape[1])
        return missing / X.shape[0]
    # A sum is missing as soon as one of its terms is, and needs no mask as large as X.
    with np.errstate(all="ignore"):
        sums = X.sum(0)
    return np.isnan(X).mean(0) if np.isnan(sums).any() else np.zeros(sums.shape)


def column_moments(X: Any) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each column, without its missing values.

    Parameters
    ----------
    X : ndarray or Tensor of shape (n, ...), or CSR matrix of shape (n, n_features)

    Returns
    -------
    mean, std : Tensor of the shape of a row, of the dtype of X; float64 of integers

    Examples
    --------
    >>> from scipy import sparse
    >>> from imbdeep._tables.rows import column_moments
    >>> mean, std = column_moments(sparse.csr_array([[0.0, 2.0], [0.0, 4.0]]))
    >>> mean.tolist(), std.tolist()
    ([0.0, 3.0], [0.0, 1.0])
    """
    if X.shape[1] == 0:
        return torch.zeros(0), torch.zeros(0)
    moments = [
        _moments(block if block.is_floating_point() else block.double())
        for block in column_blocks(X)
    ]
    mean, std = (torch.cat(parts) for parts in zip(*moments, strict=True))
    return mean, std


def _moments(X: Tensor) -> tuple[Tensor, Tensor]:
    gappy = X.isnan().any(0)
    if gappy.any():
        return _moments_of_gappy(X, gappy)
    std, mean = torch.std_mean(X, 0, correction=0)
    if not (std.isfinite() & mean.isfinite()).all():
        # Sums and squares overflow long before the values do.
        unit = X.abs().amax(0).clamp_min(1)
        std, mean = (part * unit for part in torch.std_mean(X / unit, 0, correction=0))
    return mean, std


def _moments_of_gappy(X: Tensor, gappy: Tensor) -> tuple[Tensor, Tensor]:
    """Moments where values are missing; 0 of a column that has none."""
    mean, std = _moments(X.masked_fill(gappy, 0))
    for column in gappy.nonzero().flatten().tolist():
        present = X[:, column]
        present = present[~present.isnan()]
        if len(present):
            own_mean, own_std = _moments(present[:, None])
            mean[column], std[column] = own_mean[0], own_std[0]
    return mean, std
