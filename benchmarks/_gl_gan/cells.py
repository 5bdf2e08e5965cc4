"""Cells of the experiment: one data set and ratio, one sampler, one run."""

import time
import warnings
from dataclasses import dataclass

from _cell import one_thread
from _errors import message_of
from _paper_cells import compute_missing, open_run
from _paper_data import Dataset, Pairs, shrink
from _protocol import derive_seed
from _record import failure, record_head
from _run import library_versions
from sklearn.ensemble import AdaBoostClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score, matthews_corrcoef
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from _gl_gan.data import make_task
from _gl_gan.methods import METHODS, Method, make_sampler

CLASSIFIERS = {
    "MLPClassifier": MLPClassifier,
    "LinearSVC": LinearSVC,
    "AdaBoost": AdaBoostClassifier,
}
# Enough for samplers not to shrink their neighbourhoods.
MANY_ROWS = 100
METRICS = {"macro_f1": "macro F1", "micro_f1": "micro F1", "mcc": "MCC"}
# What a fitted net says of its training, where it does.
EPOCHS_RUN = ("n_epochs_", "n_pretrain_epochs_")
NO_RESULT = {
    "scores": {},
    "classifier_seconds": None,
    "not_converged": None,
    "n_synthetic": None,
    "sampler_seconds": None,
    **{name.rstrip("_"): None for name in EPOCHS_RUN},
}


# --- One cell ------------------------------------------------------------------------


def cell_name(data, r):
    """Name a data set at a ratio, as the file of results has it."""
    return f"{data} r={r:g}"


@dataclass(frozen=True)
class SamplerCell:
    """All that a worker needs to compute one cell.

    Attributes
    ----------
    dataset : Dataset
    pairs : Pairs
    r : float
    name : str
        Of the method.
    method : Method
        Not its name alone: a worker process would not know a method that was added to
        the table at run time.
    seed : int
        Of the run: decides rows, sampler and classifiers.
    smoke : bool
        Whether nets train for a few epochs only.
    versions : dict of str to str
        For the record.
    """

    dataset: Dataset
    pairs: Pairs
    r: float
    name: str
    method: Method
    seed: int
    smoke: bool
    versions: dict

    @property
    def key(self):
        """What makes the cell unique in a file of results."""
        return cell_name(self.dataset.name, self.r), self.name, self.seed

    @property
    def labels(self):
        """What the record says of the cell beside its key."""
        return {"data": self.dataset.name, "r": self.r}

    def estimator(self):
        """Return what it would fit, with the seed 0."""
        return make_sampler(self.method, 0, MANY_ROWS, smoke=self.smoke)

    @property
    def device(self):
        """Where nets run."""
        return "cpu"

    @property
    def data_sha256(self):
        """The hash of its data, for the record."""
        return self.dataset.sha256

    @property
    def no_result(self):
        """What the record of a failed cell has in place of its result."""
        return NO_RESULT


def resample(cell, task):
    """Balance the training rows; return them, the fitted sampler and its seconds.

    A sampler that makes no row fails: BorderlineSMOTE returns what it was given if no
    row of the minority lies at the border.
    """
    # One seed for all methods of a run, so that nets which begin alike begin with the
    # same weights.
    seed = derive_seed(cell.seed, cell.dataset.name, "sampler")
    n_minority = task.row_counts()["n_train_minority"]
    sampler = make_sampler(cell.method, seed, n_minority, smoke=cell.smoke)
    start = time.perf_counter()
    X, y = sampler.fit_resample(task.X_train, task.y_train)
    seconds = time.perf_counter() - start
    if cell.name != "none" and len(X) == len(task.X_train):
        raise ValueError(f"{type(sampler).__name__} made no synthetic row.")
    return X, y, sampler, seconds


def score(y, predicted):
    """Return the three scores of the dissertation."""
    return {
        "macro_f1": float(f1_score(y, predicted, average="macro")),
        "micro_f1": float(f1_score(y, predicted, average="micro")),
        "mcc": float(matthews_corrcoef(y, predicted)),
    }


