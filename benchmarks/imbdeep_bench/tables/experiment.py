"""Tables for development: what is varied, fixed and scored."""

import time
from dataclasses import dataclass
from pathlib import Path

from sklearn.metrics import average_precision_score, log_loss

from imbdeep.metrics import balanced_brier_score
from imbdeep_bench.engine import command
from imbdeep_bench.engine.experiment import Experiment, Grid, Rows, Setting, timed_fit
from imbdeep_bench.engine.protocol import Protocol, derive_seed, parse_protocol
from imbdeep_bench.engine.scoring import label_scores, tune_on_held_out
from imbdeep_bench.tables import data, methods, report
from imbdeep_bench.tables.thresholds import (
    LEAST_COST_FROM,
    SCORES,
    THRESHOLDS,
    mean_cost,
)


def score(model, rows):
    """Score a fitted model; a threshold is tuned where out-of-fold rows tell it."""
    y, proba = rows.y_test, model.predict_proba(rows.X_test)
    scores = {
        "ap": average_precision_score(y, proba[:, 1]),
        "log_loss": log_loss(y, proba),
        "balanced_brier": balanced_brier_score(y, proba[:, 1]),
        "cost": mean_cost(y, (proba[:, 1] >= LEAST_COST_FROM).astype(int)),
    }
    if hasattr(model, "oof_proba_"):
        threshold = tune_on_held_out(rows.y_train, model.oof_proba_[:, 1])
        labels = (proba[:, 1] >= threshold).astype(int)
        scores["g_mean_tuned"] = label_scores(y, labels)["g_mean"]
    return {name: float(value) for name, value in scores.items()}


@dataclass(frozen=True)
class OnTables(Experiment, command.Command):
    """What the experiments share: two folds, average precision and log loss."""

    split_by: Protocol | None = None

    out = "results/tables"
    tables = data.NUMERIC
    metrics = {"ap": "average precision", "log_loss": "log loss"}
    parts = {}  # of the tables, that the report shows by themselves
    smoke_words = "150 rows of the frequent class, two folds"

    @property
    def protocol(self):
        return "two-fold"

    def prepared(self, setting, fold):
        """Return the columns of a setting."""
        return setting.data.X

    def draw(self, setting, fold):
        X, y = self.prepared(setting, fold), setting.data.y
        split = self.split_by.split(y, fold, seed=0, dataset=setting.data.name)
        train, test = split.train, split.test
        told = {"n_train": len(train), "n_train_minority": int(y[train].sum())}
        return Rows(X.iloc[train], y[train], X.iloc[test], y[test], told)

    def seed_of(self, cell):
        return derive_seed(cell.setting.data.name, cell.fold, "model")

    def compute(self, cell, rows):
        model = self.make(cell, cell.seed)
        model, seconds = timed_fit(model, rows.X_train, rows.y_train)
        return {"scores": score(model, rows), "fit_seconds": seconds}

    @classmethod
    def add_own_arguments(cls, parser):
        command.add_datasets(parser, cls.tables)
        parser.add_argument(
            "--data", type=Path, required=True, metavar="DIR", help="folder of KEEL's"
        )
        command.add_repeats(parser, 5)

    @classmethod
    def settings(cls, tables):
        """Return a setting for each table."""
        return [Setting(table.name, table, {"table": table.name}) for table in tables]

    @classmethod
    def plan(cls, args):
        chosen = command.pick_methods(args, cls.methods)
        tables = data.read_tables(args.datasets, args.data, cls.tables, args.smoke)
        protocol = parse_protocol(f"{1 if args.smoke else args.repeats}x2")
        experiment = cls(split_by=protocol, smoke=args.smoke)
        folds = list(range(protocol.n_folds))
        return Grid(experiment, cls.settings(tables), chosen, folds)

    @classmethod
    def report(cls, args):
        """Write the report beside the cells; return its path."""
        return report.write(args.out, cls)


@dataclass(frozen=True)
class Encodings(OnTables):
    """Encodings of numbers before the same net.

        python benchmarks/tables.py encodings --data keel

    Numeric tables of the KEEL collection that share no rows with the 27 sets: what a
    default may be chosen on.
    """

    suite = name = "encodings"
    file = "encodings.jsonl"
    methods = methods.ENCODINGS


