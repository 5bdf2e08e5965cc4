"""Ten of the 27 sets, with crowds of 5, 7 and 11 workers who err unlike each other.

    python benchmarks/crowds.py sets

Each run trains on a stratified half of a set and tests on the other. A net that learned
the training half (98 % of it, or for 100 epochs) tells what is hard; workers err in 10
to 40 % of the rows. The sets are as imbalanced as they are. Methods are those of the
command run, but plain nets and Crowd-Layer train for 25 epochs.

Cells go to <out>/sets.jsonl; the same command goes on with them. In the end come
sets.md, sets.csv (means and standard errors) and sets_differences.csv.
"""

import argparse

from _commands import choose_workers
from _grid import TEN_SETS
from _names import split_names
from _paper_data import shrink
from _paper_sets import read_sets

from _crowds.cells import Grid
from _crowds.data import Crowd, draw_half
from _crowds.methods import TABLE_METHODS
from _crowds.options import add_compute_arguments, compute_and_report, pick_methods
from _crowds.sets_report import CELLS, write_report

WORKERS = (5, 7, 11)


def _workers(text):
    try:
        numbers = [int(part) for part in split_names(text)]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 2:
        raise argparse.ArgumentTypeError(
            f"must be numbers of 2 or more such as 5,7, got {text!r}"
        )
    return numbers


def add_arguments(parser):
    """Add the options of this command."""
    add_compute_arguments(parser, TABLE_METHODS)
    parser.add_argument(
        "--datasets",
        type=split_names,
        metavar="A,B",
        default=list(TEN_SETS),
        help=f"of the 27 sets (default: {','.join(TEN_SETS)})",
    )
    parser.add_argument(
        "--workers",
        type=_workers,
        metavar="A,B",
        default=list(WORKERS),
        help="sizes of the crowds (default: 5,7,11)",
    )
    parser.add_argument(
        "--runs", type=int, metavar="N", default=10, help="runs (default: 10)"
    )
    parser.add_argument(
        "--data-home",
        metavar="DIR",
        help="scikit-learn's data folder, where the sets are cached",
    )


def make_grid(args):
    """Check the options and read the data."""
    chosen = pick_methods(args, TABLE_METHODS)
    if args.runs < 1:
        raise ValueError(f"--runs got {args.runs}; give 1 or more.")
    datasets = read_sets(args.datasets, args.data_home)
    if args.smoke:
        datasets = [shrink(dataset) for dataset in datasets]
    return Grid(
        suite="crowds sets",
        protocol="50-50",
        crowds=[
            (dataset, Crowd("unlike", n_workers))
            for dataset in datasets
            for n_workers in args.workers
        ],
        methods=chosen,
        seeds=list(range(args.runs)),
        draw=draw_half,
        smoke=args.smoke,
    )


def run(args):
    """Compute what is missing, and report; return the exit code."""
    workers = choose_workers(args, "cpu")
    grid = make_grid(args)
    return compute_and_report(args, CELLS, grid, workers, write_report)
