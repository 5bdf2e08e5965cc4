"""The scripts of ``benchmarks/`` on the import path, and a collection small enough."""

import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))


def write_set(data_home, number, n_samples, n_minority, seed):
    """Write a set of the collection, two overlapping Gaussians, into its cache."""
    rng = np.random.RandomState(seed)
    label = np.full(n_samples, -1)
    label[rng.choice(n_samples, n_minority, replace=False)] = 1
    data = rng.normal(size=(n_samples, 3)) + 1.5 * (label == 1)[:, None]
    folder = Path(data_home) / "zenodo"
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / f"x{number}data.npz", data=data, label=label)


@pytest.fixture
def data_home(tmp_path):
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
