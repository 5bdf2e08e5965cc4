"""What a step of meta-augmentation costs, beside a plain training step.

    python benchmarks/meta_step_speed.py --out meta_step_speed.md

``NetClassifier`` and ``MetaAugmentClassifier`` are fitted in turn in one process, with
the same net on the same table, and every training step is timed. A plain step trains on
256 rows; a step of meta-augmentation trains on 128 rows of the table and 128 synthetic
ones, and then looks at 128 validation rows to move the latter. Medians over the steps
of a fit are compared, repeat by repeat. The first steps of each fit are left out.

Memory is the rise of the peak memory of the process between step 100 and step 1,100 of
one fit of meta-augmentation. The goal allows for what an allocator keeps; a graph kept
alive would take more than that in each step.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pandas as pd
import torch
from fit_speed import (
    ENCODINGS,
    Goal,
    add_machine_arguments,
    at_least,
    describe,
    finished,
    large_table,
    middle,
    peak_bytes,
    small_table,
    versions,
)
from skorch.callbacks import Callback

from imbdeep._files import write_files
from imbdeep.classifiers import MetaAugmentClassifier, NetClassifier

STEP_ROWS = 256
WARM_UP_STEPS = 20
MEMORY_FROM, MEMORY_STEPS = 100, 1_000

STEP_GOAL = Goal("<=", 4)
MEMORY_GOAL = Goal("<=", 5)  # MB


class StepClock(Callback):
    """Times every training step."""

    def __init__(self, device):
        self.device = device

    def initialize(self):
        self.seconds_ = []
        return self

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        self.began_ = finished(self.device)

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        if training:
            self.seconds_.append(finished(self.device) - self.began_)


class StopAfter(Callback):
    """Ends training after a number of training steps."""

    def __init__(self, n_steps):
        self.n_steps = n_steps

    def initialize(self):
        self.left_ = self.n_steps
        return self

    def on_batch_end(self, net, training=None, **kwargs):
        self.left_ -= bool(training)
        if self.left_ == 0:
            raise KeyboardInterrupt


def plain_net(callbacks, **params):
    """A net whose steps are plain ones."""
    return NetClassifier(
        batch_size=STEP_ROWS, early_stopping=False, callbacks=callbacks, **params
    )


def meta_net(callbacks, inner_steps=1, **params):
    """A net whose steps are those of meta-augmentation, from the first on."""
    return MetaAugmentClassifier(
        batch_size=STEP_ROWS // 2,
        # As many synthetic rows as balance the classes: enough for full batches.
        sampling_strategy="auto",
        pretrain_epochs=0,
        inner_steps=inner_steps,
        early_stopping=False,
        callbacks=callbacks,
        **params,
    )


NETS = {
    "plain": plain_net,
    "meta, 1 inner step": meta_net,
    "meta, 3 inner steps": partial(meta_net, inner_steps=3),
}


def time_steps(make_net, table, encoding, device, n_steps, seed):
    """Median seconds of the training steps of a fit."""
    clock = StepClock(device)
    last = WARM_UP_STEPS + n_steps
    make_net(
        [("clock", clock), ("stop", StopAfter(last))],
        numeric_encoding=encoding,
        device=device,
        max_epochs=last,
        random_state=seed,
    ).fit(table.X, table.y)
    return np.median(clock.seconds_[WARM_UP_STEPS:])


def time_rows(table, encoding, *, device, n_steps, repeats):
    """Rows of the table of times and ratios, one for each kind of step."""
    seconds = {name: [] for name in NETS}
    for repeat in range(repeats):
        for name, make_net in NETS.items():
            seconds[name].append(
                time_steps(make_net, table, encoding, device, n_steps, repeat)
            )
    rows = []
    for name, values in seconds.items():
        ratios = np.divide(values, seconds["plain"])
        has_goal = name == "meta, 1 inner step"
        rows.append(
            {
                "table": table.name,
                "encoding": str(encoding),
                "step": name,
                "step [us]": middle(np.multiply(values, 1e6)),
                "step / plain": middle(ratios),
                "goal": str(STEP_GOAL) if has_goal else "",
                "met": STEP_GOAL.verdict(np.median(ratios)) if has_goal else "",
            }
        )
    return rows


class PeakAt(Callback):
    """Notes the peak memory of the process at a training step, then at another."""

    def __init__(self, steps):
        self.steps = steps

    def initialize(self):
        self.step_, self.peaks_ = 0, []
        return self

    def on_batch_end(self, net, training=None, **kwargs):
        self.step_ += bool(training)
        if training and self.step_ in self.steps:
            self.peaks_.append(peak_bytes())


def _growth(X, y, device, threads):
    torch.set_num_threads(threads)
    last = MEMORY_FROM + MEMORY_STEPS
    peaks = PeakAt([MEMORY_FROM, last])
    meta_net(
        [("peaks", peaks), ("stop", StopAfter(last))],
        device=device,
        max_epochs=last,
        random_state=0,
    ).fit(X, y)
    first, second = peaks.peaks_
    return (second - first) / 1e6


def memory_growth(table, device, threads):
    """MB by which 1,000 steps raise the peak memory of a fresh process."""
    # A forked process would begin with the peak of this one as its own.
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as pool:
        return pool.submit(_growth, table.X, table.y, device, threads).result()


def make_report(tables, times, growth, *, device, threads):
    """Return the report as Markdown."""
    cells = {"index": False, "disable_numparse": True}
    described = "\n".join(f"- {describe(table)}" for table in tables)
    return f"""# What a step of meta-augmentation costs

{versions()}. Torch threads: {threads} of {os.cpu_count()} CPUs; device: {device}.
All numbers come from one run: medians over repeats, with the least and largest value in
brackets, of the median over the steps of a fit.

{described}

A plain step trains on {STEP_ROWS} rows; a step of meta-augmentation on
{STEP_ROWS // 2} rows and {STEP_ROWS // 2} synthetic ones, and it looks at
{STEP_ROWS // 2} validation rows.

{pd.DataFrame(times).to_markdown(**cells)}

{MEMORY_STEPS:,} steps on the small table raised the peak memory by {growth:.1f} MB
(goal {MEMORY_GOAL} MB, met: {MEMORY_GOAL.verdict(growth)}).
"""


def make_parser():
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="meta_step_speed.py",
        description="Time and memory of a meta-augmentation step, beside a plain one.",
    )
    parser.add_argument(
        "--steps", type=at_least(1), default=200, help="timed steps of a fit (200)"
    )
    parser.add_argument(
        "--repeats", type=at_least(1), default=5, help="fits of each kind (5)"
    )
    parser.add_argument(
        "--rows-large",
        type=at_least(60_000),
        default=145_751,
        help="rows of the large table (145751)",
    )
    add_machine_arguments(parser)
    return parser


def main(arguments=None):
    """Measure, print the report and write it to a file if one is named."""
    options = make_parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    device, threads = options.device, options.threads
    tables = [small_table(), large_table(options.rows_large)]
    growth = memory_growth(tables[0], device, threads)
    times = [
        row
        for table in tables
        for encoding in ENCODINGS
        for row in time_rows(
            table,
            encoding,
            device=device,
            n_steps=options.steps,
            repeats=options.repeats,
        )
    ]
    report = make_report(tables, times, growth, device=device, threads=threads)
    print(report)
    if options.out:
        write_files({options.out: report})


if __name__ == "__main__":
    main()