@dataclass(frozen=True)
class Levels(OnTables):
    """Levels taken as they are, against one-hot and ordinal codes before the same net.

        python benchmarks/tables.py levels --data keel

    The tables of the KEEL collection with nominal columns. CatBoost needs the extra
    peers.
    """

    suite = name = "levels"
    file = "levels.jsonl"
    methods = methods.LEVELS
    tables = data.MIXED


@dataclass(frozen=True)
class Gaps(OnTables):
    """Missing numbers taken as they are, against medians with an indicator.

        python benchmarks/tables.py gaps --data keel

    Of every column of a numeric table 10 or 40 % are removed, at random or the likelier
    the larger the value.
    """

    suite = name = "gaps"
    file = "gaps.jsonl"
    methods = methods.GAPS

    @classmethod
    def settings(cls, tables):
        return [
            Setting(
                f"{table.name}, {share:.0%} {'by value' if by_value else 'at random'}",
                table,
                {"table": table.name, "share": share, "by_value": by_value},
                (share, by_value),
            )
            for share in (0.1, 0.4)
            for by_value in (False, True)
            for table in tables
        ]

    def prepared(self, setting, fold):
        seed = derive_seed(setting.name, fold, "gaps")
        return data.plant_gaps(setting.data.X, *setting.of, seed)


@dataclass(frozen=True)
class Members(OnTables):
    """Nets of members against what people would pick instead, and without their parts.

        python benchmarks/tables.py members --data keel --methods members,peers

    All tables of the KEEL collection that share no rows with the 27 sets, at the
    defaults of every method. Every second table, in alphabetical order, may choose
    defaults, and the others confirm them. The threshold of the tuned g-mean is the best
    one on out-of-fold probabilities; methods without these have no such score. Peers
    need the extra peers.
    """

    suite = name = "members"
    file = "members.jsonl"
    methods = methods.MEMBERS
    tables = data.ALL
    metrics = OnTables.metrics | {
        "balanced_brier": "balanced Brier score",
        "g_mean_tuned": "g-mean at a tuned threshold",
    }
    parts = {
        "the half that chooses": data.ALL[::2],
        "the half that confirms": data.ALL[1::2],
    }


@dataclass(frozen=True)
class Thresholds(OnTables):
    """Ways to a threshold for the same net.

        python benchmarks/tables.py thresholds --data keel

    Labels by a threshold that is chosen for the metric, of five perceptrons that hold
    out folds. A miss costs ten false alarms. Out of fold, one fit serves all metrics,
    and for the cost the threshold follows from the costs; "by scorers" chooses it by
    the cost of out-of-fold rows. TunedThresholdClassifierCV fits the net once for each
    of five folds and once more, for each metric. Small tables of the KEEL collection
    that share no rows with the 27 sets, with 6 to 63 rare rows in training.
    """

    suite = name = "thresholds"
    file = "thresholds.jsonl"
    methods = THRESHOLDS
    tables = data.SMALL
    metrics = {"g_mean": "g-mean", "f1": "F1", "cost": "cost of a row"}

    def compute(self, cell, rows):
        way = self.make(cell, cell.seed)
        # Of the processor: comparable however busy the machine is.
        started = time.process_time()
        way.fit(rows.X_train, rows.y_train)
        seconds = time.process_time() - started
        labels = way.labels(rows.X_test)
        scores = {
            metric: float(of_labels(rows.y_test, labels[metric]))
            for metric, of_labels in SCORES.items()
        }
        return {"scores": scores, "fit_seconds": seconds}


@dataclass(frozen=True)
class Raw(OnTables):
    """Raw tables, five lines each, beside boosting that knows categories.

        python benchmarks/tables.py raw --data keel

    Tables of the KEEL collection with text columns that share no rows with the 27 sets,
    and made-up customers with an id, dates, text and gaps. All methods are at their
    defaults. A miss costs ten false alarms: a row is called rare where its
    expected cost is less, from a probability of 1/11 on. CatBoost needs the extra
    peers.
    """

    suite = name = "raw"
    file = "raw.jsonl"
    methods = methods.RAW
    tables = data.RAW
    metrics = OnTables.metrics | {"cost": "cost of a row"}
