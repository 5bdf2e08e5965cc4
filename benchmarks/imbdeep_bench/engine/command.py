"""Command lines: options that experiments share, and how an experiment is run."""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from joblib import cpu_count

from imbdeep_bench.engine.names import check_names, parse_seeds, split_names
from imbdeep_bench.engine.run import fill
from imbdeep_bench.engine.workers import Workers, WorkerStartError

EXIT_INTERRUPTED = 130  # what a shell reports for a program stopped by Ctrl-C


# --- Commands ------------------------------------------------------------------------


def make_command_parser(prog, description, parts):
    """Return a parser with a subcommand for each part, whose docstring is its help.

    Parts are classes with ``add_arguments(parser)`` and ``run(args)``, by name.
    """
    parser = argparse.ArgumentParser(prog=prog, description=description)
    commands = parser.add_subparsers(dest="part", required=True)
    as_it_is = argparse.RawDescriptionHelpFormatter
    for name, part in parts.items():
        told = {"help": part.__doc__.splitlines()[0], "description": part.__doc__}
        command = commands.add_parser(name, **told, formatter_class=as_it_is)
        part.add_arguments(command)
    return parser


def call_or_complain(run, parser, args):
    """Run with parsed options; return the exit code.

    What it says of wrong options or missing files is said with the usage. A disk that
    is full, or a folder that cannot be written to, is said on one line, and the exit
    code is 1.
    """
    try:
        return run(args)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))
    except OSError as error:
        parser.exit(1, f"{parser.prog}: error: {error}\n")


def run_command(parser, parts, argv=None):
    """Run the part that was named; return its exit code."""
    args = parser.parse_args(argv)
    return call_or_complain(parts[args.part].run, parser, args)


# --- Options -------------------------------------------------------------------------


def number_above_0(text):
    """Read a number above 0, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return number


def at_least(least=1):
    """Return a type for argparse: an integer, ``least`` or more."""

    def parse(text):
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            words = f"must be an integer, {least} or more, got {text!r}"
            raise argparse.ArgumentTypeError(words)
        return value

    return parse


def add_out(parser, default, shown="%(default)s"):
    """Add the option that says where results are."""
    words, default = f"folder of results (default: {shown})", default and Path(default)
    parser.add_argument("--out", type=Path, metavar="DIR", default=default, help=words)


def groups_of(methods):
    """Return the names of the methods of each group of a table."""
    groups = {}
    for name, method in methods.items():
        if method.group:
            groups.setdefault(method.group, []).append(name)
    return groups


def add_methods(parser, methods):
    """Add the option that picks methods of a table."""
    groups = "".join(f"; {group}: all of a kind" for group in groups_of(methods))
    words = f"of {', '.join(methods)} (default: all{groups})"
    parser.add_argument("--methods", type=split_names, metavar="A,B", help=words)


def pick_methods(args, methods):
    """Return the methods that were asked for, singly or by group, or all of a table."""
    groups = groups_of(methods)
    asked = list(methods) if args.methods is None else args.methods
    check_names(asked, [*methods, *groups], "--methods")
    names = dict.fromkeys(n for name in asked for n in groups.get(name, [name]))
    picked = [methods[name] for name in names]
    check_installed(picked)
    return picked


def _lacking(methods):
    return [m for m in methods if m.needs and find_spec(m.needs) is None]


def check_installed(methods):
    """Refuse methods whose package is not installed, before anything is computed."""
    lacking = _lacking(methods)
    if lacking:
        names = ", ".join(method.name for method in lacking)
        packages = ", ".join(dict.fromkeys(method.needs for method in lacking))
        raise ValueError(
            f"--methods has {names}, and {packages} is not installed: pip install "
            '"imbdeep[peers]", or name other methods.'
        )


def names_installed(methods):
    """Return the names of a table's methods that can run; say which cannot."""
    lacking = [method.name for method in _lacking(methods.values())]
    if lacking:
        print(f"Goes on without {', '.join(lacking)}: not installed.", file=sys.stderr)
    return [name for name in methods if name not in lacking]


def add_seeds(parser, decides, n_seeds=10):
    """Add the option that says which runs; ``decides`` tells what each draws."""
    words = f"runs; each decides {decides} (default: 0-{n_seeds - 1})"
    default = list(range(n_seeds))
    parser.add_argument(
        "--seeds", type=parse_seeds, metavar="A-B", default=default, help=words
    )


def check_seeds(seeds):
    """Refuse an empty range of seeds."""
    if not seeds:
        raise ValueError("--seeds is empty; give runs such as 0-9.")


def add_datasets(parser, names, default=None):
    """Add the option that picks data sets, by default all that there are."""
    default = list(names if default is None else default)
    words = f"data sets (default: {','.join(default)})"
    parser.add_argument(
        "--datasets", type=split_names, metavar="A,B", default=default, help=words
    )


def add_repeats(parser, default):
    """Add the option that says how often."""
    words = "times that rows are halved (default: %(default)s)"
    more = {"type": at_least(1), "default": default, "metavar": "N", "help": words}
    parser.add_argument("--repeats", **more)


def add_data_home(parser):
    """Add the option that says where the 27 sets are."""
    words = "scikit-learn's data folder (default: SCIKIT_LEARN_DATA or its own)"
    parser.add_argument("--data-home", metavar="DIR", help=words)


def add_seed(parser, decides):
    """Add the option of the one seed of a run."""
    words = f"decides {decides} (default: 0)"
    parser.add_argument("--seed", type=int, default=0, help=words)


