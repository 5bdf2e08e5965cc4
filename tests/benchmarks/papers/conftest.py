"""Data that is small, runs on it, and records that no run made."""

import json
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from imbdeep.datasets._imblearn27_table import IMBLEARN27
from imbdeep_bench.data.adult import CATEGORICAL, CONTINUOUS, TARGET
from papers import PAPERS, main
from tests.benchmarks.conftest import write_set
from tests.benchmarks.data.test_pairs import write_data
from tests.benchmarks.data.test_pictures import write_usps

PARTS = {
    (paper, name): part
    for paper in PAPERS
    for name, part in import_module(f"imbdeep_bench.papers.{paper}").PARTS.items()
}
# Three of the 27 sets, by their numbers in the collection.
THREE_SETS = {"ecoli": 1, "satimage": 3, "libras_move": 13}


def census(n_rows=5000, seed=0):
    """A table with adult's columns: two fifths earn more, and are older."""
    rng = np.random.RandomState(seed)
    rich = rng.rand(n_rows) < 0.4
    frame = pd.DataFrame(
        {name: rng.randint(1, 90, n_rows) for name in CONTINUOUS}
        | {name: rng.choice(list("abcdefghij"), n_rows) for name in CATEGORICAL}
    )
    frame["age"] += 40 * rich
    frame[TARGET] = np.where(rich, ">50K", "<=50K")
    frame.loc[rng.choice(n_rows, n_rows // 25, replace=False), "workclass"] = None
    return frame


SMALL = {"n_samples": 80, "n_features": 3, "n_minority": 16}


def write_table(folder, name, labels, n_class=40, seed=0):
    """Write a table of numbers as KEEL's are kept, its classes apart."""
    rng = np.random.RandomState(seed)
    y = np.repeat(labels, n_class)
    X = (
        rng.normal(size=(len(y), 3))
        + 2 * np.eye(len(labels), 3)[np.searchsorted(labels, y)]
    )
    folder.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(X, columns=["c1", "c2", "c3"]).assign(target=y)
    frame.to_csv(folder / f"{name}.csv.gz", index=False)
    return folder


@pytest.fixture(scope="session")
def small_files(tmp_path_factory):
    """Options that say where the small data of each part are; one file of each kind."""
    folder = tmp_path_factory.mktemp("data")
    census(3000).to_csv(folder / "adult.csv.gz", index=False)
    for seed, number in enumerate(THREE_SETS.values()):
        write_set(folder, number, n_samples=80, n_minority=16, seed=seed)
    sets = ["--data-home", str(folder), "--datasets", ",".join(THREE_SETS)]
    pairs = ["--data", str(write_data(folder / "pairs")), "--datasets", "usps"]
    pictures = ["--data", str(write_usps(folder / "pictures"))]
    adult = ["--data", str(folder / "adult.csv.gz")]
    tables = ["--data", str(write_table(folder / "tables", "aps", [-1, 1]))]
    return {
        ("climate", "tables"): [],
        ("crowds", "run"): pairs,
        ("crowds", "warmup"): pairs,
        ("crowds", "sets"): sets,
        ("gl_gan", "run"): pairs,
        ("gl_gan", "digits"): pairs[:2],
        ("remix", "tables"): [*tables, "--datasets", "aps"],
        ("remix", "images"): [*pictures, "--datasets", "usps"],
        ("robust", "images"): pictures,
        ("robust", "weights"): pictures,
        ("robust", "sensitivity"): pictures,
        ("robust", "tables"): sets,
        ("robustness", "images"): [*pictures, "--datasets", "usps"],
        ("robustness", "tables"): sets,
        ("explicit_gradient", "sets"): sets,
        ("explicit_gradient", "sensitivity"): sets,
        ("explicit_gradient", "adult"): adult,
        ("explicit_gradient", "convergence"): adult,
    }


@pytest.fixture
def small_data(small_files, monkeypatch):
    """The options of each part, while the table of the 27 sets has the small sizes."""
    # For one test: the tests of the table itself may run in the same process.
    for name in THREE_SETS:
        monkeypatch.setitem(IMBLEARN27, name, IMBLEARN27[name]._replace(**SMALL))
    return small_files


@pytest.fixture
def run(small_data, tmp_path):
    """Run a part of a paper on its small data, in this process."""

    def run(paper, part, *more):
        argv = [paper, part, *small_data[paper, part], "--out", str(tmp_path / "out")]
        jobs = ["--n-jobs", "0"] if part != "digits" else []
        return main([*argv, *jobs, *more])

    return run


@pytest.fixture
def report_on(write_records, tmp_path):
    """Return a function that reports on records and gives the report's text."""

    def report_on(part, records, name="report.md", file="cells.jsonl"):
        write_records(records, file)
        argv = ["--report-only", "--out", str(tmp_path)]
        assert main([*part.split(), *argv]) == 0
        return (tmp_path / name).read_text()

    return report_on


def read_records(path, kind="cell"):
    """Return the cells of a file, or its other records."""
    records = map(json.loads, path.read_text().splitlines())
    return [record for record in records if record["kind"] == kind]


def pick_row(table, **where):
    """Return the one row of a table that has some values."""
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def row_of(text, start):
    """Return the cells of the first table row of a report that starts so."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {start} "))
    return [cell.strip() for cell in line.split("|")[1:-1]]


def refuse(capsys, run):
    """Return the usage error of a run."""
    with pytest.raises(SystemExit) as stopped:
        run()
    assert stopped.value.code == 2
    return capsys.readouterr().err


def fake_run(told, scores, shifts, n_seeds=4, failed=(), **labels):
    """Records of scores that differ by method and, a little, by seed.

    Parameters
    ----------
    told : dict
        What the record of a cell says besides, finished or not.
    scores : callable
        From a method and its score to what a finished cell says besides.
    shifts : dict of str to float
        By how much each method differs from 0.5.
    failed : iterable of (method, seed)
    **labels
        Of the setting; ``dataset`` is its name.
    """
    no_result = {"status": "failed", "error": "ValueError: too few rows", "scores": {}}
    records = []
    for seed in range(n_seeds):
        for method, shift in shifts.items():
            record = {"kind": "cell", "method": method, "fold": seed, **labels, **told}
            value = 0.5 + shift + seed * (0.01 + 0.01 * shift)
            ok = (method, seed) not in failed
            more = {"status": "ok", "error": None} | scores(method, value)
            records.append({**record, **(more if ok else no_result)})
    return records
