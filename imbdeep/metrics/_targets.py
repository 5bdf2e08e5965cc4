"""Checks of targets, weights and probabilities that all metrics share."""

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_array

from imbdeep._tables.probabilities import check_probabilities


def check_targets(y_true, *others):
    """Return `y_true` as a 1-D array of class labels, as long as `others`."""
    check_consistent_length(y_true, *others)
    kind = type_of_target(y_true, input_name="y_true")
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            f"y_true must hold one class label per row, got a target of type "
            f"{kind!r}; pass a 1-D array of labels."
        )
    return column_or_1d(y_true)


def check_weights(sample_weight, y_true):
    """Return the weights as float64, ones when `sample_weight` is None."""
    if sample_weight is None:
        return np.ones(len(y_true))
    weight = check_array(
        sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
    )
    if weight.ndim != 1:
        raise ValueError(
            f"sample_weight must be 1-D, got shape {weight.shape}; pass one weight "
            "per row."
        )
    check_consistent_length(weight, y_true)
    if weight.min() < 0 or weight.max() == 0:
        raise ValueError(
            "sample_weight must be non-negative with at least one positive weight, "
            f"got values from {weight.min()} to {weight.max()}."
        )
    return weight


def positive_label(classes, pos_label=None):
    """Choose the positive one of at most two `classes`.

    None means the greater of two labels: the class of the last column of
    `predict_proba`. A single label may be of either class: if it is one of {-1, 0, 1}
    or a boolean, 1 is positive; otherwise this is an error.
    """
    classes = np.asarray(classes)
    if len(classes) > 2:
        raise ValueError(
            f"y_true must hold two classes, got {len(classes)}: {classes.tolist()}; "
            "binarize it, one class against the rest."
        )
    if pos_label is None:
        if len(classes) == 2:
            return classes[1]
        if classes.dtype.kind in "biuf" and set(classes.tolist()) <= {-1, 0, 1}:
            return classes.dtype.type(1)
        raise ValueError(
            f"pos_label=None cannot be settled: y_true holds {classes.tolist()} only; "
            "pass pos_label."
        )
    if pos_label not in classes.tolist() and len(classes) == 2:
        raise ValueError(
            f"pos_label={pos_label!r} is not a class of y_true, which holds "
            f"{classes.tolist()}; pass one of these."
        )
    return pos_label


def check_proba(y_proba):
    """Return probabilities as float64, of one class (1-D) or of each (2-D)."""
    proba = check_array(
        y_proba,
        ensure_2d=False,
        allow_nd=True,
        dtype=np.float64,
        input_name="y_proba",
    )
    if proba.ndim not in (1, 2):
        raise ValueError(
            f"y_proba must be 1-D or 2-D, got shape {proba.shape}; pass what "
            "predict_proba returns."
        )
    check_probabilities("y_proba", proba)
    return proba


def check_positive_proba(y_proba):
    """Return the probabilities of the positive one of two classes as float64."""
    proba = check_proba(y_proba)
    if proba.ndim != 1:
        raise ValueError(
            "y_proba must be 1-D, the probability of the positive class, got shape "
            f"{proba.shape}; pass its column, such as predict_proba(X)[:, 1]."
        )
    return proba


def check_binary(y_true, y_proba, pos_label, sample_weight):
    """Return what a metric of two classes needs.

    Returns
    -------
    is_positive : ndarray of shape (n,), bool
    proba : ndarray of shape (n,)
    weight : ndarray of shape (n,)
    """
    proba = check_positive_proba(y_proba)
    y_true = check_targets(y_true, proba)
    is_positive = y_true == positive_label(np.unique(y_true), pos_label)
    return is_positive, proba, check_weights(sample_weight, y_true)
