"""Which columns a blend uses, and which tell the label by themselves."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import rankdata

from imbdeep.classifiers._imbalanced.report.scores import (
    average_precision,
    mean_log_loss,
)

_MOST_COLUMNS = 50
# Shuffled copies of the sample, over all columns.
_MOST_SHUFFLES, _MOST_REPEATS = 60, 5
# Of the tables of shuffled copies that are predicted at once.
_MOST_CELLS = 5_000_000


def dense_columns(X, positions):
    """Columns as an array.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n, n_features)
    positions : sequence of int

    Returns
    -------
    ndarray of shape (n, n_positions)
    """
    part = X[:, positions]
    return part.toarray() if sparse.issparse(X) else part


def _separation_of_numbers(column, y):
    """ROC AUC of the two classes, next to each other, that it confuses most."""
    ranks = rankdata(column)
    counts = np.bincount(y)
    means = np.divide(np.bincount(y, ranks), counts, where=counts > 0, out=counts * 0.0)
    classes = np.flatnonzero(counts)
    classes = classes[np.argsort(means[classes])]
    found = 1.0
    for low, high in pairwise(classes):
        pair = (y == low) | (y == high)
        ranks, n = rankdata(column[pair]), counts[high]
        area = (ranks[y[pair] == high].sum() - n * (n + 1) / 2) / (n * counts[low])
        found = min(found, area)
    return found


def _separation_of_levels(codes, y):
    """Recall, of the worst class, where each level stands for the class it has most.

    Which class that is, is read from one half of the rows, and tried with the other.
    """
    codes = np.where(np.isnan(codes), -1, codes).astype(int)
    levels, codes = np.unique(codes, return_inverse=True)
    n_classes = y.max() + 1
    half = np.zeros(len(y), dtype=bool)
    for c in range(n_classes):
        half[np.flatnonzero(y == c)[::2]] = True
    right = np.zeros(len(y), dtype=bool)
    for learned in (half, ~half):
        counts = np.zeros((len(levels), n_classes))
        np.add.at(counts, (codes[learned], y[learned]), 1)
        shares = counts / np.maximum(counts.sum(axis=0), 1)
        is_known = shares.max(axis=1) > 0
        said = np.where(is_known, shares.argmax(axis=1), -1)
        right[~learned] = (said[codes] == y)[~learned]
    return min(right[y == c].mean() for c in np.unique(y))


def separation(column, y, is_level):
    """How well a column alone tells the classes apart.

    Parameters
    ----------
    column : ndarray of shape (n,)
        Gaps are NaN.
    y : ndarray of shape (n,), int
    is_level : bool

    Returns
    -------
    float
        In [0, 1]; 1 if perfectly. Of numbers the ROC AUC of the two classes next to
        each other that it confuses most; of levels the smallest recall of a class.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.columns import separation
    >>> y = np.array([0, 0, 0, 1, 1, 1])
    >>> float(separation(np.array([1, 2, 5, 9, 7, 8.0]), y, is_level=False))
    1.0
    >>> float(separation(np.array([0, 0, 0, 1, 1, 0.0]), y, is_level=True))
    0.666...
    """
    if is_level:
        return _separation_of_levels(column, y)
    gaps = np.isnan(column)
    if not gaps.any():
        return _separation_of_numbers(column, y)
    # A gap may tell as much as a number: it is below or above all of them.
    present = column[~gaps]
    low, high = (present.min() - 1, present.max() + 1) if len(present) else (0.0, 0.0)
    return max(
        _separation_of_numbers(np.where(gaps, end, column), y) for end in (low, high)
    )


def varying(X):
    """Positions of columns with two values or more, a gap being one.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.columns import varying
    >>> varying(np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 3.0]]))
    array([1])
    """
    if sparse.issparse(X):
        X = sparse.csc_matrix(X)
        full = np.diff(X.indptr) == X.shape[0]
        ends = X.indptr[1:] > X.indptr[:-1]
        found = ends & ~full
        for j in np.flatnonzero(full):
            column = X.data[X.indptr[j] : X.indptr[j + 1]]
            found[j] = len(np.unique(column)) > 1
        return np.flatnonzero(found)
    is_first = (X[:1] == X) | (np.isnan(X[:1]) & np.isnan(X))
    return np.flatnonzero(~is_first.all(axis=0))


def _association(column, y, counts):
    """Share of the variance of ranks that lies between classes."""
    gaps = np.isnan(column)
    ranks = rankdata(np.where(gaps, -np.inf, column))
    ranks -= ranks.mean()
    between = (np.bincount(y, ranks) ** 2 / np.maximum(counts, 1)).sum()
    return between / max((ranks**2).sum(), 1.0)


def columns_to_shuffle(X, y):
    """Columns that vary; of many those that tell most about the label by themselves.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n, n_features)
    y : ndarray of shape (n,), int

    Returns
    -------
    chosen : ndarray of int
        Rising.
    n_varying : int
    """
    candidates = varying(X)
    if len(candidates) <= _MOST_COLUMNS:
        return candidates, len(candidates)
    counts = np.bincount(y)
    told = np.empty(len(candidates))
    # A block at a time: a wide sparse table need not fit as a dense one.
    for start in range(0, len(candidates), 1_000):
        block = dense_columns(X, candidates[start : start + 1_000])
        told[start : start + 1_000] = [_association(c, y, counts) for c in block.T]
    best = np.argsort(-told, kind="stable")[:_MOST_COLUMNS]
    return np.sort(candidates[best]), len(candidates)


def _with_shuffled(X, position, order):
    """Rows with one column in another order."""
    if sparse.issparse(X):
        parts = X[:, :position], X[order][:, [position]], X[:, position + 1 :]
        return sparse.hstack(parts, format="csr")
    X = X.copy()
    X[:, position] = X[order, position]
    return X


def column_importances(predict, X, positions, rows, columns, random_state):
    """What a blend loses if a column is shuffled.

    Parameters
    ----------
    predict : callable
        Probabilities, given rows and their positions in training, by models that did
        not train on these.
    X : {ndarray, sparse matrix} of shape (n, n_features)
        A sample of rows.
    positions : ndarray of shape (n,), int
        In training.
    rows : Judged
        They, with weights that make them stand for the table.
    columns : ndarray of int
        To shuffle.
    random_state : RandomState

    Returns
    -------
    DataFrame
        Columns ``position``, ``drop``, the mean loss, and ``spread``, its standard
        deviation over shuffles (NaN of one), largest drop first. It is of average
        precision; of log loss with more than two classes.
    """
    is_binary = rows.proba.shape[1] == 2

    def badness(proba):
        judged = replace(rows, proba=proba)
        return -average_precision(judged) if is_binary else mean_log_loss(judged)

    start = badness(rows.proba)
    n_repeats = int(np.clip(_MOST_SHUFFLES // max(len(columns), 1), 1, _MOST_REPEATS))
    jobs = [
        (column, random_state.permutation(len(rows.y)))
        for column in columns
        for _ in range(n_repeats)
    ]
    at_once = max(1, _MOST_CELLS // (X.shape[0] * X.shape[1]))
    stack = sparse.vstack if sparse.issparse(X) else np.concatenate
    losses = []
    # Together: of a forest, ten tables take little longer than one.
    for first in range(0, len(jobs), at_once):
        part = jobs[first : first + at_once]
        tables = stack([_with_shuffled(X, *job) for job in part])
        proba = predict(tables, np.tile(positions, len(part)))
        losses += [badness(own) - start for own in np.split(proba, len(part))]
    losses = np.reshape(losses, (len(columns), n_repeats))
    spread = losses.std(axis=1, ddof=1) if n_repeats > 1 else np.nan
    found = pd.DataFrame(
        {"position": columns, "drop": losses.mean(axis=1), "spread": spread}
    )
    return found.sort_values("drop", ascending=False, kind="stable", ignore_index=True)
