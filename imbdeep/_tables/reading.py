"""Turn a user's input into the rows and labels that a net takes."""

import warnings

import numpy as np
from sklearn.utils import get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from imbdeep._tables.column_kinds import numbers_of_objects
from imbdeep._tables.frames import (
    column_names,
    columns,
    count_dimensions,
    is_data_frame,
    read_labels,
    rows_as_array,
)
from imbdeep._tables.images import check_has_pixels
from imbdeep._tables.levels import LevelCodes
from imbdeep._tables.torch_data import arrays_of
from imbdeep._tables.validation import (
    REMEDIES,
    REMEDIES_BY_NAME,
    check_columns_are_numeric,
    check_complete,
    check_labels,
)

_IN_TRAINING = "In training they held numbers, or no value, which counts as numbers."


def read_rows(
    estimator, X, *, levels, allow_missing, reset, allow_nd, keep_images=False
):
    """Read and check rows without labels.

    Parameters
    ----------
    estimator : object
        Learns or holds the number and the names of the columns.
    X : array-like, sparse matrix, data frame, Tensor, dict of one of these, or Dataset
        Finite numbers, but in the columns of ``levels``.
    levels : LevelCodes
        Fitted; gives the numbers of categorical columns.
    allow_missing : bool
        Whether numbers may be missing, and columns may be named as levels.
    reset : bool
        Whether the estimator learns them.
    allow_nd : bool
        Whether rows may be images.
    keep_images : bool, default=False
        Whether images in an array stay as they are, without a copy.

    Returns
    -------
    ndarray of shape (n, ...) or CSR matrix of shape (n, n_features)
        float64, or float32 if that holds every number of the dtype of ``X``; or images
        as they are.

    Raises
    ------
    ValueError
        If the rows cannot be used; the message names the columns.
    """
    X, _ = arrays_of(X)
    how = {"reset": reset, "allow_nd": allow_nd, "keep_images": keep_images}
    return _validated(estimator, X, levels, allow_missing, **how)


def read_rows_and_labels(
    estimator, X, y, *, levels, allow_missing, reset, allow_nd, keep_images=False
):
    """Read and check rows and labels.

    Parameters
    ----------
    estimator, X, levels, allow_missing, reset, allow_nd, keep_images
        See :func:`read_rows`.
    y : array-like of shape (n,), Tensor, or None if ``X`` is a data set with labels

    Returns
    -------
    X : ndarray of shape (n, ...) or CSR matrix of shape (n, n_features)
    y : ndarray of shape (n,)

    Raises
    ------
    ValueError
        If the rows or the labels cannot be used.
    """
    X, y = arrays_of(X, y)
    if y is not None:
        check_labels(y)
        y = plain_labels(y)
    how = {"reset": reset, "allow_nd": allow_nd, "keep_images": keep_images}
    X, y = _validated(estimator, X, levels, allow_missing, y=y, **how)
    check_are_labels(y)
    return X, y


def _validated(estimator, X, levels, allow_missing, *, allow_nd, keep_images, **params):
    remedies = REMEDIES_BY_NAME if allow_missing else REMEDIES
    _check_kinds(estimator, X, levels, remedies, params["reset"])
    if len(levels.positions):
        checked = _with_codes(estimator, X, levels, **params)
    else:
        X = without_objects(X)
        if not allow_nd:
            _check_is_table(estimator, X)
        checked = _of_numbers(estimator, X, allow_nd, keep_images, **params)
    rows = checked[0] if isinstance(checked, tuple) else checked
    check_has_pixels(rows)
    check_complete(
        rows,
        getattr(estimator, "feature_names_in_", None),
        allow_missing=allow_missing and rows.ndim == 2,
    )
    return checked


