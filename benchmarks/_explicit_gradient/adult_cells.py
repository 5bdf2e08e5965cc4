"""Cells of the adult experiment: one ratio, one method, one split."""

import time
from dataclasses import dataclass

import numpy as np
from _cell import minority_proba, one_thread
from _errors import message_of
from _grid import grid
from _paper_cells import compute_missing
from _protocol import derive_seed
from _record import failure, record_head
from _run import begin, library_versions
from _scoring import precision_at_recalls
from _store import CellStore
from sklearn.metrics import average_precision_score, roc_auc_score

from _explicit_gradient.adult_data import N_SPLITS, RATIOS, Adult, split
from _explicit_gradient.adult_methods import METHODS, TableMethod
from imbdeep.metrics import precision_at_recall_score

DATASETS = {f"adult {ratio}:1": ratio for ratio in RATIOS}
RECALLS = (0.75, 0.5, 0.25)
MOVE = "relative_move"


def precision_name(recall):
    """Name of the score that the paper calls AP@recall."""
    return f"precision_at_{recall}"


# --- One cell ------------------------------------------------------------------------


@dataclass(frozen=True)
class AdultCell:
    """All that a worker needs to compute one cell.

    Attributes
    ----------
    adult : Adult
        The balanced table.

    dataset, name : str
        Of the ratio and of the method.

    method : TableMethod
        Not its name alone: a worker process would not know a method that was added to
        the table at run time.

    fold : int
        Which split.

    seed : int
        The run's seed.

    versions : dict of str to str
        For the record.
    """

    adult: Adult
    dataset: str
    name: str
    method: TableMethod
    fold: int
    seed: int
    versions: dict

    @property
    def key(self):
        """What makes the cell unique in a file of results."""
        return self.dataset, self.name, self.fold

    @property
    def labels(self):
        """What the record says of the cell beside its key."""
        return {}

    def estimator(self):
        """Return what it would fit, with the seed 0."""
        return self.method.make(0)

    @property
    def device(self):
        """Where nets run."""
        return "cpu"

    @property
    def data_sha256(self):
        """The hash of its data, for the record."""
        return self.adult.sha256

    @property
    def no_result(self):
        """What the record of a failed cell has in place of its result."""
        return {"scores": {}}


def add_withdrawn_rows(X, y, withdrawn, random_state):
    """Double the minority, labelled 1, by rows of it that were withdrawn."""
    n_minority = int(y.sum())
    chosen = random_state.choice(len(withdrawn), n_minority, replace=False)
    return (
        np.concatenate([X, withdrawn[chosen]]),
        np.concatenate([y, np.ones_like(y, shape=n_minority)]),
    )


def score(y, proba):
    """Scores and precision-recall curve of the probabilities of class 1."""
    scores = {
        "average_precision": float(average_precision_score(y, proba)),
        "roc_auc": float(roc_auc_score(y, proba)),
    }
    for recall in RECALLS:
        at_recall = precision_at_recall_score(y, proba, recall=recall)
        scores[precision_name(recall)] = at_recall
    return {
        "scores": scores,
        "curves": {"precision_at": precision_at_recalls(y, proba)},
    }


def relative_move(model, X_fit):
    """Mean move of synthetic rows by the chosen epoch.

    Relative to the distance that each had from the mean of the rows.
    """
    start = model.scaler_.transform(X_fit)[model.net_.synth_parents_]
    moves = np.linalg.norm(model.net_.X_synth_ - start, axis=1)
    return float((moves / np.linalg.norm(start, axis=1)).mean())


def fit_and_score(cell, seed):
    """Split, fit, predict and score: the part of a cell's record that may fail."""
    ratio = DATASETS[cell.dataset]
    X, y = cell.adult.imbalanced(ratio)
    rows = split(y, ratio, cell.fold, cell.seed)
    X_fit, y_fit = X[rows.fit], y[rows.fit]
    if cell.method.gets_withdrawn_rows:
        random_state = np.random.RandomState(derive_seed(seed, "withdrawn"))
        withdrawn = cell.adult.withdrawn(ratio)
        X_fit, y_fit = add_withdrawn_rows(X_fit, y_fit, withdrawn, random_state)
    with one_thread():
        start = time.perf_counter()
        model = cell.method.make(seed)
        model.fit(X_fit, y_fit, eval_set=(X[rows.valid], y[rows.valid]))
        fit_seconds = time.perf_counter() - start
        proba = minority_proba(model, X[rows.test], 1)
    outcome = {
        "status": "ok",
        "error": None,
        **score(y[rows.test], proba),
        "fit_seconds": fit_seconds,
    }
    if cell.method.has_synthetic_rows:
        outcome["scores"][MOVE] = relative_move(model, X_fit)
    return outcome


def run_cell(cell):
    """Compute one cell.

    All methods have the same seed on a split, so that nets which begin alike begin with
    the same weights, and a difference is that of the methods.

    Parameters
    ----------
    cell : AdultCell

    Returns
    -------
    record : dict
        The line of the results file. An exception becomes a record with status
        ``'failed'``, so that one net that diverges does not stop the others.
    """
    seed = derive_seed(cell.seed, cell.dataset, cell.fold)
    try:
        outcome = fit_and_score(cell, seed)
    except Exception as error:
        outcome = failure(cell, message_of(error))
    return {**record_head(cell), **outcome, "seed": seed}


# --- All of them ---------------------------------------------------------------------


def count_rows(adult, dataset, seed):
    """Rows, and rows of the minority, of each part of the first split.

    The other splits differ from it in which rows these are alone.
    """
    ratio = DATASETS[dataset]
    _, y = adult.imbalanced(ratio)
    rows = split(y, ratio, 0, seed)
    parts = {"fit": y[rows.fit], "valid": y[rows.valid], "test": y[rows.test]}
    return {name: (len(part), int(part.sum())) for name, part in parts.items()}


def make_cells(adult, seed):
    """All cells, split by split."""
    versions = library_versions()
    return [
        AdultCell(adult, dataset, name, METHODS[name], fold, seed, versions)
        for dataset, name, fold in grid(list(DATASETS), list(METHODS), N_SPLITS)
    ]


def register(path, adult, seed, *, mix_versions=False):
    """Open a file of results, and write to it what is run.

    Raises
    ------
    ValueError
        If it holds results of another seed or from other data, or, unless
        ``mix_versions``, of other code.
    """
    store = CellStore(path)
    record = {
        "kind": "run",
        "suite": "adult",
        "protocol": f"{N_SPLITS}x64-16-20",
        "datasets": list(DATASETS),
        "methods": list(METHODS),
        "versions": library_versions(),
        "seed": seed,
    }
    with store.closed_on_error():
        begin(store, record, make_cells(adult, seed), mix_versions=mix_versions)
    for name in DATASETS:
        parts = count_rows(adult, name, seed)
        store.append({"kind": "dataset", "name": name, "parts": parts})
    return store


def compute(store, adult, seed, workers):
    """Compute the cells that are not finished yet, and store each at once.

    Parameters
    ----------
    store : CellStore
        As :func:`register` returned it.

    adult : Adult
        The balanced table.

    seed : int
        Decides splits and nets.

    workers : Workers

    Returns
    -------
    n_failed : int
        How many cells failed.
    """
    return compute_missing(store, run_cell, make_cells(adult, seed), workers)
