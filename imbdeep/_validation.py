"""Checks of user input that classifiers and samplers share."""

import warnings

import numpy as np


def is_data_frame(X):
    """Whether ``X`` has columns with dtypes of their own, as a pandas frame has.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from imbdeep._validation import is_data_frame
    >>> is_data_frame(pd.DataFrame({"age": [31]})), is_data_frame(np.zeros((1, 1)))
    (True, False)
    """
    return hasattr(getattr(X, "dtypes", None), "items")


def check_columns_are_numeric(X):
    """Refuse a data frame with text, dates or categories, naming the columns.

    Parameters
    ----------
    X : object
        Anything but a pandas data frame passes.

    Raises
    ------
    ValueError
        If a column does not hold numbers or booleans.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep._validation import check_columns_are_numeric
    >>> check_columns_are_numeric(pd.DataFrame({"age": [31], "city": ["Ulm"]}))
    Traceback (most recent call last):
    ValueError: Columns ['city'] are not numeric. ...
    """
    if getattr(getattr(X, "dtype", None), "kind", "f") in "mM":
        raise ValueError(f"X holds dates ({X.dtype}). Turn them into numbers first.")
    if not is_data_frame(X):
        return
    not_numeric = [
        str(name)
        for position, (name, dtype) in enumerate(X.dtypes.items())
        if not _is_numeric(X.iloc[:, position], dtype)
    ]
    if not_numeric:
        raise ValueError(
            f"Columns {not_numeric} are not numeric. Encode them first, for example "
            "with OneHotEncoder or OrdinalEncoder in a ColumnTransformer."
        )


def _is_numeric(column, dtype):
    if dtype == np.dtype(object):
        return not any(isinstance(value, str) for value in column)
    return getattr(dtype, "kind", "O") in "biufc"


def check_class_sizes(labels, counts, minimum, estimator):
    """Refuse data in which a class has too few rows to learn from.

    Parameters
    ----------
    labels : ndarray of shape (n_classes,)
    counts : ndarray of shape (n_classes,)
    minimum : int
    estimator : object
        Named in the error.

    Raises
    ------
    ValueError
        If a class that is present has fewer than ``minimum`` rows.
    """
    for label, count in zip(labels.tolist(), counts, strict=True):
        if 0 < count < minimum:
            raise ValueError(
                f"Class {label!r} has {count} row{'s' if count > 1 else ''}; "
                f"{type(estimator).__name__} needs at least {minimum} of each class. "
                "Gather more rows of it, merge it with another class or drop it."
            )


def warn_of_lost_digits(X):
    """Warn of columns so far from 0 that float32 merges their values.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
        As the user gave it, before the cast.
    """
    if X.ndim != 2 or X.dtype.kind not in "iuf" or X.dtype.itemsize < 8:
        return
    low, high = X.min(0).astype(float), X.max(0).astype(float)
    largest, spread = np.maximum(-low, high), high - low
    # float32 has 24 bits; with fewer than 8 of them left a column is a staircase.
    lost = np.flatnonzero((spread > 0) & (largest > 2**16 * spread))
    if len(lost):
        warnings.warn(
            f"Columns {lost.tolist()} lie so far from 0 that float32 merges their "
            "values. Subtract their mean first, for example with StandardScaler.",
            UserWarning,
            stacklevel=2,
        )
