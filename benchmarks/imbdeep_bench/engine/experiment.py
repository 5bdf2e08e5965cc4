"""What is computed: an experiment, its settings and methods, and one cell of each.

An experiment is written down like the protocol section of a paper. What is varied are
its settings (data sets, and what is made of them), its methods and its folds; what is
fixed are its fields; :meth:`Experiment.draw` says which rows a fold has, and
:meth:`Experiment.compute` what is fitted and scored.
"""

import platform
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version

from threadpoolctl import threadpool_limits

import imbdeep
from imbdeep_bench.engine.errors import message_and_place

PACKAGES = {"torch": "torch", "sklearn": "scikit-learn", "imblearn": "imbalanced-learn"}
PACKAGES |= {"skorch": "skorch", "numpy": "numpy"}


def library_versions():
    """Return the version of Python and of every library that decides a score."""
    versions = {name: version(package) for name, package in PACKAGES.items()}
    python = platform.python_version()
    return {"python": python, **versions, "imbdeep": imbdeep.__version__}


@contextmanager
def one_thread():
    """Give torch and every BLAS and OpenMP library one thread, for a while.

    Sums are then added in one order, and scores do not depend on the number of jobs.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


def timed_fit(model, *args, **kwargs):
    """Fit a model; return it, and the seconds that took."""
    start = time.perf_counter()
    model.fit(*args, **kwargs)
    return model, time.perf_counter() - start


@dataclass(frozen=True)
class Method:
    """One row of a comparison."""

    name: str  # on the command line and in the file of results
    make: Callable  # gives it unfitted; its experiment knows with what to call it
    title: str = ""  # in tables and pictures, or for --help
    kind: str = ""  # what its experiment does otherwise for it than for the rest
    published: object = None  # what a paper calls it
    look: tuple = ("#7F7F7F", "-")  # colour and line style in pictures
    group: str = ""  # on the command line, in place of all its methods
    needs: str = ""  # a package of the extra "peers"


def by_name(methods):
    """Return methods as a table, by name."""
    return {method.name: method for method in methods}


def titles_of(methods):
    """Return the titles of a table of methods, by name."""
    return {name: method.title for name, method in methods.items()}


@dataclass(frozen=True)
class Setting:
    """Where methods are compared."""

    name: str  # tells it apart in the file of results
    data: object  # the data set, with a name and a sha256
    labels: dict = field(default_factory=dict)  # what else the records say of it
    of: object = None  # what its rows are drawn by beside the fold


@dataclass(frozen=True)
class Rows:
    """Rows of one fold of one setting."""

    X_train: object
    y_train: object
    X_test: object
    y_test: object
    told: dict = field(default_factory=dict)  # what the records of cells say of them
    more: object = None  # what else the experiment drew: annotations, say


@dataclass(frozen=True)
class Experiment:
    """A protocol; each experiment is a class of its own."""

    seed: int | None = None  # None where the fold of a cell is its seed
    device: str = "cpu"  # where nets run
    smoke: bool = False  # whether fits are short: tries the code, says naught of scores
    versions: dict = field(default_factory=library_versions)

    # What all results of a file share, beside the protocol; what a failed cell records.
    suite = ""
    no_result = {"scores": {}, "fit_seconds": None}

    @property
    def protocol(self):
        """Name of what all results of a file share."""
        raise NotImplementedError

    def about(self):
        """Return what the record of a run says besides."""
        return {}

    def draw(self, setting, fold):
        """Return the rows of a fold, the same for all methods; they have ``told``."""
        raise NotImplementedError

    def seed_of(self, cell):
        """Return the seed of a cell's model."""
        raise NotImplementedError

    def make(self, cell, seed, rows=None):
        """Return the model of a cell, unfitted; without rows to tell its parameters."""
        return cell.method.make(seed)

    def compute(self, cell, rows):
        """Fit and score; return what the record says of it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Cell:
    """One method on one fold of one setting: all that a worker process needs."""

    experiment: Experiment
    setting: Setting
    # Not its name alone: a worker process would not know a method that was added to a
    # table at run time.
    method: Method
    fold: int

    @property
    def key(self):
        """What makes the cell unique in a file of results."""
        return self.setting.name, self.method.name, self.fold

    @property
    def seed(self):
        """Of its model."""
        return self.experiment.seed_of(self)

    def estimator(self):
        """Return what it would fit, with the seed 0."""
        return self.experiment.make(self, 0)

    def head(self):
        """Return the part of its record that is known before it is computed."""
        return {
            "kind": "cell",
            **dict(zip(("dataset", "method", "fold"), self.key, strict=True)),
            **self.setting.labels,
            "versions": self.experiment.versions,
            "data_sha256": self.setting.data.sha256,
        }

    def failure(self, message):
        """Return what stands in for its outcome if it failed."""
        return {"status": "failed", "error": message, **self.experiment.no_result}


def run_cell(cell):
    """Compute one cell: draw the rows, fit and score; return its line of the file.

    An exception becomes a record with status ``'failed'`` and its message: one method
    that breaks on one data set must not stop the others, nor vanish from the report.
    """
    start = time.perf_counter()
    told = {}
    with one_thread():
        try:
            rows = cell.experiment.draw(cell.setting, cell.fold)
            told = rows.told
            outcome = cell.experiment.compute(cell, rows)
            outcome = {"status": "ok", "error": None, **outcome}
        except Exception as error:
            outcome = cell.failure(message_and_place(error))
    seconds = time.perf_counter() - start
    return cell.head() | told | outcome | {"seed": cell.seed, "cell_seconds": seconds}


@dataclass(frozen=True)
class Grid:
    """Every setting, method and fold of an experiment."""

    experiment: Experiment
    settings: list
    methods: list
    folds: list
    datasets: list = field(default_factory=list)  # records on the data, for the report

    def cells(self):
        """Every cell, fold by fold.

        A run that is stopped early has then compared all methods on all settings, on
        fewer folds, rather than all folds of the first setting.
        """
        return [
            Cell(self.experiment, setting, method, fold)
            for fold in self.folds
            for setting in self.settings
            for method in self.methods
        ]

    def draw_once(self):
        """Draw the rows of every setting once, so that a wrong option fails first."""
        for setting in self.settings:
            self.experiment.draw(setting, self.folds[0])

    def record(self):
        """Return the run's line in the file of results."""
        experiment = self.experiment
        return {
            "kind": "run",
            "suite": experiment.suite + (" smoke" if experiment.smoke else ""),
            "protocol": experiment.protocol,
            "datasets": [setting.name for setting in self.settings],
            "methods": [method.name for method in self.methods],
            "versions": experiment.versions,
            "seed": experiment.seed,
            **experiment.about(),
            **({"seeds": list(self.folds)} if experiment.seed is None else {}),
        }
