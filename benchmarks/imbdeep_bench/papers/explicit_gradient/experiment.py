"""The explicit-gradient paper: what is varied, fixed and scored.

All methods have the same seed on a split, so that nets which begin alike begin with the
same weights, and a difference is that of the methods.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.metrics import average_precision_score, roc_auc_score
from skorch.callbacks import Callback

from imbdeep.metrics import precision_at_recall_score, precision_at_recalls
from imbdeep_bench.data import adult
from imbdeep_bench.data.suites import Suite, load_suite
from imbdeep_bench.engine.command import Command, add_data_home, add_seed, pick_methods
from imbdeep_bench.engine.experiment import (
    Experiment,
    Grid,
    Method,
    Rows,
    Setting,
    by_name,
    timed_fit,
)
from imbdeep_bench.engine.names import split_names
from imbdeep_bench.engine.protocol import derive_seed, parse_protocol
from imbdeep_bench.engine.supervised import Supervised, grid_on, minority_proba
from imbdeep_bench.imblearn27.presets import PRESETS
from imbdeep_bench.papers.explicit_gradient import (
    report_adult,
    report_convergence,
    report_sensitivity,
    report_sets,
)
from imbdeep_bench.papers.explicit_gradient.candidates import CANDIDATES
from imbdeep_bench.papers.explicit_gradient.methods import SET_METHODS, TABLE_METHODS
from imbdeep_bench.papers.explicit_gradient.report_adult import (
    MOVE,
    RECALLS,
    precision_name,
)
from imbdeep_bench.papers.explicit_gradient.report_sets import VALID
from imbdeep_bench.report import read_cells

OUT = "results/explicit_gradient"


# --- The 27 sets ---------------------------------------------------------------------


def load_sets(requested, data_home):
    """Load those of the 27 sets that are there, the smallest first."""
    suite = load_suite(requested, PRESETS["full"], data_home)
    if suite.name != "imblearn27":
        raise ValueError(
            "This experiment compares with published scores on imbalanced-learn's 27 "
            "sets, and none of them is in the cache or can be downloaded. Give their "
            "folder as --data-home."
        )
    # A run that is stopped early has then finished most sets of its last split.
    ordered = sorted(suite.data.items(), key=lambda item: len(item[1].target))
    return Suite(suite.name, dict(ordered), suite.missing)


def stopped(makes):
    """Return ways to make a net as methods that stop by their validation rows."""
    return by_name(Method(name, make, name, "stopped") for name, make in makes.items())


@dataclass(frozen=True)
class Sets(Supervised, Command):
    """The 27 sets by the paper's protocol, beside the scores it published: Tables 2, 3.

        python benchmarks/papers.py explicit_gradient sets

    Every method has the paper's net, 200 epochs and the same splits: 60 % of the rows
    to train, 20 % to choose the epoch (and to move synthetic rows), 20 % to score. A
    baseline stands twice: as it was at the best epoch and, as ``_all``, trained once
    more on training and validation rows for as many epochs, since the paper's method
    learns from both.
    """

    out = f"{OUT}/sets"
    methods = stopped(SET_METHODS)
    datasets = None
    read = staticmethod(read_cells)
    report = staticmethod(report_sets.write_sets)

    def about(self):
        return {"preset": "explicit_gradient", "n_repeats": self.split_by.n_repeats}

    def seed_of(self, cell):
        return derive_seed(self.seed, cell.setting.name, cell.fold)

    def more_scores(self, model):
        return {VALID: float(model.valid_average_precision_)}

    @classmethod
    def add_own_arguments(cls, parser):
        parser.add_argument(
            "--datasets",
            type=split_names,
            metavar="A,B",
            help="these sets of the 27 instead of all that the experiment has",
        )
        add_data_home(parser)
        add_seed(parser, "splits and nets")

    @classmethod
    def plan(cls, args):
        methods = pick_methods(args, cls.methods)
        suite = load_sets(args.datasets or cls.datasets, args.data_home)
        protocol = parse_protocol("4x60-20-20")
        experiment = cls(seed=args.seed, split_by=protocol, suite_name=suite.name)
        return grid_on(experiment, suite, methods)


@dataclass(frozen=True)
class Sensitivity(Sets):
    """What makes the difference: the setting varied, and tuned on validation rows.

        python benchmarks/papers.py explicit_gradient sensitivity

    Every variation changes one parameter of the paper's setting. Every candidate has
    the splits, and the nets' seeds, of ``sets``. The candidate of a split is chosen by
    its average precision on the validation rows; test rows choose nothing.
    """

    out = f"{OUT}/sensitivity"
    methods = stopped(CANDIDATES)
    datasets = (
        *("ecoli", "satimage", "abalone", "sick_euthyroid", "us_crime"),
        *("thyroid_sick", "arrhythmia", "oil", "wine_quality", "yeast_me2"),
    )
    report = staticmethod(report_sensitivity.write_sensitivity)


# --- Adult ---------------------------------------------------------------------------


def add_withdrawn_rows(X, y, withdrawn, random_state):
    """Double the minority, labelled 1, by rows of it that were withdrawn."""
    n_minority = int(y.sum())
    chosen = random_state.choice(len(withdrawn), n_minority, replace=False)
    return (
        np.concatenate([X, withdrawn[chosen]]),
        np.concatenate([y, np.ones_like(y, shape=n_minority)]),
    )


def score(y, proba):
    """Return the scores of the probabilities of class 1."""
    return {
        "average_precision": float(average_precision_score(y, proba)),
        "roc_auc": float(roc_auc_score(y, proba)),
        **{
            precision_name(recall): precision_at_recall_score(y, proba, recall=recall)
            for recall in RECALLS
        },
    }


def relative_move(model, X_fit):
    """Mean move of synthetic rows by the chosen epoch.

    Relative to the distance that each had from the mean of the rows.
    """
    start = model.scaler_.transform(X_fit)[model.net_.synth_parents_]
    moves = np.linalg.norm(model.net_.X_synth_ - start, axis=1)
    return float((moves / np.linalg.norm(start, axis=1)).mean())


@dataclass(frozen=True)
class AdultTable(Experiment, Command):
    """Adult at 50:1, 100:1 and 200:1 (section 5): Table 1 and Figure 2.

        python benchmarks/papers.py explicit_gradient adult --data adult.csv.gz

    The rows without a missing value are balanced at random, then rows of the minority
    are withdrawn. Each of four random splits takes 64 % of the rows to fit, 16 % to
    validate and 20 % to test. All methods have the same net, splits and seeds, and
    choose their epoch by the average precision on the same validation rows. Beside the
    paper's methods stand

    - duplicates: the paper's method with eta2 = 0, so that synthetic rows do not move;
    - every baseline trained once more on the rows to fit and to validate together, for
      as many epochs as were best: its own use of the validation rows.

    Every finished cell (ratio, method, split) goes to <out>/cells.jsonl at once. Stop
    whenever you like: the same command goes on. Takes half an hour on one core.
    """

    suite = "adult"
    protocol = f"{adult.N_SPLITS}x64-16-20"
    out = f"{OUT}/adult"
    methods = TABLE_METHODS
    ratios = adult.RATIOS
    no_result = {"scores": {}}
    report = staticmethod(report_adult.write_adult)

    def draw(self, setting, fold):
        X, y = setting.data.imbalanced(setting.of)
        part = adult.split(y, setting.of, fold, self.seed)
        fit, test = part.fit, part.test
        valid = X[part.valid], y[part.valid]
        return Rows(X[fit], y[fit], X[test], y[test], more=valid)

    def seed_of(self, cell):
        return derive_seed(self.seed, cell.setting.name, cell.fold)

    def compute(self, cell, rows):
        X, y = rows.X_train, rows.y_train
        if cell.method.kind == "withdrawn":
            random_state = np.random.RandomState(derive_seed(cell.seed, "withdrawn"))
            withdrawn = cell.setting.data.withdrawn(cell.setting.of)
            X, y = add_withdrawn_rows(X, y, withdrawn, random_state)
        model = self.make(cell, cell.seed)
        model, seconds = timed_fit(model, X, y, eval_set=rows.more)
        proba = minority_proba(model, rows.X_test, 1)
        scores = score(rows.y_test, proba)
        if cell.method.kind == "synthetic":
            scores[MOVE] = relative_move(model, X)
        return {
            "scores": scores,
            "curves": {"precision_at": precision_at_recalls(rows.y_test, proba)},
            "fit_seconds": seconds,
        }

    def count_rows(self, setting):
        """Count rows, and those of the minority, of each part of the first split.

        The other splits differ from it in which rows these are alone.
        """
        rows = self.draw(setting, 0)
        parts = {"fit": rows.y_train, "valid": rows.more[1], "test": rows.y_test}
        return {name: [len(y), int(y.sum())] for name, y in parts.items()}

    @classmethod
    def add_own_arguments(cls, parser):
        parser.add_argument(
            "--data",
            type=Path,
            metavar="FILE",
            help="CSV of the census data with the columns "
            f"{', '.join(adult.FEATURES)} and {adult.TARGET} ('{adult.MAJORITY}' or "
            f"'{adult.MINORITY}'); missing values are empty",
        )
        add_seed(parser, "which rows are left, splits and nets")

    @classmethod
    def plan(cls, args):
        methods = pick_methods(args, cls.methods)
        if args.data is None:
            raise ValueError("--data is missing; give the CSV of the census data.")
        table = adult.balance(adult.read_adult(args.data), args.seed)
        settings = [Setting(f"adult {r}:1", table, of=r) for r in cls.ratios]
        experiment = cls(seed=args.seed)
        datasets = [
            {"kind": "dataset", "name": s.name, "parts": experiment.count_rows(s)}
            for s in settings
        ]
        return Grid(
            experiment, settings, methods, list(range(adult.N_SPLITS)), datasets
        )


# --- Convergence ---------------------------------------------------------------------


class TestScore(Callback):
    """Record the average precision on test rows, which nothing else looks at."""

    __test__ = False  # it is no test of pytest's

    def __init__(self, X, y):
        self.X = X
        self.y = y

    def on_epoch_end(self, net, **kwargs):
        proba = net.predict_proba(self.X)[:, 1]
        value = float(average_precision_score(self.y, proba))
        net.history.record("test_average_precision", value)


def relative_lengths(moves, start):
    """Mean length of moves, epochs of rows, relative to where each row began.

    The origin is the mean of all rows.
    """
    scale = np.linalg.norm(start, axis=1)
    return (np.linalg.norm(moves, axis=2) / scale).mean(axis=1)


def curves_of(net):
    """What each epoch recorded of a net that keeps where its synthetic rows were.

    Of all epochs, those before the synthetic rows first. ``moved`` is how far rows are
    from where they began and ``step`` how far from an epoch before, both as shares of
    the distance from the mean of all rows.
    """
    names = report_convergence.RECORDED
    curves = {name: list(map(float, net.history[:, name])) for name in names}
    path = net.synth_history_
    alone = [0.0] * (len(net.history) - len(path) + 1)
    moved = relative_lengths(path[1:] - path[0], path[0])
    step = relative_lengths(np.diff(path, axis=0), path[0])
    return curves | {"moved": alone + moved.tolist(), "step": alone + step.tolist()}


@dataclass(frozen=True)
class Convergence(AdultTable):
    """Does training settle? Loss, score and synthetic rows on adult 50:1 (appendix C).

        python benchmarks/papers.py explicit_gradient convergence --data adult.csv.gz

    The rows, splits, net and settings of ``adult`` at 50:1. Training on the training
    rows alone is followed by as many epochs with synthetic rows, once with rows that
    move and once with rows that lie still (duplicates, eta2 = 0). Each epoch records
    the losses, the average precision on validation and on test rows, and how far
    synthetic rows are from where they began and from where they were an epoch before.
    Test rows choose nothing: they are scored to show what the validation rows do not.

    Every finished cell (method, split) goes to <out>/cells.jsonl at once. Stop whenever
    you like: the same command goes on. Takes a quarter of an hour on one core.
    """

    suite = "convergence"
    out = f"{OUT}/convergence"
    methods = {name: TABLE_METHODS[name] for name in report_convergence.TITLES}
    ratios = (50,)
    no_result = {"curves": {}}
    report = staticmethod(report_convergence.write_convergence)

    def make(self, cell, seed, rows=None):
        return cell.method.make(seed, store_synth_history=True)

    def compute(self, cell, rows):
        model = self.make(cell, cell.seed)
        scaler = clone(model.scaler).fit(rows.X_train)
        X_valid, y_valid = rows.more
        fit, valid, test = map(scaler.transform, (rows.X_train, X_valid, rows.X_test))
        net = model.net.set_params(callbacks=[TestScore(test, rows.y_test)])
        net.fit(fit, rows.y_train, eval_set=(valid, y_valid))
        return {"curves": curves_of(net)}
