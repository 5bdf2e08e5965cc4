"""How much time and memory the samplers take on a large table."""

import sys
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np
import torch
from imblearn.over_sampling import SMOTE

from imbdeep.classifiers import MetaAugmentClassifier
from imbdeep.over_sampling import (
    GLGAN,
    ConditionalGAN,
    ConditionalWGAN,
    LatentSMOTE,
    MetaAugment,
    ReMix,
)
from imbdeep_bench.engine.names import check_names, split_names
from imbdeep_bench.report.markdown import rows_to_markdown
from imbdeep_bench.speed.autoencoder import compare_epochs
from imbdeep_bench.speed.epochs import OptimizerClock, stages
from imbdeep_bench.speed.fit import BARE_GOAL
from imbdeep_bench.speed.measure import (
    LEAST_ROWS_LARGE,
    Goal,
    add_machine_arguments,
    add_number,
    add_rows_large,
    describe,
    finished,
    in_fresh_process,
    large_table,
    machine_line,
    middle,
    peak_bytes,
    publish,
    synthetic_rows,
)

SAMPLERS = {
    "SMOTE": SMOTE,
    "ReMix": ReMix,
    "LatentSMOTE": LatentSMOTE,
    "GLGAN": GLGAN,
    "ConditionalGAN": ConditionalGAN,
    "ConditionalWGAN": ConditionalWGAN,
    # Its parameters are those of its net, which must be a new one each time.
    "MetaAugment": lambda: MetaAugment(estimator=MetaAugmentClassifier()),
}
SHARES = {"quarter": 0.25, "half": 0.5, "full": 1.0}

# Rows that grow the memory in proportion double it; those that grow it by their square
# take four times as much.
GROWTH_GOAL = Goal("<=", 2.5)


# --- Samplers ------------------------------------------------------------------------


def epoch_limits(sampler):
    """Parameters that limit the epochs of a sampler's stages, in their order."""
    params = sampler.get_params()
    return {
        name: params[name]
        for limit in ("pretrain_epochs", "max_epochs")
        for name in params
        if name.rpartition("__")[2] == limit
    }


def make_sampler(name, epochs, device):
    """A sampler at its defaults, but for its seed, its device and its epochs.

    Epochs are those of each stage of training; None leaves the defaults.
    """
    sampler = SAMPLERS[name]()
    settings = {"random_state": 0}
    for param in sampler.get_params():
        if param.rpartition("__")[2] == "device":
            settings[param] = device
    if epochs is not None:
        settings |= dict.fromkeys(epoch_limits(sampler), epochs)
    return sampler.set_params(**settings)


# --- Fits ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Fit:
    """One measured ``fit_resample``; ``stages`` as :func:`stages` gives them."""

    n_rows: int
    seconds: float
    stages: list
    peak: int

    @property
    def mebibytes(self):
        return self.peak / 2**20


def measure_fit(name, n_rows, epochs, device, threads):
    """Measure a sampler on a table; wants a process of its own."""
    torch.set_num_threads(threads)
    make_sampler(name, 2, device).fit_resample(*synthetic_rows(400, 4, ratio=3))
    table = large_table(n_rows)
    sampler = make_sampler(name, epochs, device)
    before = peak_bytes()
    with OptimizerClock() as clock:
        start = perf_counter()
        sampler.fit_resample(table.X, table.y)
        seconds = finished(device) - start
    peak = peak_bytes() - before
    return Fit(n_rows, seconds, stages(sampler, clock), peak)


def sized(n_rows):
    """Rows of each size that is measured."""
    return {size: round(share * n_rows) for size, share in SHARES.items()}


# --- Report --------------------------------------------------------------------------


def joined(values):
    """Text of the stages' values, with a plus between; a dash without stages."""
    return " + ".join(map(str, values)) or "-"


def seconds_in_full(fit, limits):
    """Seconds that a fit would take with all epochs that its stages' limits allow."""
    left = [
        (limit - n_epochs) * np.median(seconds)
        for limit, (n_epochs, seconds) in zip(limits, fit.stages, strict=True)
    ]
    return fit.seconds + sum(left)


def fit_rows(name, fits):
    """Rows of the table of fits, one for each size."""
    limits = list(epoch_limits(SAMPLERS[name]()).values())
    return [
        {
            "sampler": name,
            "rows": f"{fit.n_rows:,}",
            "fit [s]": f"{fit.seconds:.3g}",
            "epochs run": joined(n_epochs for n_epochs, _ in fit.stages),
            "epoch [s]": joined(middle(seconds) for _, seconds in fit.stages),
            "epochs allowed": joined(limits),
            "fit with all of these [s]": f"{seconds_in_full(fit, limits):,.3g}",
            "peak above the table [MiB]": f"{fit.mebibytes:,.0f}",
            "peak MiB per 1,000 rows": f"{1000 * fit.mebibytes / fit.n_rows:.2f}",
        }
        for fit in fits.values()
    ]


