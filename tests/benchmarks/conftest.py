"""A collection of data sets that is small enough, and files of records."""

import gc
import json
from pathlib import Path

import numpy as np
import pytest

from imbdeep.datasets._imblearn27_table import IMBLEARN27


@pytest.fixture(scope="module", autouse=True)
def frozen():
    # What was imported and collected since the last time stays, as after collection.
    gc.freeze()


BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def write_set(data_home, number, n_samples, n_minority, seed):
    """Write a set of the collection, two overlapping Gaussians, into its cache."""
    rng = np.random.RandomState(seed)
    label = np.full(n_samples, -1)
    label[rng.choice(n_samples, n_minority, replace=False)] = 1
    data = rng.normal(size=(n_samples, 3)) + 1.5 * (label == 1)[:, None]
    folder = Path(data_home) / "zenodo"
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / f"x{number}data.npz", data=data, label=label)


# Two of the 27 sets, made small.
SMALL_SETS = {
    name: IMBLEARN27[name]._replace(n_samples=n, n_features=3, n_minority=n_minority)
    for name, n, n_minority in (("ecoli", 80, 16), ("libras_move", 60, 12))
}


@pytest.fixture
def small_sets(monkeypatch):
    """Let the table of the 27 sets have the sizes of the small ones."""
    for name, entry in SMALL_SETS.items():
        monkeypatch.setitem(IMBLEARN27, name, entry)


@pytest.fixture
def data_home(tmp_path, small_sets):
    """A cache that holds ecoli (1) and libras_move (13) of the 27 sets, made small."""
    folder = tmp_path / "data"
    write_set(folder, 1, n_samples=80, n_minority=16, seed=1)
    write_set(folder, 13, n_samples=60, n_minority=12, seed=2)
    return folder


@pytest.fixture
def no_network(monkeypatch):
    """Every download fails; the list holds one entry for each attempt."""
    attempts = []

    def fetch(*args, **kwargs):
        attempts.append(kwargs)
        raise OSError("network is unreachable")

    monkeypatch.setattr("imbdeep.datasets._imblearn27.fetch_datasets", fetch)
    return attempts


@pytest.fixture
def write_records(tmp_path):
    """Return a function that writes records as JSON lines and gives the path."""

    def write(records, name="cells.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    return write
