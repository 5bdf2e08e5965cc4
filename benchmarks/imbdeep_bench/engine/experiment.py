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
    """One row of a comparison.

    Attributes
    ----------
    name : str
        On the command line and in the file of results.
    make : callable
        Gives it unfitted; its experiment knows with what to call it.
    title : str
        In tables and pictures, or for ``--help``.
    kind : str
        What its experiment does otherwise for it than for the rest.
    published : object
        What a paper calls it.
    look : tuple
        Colour and line style in pictures.
    """

    name: str
    make: Callable
    title: str = ""
    kind: str = ""
    published: object = None
    look: tuple = ("#7F7F7F", "-")


def by_name(methods):
    """Return methods as a table, by name."""
    return {method.name: method for method in methods}


def titles_of(methods):
    """Return the titles of a table of methods, by name."""
    return {name: method.title for name, method in methods.items()}


@dataclass(frozen=True)
class Setting:
    """Where methods are compared.

    Attributes
    ----------
    name : str
        Tells it apart in the file of results.
    data : object
        The data set, with a ``name`` and a ``sha256``.
    labels : dict
        What else the records say of it.
    of : object
        What its rows are drawn by beside the fold.
    """

    name: str
    data: object
    labels: dict = field(default_factory=dict)
    of: object = None


@dataclass(frozen=True)
class Rows:
    """Rows of one fold of one setting.

    Attributes
    ----------
    X_train, y_train, X_test, y_test : ndarray
    told : dict
        What the records of cells say of them.
    more : object
        What else the experiment drew: annotations, say.
    """

    X_train: object
    y_train: object
    X_test: object
    y_test: object
    told: dict = field(default_factory=dict)
    more: object = None


@dataclass(frozen=True)
class Experiment:
    """A protocol; each experiment is a class of its own.

    Attributes
    ----------
    seed : int or None
        None where the fold of a cell is its seed.
    device : {'cpu', 'cuda'}
        Where nets run.
    smoke : bool
        Whether fits are short: tries the code, says nothing of scores.
    versions : dict of str to str
        As :func:`library_versions` gives them.
    """

    seed: int | None = None
    device: str = "cpu"
    smoke: bool = False
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
    """One method on one fold of one setting: all that a worker process needs.

    Attributes
    ----------
    experiment : Experiment
    setting : Setting
    method : Method
        Not its name alone: a worker process would not know a method that was added to
        a table at run time.
    fold : int
    """

    experiment: Experiment
    setting: Setting
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
        dataset, method, fold = self.key
        return {
            "kind": "cell",
            "dataset": dataset,
            "method": method,
            "fold": fold,
            **self.setting.labels,
            "versions": self.experiment.versions,
            "data_sha256": self.setting.data.sha256,
        }

    def failure(self, message):
        """Return what stands in for its outcome if it failed."""
        return {"status": "failed", "error": message, **self.experiment.no_result}


def run_cell(cell):
    """Compute one cell: draw the rows, fit and score.

    Returns
    -------
    record : dict
        The line of the results file. An exception becomes a record with status
        ``'failed'`` and its message: one method that breaks on one data set must not
        stop the others, nor vanish from the report.
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
    return {
        **cell.head(),
        **told,
        **outcome,
        "seed": cell.seed,
        "cell_seconds": time.perf_counter() - start,
    }


@dataclass(frozen=True)
class Grid:
    """Every setting, method and fold of an experiment.

    Attributes
    ----------
    experiment : Experiment
    settings : list of Setting
    methods : list of Method
    folds : list of int
    datasets : list of dict
        Records on the data, for the report.
    """

    experiment: Experiment
    settings: list
    methods: list
    folds: list
    datasets: list = field(default_factory=list)

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
        is_smoke = " smoke" if experiment.smoke else ""
        record = {
            "kind": "run",
            "suite": f"{experiment.suite}{is_smoke}",
            "protocol": experiment.protocol,
            "datasets": [setting.name for setting in self.settings],
            "methods": [method.name for method in self.methods],
            "versions": experiment.versions,
            "seed": experiment.seed,
            **experiment.about(),
        }
        if experiment.seed is None:
            record["seeds"] = list(self.folds)
        return record
