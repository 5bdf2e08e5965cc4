"""What the samplers share: tables of numbers, and columns that keep their kind."""

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from scipy import sparse

from imbdeep._frames import is_pandas
from imbdeep._torch_switches import usual_switches
from imbdeep._validation import check_columns_are_numeric


def column_dtypes(X):
    """NumPy dtypes of the columns of a data frame; nothing for an array."""
    if not is_pandas(X):
        return []
    # Nullable and sparse columns hold the dtype of their values.
    return [
        getattr(dtype, "numpy_dtype", getattr(dtype, "subtype", dtype))
        for dtype in X.dtypes
    ]


def whole_within(values, dtype):
    """Values rounded to whole numbers that an integer dtype can have.

    Parameters
    ----------
    values : ndarray of float64
    dtype : dtype
        Of integers.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.over_sampling._tables import whole_within
    >>> whole_within(np.array([1.6, 1e20]), np.dtype("int8"))
    array([  2., 127.])
    >>> whole_within(np.array([1e20]), np.dtype("int64")).astype("int64")
    array([9223372036854774784])
    """
    bounds = np.iinfo(dtype)
    largest = float(bounds.max)
    if largest > bounds.max:  # of 64 bits it is no float64, and rounds up
        largest = np.nextafter(largest, 0)
    return np.rint(values).clip(bounds.min, largest)


def as_dense(X):
    """A sparse matrix as an array; an array as it is."""
    return X.toarray() if sparse.issparse(X) else X


class TableOverSampler(BaseOverSampler):
    """Base of samplers whose rows are made of numbers.

    Text is refused with the names of its columns, and rows made for a data frame hold
    whole numbers where the frame does.
    """

    # Of the columns of a data frame; an array has none.
    _dtypes = ()

    @usual_switches()
    def fit_resample(self, X, y, **params):
        return super().fit_resample(X, y, **params)

    def _check_X_y(self, X, y, accept_sparse=None):
        check_columns_are_numeric(X)
        self._dtypes = column_dtypes(X)
        return super()._check_X_y(X, y, accept_sparse)

    def _columns_of_kind(self, kinds):
        return [i for i, dtype in enumerate(self._dtypes) if dtype.kind in kinds]

    def _round_whole_columns(self, rows):
        """Round what stands for integers or booleans to values that these can have."""
        for column in self._columns_of_kind("iu"):
            values = rows[:, column].astype(float)
            rows[:, column] = whole_within(values, self._dtypes[column])
        for column in self._columns_of_kind("b"):
            rows[:, column] = rows[:, column] > 0.5

    def _append(self, X, y, rows, labels):
        """The original rows, unchanged, then those made for them."""
        size = len(y) + len(labels)
        self.is_synthetic_ = np.arange(size) >= len(y)
        y_resampled = np.concatenate([y, labels.astype(y.dtype)])
        if sparse.issparse(X):
            rows = sparse.csr_matrix(rows)
            return sparse.vstack([X, rows], format=X.format), y_resampled
        # What is made of integers need not be integers, unless their columns are.
        # Floating point keeps its precision.
        is_whole = self._dtypes and all(dtype.kind in "iu" for dtype in self._dtypes)
        keeps = X.dtype.kind == "f" or (is_whole and X.dtype.kind in "iu")
        dtype = X.dtype if keeps else rows.dtype
        originals = X.astype(dtype, copy=False)
        return np.concatenate([originals, rows.astype(dtype)]), y_resampled
