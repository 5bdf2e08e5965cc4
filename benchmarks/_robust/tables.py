"""Ten of the 27 sets: what an attacker does to nets on tables, and what helps.

    python benchmarks/robust.py tables

Folds are those of the benchmark, 5x2 (or, with --full, 10x2) stratified halves. Nets
train under PGD of 10 steps and are attacked by PGD of 20, which moves each column by at
most a share of its standard deviation in the training half. Columns of one or two
values there are taken for categories, and stay as they are. All nets of a fold face the
same ball. Scores: average precision, which the attacker cares about as it pushes every
row to the wrong side, and balanced accuracy, both without and with the attacker.

net, clean is the library's plain net, which stops early; all others train for 50
epochs on all rows of the training half.

Cells go to <out>/tables.jsonl; the same command goes on with them. In the end come
sets.md, sets.csv (means over the folds) and columns.csv (which ones may be moved).
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from _grid import TEN_SETS
from _names import split_names
from _paper_data import Dataset, shrink
from _paper_sets import read_sets
from _protocol import Protocol, derive_seed, parse_protocol
from _run import library_versions

from _robust.cells import fit_and_time
from _robust.methods import Method
from _robust.options import (
    add_compute_arguments,
    choose_machine,
    compute_and_report,
    pick_methods,
    radius,
)
from _robust.table_methods import METHODS, TableThreat, make_model
from _robust.table_scores import RADII, movable_columns, score
from _robust.tables_report import CELLS, write_report
from _robust.threats import SMOKE, TEST_STEPS

TRAIN_RADIUS = RADII[-1]
SEED = 0


@dataclass(frozen=True)
class TableTask:
    """Training and test half of one fold; the minority is 1.

    Attributes
    ----------
    X_train, y_train, X_test, y_test : ndarray
    """

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray

    def record(self):
        """Return sizes for a cell's record."""
        movable = movable_columns(self.X_train)
        return {
            "n_train": len(self.y_train),
            "n_train_minority": int(self.y_train.sum()),
            "n_features": len(movable),
            "frozen": np.flatnonzero(~movable).tolist(),
        }


@dataclass(frozen=True)
class TableCell:
    """All that a worker process needs to compute one cell.

    Attributes
    ----------
    dataset : Dataset
    protocol : Protocol
    eps : float
        Radius in training, in standard deviations.
    name : str
        Of the method.
    method : Method
        Not its name alone, see :class:`~_robust.images.ImageCell`.
    fold : int
    device : {'cpu', 'cuda'}
    smoke : bool
        Whether nets train for one epoch, and attacks are weak.
    versions : dict of str to str
        For the record.
    """

    dataset: Dataset
    protocol: Protocol
    eps: float
    name: str
    method: Method
    fold: int
    device: str
    smoke: bool
    versions: dict

    @property
    def key(self):
        """What makes the cell unique in a file of results."""
        return self.dataset.name, self.name, self.fold

    @property
    def labels(self):
        """What the record says of the cell, beside its key."""
        return {"eps": self.eps}

    def estimator(self, seed=0, perturb=None):
        """Return what it would fit."""
        return make_model(
            self.method,
            TableThreat(self.eps, perturb),
            seed=seed,
            device=self.device,
            smoke=self.smoke,
        )

    @property
    def data_sha256(self):
        """The hash of its data, for the record."""
        return self.dataset.sha256

    @property
    def no_result(self):
        """What the record of a failed cell has in place of its result."""
        return {"scores": {}, "fit_seconds": None}

    def draw(self):
        """Return the halves of the fold."""
        X, y = self.dataset.X.astype(np.float32), self.dataset.y
        split = self.protocol.split(y, self.fold, seed=SEED, dataset=self.dataset.name)
        return TableTask(X[split.train], y[split.train], X[split.test], y[split.test])

    def compute(self, task):
        """Fit the method, and score it."""
        perturb = movable_columns(task.X_train)
        # One seed for all methods of a fold.
        seed = derive_seed(SEED, self.dataset.name, self.fold, "model")
        model = self.estimator(seed, perturb)
        model, seconds = fit_and_time(model, task.X_train, task.y_train)
        attack_steps = SMOKE.attack_steps if self.smoke else TEST_STEPS
        seed = derive_seed(*self.key, "attack")
        scores = score(model, task, perturb, seed, attack_steps)
        return {"scores": scores, "fit_seconds": seconds}


def add_arguments(parser):
    """Add the options of this command."""
    add_compute_arguments(
        parser, METHODS, "100 rows of a class, one epoch, two folds, and weak attacks"
    )
    parser.add_argument(
        "--datasets",
        type=split_names,
        metavar="A,B",
        default=list(TEN_SETS),
        help=f"of the 27 sets (default: {','.join(TEN_SETS)})",
    )
    parser.add_argument(
        "--eps",
        type=radius,
        metavar="R",
        default=TRAIN_RADIUS,
        help="radius in training, in standard deviations (default: %(default)s); those "
        f"of the attacks are {' and '.join(map(str, RADII))}",
    )
    parser.add_argument("--full", action="store_true", help="10x2 folds instead of 5x2")
    parser.add_argument(
        "--data-home",
        metavar="DIR",
        help="scikit-learn's data folder, where the sets are cached",
    )


def choose_protocol(args):
    """Return the folds."""
    if args.smoke:
        return parse_protocol("1x2")
    return parse_protocol("10x2" if args.full else "5x2")


def make_cells(args, protocol, device):
    """Check the options, read the data and return the cells.

    Raises
    ------
    ValueError
        If an option is wrong or data cannot be had.
    """
    methods = pick_methods(args, METHODS)
    datasets = read_sets(args.datasets, args.data_home)
    if args.smoke:
        datasets = [shrink(dataset) for dataset in datasets]
    make = partial(
        TableCell,
        protocol=protocol,
        eps=args.eps,
        device=device,
        smoke=args.smoke,
        versions=library_versions(),
    )
    return [
        make(dataset=dataset, name=name, method=method, fold=fold)
        for fold in range(protocol.n_folds)
        for dataset in datasets
        for name, method in methods.items()
    ]


def run(args):
    """Compute what is missing, and report; return the exit code."""
    device, workers = choose_machine(args)
    protocol = choose_protocol(args)
    return compute_and_report(
        args,
        CELLS,
        make_cells(args, protocol, device),
        workers,
        write_report,
        suite="robust tables",
        # More repeats go on with the folds of fewer.
        protocol=f"two-fold, trained at {args.eps:g}",
    )
