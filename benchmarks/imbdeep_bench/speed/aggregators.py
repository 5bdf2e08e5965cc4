"""How long the aggregators take, and what memory, beside crowd-kit's."""

import os
import sys
import warnings
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from imbdeep.crowds import (
    DawidSkene,
    MajorityVote,
    simulate_annotators,
    to_long_format,
)
from imbdeep_bench.engine.command import add_smoke
from imbdeep_bench.report.markdown import to_markdown
from imbdeep_bench.speed import measure

ERROR_RATES = (0.3, 0.7)
ANNOTATION_RATE = 0.7


def make_annotations(n_rows, n_workers, n_classes):
    """Draw truth and annotations, whole numbers with -1 for those not given."""
    truth = np.random.RandomState(0).randint(n_classes, size=n_rows)
    rates = np.linspace(*ERROR_RATES, n_workers)
    drawn = {"error_rate": rates, "annotation_rate": ANNOTATION_RATE}
    annotations = simulate_annotators(
        truth, n_workers=n_workers, random_state=0, **drawn
    )
    return truth, np.nan_to_num(annotations, nan=-1).astype(np.int64)


# --- Aggregators ---------------------------------------------------------------------


def fit_ours(aggregator, annotations):
    """Prepare nothing; return a fit that gives its labels and iterations."""

    def fit():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            labels = aggregator.fit_predict(annotations)
        return labels, getattr(aggregator, "n_iter_", None)

    return fit


def fit_crowd_kit(annotations):
    """Prepare the long table; return a fit that gives its labels and iterations."""
    from crowdkit.aggregation import DawidSkene as CrowdKit

    # Columns of the names that crowd-kit wants.
    long = to_long_format(annotations)
    model = CrowdKit(n_iter=100)

    def fit():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = model.fit_predict(long)
        return labels.sort_index().to_numpy(), len(model.loss_history_)

    return fit


AGGREGATORS = {
    "MajorityVote": partial(fit_ours, MajorityVote()),
    "DawidSkene": partial(fit_ours, DawidSkene()),
    "DawidSkene, hard": partial(fit_ours, DawidSkene(assignment="hard")),
    "crowd-kit's DawidSkene": fit_crowd_kit,
}


def crowd_kit_version():
    """Return the version of crowd-kit, None where it is not installed."""
    try:
        return version("crowd-kit")
    except PackageNotFoundError:
        return None


# --- Measurements --------------------------------------------------------------------


def measure_fit(name, n_rows, n_workers, n_classes):
    """Measure one fit, the peak in bytes; wants a process of its own."""
    truth, annotations = make_annotations(n_rows, n_workers, n_classes)
    # Libraries load parts of themselves in the first fit.
    AGGREGATORS[name](annotations[:1000])()
    fit = AGGREGATORS[name](annotations)
    before = measure.peak_bytes()
    start = perf_counter()
    labels, n_iter = fit()
    seconds = perf_counter() - start
    return {
        "seconds": seconds,
        "iterations": n_iter,
        "peak": measure.peak_bytes() - before,
        "accuracy": float((labels == truth).mean()),
    }


def speed_row(fits):
    """Print the fits of one aggregator; without any, nothing, which is all dashes."""
    if not fits:
        return {}
    first, middle = fits[0], measure.middle
    n_iter = first["iterations"]
    each = [1e3 * fit["seconds"] / n_iter for fit in fits] if n_iter else []
    return {
        "seconds": middle([fit["seconds"] for fit in fits]),
        "iterations": n_iter or "-",
        "an iteration [ms]": middle(each) if each else "-",
        "peak memory [MB]": middle([fit["peak"] / 1e6 for fit in fits]),
        "accuracy": f"{first['accuracy']:.4f}",
    }


def make_report(measured, size):
    """Return the report on the fits of each aggregator as Markdown."""
    n_rows, n_workers, n_classes = size
    table = pd.DataFrame({name: speed_row(fits) for name, fits in measured.items()}).T
    return measure.fill_in(
        __file__,
        versions=measure.versions(),
        crowd_kit=crowd_kit_version() or "-",
        pandas=version("pandas"),
        n_cpus=os.cpu_count(),
        n_rows=n_rows,
        n_workers=n_workers,
        n_classes=n_classes,
        n_given=round(n_rows * n_workers * ANNOTATION_RATE),
        bytes_given=8 * n_rows * n_workers / 1e6,
        least_error=ERROR_RATES[0],
        most_error=ERROR_RATES[1],
        table=to_markdown(table.rename_axis("aggregator")),
    )


class Aggregators(measure.SpeedPart):
    """How long the aggregators take, and what memory, beside crowd-kit's.

        python benchmarks/speed.py aggregators --out aggregators.md

    100,000 rows, 20 workers, 10 classes, 30 % of the annotations missing, workers who
    err in 30 to 70 % of the rows. Each fit has a process of its own: seconds are of the
    fit alone, memory is by how much it raises the peak of the process that holds the
    annotations. crowd-kit's DawidSkene runs where it is installed; it takes a table of
    one annotation a row, whose making does not count, and stops by a test of its own,
    so that seconds an iteration are shown, too.
    """

    numbers = {
        "--rows": (100_000, "number of rows", 2),
        "--workers": (20, "number of workers", 2),
        "--classes": (10, "number of classes", 2),
        "--repeats": (3, "fits of each aggregator"),
    }
    has_device = False

    @staticmethod
    def add_own_arguments(parser):
        add_smoke(parser, "2,000 rows, one fit")

    @staticmethod
    def report(args):
        n_rows, repeats = (2_000, 1) if args.smoke else (args.rows, args.repeats)
        size = n_rows, args.workers, args.classes

        def time_once(name, repeat):
            print(name, file=sys.stderr)
            return measure.in_fresh_process(measure_fit, name, *size)

        timings = {
            name: partial(time_once, name)
            for name, prepare in AGGREGATORS.items()
            if prepare is not fit_crowd_kit or crowd_kit_version()
        }
        # One that is not installed has dashes.
        measured = dict.fromkeys(AGGREGATORS, ()) | measure.in_turn(timings, repeats)
        return make_report(measured, size)
