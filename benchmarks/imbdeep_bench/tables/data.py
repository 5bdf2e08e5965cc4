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
CHURN = "churn"
RAW = (*MIXED, CHURN)
# Quick ones: a comparison of thresholds fits twenty nets for each fold.
SMALL = (
    *("bands", "cleveland-0_vs_4", "contraceptive", "crx", "german", "glass0"),
    *("housevotes", "vehicle1", "vehicle3", "winequality-red-4"),
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
    if name == CHURN:
        X, y = churn_table(300 if smoke else MOST_FREQUENT_ROWS)
        content = pd.util.hash_pandas_object(X.assign(target=y)).to_numpy().tobytes()
        return Table(name, X, y, hashlib.sha256(content).hexdigest())
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


def churn_table(n_rows, seed=0):
    """Draw customers, a tenth of whom leave: an id, dates, text, gaps, and amounts.

    Who pays month by month leaves sooner, above all with many calls and few years.
    Dates are told as days, as none of the libraries takes them.

    Examples
    --------
    >>> X, y = churn_table(1000)
    >>> len(X), len(y), sorted(X["plan"].unique())
    (1000, 1000, ['month', 'two years', 'year'])
    """
    rng = np.random.default_rng(seed)
    today = np.datetime64("2026-01-01")
    since = today - rng.integers(10, 3000, n_rows).astype("timedelta64[D]")
    last_order = today - rng.integers(0, 400, n_rows).astype("timedelta64[D]")
    X = pd.DataFrame(
        {
            "customer": rng.permutation(10 * n_rows)[:n_rows],
            "days_since_start": (today - since).astype(int),
            "days_since_order": (today - last_order).astype(int),
            "plan": rng.choice(
                ["month", "year", "two years"], n_rows, p=[0.5, 0.3, 0.2]
            ),
            "region": rng.choice([f"region {i}" for i in range(12)], n_rows),
            "calls": rng.poisson(1.5, n_rows),
            "bill": rng.lognormal(3.5, 0.5, n_rows).round(2),
            "discount": rng.choice([0.0, 0.1, 0.2, np.nan], n_rows),
        }
    )
    monthly = X["plan"] == "month"
    logit = (
        -4.2
        + 1.2 * monthly
        + 0.5 * X["calls"] * monthly
        + 0.8 * (X["days_since_order"] > 180)
        + 1.0 * X["region"].isin(["region 3", "region 7"])
        + 0.7 * X["discount"].isna()
        - 0.0004 * X["days_since_start"]
    )
    leaves = rng.random(n_rows) < 1 / (1 + np.exp(-logit))
    return X, leaves.to_numpy().astype(int)


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
