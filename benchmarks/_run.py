"""A run: register it in the file of results, then compute what is missing there."""

import platform
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version

from _cell import Cell, run_cell
from _errors import message_of
from _grid import grid
from _identity import check_identity, identities, identity_of_run
from _methods import METHODS
from _protocol import Protocol
from _record import failed_record
from _store import CellStore
from _suite import Suite, dataset_records
from _workers import DIED, ERROR, Accident, Workers
from tqdm import tqdm

import imbdeep
from imbdeep.reporting import read_cells


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

    workers : Workers
        What computes the cells. Scores do not depend on it.

    versions : dict of str to str
        As :func:`library_versions` gives them.

    mix_versions : bool
        Whether it may go on with results of other code.
    """

    preset: str
    suite: Suite
    methods: list
    protocol: Protocol
    seed: int
    device: str
    workers: Workers
    versions: dict = field(default_factory=library_versions)
    mix_versions: bool = False

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
            data_sha256=bunch.sha256,
            method=self.method(method),
            fold=fold,
            protocol=self.protocol,
            seed=self.seed,
            device=self.device,
            versions=self.versions,
        )


def _union(first, second):
    return first + [name for name in second if name not in first]


def begin(store, record, cells, *, mix_versions):
    """Check that a run may go on with a file, and write the run's record to it.

    Parameters
    ----------
    store : CellStore

    record : dict
        Of the run. The file's grid only grows: data sets and methods of the run
        before are added to it.

    cells : list
        At least one of each data set and method.

    mix_versions : bool
        Whether finished cells may be those of other code.

    Raises
    ------
    ValueError
        If the file holds results that cannot be compared with this run's.
    """
    known = identities(cells)
    store.check_same_run(record, {cell.key[0]: cell.data_sha256 for cell in cells})
    if not mix_versions:
        check_identity(store, known, cells[0].versions)
    for earlier in store.of_kind("run")[-1:]:
        for part in ("datasets", "methods"):
            record[part] = _union(earlier[part], record[part])
    store.append({**record, "identity": identity_of_run(known)})


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
    # A file that cannot be reported on is refused now, not when all is computed.
    if path.exists():
        read_cells(path)
    store = CellStore(path)
    record = run.record()
    cells = [run.cell(*key) for key in grid(list(run.suite.data), run.methods, 1)]
    with store.closed_on_error():
        begin(store, record, cells, mix_versions=run.mix_versions)
    for dataset in dataset_records(run.suite, run.protocol, run.seed):
        if dataset not in store.records:
            store.append(dataset)
    return store


def _innocent_first(store, cells):
    """Put cells that failed behind the others; tell those that killed their worker.

    Returns
    -------
    others, suspects : list
    """
    causes = store.causes_of_failure()
    suspects = [cell for cell in cells if causes.get(cell.key) == DIED]
    others = [cell for cell in cells if causes.get(cell.key) != DIED]
    return sorted(others, key=lambda cell: cell.key in causes), suspects


def _keep(store, cell, outcome, identity):
    """Store the record of a cell or of its accident, and return it."""
    if not isinstance(outcome, Accident):
        try:
            return store.append({**outcome, "identity": identity})
        except (TypeError, ValueError) as error:  # a score that is NaN, say
            outcome = Accident(ERROR, message_of(error))
    return store.append({**failed_record(cell, outcome), "identity": identity})


def compute_cells(store, run_one, cells, workers, *, n_total):
    """Compute cells and store each at once.

    A worker may die through no fault of its cell, as when another one takes all the
    memory. Such cells are tried again after all the others, one at a time.

    Parameters
    ----------
    store : CellStore
        Open for appending.

    run_one : callable
        Takes a cell and returns its record.

    cells : list
        Those that are not finished yet; see :mod:`_record`.

    workers : Workers
        What computes them.

    n_total : int
        Cells of the whole grid, for the progress bar.

    Returns
    -------
    n_failed : int
        How many cells failed.
    """
    n_failed = 0
    known = identities(cells)
    others, suspects = _innocent_first(store, cells)
    bar = tqdm(total=n_total, initial=n_total - len(cells), unit="cell", smoothing=0)
    with bar:
        for part, crew in ((others, workers), (suspects, workers.alone())):
            with closing(crew.compute(run_one, part)) as outcomes:
                for cell, outcome in outcomes:
                    outcome = _keep(store, cell, outcome, known[cell.key[:2]])
                    if outcome.get("cause") == DIED and part is others:
                        suspects.append(cell)
                        continue
                    n_failed += outcome["status"] == "failed"
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
        How many cells failed.
    """
    keys = grid(list(run.suite.data), run.methods, run.protocol.n_folds)
    finished = store.finished()
    cells = [run.cell(*key) for key in keys if key not in finished]
    return compute_cells(store, run_one, cells, run.workers, n_total=len(keys))
