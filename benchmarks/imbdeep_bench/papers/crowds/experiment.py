"""Learning from imbalanced crowds: what is varied, fixed and scored (chapter 3)."""

import argparse
import warnings
from dataclasses import dataclass
from functools import partial

from imblearn.metrics import geometric_mean_score
from sklearn import metrics
from sklearn.exceptions import ConvergenceWarning

from imbdeep_bench.data.pairs import (
    add_pair_arguments,
    draw_classes,
    read_pair_data,
    shrink,
)
from imbdeep_bench.data.suites import TEN_SETS, read_sets
from imbdeep_bench.engine.command import (
    Command,
    add_data_home,
    add_datasets,
    add_seeds,
    check_seeds,
    pick_methods,
)
from imbdeep_bench.engine.experiment import Experiment, Grid, Setting, timed_fit
from imbdeep_bench.engine.names import check_names, split_names
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.crowds import report, report_sets
from imbdeep_bench.papers.crowds.methods import (
    METHODS,
    TABLE_METHODS,
    WARMUPS,
    make_model,
)
from imbdeep_bench.papers.crowds.rows import KINDS, Crowd, cut_pair, half_of_set

# Table 3.1; Madelon stands in for Gisette.
N_WORKERS = {"usps": 9, "madelon": 7}

# --- Scores --------------------------------------------------------------------------

# Of a classifier on test rows, 1 being the minority, and of inferred training labels.
SCORES = {
    "accuracy": metrics.accuracy_score,
    "macro_f1": partial(metrics.f1_score, average="macro"),
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "g_mean": geometric_mean_score,
    "recall_majority": partial(metrics.recall_score, pos_label=0),
    "recall_minority": metrics.recall_score,
}
INFERENCE_SCORES = {
    "accuracy": metrics.accuracy_score,
    "minority_recall": metrics.recall_score,
    "minority_precision": partial(metrics.precision_score, zero_division=0),
}


def score(y, predicted, scores=SCORES):
    """Return the scores of labels."""
    return {name: float(metric(y, predicted)) for name, metric in scores.items()}


def accuracy_by_round(model):
    """Return the inference accuracy of each round of a fitted ICED; else nothing."""
    if not hasattr(model, "history_") or not hasattr(model, "inferred_labels_"):
        return []
    rounds = [epoch for epoch in model.history_ if epoch["stage"] == "round"]
    return [float(epoch["inference_accuracy"]) for epoch in rounds]


# --- Experiments ---------------------------------------------------------------------


@dataclass(frozen=True)
class Crowds(Experiment, Command):
    """What the three experiments share: the fit and the scores."""

    out = "results/crowds"
    smoke_words = "100 rows of a class and one epoch"
    no_result = {
        "scores": {},
        "inference": {},
        "accuracy_by_round": [],
        "fit_seconds": None,
        "converged": None,
    }

    def seed_of(self, cell):
        # One for all methods of a run, so that nets that begin alike begin with the
        # same weights.
        return derive_seed(cell.fold, cell.setting.data.name, "model")

    def make(self, cell, seed, rows=None):
        return make_model(cell.method, seed, smoke=self.smoke)

    def compute(self, cell, rows):
        X, truth = rows.X_train, rows.y_train
        # The truth only tells how good inference is; nothing else learns from it.
        is_told = cell.method.kind == "truth"
        labels, told = (truth, {}) if is_told else (rows.more, {"y_true": truth})
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            model, seconds = timed_fit(self.make(cell, cell.seed), X, labels, **told)
        stopped = any(issubclass(w.category, ConvergenceWarning) for w in caught)
        scores = score(rows.y_test, model.predict(rows.X_test))
        scores["average_precision"] = float(
            metrics.average_precision_score(
                rows.y_test, model.predict_proba(rows.X_test)[:, 1]
            )
        )
        inferred = getattr(model, "inferred_labels_", None)
        inference = {} if inferred is None else score(truth, inferred, INFERENCE_SCORES)
        return {
            "scores": scores,
            "inference": inference,
            "accuracy_by_round": accuracy_by_round(model),
            "fit_seconds": seconds,
            "converged": not stopped,
        }


def crowd_setting(dataset, crowd):
    """Name a data set and its crowd."""
    labels = {"data": dataset.name, "crowd": crowd.kind, "n_workers": crowd.n_workers}
    name = f"{dataset.name}, {crowd.n_workers} {crowd.kind}"
    return Setting(name, dataset, labels, crowd)


