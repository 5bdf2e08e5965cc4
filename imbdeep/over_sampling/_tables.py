"""Base class of the samplers, which reads tables and returns them in kind."""

import inspect

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from scipy import sparse
from sklearn.base import _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_X_y, validate_data

from imbdeep._all_or_nothing import all_or_nothing
from imbdeep._tables.column_kinds import numbers_of_objects
from imbdeep._tables.column_selection import automatic_columns, select_columns
from imbdeep._tables.frames import (
    column_names,
    count_dimensions,
    read_labels,
    read_table,
)
from imbdeep._tables.images import check_has_pixels
from imbdeep._tables.reading import check_are_labels, without_objects
from imbdeep._tables.row_kinds import check_has_rows
from imbdeep._tables.sampling_strategy import read_sampling_strategy
from imbdeep._tables.torch_data import as_array
from imbdeep._tables.validation import (
    REMEDIES_BY_NAME,
    check_columns_are_numeric,
    check_complete,
    check_labels,
)
from imbdeep._torch.switches import usual_switches
from imbdeep.over_sampling._containers import (
    container_of,
    has_large_integers,
    repeat_labels,
)

COLUMNS = ["array-like", StrOptions({"auto"}), None]


def as_dense(X):
    """Convert a sparse matrix to an array; arrays pass unchanged."""
    return X.toarray() if sparse.issparse(X) else X


def as_numbers(X, columns):
    """Columns of a table as float64, or as they are if they are floating point."""
    # All of them: a large table is not copied.
    values = X if len(columns) == X.shape[1] else X[:, columns]
    if values.dtype == object:
        return numbers_of_objects(values)
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _as_arrays(X, y):
    X = as_array(X)
    check_has_rows(X)
    return X, as_array(y)


