"""Two classes made imbalanced, balanced again, and classified: section 2.4.1."""

import math
import time
import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.ensemble import AdaBoostClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score, matthews_corrcoef
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from imbdeep_bench.data.pairs import (
    add_pair_arguments,
    count_rows,
    draw_classes,
    read_pair_data,
    take_rows,
)
from imbdeep_bench.engine.command import Command, add_seeds, check_seeds, pick_methods
from imbdeep_bench.engine.experiment import Experiment, Grid, Rows, Setting
from imbdeep_bench.engine.names import split_names
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.gl_gan import report
from imbdeep_bench.papers.gl_gan.methods import METHODS, make_sampler

# USPS: 744 rows are 80 % of class 2 alone. Seven of the eight published columns of
# LinearSVC (Table 2.2) are the scores of one confusion matrix of 185 + 141 test rows
# each, which 2 and 8 alone have, neither cut. Madelon has 1300 rows of either class;
# its table cannot tell which was the majority.
PUBLISHED_PAIRS = {"usps": (2, 8), "madelon": (-1, 1)}
CLASSIFIERS = {
    "MLPClassifier": MLPClassifier,
    "LinearSVC": LinearSVC,
    "AdaBoost": AdaBoostClassifier,
}
# Enough for samplers not to shrink their neighbourhoods.
MANY_ROWS = 100
# What a fitted net says of its training, where it does.
EPOCHS_RUN = ("n_epochs_", "n_pretrain_epochs_")


# --- Rows ----------------------------------------------------------------------------


def n_kept(r, n_majority):
    """Return the size of the minority at a ratio, rounded down, at least 2.

    Rounded down, as Table 2.1 has 42 rows beside 4256. One row has no neighbours.

    Examples
    --------
    >>> [n_kept(0.01, n) for n in (744, 4256, 1549, 1040, 2800)]
    [7, 42, 15, 10, 28]
    >>> n_kept(0.01, 80)
    2
    """
    # 0.29 * 100 is 28.999999999999996.
    return max(2, math.floor(round(r * n_majority, 6)))


def draw_rows(dataset, pairs, r, seed):
    """Draw the rows of one run; withdrawn candidates of the minority are ``more``.

    Neither test rows nor candidates depend on the ratio, and a milder one has all rows
    of a harsher one.
    """
    pair, (majority, minority), tests = draw_classes(dataset, pairs, seed)
    n_minority = n_kept(r, len(majority))
    if n_minority > len(minority):
        raise ValueError(
            f"--r got {r:g}: {n_minority} rows of class {pair[1]} of {dataset.name}, "
            f"which has {len(minority)} candidates; give a smaller one."
        )
    minority, withdrawn = np.split(minority, [n_minority])
    X_train, y_train = take_rows(dataset, majority, minority)
    X_test, y_test = take_rows(dataset, *tests)
    told = {"majority": pair[0], "minority": pair[1], **count_rows(y_train, y_test)}
    X_withdrawn, _ = take_rows(dataset, withdrawn)
    return Rows(X_train, y_train, X_test, y_test, told, X_withdrawn)


# --- One cell ------------------------------------------------------------------------


SCORES = {
    "macro_f1": partial(f1_score, average="macro"),
    "micro_f1": partial(f1_score, average="micro"),
    "mcc": matthews_corrcoef,
}


def score(y, predicted):
    """Return the three scores of the dissertation."""
    return {name: float(metric(y, predicted)) for name, metric in SCORES.items()}


def classify(X, y, rows, seed):
    """Fit each classifier to balanced rows and score it on the test rows.

    Besides, tell how long fit and prediction took, and which classifiers stopped at
    their default number of iterations.
    """
    outcome = {"scores": {}, "classifier_seconds": {}, "not_converged": []}
    for name, cls in CLASSIFIERS.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            start = time.perf_counter()
            predicted = cls(random_state=seed).fit(X, y).predict(rows.X_test)
            outcome["classifier_seconds"][name] = time.perf_counter() - start
        if any(issubclass(w.category, ConvergenceWarning) for w in caught):
            outcome["not_converged"].append(name)
        outcome["scores"][name] = score(rows.y_test, predicted)
    return outcome


