"""Scripts of several commands, and options that more than one of them has."""

import argparse
import sys
from pathlib import Path

from _workers import Workers, WorkerStartError
from joblib import cpu_count

EXIT_INTERRUPTED = 130  # what a shell reports for a program stopped by Ctrl-C


def make_command_parser(prog, description, modules, dest):
    """Return a parser with a subcommand for each module.

    Parameters
    ----------
    prog, description : str
        Of the script.
    modules : dict of str to module
        What each command runs: a module with ``add_arguments(parser)``, whose docstring
        is the help.
    dest : str
        What the parsed options call the command.

    Returns
    -------
    parser : ArgumentParser
    """
    parser = argparse.ArgumentParser(prog=prog, description=description)
    commands = parser.add_subparsers(dest=dest, required=True)
    for name, module in modules.items():
        module.add_arguments(
            commands.add_parser(
                name,
                help=module.__doc__.splitlines()[0],
                description=module.__doc__,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
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


def run_command(parser, modules, dest, argv=None):
    """Run the command that was given, a module's ``run(args)``; return its code."""
    args = parser.parse_args(argv)
    return call_or_complain(modules[getattr(args, dest)].run, parser, args)


def add_out_argument(parser, default):
    """Add the option that says where results are."""
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=default,
        help="folder of results (default: %(default)s)",
    )


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return seconds


def add_worker_arguments(parser):
    """Add the options that say what computes cells."""
    parser.add_argument(
        "--n-jobs",
        type=int,
        metavar="N",
        help="worker processes, each with one thread (default: all cores; 1 with "
        "cuda), or 0 to compute in this process; scores do not depend on it",
    )
    parser.add_argument(
        "--time-limit",
        type=_seconds,
        metavar="SECONDS",
        help="stop a cell that takes longer, and record it as failed (default: none)",
    )
    parser.add_argument(
        "--mix-versions",
        action="store_true",
        help="go on with results of other code, parameters, versions or another device",
    )


def choose_device(device):
    """Resolve ``'auto'``, and refuse ``'cuda'`` where there is none."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            "--device got 'cuda', but torch finds no CUDA device; use cpu."
        )
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


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
    """Check the options of :func:`add_worker_arguments`; return the workers."""
    n_jobs = choose_n_jobs(args.n_jobs, device)
    if n_jobs == 0 and args.time_limit is not None:
        raise ValueError(
            "--time-limit needs a worker process that can be stopped; give --n-jobs 1 "
            "or more with it."
        )
    return Workers(n_jobs, args.time_limit)


def compute_or_stop(compute, path):
    """Compute cells, and say how it went.

    Parameters
    ----------
    compute : callable
        Returns how many cells failed.
    path : Path
        The file of results.

    Returns
    -------
    code : int
        0 when every cell was computed or has failed, 130 when the run was interrupted,
        1 when it could not go on.
    """
    try:
        n_failed = compute()
    except KeyboardInterrupt:
        reason, remedy, code = "Stopped.", "the same command", EXIT_INTERRUPTED
    except (WorkerStartError, OSError) as error:
        reason, remedy, code = str(error), "the same command once that is mended", 1
    else:
        if n_failed:
            print(f"{n_failed} cells failed; the same command tries them once more.")
        return 0
    print(
        f"\n{reason} Finished cells are in {path}: go on with {remedy}.",
        file=sys.stderr,
    )
    return code
