"""One cell of the grid: one method, fitted and scored on one fold of one dataset."""

import time
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from _errors import message_and_place
from _methods import Method
from _protocol import Protocol, Split, derive_seed, minority_label
from _record import failure, record_head
from _scoring import (
    calibration_bins,
    check_probabilities,
    fold_scores,
    precision_at_recalls,
    tune_threshold,
)
from threadpoolctl import threadpool_limits

NO_RESULT = {
    "scores": {},
    "threshold": None,
    "fit_seconds": None,
    "predict_seconds": None,
    "n_train": None,
    "n_test": None,
    "n_train_minority": None,
    "n_test_minority": None,
    "curves": None,
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


def minority_proba(model, X, minority):
    """Return the probabilities that a fitted `model` gives to the minority class."""
    column = list(model.classes_).index(minority)
    return check_probabilities(model.predict_proba(X)[:, column])


@dataclass(frozen=True)
class Prediction:
    """What a fitted method says of the test rows.

    Attributes
    ----------
    proba : ndarray of shape (n_test,)
        Probability of the minority class.

    threshold : float
        Tuned in the training half.

    fit_seconds, predict_seconds : float
        Of the model that is scored; a fit that only tunes the threshold is left out.
    """

    proba: np.ndarray
    threshold: float
    fit_seconds: float
    predict_seconds: float


def fit_and_predict(method, X, y, split, *, seed, device):
    """Fit a method in the training half and predict the test half, once.

    A method that stops early is fitted on the fit part, is given the validation part
    as ``eval_set``, and has its threshold tuned there. Another has no use for a
    validation part while it is fitted: it is fitted on the fit part to tune the
    threshold on the validation part, then again on the whole training half. So either
    kind has seen the whole training half, as it would outside of this benchmark, and
    the nets that stop early learn their weights from 70 % of it.

    Parameters
    ----------
    method : Method
        What to fit.

    X : ndarray of shape (n_samples, n_features)
        All rows of the dataset.

    y : ndarray of shape (n_samples,)
        Two labels, as the dataset has them.

    split : Split
        Which rows do what. No fit sees a row of ``split.test``.

    seed : int
        The estimator's ``random_state``.

    device : str
        Where a net runs.

    Returns
    -------
    prediction : Prediction
    """
    minority = minority_label(y)
    model = method.make(seed, device)
    if method.kind == "stopped":
        start = time.perf_counter()
        model.fit(X[split.fit], y[split.fit], eval_set=(X[split.valid], y[split.valid]))
        fit_seconds = time.perf_counter() - start
        valid_proba = minority_proba(model, X[split.valid], minority)
    else:
        tuning = method.make(seed, device).fit(X[split.fit], y[split.fit])
        valid_proba = minority_proba(tuning, X[split.valid], minority)
        start = time.perf_counter()
        model.fit(X[split.train], y[split.train])
        fit_seconds = time.perf_counter() - start
    threshold = tune_threshold(y[split.valid] == minority, valid_proba)

    start = time.perf_counter()
    proba = minority_proba(model, X[split.test], minority)
    predict_seconds = time.perf_counter() - start
    return Prediction(proba, threshold, fit_seconds, predict_seconds)


@dataclass(frozen=True)
class Cell:
    """All that a worker needs to compute one cell.

    Attributes
    ----------
    dataset : str
        The dataset's name.

    X, y : ndarray
        Its data and labels.

    data_sha256 : str
        The hash of its data, for the record.

    method : Method
        Not its name alone: a worker process would not know a method that was added
        to the table at run time.

    fold : int
        Which of the protocol's splits.

    protocol : Protocol
        How the rows are split.

    seed : int
        The run's seed.

    device : str
        Where nets run.

    versions : dict of str to str
        For the record.
    """

    dataset: str
    X: np.ndarray
    y: np.ndarray
    data_sha256: str
    method: Method
    fold: int
    protocol: Protocol
    seed: int
    device: str
    versions: dict

    @property
    def key(self):
        """What makes the cell unique in a file of results."""
        return self.dataset, self.method.name, self.fold

    @property
    def labels(self):
        """What the record says of the cell beside its key."""
        return {}

    def estimator(self):
        """Return what it would fit, with the seed 0."""
        return self.method.make(0, self.device)

    @property
    def no_result(self):
        """What the record of a failed cell has in place of its result."""
        return NO_RESULT


def _row_counts(is_minority, split: Split):
    return {
        "n_train": len(split.train),
        "n_test": len(split.test),
        "n_train_minority": int(is_minority[split.train].sum()),
        "n_test_minority": int(is_minority[split.test].sum()),
    }


def _outcome(cell, seed):
    """Split, fit, predict and score: the part of a cell's record that may fail."""
    is_minority = (cell.y == minority_label(cell.y)).astype(int)
    split = cell.protocol.split(cell.y, cell.fold, seed=cell.seed, dataset=cell.dataset)
    with one_thread():
        prediction = fit_and_predict(
            cell.method, cell.X, cell.y, split, seed=seed, device=cell.device
        )
        y_test = is_minority[split.test]
        scores = fold_scores(y_test, prediction.proba, prediction.threshold)
    return {
        "status": "ok",
        "error": None,
        "scores": scores,
        "threshold": prediction.threshold,
        "fit_seconds": prediction.fit_seconds,
        "predict_seconds": prediction.predict_seconds,
        **_row_counts(is_minority, split),
        "curves": {
            "precision_at": precision_at_recalls(y_test, prediction.proba),
            "calibration": calibration_bins(y_test, prediction.proba),
        },
    }


def run_cell(cell):
    """Compute one cell.

    Parameters
    ----------
    cell : Cell
        What to compute.

    Returns
    -------
    record : dict
        The line of the results file. An exception becomes a record with status
        ``'failed'`` and its message: one method that breaks on one dataset must not
        stop the others, nor vanish from the report.
    """
    seed = derive_seed(cell.seed, *cell.key)
    try:
        outcome = _outcome(cell, seed)
    except Exception as error:
        outcome = failure(cell, message_and_place(error))
    return {
        **record_head(cell),
        **outcome,
        "seed": seed,
    }
