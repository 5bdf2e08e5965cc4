"""The rounds of ICED: their synthetic rows, and the state that they keep."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy import sparse

from imbdeep._generative import RowDecoder
from imbdeep._tables.sampling_strategy import read_sampling_strategy
from imbdeep.classifiers._crowds.base import CrowdRun


def rows_to_make(codes, sampling_strategy, labels):
    """Number of synthetic rows per class that a sampling strategy requires.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
        Inferred classes of the rows, as positions in ``labels``.
    sampling_strategy : str, float, dict or callable
        As in imbalanced-learn, except that a class that already has more rows than
        required gets none: inferred classes grow and shrink.
    labels : ndarray of shape (n_classes,)
        Labels, sorted.

    Returns
    -------
    dict of int to int
        Number of synthetic rows by class, for classes that have rows.

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
    # imbalanced-learn raises an error where a class is larger than a dict or a ratio
    # asks for, so only strings can be left to it.
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
    """Training rows followed by the synthetic rows of the round, in one table.

    Parameters
    ----------
    rows : ndarray of shape (n, ...) or CSR matrix of shape (n, n_features)
        The training rows. They are copied once, or in each round if sparse.
    """

    def __init__(self, rows):
        self.n_rows = rows.shape[0]
        self.buffer = rows

    @property
    def rows(self):
        return self.buffer[: self.n_rows]

    def followed_by(self, made):
        """Return the training rows and ``made``; valid until the next call."""
        if sparse.issparse(self.buffer):
            return sparse.vstack([self.buffer, sparse.csr_array(made)], format="csr")
        end = self.n_rows + len(made)
        if end > len(self.buffer):
            # Room to spare: the number of rows varies a little between rounds.
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
        Returns an iterable of batches.
    """

    def __init__(self, make):
        self.make = make

    def __iter__(self):
        return iter(self.make())


@dataclass
class Rounds:
    """State of the rounds of a fit.

    Attributes
    ----------
    X : AugmentedRows
        Training rows, and the synthetic rows of the round.
    indices : ndarray of shape (n_train,), int
        Positions of the training rows among the rows of the fit.
    certainty : ndarray of shape (n_train,)
    decoder : RowDecoder or None
    augmented : tuple of ndarray or None
        Rows and inferred classes that the round trains on.
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
