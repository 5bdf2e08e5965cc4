"""Figure 4.2: the more a rare class weighs, the worse the frequent one fares.

    python benchmarks/robust.py weights --data raw

Section 4.2.2 of the dissertation: two classes, one of them cut 100:1, and nets that
train with and without an attacker while the rare class weighs 1 to 200 times what the
frequent one does. Two digits of USPS stand in for two classes of CIFAR10; 80 % of
either class are there to train on, as far as they are not withdrawn, and the rest to
test. Seed by seed, all nets see the same rows.

Cells go to <out>/weights.jsonl; the same command goes on with them. In the end come
weights.md, weights.csv and weights.png.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from _paper_data import Pairs, draw_classes, parse_pairs, take_rows
from _protocol import derive_seed
from _run import library_versions

from _robust.cells import fit_and_time
from _robust.data import Pictures, as_floats, read_pictures, shrink
from _robust.options import (
    add_compute_arguments,
    add_five_seeds_argument,
    check_seeds,
    choose_machine,
    compute_and_report,
    pick_methods,
    radius,
)
from _robust.threats import EPS, SMOKE, Strength, Threat
from _robust.weight_methods import METHODS, Weighted, make_model, score
from _robust.weights_report import CELLS, write_report

DATA = "usps"
# Rows of the frequent class for each of the rare one.
RATIO = 100
# Two digits that look alike.
PAIR = "3-5"


@dataclass(frozen=True)
class PairTask:
    """Rows of two classes: 0 is the frequent one, 1 the rare one.

    Attributes
    ----------
    X_train, y_train, X_test, y_test : ndarray
    pair : tuple of int
        The labels they had.
    """

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    pair: tuple

    def record(self):
        """Return classes and sizes for a cell's record."""
        return {
            "majority": self.pair[0],
            "minority": self.pair[1],
            "class_counts": np.bincount(self.y_train).tolist(),
            "n_test": len(self.y_test),
        }


@dataclass(frozen=True)
class WeightCell:
    """All that a worker process needs to compute one cell.

    Attributes
    ----------
    dataset : Pictures
    pairs : Pairs
    threat : Threat
    name : str
        Of the method.
    method : Weighted
    seed : int
        Of the run: decides rows, model and attack, and the pair where it is drawn.
    device : {'cpu', 'cuda'}
    smoke : bool
        Whether nets train for one epoch, and attacks are weak.
    versions : dict of str to str
        For the record.
    """

    dataset: Pictures
    pairs: Pairs
    threat: Threat
    name: str
    method: Weighted
    seed: int
    device: str
    smoke: bool
    versions: dict

    @property
    def key(self):
        """What makes the cell unique in a file of results."""
        where = f"{self.dataset.name}, {self.pairs.name}, {self.threat.name}"
        return where, self.name, self.seed

    @property
    def labels(self):
        """What the record says of the cell, beside its key."""
        return {
            "training": self.method.training,
            "weight": self.method.weight,
            "eps": self.threat.eps,
        }

    def estimator(self, seed=0):
        """Return what it would fit."""
        return make_model(
            self.method,
            self.threat,
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
        """Return the rows; few of the rare class are left."""
        pair, candidates, tests = draw_classes(self.dataset, self.pairs, self.seed)
        frequent, rare = candidates
        # A net wants two rows of a class; --smoke would leave one.
        kept = rare[: max(2, len(frequent) // RATIO)]
        X_train, y_train = take_rows(self.dataset, frequent, kept)
        X_test, y_test = take_rows(self.dataset, *tests)
        return PairTask(as_floats(X_train), y_train, as_floats(X_test), y_test, pair)

    def compute(self, task):
        """Fit the net, and score it."""
        model = self.estimator(derive_seed(self.seed, self.dataset.name, "model"))
        model, seconds = fit_and_time(model, task.X_train, task.y_train)
        strength = SMOKE if self.smoke else Strength()
        seed = derive_seed(*self.key, "attack")
        scores = score(model, task, self.threat, strength, seed)
        return {"scores": scores, "fit_seconds": seconds}


def add_arguments(parser):
    """Add the options of this command."""
    add_compute_arguments(
        parser, METHODS, "160 rows of a class, one epoch, and weak attacks"
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of usps.npz (default: raw/ of scikit-learn's data folder, "
        "SCIKIT_LEARN_DATA)",
    )
    parser.add_argument(
        "--pairs",
        default=PAIR,
        metavar="drawn|A-B",
        help="classes: drawn in each run, or a frequent and a rare one (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--eps",
        type=radius,
        metavar="R",
        default=EPS[DATA]["linf"],
        help="radius of the attacker, linf (default: %(default)s)",
    )
    add_five_seeds_argument(parser, "rows and models")


def make_cells(args, device):
    """Check the options, read the data and return the cells.

    Raises
    ------
    ValueError
        If an option is wrong or data cannot be had.
    """
    methods = pick_methods(args, METHODS)
    check_seeds(args.seeds)
    pairs = parse_pairs(args.pairs)
    pictures = read_pictures(DATA, args.data)
    if args.smoke:
        pictures = shrink(pictures)
    # A wrong pair fails before all.
    draw_classes(pictures, pairs, args.seeds[0])
    make = partial(
        WeightCell,
        dataset=pictures,
        pairs=pairs,
        threat=Threat("linf", args.eps),
        device=device,
        smoke=args.smoke,
        versions=library_versions(),
    )
    return [
        make(name=name, method=method, seed=seed)
        for seed in args.seeds
        for name, method in methods.items()
    ]


def run(args):
    """Compute what is missing, and report; return the exit code."""
    device, workers = choose_machine(args)
    return compute_and_report(
        args,
        CELLS,
        make_cells(args, device),
        workers,
        write_report,
        suite="robust weights",
        protocol=f"80-20, {RATIO}:1",
    )
