"""Adversarial training under imbalance: what is varied, fixed and scored."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imbdeep_bench.data import pictures as data
from imbdeep_bench.data.pairs import draw_classes, parse_pairs, take_rows
from imbdeep_bench.engine import command
from imbdeep_bench.engine.experiment import Experiment, Grid, Rows, Setting, timed_fit
from imbdeep_bench.engine.names import check_names, split_names
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.robust import report, report_weights
from imbdeep_bench.papers.robust.methods import (
    CHAPTERS,
    METHODS,
    WEIGHT_METHODS,
    has_schedules,
    make_model,
)
from imbdeep_bench.papers.robust.scores import score_both_classes, score_pictures
from imbdeep_bench.papers.robust.threats import (
    EPS,
    SMOKE,
    STEP_SHARES,
    Strength,
    Threat,
)


@dataclass(frozen=True)
class Robust(Experiment, command.Command):
    """What the three experiments share: a fit, and what an attacker makes of it."""

    out = "results/robust"
    has_device = True

    def seed_of(self, cell):
        # One for all methods of a run, so that nets that begin alike begin with the
        # same weights.
        return derive_seed(cell.fold, cell.setting.data.name, "model")

    @property
    def strength(self):
        """Of the attacks that evaluate."""
        return SMOKE if self.smoke else Strength()

    def compute(self, cell, rows):
        model = self.make(cell, cell.seed, rows)
        model, seconds = timed_fit(model, rows.X_train, rows.y_train)
        seed = derive_seed(*cell.key, "attack")
        return {**self.score(cell, model, rows, seed), "fit_seconds": seconds}


def add_picture_data(parser):
    """Add the option that says where pictures are."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of usps.npz, or of the python archives of CIFAR (default: raw/ of "
        "scikit-learn's data folder, SCIKIT_LEARN_DATA)",
    )


# --- Pictures ------------------------------------------------------------------------


@dataclass(frozen=True)
class Images(Robust):
    """Tables 4.1 to 4.7 and 5.1 to 5.7: adversarial training on imbalanced pictures.

        python benchmarks/papers.py robust images --data raw
        python benchmarks/papers.py robust images --datasets cifar10 --chapter 4 \\
            --data cifar --device cuda

    Sections 4.5 and 5.5 of the dissertation: classes 0, 1, ... of a data set get rarer,
    in a step or exponentially, nets are trained with and without an attacker and tested
    on balanced rows, once as they are and once as far as an attacker can move them.
    USPS, with a small convolutional net, stands in for CIFAR, which is two options
    away: there the net is ResNet-18, and learning rate, its drops at epochs 160 and
    180, and attacks are the dissertation's. So are the epochs, 200 in chapter 4 and 250
    in chapter 5: ``--chapter`` says whose, and picks its methods. Seed by seed, all
    methods see the same rows.

    Beside PGD of 20 steps, which the tables show, PGD of 50 steps and 10 restarts and a
    black-box search of 1,000 queries attack 50 test rows of each class.

    Every finished cell (data set, imbalance and threat; method; seed) goes to
    <out>/images.jsonl at once. Stop whenever you like: the same command goes on, and
    tries failed cells once more. Imbalances, norms, methods and seeds may be added to a
    run. In the end come tables.md, tables.csv (means and standard deviations),
    differences.csv, agreement.csv, classes.csv, classes.png and parts.png (Figures 5.2
    to 5.7). A folder holds one chapter, or USPS with the methods of both.
    """

    chapter: int | None = None

    suite = "robust images"
    file = "images.jsonl"
    methods = METHODS
    smoke_words = "160 rows of a class, one epoch, and weak attacks"
    report = staticmethod(report.write_images)

    @property
    def protocol(self):
        # Cells of other epochs are not to be compared with these.
        chapter = "" if self.chapter is None else f", chapter {self.chapter}"
        return f"balanced test rows{chapter}"

    def draw(self, setting, fold):
        imbalance, _ = setting.of
        n_test = data.SMOKE_TEST_ROWS if self.smoke else data.TEST_ROWS
        return data.draw_pictures(setting.data, imbalance, fold, n_test)

    def make(self, cell, seed, rows=None):
        _, threat = cell.setting.of
        name, own = cell.setting.data.name, {"seed": seed, "chapter": self.chapter}
        shared = {"device": self.device, "smoke": self.smoke}
        return make_model(cell.method, name, threat, **own, **shared)

    def score(self, cell, model, rows, seed):
        _, threat = cell.setting.of
        return score_pictures(model, rows, threat, self.strength, seed)

    @classmethod
    def add_own_arguments(cls, parser):
        add_picture_data(parser)
        parser.add_argument(
            "--datasets",
            type=split_names,
            metavar="A,B",
            default=["usps"],
            help=f"of {', '.join(data.READERS)} (default: usps)",
        )
        parser.add_argument(
            "--chapter",
            type=int,
            choices=list(CHAPTERS),
            help="methods and epochs of one chapter; CIFAR needs it (default: the "
            "methods of both)",
        )
        parser.add_argument(
            "--imbalances",
            type=split_names,
            metavar="A,B",
            default=list(data.IMBALANCES),
            help="step or exp, and a ratio (default: "
            f"{','.join(data.IMBALANCES)}); step-1 is balanced",
        )
        parser.add_argument(
            "--norm",
            choices=list(STEP_SHARES),
            default="linf",
            help="what the radius of the attacker bounds (default: linf)",
        )
        parser.add_argument(
            "--eps",
            type=command.number_above_0,
            metavar="R",
            help="radius, in pixels of 0 to 1 (default: on CIFAR 8/255 or, for l2, "
            f"128/255; on USPS {EPS['usps']['linf']} or {EPS['usps']['l2']})",
        )
        command.add_seeds(parser, "rows and models", 5)

    @classmethod
    def plan(cls, args):
        told = cls.methods if args.chapter is None else CHAPTERS[args.chapter]
        methods = command.pick_methods(args, {name: cls.methods[name] for name in told})
        check_names(args.datasets, data.READERS, "--datasets")
        if args.chapter is None and any(map(has_schedules, args.datasets)):
            raise ValueError(
                "--datasets got CIFAR, which chapters 4 and 5 train for 200 and 250 "
                "epochs; give --chapter 4 or --chapter 5."
            )
        if not args.imbalances:
            raise ValueError(f"--imbalances is empty; give some of {data.IMBALANCES}.")
        imbalances = [data.parse_imbalance(text) for text in args.imbalances]
        command.check_seeds(args.seeds)
        settings = []
        for dataset in args.datasets:
            pictures = data.read_pictures(dataset, args.data)
            if args.smoke:
                pictures = data.shrink_pictures(pictures)
            threat = Threat(args.norm, args.eps or EPS[dataset][args.norm])
            for imbalance in imbalances:
                name = f"{dataset}, {imbalance.name}, {threat.name}"
                labels = {"data": dataset, "imbalance": imbalance.name}
                labels |= {"norm": threat.norm, "eps": threat.eps}
                settings.append(Setting(name, pictures, labels, (imbalance, threat)))
        experiment = cls(device=args.device, smoke=args.smoke, chapter=args.chapter)
        grid = Grid(experiment, settings, methods, args.seeds)
        # A ratio that leaves a class without rows fails before all.
        grid.draw_once()
        return grid


