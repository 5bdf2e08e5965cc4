"""The rounds of ICED: how many rows each makes, and what they hold on to."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy import sparse

from imbdeep._generative import RowDecoder
from imbdeep._tables.sampling_strategy import read_sampling_strategy
from imbdeep.classifiers._crowds.base import CrowdRun


def rows_to_make(codes, sampling_strategy, labels):
    """Synthetic rows of each class that a sampling strategy asks for.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
        Classes that the rows are inferred to be of, as positions in ``labels``.
    sampling_strategy : str, float, dict or callable
        As in imbalanced-learn; but a class that already has more rows than it asks for
        gets none, because inferred classes grow and shrink.
    labels : ndarray of shape (n_classes,)
        Sorted.

    Returns
    -------
    dict of int to int
        Number of rows by class, of classes that have rows.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._crowds.rounds import rows_to_make
    >>> codes, labels = np.array([0] * 5 + [1] * 2), np.array(["a", "b"])
    >>> rows_to_make(codes, "auto", labels)
    {1: 3}
    >>> rows_to_make(codes, {"a": 4, "b": 4}, labels)
    {0: 0, 1: 2}
    """
    counts = np.bincount(codes, minlength=len(labels))
    present = np.flatnonzero(counts)
    if len(present) < 2:
        return {}
    if isinstance(sampling_strategy, str):
        wanted = read_sampling_strategy(sampling_strategy, labels[codes])
        return {int(np.searchsorted(labels, k)): int(n) for k, n in wanted.items()}
    if isinstance(sampling_strategy, Real):
        majority = counts.argmax()
        totals = {
            int(c): int(sampling_strategy * counts[majority])
            for c in present
            if c != majority
        }
    else:
        asked = sampling_strategy
        if callable(asked):
            asked = asked(labels[codes])
        totals = {int(np.searchsorted(labels, k)): int(n) for k, n in asked.items()}
    return {c: max(0, n - int(counts[c])) for c, n in totals.items() if counts[c]}


class AugmentedRows:
    """Training rows, and behind them those of the round, in one table.

    Parameters
    ----------
    rows : ndarray of shape (n, ...) or CSR matrix of shape (n, n_features)
        The training rows, which are copied once; if sparse, in each round.
    """

    def __init__(self, rows):
        self.n_rows = rows.shape[0]
        self.buffer = rows

    @property
    def rows(self):
        return self.buffer[: self.n_rows]

    def followed_by(self, made):
        """The training rows and ``made``; valid until the next call."""
        if sparse.issparse(self.buffer):
            return sparse.vstack([self.buffer, sparse.csr_array(made)], format="csr")
        end = self.n_rows + len(made)
        if end > len(self.buffer):
            # The number of rows differs a little from one round to the next.
            room = np.empty((end + len(made) // 4, *made.shape[1:]), made.dtype)
            room[: self.n_rows] = self.rows
            self.buffer = room
        self.buffer[self.n_rows : end] = made
        return self.buffer[:end]


class AnewEachEpoch:
    """Batches that are made anew for each epoch.

    Parameters
    ----------
    make : callable
        Gives an iterable of batches.
    """

    def __init__(self, make):
        self.make = make

    def __iter__(self):
        return iter(self.make())


@dataclass
class Rounds:
    """What the rounds of a fit hold on to.

    Attributes
    ----------
    X : AugmentedRows
        Training rows, and those made in the round.
    indices : ndarray of shape (n_train,), int
        Of the training rows among the rows of the fit.
    certainty : ndarray of shape (n_train,)
    decoder : RowDecoder or None
    augmented : tuple of ndarray or None
        What the round trains on: rows and inferred classes.
    """

    X: AugmentedRows
    indices: np.ndarray
    certainty: np.ndarray
    decoder: RowDecoder | None = None
    augmented: tuple | None = None


class ICEDRun(CrowdRun):
    """State of a fit of ICED.

    Attributes
    ----------
    X : ndarray of shape (n, ...) or CSR matrix of shape (n, n_features)
        Rows of the fit.
    rounds : Rounds or None
        None in the warm-up.
    """

    X = None
    rounds = None
