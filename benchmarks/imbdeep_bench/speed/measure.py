"""One clock, one memory reading, the rows to measure on, words for the reports."""

import os
import platform
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from skorch.callbacks import Callback

import imbdeep
from imbdeep._files import write_files
from imbdeep.datasets import load_imblearn27
from imbdeep_bench.engine.command import at_least

ENCODINGS = ("piecewise_linear", None)
LARGE_RATIO = 111.0
# The large table must have the five minority rows that skorch's split wants.
LEAST_ROWS_LARGE = round(10 * (1 + LARGE_RATIO))
# The first steps of a fit load parts of torch, and are left out.
WARM_UP_STEPS = 20
MEMORY_FROM, MEMORY_STEPS = 100, 1_000


# --- Rows ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Rows to fit: float32 ``X`` and ``y`` of 0 and 1, 1 being the minority."""

    name: str
    origin: str
    X: np.ndarray
    y: np.ndarray


def synthetic_rows(n_rows, n_features, ratio, seed=0):
    """Draw an imbalanced table: two Gaussians, apart in a tenth of the columns."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features), dtype=np.float32)
    y = np.zeros(n_rows, dtype=np.int64)
    y[rng.choice(n_rows, round(n_rows / (1 + ratio)), replace=False)] = 1
    X[y == 1, : max(1, n_features // 10)] += 1
    return X, y


def small_table():
    """Half of satimage where its file is at hand, else a stand-in of its shape."""
    try:
        data = load_imblearn27(["satimage"], download_if_missing=False)["satimage"]
    except OSError:
        X, y = synthetic_rows(3_217, 36, ratio=9.28)
        return Table("small", "synthetic, of the shape of satimage's half", X, y)
    X, _, y, _ = train_test_split(
        data.data.astype(np.float32),
        (data.target == 1).astype(np.int64),
        train_size=0.5,
        stratify=data.target,
        random_state=0,
    )
    return Table("small", f"a stratified half of satimage ({data.provenance})", X, y)


def large_table(n_rows):
    """A stand-in of the shape of protein_homo."""
    X, y = synthetic_rows(n_rows, 74, ratio=LARGE_RATIO)
    return Table("large", "synthetic, of the width and ratio of protein_homo", X, y)


# --- Time ----------------------------------------------------------------------------


def finished(device):
    """The time when the device has done all it was told to do."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()


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


def in_turn(measures, repeats):
    """Results of each measurement, repeat after repeat.

    In turn, so that whatever else the machine does hits them alike: those of the same
    repeat have the same place in their lists. A measurement takes the repeat's number.
    """
    results = {name: [] for name in measures}
    for repeat in range(repeats):
        for name, measure in measures.items():
            results[name].append(measure(repeat))
    return results


def fit_steps(make_net, X, y, callback, *, device, n_steps, seed):
    """Fit ``make_net(**params)`` for some steps, watched by a callback."""
    callbacks = [("watch", callback), ("stop", StopAfter(n_steps))]
    params = {"device": device, "max_epochs": n_steps, "random_state": seed}
    make_net(callbacks=callbacks, **params).fit(X, y)


def median_step(make_net, X, y, *, device, n_steps, seed):
    """Median seconds of the training steps of a fit of ``make_net(**params)``."""
    clock, n_steps = StepClock(device), WARM_UP_STEPS + n_steps
    fit_steps(make_net, X, y, clock, device=device, n_steps=n_steps, seed=seed)
    return np.median(clock.seconds_[WARM_UP_STEPS:])


# --- Memory --------------------------------------------------------------------------


