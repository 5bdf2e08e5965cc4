"""How much time and memory a fit takes, beside a bare loop and stock skorch."""

import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from imbdeep_bench.report.markdown import rows_to_markdown
from imbdeep_bench.speed.measure import (
    ENCODINGS,
    NO_GOAL,
    Goal,
    Table,
    add_machine_arguments,
    add_number,
    add_rows_large,
    describe,
    in_fresh_process,
    in_turn,
    large_table,
    machine_line,
    middle,
    peak_bytes,
    publish,
    small_table,
    synthetic_rows,
)
from imbdeep_bench.speed.three_ways import FITS

MEMORY_PER_X = 4
MEMORY_FIXED = 300e6  # bytes
BARE_GOAL = Goal("<=", 1.25)
STOCK_GOAL = Goal(">=", 12)


# --- Time ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """How often a table is fitted, and for how many epochs by each way to fit."""

    table: Table
    repeats: int
    epochs: dict


def make_plans(epochs, repeats, rows_large):
    """Plans for the small and the large table."""
    few = max(1, epochs // 5)
    return [
        Plan(small_table(), repeats, dict.fromkeys(FITS, epochs)),
        Plan(
            large_table(rows_large),
            max(1, repeats // 3),
            {**dict.fromkeys(FITS, few), "stock skorch": 1},
        ),
    ]


def time_fits(plan, encoding, device):
    """Fits of a table by each way to fit, in turn."""

    def timing(name, fit):
        return lambda repeat: fit(
            plan.table.X,
            plan.table.y,
            encoding=encoding,
            epochs=plan.epochs[name],
            device=device,
            seed=repeat,
        )

    fits = {name: timing(name, fit) for name, fit in FITS.items()}
    return in_turn(fits, plan.repeats)


def warm_up(device):
    """Let torch load what it loads in the first fit of a process."""
    X, y = synthetic_rows(400, 4, ratio=3)
    for fit in FITS.values():
        fit(X, y, encoding="piecewise_linear", epochs=1, device=device, seed=0)


# --- Memory --------------------------------------------------------------------------


def peak_growth(prepare, work):
    """Bytes by which some work raises the peak memory; wants a fresh process.

    ``prepare`` gives the arguments of ``work``; what it takes itself does not count.
    """
    arguments = prepare()
    before = peak_bytes()
    work(*arguments)
    return peak_bytes() - before


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
        return in_fresh_process(
            peak_growth,
            partial(_load_rows, folder),
            partial(_fit_once, fit=fit, device=device, threads=threads),
        )


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
    return [
        getattr(a, attribute) / getattr(b, attribute)
        for a, b in zip(above, below, strict=True)
    ]


def ratio_rows(plan, encoding, fits):
    """Rows of the table of ratios, each with its goal and whether it is met."""
    ours, bare, stock = fits.values()
    ratios = {
        "imbdeep / bare, fit": (_ratios(ours, bare, "seconds"), BARE_GOAL),
        "imbdeep / bare, epoch": (_ratios(ours, bare, "epoch_seconds"), BARE_GOAL),
        "stock / imbdeep, epoch": (_ratios(stock, ours, "epoch_seconds"), STOCK_GOAL),
    }
    return [
        {
            "table": plan.table.name,
            "encoding": encoding,
            "ratio": name,
            "median (min to max)": middle(values),
            **goal.cells(np.median(values)),
        }
        for name, (values, goal) in ratios.items()
    ]


def memory_rows(plans, device, threads):
    """Rows of the table of memory: imbdeep on all tables, the bare loop on the last."""
    *_, last = plans
    measured = [(plan.table, "imbdeep") for plan in plans]
    measured.append((last.table, "bare PyTorch"))
    rows = []
    for table, name in measured:
        growth = memory_of_fit(table, FITS[name], device, threads) / 1e6
        goal = Goal("<=", (MEMORY_PER_X * table.X.nbytes + MEMORY_FIXED) / 1e6)
        rows.append(
            {
                "table": table.name,
                "fit by": name,
                "X [MB]": f"{table.X.nbytes / 1e6:.1f}",
                "peak above X and imports [MB]": f"{growth:.0f}",
                **(goal.cells(growth) if name == "imbdeep" else NO_GOAL),
            }
        )
    return rows


def measure(plans, device, threads, say=print):
    """Measure all that the report shows: rows of its three tables."""
    times, ratios = [], []
    say("warming up")
    warm_up(device)
    for plan in plans:
        for encoding in ENCODINGS:
            say(f"{plan.table.name} table, encoding {encoding}")
            fits = time_fits(plan, encoding, device)
            times += time_rows(plan, str(encoding), fits)
            ratios += ratio_rows(plan, str(encoding), fits)
    say("memory")
    memory = memory_rows(plans, device, threads)
    return times, ratios, memory


def make_report(plans, times, ratios, memory, *, device, threads):
    """Return the report as Markdown."""
    tables = "\n".join(f"- {describe(plan.table)}" for plan in plans)
    return f"""# Speed and memory of a fit

{machine_line(device, threads)}
All numbers come from one run; medians, with the least and largest value in brackets.
A ratio is taken between fits of the same repeat.

{tables}

## Ratios

{rows_to_markdown(ratios)}

## Times

{rows_to_markdown(times)}

## Memory

Rise of the peak memory of a fresh process during a fit of one epoch with the
piecewise-linear encoding. It includes what torch loads in its first fit. The goal is
{MEMORY_PER_X} times X and {MEMORY_FIXED / 1e6:.0f} MB.

{rows_to_markdown(memory)}
"""


class FitSpeed:
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

    @staticmethod
    def add_arguments(parser):
        """Add all options."""
        small = "of the small table; the large one takes a"
        add_number(parser, "--epochs", 10, f"epochs of a fit {small} fifth of them")
        add_number(parser, "--repeats", 9, f"fits {small} third")
        add_rows_large(parser)
        add_machine_arguments(parser)

    @staticmethod
    def run(args):
        """Measure and publish; return the exit code."""
        torch.set_num_threads(args.threads)
        plans = make_plans(args.epochs, args.repeats, args.rows_large)
        measured = measure(
            plans, args.device, args.threads, say=partial(print, file=sys.stderr)
        )
        report = make_report(plans, *measured, device=args.device, threads=args.threads)
        publish(report, args.out)
        return 0
