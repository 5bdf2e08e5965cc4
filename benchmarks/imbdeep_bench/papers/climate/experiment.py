"""Forage from satellite tiles: what is varied, fixed and scored."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score

from imbdeep.metrics import intra_class_variance
from imbdeep_bench.engine import command
from imbdeep_bench.engine.experiment import Experiment, Grid, Setting, timed_fit
from imbdeep_bench.engine.names import check_names, split_names
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.image_nets import add_modules, check_modules
from imbdeep_bench.papers.climate import report
from imbdeep_bench.papers.climate.methods import METHODS, N_CLASSES, Shared
from imbdeep_bench.papers.climate.tiles import SIDE, Droughtwatch, Synthetic

DATASETS = ("synthetic", "droughtwatch")
SIZES = ("max_epochs", "gan_epochs", "gan_filters", "gan_batch")
SMOKE = {"n_train": 60, "n_test": 40}
SMOKE_SIDE, SMOKE_EPOCHS = 16, 4


def score(y, predicted):
    """Return the scores of section 1.1; a class without tests has no recall.

    The variance is the root of the printed sum, as that of the paper's tables is.
    """
    recalls = recall_score(y, predicted, labels=range(N_CLASSES), average=None)
    return {
        "accuracy": float(accuracy_score(y, predicted)),
        "balanced_accuracy": float(balanced_accuracy_score(y, predicted)),
        "root_intra_class_variance": float(
            intra_class_variance(y, predicted, root=True)
        ),
        **{f"recall_{label}": float(recall) for label, recall in enumerate(recalls)},
    }


def what_gan_did(model):
    """Return losses by epoch and spreads of a fitted pipeline's GANs, by class.

    None for both where there is none.
    """
    gan = getattr(model, "named_steps", {}).get("gan")
    if gan is None:
        return {"gan_losses": None, "gan_diversity": None}
    losses = {
        str(label): {name: values.tolist() for name, values in told.items()}
        for label, told in gan.loss_history_.items()
    }
    spreads = {str(label): told for label, told in gan.diversity_.items()}
    return {"gan_losses": losses, "gan_diversity": spreads}


@dataclass(frozen=True)
class Tables(Experiment, command.Command):
    """Tables 1 to 8 and Figures 1 to 3: forage classes of satellite tiles.

        python benchmarks/papers.py climate tables
        python benchmarks/papers.py climate tables --data droughtwatch \\
            --modules efficientnet_b4,resnet50 --epochs 40 --device cuda \\
            --gan-filters 64 --gan-batch 128

    Tiles of ten bands in four classes, of which the first has 60 % and the last 10 %.
    Nets are trained by cross-entropy, with a sampler that balances classes, with LDAM,
    deferred re-weighting and a cyclical learning rate, with averaged weights, on three
    bands, and on classes that a GAN has made equal. All flip and turn their tiles.
    Ours: LDAM alone, cross-entropy on the bands 6-5-2, of which the GAN makes tiles,
    and cross-entropy whose probabilities are corrected to equal class shares.

    Without --data tiles are synthetic, 3,000 to train on and 1,500 to test on, other
    ones for each seed. That the bands 6-5-2 tell most is built into them: they try the
    code, and say nothing about Kenya. With --data, the folder of the real set, its
    training and validation tiles come, too.

    The small net, 12 epochs and GANs of 16 filters are for a CPU. The paper has
    EfficientNet-B4 and ResNet-50, and GANs of 64 filters in batches of 128, which make
    3,000 steps of 8,600 tiles a class. Small batches make 850 of 300.

    Every finished cell (data set and net; method; seed) goes to <out>/cells.jsonl at
    once. Stop whenever you like: the same command goes on, and tries failed cells once
    more. Seeds, methods and nets may be added to a run. In the end come tables.md,
    tables.csv (means and standard errors), claims.csv (differences, beside those of the
    paper), recall.png, variance.png and, where a GAN was trained, losses.png.
    """

    rows_by: str = ""
    max_epochs: int = 12
    gan_epochs: int = 45
    gan_filters: int = 16
    gan_batch: int = 16

    suite = "climate tables"
    out = "results/climate"
    methods = METHODS
    has_device = True
    smoke_words = "60 small tiles, four epochs and one of the GAN"
    report = staticmethod(report.write_tables)
    no_result = {
        "scores": {},
        "fit_seconds": None,
        "gan_losses": None,
        "gan_diversity": None,
    }

    @property
    def protocol(self):
        return f"tiles, {self.rows_by}"

    def draw(self, setting, fold):
        return setting.data.draw(fold)

    def seed_of(self, cell):
        # One for all methods of a run, so that nets that begin alike begin with the
        # same weights.
        return derive_seed(cell.fold, cell.setting.data.name, "model")

    def make(self, cell, seed, rows=None):
        shared = Shared(
            module=cell.setting.of,
            max_epochs=self.max_epochs,
            gan_epochs=self.gan_epochs,
            gan_filters=self.gan_filters,
            gan_batch=self.gan_batch,
            random_state=seed,
            device=self.device,
            moments=None if rows is None else rows.more,
        )
        return cell.method.make(shared)

    def compute(self, cell, rows):
        model = self.make(cell, cell.seed, rows)
        model, seconds = timed_fit(model, rows.X_train, rows.y_train)
        return {
            "scores": score(rows.y_test, np.asarray(model.predict(rows.X_test))),
            "fit_seconds": seconds,
            **what_gan_did(model),
        }

    @classmethod
    def add_own_arguments(cls, parser):
        parser.add_argument(
            "--datasets",
            type=split_names,
            metavar="A,B",
            help=f"of {', '.join(DATASETS)} (default: synthetic, and droughtwatch with "
            "--data)",
        )
        parser.add_argument(
            "--data",
            type=Path,
            metavar="DIR",
            help="folder of the real set, with train/ and val/",
        )
        add_modules(parser)
        for part, n in (("train", 3000), ("test", 1500)):
            parser.add_argument(
                f"--n-{part}",
                type=command.at_least(40),
                metavar="N",
                help=f"tiles to {part} on (default: {n} synthetic ones, all real ones)",
            )
        parser.add_argument(
            "--size",
            type=command.at_least(16),
            metavar="N",
            default=SIDE,
            help="side of synthetic tiles, divisible by 4 (default: %(default)s)",
        )
        for name, least, words in (
            # A cycle of the learning rate lasts four epochs.
            ("max_epochs", 4, "of the nets"),
            ("gan_epochs", 1, "of the GANs"),
            ("gan_filters", 1, "of a GAN's last hidden layer"),
            ("gan_batch", 2, "tiles in a GAN's batch"),
        ):
            parser.add_argument(
                f"--{name.replace('max_', '').replace('_', '-')}",
                dest=name,
                type=command.at_least(least),
                metavar="N",
                default=getattr(cls, name),
                help=f"{words} (default: %(default)s)",
            )
        command.add_seeds(parser, "tiles and models", 5)

    @classmethod
    def plan(cls, args):
        methods = command.pick_methods(args, cls.methods)
        check_modules(args.modules)
        command.check_seeds(args.seeds)
        if args.size % 4:
            raise ValueError(f"--size got {args.size}; give a multiple of 4.")
        own = {name: getattr(args, name) for name in SIZES}
        if args.smoke:
            own |= {"max_epochs": SMOKE_EPOCHS, "gan_epochs": 1, "gan_filters": 4}
        sources = sources_of(args)
        settings = [
            Setting(
                f"{source.name}, {module}",
                source,
                {"data": source.name, "module": module},
                module,
            )
            for source in sources
            for module in args.modules
        ]
        rows_by = f"{args.n_train or 'all'} + {args.n_test or 'all'}, {args.size}"
        experiment = cls(device=args.device, smoke=args.smoke, rows_by=rows_by, **own)
        return Grid(experiment, settings, methods, args.seeds)


def sources_of(args):
    """Return where the tiles of a run come from."""
    datasets = args.datasets
    if datasets is None:
        datasets = DATASETS if args.data is not None else DATASETS[:1]
    check_names(datasets, DATASETS, "--datasets")
    if "droughtwatch" in datasets and args.data is None:
        raise ValueError(
            "--datasets got droughtwatch; give as --data the folder of its train/ and "
            "val/, see imbdeep.datasets.load_droughtwatch."
        )
    given = {"n_train": args.n_train, "n_test": args.n_test}
    if args.smoke:
        given = SMOKE
    sources = []
    if "synthetic" in datasets:
        size = SMOKE_SIDE if args.smoke else args.size
        told = {name: n for name, n in given.items() if n is not None}
        sources.append(Synthetic(**told, size=size))
    if "droughtwatch" in datasets:
        real = Droughtwatch(args.data, args.out / "tiles", **given)
        # Files that cannot be read are refused before anything is computed.
        real.draw(0)
        sources.append(real)
    return sources