def _check_kinds(estimator, X, levels, remedies, reset):
    try:
        check_columns_are_numeric(X, besides=levels.positions, remedies=remedies)
    except ValueError:
        # Records in one column are several, so that their number says nothing.
        if reset or getattr(getattr(X, "dtype", None), "kind", "") == "V":
            raise
        # That columns have moved says more than that one of them holds text now.
        validate_data(estimator, X, reset=False, skip_check_array=True)
        later = {kind: f"{_IN_TRAINING} {how}" for kind, how in remedies.items()}
        check_columns_are_numeric(X, besides=levels.positions, remedies=later)


def _check_is_table(estimator, X):
    """Refuse images, and say what takes them."""
    if (n_dimensions := count_dimensions(X)) > 2:
        own, net, flat = type(estimator).__name__, "NetClassifier", ""
        if get_tags(estimator).input_tags.two_d_array:
            flat = (
                "; or flatten them, X.reshape(len(X), -1), if neighbouring pixels need "
                "not count as such"
            )
        else:
            net = own
        raise ValueError(
            f"{own} takes tables here, but X has {n_dimensions} dimensions: "
            f"{np.asarray(X).shape}. For images, (n, bands, height, width), take a net "
            f"with a module for them, such as {net}(module='conv'){flat}."
        )


def _of_numbers(estimator, X, allow_nd, keep_images, **params):
    # pandas.NA, huge integers and signaling NaN would fail in the conversion.
    if is_data_frame(X) and any(column.dtype == object for column in columns(X)):
        return _with_codes(estimator, X, LevelCodes().fit(X), **params)
    return validate_data(
        estimator,
        X,
        accept_sparse="csr",
        dtype=None if keep_images else _dtypes(X),
        order=None if keep_images else "C",
        allow_nd=allow_nd,
        # check_complete refuses them, and names the columns.
        ensure_all_finite=False,
        **params,
    )


def _with_codes(estimator, X, levels, *, reset, y="no_validation"):
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    rows = check_array(levels.transform(X), order="C", ensure_all_finite=False)
    if not reset:
        _warn_of_unseen(X, levels, rows)
    if isinstance(y, str):
        return rows
    y = column_or_1d(y, warn=True)
    check_consistent_length(rows, y)
    return rows, y


def _warn_of_unseen(X, levels, rows):
    """Warn of columns whose values are others than in training, one and all."""
    unseen = levels.columns_unseen(rows)
    if unseen:
        names = column_names(X)
        called = unseen if names is None else [names[i] for i in unseen]
        known = levels.levels_[levels.positions.tolist().index(unseen[0])][0]
        warnings.warn(
            f"Columns {called} hold no level that training had, such as {known!r} in "
            f"{called[0]!r}: all of their values are unknown to the net. Write levels "
            "as in training; text and numbers, or categories and their codes, differ.",
            UserWarning,
            stacklevel=2,
        )


def plain_labels(y):
    """Labels of a nullable series or of NumPy's text of variable length as an array."""
    y = read_labels(y)
    is_text = getattr(getattr(y, "dtype", None), "kind", "") == "T"
    return y.astype(object) if is_text else y


def check_are_labels(y):
    """Refuse what is no label, and say what can be made of it."""
    try:
        check_classification_targets(y)
    except ValueError as error:
        if "Unknown label type: unknown" not in str(error):
            raise
        raise ValueError(
            f"Unknown label type: y holds objects, the first of type "
            f"{type(y[0]).__name__}, which scikit-learn does not take for labels. Turn "
            "them into text or numbers, for example with astype(str)."
        ) from None


def without_objects(X):
    """Convert an array of objects to floats; others pass unchanged.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame
        Has passed :func:`check_columns_are_numeric`.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._tables.reading import without_objects
    >>> without_objects(np.array([[1, None]], dtype=object))
    array([[ 1., nan]])
    """
    array = rows_as_array(X) if isinstance(X, list | tuple) else X
    if isinstance(array, np.ndarray) and array.dtype.kind == "O":
        return numbers_of_objects(array)
    return X


def _dtypes(X):
    """Dtypes to read rows as: float32 only if it holds all values of theirs."""
    fits = np.can_cast(getattr(X, "dtype", object), np.float32)
    return np.float32 if fits else [np.float64, np.float32]
