"""Read torch data sets and tensors as arrays."""

from collections.abc import Mapping

import numpy as np
import torch
from scipy import sparse
from skorch.dataset import Dataset
from skorch.utils import is_dataset
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from imbdeep._tables.row_kinds import check_has_rows

# Rows fetched from a data set at a time.
_CHUNK = 1024

# Tensors that NumPy cannot read.
_NO_ARRAYS = [
    (
        lambda tensor: tensor.is_nested,
        "nested",
        "Fill up its rows to one length, with to_padded_tensor().",
    ),
    (
        lambda tensor: tensor.layout != torch.strided,
        "sparse",
        "Pass it dense, with to_dense(), or as a sparse matrix of SciPy.",
    ),
    (
        lambda tensor: tensor.is_quantized,
        "quantized",
        "Pass its numbers, with dequantize().",
    ),
    (
        lambda tensor: tensor.is_meta,
        "meta",
        "It has a shape, but no numbers: pass one on another device.",
    ),
]


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
        If a data set or a dict holds something else, or X has no rows of numbers.

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
    X = as_array(X)
    check_has_rows(X)
    return X, as_array(y)


def as_array(values):
    """Convert a tensor of any device and dtype to an array; others pass unchanged.

    Raises
    ------
    ValueError
        If there is no array of the same numbers.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._tables.torch_data import as_array
    >>> as_array(torch.ones(1, dtype=torch.bfloat16))
    array([1.], dtype=float32)
    """
    if isinstance(values, np.ma.MaskedArray):
        if not np.ma.is_masked(values):
            return values.data
        # What is masked is missing; integers keep all their digits among objects.
        if values.dtype.kind == "f":
            return values.filled(np.nan)
        return np.where(np.ma.getmaskarray(values), None, values.data.astype(object))
    if not torch.is_tensor(values):
        return values
    for is_such, kind, remedy in _NO_ARRAYS:
        if is_such(values):
            raise ValueError(f"A {kind} tensor cannot be used. {remedy}")
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
    return _pair(dataset, _join(np.concatenate, chunks))


def _stack(samples):
    """Stack the parts of samples into arrays."""
    if not isinstance(samples[0], tuple | list):
        samples = [(sample,) for sample in samples]
    if any(isinstance(sample[0], Mapping | str) for sample in samples):
        raise ValueError(
            f"X is a data set that yields rows of type {type(samples[0][0]).__name__}, "
            "and the net takes one array per row. Let it yield pairs (x, y) of arrays."
        )
    return _join(np.stack, samples)


def _join(function, samples):
    """Join the first parts of samples, the second parts and so on."""
    joined = []
    for column in zip(*samples, strict=True):
        arrays = [np.asarray(as_array(value)) for value in column]
        try:
            joined.append(function(arrays))
        except ValueError as error:
            what = "labels" if joined else "rows"
            raise ValueError(
                f"X is a data set that yields {what} of different shapes. Fill up the "
                f"short ones, or sum each up: {error}."
            ) from None
    return joined


def _pair(dataset, arrays):
    if len(arrays) > 2:
        raise ValueError(
            f"X is a {type(dataset).__name__} that yields {len(arrays)} values per "
            "row. Let it yield pairs (x, y) of arrays."
        )
    return arrays[0], arrays[1] if len(arrays) == 2 else None
