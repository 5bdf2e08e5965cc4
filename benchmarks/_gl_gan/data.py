"""Two classes, made imbalanced as section 2.4.1 of the dissertation has it."""

import math
from dataclasses import dataclass

import numpy as np
from _paper_data import draw_classes, take_rows

# USPS: 744 rows are 80 % of class 2 alone. Seven of the eight published columns of
# LinearSVC (Table 2.2) are the scores of one confusion matrix of 185 + 141 test rows
# each, which 2 and 8 alone have, neither cut. Madelon has 1300 rows of either class;
# its table cannot tell which was the majority.
PUBLISHED_PAIRS = {"usps": (2, 8), "madelon": (-1, 1)}


@dataclass(frozen=True)
class Task:
    """Training and test rows of one run; the minority is 1, the majority 0.

    Attributes
    ----------
    pair : tuple of int
        Classes: majority, minority.
    X_train, y_train : ndarray
        Imbalanced.
    X_test, y_test : ndarray
        As many of either class, unless the pair was left uncut.
    X_withdrawn : ndarray
        Candidates of the minority that the ratio does not leave.
    """

    pair: tuple
    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    X_withdrawn: np.ndarray

    def row_counts(self):
        """Return the sizes for a cell's record."""
        return {
            "majority": self.pair[0],
            "minority": self.pair[1],
            "n_train_majority": int((self.y_train == 0).sum()),
            "n_train_minority": int((self.y_train == 1).sum()),
            "n_test_majority": int((self.y_test == 0).sum()),
            "n_test_minority": int((self.y_test == 1).sum()),
        }


def n_kept(r, n_majority):
    """Return the size of the minority at a ratio, rounded down, at least 2.

    Rounded down, as Table 2.1 has 42 rows beside 4256. One row has no neighbours.

    Examples
    --------
    >>> [n_kept(0.01, n) for n in (744, 4256, 1549, 1040, 2800)]
    [7, 42, 15, 10, 28]
    >>> n_kept(0.01, 80)
    2
    """
    # 0.29 * 100 is 28.999999999999996.
    return max(2, math.floor(round(r * n_majority, 6)))


def make_task(dataset, pairs, r, seed):
    """Draw the rows of one run.

    Neither test rows nor candidates depend on the ratio, and a milder one has all rows
    of a harsher one.

    Parameters
    ----------
    dataset : Dataset
    pairs : Pairs
    r : float
        Rows of the minority for each of the majority, in (0, 1).
    seed : int
        Of the run: decides the pair, where it is drawn, and all rows.

    Returns
    -------
    task : Task

    Raises
    ------
    ValueError
        If the pair is not of this data set, or the minority has too few rows for the
        ratio.
    """
    pair, (majority, minority), tests = draw_classes(dataset, pairs, seed)
    n_minority = n_kept(r, len(majority))
    if n_minority > len(minority):
        raise ValueError(
            f"--r got {r:g}: {n_minority} rows of class {pair[1]} of {dataset.name}, "
            f"which has {len(minority)} candidates; give a smaller one."
        )
    minority, withdrawn = np.split(minority, [n_minority])

    X_withdrawn, _ = take_rows(dataset, withdrawn)
    return Task(
        pair,
        *take_rows(dataset, majority, minority),
        *take_rows(dataset, *tests),
        X_withdrawn,
    )
