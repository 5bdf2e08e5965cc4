"""Tables 4.1 to 4.7 and 5.1 to 5.7: adversarial training on imbalanced pictures.

    python benchmarks/robust.py images --data raw
    python benchmarks/robust.py images --datasets cifar10 --chapter 4 --data cifar \\
        --device cuda

Sections 4.5 and 5.5 of the dissertation: classes 0, 1, ... of a data set get rarer,
in a step or exponentially, nets are trained with and without an attacker and tested on
balanced rows, once as they are and once as far as an attacker can move them. USPS, with
a small convolutional net, stands in for CIFAR, which is two options away: there the net
is ResNet-18, and learning rate, its drops at epochs 160 and 180, and attacks are the
dissertation's. So are the epochs, 200 in chapter 4 and 250 in chapter 5: ``--chapter``
says whose, and picks its methods. Seed by seed, all methods see the same rows.

Beside PGD of 20 steps, which the tables show, PGD of 50 steps and 10 restarts and a
black-box search of 1,000 queries attack 50 test rows of each class.

Every finished cell (data set, imbalance and threat; method; seed) goes to
<out>/images.jsonl at once. Stop whenever you like: the same command goes on, and tries
failed cells once more. Imbalances, norms, methods and seeds may be added to a run. In
the end come tables.md, tables.csv (means and standard deviations), differences.csv,
agreement.csv, classes.csv and classes.png. A folder holds one chapter, or USPS with the
methods of both.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from _names import check_names, split_names
from _protocol import derive_seed
from _run import library_versions

from _robust.cells import fit_and_time
from _robust.data import (
    IMBALANCES,
    READERS,
    SMOKE_TEST_ROWS,
    TEST_ROWS,
    Imbalance,
    Pictures,
    draw,
    parse_imbalance,
    read_pictures,
    shrink,
)
from _robust.methods import CHAPTERS, METHODS, Method, has_schedules, make_model
from _robust.options import (
    add_compute_arguments,
    add_five_seeds_argument,
    check_seeds,
    choose_machine,
    compute_and_report,
    pick_methods,
    radius,
)
from _robust.report import CELLS, write_report
from _robust.scores import score
from _robust.threats import EPS, SMOKE, STEP_SHARES, Strength, Threat


def test_rows(smoke):
    """Return how many rows of a class are there to test on, where it is not given."""
    return SMOKE_TEST_ROWS if smoke else TEST_ROWS


@dataclass(frozen=True)
class ImageCell:
    """All that a worker process needs to compute one cell.

    Attributes
    ----------
    dataset : Pictures
    imbalance : Imbalance
    threat : Threat
    name : str
        Of the method.
    method : Method
        Not its name alone: a worker process would not know a method that was added to
        a table at run time.
    seed : int
        Of the run: decides rows, model and attacks.
    device : {'cpu', 'cuda'}
    chapter : {4, 5} or None
        Whose schedule it trains by, where the chapters differ.
    smoke : bool
        Whether nets train for one epoch, and attacks are weak.
    versions : dict of str to str
        For the record.
    """

    dataset: Pictures
    imbalance: Imbalance
    threat: Threat
    name: str
    method: Method
    seed: int
    device: str
    chapter: int | None
    smoke: bool
    versions: dict

    @property
    def key(self):
        """What makes the cell unique in a file of results."""
        where = f"{self.dataset.name}, {self.imbalance.name}, {self.threat.name}"
        return where, self.name, self.seed

    @property
    def labels(self):
        """What the record says of the cell, beside its key."""
        return {
            "data": self.dataset.name,
            "imbalance": self.imbalance.name,
            "norm": self.threat.norm,
            "eps": self.threat.eps,
        }

    def estimator(self, seed=0):
        """Return what it would fit."""
        return make_model(
            self.method,
            self.dataset.name,
            self.threat,
            seed=seed,
            device=self.device,
            chapter=self.chapter,
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
        """Return the rows, which are the same for all methods of a seed."""
        return draw(self.dataset, self.imbalance, self.seed, test_rows(self.smoke))

    def compute(self, task):
        """Fit the method, and score it."""
        # One seed for all methods of a run, so that nets that begin alike begin with
        # the same weights.
        model = self.estimator(derive_seed(self.seed, self.dataset.name, "model"))
        model, seconds = fit_and_time(model, task.X_train, task.y_train)
        strength = SMOKE if self.smoke else Strength()
        seed = derive_seed(*self.key, "attack")
        outcome = score(model, task, self.threat, strength, seed)
        return {**outcome, "fit_seconds": seconds}


def add_arguments(parser):
    """Add the options of this command."""
    add_compute_arguments(
        parser, METHODS, "160 rows of a class, one epoch, and weak attacks"
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of usps.npz, or of the python archives of CIFAR (default: raw/ of "
        "scikit-learn's data folder, SCIKIT_LEARN_DATA)",
    )
    parser.add_argument(
        "--datasets",
        type=split_names,
        metavar="A,B",
        default=["usps"],
        help=f"of {', '.join(READERS)} (default: usps)",
    )
    parser.add_argument(
        "--chapter",
        type=int,
        choices=list(CHAPTERS),
        help="methods and epochs of one chapter; CIFAR needs it (default: the methods "
        "of both)",
    )
    parser.add_argument(
        "--imbalances",
        type=split_names,
        metavar="A,B",
        default=list(IMBALANCES),
        help=f"step or exp, and a ratio (default: {','.join(IMBALANCES)}); step-1 is "
        "balanced",
    )
    parser.add_argument(
        "--norm",
        choices=list(STEP_SHARES),
        default="linf",
        help="what the radius of the attacker bounds (default: linf)",
    )
    parser.add_argument(
        "--eps",
        type=radius,
        metavar="R",
        help="radius, in pixels of 0 to 1 (default: on CIFAR 8/255 or, for l2, "
        f"128/255; on USPS {EPS['usps']['linf']} or {EPS['usps']['l2']})",
    )
    add_five_seeds_argument(parser, "rows and models")


def make_cells(args, device):
    """Check the options, read the data and return the cells.

    Raises
    ------
    ValueError
        If an option is wrong or data cannot be had.
    """
    told = METHODS if args.chapter is None else CHAPTERS[args.chapter]
    methods = pick_methods(args, {name: METHODS[name] for name in told})
    check_names(args.datasets, READERS, "--datasets")
    if args.chapter is None and any(map(has_schedules, args.datasets)):
        raise ValueError(
            "--datasets got CIFAR, which chapters 4 and 5 train for 200 and 250 "
            "epochs; give --chapter 4 or --chapter 5."
        )
    if not args.imbalances:
        raise ValueError(f"--imbalances is empty; give some of {IMBALANCES}.")
    imbalances = [parse_imbalance(text) for text in args.imbalances]
    check_seeds(args.seeds)
    datasets = [read_pictures(name, args.data) for name in args.datasets]
    if args.smoke:
        datasets = [shrink(pictures) for pictures in datasets]
    for pictures in datasets:
        for imbalance in imbalances:
            # A ratio that leaves a class without rows fails before all.
            draw(pictures, imbalance, args.seeds[0], test_rows(args.smoke))
    make = partial(
        ImageCell,
        device=device,
        chapter=args.chapter,
        smoke=args.smoke,
        versions=library_versions(),
    )
    # Run by run: a grid that is stopped has compared all methods.
    return [
        make(
            pictures,
            imbalance,
            Threat(args.norm, args.eps or EPS[pictures.name][args.norm]),
            name,
            method,
            seed,
        )
        for seed in args.seeds
        for pictures in datasets
        for imbalance in imbalances
        for name, method in methods.items()
    ]


def run(args):
    """Compute what is missing, and report; return the exit code."""
    device, workers = choose_machine(args)
    chapter = "" if args.chapter is None else f", chapter {args.chapter}"
    chapters = CHAPTERS if args.chapter is None else [args.chapter]
    return compute_and_report(
        args,
        CELLS,
        make_cells(args, device),
        workers,
        partial(write_report, chapters=chapters),
        suite="robust images",
        # Cells of other epochs are not to be compared with these.
        protocol=f"balanced test rows{chapter}",
    )
