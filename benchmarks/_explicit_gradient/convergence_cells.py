"""Cells of the convergence experiment: one method, one split, every epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _cell import one_thread
from _errors import message_of
from _protocol import derive_seed
from _record import failure, record_head
from _run import library_versions
from sklearn.base import clone
from sklearn.metrics import average_precision_score
from skorch.callbacks import Callback

from _explicit_gradient.adult_data import N_SPLITS, Adult, split
from _explicit_gradient.adult_methods import METHODS

RATIO = 50
DATASET = f"adult {RATIO}:1"
NAMES = ("explicit_gradient", "duplicates")
# What each epoch has, by the name of the net's history.
RECORDED = (
    "n_synthetic",
    "train_loss",
    "valid_loss",
    "valid_average_precision",
    "test_average_precision",
)


class TestScore(Callback):
    """Record the average precision on test rows, which nothing else looks at."""

    __test__ = False  # it is no test of pytest's

    def __init__(self, X, y):
        self.X = X
        self.y = y

    def on_epoch_end(self, net, **kwargs):
        proba = net.predict_proba(self.X)[:, 1]
        score = float(average_precision_score(self.y, proba))
        net.history.record("test_average_precision", score)


def relative_lengths(moves, start):
    """Mean length of the moves of rows, relative to their distance from the origin.

    Parameters
    ----------
    moves : ndarray of shape (n_epochs, n_rows, n_features)
    start : ndarray of shape (n_rows, n_features)
        Where the rows began, in coordinates whose origin is the mean of all rows.

    Returns
    -------
    lengths : ndarray of shape (n_epochs,)
    """
    scale = np.linalg.norm(start, axis=1)
    return (np.linalg.norm(moves, axis=2) / scale).mean(axis=1)


def curves_of(net):
    """What each epoch of a fitted net recorded.

    Parameters
    ----------
    net : MetaAugmentClassifier
        Fitted with ``store_synth_history=True``.

    Returns
    -------
    curves : dict of str to list
        Of all epochs, those before the synthetic rows first. ``moved`` is how far rows
        are from where they began and ``step`` how far from an epoch before, both as
        shares of the distance from the mean of all rows.
    """
    curves = {name: list(map(float, net.history[:, name])) for name in RECORDED}
    path = net.synth_history_
    alone = [0.0] * (len(net.history) - len(path) + 1)
    moved = relative_lengths(path[1:] - path[0], path[0])
    step = relative_lengths(np.diff(path, axis=0), path[0])
    return curves | {"moved": alone + moved.tolist(), "step": alone + step.tolist()}


@dataclass(frozen=True)
class ConvergenceCell:
    """All that a worker needs to compute one cell.

    Attributes
    ----------
    dataset : Adult
        The balanced table.
    name : str
        Of the method.
    make : callable
        ``make(random_state, **params)`` gives its model.
    fold : int
        Which split.
    seed : int
        The run's seed.
    versions : dict of str to str
        For the record.
    """

    dataset: Adult
    name: str
    make: Callable
    fold: int
    seed: int
    versions: dict

    @property
    def key(self):
        """What makes the cell unique in a file of results."""
        return DATASET, self.name, self.fold

    @property
    def labels(self):
        """What the record says of the cell beside its key."""
        return {}

    def estimator(self):
        """Return what it would fit, with the seed 0."""
        return self.make(0, store_synth_history=True)

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
        return {"curves": {}}


def fit_and_record(cell, seed):
    """Split, fit and look at every epoch: the part of a record that may fail."""
    X, y = cell.dataset.imbalanced(RATIO)
    rows = split(y, RATIO, cell.fold, cell.seed)
    model = cell.make(seed, store_synth_history=True)
    scaler = clone(model.scaler).fit(X[rows.fit])
    fit, valid, test = (
        scaler.transform(X[part]) for part in (rows.fit, rows.valid, rows.test)
    )
    net = model.net.set_params(callbacks=[TestScore(test, y[rows.test])])
    net.fit(fit, y[rows.fit], eval_set=(valid, y[rows.valid]))
    return {"status": "ok", "error": None, "curves": curves_of(net)}


def run_cell(cell):
    """Compute one cell; the seed of a split is that of ``adult``.

    Returns
    -------
    record : dict
        The line of the results file. An exception becomes a record with status
        ``'failed'``.
    """
    seed = derive_seed(cell.seed, DATASET, cell.fold)
    with one_thread():
        try:
            outcome = fit_and_record(cell, seed)
        except Exception as error:
            outcome = failure(cell, message_of(error))
    return {**record_head(cell), **outcome, "seed": seed}


def make_cells(adult, seed):
    """All cells, split by split."""
    versions = library_versions()
    return [
        ConvergenceCell(adult, name, METHODS[name].make, fold, seed, versions)
        for fold in range(N_SPLITS)
        for name in NAMES
    ]
