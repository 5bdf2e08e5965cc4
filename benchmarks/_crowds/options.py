"""Options that several commands have, and what they do in the end."""

from pathlib import Path

import _commands
from _commands import add_worker_arguments, compute_or_stop
from _names import check_names, split_names
from _paper_cells import add_seeds_argument
from _paper_data import (
    DATASETS,
    add_data_argument,
    add_datasets_argument,
    data_folder,
    draw_classes,
    parse_pairs,
    read_dataset,
    shrink,
)

from _crowds.cells import Grid, fill
from _crowds.data import KINDS, N_WORKERS, Crowd, CutPair

DEFAULT_OUT = Path("results") / "crowds"


# --- Options -------------------------------------------------------------------------


def add_out_argument(parser):
    """Add the option that says where results are."""
    _commands.add_out_argument(parser, DEFAULT_OUT)


def add_compute_arguments(parser, methods):
    """Add the options of all commands that compute cells."""
    add_out_argument(parser)
    parser.add_argument(
        "--methods",
        type=split_names,
        metavar="A,B",
        default=list(methods),
        help=f"of {', '.join(methods)} (default: all)",
    )
    add_worker_arguments(parser)
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="100 rows of a class and one epoch: tries the code, says nothing of "
        "scores",
    )


def add_pair_arguments(parser, kinds):
    """Add the options of commands that make two classes of USPS and Madelon."""
    add_data_argument(parser)
    add_datasets_argument(parser)
    parser.add_argument(
        "--crowds",
        type=split_names,
        metavar="A,B",
        default=list(kinds),
        help="alike: every worker is wrong in 30 %% of the rows; unlike: in 10 to 40 "
        f"%% of them (default: {','.join(kinds)})",
    )
    parser.add_argument(
        "--pairs",
        default="drawn",
        metavar="drawn|A-B",
        help="classes: drawn in each run, or a majority and a minority such as 4-7, or "
        "--pairs=-1-1 (default: drawn)",
    )
    add_seeds_argument(parser, "pair, rows, annotations and models")


# --- Grids ---------------------------------------------------------------------------


def pick_methods(args, methods):
    """Return the methods that were asked for, by name."""
    check_names(args.methods, methods, "--methods")
    return {name: methods[name] for name in args.methods}


def make_pair_grid(args, suite, methods):
    """Check the options and read the data.

    Raises
    ------
    ValueError
        If an option is wrong or data cannot be had.
    """
    chosen = pick_methods(args, methods)
    check_names(args.datasets, DATASETS, "--datasets")
    check_names(args.crowds, KINDS, "--crowds")
    if not args.seeds:
        raise ValueError("--seeds is empty; give runs such as 0-9.")
    pairs = parse_pairs(args.pairs)
    folder = data_folder(args.data)
    datasets = [read_dataset(name, folder) for name in args.datasets]
    if args.smoke:
        datasets = [shrink(dataset) for dataset in datasets]
    for dataset in datasets:
        # A wrong pair fails before all.
        draw_classes(dataset, pairs, args.seeds[0])
    return Grid(
        suite=suite,
        protocol=f"80-20, pairs {pairs.name}",
        crowds=[
            (dataset, Crowd(kind, N_WORKERS[dataset.name]))
            for dataset in datasets
            for kind in args.crowds
        ],
        methods=chosen,
        seeds=args.seeds,
        draw=CutPair(pairs),
        smoke=args.smoke,
    )


def compute_and_report(args, name, grid, workers, report):
    """Compute what is missing, then report; return the exit code.

    Parameters
    ----------
    args : argparse.Namespace
        The parsed options.
    name : str
        Of the file of cells.
    grid : Grid
    workers : Workers
    report : callable
        ``report(out)`` writes it to a folder and returns its path.
    """
    path = args.out / name
    code = compute_or_stop(
        lambda: fill(path, grid, workers, mix_versions=args.mix_versions), path
    )
    if code:
        return code
    print(f"Cells: {path}")
    print(f"Report: {report(path.parent)}")
    return 0