class TableOverSampler(BaseOverSampler):
    """Base class of samplers whose rows consist of numbers.

    Methods make rows in ``_fit_resample``. This class reads the table, refuses anything
    but numbers, and puts rows into the container of the table.
    """

    # Whether rows may be images.
    _allow_nd = False

    _parameter_constraints = {
        **BaseOverSampler._parameter_constraints,
        "categorical_features": COLUMNS,
    }

    def fit(self, X, y, **params):
        """Check the rows and the number of synthetic rows, without making any.

        Parameters
        ----------
        X, y
            See :meth:`fit_resample`.
        **params : dict
            Ignored.

        Returns
        -------
        self : object
        """
        with all_or_nothing(self):
            return super().fit(*_as_arrays(X, y), **params)

    @usual_switches()
    @_fit_context(prefer_skip_nested_validation=True)
    def fit_resample(self, X, y, **params):
        """Make synthetic rows, and append them to the given ones.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, ...)
            Data frames may be from pandas, polars or pyarrow.
        y : array-like of shape (n_samples,)
            Labels; or one column per class, with a 1 at the class of the row.
        **params : dict
            Parameters of the method.

        Returns
        -------
        X_resampled : {array-like, sparse matrix, data frame}
            In the container of ``X``: the original rows, unchanged, then the synthetic
            ones. Columns of a data frame keep their dtypes; pandas frames get a new
            index. Rows of a list are of the kind of the given ones: lists, tuples,
            arrays or tensors; lists if these differ. Arrays and sparse matrices keep
            their dtype, except that integers and booleans become float64 if synthetic
            rows hold fractions. If an integer lies beyond 2**53, which float64 may not
            hold, fractions are rounded instead.
        y_resampled : array-like
            In the container and dtype of ``y``.

        Raises
        ------
        ValueError
            If columns that are not categorical hold anything but numbers, labels are
            missing, or the classes do not suit ``sampling_strategy``. The sampler is
            then as it was before, as after any failure or interrupt.
        """
        X, y = _as_arrays(X, y)
        with all_or_nothing(self):
            table, labels, _ = self._check_X_y(X, y)
            self.sampling_strategy_ = read_sampling_strategy(
                self.sampling_strategy, labels, self._sampling_type
            )
            self._check_takes(params)
            rows, parents = self._fit_resample(table, labels, **params)
            self.is_synthetic_ = np.arange(len(labels) + len(parents)) >= len(labels)
            return self._container.append(X, rows), repeat_labels(y, parents)

    def _check_takes(self, params):
        """Refuse parameters of the call that the method does not have."""
        try:
            inspect.signature(self._fit_resample).bind(None, None, **params)
        except TypeError as error:
            raise TypeError(
                f"{type(self).__name__}.fit_resample {error}. Rows that it makes have "
                "no sample_weight or other values beside X and y: weigh classes in "
                "the classifier, class_weight, or leave the sampler out."
            ) from None

    def _fit_resample(self, X, y):
        """Make synthetic rows.

        Parameters
        ----------
        X : {ndarray, CSR or CSC matrix} of shape (n_samples, ...)
        y : ndarray of shape (n_samples,)

        Returns
        -------
        rows : {ndarray, sparse matrix} of shape (n_new, ...)
            The synthetic rows only.
        parents : ndarray of shape (n_new,), int
            For each, the position in ``X`` of a row with the same label.
        """
        raise NotImplementedError

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _check_X_y(self, X, y, accept_sparse=None):
        if self._allow_nd and count_dimensions(X) > 2:
            return self._check_images(X, y)
        self._categorical = self._categorical_columns(X)
        check_columns_are_numeric(
            X, besides=self._categorical, remedies=REMEDIES_BY_NAME
        )
        labels, binarize_y = self._check_y(y)
        table, labels = self._check_table(X, labels, self._categorical)
        names = column_names(X)
        numeric = np.setdiff1d(np.arange(table.shape[1]), self._categorical)
        if sparse.issparse(table):
            check_complete(table, names)
        else:
            numbers = as_numbers(table, numeric)
            names = range(table.shape[1]) if names is None else names
            check_complete(numbers, [names[i] for i in numeric], allow_missing=True)
            if len(self._categorical) and len(numeric) and table.dtype.kind in "iub":
                # Synthetic numbers are none of that dtype, and large categories no
                # floats.
                large = has_large_integers(table)
                table = table.astype(object if large else np.float64)
        return table, labels, binarize_y

    def _categorical_columns(self, X):
        if isinstance(self.categorical_features, str):
            return automatic_columns(X)
        return select_columns(X, self.categorical_features, "categorical_features")

    def _check_y(self, y):
        check_labels(y)
        labels = read_labels(y)
        check_are_labels(labels)
        return check_target_type(labels, indicate_one_vs_all=True)

    def _check_images(self, X, y):
        """Read images, and remember their container."""
        for name in ("categorical_features", "integer_features"):
            if not isinstance(columns := getattr(self, name, None), str | None):
                raise ValueError(
                    f"{name} names columns, but X has {count_dimensions(X)} "
                    f"dimensions; got {columns!r}. Leave it at its default for images."
                )
        labels, binarize_y = self._check_y(y)
        images, labels = validate_data(
            self, X, labels, reset=True, allow_nd=True, ensure_all_finite=False
        )
        check_has_pixels(images)
        check_complete(images)
        self._container = container_of(X)
        return images, labels, binarize_y

    def _check_table(self, X, y, categorical=()):
        """Read a table, and remember its columns and its container."""
        if count_dimensions(X) > 2:
            raise ValueError(
                f"{type(self).__name__} takes tables, but X has {count_dimensions(X)} "
                f"dimensions: {np.shape(X)}. For images take DCGANSampler, GLGAN, "
                "LatentSMOTE or ReMix; or flatten them, X.reshape(len(X), -1), if "
                "neighbouring pixels need not count as such."
            )
        self._container = container_of(X)
        table = read_table(X, categorical)
        if not len(categorical):
            table = without_objects(table)
        # For names and number of columns, which are lost in the array below.
        validate_data(self, X, y, reset=True, skip_check_array=True)
        return check_X_y(
            table,
            y,
            accept_sparse=["csr", "csc"],
            dtype=None if len(categorical) else "numeric",
            ensure_all_finite=False,
            estimator=self,
        )