def classify(X, y, task, seed):
    """Fit each classifier to balanced rows and score it on the test rows.

    Returns
    -------
    outcome : dict
        ``scores``, ``classifier_seconds`` (fit and prediction), and the classifiers
        that stopped at their default number of iterations.
    """
    outcome = {"scores": {}, "classifier_seconds": {}, "not_converged": []}
    for name, cls in CLASSIFIERS.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            start = time.perf_counter()
            predicted = cls(random_state=seed).fit(X, y).predict(task.X_test)
            outcome["classifier_seconds"][name] = time.perf_counter() - start
        if any(issubclass(w.category, ConvergenceWarning) for w in caught):
            outcome["not_converged"].append(name)
        outcome["scores"][name] = score(task.y_test, predicted)
    return outcome


def epochs_run(sampler):
    """Return how many epochs a fitted sampler's nets trained for; None without nets."""
    told = {name: getattr(sampler, name, None) for name in EPOCHS_RUN}
    return {name.rstrip("_"): None if n is None else int(n) for name, n in told.items()}


def resample_and_classify(cell, task):
    """Compute the part of a cell's record that may fail."""
    with one_thread():
        X, y, sampler, seconds = resample(cell, task)
        seed = derive_seed(cell.seed, cell.dataset.name, "classifier")
        outcome = classify(X, y, task, seed)
    return {
        "status": "ok",
        "error": None,
        **outcome,
        "n_synthetic": len(X) - len(task.X_train),
        "sampler_seconds": seconds,
        **epochs_run(sampler),
    }


def run_cell(cell):
    """Compute one cell: balance once, then fit the three classifiers.

    Parameters
    ----------
    cell : SamplerCell

    Returns
    -------
    record : dict
        The line of the results file. An exception becomes a record with status
        ``'failed'`` and its message, so that a sampler which cannot work on so few
        rows does not stop the others, nor vanish from the tables.
    """
    task = make_task(cell.dataset, cell.pairs, cell.r, cell.seed)
    try:
        outcome = resample_and_classify(cell, task)
    except Exception as error:
        outcome = failure(cell, message_of(error))
    return {**record_head(cell), **outcome, **task.row_counts()}


# --- All of them ---------------------------------------------------------------------


@dataclass(frozen=True)
class Grid:
    """What is run.

    Attributes
    ----------
    datasets : list of Dataset
    ratios : list of float
    methods : list of str
    seeds : list of int
    pairs : Pairs
    smoke : bool
    """

    datasets: list
    ratios: list
    methods: list
    seeds: list
    pairs: Pairs
    smoke: bool

    def cells(self):
        """Every cell, run by run: a grid that is stopped has compared all methods."""
        versions = library_versions()
        datasets = [shrink(d) for d in self.datasets] if self.smoke else self.datasets
        return [
            SamplerCell(
                dataset, self.pairs, r, name, METHODS[name], seed, self.smoke, versions
            )
            for seed in self.seeds
            for dataset in datasets
            for r in self.ratios
            for name in self.methods
        ]

    def check(self):
        """Draw the rows of every run once, so that a wrong option fails before all."""
        seen = {}
        for cell in self.cells():
            seen.setdefault((cell.dataset.name, cell.r, cell.seed), cell)
        for cell in seen.values():
            make_task(cell.dataset, cell.pairs, cell.r, cell.seed)


def register(path, grid, *, mix_versions=False):
    """Open a file of results, and write to it what is run.

    Raises
    ------
    ValueError
        If it holds results of other pairs or from other data.
    """
    suite = "gl_gan smoke" if grid.smoke else "gl_gan"
    protocol = f"80-20, pairs {grid.pairs.name}"
    return open_run(
        path, grid.cells(), suite=suite, protocol=protocol, mix_versions=mix_versions
    )


def compute(store, grid, workers):
    """Compute the cells that are not finished yet, and store each at once.

    Parameters
    ----------
    store : CellStore
        As :func:`register` returned it.
    grid : Grid
    workers : Workers

    Returns
    -------
    n_failed : int
        How many cells failed.
    """
    return compute_missing(store, run_cell, grid.cells(), workers)
