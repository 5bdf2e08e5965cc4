"""Balance, classify and score: the cells behind all tables and series.

    python benchmarks/gl_gan.py run --data raw
    python benchmarks/gl_gan.py run --data raw --r 0.01,0.02,0.05,0.1,0.2

Section 2.4.1 of the dissertation: a majority and a minority class, cut to the same
size; 80 % of either are candidates, the rest tests; of the minority's candidates
floor(r * majority) are left, at least 2. A sampler balances them, and three classifiers
of scikit-learn at their defaults learn from what it returns. Seed by seed, all methods
see the same rows.

--pairs drawn draws both classes in each run. --pairs published takes the classes of
the published USPS table, 2 against 8, uncut: seven of its eight columns of LinearSVC
are the scores of one confusion matrix each, of 185 + 141 test rows, which only these
have.

Every finished cell (data set and ratio, method, seed) goes to <out>/cells.jsonl at
once. Stop whenever you like: the same command goes on, and tries failed cells once
more. Methods, ratios and seeds may be added to a run; other pairs need another --out.
"""

from contextlib import closing
from pathlib import Path

import _commands
from _commands import add_worker_arguments, choose_workers, compute_or_stop
from _names import check_names, split_names
from _paper_cells import add_seeds_argument
from _paper_data import (
    DATASETS,
    add_data_argument,
    add_datasets_argument,
    data_folder,
    parse_pairs,
    read_dataset,
)

from _gl_gan.cells import Grid, compute, register
from _gl_gan.data import PUBLISHED_PAIRS
from _gl_gan.methods import METHODS

DEFAULT_OUT = Path("results") / "gl_gan"


def _ratios(text):
    return [float(part) for part in split_names(text)]


def add_out_argument(parser):
    """Add the option that says where results are."""
    _commands.add_out_argument(parser, DEFAULT_OUT)


def add_arguments(parser):
    """Add the options of this command."""
    add_data_argument(parser)
    add_out_argument(parser)
    add_datasets_argument(parser)
    parser.add_argument(
        "--r",
        type=_ratios,
        metavar="A,B",
        default=[0.01],
        help="rows of the minority for each of the majority (default: 0.01)",
    )
    parser.add_argument(
        "--methods",
        type=split_names,
        metavar="A,B",
        default=list(METHODS),
        help=f"samplers, of {', '.join(METHODS)} (default: all)",
    )
    add_seeds_argument(parser, "pair, rows, samplers and classifiers")
    parser.add_argument(
        "--pairs",
        type=str,
        default="drawn",
        metavar="drawn|published|A-B",
        help="classes: drawn in each run, those of the published table, or a majority "
        "and a minority such as 4-7, or --pairs=-1-1 (default: drawn)",
    )
    add_worker_arguments(parser)
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="100 rows of a class and 2 epochs: tries the code, says nothing of scores",
    )


def make_grid(args):
    """Check the options and read the data.

    Raises
    ------
    ValueError
        If an option is wrong or data cannot be had.
    """
    check_names(args.methods, METHODS, "--methods")
    check_names(args.datasets, DATASETS, "--datasets")
    if not args.r or not all(0 < r < 1 for r in args.r):
        raise ValueError(f"--r got {args.r}; give ratios above 0 and below 1.")
    if not args.seeds:
        raise ValueError("--seeds is empty; give runs such as 0-9.")
    folder = data_folder(args.data)
    grid = Grid(
        datasets=[read_dataset(name, folder) for name in args.datasets],
        ratios=args.r,
        methods=args.methods,
        seeds=args.seeds,
        pairs=parse_pairs(args.pairs, PUBLISHED_PAIRS),
        smoke=args.smoke,
    )
    grid.check()
    return grid


def run(args):
    """Compute what is missing; return the exit code."""
    workers = choose_workers(args, "cpu")
    grid = make_grid(args)
    path = args.out / "cells.jsonl"
    with closing(register(path, grid, mix_versions=args.mix_versions)) as store:
        code = compute_or_stop(lambda: compute(store, grid, workers), path)
    if code:
        return code
    print(f"Cells: {path}; see them with the commands tables and series.")
    return 0
