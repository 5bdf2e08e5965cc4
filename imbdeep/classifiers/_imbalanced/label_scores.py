"""A threshold that is best by a function of labels, whatever it computes."""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.metrics._scorer import _BaseScorer

from imbdeep.metrics._thresholds import METRICS, count_at_thresholds, middle_of_best

# Each costs a call of the function, which takes a second with millions of rows.
MOST_THRESHOLDS = 200
_ALONE = {"recall": "every row is", "precision": "the surest rows alone are"}


@dataclass(frozen=True)
class LabelScore:
    """A function of true and predicted labels; the greater, the better.

    Attributes
    ----------
    asked : object
        What the user passed as ``threshold``, for errors.
    function : callable
    sign : int, default=1
        -1 if less is better.
    """

    asked: Any
    function: Callable
    sign: int = 1

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Score labels; rows have weights if there are any and the function takes them.

        Raises
        ------
        ValueError
            If what the function returns is no number.
        """
        weights = {}
        if sample_weight is not None and _takes_weights(self.function):
            weights = {"sample_weight": sample_weight}
        try:
            with warnings.catch_warnings():
                # At thresholds that call nothing positive, as some of any search do.
                warnings.simplefilter("ignore", UndefinedMetricWarning)
                value = self.function(y_true, y_pred, **weights)
        except Exception as error:
            label = np.asarray(y_true[:1]).tolist()[0]
            told = f"labels as y holds them, such as {label!r}"
            if isinstance(self.asked, str):
                told = "labels, 1 for the positive class and 0"
            error.add_note(
                f"In threshold={self.asked!r}, which is called with true and predicted "
                f"{told}."
            )
            raise
        if np.ndim(value) or np.asarray(value).dtype.kind not in "biuf":
            raise ValueError(
                f"threshold={self.asked!r} must return a number, the greater the "
                f"better, for true and predicted labels, got {value!r}."
            )
        return self.sign * float(value)


def _takes_weights(function):
    try:
        return "sample_weight" in inspect.signature(function).parameters
    except ValueError:  # some builtins have no signature
        return False


def is_function(threshold):
    """Whether a threshold is a function of labels, or the name of one.

    Examples
    --------
    >>> from sklearn.metrics import f1_score
    >>> from imbdeep.classifiers._imbalanced.label_scores import is_function
    >>> is_function(f1_score), is_function("f1_macro"), is_function("f1")
    (True, True, False)
    """
    is_named = isinstance(threshold, str) and threshold not in ("default", *METRICS)
    return is_named or callable(threshold)


def label_score(threshold):
    """Function of labels that a threshold stands for.

    Parameters
    ----------
    threshold : str or callable
        A name or a scorer of scikit-learn's, or a function.

    Returns
    -------
    LabelScore

    Raises
    ------
    ValueError
        If there is no such name, or if it is about probabilities.

    Examples
    --------
    >>> from imbdeep.classifiers._imbalanced.label_scores import label_score
    >>> label_score("f1_macro")(["a", "b"], ["a", "b"])
    1.0
    """
    scorer = threshold
    if isinstance(threshold, str):
        if threshold in _ALONE:
            raise ValueError(
                f"threshold={threshold!r} is best where {_ALONE[threshold]} called "
                f"positive. Pass ({threshold!r}, 0.8) for at least .8 of it."
            )
        if threshold not in get_scorer_names():
            names = sorted({"default", *METRICS})
            raise ValueError(
                f"threshold must be among {names} or the name of a scorer of "
                f"scikit-learn's, got {threshold!r}."
            )
        scorer = get_scorer(threshold)
    if not isinstance(scorer, _BaseScorer):
        return LabelScore(threshold, scorer)
    if scorer._response_method != "predict":
        raise ValueError(
            f"threshold={threshold!r} judges probabilities, which no threshold "
            "changes. Pass a metric of labels, such as 'f1'."
        )
    function = partial(scorer._score_func, **scorer._kwargs)
    return LabelScore(threshold, function, scorer._sign)


def thresholds_to_try(is_positive, score):
    """All thresholds that make a difference, or some if they are too many.

    Parameters
    ----------
    is_positive : ndarray of shape (n,), bool
    score : ndarray of shape (n,)
        In [0, 1].

    Returns
    -------
    ndarray of shape (m,), m at most 200
        Falling. Of too many, half go evenly through the ranks of all rows, and half
        through those of positive rows: few of all are near a rare class.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.label_scores import thresholds_to_try
    >>> thresholds_to_try(np.array([True, False]), np.array([0.8, 0.4])).round(1)
    array([1. , 0.6, 0. ])
    """
    counts = count_at_thresholds(is_positive, score)
    if len(counts.thresholds) <= MOST_THRESHOLDS:
        return counts.thresholds
    below_positive = np.flatnonzero(np.diff(counts.tp)) + 1
    of_all, of_positive = (
        ranks[np.linspace(0, len(ranks) - 1, MOST_THRESHOLDS // 2).astype(int)]
        for ranks in (np.arange(len(counts.thresholds)), below_positive)
    )
    return counts.thresholds[np.union1d(of_all, of_positive)]


def best_by_score(score, y, proba, labels, sample_weight=None):
    """Threshold at which labels score best.

    Parameters
    ----------
    score : LabelScore
    y : ndarray of shape (n,)
        Labels; there are both.
    proba : ndarray of shape (n,)
        Of the positive label.
    labels : ndarray of shape (2,)
        The negative and the positive one.
    sample_weight : ndarray of shape (n,) or None, default=None

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the score is NaN everywhere, or no number.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.label_scores import (
    ...     best_by_score,
    ...     label_score,
    ... )
    >>> y, proba = np.array(["bad", "good", "good"]), np.array([0.9, 0.3, 0.1])
    >>> f1 = label_score("f1_macro")
    >>> round(best_by_score(f1, y, proba, np.array(["good", "bad"])), 2)
    0.6
    """
    thresholds = thresholds_to_try(y == labels[1], proba)
    values = [
        score(y, labels[(proba >= threshold).astype(int)], sample_weight)
        for threshold in thresholds
    ]
    if np.isnan(values).all():
        raise ValueError(
            f"threshold={score.asked!r} is NaN at each of {len(values)} thresholds, so "
            "that none is best."
        )
    values = np.where(np.isnan(values), -np.inf, values)
    return float(thresholds[middle_of_best(values)])
