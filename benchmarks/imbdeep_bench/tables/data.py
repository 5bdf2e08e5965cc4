"""Tables of the KEEL collection, as text: a rare class against the rest."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from imbdeep_bench.engine.names import check_names
from imbdeep_bench.engine.protocol import derive_seed

# Those that share no rows with the 27 sets.
NUMERIC = (
    *("page-blocks0", "vehicle1", "vehicle3", "winequality-red-4", "glass0"),
    *("poker-8_vs_6", "cleveland-0_vs_4", "dermatology-6", "magic", "phoneme"),
    *("spambase", "contraceptive", "banana", "marketing", "bands", "ring"),
    *("segment", "texture", "vehicle"),
)
MIXED = (
    *("kr-vs-k-three_vs_eleven", "lymphography-normal-fibrosis", "german", "crx"),
    *("chess", "tic-tac-toe", "housevotes", "splice"),
)
ALL = tuple(sorted(NUMERIC + MIXED))
# Of fewer than 1,600 rows, ten of them rare at least.
SMALL = (
    *("bands", "cleveland-0_vs_4", "contraceptive", "crx", "dermatology-6", "german"),
    *("glass0", "housevotes", "poker-8_vs_6", "tic-tac-toe", "vehicle", "vehicle1"),
    *("vehicle3", "winequality-red-4"),
)
# At most: so that a comparison takes hours, not days.
MOST_FREQUENT_ROWS = 3000
RARE_SHARE, LEAST_RARE_ROWS = 0.1, 25


@dataclass(frozen=True)
class Table:
    """A table of two classes, the rare one 1."""

    name: str
    X: pd.DataFrame
    y: np.ndarray
    sha256: str


def read_tables(names, folder, known, smoke=False):
    """Read tables from ``<name>.csv.gz``, whose last column is ``target``."""
    check_names(names, known, "--datasets")
    return [_read(name, folder, smoke) for name in names]


def _read(name, folder, smoke):
    path = folder / f"{name}.csv.gz"
    if not path.exists():
        raise ValueError(f"There is no {path}; give as --data the folder of KEEL's.")
    frame = pd.read_csv(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    target = frame.pop("target")
    rare = (target == target.value_counts().index[-1]).to_numpy()
    rng = np.random.default_rng(derive_seed(name, "rows"))
    most = 150 if smoke else MOST_FREQUENT_ROWS
    frequent = rng.permutation(np.flatnonzero(~rare))[:most]
    # Tables that are not imbalanced are made so.
    n_rare = int(RARE_SHARE / (1 - RARE_SHARE) * len(frequent))
    kept = rng.permutation(np.flatnonzero(rare))[: max(LEAST_RARE_ROWS, n_rare)]
    rows = np.sort(np.concatenate([frequent, kept]))
    X = frame.iloc[rows].reset_index(drop=True)
    return Table(name, X, rare[rows].astype(int), sha256)


def plant_gaps(X, share, by_value, seed):
    """Remove a share of all numbers, at random or the more likely the larger they are.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": range(100), "b": range(100)})
    >>> plant_gaps(frame, 0.4, True, 0).isna().mean().tolist()
    [0.4, 0.4]
    """
    rng = np.random.default_rng(seed)
    ranks = X.rank(pct=True).to_numpy() if by_value else 0.0
    draws = rng.random(X.shape) + ranks
    n_missing = round(share * len(X))
    last = np.argsort(np.argsort(-draws, axis=0), axis=0) < n_missing
    return X.astype(float).mask(last)
