"""Read torch data sets and tensors as arrays."""

from collections.abc import Mapping

import numpy as np
import torch
from scipy import sparse
from skorch.dataset import Dataset
from skorch.utils import is_dataset
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

# Rows fetched from a data set at a time.
_CHUNK = 1024


def arrays_of(X, y=None):
    """Convert rows and labels that torch holds to arrays.

    Parameters
    ----------
    X : array-like, sparse matrix, Tensor, dict of one of these, or map-style Dataset
        A data set yields pairs (x, y) of arrays, tensors or numbers, or x alone; all
        of its rows are read into memory.
    y : array-like, Tensor or None, default=None
        Replaces the labels that a data set yields.

    Returns
    -------
    X, y
        Arrays; input that is not torch's passes unchanged. y is None if there are no
        labels.

    Raises
    ------
    ValueError
        If a data set or a dict holds something else.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> from imbdeep._tables.torch_data import arrays_of
    >>> arrays_of(TensorDataset(torch.zeros(2, 1), torch.tensor([0, 1])))
    (array([[0.],
           [0.]], dtype=float32), array([0, 1]))
    """
    # A DOK matrix is a dict of its entries.
    if isinstance(X, Mapping) and not sparse.issparse(X):
        X = _only_entry(X)
    if is_dataset(X):
        X, labels = _read(X)
        y = labels if y is None else y
    return as_array(X), as_array(y)


def as_array(values):
    """Convert a tensor of any device and dtype to an array; others pass unchanged.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._tables.torch_data import as_array
    >>> as_array(torch.ones(1, dtype=torch.bfloat16))
    array([1.], dtype=float32)
    """
    if isinstance(values, np.ma.MaskedArray):
        # What is masked is missing.
        return np.where(np.ma.getmaskarray(values), None, values.data.astype(object))
    if not torch.is_tensor(values):
        return values
    # NumPy has no such dtype; float32 holds each of its numbers.
    values = values.float() if values.dtype == torch.bfloat16 else values
    return values.detach().cpu().numpy()


def _only_entry(X):
    if len(X.keys()) != 1:
        raise ValueError(
            f"X is a dict with the entries {list(X)}, and the net takes one table. "
            "Join them, for example with numpy.hstack, or pass one of them."
        )
    return next(iter(X.values()))


def _read(dataset):
    if isinstance(dataset, IterableDataset):
        raise ValueError(
            f"X is a {type(dataset).__name__}, which yields rows without end or order, "
            "and the net looks at all rows before it trains. Pass a map-style Dataset, "
            "or arrays."
        )
    if isinstance(dataset, Subset):
        X, y = _read(dataset.dataset)
        rows = np.asarray(dataset.indices)
        return X[rows], None if y is None else y[rows]
    # Only this very type: a subclass may transform its rows in __getitem__.
    if type(dataset) is Dataset and not isinstance(dataset.X, list | tuple):
        X = _only_entry(dataset.X) if isinstance(dataset.X, Mapping) else dataset.X
        return as_array(X), None if dataset.y is None else np.asarray(dataset.y)
    if type(dataset) is TensorDataset:
        return _pair(dataset, [as_array(tensor) for tensor in dataset.tensors])
    chunks = list(DataLoader(dataset, batch_size=_CHUNK, collate_fn=_stack))
    if not chunks:
        raise ValueError(f"X is a {type(dataset).__name__} without rows.")
    return _pair(
        dataset, [np.concatenate(parts) for parts in zip(*chunks, strict=True)]
    )


def _stack(samples):
    """Stack the parts of samples into arrays."""
    if not isinstance(samples[0], tuple | list):
        samples = [(sample,) for sample in samples]
    if any(isinstance(sample[0], Mapping | str) for sample in samples):
        raise ValueError(
            f"X is a data set that yields rows of type {type(samples[0][0]).__name__}, "
            "and the net takes one array per row. Let it yield pairs (x, y) of arrays."
        )
    columns = zip(*samples, strict=True)
    return [np.stack([np.asarray(value) for value in column]) for column in columns]


def _pair(dataset, arrays):
    if len(arrays) > 2:
        raise ValueError(
            f"X is a {type(dataset).__name__} that yields {len(arrays)} values per "
            "row. Let it yield pairs (x, y) of arrays."
        )
    return arrays[0], arrays[1] if len(arrays) == 2 else None
