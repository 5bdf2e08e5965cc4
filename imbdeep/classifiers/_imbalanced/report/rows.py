"""What is odd about the rows and columns of a table, seen by looking at all rows."""

import re
from dataclasses import dataclass
from math import isfinite

import numpy as np
from pandas.util import hash_array
from scipy import sparse

_CALLED_ID = re.compile(
    r"(^|[^a-z])(id|ids|key|uuid|guid|nr|no|number|index)($|[^a-z])"
)
# Rows that tell whether a column may be an identifier, before all are looked at.
_FIRST = 200
# Of fewer rows, different values say nothing.
_FEWEST = 20


@dataclass(frozen=True)
class Equals:
    """Rows that others equal in all columns.

    With groups, only rows of other groups count: those of one are held out together.

    Attributes
    ----------
    n_equal : int
        Rows with an equal one.
    n_other_class : int
        Rows with an equal one of another class.
    """

    n_equal: int
    n_other_class: int


def hash_rows(X):
    """A number for each row, which is the same for equal rows, and hardly for others.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n, n_features)

    Returns
    -------
    ndarray of shape (n,), uint64

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.rows import hash_rows
    >>> hashes = hash_rows(np.array([[1, np.nan], [2, 3], [1, np.nan]])).tolist()
    >>> hashes[0] == hashes[2], hashes[0] == hashes[1]
    (True, False)
    """
    factors = np.random.RandomState(0).randint(2**62, size=X.shape[1], dtype=np.uint64)
    # Odd numbers: none of the bits of a value is lost.
    factors = 2 * factors + 1
    if sparse.issparse(X):
        X = X.tocsr(copy=True)
        X.sum_duplicates()
        # A zero has no say in a dense row either.
        X.eliminate_zeros()
        total = np.cumsum(_mixed(X.data) * factors[X.indices], dtype=np.uint64)
        ends = np.append(np.uint64(0), total)[X.indptr]
        return np.diff(ends)
    total = np.zeros(len(X), dtype=np.uint64)
    for column, factor in zip(X.T, factors, strict=True):
        total += _mixed(column) * factor
    return total


def _mixed(values):
    # In this way -0 is 0, and there is one NaN; the hash of 0 is 0.
    values = values.astype(np.float64) + 0.0
    values[np.isnan(values)] = np.nan
    return hash_array(values)


def count_equals(hashes, y, groups=None):
    """Count rows that others equal.

    Parameters
    ----------
    hashes : ndarray of shape (n,), uint64
        See :func:`hash_rows`.
    y : ndarray of shape (n,), int
    groups : ndarray of shape (n,), int, or None, default=None

    Returns
    -------
    Equals

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.rows import count_equals
    >>> hashes = np.array([1, 2, 1, 1], dtype=np.uint64)
    >>> count_equals(hashes, np.array([0, 0, 0, 1]))
    Equals(n_equal=3, n_other_class=3)
    """
    order = np.argsort(hashes)
    starts = np.flatnonzero(np.diff(hashes[order], prepend=~hashes[order[:1]]))
    sizes = np.diff(starts, append=len(y))

    def differs(labels):
        labels = labels[order]
        most = np.maximum.reduceat(labels, starts)
        return most != np.minimum.reduceat(labels, starts)

    is_equal = sizes > 1 if groups is None else differs(groups)
    return Equals(int(sizes[is_equal].sum()), int(sizes[is_equal & differs(y)].sum()))


def constant_columns(X):
    """Positions of columns with one value, or none.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.rows import constant_columns
    >>> constant_columns(np.array([[1, np.nan, 5, 1], [1, np.nan, np.nan, 2]]))
    [0, 1]
    """
    if sparse.issparse(X):
        low, high = (part.toarray()[0] for part in (X.nanmin(axis=0), X.nanmax(axis=0)))
        gaps = np.bincount(X.indices[np.isnan(X.data)], minlength=X.shape[1])
    else:
        low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
        gaps = np.isnan(X).sum(axis=0)
    is_constant = ((low == high) & (gaps == 0)) | (gaps == X.shape[0])
    return np.flatnonzero(is_constant).tolist()


def are_numbers_as_text(levels):
    """Whether most levels are text that can be read as a number.

    Parameters
    ----------
    levels : sequence of object

    Returns
    -------
    bool

    Examples
    --------
    >>> from imbdeep.classifiers._imbalanced.report.rows import are_numbers_as_text
    >>> are_numbers_as_text(["1.5", " 20", "1,234.5", "3,7", "unknown"])
    True
    >>> are_numbers_as_text(["a1", "a2", "7"]), are_numbers_as_text([1, 2, 3])
    (False, False)
    """
    n_numbers = sum(isinstance(one, str) and _is_number(one) for one in levels)
    return n_numbers > len(levels) / 2


def _is_number(text):
    try:
        # Commas stand for the point, or part thousands.
        return isfinite(float(text.replace(",", "")))
    except ValueError:
        return False


def identifiers(X, distinct, names, levels, n_levels):
    """Positions of columns whose values are as many as rows, as identifiers have.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n, n_features)
    distinct : ndarray of int
        Rows that remain without copies of others.
    names : sequence of length n_features
    levels : list of int
        Columns of levels.
    n_levels : sequence of int
        Of each of these.

    Returns
    -------
    list of int
        Columns with hardly a level in two rows; and of whole numbers that are all
        different, if the name says so, or if they lie so near each other that numbers
        drawn at random would not be.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.rows import identifiers
    >>> X = np.c_[np.arange(500), np.linspace(0, 1, 500), np.arange(500) % 400]
    >>> identifiers(X, np.arange(500), ["row", "share", "customer id"], [], [])
    [0]
    """
    n = len(distinct)
    if n < _FEWEST or sparse.issparse(X):
        return []
    found = [
        position
        for position, n_own in zip(levels, n_levels, strict=True)
        if n_own >= max(_FEWEST, 0.9 * np.sum(~np.isnan(X[distinct, position])))
    ]
    numbers = np.setdiff1d(np.arange(X.shape[1]), levels)
    first = np.sort(X[np.ix_(distinct[:_FIRST], numbers)], axis=0)
    # NaN fails as well.
    may_be = ((np.diff(first, axis=0) > 0) & (first[1:] == np.rint(first[1:]))).all(0)
    for position in numbers[may_be]:
        column = np.sort(X[distinct, position])
        if not ((np.diff(column) > 0).all() and (column == np.rint(column)).all()):
            continue
        # Of as many random numbers five pairs would be equal.
        is_narrow = column[-1] - column[0] < n**2 / 10
        if is_narrow or _CALLED_ID.search(str(names[position]).lower()):
            found.append(int(position))
    return sorted(found)
