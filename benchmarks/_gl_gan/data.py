"""USPS and Madelon, made imbalanced as section 2.4.1 of the dissertation has it."""

import hashlib
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _names import check_names
from _protocol import derive_seed
from sklearn.datasets import get_data_home

DATASETS = ("usps", "madelon")
# What --smoke leaves of a class.
SMOKE_ROWS = 100


# --- Files ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Dataset:
    """All rows of a data set.

    Attributes
    ----------
    name : str
    X : ndarray of shape (n_samples, n_features)
        As the file has them; pictures are rows.
    y : ndarray of shape (n_samples,), int
    sha256 : str
        Of rows and labels.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    sha256: str


def fingerprint(X, y):
    """Hash rows and labels, whatever file they were read from."""
    digest = hashlib.sha256(np.ascontiguousarray(X).tobytes())
    digest.update(np.ascontiguousarray(y, dtype=np.int64).tobytes())
    return digest.hexdigest()


def data_folder(given):
    """Return the folder of the files: the given one, or raw/ of scikit-learn's own."""
    return Path(get_data_home()) / "raw" if given is None else given


def read_dataset(name, folder):
    """Read a data set.

    Parameters
    ----------
    name : {'usps', 'madelon'}
    folder : Path
        Holds ``<name>.npz`` with the arrays ``data`` and ``label``.

    Returns
    -------
    dataset : Dataset

    Raises
    ------
    ValueError
        If there is no such file, or it lacks an array.
    """
    check_names([name], DATASETS, "--datasets")
    path = folder / f"{name}.npz"
    if not path.exists():
        raise ValueError(
            f"There is no {path}. Give as --data the folder of {name}.npz, a file with "
            "the arrays data (rows) and label, or put it into raw/ of scikit-learn's "
            "data folder (SCIKIT_LEARN_DATA)."
        )
    with np.load(path, allow_pickle=False) as file:
        absent = [array for array in ("data", "label") if array not in file]
        if absent:
            raise ValueError(f"{path} lacks the arrays {absent}; it needs both.")
        X, y = file["data"], file["label"]
    X = X.reshape(len(X), -1)
    return Dataset(name, X, y, fingerprint(X, y))


def shrink(dataset):
    """Keep the first rows of every class, for a smoke run."""
    rows = [np.flatnonzero(dataset.y == c)[:SMOKE_ROWS] for c in np.unique(dataset.y)]
    kept = np.concatenate(rows)
    X, y = dataset.X[kept], dataset.y[kept]
    return Dataset(dataset.name, X, y, fingerprint(X, y))


# --- Two classes ---------------------------------------------------------------------


# USPS: 744 rows are 80 % of class 2 alone. Seven of the eight published columns of
# LinearSVC (Table 2.2) are the scores of one confusion matrix of 185 + 141 test rows
# each, which 2 and 8 alone have, neither cut. Madelon has 1300 rows of either class;
# its table cannot tell which was the majority.
PUBLISHED_PAIRS = {"usps": (2, 8), "madelon": (-1, 1)}


@dataclass(frozen=True)
class Pairs:
    """Which classes are the majority and the minority.

    Attributes
    ----------
    name : str
        As the user wrote it.
    fixed : dict of str to tuple of int, or None
        (majority, minority) of each data set; None draws it anew in each run.
    is_cut : bool
        Whether the larger class is cut to the size of the smaller one, so that the
        test set is balanced.
    """

    name: str
    fixed: dict | None
    is_cut: bool

    def of(self, dataset, random_state):
        """Return (majority, minority) of a data set in one run."""
        labels = np.unique(dataset.y).tolist()
        if self.fixed is None:
            return tuple(random_state.choice(labels, 2, replace=False).tolist())
        pair = self.fixed[dataset.name]
        if unknown := [label for label in pair if label not in labels]:
            raise ValueError(
                f"--pairs got {self.name!r}, but {dataset.name} has no class "
                f"{unknown[0]}; its classes are {labels}. Give --datasets, too."
            )
        return pair


def parse_pairs(text):
    """Read ``--pairs``.

    Parameters
    ----------
    text : str
        ``'drawn'``, ``'published'``, or majority and minority such as ``'4-7'``.

    Returns
    -------
    pairs : Pairs

    Raises
    ------
    ValueError
        If it has another form.

    Examples
    --------
    >>> parse_pairs("4-7").fixed["usps"]
    (4, 7)
    >>> parse_pairs("-1-1").fixed["madelon"]
    (-1, 1)
    """
    if text == "drawn":
        return Pairs(text, None, True)
    if text == "published":
        return Pairs(text, PUBLISHED_PAIRS, False)
    match = re.fullmatch(r"(-?\d+)-(-?\d+)", text)
    if match is None or int(match[1]) == int(match[2]):
        raise ValueError(
            f"--pairs got {text!r}; write drawn, published, or two classes, the "
            "majority first, such as 4-7."
        )
    pair = int(match[1]), int(match[2])
    return Pairs(text, dict.fromkeys(DATASETS, pair), True)


# --- One run -------------------------------------------------------------------------


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


def n_candidates(n_class):
    """Return 80 % of a class, rounded up.

    So have all five rows of Table 2.1 it: 744 of 929, 4256 of 5319, 1549 of 1936,
    1040 of 1300, 2800 of 3500.

    Examples
    --------
    >>> [n_candidates(n) for n in (929, 5319, 1936, 1300, 3500)]
    [744, 4256, 1549, 1040, 2800]
    """
    return math.ceil(4 * n_class / 5)


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
    pair_state = np.random.RandomState(derive_seed(seed, dataset.name, "pair"))
    pair = pairs.of(dataset, pair_state)
    row_state = np.random.RandomState(derive_seed(seed, dataset.name, "rows"))
    majority, minority = (
        row_state.permutation(np.flatnonzero(dataset.y == label)) for label in pair
    )
    if pairs.is_cut:
        n_class = min(len(majority), len(minority))
        majority, minority = majority[:n_class], minority[:n_class]
    majority, majority_test = np.split(majority, [n_candidates(len(majority))])
    minority, minority_test = np.split(minority, [n_candidates(len(minority))])
    n_minority = n_kept(r, len(majority))
    if n_minority > len(minority):
        raise ValueError(
            f"--r got {r:g}: {n_minority} rows of class {pair[1]} of {dataset.name}, "
            f"which has {len(minority)} candidates; give a smaller one."
        )
    minority, withdrawn = np.split(minority, [n_minority])

    def rows(*parts):
        X = dataset.X[np.concatenate(parts)].astype(np.float64)
        return X, np.repeat(np.arange(len(parts)), [len(part) for part in parts])

    X_withdrawn, _ = rows(withdrawn)
    return Task(
        pair,
        *rows(majority, minority),
        *rows(majority_test, minority_test),
        X_withdrawn,
    )