# --- Weights -------------------------------------------------------------------------


@dataclass(frozen=True)
class Weights(Robust):
    """Figure 4.2: the more a rare class weighs, the worse the frequent one fares.

        python benchmarks/papers.py robust weights --data raw

    Section 4.2.2 of the dissertation: two classes, one of them cut 100:1, and nets that
    train with and without an attacker while the rare class weighs 1 to 200 times what
    the frequent one does. Two digits of USPS stand in for two classes of CIFAR10; 80 %
    of either class are there to train on, as far as they are not withdrawn, and the
    rest to test. Seed by seed, all nets see the same rows.

    Cells go to <out>/weights.jsonl; the same command goes on with them. In the end come
    weights.md, weights.csv and weights.png.
    """

    pairs: object = None

    suite = "robust weights"
    # Rows of the frequent class for each of the rare one.
    ratio = 100
    protocol = f"80-20, {ratio}:1"
    file = "weights.jsonl"
    methods = WEIGHT_METHODS
    smoke_words = "160 rows of a class, one epoch, and weak attacks"
    report = staticmethod(report_weights.write_weights)

    def draw(self, setting, fold):
        pair, candidates, tests = draw_classes(setting.data, self.pairs, fold)
        frequent, rare = candidates
        # A net wants two rows of a class; --smoke would leave one.
        kept = rare[: max(2, len(frequent) // self.ratio)]
        X_train, y_train = take_rows(setting.data, frequent, kept)
        X_test, y_test = take_rows(setting.data, *tests)
        told = {
            "majority": pair[0],
            "minority": pair[1],
            "class_counts": np.bincount(y_train).tolist(),
            "n_test": len(y_test),
        }
        X_train, X_test = map(data.as_floats, (X_train, X_test))
        return Rows(X_train, y_train, X_test, y_test, told)

    def make(self, cell, seed, rows=None):
        shared = {"seed": seed, "device": self.device, "smoke": self.smoke}
        return make_model(cell.method, "usps", cell.setting.of, **shared)

    def score(self, cell, model, rows, seed):
        threat = cell.setting.of
        return {"scores": score_both_classes(model, rows, threat, self.strength, seed)}

    @classmethod
    def add_own_arguments(cls, parser):
        add_picture_data(parser)
        parser.add_argument(
            "--pairs",
            # Two digits that look alike.
            default="3-5",
            metavar="drawn|A-B",
            help="classes: drawn in each run, or a frequent and a rare one (default: "
            "%(default)s)",
        )
        parser.add_argument(
            "--eps",
            type=command.number_above_0,
            metavar="R",
            default=EPS["usps"]["linf"],
            help="radius of the attacker, linf (default: %(default)s)",
        )
        command.add_seeds(parser, "rows and models", 5)

    @classmethod
    def plan(cls, args):
        methods = command.pick_methods(args, cls.methods)
        command.check_seeds(args.seeds)
        pairs, pictures = parse_pairs(args.pairs), data.read_pictures("usps", args.data)
        if args.smoke:
            pictures = data.shrink_pictures(pictures)
        threat = Threat("linf", args.eps)
        name = f"{pictures.name}, {pairs.name}, {threat.name}"
        setting = Setting(name, pictures, {"eps": threat.eps}, threat)
        experiment = cls(device=args.device, smoke=args.smoke, pairs=pairs)
        grid = Grid(experiment, [setting], methods, args.seeds)
        # A wrong pair fails before all.
        grid.draw_once()
        return grid