@dataclass(frozen=True)
class Pairs(Crowds):
    """Table 3.2: learning from imbalanced crowds, made of USPS and Madelon.

        python benchmarks/papers.py crowds run --data raw

    Section 3.3.1.1 of the dissertation: a majority and a minority class, cut to the
    same size; 80 % of either are candidates, the rest tests. A net learns the
    candidates until it knows 98 % of them, what it is unsure of is hard, and workers
    err more often on it: 9 of them for USPS, 7 for Madelon, which stands in for
    Gisette. Of the minority's candidates 90 % are then removed. Seed by seed, all
    methods see the same rows.

    --crowds alike are the dissertation's, who all err in 30 % of the rows; unlike ones
    err in 10 to 40 % of them.

    Every finished cell (data set and crowd, method, seed) goes to <out>/cells.jsonl at
    once. Stop whenever you like: the same command goes on, and tries failed cells once
    more. Methods, crowds and seeds may be added to a run; other pairs need another
    --out. In the end come tables.md, tables.csv (means and standard errors),
    differences.csv (ICED minus every other method, run by run) and inference.csv.
    """

    pairs: object = None

    suite = "crowds"
    methods = METHODS
    kinds = tuple(KINDS)
    report = staticmethod(report.write_pairs)

    @property
    def protocol(self):
        return f"80-20, pairs {self.pairs.name}"

    def draw(self, setting, fold):
        return cut_pair(setting.data, self.pairs, setting.of, fold)

    @classmethod
    def add_own_arguments(cls, parser):
        add_pair_arguments(parser)
        parser.add_argument(
            "--crowds",
            type=split_names,
            metavar="A,B",
            default=list(cls.kinds),
            help="alike: every worker is wrong in 30 %% of the rows; unlike: in 10 to "
            f"40 %% of them (default: {','.join(cls.kinds)})",
        )
        add_seeds(parser, "pair, rows, annotations and models")

    @classmethod
    def plan(cls, args):
        methods = pick_methods(args, cls.methods)
        check_names(args.crowds, KINDS, "--crowds")
        check_seeds(args.seeds)
        datasets, pairs = read_pair_data(args)
        for dataset in datasets:
            # A wrong pair fails before all.
            draw_classes(dataset, pairs, args.seeds[0])
        settings = [
            crowd_setting(dataset, Crowd(kind, N_WORKERS[dataset.name]))
            for dataset in datasets
            for kind in args.crowds
        ]
        return Grid(cls(smoke=args.smoke, pairs=pairs), settings, methods, args.seeds)


@dataclass(frozen=True)
class Warmup(Pairs):
    """Table 3.3: three ways to warm a net up, on the draws of the part run.

        python benchmarks/papers.py crowds warmup --data raw

    ICED without rounds: what its warm-up alone learns from the labels of the majority
    vote. ICED-w trains on the rows of third highest certainty, then of the second, then
    of the highest; Trad-II on the three at once, Trad-I on all rows, for as many epochs
    in all: two each as on the paper's USPS, and five, the default.

    Cells go to <out>/warmup.jsonl; the same command goes on with them. In the end come
    warmup.md and warmup.csv.
    """

    suite = "crowds warm-up"
    file = "warmup.jsonl"
    methods = WARMUPS
    kinds = ("alike",)
    report = staticmethod(report.write_warmup)


def worker_counts(text):
    """Read sizes of crowds such as ``'5,7'``, for argparse."""
    try:
        numbers = [int(part) for part in split_names(text)]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 2:
        raise argparse.ArgumentTypeError(
            f"must be numbers of 2 or more such as 5,7, got {text!r}"
        )
    return numbers


@dataclass(frozen=True)
class Sets(Crowds):
    """Ten of the 27 sets, with crowds of 5, 7 and 11 workers who err unlike each other.

        python benchmarks/papers.py crowds sets

    Each run trains on a stratified half of a set and tests on the other. A net that
    learned the training half (98 % of it, or for 100 epochs) tells what is hard;
    workers err in 10 to 40 % of the rows. The sets are as imbalanced as they are.
    Methods are those of the part run, but plain nets and Crowd-Layer train for 25
    epochs.

    Cells go to <out>/sets.jsonl; the same command goes on with them. In the end come
    sets.md, sets.csv (means and standard errors) and sets_differences.csv.
    """

    suite = "crowds sets"
    protocol = "50-50"
    file = "sets.jsonl"
    methods = TABLE_METHODS
    report = staticmethod(report_sets.write_sets)

    def draw(self, setting, fold):
        return half_of_set(setting.data, setting.of, fold)

    @classmethod
    def add_own_arguments(cls, parser):
        add_datasets(parser, TEN_SETS)
        parser.add_argument(
            "--workers",
            type=worker_counts,
            metavar="A,B",
            default=[5, 7, 11],
            help="sizes of the crowds (default: 5,7,11)",
        )
        parser.add_argument(
            "--runs", type=int, metavar="N", default=10, help="runs (default: 10)"
        )
        add_data_home(parser)

    @classmethod
    def plan(cls, args):
        methods = pick_methods(args, cls.methods)
        if args.runs < 1:
            raise ValueError(f"--runs got {args.runs}; give 1 or more.")
        sets = read_sets(args.datasets, args.data_home)
        settings = [
            crowd_setting(shrink(data) if args.smoke else data, Crowd("unlike", n))
            for data in sets
            for n in args.workers
        ]
        return Grid(cls(smoke=args.smoke), settings, methods, list(range(args.runs)))
