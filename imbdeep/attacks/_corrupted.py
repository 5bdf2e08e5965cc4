"""Scores on corrupted rows."""

from inspect import signature
from numbers import Integral

import numpy as np
from sklearn.metrics import check_scoring, get_scorer
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state
from sklearn.utils.validation import column_or_1d

from imbdeep._arguments import shown
from imbdeep._torch.seeding import seed_from
from imbdeep.attacks._scored_rows import (
    read_rows,
    refuse_per_class,
    rows_of_interest,
    share_per_class,
)
from imbdeep.attacks._scorer import Scorer
from imbdeep.datasets import (
    IMAGE_CORRUPTIONS,
    TABLE_CORRUPTIONS,
    corrupt_images,
    corrupt_table,
)
from imbdeep.datasets._corruptions.images import check_corruption

_FUNCTIONS = {corrupt_images: IMAGE_CORRUPTIONS, corrupt_table: TABLE_CORRUPTIONS}
_NAMES = tuple(dict.fromkeys([*IMAGE_CORRUPTIONS, *TABLE_CORRUPTIONS]))


def make_corruption_scorer(
    corruption,
    severity=3,
    *,
    scoring="balanced_accuracy",
    rows="all",
    class_counts=None,
    random_state=None,
    **options,
):
    """Make a scorer for rows that are corrupted first: tables or images.

    Parameters
    ----------
    corruption : str or list of str
        Of ``TABLE_CORRUPTIONS`` or ``IMAGE_CORRUPTIONS``, see
        :func:`~imbdeep.datasets.corrupt_table` and
        :func:`~imbdeep.datasets.corrupt_images`. Several give the mean of their scores.
    severity : {1, 2, 3, 4, 5} or list of these, default=3
        Several give the mean of their scores.
    scoring : str or callable, default='balanced_accuracy'
        What corrupted rows are scored by, as in
        :func:`sklearn.model_selection.cross_val_score`.
    rows : {'all', 'under_represented'} or list of labels, default='all'
        Rows to score: all; those of the rarer half of the classes, see
        :func:`~imbdeep.metrics.under_represented`; or those of the classes in a list,
        such as ``['fraud']``. All rows are corrupted. Without the other classes
        'balanced_accuracy' is the mean recall of these, and 'accuracy' the share of
        their rows that are right; other names are refused, as there would be no false
        alarms.
    class_counts : array-like of shape (n_classes,), mapping, Series or None, \
            default=None
        Number of training rows per class, for 'under_represented': in the order of
        ``classes_``, or by label, such as ``y.value_counts()``. None takes the
        ``class_counts_`` of an estimator, which nets have and pipelines have not.
    random_state : int, RandomState instance or None, default=None
        Decides what is drawn. The seed is drawn once, here, so that all candidates of a
        search meet the same corruption of the same rows.
    **options
        Further parameters of :func:`~imbdeep.datasets.corrupt_table`, ``reference`` and
        ``categorical_features``, or of :func:`~imbdeep.datasets.corrupt_images`,
        ``value_range``.

    Returns
    -------
    scorer : callable
        Takes ``(estimator, X, y)``; for ``scoring=``. ``X`` of four dimensions are
        images.

    Raises
    ------
    ValueError
        If a corruption, a severity, ``rows`` or ``scoring`` is invalid. The scorer
        raises it if ``y`` has no row to score.
    TypeError
        If no corruption has such an option.

    See Also
    --------
    make_robust_scorer : Each row is moved to where the classifier errs.
    make_universal_scorer : One perturbation of all rows.

    Notes
    -----
    A scorer does not see training rows. Standard deviations and levels of a table are
    those of the rows that it scores, unless ``reference`` has others: all rows of a
    table, for example, so that they are the same in each fold.

    Which half of the classes is rare is decided by counts of training rows, not of
    those scored, so that it is the same in each fold. The middle one of an odd number
    of classes belongs to neither half.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_validate
    >>> from imbdeep.attacks import make_corruption_scorer
    >>> X, y = make_classification(200, weights=[0.8], flip_y=0, random_state=0)
    >>> scoring = {
    ...     name: make_corruption_scorer(name, severity=5, random_state=0)
    ...     for name in ["gaussian_noise", "swapped_cells"]
    ... }
    >>> scoring["rare"] = make_corruption_scorer(
    ...     "gaussian_noise", [1, 3, 5], rows=[1], random_state=0
    ... )
    >>> scores = cross_validate(LogisticRegression(), X, y, scoring=scoring, cv=2)
    >>> scores["test_rare"].shape
    (2,)
    """
    corruptions, severities = _several(corruption), _several(severity)
    if not corruptions or not severities:
        raise ValueError("corruption and severity must not be empty.")
    for name in corruptions:
        for one in severities:
            check_corruption(name, one, _NAMES)
    _check_options(corruptions, options)
    if read_rows(rows) == "per_class":
        refuse_per_class("a scorer for each")
    _check_scoring(scoring, rows)
    state = check_random_state(random_state)
    if not isinstance(random_state, Integral):
        random_state = seed_from(state)
    parameters = {
        "corruption": corruption,
        "severity": severity,
        "scoring": scoring,
        "rows": rows,
        "class_counts": class_counts,
        "random_state": random_state,
        **options,
    }
    return Scorer(_score_corrupted, "make_corruption_scorer", parameters)


