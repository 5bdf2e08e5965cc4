"""What a column of very many levels adds to a fit, in time and memory."""

import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from imbdeep_bench.report.markdown import rows_to_markdown
from imbdeep_bench.speed import measure
from imbdeep_bench.speed.fit import MEMORY_FIXED, MEMORY_PER_X, peak_growth
from imbdeep_bench.speed.measure import Goal, middle
from imbdeep_bench.speed.three_ways import fit_imbdeep

N_NUMBERS, RATIO = 20, 19.0
EPOCH_GOAL = Goal("<=", 3)
fit_once = partial(fit_imbdeep, encoding="piecewise_linear")


# --- Rows ----------------------------------------------------------------------------


def tables_and_labels(n_rows, n_levels, seed=0):
    """Draw numbers alone, the same beside a column of levels, and labels.

    Every level occurs if there are rows enough, and a tenth of them tells of the rarer
    class.
    """
    X, y = measure.synthetic_rows(n_rows, N_NUMBERS, RATIO, seed)
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.arange(n_rows) % n_levels)
    told = (y == 1) & (rng.random(n_rows) < 0.5)
    codes[told] = rng.integers(0, max(1, n_levels // 10), told.sum())
    numbers = pd.DataFrame(X, columns=[f"number {i}" for i in range(N_NUMBERS)])
    levels = pd.Series([f"level {code}" for code in codes.tolist()])
    tables = {
        "numbers alone": numbers,
        "and levels as text": numbers.assign(level=levels),
        "and levels as categories": numbers.assign(level=levels.astype("category")),
    }
    return tables, y


# --- Time ----------------------------------------------------------------------------


def time_fits(tables, y, *, epochs, repeats, device):
    """Fits of each table, in turn."""

    def time_once(X, repeat):
        return fit_once(X, y, epochs=epochs, device=device, seed=repeat)

    timings = {name: partial(time_once, X) for name, X in tables.items()}
    return measure.in_turn(timings, repeats)


def time_rows(fits):
    """Rows of the table of times, with ratios to the first table's fits."""
    alone = next(iter(fits.values()))
    rows = []
    for name, runs in fits.items():
        ratios = np.divide(
            *([run.epoch_seconds for run in own] for own in (runs, alone))
        )
        goal = measure.NO_GOAL if runs is alone else EPOCH_GOAL.cells(np.median(ratios))
        rows.append(
            {
                "table": name,
                "fit [s]": middle([run.seconds for run in runs]),
                "before epoch 1 [s]": middle([run.set_up for run in runs]),
                "epoch [ms]": middle([1000 * run.epoch_seconds for run in runs]),
                "validation loss": middle([run.valid_loss for run in runs]),
                "epoch / numbers alone": middle(ratios),
                **goal,
            }
        )
    return rows


# --- Memory --------------------------------------------------------------------------


def _load(folder, dtypes):
    arrays = np.load(Path(folder, "rows.npz"), allow_pickle=False)
    columns = {name: arrays[name] for name in dtypes}
    return pd.DataFrame(columns).astype(dtypes), arrays["y"]


def _fit_one_epoch(X, y, device, threads):
    torch.set_num_threads(threads)
    fit_once(X, y, epochs=1, device=device, seed=0)


def memory_of_fit(X, y, device, threads):
    """Bytes by which a fit of one epoch raises the peak of a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        # Text as NumPy's own, which needs no pickle.
        columns = {
            name: X[name].to_numpy(None if X[name].dtype.kind == "f" else str)
            for name in X
        }
        np.savez(Path(folder, "rows.npz"), y=y, **columns)
        load = partial(_load, folder, X.dtypes.to_dict())
        work = partial(_fit_one_epoch, device=device, threads=threads)
        return measure.in_fresh_process(peak_growth, load, work)


def memory_row(name, X, growth):
    """Row of the table of memory."""
    size = X.memory_usage(deep=True).sum()
    goal = Goal("<=", (MEMORY_PER_X * size + MEMORY_FIXED) / 1e6)
    return {
        "table": name,
        "X [MB]": f"{size / 1e6:.0f}",
        "peak above X and imports [MB]": f"{growth / 1e6:.0f}",
        **goal.cells(growth / 1e6),
    }


# --- Report --------------------------------------------------------------------------


class LevelSpeed(measure.SpeedPart):
    """What a column of very many levels adds to a fit, in time and memory.

        python benchmarks/speed.py levels --out level_speed.md

    The plain net is fitted to 20 numbers, and to the same beside a column of levels, as
    text and as categories. Fits take turns in one process; a ratio compares fits of the
    same repeat. Batches have 128 rows; a step updates the whole embedding, 16 numbers a
    level, whatever its batch. Peak memory is measured in a fresh process a fit.
    """

    numbers = {
        "--rows": (200_000, "rows of the tables", 200),
        "--levels": (50_000, "levels of the column", 2),
        "--epochs": (2, "epochs of a fit"),
        "--repeats": (5, "fits of each table"),
    }

    @staticmethod
    def report(args):
        device, threads = args.device, args.threads
        say = partial(print, file=sys.stderr)
        tables, y = tables_and_labels(args.rows, args.levels)
        say("times")
        few = {"repeats": args.repeats, "epochs": args.epochs, "device": device}
        # The first fit of a process loads parts of torch.
        small = {name: X.iloc[:200] for name, X in tables.items()}
        time_fits(small, np.arange(200) % 2, **few | {"repeats": 1, "epochs": 1})
        fits = time_fits(tables, y, **few)
        say("memory")
        memory = [
            memory_row(name, X, memory_of_fit(X, y, device, threads))
            for name, X in tables.items()
        ]
        return measure.fill_in(
            __file__,
            machine=measure.machine_line(device, threads),
            rows=args.rows,
            numbers=N_NUMBERS,
            levels=args.levels,
            dense=4 * args.rows * args.levels / 1e9,
            times=rows_to_markdown(time_rows(fits)),
            memory=rows_to_markdown(memory),
            per_x=MEMORY_PER_X,
            fixed=MEMORY_FIXED / 1e6,
        )