def epochs_run(sampler):
    """Return how many epochs a fitted sampler's nets trained for; None without nets."""
    told = {name: getattr(sampler, name, None) for name in EPOCHS_RUN}
    return {name.rstrip("_"): None if n is None else int(n) for name, n in told.items()}


def ratios(text):
    """Read ratios such as ``'0.01,0.1'``, for argparse."""
    return [float(part) for part in split_names(text)]


@dataclass(frozen=True)
class Samplers(Experiment, Command):
    """Balance, classify and score: the cells behind all tables and series.

        python benchmarks/papers.py gl_gan run --data raw
        python benchmarks/papers.py gl_gan run --data raw --r 0.01,0.02,0.05,0.1,0.2

    Section 2.4.1 of the dissertation: a majority and a minority class, cut to the same
    size; 80 % of either are candidates, the rest tests; of the minority's candidates
    floor(r * majority) are left, at least 2. A sampler balances them, and three
    classifiers of scikit-learn at their defaults learn from what it returns. Seed by
    seed, all methods see the same rows.

    --pairs drawn draws both classes in each run. --pairs published takes the classes of
    the published USPS table, 2 against 8, uncut: seven of its eight columns of
    LinearSVC are the scores of one confusion matrix each, of 185 + 141 test rows, which
    only these have.

    Every finished cell (data set and ratio, method, seed) goes to <out>/cells.jsonl at
    once. Stop whenever you like: the same command goes on, and tries failed cells once
    more. Methods, ratios and seeds may be added to a run; other pairs need another
    --out. In the end come the tables.
    """

    pairs: object = None

    suite = "gl_gan"
    out = "results/gl_gan"
    methods = METHODS
    smoke_words = "100 rows of a class and 2 epochs"
    report = staticmethod(report.write_tables)
    no_result = {
        "scores": {},
        "classifier_seconds": None,
        "not_converged": None,
        "n_synthetic": None,
        "sampler_seconds": None,
        **{name.rstrip("_"): None for name in EPOCHS_RUN},
    }

    @property
    def protocol(self):
        return f"80-20, pairs {self.pairs.name}"

    def draw(self, setting, fold):
        return draw_rows(setting.data, self.pairs, setting.of, fold)

    def seed_of(self, cell):
        # One for all methods of a run, so that nets that begin alike begin with the
        # same weights.
        return derive_seed(cell.fold, cell.setting.data.name, "sampler")

    def make(self, cell, seed, rows=None):
        n_minority = rows.told["n_train_minority"] if rows else MANY_ROWS
        return make_sampler(cell.method, seed, n_minority, smoke=self.smoke)

    def compute(self, cell, rows):
        sampler = self.make(cell, cell.seed, rows)
        start = time.perf_counter()
        X, y = sampler.fit_resample(rows.X_train, rows.y_train)
        seconds = time.perf_counter() - start
        n_synthetic = len(X) - len(rows.X_train)
        # BorderlineSMOTE returns what it was given if no row lies at the border.
        if cell.method.name != "none" and n_synthetic == 0:
            raise ValueError(f"{type(sampler).__name__} made no synthetic row.")
        seed = derive_seed(cell.fold, cell.setting.data.name, "classifier")
        return {
            **classify(X, y, rows, seed),
            "n_synthetic": n_synthetic,
            "sampler_seconds": seconds,
            **epochs_run(sampler),
        }

    @classmethod
    def add_own_arguments(cls, parser):
        add_pair_arguments(parser, published=True)
        parser.add_argument(
            "--r",
            type=ratios,
            metavar="A,B",
            default=[0.01],
            help="rows of the minority for each of the majority (default: 0.01)",
        )
        add_seeds(parser, "pair, rows, samplers and classifiers")

    @classmethod
    def plan(cls, args):
        methods = pick_methods(args, cls.methods)
        if not args.r or not all(0 < r < 1 for r in args.r):
            raise ValueError(f"--r got {args.r}; give ratios above 0 and below 1.")
        check_seeds(args.seeds)
        datasets, pairs = read_pair_data(args, PUBLISHED_PAIRS)
        settings = [
            Setting(report.setting_name(d.name, r), d, {"data": d.name, "r": r}, r)
            for d in datasets
            for r in args.r
        ]
        grid = Grid(cls(smoke=args.smoke, pairs=pairs), settings, methods, args.seeds)
        grid.draw_once()
        return grid
