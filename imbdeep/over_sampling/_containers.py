"""Append synthetic rows to the user's rows, in the user's container.

The user's values are never converted to another dtype and back: float64 cannot hold all
integers beyond 2**53.
"""

import narwhals.stable.v2 as nw
import numpy as np
import torch
from scipy import sparse
from sklearn.utils import _safe_indexing
from torch import Tensor

from imbdeep._tables.column_kinds import missing_in
from imbdeep._tables.frame_building import (
    FrameLike,
    append,
    as_objects_of,
    common_type,
    floats_within,
    integers_within,
)
from imbdeep._tables.frames import is_data_frame, is_pandas, rows_as_array
from imbdeep._tables.precision import has_large_integers


def container_of(X):
    """Choose the object that puts synthetic rows into the container of ``X``.

    Parameters
    ----------
    X : {ndarray, sparse matrix, data frame, list} of shape (n, ...)

    Returns
    -------
    object
        With methods ``build(rows)`` and ``append(X, rows)``.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.over_sampling._containers import container_of
    >>> X = [[2**53 + 1, 0.5]]
    >>> container_of(X).append(X, np.array([[7.0, 0.25]]))
    [[9007199254740993, 0.5], [7.0, 0.25]]
    """
    if is_data_frame(X):
        return FrameContainer(X)
    if sparse.issparse(X):
        return SparseContainer(X)
    return ListContainer(X) if isinstance(X, list) else ArrayContainer(X)


class ArrayContainer:
    """An array of any dtype, or anything that NumPy converts to one.

    Parameters
    ----------
    X : array-like of shape (n, ...)

    Notes
    -----
    Floating point, text and objects keep their dtype. Integers and booleans become
    float64 if synthetic rows hold fractions, unless an integer lies beyond 2**53, which
    float64 may not hold: then the fractions are rounded.
    """

    def __init__(self, X):
        X = np.asarray(X)
        self._learn_dtype(X.dtype, X)
        self._objects = None
        if X.dtype == object and X.ndim == 2:
            self._objects = [(common_type(c), c[missing_in(c)][:1]) for c in X.T]

    def _learn_dtype(self, dtype, values):
        self._dtype = dtype
        self._keeps = dtype.kind not in "iub" or has_large_integers(values)

    def _cast(self, rows):
        """Convert synthetic numbers to the dtype of the result."""
        given, made = self._dtype.kind, rows.dtype.kind
        is_alike = given == made or (given in "iu" and made in "iu")
        if not (self._keeps or is_alike) and rows.size:
            return rows
        if given in "iu":
            return integers_within(rows, self._dtype)
        if given == "f":
            return floats_within(rows, self._dtype)
        # Text without a width: NumPy widens it in concatenate.
        return rows.astype(given if given in "US" else self._dtype)

    def build(self, rows):
        """Convert synthetic rows of shape (n, ...) to an array like the user's."""
        if self._objects is None:
            return self._cast(rows)
        made = np.empty(rows.shape, dtype=object)
        for position, (own, gap) in enumerate(self._objects):
            values = rows[:, position]
            missing = missing_in(values)
            made[~missing, position] = as_objects_of(own, values[~missing])
            made[missing, position] = gap[0] if len(gap) else values[missing]
        return made

    def append(self, X, rows):
        """Append synthetic rows to those of ``X``."""
        return np.concatenate([np.asarray(X), self.build(rows)])


class SparseContainer(ArrayContainer):
    """A sparse matrix or array of any format; dtypes are treated as in arrays.

    Parameters
    ----------
    X : sparse matrix of shape (n, n_features)
    """

    def __init__(self, X):
        self._learn_dtype(X.dtype, X.tocsr().data)
        self._type = type(X)

    def build(self, rows):
        if not sparse.issparse(rows):
            return self._type(self._cast(rows))
        rows = rows.tocsr()
        made = sparse.csr_array(
            (self._cast(rows.data), rows.indices, rows.indptr), shape=rows.shape
        )
        return self._type(made)

    def append(self, X, rows):
        return sparse.vstack([X, self.build(rows)], format=X.format)


class ListContainer:
    """Rows in a list, all of one kind: lists, tuples, arrays or tensors.

    Parameters
    ----------
    X : list of array-like
        If their kinds differ, the result has lists.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.over_sampling._containers import ListContainer
    >>> X = [(1.0, 2.0), (3.0, 4.0)]
    >>> ListContainer(X).append(X, np.array([[2.0, 3.0]]))
    [(1.0, 2.0), (3.0, 4.0), (2.0, 3.0)]
    """

    def __init__(self, X):
        self._array = ArrayContainer(rows_as_array(X))
        kinds = set(map(type, X))
        self._kind = kinds.pop() if len(kinds) == 1 else list

    def build(self, rows):
        made = self._array.build(rows)
        if issubclass(self._kind, np.ndarray):
            return list(made)
        if issubclass(self._kind, Tensor):
            return list(torch.from_numpy(made))
        return list(map(self._of_kind, made.tolist()))

    def _of_kind(self, row):
        return tuple(row) if issubclass(self._kind, tuple) else row

    def append(self, X, rows):
        # The result must not share rows with X that can be changed.
        return [_copied(row, self._kind) for row in X] + self.build(rows)


def _copied(row, kind):
    """Copy of a row, as a list if that is the kind; copy.deepcopy would be slow."""
    if issubclass(kind, Tensor):
        return row.clone()
    if issubclass(kind, np.ndarray):
        return row.copy()
    if issubclass(kind, tuple):
        return row
    row = row.tolist() if hasattr(row, "tolist") else row
    return [_copied(x, list) if isinstance(x, list | tuple) else x for x in row]


class FrameContainer:
    """A data frame, whose columns keep their dtypes.

    Parameters
    ----------
    X : data frame
    """

    def __init__(self, X):
        self._like = FrameLike(X)

    def build(self, rows):
        return self._like.build(rows)

    def append(self, X, rows):
        return append(X, self.build(rows))


def repeat_labels(y, positions):
    """Append the labels at some positions, in the same container.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, n_classes)
        pandas objects get a new index.
    positions : ndarray of shape (m,), int

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.over_sampling._containers import repeat_labels
    >>> repeat_labels(["ill", "well"], np.array([0, 0]))
    ['ill', 'well', 'ill', 'ill']
    """
    is_known = (
        isinstance(y, list)
        or sparse.issparse(y)
        or nw.dependencies.is_into_series(y)
        or is_data_frame(y)
        or _is_arrow_array(y)
    )
    y = y if is_known else np.asarray(y)
    # scipy refuses len() of a sparse matrix.
    n = y.shape[0] if hasattr(y, "shape") else len(y)
    labels = _safe_indexing(y, np.concatenate([np.arange(n), positions]))
    # Repeated index labels would be ambiguous; X gets a new index, too.
    is_of_pandas = is_pandas(y) or nw.dependencies.is_pandas_series(y)
    return labels.reset_index(drop=True) if is_of_pandas else labels


def _is_arrow_array(y):
    pyarrow = nw.dependencies.get_pyarrow()
    return pyarrow is not None and isinstance(y, pyarrow.Array)
