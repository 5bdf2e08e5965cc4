"""Nets on digits by one parameter at a time, and what their features look like."""

from dataclasses import dataclass, replace

import numpy as np

from imbdeep_bench.data import pictures as data
from imbdeep_bench.data.pairs import fingerprint
from imbdeep_bench.engine import command
from imbdeep_bench.engine.experiment import Grid, Setting
from imbdeep_bench.engine.names import check_names, split_names
from imbdeep_bench.papers.robust import report_sensitivity
from imbdeep_bench.papers.robust.experiment import Robust, add_picture_data
from imbdeep_bench.papers.robust.methods import METHODS, USPS, make_model
from imbdeep_bench.papers.robust.scores import (
    N_FEATURE_ROWS,
    rights_of,
    score_features,
    score_halves,
)
from imbdeep_bench.papers.robust.sweeps import POINTS, SWEEPS
from imbdeep_bench.papers.robust.threats import EPS, Threat

THREAT = Threat("linf", EPS["usps"]["linf"])


class SweepGrid(Grid):
    """Settings, each with the methods of its own sweep alone."""

    def cells(self):
        """Every cell, fold by fold."""
        cells = super().cells()
        return [c for c in cells if c.method.name in c.setting.of.methods]


def take_classes(pictures, labels):
    """Keep some classes, which are 0, 1, ... from now on."""
    kept = np.isin(pictures.y, labels)
    X, y = pictures.X[kept], np.searchsorted(labels, pictures.y[kept])
    return replace(pictures, X=X, y=y, sha256=fingerprint(X, y))


@dataclass(frozen=True)
class Sensitivity(Robust):
    """Figures 4.3 to 4.7: weights, lambda, the imbalance, and features.

        python benchmarks/papers.py robust sensitivity --data raw
        python benchmarks/papers.py robust sensitivity --figures pair,lambda-8

    Section 4.5.3 of the dissertation, on Step-100 and with USPS in place of CIFAR10:
    SRAT by the weight of the rare half of the classes and by that of the feature
    separation loss, and SRAT-Focal and DRCB-Focal by the ratio of the imbalance. All
    these keep the learning rate. Then what the last layer sees of two digits after
    clean and adversarial training, and of all: 500 test rows, drawn by t-SNE, and the
    silhouettes of their classes. Seed by seed, nets of one ratio see the same rows.

    Cells go to <out>/sensitivity.jsonl; the same command goes on with them, and figures
    and values may be added to a run. In the end come sensitivity.md, sensitivity.csv,
    sensitivity.png and features.png, the t-SNE of the first seed.
    """

    epochs: int = USPS["max_epochs"]

    suite = "robust sensitivity"
    file = "sensitivity.jsonl"
    methods = {name: METHODS[name] for s in SWEEPS.values() for name in s.methods}
    smoke_words = "160 rows of a class, one epoch, and weak attacks"
    report = staticmethod(report_sensitivity.write_sensitivity)

    @property
    def protocol(self):
        return f"balanced test rows, {self.epochs} epochs"

    def draw(self, setting, fold):
        sweep = setting.of
        imbalance = data.Imbalance("step", sweep.ratio(setting.labels["value"]))
        n_test = max(data.TEST_ROWS, N_FEATURE_ROWS // len(sweep.digits))
        n_test = data.SMOKE_TEST_ROWS if self.smoke else n_test
        return data.draw_pictures(setting.data, imbalance, fold, n_test)

    def make(self, cell, seed, rows=None):
        shared = {"seed": seed, "device": self.device, "smoke": self.smoke}
        shared |= {"max_epochs": self.epochs}
        model = make_model(cell.method, "usps", THREAT, **shared)
        return model.set_params(**cell.setting.of.change(cell.setting.labels["value"]))

    def score(self, cell, model, rows, seed):
        rights = rights_of(model, rows, THREAT, self.strength, seed)
        told = {"scores": score_halves(rights, rows.y_test, rows)}
        if not cell.setting.of.has_features:
            return told
        features = score_features(model, rows, cell.setting.of.digits, seed)
        told["scores"] |= features.pop("scores")
        return told | features

    @classmethod
    def add_own_arguments(cls, parser):
        add_picture_data(parser)
        parser.add_argument(
            "--figures",
            type=split_names,
            metavar="A,B",
            default=list(SWEEPS),
            help=f"of {', '.join(SWEEPS)} (default: all), or single values of theirs: "
            f"{', '.join(POINTS)}",
        )
        parser.add_argument(
            "--epochs",
            type=command.at_least(1),
            metavar="N",
            default=cls.epochs,
            help="of every net (default: %(default)s)",
        )
        command.add_seeds(parser, "rows and models", 5)

    @classmethod
    def plan(cls, args):
        check_names(args.figures, [*SWEEPS, *POINTS], "--figures")
        command.check_seeds(args.seeds)
        pictures = data.read_pictures("usps", args.data)
        if args.smoke:
            pictures = data.shrink_pictures(pictures)
        settings = [
            Setting(
                f"usps, {name}, {THREAT.name}",
                take_classes(pictures, SWEEPS[figure].digits),
                {"figure": figure, "value": value, "eps": THREAT.eps},
                SWEEPS[figure],
            )
            for name, (figure, value) in POINTS.items()
            if {name, figure} & set(args.figures)
        ]
        shown = {name for setting in settings for name in setting.of.methods}
        told = {name: m for name, m in cls.methods.items() if name in shown}
        methods = command.pick_methods(args, told)
        experiment = cls(device=args.device, smoke=args.smoke, epochs=args.epochs)
        return SweepGrid(experiment, settings, methods, args.seeds)
