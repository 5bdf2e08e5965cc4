"""How much time and memory a fit takes, beside a bare loop and stock skorch."""

import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from imbdeep_bench.report.markdown import rows_to_markdown
from imbdeep_bench.speed import measure
from imbdeep_bench.speed.measure import Goal, Table, middle
from imbdeep_bench.speed.three_ways import FITS

MEMORY_PER_X = 4
MEMORY_FIXED = 300e6  # bytes
BARE_GOAL = Goal("<=", 1.25)
STOCK_GOAL = Goal(">=", 12)
OF_SMALL = "of the small table; the large one takes a"


# --- Time ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """How often a table is fitted, and for how many epochs by each way to fit."""

    table: Table
    repeats: int
    epochs: dict


def make_plans(epochs, repeats, rows_large):
    """Plans for the small and the large table."""
    small, large = measure.small_table(), measure.large_table(rows_large)
    few = dict.fromkeys(FITS, max(1, epochs // 5)) | {"stock skorch": 1}
    return [
        Plan(small, repeats, dict.fromkeys(FITS, epochs)),
        Plan(large, max(1, repeats // 3), few),
    ]


def time_fits(plan, encoding, device):
    """Fits of a table by each way to fit, in turn."""
    X, y = plan.table.X, plan.table.y

    def time_once(name, repeat):
        told = {"encoding": encoding, "epochs": plan.epochs[name], "device": device}
        return FITS[name](X, y, seed=repeat, **told)

    timings = {name: partial(time_once, name) for name in FITS}
    return measure.in_turn(timings, plan.repeats)


def warm_up(device):
    """Let torch load what it loads in the first fit of a process."""
    X, y = measure.synthetic_rows(400, 4, ratio=3)
    for fit in FITS.values():
        fit(X, y, encoding="piecewise_linear", epochs=1, device=device, seed=0)


# --- Memory --------------------------------------------------------------------------


def peak_growth(prepare, work):
    """Bytes by which some work raises the peak memory; wants a fresh process.

    ``prepare`` gives the arguments of ``work``; what it takes itself does not count.
    """
    arguments = prepare()
    before = measure.peak_bytes()
    work(*arguments)
    return measure.peak_bytes() - before


def _load_rows(folder):
    return [np.load(Path(folder, f"{n}.npy"), allow_pickle=False) for n in ("X", "y")]


def _fit_once(X, y, fit, device, threads):
    torch.set_num_threads(threads)
    fit(X, y, encoding="piecewise_linear", epochs=1, device=device, seed=0)


def memory_of_fit(table, fit, device, threads):
    """Peak memory of a fit of one epoch, beyond imports and the table itself."""
    with tempfile.TemporaryDirectory() as folder:
        # A file is read into place; drawing the rows again could take more than a fit.
        np.save(Path(folder, "X.npy"), table.X)
        np.save(Path(folder, "y.npy"), table.y)
        load = partial(_load_rows, folder)
        work = partial(_fit_once, fit=fit, device=device, threads=threads)
        return measure.in_fresh_process(peak_growth, load, work)


# --- Report --------------------------------------------------------------------------


def time_rows(plan, encoding, fits):
    """Rows of the table of times, one for each way to fit."""
    return [
        {
            "table": plan.table.name,
            "encoding": encoding,
            "fit by": name,
            "repeats": len(runs),
            "epochs": runs[0].epochs,
            "steps per epoch": runs[0].steps // runs[0].epochs,
            "fit [s]": middle([run.seconds for run in runs]),
            "before epoch 1 [s]": middle([run.set_up for run in runs]),
            "epoch [ms]": middle([1000 * run.epoch_seconds for run in runs]),
            "validation loss": middle([run.valid_loss for run in runs]),
        }
        for name, runs in fits.items()
    ]


def _ratios(above, below, attribute):
    pairs = zip(above, below, strict=True)
    return [getattr(a, attribute) / getattr(b, attribute) for a, b in pairs]


def ratio_rows(plan, encoding, fits):
    """Rows of the table of ratios, each with its goal and whether it is met."""
    ours, bare, stock = fits.values()
    ratios = {
        "imbdeep / bare, fit": (_ratios(ours, bare, "seconds"), BARE_GOAL),
        "imbdeep / bare, epoch": (_ratios(ours, bare, "epoch_seconds"), BARE_GOAL),
        "stock / imbdeep, epoch": (_ratios(stock, ours, "epoch_seconds"), STOCK_GOAL),
    }
    labels = {"table": plan.table.name, "encoding": encoding}
    return [
        {**labels, "ratio": name, "median (min to max)": middle(values)}
        | goal.cells(np.median(values))
        for name, (values, goal) in ratios.items()
    ]


def memory_row(table, name, device, threads):
    """Row of the table of memory; the goal is for imbdeep."""
    growth = memory_of_fit(table, FITS[name], device, threads) / 1e6
    goal = Goal("<=", (MEMORY_PER_X * table.X.nbytes + MEMORY_FIXED) / 1e6)
    return {
        "table": table.name,
        "fit by": name,
        "X [MB]": f"{table.X.nbytes / 1e6:.1f}",
        "peak above X and imports [MB]": f"{growth:.0f}",
        **(goal.cells(growth) if name == "imbdeep" else measure.NO_GOAL),
    }


def measure_all(plans, device, threads, say=print):
    """Measure all that the report shows: rows of its three tables."""
    times, ratios = [], []
    say("warming up")
    warm_up(device)
    for plan in plans:
        for encoding in measure.ENCODINGS:
            say(f"{plan.table.name} table, encoding {encoding}")
            fits = time_fits(plan, encoding, device)
            times += time_rows(plan, str(encoding), fits)
            ratios += ratio_rows(plan, str(encoding), fits)
    say("memory")
    # imbdeep on all tables, the bare loop on the last.
    measured = [(plan.table, "imbdeep") for plan in plans]
    measured.append((plans[-1].table, "bare PyTorch"))
    memory = [memory_row(table, name, device, threads) for table, name in measured]
    return times, ratios, memory


class FitSpeed(measure.SpeedPart):
    """How much time and memory a fit takes, beside a bare loop and stock skorch.

        python benchmarks/speed.py fit --out fit_speed.md

    Three ways to train the same net, a multi-layer perceptron (128, 16) with dropout
    0.1 on batches of 128 rows, are timed in turn in one process, so that whatever else
    the machine does hits them alike; a ratio compares fits of the same repeat. Each
    repeat has its own seed. Early stopping is off.

    imbdeep
        ``NetClassifier(...).fit(X, y)``: checks of the data included.
    bare PyTorch
        The loop that a careful person writes by hand for this one table: same encoding,
        same split, same fused Adam, rows gathered as tensor slices, gradients set to
        None, the training loss read once an epoch, the data moved to the device once.
        After each epoch it computes what imbdeep records: loss, average precision,
        balanced accuracy and g-mean of the validation rows. No checks, no history, no
        callbacks.
    stock skorch
        ``skorch.NeuralNetClassifier`` with its own DataLoader, validation split and
        callbacks, and Adam as torch has it by default.

    Both numeric encodings are shown: the work of the piecewise-linear encoding and of
    the wide layer behind it is the same for all three and hides what the loops cost;
    without an encoding little else is left. Fits differ in what comes before the first
    epoch, so the time of an epoch is shown next to the time of a fit. The large table
    takes a fifth of the epochs and a third of the repeats, and stock skorch a single
    epoch of it.

    The first fit of a process loads parts of torch and takes seconds more; a fit of a
    small table precedes the measurements. Peak memory is measured in a fresh process a
    fit, and does count what the first fit loads: the row of the small table tells how
    much that is.
    """

    numbers = {
        "--epochs": (10, f"epochs of a fit {OF_SMALL} fifth of them"),
        "--repeats": (9, f"fits {OF_SMALL} third"),
        "--rows-large": (*measure.ROWS_LARGE, measure.LEAST_ROWS_LARGE),
    }

    @staticmethod
    def report(args):
        device, threads = args.device, args.threads
        plans = make_plans(args.epochs, args.repeats, args.rows_large)
        say = partial(print, file=sys.stderr)
        measured = measure_all(plans, device, threads, say=say)
        times, ratios, memory = map(rows_to_markdown, measured)
        return measure.fill_in(
            __file__,
            machine=measure.machine_line(device, threads),
            tables=measure.list_tables(plan.table for plan in plans),
            ratios=ratios,
            times=times,
            memory=memory,
            per_x=MEMORY_PER_X,
            fixed=MEMORY_FIXED / 1e6,
        )