def growth_row(name, fits):
    """Row of the table of growth: what twice as many rows take."""
    full, half = fits["full"], fits["half"]
    peak = full.mebibytes / half.mebibytes
    return {
        "sampler": name,
        "fit, full / half": f"{full.seconds / half.seconds:.2f}",
        "peak, full / half": f"{peak:.2f}",
        **GROWTH_GOAL.cells(peak),
    }


def bare_row(ours, bare):
    """Row of the table of epochs beside the bare loop."""
    ratios = np.divide(ours, bare)
    return {
        "LatentSMOTE, epoch [ms]": middle(np.multiply(ours, 1000)),
        "bare PyTorch, epoch [ms]": middle(np.multiply(bare, 1000)),
        "ratio": middle(ratios),
        **BARE_GOAL.cells(np.median(ratios)),
    }


def measure(names, n_rows, *, epochs, full, repeats, device, threads, say=print):
    """Measure all that the report shows: rows of its three tables.

    With ``full``, samplers train to the end, and ``epochs`` are those of the comparison
    with the bare loop alone.
    """
    rows, growth = [], []
    for name in names:
        fits = {}
        for size, n in sized(n_rows).items():
            say(f"{name}, {n:,} rows")
            fits[size] = in_fresh_process(
                measure_fit, name, n, None if full else epochs, device, threads
            )
        rows += fit_rows(name, fits)
        growth.append(growth_row(name, fits))
    say("the bare loop")
    epochs_timed = in_fresh_process(
        compare_epochs, n_rows, epochs, repeats, device, threads
    )
    return rows, growth, [bare_row(*epochs_timed)]


def make_report(tables, fits, growth, bare, *, device, threads):
    """Return the report as Markdown."""
    described = "\n".join(f"- {describe(table)}" for table in tables)
    return f"""# What the samplers cost

{machine_line(device, threads)}
All numbers come from one run.

{described}

## Fits

Each in a process of its own. Epochs of two stages have a plus between; their seconds
are medians, with the least and largest value in brackets. The fit with all epochs
allowed is worked out from these; early stopping may end it before. The peak includes
the rows returned.

{rows_to_markdown(fits)}

## Growth with the rows

{rows_to_markdown(growth)}

## The autoencoder beside a bare PyTorch loop

Same net, same batches, same loss. Medians over repeats of the median epoch, with the
least and largest value in brackets; a ratio is taken within a repeat.

{rows_to_markdown(bare)}
"""


class Samplers:
    """How much time and memory the samplers take on a large table.

        python benchmarks/speed.py samplers --out sampler_speed.md

    Every sampler over-samples a synthetic table of the size and ratio of protein_homo,
    and a quarter and a half of as many rows, each time in a process of its own. SMOTE
    of imbalanced-learn is there for comparison. Nets train for a few epochs: neither
    the cost of an epoch nor the peak of the memory depends on how many follow.
    ``--full`` trains to the end instead.

    Time
        A fit is a whole call of ``fit_resample``. An epoch lasts from the last step of
        an optimizer in the epoch before to that in its own, so the first of each stage
        is left out; meta-augmentation tells its epochs itself. Where a sampler trains
        in two stages (an autoencoder, then a GAN; a net, then its rows), both are
        given, with a plus.
    Memory
        The rise of the process's peak during the fit, above what it held with the table
        loaded and torch warmed up by a fit of a small one. The rows returned, twice as
        many as those given, are part of it. Memory that grows with the rows doubles
        with them; a matrix of distances between all rows would take four times as much.
        On a GPU only the memory of the host counts.
    Bare PyTorch
        The loop that a careful person writes by hand for the autoencoder of
        ``LatentSMOTE`` and two classes: same net from the same weights, same batches,
        same loss, same fused Adam, the loss read once an epoch; no checks, no parts of
        the loss. Epochs of both are timed in turn in one process, repeat after repeat.
    """

    @staticmethod
    def add_arguments(parser):
        """Add all options."""
        parser.add_argument(
            "--samplers",
            type=split_names,
            default=list(SAMPLERS),
            metavar="A,B",
            help=f"which to measure (default: {','.join(SAMPLERS)})",
        )
        add_number(parser, "--epochs", 3, "epochs of each stage of training", least=2)
        parser.add_argument(
            "--full",
            action="store_true",
            help="train to the end; --epochs then counts for the bare loop alone",
        )
        add_number(parser, "--repeats", 5, "comparisons with the bare loop")
        add_rows_large(parser, least=4 * LEAST_ROWS_LARGE)
        add_machine_arguments(parser)

    @staticmethod
    def run(args):
        """Measure and publish; return the exit code."""
        check_names(args.samplers, SAMPLERS, "--samplers")
        measured = measure(
            args.samplers,
            args.rows_large,
            epochs=args.epochs,
            full=args.full,
            repeats=args.repeats,
            device=args.device,
            threads=args.threads,
            say=partial(print, file=sys.stderr),
        )
        tables = [
            replace(large_table(n), name=size)
            for size, n in sized(args.rows_large).items()
        ]
        report = make_report(
            tables, *measured, device=args.device, threads=args.threads
        )
        publish(report, args.out)
        return 0
