"""Annotations of many workers, as integers."""

from numbers import Real

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets

from imbdeep._tables.validation import sorted_labels

# Code of a missing annotation; pandas.factorize uses the same.
MISSING = -1

# Most rows or ids that an error names.
_N_NAMED = 5


def encode_annotations(annotations, *, classes=None, missing_values=-1):
    """Turn annotations into positions in the sorted labels.

    Parameters
    ----------
    annotations : array-like of shape (n_samples, n_workers)
        Labels, one column per worker. NaN, None and ``pandas.NA`` are missing
        annotations.
    classes : array-like of shape (n_classes,) or None, default=None
        All labels, if some may not occur here; None takes those that occur.
    missing_values : int, float, NaN or None, default=-1
        Number that also marks a missing annotation. None if there is no such number, as
        for the labels -1 and 1.

    Returns
    -------
    codes : ndarray of shape (n_samples, n_workers), int64
        Positions in ``classes``, -1 for a missing annotation.
    classes : ndarray of shape (n_classes,)
        Labels, sorted.

    Raises
    ------
    ValueError
        If the annotations are not a matrix of labels, or hold a label that is not among
        ``classes`` or a row that nobody annotated.

    Examples
    --------
    >>> from imbdeep.crowds._annotations import encode_annotations
    >>> codes, classes = encode_annotations([["no", "yes"], ["no", None]])
    >>> codes
    array([[ 0,  1],
           [ 0, -1]])
    >>> classes
    array(['no', 'yes'], dtype='<U3')
    """
    if isinstance(annotations, pd.DataFrame):
        # Otherwise pandas turns missing integers in a categorical column into a number.
        annotations = annotations.astype(object)
    table = check_array(
        annotations,
        # Columns of a frame, and entries of a list, may share no type but object.
        dtype=None if hasattr(annotations, "dtype") else object,
        ensure_all_finite=False,
        input_name="annotations",
        copy=False,
    )
    codes, values = pd.factorize(table.ravel(), use_na_sentinel=True)
    values = np.asarray(values)
    is_label = np.ones(len(values), dtype=bool)
    if missing_values is not None and holds_numbers(values):
        is_label = values != missing_values
    labels = as_labels(values[is_label])
    classes = (
        np.unique(labels) if classes is None else sorted_labels("classes", classes)
    )
    if holds_numbers(classes) and missing_values in classes.tolist():
        raise ValueError(
            f"{missing_values} is among the classes {classes.tolist()}, and marks "
            "annotations that were not given. Pass missing_values=None, or another "
            "number."
        )
    # One entry more, at the end, where the sentinel of missing values, -1, points.
    positions = np.full(len(values) + 1, MISSING, dtype=np.int64)
    positions[:-1][is_label] = np.searchsorted(classes, labels)
    codes = positions[codes].reshape(table.shape)
    _check_every_row_is_annotated(codes, values[~is_label].tolist())
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise ValueError(
            f"annotations hold labels {unknown.tolist()} that are not among the "
            f"classes {classes.tolist()}. Pass classes= with all labels."
        )
    return codes, classes


def holds_numbers(labels):
    """Whether all labels are numbers; booleans are not.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Labels without missing values.

    Returns
    -------
    bool
    """
    if labels.dtype != object:
        return labels.dtype.kind in "iuf"
    return _kinds(labels) <= {"number"}


def _kinds(labels):
    """Names of the types of objects; NumPy's types count as Python's."""
    # The order matters: bool is a Real.
    families = {"bool": (bool, np.bool_), "number": Real, "str": str}
    return {
        next((f for f in families if issubclass(kind, families[f])), kind.__name__)
        for kind in {type(label) for label in labels}
    }


def as_labels(labels):
    """Convert labels to an array of their own type.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Labels without missing values, possibly objects.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        If they are of several types, not finite, or not class labels.
    """
    if labels.dtype == object:
        kinds = sorted(_kinds(labels))
        if len(kinds) > 1:
            raise ValueError(f"Labels mix the types {kinds}. Use labels of one type.")
        labels = np.array(labels.tolist())
    missing = {"nan", "<NA>"} & set(labels.tolist() if labels.dtype.kind == "U" else ())
    if missing:
        raise ValueError(
            f"Labels hold the text {sorted(missing)[0]!r}, which NumPy makes of a "
            "missing value among text. Use a list, a data frame or dtype=object."
        )
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError(
            "Labels hold infinity; they must be finite, and NaN where there is none."
        )
    if len(labels):
        # Each twice: scikit-learn takes many unique labels for a regression target.
        check_classification_targets(np.repeat(labels, 2))
    return labels


def _check_every_row_is_annotated(codes, markers):
    """Refuse rows without annotations; ``markers`` are numbers that marked none."""
    rows = np.flatnonzero((codes == MISSING).all(1))
    if not len(rows):
        return
    hint = "".join(
        f" If {number} is a label, pass missing_values=None." for number in markers
    )
    raise ValueError(
        f"Nobody annotated {len(rows)} of {len(codes)} rows: "
        f"{name_first(rows.tolist())}. Leave these rows out.{hint}"
    )


def name_first(things):
    """List the first few rows or ids, for an error.

    Examples
    --------
    >>> from imbdeep.crowds._annotations import name_first
    >>> name_first(["a", "b"]), name_first(range(9))
    ("'a', 'b'", '0, 1, 2, 3, 4, ...')
    """
    things = list(things)
    more = ", ..." if len(things) > _N_NAMED else ""
    return ", ".join(map(repr, things[:_N_NAMED])) + more


def indicator_matrix(codes, n_classes):
    """Encode annotations as a sparse matrix of zeros and ones.

    Parameters
    ----------
    codes : ndarray of shape (n, W), int
        -1 for a missing annotation.
    n_classes : int

    Returns
    -------
    csr_array of shape (n, W * n_classes)
        Column ``w * n_classes + c`` marks the rows with label ``c`` from worker ``w``.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._annotations import indicator_matrix
    >>> indicator_matrix(np.array([[0, 1], [-1, 0]]), 2).toarray()
    array([[1., 0., 0., 1.],
           [0., 0., 1., 0.]])
    """
    n_rows, n_workers = codes.shape
    given = codes != MISSING
    columns = (codes + np.arange(n_workers) * n_classes)[given]
    # Built in CSR form: boolean indexing yields the annotations row by row.
    ends = np.append(0, given.sum(1).cumsum())
    return csr_array(
        (np.ones(len(columns)), columns, ends), shape=(n_rows, n_workers * n_classes)
    )


def count_votes(codes, n_classes):
    """Count how often each row got each label.

    Parameters
    ----------
    codes : ndarray of shape (n, W), int
        -1 for a missing annotation.
    n_classes : int

    Returns
    -------
    ndarray of shape (n, n_classes), int

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.crowds._annotations import count_votes
    >>> count_votes(np.array([[0, 1, 1], [-1, 0, -1]]), 2)
    array([[1, 2],
           [1, 0]])
    """
    rows, _ = given = np.nonzero(codes != MISSING)
    cells = rows * n_classes + codes[given]
    votes = np.bincount(cells, minlength=len(codes) * n_classes)
    return votes.reshape(len(codes), n_classes)
