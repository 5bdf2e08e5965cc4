"""Options that several commands have, and what they do in the end."""

import argparse
from pathlib import Path

import _commands
from _commands import (
    add_worker_arguments,
    choose_device,
    choose_workers,
    compute_or_stop,
)
from _names import check_names, split_names
from _paper_cells import add_seeds_argument

from _robust.cells import fill

DEFAULT_OUT = Path("results") / "robust"


def add_out_argument(parser):
    """Add the option that says where results are."""
    _commands.add_out_argument(parser, DEFAULT_OUT)


def radius(text):
    """Read a radius of a ball, greater than 0."""
    try:
        eps = float(text)
    except ValueError:
        eps = 0.0
    if eps <= 0:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return eps


def add_compute_arguments(parser, methods, smoke):
    """Add the options of all commands that compute cells."""
    add_out_argument(parser)
    parser.add_argument(
        "--methods",
        type=split_names,
        metavar="A,B",
        help=f"of {', '.join(methods)} (default: all)",
    )
    add_worker_arguments(parser)
    parser.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="cpu",
        help="where nets run; auto is cuda if there is one (default: cpu)",
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help=f"{smoke}: tries the code, says nothing of scores",
    )


def add_five_seeds_argument(parser, decides):
    """Add the option that says which runs; as many as the dissertation's, or more."""
    add_seeds_argument(parser, decides)
    action = next(a for a in parser._actions if a.dest == "seeds")
    action.default = list(range(5))
    action.help = action.help.replace("0-9", "0-4")


def pick_methods(args, methods):
    """Return the methods that were asked for, or all of a table, by name."""
    if args.methods is None:
        return dict(methods)
    check_names(args.methods, methods, "--methods")
    return {name: methods[name] for name in args.methods}


def check_seeds(seeds):
    """Refuse an empty range of seeds."""
    if not seeds:
        raise ValueError("--seeds is empty; give runs such as 0-4.")


def choose_machine(args):
    """Return the device and the workers."""
    device = choose_device(args.device)
    return device, choose_workers(args, device)


def compute_and_report(args, name, cells, workers, report, *, suite, protocol):
    """Compute what is missing, then report; return the exit code.

    Parameters
    ----------
    args : argparse.Namespace
        The parsed options.
    name : str
        Of the file of cells.
    cells : list
        See :mod:`_robust.cells`.
    workers : Workers
    report : callable
        ``report(out)`` writes it to a folder and returns its path.
    suite, protocol : str
        What all results of a file share.
    """
    path = args.out / name
    suite = f"{suite} smoke" if args.smoke else suite
    code = compute_or_stop(
        lambda: fill(
            path,
            cells,
            workers,
            suite=suite,
            protocol=protocol,
            mix_versions=args.mix_versions,
        ),
        path,
    )
    if code:
        return code
    print(f"Cells: {path}")
    print(f"Report: {report(path.parent)}")
    return 0
