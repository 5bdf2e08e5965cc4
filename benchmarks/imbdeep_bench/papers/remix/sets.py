"""The tables of the experiment: those of the paper, and some beside."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd
from sklearn.datasets import get_data_home

from imbdeep.datasets import imblearn27_status, load_usps
from imbdeep_bench.data.pairs import Dataset, fingerprint, keep_found
from imbdeep_bench.data.suites import read_sets
from imbdeep_bench.engine.names import check_names
from imbdeep_bench.papers.remix.problems import BINARY, RATIOS, SEVERAL, Problem


class Entry(NamedTuple):
    """Where a table lies, and what is made of it."""

    published: str | None  # what Table 1 calls it
    kind: str  # 'csv', 'collection' (of the 27 sets) or 'usps'
    rare: dict  # labels that get rare, by task
    ratios: dict = RATIOS


# The labels are those of Table 1. Beside the paper's: the three first labels, or, of
# digits, those that the paper has of its own.
SETS = {
    "musk": Entry("Musk", "csv", {BINARY: (1,)}),
    "segment": Entry("Segment", "csv", {BINARY: (1,)}),
    "satimage": Entry(
        "Statlog, landsatSatellite", "csv", {BINARY: (1,), SEVERAL: (2, 3, 4)}
    ),
    "seizure": Entry("Seizure", "csv", {BINARY: (1,), SEVERAL: (1, 2)}),
    "coil_2000": Entry("coil2000", "collection", {BINARY: (1,)}),
    "ozone_level": Entry(
        "Ozone", "collection", {BINARY: (1,)}, {BINARY: (0.025, 0.01)}
    ),
    "aps": Entry("APS", "csv", {BINARY: (1,)}, {BINARY: (0.01,)}),
    "optdigits": Entry("Optical digits", "csv", {SEVERAL: (1, 2, 3)}),
    "penbased": Entry(None, "csv", {BINARY: (1,), SEVERAL: (1, 2, 3)}),
    "texture": Entry(None, "csv", {BINARY: (2,), SEVERAL: (2, 3, 4)}),
    "usps": Entry(None, "usps", {BINARY: (1,), SEVERAL: (1, 2, 3)}),
}


def problems_of(name):
    """Return the problems that are made of a table, mildest first.

    Examples
    --------
    >>> [(p.task, p.ratio) for p in problems_of("ozone_level")]
    [('binary', 0.025), ('binary', 0.01)]
    """
    entry = SETS[name]
    return [
        Problem(task, rare, ratio, together=task == BINARY)
        for task, rare in entry.rare.items()
        for ratio in entry.ratios[task]
    ]


# --- Files ---------------------------------------------------------------------------


def _read_csv(name, folder, data_home):
    path = folder / f"{name}.csv.gz"
    if not path.exists():
        return None
    frame = pd.read_csv(path)
    if "target" not in frame:
        raise ValueError(f"{path} has no column target, which holds the classes.")
    y = frame.pop("target")
    is_text = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c])]
    if is_text or not pd.api.types.is_integer_dtype(y):
        raise ValueError(
            f"{path}: columns must be numbers and the target whole ones, and "
            f"{[*is_text, 'target'][0]!r} is not."
        )
    missing = {c for rare in SETS[name].rare.values() for c in rare} - set(y)
    if missing:
        raise ValueError(
            f"{path} has no rows of class {min(missing)}, which is to get rare; its "
            f"classes are {sorted(y.unique().tolist())}."
        )
    X, y = frame.to_numpy(float), y.to_numpy()
    return Dataset(name, X, y, fingerprint(X, y))


def _read_collection(name, folder, data_home):
    if imblearn27_status(data_home).loc[name, "provenance"] == "missing":
        return None
    return read_sets([name], data_home)[0]


def _read_usps(name, folder, data_home):
    try:
        bunch = load_usps(Path(get_data_home(data_home)) / "raw", subset="all")
    except FileNotFoundError:
        return None
    X = bunch.data.reshape(bunch.n_samples, -1)
    return Dataset(name, X, bunch.target, fingerprint(X, bunch.target))


READERS = {"csv": _read_csv, "collection": _read_collection, "usps": _read_usps}


def read_tables(names, folder, data_home):
    """Read tables by name; None reads all that are at hand, and says what is not."""
    asked = SETS if names is None else names
    check_names(asked, SETS, "--datasets")
    folder = Path(get_data_home(data_home)) / "keel" if folder is None else folder
    found = {n: READERS[SETS[n].kind](n, folder, data_home) for n in asked}
    where = (
        f"Give as --data the folder of <name>.csv.gz (not in {folder}) and as "
        "--data-home the one that has the 27 sets and raw/usps.npz."
    )
    return keep_found(found, were_asked=names is not None, where=where)