def add_smoke(parser, words):
    """Add the option that tries the code."""
    words = f"{words}: tries the code, says nothing of scores"
    parser.add_argument("--smoke", action="store_true", help=words)


def add_device(parser, default="cpu"):
    """Add the option that says where nets run."""
    words = "where nets run; auto is cuda if there is one (default: %(default)s)"
    choices = ["auto", "cpu", "cuda"]
    parser.add_argument("--device", choices=choices, default=default, help=words)


def add_computing(parser):
    """Add the options that say what computes cells, and whether."""
    words = (
        "worker processes, each with one thread (default: all cores; 1 with cuda), or "
        "0 to compute in this process; scores do not depend on it"
    )
    parser.add_argument("--n-jobs", type=int, metavar="N", help=words)
    words = "stop a cell that takes longer, and record it as failed (default: none)"
    parser.add_argument(
        "--time-limit", type=number_above_0, metavar="SECONDS", help=words
    )
    words = "go on with results of other code, parameters, versions or another device"
    parser.add_argument("--mix-versions", action="store_true", help=words)
    words = "compute nothing; report on the cells that are there"
    parser.add_argument("--report-only", action="store_true", help=words)


def choose_device(device):
    """Resolve ``'auto'``, and refuse ``'cuda'`` where there is none."""
    import torch

    is_there = torch.cuda.is_available()
    if device == "cuda" and not is_there:
        raise ValueError(
            "--device got 'cuda', but torch finds no CUDA device; use cpu."
        )
    return ("cuda" if is_there else "cpu") if device == "auto" else device


def choose_n_jobs(n_jobs, device):
    """Resolve the default number of processes, and check a given one."""
    if n_jobs is None:
        return 1 if device == "cuda" else cpu_count()
    if n_jobs < -1:
        raise ValueError(
            f"--n-jobs got {n_jobs}; give 1 or more, -1 for all cores, or 0 for none "
            "but this process."
        )
    return cpu_count() if n_jobs == -1 else n_jobs


def choose_workers(args, device):
    """Check the options of :func:`add_computing`; return the workers."""
    n_jobs = choose_n_jobs(args.n_jobs, device)
    if n_jobs == 0 and args.time_limit is not None:
        raise ValueError(
            "--time-limit needs a worker process that can be stopped; give --n-jobs 1 "
            "or more with it."
        )
    return Workers(n_jobs, args.time_limit)


# --- An experiment from the command line ---------------------------------------------


def compute_or_stop(path, grid, workers, *, mix_versions):
    """Compute what a file lacks, and say how it went; return the exit code.

    It is 0 when every cell was computed or has failed, 130 when the run was
    interrupted, 1 when it could not go on.
    """
    try:
        n_failed = fill(path, grid, workers, mix_versions=mix_versions)
    except KeyboardInterrupt:
        reason, remedy, code = "Stopped.", "the same command", EXIT_INTERRUPTED
    except (WorkerStartError, OSError) as error:
        reason, remedy, code = str(error), "the same command once that is mended", 1
    else:
        if n_failed:
            print(f"{n_failed} cells failed; the same command tries them once more.")
        return 0
    there = f"Finished cells are in {path}: go on with {remedy}."
    print(f"\n{reason} {there}", file=sys.stderr)
    return code


def fill_or_check(args, path, plan, read):
    """Compute what a file lacks, unless only a report is wanted; return the exit code.

    ``plan(args)`` gives the grid, once ``args.device`` is settled; ``read`` refuses a
    file that cannot be reported on.
    """
    if args.report_only:
        if not path.exists():
            raise ValueError(f"--report-only finds no {path}; give the run's --out.")
        return 0
    args.device = choose_device(getattr(args, "device", "cpu"))
    workers = choose_workers(args, args.device)
    grid = plan(args)
    # A file that cannot be reported on is refused now, not when all is computed.
    if read is not None and path.exists():
        read(path)
    return compute_or_stop(path, grid, workers, mix_versions=args.mix_versions)


class Part:
    """A part of ``papers.py``, which has ``report(args)``: writes it, returns its path.

    ``out`` is the folder that it writes to by default.
    """

    out = None

    @classmethod
    def add_arguments(cls, parser):
        """Add all options."""
        add_out(parser, cls.out)
        cls.add_own_arguments(parser)

    @staticmethod
    def add_own_arguments(parser):
        """Add the options that no other part has."""

    @classmethod
    def run(cls, args):
        """Report; return the exit code."""
        print(f"Report: {cls.report(args)}")
        return 0


class Command(Part):
    """An experiment as a part of ``papers.py``: options, cells, report.

    A class beside :class:`~imbdeep_bench.engine.experiment.Experiment` has, further,
    ``plan(args)``, which returns its grid.
    """

    file = "cells.jsonl"  # of cells
    methods = {}  # by name
    read = None  # reads a file for the report, and refuses what it cannot report on
    smoke_words = None  # what --smoke does
    has_device = False  # whether a device may be chosen

    @classmethod
    def add_arguments(cls, parser):
        """Add all options."""
        super().add_arguments(parser)
        add_methods(parser, cls.methods)
        add_computing(parser)
        if cls.has_device:
            add_device(parser)
        if cls.smoke_words is not None:
            add_smoke(parser, cls.smoke_words)

    @classmethod
    def run(cls, args):
        """Compute what is missing, unless told not to, and report; return the code."""
        path = args.out / cls.file
        if code := fill_or_check(args, path, cls.plan, cls.read):
            return code
        print(f"Cells: {path}")
        return super().run(args)
