"""Probabilities that a fitted classifier has of rows held out in turn, and labels."""

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import type_of_target

_WHY = (
    "the rows are those of the fit, each judged by models that did not see it; for "
    "other rows call from_predictions with their labels and probabilities"
)


def refuse_rows(arguments, options):
    """Refuse X, which other displays take.

    Parameters
    ----------
    arguments : tuple
        Positional ones after y.
    options : dict

    Raises
    ------
    TypeError
    """
    if arguments or "X" in options:
        raise TypeError(
            "from_estimator takes the labels y alone, and no X, as in "
            f"from_estimator(estimator, y): {_WHY}."
        )


def two_class_proba(estimator):
    """Return the out-of-fold probabilities, of shape (n_samples, 2).

    Parameters
    ----------
    estimator : classifier
        Fitted.

    Raises
    ------
    ValueError
        If there are none, or not of two classes.
    """
    proba = getattr(estimator, "oof_proba_", None)
    name = type(estimator).__name__
    if proba is None:
        raise ValueError(
            f"{name} has no oof_proba_: no rows were held out in turn. Pass an "
            "ImbalancedClassifier, or a net with member_holdout='folds'; or call "
            "from_predictions with probabilities of rows that it was not trained on."
        )
    if proba.shape[1] != 2:
        raise ValueError(
            f"{name} has {proba.shape[1]} classes, and a threshold is about two. Call "
            "from_predictions with y == label and the probabilities of that label."
        )
    return proba


def labels_of_fit(estimator, y, n_rows):
    """Return the labels of the rows of the fit.

    Parameters
    ----------
    estimator : classifier
        Fitted.
    y : array-like of shape (n_rows,) or None
    n_rows : int

    Returns
    -------
    array-like of shape (n_rows,)

    Raises
    ------
    ValueError
        If they are missing, are no labels, or are others than it was fitted to, as far
        as it remembers them.
    """
    own = vars(estimator).get("oof_y_")
    if y is None:
        if own is None:
            raise ValueError(
                f"{type(estimator).__name__} does not keep the labels of its rows; "
                "pass y, those that it was fitted to."
            )
        return own
    _check_are_labels(y)
    check_consistent_length(y, range(n_rows))
    told = np.ravel(y).tolist()
    known = estimator.classes_.tolist()
    strange = [label for label in told if label not in known]
    if strange:
        raise ValueError(
            f"y holds {strange[0]!r}, and the classes of the fit are {known}; pass the "
            f"labels that it was fitted to: {_WHY}."
        )
    if own is not None:
        n_others = sum(a != b for a, b in zip(told, own.tolist(), strict=True))
        if n_others:
            raise ValueError(
                f"y differs from the labels of the fit, oof_y_, in {n_others} of "
                f"{n_rows} rows; leave it out: {_WHY}."
            )
    return np.ravel(y) if own is None else own


def _check_are_labels(y):
    shape = np.shape(y)
    # A column, as of a data frame, is no table yet.
    is_table = len(shape) > 2 or (len(shape) == 2 and shape[1] != 1)
    if is_table:
        got = f"an array of shape {shape}"
    else:
        kind = type_of_target(y, input_name="y")
        if kind in ("binary", "multiclass"):
            return
        got = f"a target of type {kind!r}"
    raise ValueError(
        f"y must be the labels of the rows of the fit, 1-D, got {got}. from_estimator "
        f"takes y alone, and no X: {_WHY}."
    )
