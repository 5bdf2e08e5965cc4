"""Sets made imbalanced, and nets that learn from them: varied, fixed and scored."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from imblearn.metrics import geometric_mean_score
from sklearn.metrics import balanced_accuracy_score

from imbdeep.metrics import balanced_brier_score
from imbdeep.metrics._brier import squared_error_per_row
from imbdeep_bench.data.pairs import shrink
from imbdeep_bench.data.pictures import as_floats, shrink_pictures
from imbdeep_bench.engine import command
from imbdeep_bench.engine.experiment import Experiment, Grid, Rows, Setting, timed_fit
from imbdeep_bench.engine.names import check_names, split_names
from imbdeep_bench.engine.protocol import derive_seed, parse_protocol
from imbdeep_bench.engine.scoring import check_probabilities
from imbdeep_bench.papers.remix import pictures, report
from imbdeep_bench.papers.remix.methods import CONV, IMAGE_METHODS, METHODS, NET
from imbdeep_bench.papers.remix.problems import TASKS, split_rows
from imbdeep_bench.papers.remix.sets import SETS, problems_of, read_tables


def score(model, X, y):
    """Return the two scores of the paper, and the same two in other ways.

    The g-mean of several classes is the root of the product of all recalls. The Brier
    score weighs rows, not classes: it tells what training for equal shares costs.
    """
    proba = check_probabilities(model.predict_proba(X))
    predicted = model.classes_[proba.argmax(axis=1)]
    column = np.searchsorted(model.classes_, y)
    scores = {
        "g_mean": geometric_mean_score(y, predicted),
        "balanced_brier": balanced_brier_score(y, proba, labels=model.classes_),
        "balanced_accuracy": balanced_accuracy_score(y, predicted),
        "brier": squared_error_per_row(column, proba).mean(),
    }
    return {name: float(value) for name, value in scores.items()}


@dataclass(frozen=True)
class MadeImbalanced(Experiment, command.Command):
    """What the experiments share: the rows of a fold, a fit and its scores."""

    out = "results/remix"
    has_device = True
    # More repeats go on with the folds of fewer.
    protocol = "two-fold, 30 % validate"
    no_result = {"scores": {}, "epochs": None, "fit_seconds": None}

    @staticmethod
    def net_of(data):
        """Return the parameters of the net that a set is learned by."""
        raise NotImplementedError

    @staticmethod
    def values(X):
        """Return rows as a net is given them."""
        return X

    def draw(self, setting, fold):
        data, problem = setting.data, setting.of
        parts = split_rows(data, problem, fold)
        fit, valid, test = (
            (self.values(data.X[part]), problem.labels(data.y[part])) for part in parts
        )
        counts = np.unique(np.concatenate([fit[1], valid[1]]), return_counts=True)[1]
        told = {"class_counts": counts.tolist(), "n_valid": len(valid[1])}
        return Rows(*fit, *test, told | {"n_test": len(test[1])}, valid)

    def seed_of(self, cell):
        # One for all methods of a fold, so that nets that begin alike begin with the
        # same weights.
        return derive_seed(0, cell.setting.name, cell.fold, "model")

    def make(self, cell, seed, rows=None):
        data, problem = cell.setting.data, cell.setting.of
        shared = {**self.net_of(data), "random_state": seed, "device": self.device}
        if self.smoke:
            shared["max_epochs"] = 1
        return cell.method.make(shared, len(np.unique(problem.labels(data.y))))

    def compute(self, cell, rows):
        model = self.make(cell, cell.seed, rows)
        model, seconds = timed_fit(
            model, rows.X_train, rows.y_train, eval_set=rows.more
        )
        return {
            "scores": score(model, rows.X_test, rows.y_test),
            "epochs": len(model.history_),
            "fit_seconds": seconds,
        }

    @classmethod
    def add_own_arguments(cls, parser):
        parser.add_argument(
            "--tasks",
            type=split_names,
            metavar="A,B",
            default=list(TASKS),
            help=f"what is made of a set (default: {','.join(TASKS)})",
        )
        words = "10x2 folds, as the paper has, instead of fewer"
        parser.add_argument("--full", action="store_true", help=words)

    @classmethod
    def make_grid(cls, args, problems):
        """Return the grid of pairs of a set and a problem that is made of it."""
        methods = command.pick_methods(args, cls.methods)
        check_names(args.tasks, TASKS, "--tasks")
        settings = [
            setting_of(data, problem)
            for data, problem in problems
            if problem.task in args.tasks
        ]
        if not settings:
            raise ValueError(
                f"--tasks {','.join(args.tasks)} cannot be made of the sets; name "
                "others as --datasets."
            )
        name = "1x2" if args.smoke else "10x2" if args.full else cls.fewer
        folds = list(range(parse_protocol(name).n_folds))
        experiment = cls(device=args.device, smoke=args.smoke)
        grid = Grid(experiment, settings, methods, folds)
        # A set that lacks rows of a class fails before all.
        grid.draw_once()
        return grid


def setting_of(data, problem):
    """Return the setting of a problem that is made of a set."""
    return Setting(
        f"{data.name}, {problem.task}, {problem.ratio:g}",
        data,
        {"data": data.name, "task": problem.task, "ratio": problem.ratio},
        problem,
    )


# --- Tables --------------------------------------------------------------------------


@dataclass(frozen=True)
class Tables(MadeImbalanced):
    """Table 2 and Figure 5: nets on tables that are made imbalanced.

        python benchmarks/papers.py remix tables --data keel
        python benchmarks/papers.py remix tables --data keel --methods paper --full

    One class of a table gets rare and the others become one, or several classes get
    rare: 0.05, 0.025 or 0.01 rows for each frequent one, and 0.25, 0.1 or 0.05 with
    several classes. Rows are halved, stratified; 30 % of the training half validate.
    The net has three layers and dropout; it is trained on the rows as they are, with
    class weights, with SMOTE, MixUp or ReMix in the batch. Of the same kind and ours:
    ReMix that balances from all rows, ReMix of another alpha, balanced batches that are
    not mixed, and the untouched net, its probabilities corrected to equal class shares.

    Scores are the paper's, g-mean and balanced Brier score, and beside them balanced
    accuracy and the Brier score of all rows.

    Tables come from <data>/<name>.csv.gz, with numbers and whole numbers as target;
    two are of the 27 sets. The run goes on without those that are not there, unless
    they are asked for by name.

    Cells go to <out>/tables.jsonl at once. Stop whenever you like: the same command
    goes on, and tries failed cells once more. In the end come tables.md,
    tables_gains.png, tables_means.csv, tables_ranks.csv and tables_gains.csv.
    """

    # Folds without --full.
    fewer = "5x2"

    suite = "remix tables"
    file = "tables.jsonl"
    methods = METHODS
    smoke_words = "100 rows of a class, one epoch and two folds"
    report = staticmethod(report.write_tables)

    @staticmethod
    def net_of(data):
        return NET

    @classmethod
    def add_own_arguments(cls, parser):
        parser.add_argument(
            "--datasets",
            type=split_names,
            metavar="A,B",
            help=f"of {', '.join(SETS)} (default: all that are at hand)",
        )
        parser.add_argument(
            "--data",
            type=Path,
            metavar="DIR",
            help="folder of <name>.csv.gz (default: keel/ of scikit-learn's)",
        )
        super().add_own_arguments(parser)
        command.add_data_home(parser)

    @classmethod
    def plan(cls, args):
        tables = read_tables(args.datasets, args.data, args.data_home)
        tables = [shrink(table) for table in tables] if args.smoke else tables
        return cls.make_grid(
            args, [(t, p) for t in tables for p in problems_of(t.name)]
        )


# --- Images --------------------------------------------------------------------------


@dataclass(frozen=True)
class Images(MadeImbalanced):
    """Figures 6 and 7: augmentation instead of mixing, and how much to mix.

        python benchmarks/papers.py remix images --data raw
        python benchmarks/papers.py remix images --data cifar --datasets cifar10 \\
            --methods paper --full --device cuda

    One class of images gets rare and the others become one, or three classes get rare:
    0.25, 0.1 or 0.05 rows for each of a frequent class. The net has two convolutions,
    two poolings and a dense layer. Beside the ways to train of the tables there are
    rotations and shifts of what is re-sampled in the batch, alone (Augment) and before
    it is mixed (ReMix (Aug)), the same re-sampling with neither, and ReMix by alpha
    (Figure 7; --methods alphas).

    USPS and tiles of photos stand in for CIFAR 10, which is an option away; tiles are
    tested on parts of the photos that training has not seen. Rows, folds and scores are
    those of the tables.

    Cells go to <out>/images.jsonl; the same command goes on with them. In the end come
    images.md, images_gains.png, images_alphas.png, images_means.csv, images_ranks.csv
    and images_gains.csv.
    """

    # Folds without --full.
    fewer = "2x2"

    suite = "remix images"
    file = "images.jsonl"
    methods = IMAGE_METHODS
    smoke_words = "160 rows of a class, one epoch and two folds"
    report = staticmethod(report.write_images)

    @staticmethod
    def net_of(data):
        # Two poolings leave a quarter of a side, and the net averages nothing more.
        return CONV | {"module__grid": data.X.shape[-1] // 4}

    @staticmethod
    def values(X):
        return as_floats(X)

    @classmethod
    def add_own_arguments(cls, parser):
        parser.add_argument(
            "--datasets",
            type=split_names,
            metavar="A,B",
            help=f"of {', '.join(pictures.READERS)} (default: "
            f"{','.join(pictures.DEFAULT)}, as far as they are at hand)",
        )
        parser.add_argument(
            "--data",
            type=Path,
            metavar="DIR",
            help="folder of usps.npz, or of CIFAR's python archives (default: raw/ of "
            "scikit-learn's data folder, SCIKIT_LEARN_DATA)",
        )
        super().add_own_arguments(parser)

    @classmethod
    def plan(cls, args):
        images = pictures.read_images(args.datasets, args.data)
        images = [shrink_pictures(data) for data in images] if args.smoke else images
        return cls.make_grid(
            args, [(d, p) for d in images for p in pictures.problems()]
        )
