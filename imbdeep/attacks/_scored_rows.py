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
    if np.ndim(rows) != 1 or len(rows) == 0:
        raise ValueError(
            f"rows must be one of {ROWS}, or a list of classes such as ['fraud'], got "
            f"{shown(rows)}."
        )
    return np.asarray(rows, dtype=object).tolist()


def rows_of_interest(estimator, y, rows, class_counts):
    """Positions of the rows that ``rows`` asks for, as :func:`read_rows` returns it."""
    if rows == "under_represented":
        return _rows_of_rare_classes(estimator, y, class_counts)
    if isinstance(rows, str):
        return np.arange(len(y))
    check_is_fitted(estimator, "classes_")
    known = dict.fromkeys([*np.asarray(estimator.classes_).tolist(), *y.tolist()])
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
    check_is_fitted(estimator, "classes_")
    classes = np.asarray(estimator.classes_)
    # Raises an error if one holds text and the other numbers.
    unique_labels(classes, y)
    return np.flatnonzero(np.isin(y, classes))


def _rows_of_rare_classes(estimator, y, class_counts):
    check_is_fitted(estimator, "classes_")
    classes = np.asarray(estimator.classes_)
    if class_counts is None:
        class_counts = getattr(estimator, "class_counts_", None)
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