def peak_bytes():
    """The largest memory that this process has held so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def in_fresh_process(function, *arguments):
    """Result of a function called in a process of its own."""
    # A process that this one starts by fork and exec would begin with the peak of this
    # one as its own, and hide whatever stays below. The fork server is still small.
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as pool:
        return pool.submit(function, *arguments).result()


class PeakAt(Callback):
    """Notes the peak memory at a training step, then at another.

    Of the process, or of CUDA's allocator where the net is on CUDA.
    """

    def __init__(self, steps):
        self.steps = steps

    def initialize(self):
        self.step_, self.peaks_ = 0, []
        return self

    def on_batch_end(self, net, training=None, **kwargs):
        self.step_ += bool(training)
        if training and self.step_ in self.steps:
            device = torch.device(net.device)
            is_cuda = device.type == "cuda"
            of_cuda = torch.cuda.max_memory_allocated
            self.peaks_.append(of_cuda(device) if is_cuda else peak_bytes())


def growth_of_steps(make_net, X, y, device, threads):
    """MB by which 1,000 steps of a fit raise the peak; wants a fresh process."""
    torch.set_num_threads(threads)
    last = MEMORY_FROM + MEMORY_STEPS
    peaks = PeakAt([MEMORY_FROM, last])
    fit_steps(make_net, X, y, peaks, device=device, n_steps=last, seed=0)
    first, second = peaks.peaks_
    return (second - first) / 1e6


# --- Words ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Goal:
    """A bound that a number should stay on one side of."""

    sign: str
    bound: float

    def __str__(self):
        return f"{self.sign} {self.bound:.4g}"

    def verdict(self, value):
        met = value <= self.bound if self.sign == "<=" else value >= self.bound
        return "yes" if met else "no"

    def cells(self, value):
        """Return the goal and whether it is met, for a row of a table."""
        return {"goal": str(self), "met": self.verdict(value)}


NO_GOAL = {"goal": "", "met": ""}


def step_rows(labels, seconds, beside, goals, passes=None):
    """Rows of a table of steps, one for each kind.

    ``labels`` stand in front of each row, and ``passes``, if given, behind its kind.
    ``seconds`` of each kind of step are as :func:`in_turn` gives them. ``beside`` has
    titles of ratios, and the kind of step that they are taken to. ``goals``, of some
    kinds, are for the first ratio.
    """
    rows = []
    for name, values in seconds.items():
        ratios = {t: np.divide(values, seconds[other]) for t, other in beside.items()}
        first = np.median(next(iter(ratios.values())))
        rows.append(
            {
                **labels,
                "step": name,
                **({"passes": passes[name]} if passes else {}),
                "step [us]": middle(np.multiply(values, 1e6)),
                **{title: middle(ratio) for title, ratio in ratios.items()},
                **(goals[name].cells(first) if name in goals else NO_GOAL),
            }
        )
    return rows


def middle(values):
    """Median with the least and the largest value, as text of three digits or more."""
    median, least, most = (
        f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        for value in (np.median(values), min(values), max(values))
    )
    return f"{median} ({least} to {most})"


def versions():
    """Python, the libraries that decide a time, and imbdeep, as one line."""
    names = ("torch", "skorch", "scikit-learn", "numpy")
    parts = [f"Python {platform.python_version()}", f"imbdeep {imbdeep.__version__}"]
    return ", ".join(parts + [f"{name} {version(name)}" for name in names])


def describe(table):
    """One line on the rows of a table."""
    n, d = table.X.shape
    minority = int(table.y.sum())
    ratio = (n - minority) / minority
    return f"{table.name}: {n:,} rows, {d} columns, {ratio:.1f}:1, {table.origin}"


def list_tables(tables):
    """Describe tables, an item of a list each."""
    return "\n".join(f"- {describe(table)}" for table in tables)


def machine_line(device, threads):
    """Versions, threads and device, as one line."""
    n_cpus = os.cpu_count()
    return f"{versions()}. Torch threads: {threads} of {n_cpus} CPUs; device: {device}."


# --- Command line --------------------------------------------------------------------


def fill_in(script, **values):
    """Return the report's text, which lies beside a script, with its values."""
    text = Path(script).with_suffix(".md").read_text("utf-8")
    return text.format(**values)


ROWS_LARGE = 145_751, "rows of the large table"


class SpeedPart:
    """A part of ``speed.py``: ``report(args)`` measures and returns Markdown."""

    # Options that are whole numbers: the default, words, and the least if it is not 1.
    numbers = {}
    # Whether it trains nets, with so many threads of torch, on a device.
    has_device = True

    @classmethod
    def add_arguments(cls, parser):
        """Add all options."""
        threads = {"--threads": (1, "threads of torch")} if cls.has_device else {}
        for flag, (default, words, *least) in (cls.numbers | threads).items():
            words = f"{words} (default: {default})"
            told = {"type": at_least(*least), "default": default}
            parser.add_argument(flag, metavar="N", help=words, **told)
        if cls.has_device:
            words = "where to train, such as cuda (default: cpu)"
            parser.add_argument("--device", default="cpu", help=words)
        cls.add_own_arguments(parser)
        words = "file to write the report to"
        parser.add_argument("--out", type=Path, metavar="FILE.md", help=words)

    @staticmethod
    def add_own_arguments(parser):
        """Add the options that no other part has."""

    @classmethod
    def run(cls, args):
        """Measure, print the report, and write it to a file if one is named."""
        if cls.has_device:
            torch.set_num_threads(args.threads)
        report = cls.report(args)
        print(report)
        if args.out:
            write_files({args.out: report})
        return 0
