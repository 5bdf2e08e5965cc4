"""How much time and memory the samplers take on a large table."""

import sys
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np
import torch
from imblearn.over_sampling import SMOTE

from imbdeep import over_sampling
from imbdeep.classifiers import MetaAugmentClassifier
from imbdeep_bench.engine.names import check_names, split_names
from imbdeep_bench.report.markdown import rows_to_markdown
from imbdeep_bench.speed import measure
from imbdeep_bench.speed.autoencoder import compare_epochs
from imbdeep_bench.speed.epochs import OptimizerClock, stages
from imbdeep_bench.speed.fit import BARE_GOAL
from imbdeep_bench.speed.measure import Goal, large_table, middle

OURS = ("ReMix", "LatentSMOTE", "GLGAN", "ConditionalGAN", "ConditionalWGAN")
SAMPLERS = {
    "SMOTE": SMOTE,
    **{name: getattr(over_sampling, name) for name in OURS},
    # Its parameters are those of its net, which must be a new one each time.
    "MetaAugment": lambda: over_sampling.MetaAugment(estimator=MetaAugmentClassifier()),
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
    few_rows = measure.synthetic_rows(400, 4, ratio=3)
    make_sampler(name, 2, device).fit_resample(*few_rows)
    table = large_table(n_rows)
    sampler = make_sampler(name, epochs, device)
    before = measure.peak_bytes()
    with OptimizerClock() as clock:
        start = perf_counter()
        sampler.fit_resample(table.X, table.y)
        seconds = measure.finished(device) - start
    peak = measure.peak_bytes() - before
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


def measure_all(names, n_rows, *, epochs, full, repeats, device, threads, say=print):
    """Measure all that the report shows: rows of its three tables.

    With ``full``, samplers train to the end, and ``epochs`` are those of the comparison
    with the bare loop alone.
    """
    rows, growth = [], []
    limit = None if full else epochs
    for name in names:
        fits = {}
        for size, n in sized(n_rows).items():
            say(f"{name}, {n:,} rows")
            arguments = name, n, limit, device, threads
            fits[size] = measure.in_fresh_process(measure_fit, *arguments)
        rows += fit_rows(name, fits)
        growth.append(growth_row(name, fits))
    say("the bare loop")
    arguments = n_rows, epochs, repeats, device, threads
    epochs_timed = measure.in_fresh_process(compare_epochs, *arguments)
    return rows, growth, [bare_row(*epochs_timed)]


class Samplers(measure.SpeedPart):
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

    numbers = {
        "--epochs": (3, "epochs of each stage of training", 2),
        "--repeats": (5, "comparisons with the bare loop"),
        "--rows-large": (*measure.ROWS_LARGE, 4 * measure.LEAST_ROWS_LARGE),
    }

    @staticmethod
    def add_own_arguments(parser):
        words = f"which to measure (default: {','.join(SAMPLERS)})"
        default = list(SAMPLERS)
        parser.add_argument(
            "--samplers", type=split_names, default=default, metavar="A,B", help=words
        )
        words = "train to the end; --epochs then counts for the bare loop alone"
        parser.add_argument("--full", action="store_true", help=words)

    @staticmethod
    def report(args):
        check_names(args.samplers, SAMPLERS, "--samplers")
        names = ("epochs", "full", "repeats", "device", "threads")
        told = {name: getattr(args, name) for name in names}
        say = partial(print, file=sys.stderr)
        measured = measure_all(args.samplers, args.rows_large, **told, say=say)
        fits, growth, bare = map(rows_to_markdown, measured)
        sizes = sized(args.rows_large).items()
        return measure.fill_in(
            __file__,
            machine=measure.machine_line(args.device, args.threads),
            tables=measure.list_tables(
                replace(large_table(n), name=size) for size, n in sizes
            ),
            fits=fits,
            growth=growth,
            bare=bare,
        )
