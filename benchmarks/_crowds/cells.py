"""Cells of the experiments: one data set and crowd, one method, one run."""

import time
import warnings
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from _cell import one_thread
from _errors import message_of
from _paper_cells import compute_missing, open_run
from _paper_data import Dataset
from _protocol import derive_seed
from _record import failure, record_head
from _run import library_versions
from imblearn.metrics import geometric_mean_score
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    precision_score,
    recall_score,
)

from _crowds.data import Crowd
from _crowds.methods import Method, make_model
from imbdeep.crowds import label_certainty
from imbdeep.crowds._generation import certainty_groups

METRICS = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "balanced_accuracy": "balanced accuracy",
    "g_mean": "g-mean",
    "recall_majority": "recall, majority",
    "recall_minority": "recall, minority",
    "average_precision": "average precision",
}
NO_RESULT = {
    "scores": {},
    "inference": {},
    "accuracy_by_round": [],
    "fit_seconds": None,
    "converged": None,
}


# --- Scores --------------------------------------------------------------------------


def score(y, predicted, probability):
    """Return the scores of a classifier on test rows.

    Parameters
    ----------
    y, predicted : ndarray of shape (n,)
        1 for the minority, else 0.
    probability : ndarray of shape (n,)
        Of the minority.
    """
    majority, minority = recall_score(y, predicted, average=None, labels=[0, 1])
    return {
        "accuracy": float(accuracy_score(y, predicted)),
        "macro_f1": float(f1_score(y, predicted, average="macro")),
        "balanced_accuracy": float(balanced_accuracy_score(y, predicted)),
        "g_mean": float(geometric_mean_score(y, predicted)),
        "recall_majority": float(majority),
        "recall_minority": float(minority),
        "average_precision": float(average_precision_score(y, probability)),
    }


def score_inference(truth, inferred):
    """Return the scores of the labels that were inferred of training rows."""
    return {
        "accuracy": float(accuracy_score(truth, inferred)),
        "minority_recall": float(recall_score(truth, inferred)),
        "minority_precision": float(precision_score(truth, inferred, zero_division=0)),
    }


def accuracy_by_round(model):
    """Return the inference accuracy of each round of a fitted ICED; else nothing."""
    if not hasattr(model, "history_") or not hasattr(model, "inferred_labels_"):
        return []
    return [
        float(epoch["inference_accuracy"])
        for epoch in model.history_
        if epoch["stage"] == "round"
    ]


def count_groups(annotations):
    """Return the rows of highest, second, third and of less certainty."""
    groups = certainty_groups(label_certainty(annotations))
    return [len(group) for group in groups]


# --- One cell ------------------------------------------------------------------------


@dataclass(frozen=True)
class CrowdCell:
    """All that a worker process needs to compute one cell.

    Attributes
    ----------
    dataset : Dataset
    crowd : Crowd
    draw : callable
        ``draw(dataset, crowd, seed)`` gives the task.
    name : str
        Of the method.
    method : Method
        Not its name alone: a worker process would not know a method that was added to
        a table at run time.
    seed : int
        Of the run: decides rows, annotations and model.
    smoke : bool
        Whether nets train for one epoch only.
    versions : dict of str to str
        For the record.
    """

    dataset: Dataset
    crowd: Crowd
    draw: Callable
    name: str
    method: Method
    seed: int
    smoke: bool
    versions: dict

    @property
    def key(self):
        """What makes the cell unique in a file of results."""
        crowd = f"{self.crowd.n_workers} {self.crowd.kind}"
        return f"{self.dataset.name}, {crowd}", self.name, self.seed

    @property
    def labels(self):
        """What the record says of the cell beside its key."""
        return {
            "data": self.dataset.name,
            "crowd": self.crowd.kind,
            "n_workers": self.crowd.n_workers,
        }

    def estimator(self):
        """Return what it would fit, with the seed 0."""
        return make_model(self.method, 0, smoke=self.smoke)

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


def fit(cell, task):
    """Fit the method of a cell; return the model, its seconds, and if it converged."""
    # One seed for all methods of a run, so that nets that begin alike begin with the
    # same weights.
    seed = derive_seed(cell.seed, cell.dataset.name, "model")
    model = make_model(cell.method, seed, smoke=cell.smoke)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        start = time.perf_counter()
        if cell.method.knows_truth:
            model.fit(task.X_train, task.truth)
        else:
            # The truth only tells how good inference is; nothing is trained on it.
            model.fit(task.X_train, task.annotations, y_true=task.truth)
        seconds = time.perf_counter() - start
    stopped = any(issubclass(w.category, ConvergenceWarning) for w in caught)
    return model, seconds, not stopped


def fit_and_score(cell, task):
    """Compute the part of a cell's record that may fail."""
    with one_thread():
        model, seconds, converged = fit(cell, task)
        predicted = model.predict(task.X_test)
        probability = model.predict_proba(task.X_test)[:, 1]
    inferred = getattr(model, "inferred_labels_", None)
    return {
        "status": "ok",
        "error": None,
        "scores": score(task.y_test, predicted, probability),
        "inference": {} if inferred is None else score_inference(task.truth, inferred),
        "accuracy_by_round": accuracy_by_round(model),
        "fit_seconds": seconds,
        "converged": converged,
    }


def run_cell(cell):
    """Compute one cell: draw the rows, let the crowd annotate them, fit and score.

    Parameters
    ----------
    cell : CrowdCell

    Returns
    -------
    record : dict
        The line of the results file. An exception of the method becomes a record with
        status ``'failed'`` and its message.
    """
    start = time.perf_counter()
    with one_thread():
        task = cell.draw(cell.dataset, cell.crowd, cell.seed)
    try:
        outcome = fit_and_score(cell, task)
    except Exception as error:
        outcome = failure(cell, message_of(error))
    return {
        **record_head(cell),
        **outcome,
        **task.record(),
        "group_rows": count_groups(task.annotations),
        "cell_seconds": time.perf_counter() - start,
    }


# --- All of them ---------------------------------------------------------------------


@dataclass(frozen=True)
class Grid:
    """What is run.

    Attributes
    ----------
    suite, protocol : str
        What all results of a file share.
    crowds : list of (Dataset, Crowd)
    methods : dict of str to Method
    seeds : list of int
    draw : callable
        ``draw(dataset, crowd, seed)`` gives a task.
    smoke : bool
    """

    suite: str
    protocol: str
    crowds: list
    methods: dict
    seeds: list
    draw: Callable
    smoke: bool

    def cells(self):
        """Every cell, run by run: a grid that is stopped has compared all methods."""
        versions = library_versions()
        return [
            CrowdCell(
                dataset, crowd, self.draw, name, method, seed, self.smoke, versions
            )
            for seed in self.seeds
            for dataset, crowd in self.crowds
            for name, method in self.methods.items()
        ]


def fill(path, grid, workers, *, mix_versions=False):
    """Compute the cells of a grid that a file of results lacks.

    Returns
    -------
    n_failed : int
        How many cells failed.

    Raises
    ------
    ValueError
        If the file holds results that cannot be compared with these.
    """
    cells = grid.cells()
    suite = f"{grid.suite} smoke" if grid.smoke else grid.suite
    opened = open_run(
        path,
        cells,
        suite=suite,
        protocol=grid.protocol,
        mix_versions=mix_versions,
    )
    with closing(opened) as store:
        return compute_missing(store, run_cell, cells, workers)
