"""A collection of data sets that is small enough, and files of records."""

import gc
import json
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

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


class FakePeer(ClassifierMixin, BaseEstimator):
    """Learn nothing, but see that text and gaps were dealt with; keep what was told."""

    knows_gaps = True

    def __init__(self, **told):
        self.told = told

    def get_params(self, deep=True):
        return self.told

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self._check(X)
        return self

    def _check(self, X):
        if not hasattr(X, "dtypes"):
            assert X.dtype.kind == "f"
        else:
            named = self.told.get("cat_features", [])
            for name, dtype in X.dtypes.items():
                assert dtype.kind in "fi" or dtype == "category" or name in named
                assert name not in named or X[name].notna().all()
            assert self.knows_gaps or X.select_dtypes("number").notna().all(axis=None)

    def predict_proba(self, X):
        self._check(X)
        return np.full((len(X), 2), 0.5)


class FakeNet(FakePeer):
    """As the nets of pytabkit, which know no gaps."""

    knows_gaps = False


FAKES = {
    "catboost": {"CatBoostClassifier": FakePeer},
    "lightgbm": {"LGBMClassifier": FakePeer},
    "pytabkit": {"RealMLP_TD_Classifier": FakeNet, "TabM_D_Classifier": FakeNet},
}


@pytest.fixture
def fake_peers(monkeypatch):
    """The packages of the extra peers, whether they are installed or not."""
    for name, classes in FAKES.items():
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        vars(module).update(classes)
        monkeypatch.setitem(sys.modules, name, module)