def _several(given):
    # An array of objects, as NumPy refuses lists of lists of several lengths.
    read = np.asarray(given, dtype=object)
    return [given] if read.ndim == 0 else list(given)


def _check_options(corruptions, options):
    functions = _functions_of(corruptions)
    if not functions:
        raise ValueError(
            f"Some of corruption={corruptions} are for images alone, and some for "
            "tables alone. Make a scorer for each."
        )
    if not any(_takes(function, options) for function in functions):
        raise TypeError(
            f"corruption={corruptions} has no options {list(options)} together; see "
            f"{' and '.join(f.__name__ for f in functions)}."
        )


def _functions_of(corruptions):
    """Functions that have all of some corruptions."""
    return [f for f, names in _FUNCTIONS.items() if set(corruptions) <= set(names)]


def _takes(function, options):
    return set(options) <= set(signature(function).parameters)


def _mean_recall(estimator, X, y):
    return np.mean(share_per_class(estimator.predict(X) == y, y, np.unique(y)))


# What is known of some classes without rows of the others.
_OF_SOME_CLASSES = {
    "accuracy": get_scorer("accuracy"),
    # As 'balanced_accuracy', which warns of predicted classes that have no rows.
    "balanced_accuracy": _mean_recall,
}


def _check_scoring(scoring, rows):
    if not isinstance(scoring, str) and not callable(scoring):
        raise ValueError(
            "scoring must be the name of a scorer or a callable, got "
            f"{scoring!r}. Make a scorer for each."
        )
    check_scoring(scoring=scoring)
    is_known = not isinstance(scoring, str) or scoring in _OF_SOME_CLASSES
    if read_rows(rows) != "all" and not is_known:
        raise ValueError(
            f"scoring={scoring!r} needs rows of all classes, and rows={rows!r} leaves "
            f"some out. Use one of {list(_OF_SOME_CLASSES)}, or rows='all'."
        )


def _score_corrupted(
    estimator, X, y, *, corruption, severity, scoring, rows, class_counts, **draw
):
    rows, labels = read_rows(rows), column_or_1d(y)
    check_consistent_length(X, labels)
    if rows != "all" and isinstance(scoring, str):
        scorer = _OF_SOME_CLASSES[scoring]
    else:
        scorer = check_scoring(scoring=scoring)
    scored = rows_of_interest(estimator, labels, rows, class_counts)
    labels = labels[scored]
    scores = []
    for name in _several(corruption):
        for one in _several(severity):
            moved = _corrupt(X, name, one, **draw)
            score = scorer(estimator, _safe_indexing(moved, scored), labels)
            scores.append(_one_number(score, scoring))
    return float(np.mean(scores))


def _one_number(score, scoring):
    try:
        return float(score)
    except (TypeError, ValueError):
        raise ValueError(
            f"scoring={scoring!r} returns {shown(score)}, and a scorer gives one "
            "number. Make a scorer for each."
        ) from None


def _corrupt(X, name, severity, **draw):
    """Corrupt rows by the one function that has the name, or as their shape says."""
    are_images = len(np.shape(X)) == 4
    # Of images, then of tables, or the one that there is.
    corrupt = _functions_of([name])[0 if are_images else -1]
    if not _takes(corrupt, draw):
        raise TypeError(
            f"X has shape {np.shape(X)}, and {corrupt.__name__} has no options "
            f"{[key for key in draw if not _takes(corrupt, [key])]}."
        )
    return corrupt(X, name, severity, **draw)
