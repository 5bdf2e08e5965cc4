"""Nets that train for robustness on imbalanced images: varied, fixed and scored."""

from dataclasses import dataclass
from pathlib import Path

from imbdeep_bench.engine import command
from imbdeep_bench.engine.experiment import Experiment, Grid, Setting, timed_fit
from imbdeep_bench.engine.names import check_names, split_names
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.image_nets import add_modules, check_modules
from imbdeep_bench.papers.robustness import report
from imbdeep_bench.papers.robustness.methods import METHODS, Shared
from imbdeep_bench.papers.robustness.pictures import (
    LEVELS,
    draw_images,
    levels_of,
    read_images,
)
from imbdeep_bench.papers.robustness.scores import SEVERITIES, score_images


@dataclass(frozen=True)
class Strength:
    """How hard is tried to move a classifier when it is scored."""

    attack_steps: int = 20
    universal_epochs: int = 10
    severities: tuple = SEVERITIES


WEAK = Strength(attack_steps=1, universal_epochs=1, severities=(3,))


@dataclass(frozen=True)
class Images(Experiment, command.Command):
    """Table 1: which robustness costs the rare classes.

        python benchmarks/papers.py robustness images --data raw
        python benchmarks/papers.py robustness images --data raw \\
            --datasets cifar100,droughtwatch --modules resnet50,squeezenet --device cuda

    Nets train on balanced classes, on classes whose sizes fall evenly from 100 to 1,
    and on a long tail, all with the same number of images: plainly, with AugMix, with
    DeepAugment and AugMix, with adversarial noise, against one perturbation for all
    images, and against one for a heap of images. Ours: against one for each image. They
    are scored on clean images, on corrupted ones (the mean over all corruptions and
    three severities), under a universal perturbation learned for each net, and under
    projected gradient ascent.

    Photo tiles and USPS stand in for CIFAR-100, and synthetic tiles, whose classes are
    imbalanced as they come, for drought-watch. --data is a folder of usps.npz, of
    CIFAR's python archives, or of drought-watch's train/ and val/.

    Every finished cell (set, net and level; method; seed) goes to <out>/cells.jsonl at
    once; the same command goes on. In the end come images.md, means.csv, leads.csv,
    recalls.png and losses.png, by which to see whether a method has converged.
    """

    max_epochs: int = 40

    suite = "robustness images"
    out = "results/robustness"
    methods = METHODS
    has_device = True
    smoke_words = "few images, four epochs, one severity and weak attacks"
    report = staticmethod(report.write_images)
    no_result = {
        "scores": {},
        "fit_seconds": None,
        "recalls": None,
        "by_corruption": None,
        "losses": None,
    }

    @property
    def protocol(self):
        return f"{self.max_epochs} epochs"

    @property
    def strength(self):
        """How hard is tried."""
        return WEAK if self.smoke else Strength()

    def draw(self, setting, fold):
        return draw_images(setting.data, setting.of[0], fold, self.smoke)

    def seed_of(self, cell):
        # One for all methods of a run, so that nets that begin alike begin with the
        # same weights.
        return derive_seed(cell.fold, cell.setting.name, "model")

    def shared(self, setting, seed):
        """Return what the methods of a setting have in common."""
        return Shared(
            data=setting.data.name,
            module=setting.of[1],
            max_epochs=self.max_epochs,
            random_state=seed,
            device=self.device,
        )

    def make(self, cell, seed, rows=None):
        return cell.method.make(self.shared(cell.setting, seed))

    def compute(self, cell, rows):
        model = self.make(cell, cell.seed)
        model, seconds = timed_fit(model, rows.X_train, rows.y_train)
        eps = self.shared(cell.setting, cell.seed).eps
        told = score_images(model, rows, eps, self.strength, cell.seed)
        losses = [float(loss) for loss in model.history_[:, "train_loss"]]
        return told | {"fit_seconds": seconds, "losses": losses}

    @classmethod
    def add_own_arguments(cls, parser):
        words = "of photo_tiles, usps, satellite, cifar100, droughtwatch (default: the "
        parser.add_argument(
            "--datasets",
            type=split_names,
            metavar="A,B",
            help=f"{words}first three)",
        )
        parser.add_argument(
            "--data", type=Path, metavar="DIR", help="folder of the sets' files"
        )
        parser.add_argument(
            "--levels",
            type=split_names,
            metavar="A,B",
            default=list(LEVELS),
            help=f"of imbalance (default: {','.join(LEVELS)})",
        )
        add_modules(parser)
        parser.add_argument(
            "--epochs",
            dest="max_epochs",
            # A cycle of the learning rate lasts four epochs.
            type=command.at_least(4),
            metavar="N",
            default=cls.max_epochs,
            help="of the nets (default: %(default)s)",
        )
        command.add_seeds(parser, "rows and models", 3)

    @classmethod
    def plan(cls, args):
        methods = command.pick_methods(args, cls.methods)
        check_modules(args.modules)
        check_names(args.levels, LEVELS, "--levels")
        command.check_seeds(args.seeds)
        settings = [
            Setting(
                f"{data.name}, {level}, {module}",
                data,
                {"data": data.name, "level": level, "module": module},
                (level, module),
            )
            for data in read_images(args.datasets, args.data)
            for module in args.modules
            for level in levels_of(data.name, args.levels)
        ]
        n_epochs = 4 if args.smoke else args.max_epochs
        experiment = cls(device=args.device, smoke=args.smoke, max_epochs=n_epochs)
        grid = Grid(experiment, settings, methods, args.seeds)
        # A set with too few rows for a level fails before all.
        grid.draw_once()
        return grid
