"""Nets on tables under attack: what is varied, fixed and scored."""

from dataclasses import dataclass

import numpy as np

from imbdeep_bench.data.pairs import shrink
from imbdeep_bench.data.suites import TEN_SETS, read_sets
from imbdeep_bench.engine import command
from imbdeep_bench.engine.experiment import Grid, Rows, Setting
from imbdeep_bench.engine.protocol import Protocol, derive_seed, parse_protocol
from imbdeep_bench.papers.robust import report_tables
from imbdeep_bench.papers.robust.experiment import Robust
from imbdeep_bench.papers.robust.methods import TABLE_METHODS, make_short
from imbdeep_bench.papers.robust.scores import movable_columns, score_table
from imbdeep_bench.papers.robust.threats import RADII, TableThreat


@dataclass(frozen=True)
class Tables(Robust):
    """Ten of the 27 sets: what an attacker does to nets on tables, and what helps.

        python benchmarks/papers.py robust tables

    Folds are those of the benchmark, stratified halves.
    Nets train under PGD of 10 steps and are attacked by PGD of 20, which moves each
    column by at most a share of its standard deviation in the training half. Columns of
    one or two values there are taken for categories, and stay as they are. All nets of
    a fold face the same ball. Scores: average precision, which the attacker cares about
    as it pushes every row to the wrong side, and balanced accuracy, both without and
    with the attacker.

    net, clean is the library's plain net, which stops early; all others train for 50
    epochs on all rows of the training half.

    Cells go to <out>/tables.jsonl; the same command goes on with them. In the end come
    sets.md, sets.csv (means over the folds) and columns.csv (which ones may be moved).
    """

    split_by: Protocol | None = None
    # Radius in training, in standard deviations.
    eps: float = RADII[-1]

    suite = "robust tables"
    file = "tables.jsonl"
    methods = TABLE_METHODS
    sets = TEN_SETS
    n_repeats = 5
    smoke_words = "100 rows of a class, one epoch, two folds, and weak attacks"
    report = staticmethod(report_tables.write_tables)

    @property
    def protocol(self):
        # More repeats go on with the folds of fewer.
        return f"two-fold, trained at {self.eps:g}"

    def draw(self, setting, fold):
        X, y = setting.data.X.astype(np.float32), setting.data.y
        split = self.split_by.split(y, fold, seed=0, dataset=setting.data.name)
        movable = movable_columns(X[split.train])
        told = {
            "n_train": len(split.train),
            "n_train_minority": int(y[split.train].sum()),
            "n_features": len(movable),
            "frozen": np.flatnonzero(~movable).tolist(),
        }
        train, test = split.train, split.test
        return Rows(X[train], y[train], X[test], y[test], told, movable)

    def seed_of(self, cell):
        return derive_seed(0, cell.setting.data.name, cell.fold, "model")

    def make(self, cell, seed, rows=None):
        threat = TableThreat(self.eps, None if rows is None else rows.more)
        shared = {"random_state": seed, "device": self.device}
        return make_short(cell.method, shared, threat, self.smoke)

    def score(self, cell, model, rows, seed):
        steps = self.strength.attack_steps
        return {"scores": score_table(model, rows, rows.more, seed, steps)}

    @classmethod
    def add_own_arguments(cls, parser):
        command.add_datasets(parser, cls.sets)
        parser.add_argument(
            "--eps",
            type=command.number_above_0,
            metavar="R",
            default=RADII[-1],
            help="radius in training, in standard deviations (default: %(default)s); "
            f"those of the attacks are {' and '.join(map(str, RADII))}",
        )
        command.add_repeats(parser, cls.n_repeats)
        command.add_data_home(parser)

    @classmethod
    def plan(cls, args):
        methods = command.pick_methods(args, cls.methods)
        settings = [
            Setting(data.name, shrink(data) if args.smoke else data, {"eps": args.eps})
            for data in read_sets(args.datasets, args.data_home)
        ]
        protocol = parse_protocol(f"{1 if args.smoke else args.repeats}x2")
        shared = {"device": args.device, "smoke": args.smoke, "eps": args.eps}
        experiment = cls(split_by=protocol, **shared)
        return Grid(experiment, settings, methods, list(range(protocol.n_folds)))
