"""Which rows a metric scores: all, those of the rarer half, or of some classes."""

import numpy as np
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted

from imbdeep._arguments import shown
from imbdeep._tables.by_name import by_label
from imbdeep.metrics import under_represented

ROWS = ("all", "per_class", "under_represented")


def read_rows(rows):
    """Return the word for some rows, or the labels of their classes as a list.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.attacks._scored_rows import read_rows
    >>> read_rows("all"), read_rows(np.array([3, 5]))
    ('all', [3, 5])
    """
    if isinstance(rows, str) and rows in ROWS:
        return rows
    # An array of objects, as NumPy refuses lists of lists of several lengths.
    labels = np.asarray(rows, dtype=object)
    labels = labels.tolist() if labels.ndim == 1 else []
    are_labels = [isinstance(one, str) or not np.iterable(one) for one in labels]
    if not labels or not all(are_labels):
        raise ValueError(
            f"rows must be one of {ROWS}, or a list of classes such as ['fraud'], got "
            f"{shown(rows)}."
        )
    return labels


def rows_of_interest(estimator, y, rows, class_counts):
    """Positions of the rows that ``rows`` asks for, as :func:`read_rows` returns it."""
    if rows == "under_represented":
        return _rows_of_rare_classes(estimator, y, class_counts)
    if isinstance(rows, str):
        return np.arange(len(y))
    classes = _classes_of(estimator, y)
    known = dict.fromkeys([*classes.tolist(), *y.tolist()])
    _refuse_mask(rows, known)
    unknown = [label for label in rows if label not in known]
    if unknown:
        raise ValueError(
            f"rows asks for classes {shown(unknown)}, which neither y nor "
            f"{type(estimator).__name__} has: these are {shown(list(known))}."
        )
    found = np.flatnonzero(np.isin(y, rows))
    if len(found) == 0:
        raise ValueError(f"y has no row of the classes {shown(rows)}. Give more rows.")
    return found


def share_per_class(hits, y, classes):
    """Share of the rows of each class that hold True; NaN for a class without rows."""
    return np.array(
        [hits[y == label].mean() if (y == label).any() else np.nan for label in classes]
    )


def refuse_per_class(metric):
    """Refuse a scorer of several numbers, and name the metric that has them."""
    raise ValueError(
        "A scorer gives one number, and rows='per_class' one for each class. Use "
        f"{metric}, rows='under_represented', or a list of classes."
    )


def rows_of_known_classes(estimator, y):
    return np.flatnonzero(np.isin(y, _classes_of(estimator, y)))


def _classes_of(estimator, y):
    check_is_fitted(estimator, "classes_")
    classes = np.asarray(estimator.classes_)
    # Raises an error if one holds text and the other numbers.
    unique_labels(classes, y)
    return classes


def _refuse_mask(rows, known):
    """Refuse booleans where classes are none: True equals the label 1."""
    if all(isinstance(one, bool) for one in rows) and not any(
        isinstance(one, bool) for one in known
    ):
        raise ValueError(
            f"rows is a mask, {shown(rows)}, and takes labels of classes: these are "
            f"{shown(list(known))}."
        )


def _rows_of_rare_classes(estimator, y, class_counts):
    classes = _classes_of(estimator, y)
    if class_counts is None:
        class_counts = getattr(estimator, "class_counts_", None)
    if class_counts is None:
        raise ValueError(
            "rows='under_represented' needs class_counts, as "
            f"{type(estimator).__name__} has not counted its training rows: pass "
            "class_counts=pandas.Series(y_train).value_counts()."
        )
    class_counts = by_label("class_counts", class_counts, classes.tolist())
    if np.shape(class_counts) != classes.shape:
        raise ValueError(
            "class_counts must hold the training rows of each of the "
            f"{len(classes)} classes of {type(estimator).__name__}, got "
            f"{class_counts!r}."
        )
    rare = np.flatnonzero(np.isin(y, classes[under_represented(class_counts)]))
    if len(rare) == 0:
        raise ValueError(
            "y has no row of an under-represented class: the classes have "
            f"{np.asarray(class_counts).tolist()} training rows. Use rows='all'."
        )
    return rare
