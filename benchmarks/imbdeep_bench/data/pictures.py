"""Pictures made imbalanced as sections 4.5.1 and 5.5.1 of the dissertation have it."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from imbdeep.datasets import (
    load_cifar10,
    load_cifar100,
    load_photo_tiles,
    load_usps,
    make_imbalanced,
)
from imbdeep_bench.data.pairs import data_folder, fingerprint
from imbdeep_bench.engine.experiment import Rows
from imbdeep_bench.engine.names import check_names
from imbdeep_bench.engine.protocol import derive_seed

KINDS = {"step": "step", "exp": "exponential"}
IMBALANCES = ("step-10", "step-100", "exp-10", "exp-100")
# Rows of a class to test on, where the collection has no test part that is balanced.
TEST_ROWS = 100
# What --smoke leaves of a class, enough for a ratio of 100, and how many it tests on.
SMOKE_ROWS, SMOKE_TEST_ROWS = 160, 10


# --- Files ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Pictures:
    """All pictures of a data set, as the file has them."""

    name: str
    X: np.ndarray  # rows, channels, height, width
    y: np.ndarray
    is_test: np.ndarray | None  # whom everybody tests on; None draws some in each run
    sha256: str


def _read_usps(folder):
    # Its own test part is not balanced: each run draws one that is.
    bunch = load_usps(folder, subset="all")
    return bunch.data, bunch.target, None


def join_parts(train, test):
    """Return pictures, labels, and which are of the test part, of two parts."""
    is_test = np.repeat([False, True], [train.n_samples, test.n_samples])
    X = np.concatenate([train.data, test.data])
    return X, np.concatenate([train.target, test.target]), is_test


def _cifar_reader(load):
    def read(folder):
        return join_parts(
            *(load(folder, subset=name, dtype="uint8") for name in ("train", "test"))
        )

    return read


READERS = {
    "usps": _read_usps,
    "cifar10": _cifar_reader(load_cifar10),
    "cifar100": _cifar_reader(load_cifar100),
}


def read_pictures(name, folder):
    """Read a data set; None looks in raw/ of scikit-learn's data folder."""
    check_names([name], READERS, "--datasets")
    X, y, is_test = READERS[name](data_folder(folder))
    return Pictures(name, X, y, is_test, fingerprint(X, y))


def read_all(readers, names, folder):
    """Read data sets by name; None in place of those that cannot be found.

    ``readers`` take a folder and return pictures, labels, and which are of the test
    part. A folder of None is raw/ of scikit-learn's data folder.
    """
    found, folder = dict.fromkeys(names), data_folder(folder)
    for name in names:
        with suppress(FileNotFoundError, ImportError):
            X, y, is_test = readers[name](folder)
            found[name] = Pictures(name, X, y, is_test, fingerprint(X, y))
    return found


def read_photo_tiles(n_train, n_test):
    """Read so many tiles of each photo, to train on and to test on.

    Halves of tiles that overlap would share pixels: those to test on lie elsewhere.
    """
    sizes = {"train": n_train, "test": n_test}
    return join_parts(
        *(load_photo_tiles(subset=s, n_per_class=n) for s, n in sizes.items())
    )


def shrink_pictures(pictures):
    """Keep the first rows of every class, of either part, for a smoke run."""
    parts = [None] if pictures.is_test is None else [False, True]
    rows = [
        np.flatnonzero(
            (pictures.y == label) & (part is None or pictures.is_test == part)
        )[:SMOKE_ROWS]
        for part in parts
        for label in np.unique(pictures.y)
    ]
    kept = np.concatenate(rows)
    X, y = pictures.X[kept], pictures.y[kept]
    is_test = None if pictures.is_test is None else pictures.is_test[kept]
    return Pictures(pictures.name, X, y, is_test, fingerprint(X, y))


def as_floats(X):
    """Return pictures in [0, 1], float32."""
    return X.astype(np.float32) / (255 if X.dtype == np.uint8 else 1)


def first_of_each_class(y, n):
    """Return the positions of the first ``n`` rows of each class, sorted.

    Examples
    --------
    >>> first_of_each_class(np.array([1, 0, 1, 1, 0, 0]), 2)
    array([0, 1, 2, 4])
    """
    rows = [np.flatnonzero(y == label)[:n] for label in np.unique(y)]
    return np.sort(np.concatenate(rows))


# --- Imbalance -----------------------------------------------------------------------


@dataclass(frozen=True)
class Imbalance:
    """How rare classes get: ``Step-100`` and the like."""

    kind: str  # 'step' or 'exp'
    ratio: int  # rows of the largest class for each of the smallest

    @property
    def name(self):
        """As the option has it."""
        return f"{self.kind}-{self.ratio}"


def parse_imbalance(text):
    """Read an imbalance.

    >>> parse_imbalance("exp-100")
    Imbalance(kind='exp', ratio=100)
    """
    kind, _, ratio = text.partition("-")
    if kind not in KINDS or not ratio.isdigit() or int(ratio) < 1:
        raise ValueError(
            f"--imbalances got {text!r}; write step or exp and a ratio, such as "
            f"{', '.join(IMBALANCES)} (step-1 is balanced)."
        )
    return Imbalance(kind, int(ratio))


# --- One run -------------------------------------------------------------------------


def split_rows(pictures, n_test, random_state):
    """Return the rows to train on, before any is withdrawn, and to test on."""
    if pictures.is_test is not None:
        return np.flatnonzero(~pictures.is_test), np.flatnonzero(pictures.is_test)
    shuffled = random_state.permutation(len(pictures.y))
    labels = pictures.y[shuffled]
    test = [shuffled[labels == label][:n_test] for label in np.unique(labels)]
    test = np.sort(np.concatenate(test))
    return np.setdiff1d(shuffled, test), test


def draw_pictures(pictures, imbalance, seed, n_test=TEST_ROWS):
    """Draw the rows of one run, in [0, 1]. Classes get rarer in the order 0, 1, ...

    The seed decides which rows of a class are withdrawn and, where the collection has
    no test part, which ``n_test`` of each class are tested on. The test rows do not
    depend on the imbalance.
    """
    state = np.random.RandomState(derive_seed(seed, pictures.name, "test"))
    train, test = split_rows(pictures, n_test, state)
    rows, y_train = make_imbalanced(
        train,
        pictures.y[train],
        kind=KINDS[imbalance.kind],
        ratio=imbalance.ratio,
        random_state=derive_seed(seed, pictures.name, "rows"),
    )
    X_train, X_test = (as_floats(pictures.X[part]) for part in (rows, test))
    told = {"class_counts": np.bincount(y_train).tolist(), "n_test": len(test)}
    return Rows(X_train, y_train, X_test, pictures.y[test], told)
