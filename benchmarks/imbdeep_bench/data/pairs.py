"""USPS and Madelon, of which experiments of the dissertation make two classes."""

import hashlib
import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import get_data_home

from imbdeep.datasets._bounded import read_npz
from imbdeep_bench.engine.command import add_datasets
from imbdeep_bench.engine.names import check_names
from imbdeep_bench.engine.protocol import derive_seed

# Rows and columns of each file.
SHAPES = {"usps": (9298, 256), "madelon": (2600, 500)}
DATASETS = tuple(SHAPES)
# What --smoke leaves of a class.
SMOKE_ROWS = 100


# --- Files ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Dataset:
    """All rows of a data set, as the file has them; pictures are rows."""

    name: str
    X: np.ndarray
    y: np.ndarray
    sha256: str  # of rows and labels


def fingerprint(X, y):
    """Hash rows and labels, whatever file they were read from."""
    digest = hashlib.sha256(np.ascontiguousarray(X).tobytes())
    digest.update(np.ascontiguousarray(y, dtype=np.int64).tobytes())
    return digest.hexdigest()


def data_folder(given):
    """Return the folder of the files: the given one, or raw/ of scikit-learn's own."""
    return Path(get_data_home()) / "raw" if given is None else given


def keep_found(found, *, were_asked, where):
    """Return the data sets that were found, by name; say which were not.

    A ValueError names them if they were asked for, or if there is none at all.
    """
    absent = [name for name, data in found.items() if data is None]
    if absent and (were_asked or len(absent) == len(found)):
        raise ValueError(f"--datasets: {', '.join(absent)} cannot be found. {where}")
    if absent:
        print(f"Goes on without {', '.join(absent)}: no file.", file=sys.stderr)
    return [data for data in found.values() if data is not None]


def read_dataset(name, folder):
    """Read a data set from ``<name>.npz`` with the arrays ``data`` and ``label``.

    A ValueError says that there is no such file, or that it cannot be that file.
    """
    check_names([name], DATASETS, "--datasets")
    path = folder / f"{name}.npz"
    if not path.exists():
        raise ValueError(
            f"There is no {path}. Give as --data the folder of {name}.npz, a file with "
            "the arrays data (rows) and label, or put it into raw/ of scikit-learn's "
            "data folder (SCIKIT_LEARN_DATA)."
        )
    most = {"data": math.prod(SHAPES[name]), "label": SHAPES[name][0]}
    try:
        arrays = read_npz(path, most)
    # Damaged bytes make numpy and zipfile raise nearly anything.
    except Exception as error:
        raise ValueError(
            f"{path} cannot be read ({type(error).__name__}: {error}); make or copy it "
            "again."
        ) from error
    if absent := [array for array in most if array not in arrays]:
        raise ValueError(f"{path} lacks the arrays {absent}; it needs both.")
    X, y = arrays["data"], arrays["label"]
    X = X.reshape(len(X), -1)
    return Dataset(name, X, y, fingerprint(X, y))


def shrink(dataset):
    """Keep the first rows of every class, for a smoke run."""
    rows = [np.flatnonzero(dataset.y == c)[:SMOKE_ROWS] for c in np.unique(dataset.y)]
    kept = np.concatenate(rows)
    X, y = dataset.X[kept], dataset.y[kept]
    return Dataset(dataset.name, X, y, fingerprint(X, y))


# --- Two classes ---------------------------------------------------------------------


@dataclass(frozen=True)
class Pairs:
    """Which classes are the majority and the minority."""

    name: str  # as the user wrote it
    fixed: dict | None  # both of each data set; None draws them anew in each run
    # Whether the larger class is cut to the size of the smaller one, so that the test
    # set is balanced.
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


def parse_pairs(text, published=None):
    """Read ``--pairs``: 'drawn', 'published', or majority and minority.

    'published' stands for the pairs given of each data set, uncut.

    >>> parse_pairs("4-7").fixed["usps"]
    (4, 7)
    >>> parse_pairs("-1-1").fixed["madelon"]
    (-1, 1)
    """
    if text == "drawn":
        return Pairs(text, None, True)
    if text == "published" and published is not None:
        return Pairs(text, published, False)
    match = re.fullmatch(r"(-?\d+)-(-?\d+)", text)
    if match is None or int(match[1]) == int(match[2]):
        words = "drawn" if published is None else "drawn, published"
        raise ValueError(
            f"--pairs got {text!r}; write {words}, or two classes, the majority first, "
            "such as 4-7."
        )
    pair = int(match[1]), int(match[2])
    return Pairs(text, dict.fromkeys(DATASETS, pair), True)


def add_pair_arguments(parser, published=False):
    """Add the options that name two classes of these data sets."""
    add_data(parser)
    add_datasets(parser, DATASETS)
    also = ", those of the published table" if published else ""
    words = (
        f"classes: drawn in each run{also}, or a majority and a minority such as 4-7, "
        "or --pairs=-1-1 (default: drawn)"
    )
    metavar = "drawn|published|A-B" if published else "drawn|A-B"
    parser.add_argument("--pairs", default="drawn", metavar=metavar, help=words)


def add_data(parser):
    """Add the option that says where the files are."""
    words = (
        "folder of usps.npz and madelon.npz, each with the arrays data and label "
        "(default: raw/ of scikit-learn's data folder, SCIKIT_LEARN_DATA)"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help=words)


def read_pair_data(args, published=None):
    """Check the options of :func:`add_pair_arguments`; return data sets and pairs."""
    check_names(args.datasets, DATASETS, "--datasets")
    pairs, folder = parse_pairs(args.pairs, published), data_folder(args.data)
    datasets = [read_dataset(name, folder) for name in args.datasets]
    return [shrink(d) if args.smoke else d for d in datasets], pairs


# --- Rows of a run -------------------------------------------------------------------


def n_candidates(n_class):
    """Return 80 % of a class, rounded up, as all five rows of Table 2.1 have it.

    >>> [n_candidates(n) for n in (929, 5319, 1936, 1300, 3500)]
    [744, 4256, 1549, 1040, 2800]
    """
    return math.ceil(4 * n_class / 5)


def draw_classes(dataset, pairs, seed):
    """Draw the rows of a majority and a minority class.

    The seed of the run decides the pair, where it is drawn, and all rows. Return the
    pair, then row numbers of either class, shuffled: 80 % to train on, and the rest.
    """
    pair_state = np.random.RandomState(derive_seed(seed, dataset.name, "pair"))
    pair = pairs.of(dataset, pair_state)
    row_state = np.random.RandomState(derive_seed(seed, dataset.name, "rows"))
    classes = [row_state.permutation(np.flatnonzero(dataset.y == c)) for c in pair]
    if pairs.is_cut:
        n_class = min(map(len, classes))
        classes = [rows[:n_class] for rows in classes]
    parts = [np.split(rows, [n_candidates(len(rows))]) for rows in classes]
    candidates, tests = map(list, zip(*parts, strict=True))
    return pair, candidates, tests


def count_rows(y_train, y_test):
    """Count the rows of both classes for the records of cells; 1 is the minority."""
    return {
        f"n_{part}_{side}": int((y == label).sum())
        for part, y in (("train", y_train), ("test", y_test))
        for label, side in enumerate(("majority", "minority"))
    }


def take_rows(dataset, *parts):
    """Return rows by their numbers as floats, labelled by their part: 0, 1, ..."""
    X = dataset.X[np.concatenate(parts)].astype(np.float64)
    return X, np.repeat(np.arange(len(parts)), [len(part) for part in parts])
