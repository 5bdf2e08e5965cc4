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

from imbdeep.crowds import DawidSkene, MajorityVote, simulate_annotators, to_long_format
from imbdeep_bench.engine.command import add_smoke
from imbdeep_bench.report.markdown import to_markdown
from imbdeep_bench.speed.measure import (
    add_number,
    add_out_file,
    in_fresh_process,
    in_turn,
    middle,
    peak_bytes,
    publish,
    versions,
)

ERROR_RATES = (0.3, 0.7)
ANNOTATION_RATE = 0.7


def make_annotations(n_rows, n_workers, n_classes):
    """Draw truth and annotations, whole numbers with -1 for those not given."""
    truth = np.random.RandomState(0).randint(n_classes, size=n_rows)
    annotations = simulate_annotators(
        truth,
        n_workers=n_workers,
        error_rate=np.linspace(*ERROR_RATES, n_workers),
        annotation_rate=ANNOTATION_RATE,
        random_state=0,
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
    before = peak_bytes()
    start = perf_counter()
    labels, n_iter = fit()
    seconds = perf_counter() - start
    return {
        "seconds": seconds,
        "iterations": n_iter,
        "peak": peak_bytes() - before,
        "accuracy": float((labels == truth).mean()),
    }


def speed_row(fits):
    """Print the fits of one aggregator; without any, nothing, which is all dashes."""
    if not fits:
        return {}
    first = fits[0]
    n_iter = first["iterations"]
    each = "-"
    if n_iter:
        each = middle([1e3 * fit["seconds"] / n_iter for fit in fits])
    return {
        "seconds": middle([fit["seconds"] for fit in fits]),
        "iterations": n_iter or "-",
        "an iteration [ms]": each,
        "peak memory [MB]": middle([fit["peak"] / 1e6 for fit in fits]),
        "accuracy": f"{first['accuracy']:.4f}",
    }


def make_report(measured, size):
    """Return the report on the fits of each aggregator as Markdown."""
    n_rows, n_workers, n_classes = size
    table = pd.DataFrame({name: speed_row(fits) for name, fits in measured.items()}).T
    n_given = round(n_rows * n_workers * ANNOTATION_RATE)
    bytes_given = 8 * n_rows * n_workers / 1e6
    return f"""# Speed and memory of the aggregators

{versions()}, crowd-kit {crowd_kit_version() or "-"}, pandas {version("pandas")}. One
thread of {os.cpu_count()} CPUs. Medians, with the least and largest value in brackets.

{n_rows:,} rows, {n_workers} workers, {n_classes} classes, about {n_given:,}
annotations ({bytes_given:.0f} MB as whole numbers); workers err in {ERROR_RATES[0]:.0%}
to {ERROR_RATES[1]:.0%} of the rows. Every fit has a fresh process; memory is the rise
of its peak during the fit. crowd-kit stops by a test of its own.

{to_markdown(table.rename_axis("aggregator"))}
"""


class Aggregators:
    """How long the aggregators take, and what memory, beside crowd-kit's.

        python benchmarks/speed.py aggregators --out aggregators.md

    100,000 rows, 20 workers, 10 classes, 30 % of the annotations missing, workers who
    err in 30 to 70 % of the rows. Each fit has a process of its own: seconds are of the
    fit alone, memory is by how much it raises the peak of the process that holds the
    annotations. crowd-kit's DawidSkene runs where it is installed; it takes a table of
    one annotation a row, whose making does not count, and stops by a test of its own,
    so that seconds an iteration are shown, too.
    """

    @staticmethod
    def add_arguments(parser):
        """Add all options."""
        for name, default in {"rows": 100_000, "workers": 20, "classes": 10}.items():
            add_number(parser, f"--{name}", default, f"number of {name}", least=2)
        add_number(parser, "--repeats", 3, "fits of each aggregator")
        add_smoke(parser, "2,000 rows, one fit")
        add_out_file(parser)

    @staticmethod
    def run(args):
        """Measure and publish; return the exit code."""
        n_rows, repeats = (2_000, 1) if args.smoke else (args.rows, args.repeats)
        size = n_rows, args.workers, args.classes

        def timing(name):
            def measure(repeat):
                print(name, file=sys.stderr)
                return in_fresh_process(measure_fit, name, *size)

            return measure

        timings = {
            name: timing(name)
            for name, prepare in AGGREGATORS.items()
            if prepare is not fit_crowd_kit or crowd_kit_version()
        }
        # One that is not installed has dashes.
        measured = dict.fromkeys(AGGREGATORS, ()) | in_turn(timings, repeats)
        publish(make_report(measured, size), args.out)
        return 0
