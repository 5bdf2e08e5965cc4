"""A run: register it in the file of results, then compute what is missing there."""

import platform
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version

import joblib
from _cell import Cell, run_cell
from _grid import grid
from _methods import METHODS
from _protocol import Protocol
from _store import CellStore
from _suite import Suite, dataset_records
from tqdm import tqdm

import imbdeep


def library_versions():
    """Return the version of Python and of every library that decides a score."""
    packages = {
        "torch": "torch",
        "sklearn": "scikit-learn",
        "imblearn": "imbalanced-learn",
        "skorch": "skorch",
        "numpy": "numpy",
    }
    return {
        "python": platform.python_version(),
        **{name: version(package) for name, package in packages.items()},
        "imbdeep": imbdeep.__version__,
    }


@dataclass(frozen=True)
class Run:
    """A checked request: all is known before the first cell is computed.

    Attributes
    ----------
    preset : str
        The preset's name, for the record.

    suite : Suite
        The datasets.

    methods : list of str
        Names from the table of methods.

    protocol : Protocol
        How rows are split.

    seed : int
        Decides splits and estimators.

    device : {'cpu', 'cuda'}
        Where nets run.

    n_jobs : int
        Number of processes. Scores do not depend on it.

    versions : dict of str to str
        As :func:`library_versions` gives them.
    """

    preset: str
    suite: Suite
    methods: list
    protocol: Protocol
    seed: int
    device: str
    n_jobs: int
    versions: dict = field(default_factory=library_versions)

    def record(self):
        """Return the run's line in the file of results."""
        return {
            "kind": "run",
            "suite": self.suite.name,
            "preset": self.preset,
            "protocol": self.protocol.name,
            "n_repeats": self.protocol.n_repeats,
            "datasets": list(self.suite.data),
            "methods": list(self.methods),
            "versions": self.versions,
            "seed": self.seed,
        }

    def method(self, name):
        """Return the method of a name."""
        return METHODS[name]

    def cell(self, dataset, method, fold):
        """Return one cell of the grid."""
        bunch = self.suite.data[dataset]
        return Cell(
            dataset=dataset,
            X=bunch.data,
            y=bunch.target,
            sha256=bunch.sha256,
            method=self.method(method),
            fold=fold,
            protocol=self.protocol,
            seed=self.seed,
            device=self.device,
            versions=self.versions,
        )


def _union(first, second):
    return first + [name for name in second if name not in first]


def register(run, path):
    """Write what is run, and on which data, ahead of the cells.

    Parameters
    ----------
    run : Run
        The request.

    path : Path
        The file of results, new or of an earlier run.

    Returns
    -------
    store : CellStore
        Open for :func:`compute`.

    Raises
    ------
    ValueError
        If the file holds results that cannot be compared with this run's.
    """
    store = CellStore(path)
    record = run.record()
    hashes = {name: bunch.sha256 for name, bunch in run.suite.data.items()}
    store.check_same_run(record, hashes)
    # The file's grid only grows: asking for one more method leaves the others in.
    for earlier in store.of_kind("run")[-1:]:
        for part in ("datasets", "methods"):
            record[part] = _union(earlier[part], record[part])
    store.append(record)
    for dataset in dataset_records(run.suite, run.protocol, run.seed):
        if dataset not in store.records:
            store.append(dataset)
    return store


def compute_cells(store, run_one, cells, *, n_jobs, n_total):
    """Compute cells and store each at once.

    Parameters
    ----------
    store : CellStore
        Open for appending.

    run_one : callable
        Takes a cell and returns its record; pickled by name.

    cells : list
        Those that are not finished yet.

    n_jobs : int
        Number of processes, each with one thread.

    n_total : int
        Cells of the whole grid, for the progress bar.

    Returns
    -------
    n_failed : int
        How many cells raised an exception.
    """
    n_failed = 0
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        # A batch of one cell, so that none waits for another to be written.
        records = joblib.Parallel(
            n_jobs=n_jobs, return_as="generator_unordered", batch_size=1
        )(joblib.delayed(run_one)(cell) for cell in cells)
    bar = tqdm(total=n_total, initial=n_total - len(cells), unit="cell", smoothing=0)
    with bar, closing(records):
        for record in records:
            store.append(record)
            n_failed += record["status"] == "failed"
            bar.set_postfix(failed=n_failed, refresh=False)
            bar.update()
    return n_failed


def compute(run, store, run_one=run_cell):
    """Compute the cells that are not finished yet, and store each at once.

    Parameters
    ----------
    run : Run
        The request.

    store : CellStore
        As :func:`register` returned it.

    run_one : callable, default=run_cell
        Takes a cell and returns its record.

    Returns
    -------
    n_failed : int
        How many cells raised an exception.
    """
    keys = grid(list(run.suite.data), run.methods, run.protocol.n_folds)
    finished = store.finished()
    cells = [run.cell(*key) for key in keys if key not in finished]
    return compute_cells(store, run_one, cells, n_jobs=run.n_jobs, n_total=len(keys))
