"""Adult at 50:1, 100:1 and 200:1 (section 5): Table 1 and Figure 2.

    python benchmarks/explicit_gradient.py adult --data adult.csv.gz

The rows without a missing value are balanced at random, then rows of the minority are
withdrawn. Each of four random splits takes 64 % of the rows to fit, 16 % to validate
and 20 % to test. All methods have the same net, splits and seeds, and choose their
epoch by the average precision on the same validation rows. Beside the paper's methods
stand

- duplicates: the paper's method with eta2 = 0, so that synthetic rows do not move;
- every baseline trained once more on the rows to fit and to validate together, for as
  many epochs as were best: its own use of the validation rows.

Every finished cell (ratio, method, split) goes to <out>/cells.jsonl at once. Stop
whenever you like: the same command goes on. Takes half an hour on one core.
"""

from contextlib import closing
from pathlib import Path

from _commands import add_worker_arguments, choose_workers, compute_or_stop

from _explicit_gradient.adult_cells import compute, register
from _explicit_gradient.adult_data import (
    FEATURES,
    MAJORITY,
    MINORITY,
    TARGET,
    balance,
    read_adult,
)
from _explicit_gradient.adult_report import write_report


def add_adult_arguments(parser, experiment):
    """Add the options of an experiment on the census table."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help=f"CSV of the census data with the columns {', '.join(FEATURES)} and "
        f"{TARGET} ('{MAJORITY}' or '{MINORITY}'); missing values are empty",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("results") / "explicit_gradient" / experiment,
        help="folder of results and report (default: %(default)s)",
    )
    add_worker_arguments(parser)
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="decides which rows are left, splits and nets (default: 0)",
    )


def add_arguments(parser):
    """Add the options of this experiment."""
    add_adult_arguments(parser, "adult")


def run(args):
    """Compute what is missing, and report; return the exit code."""
    workers = choose_workers(args, "cpu")
    path = args.out / "cells.jsonl"
    adult = balance(read_adult(args.data), args.seed)
    opened = register(path, adult, args.seed, mix_versions=args.mix_versions)
    with closing(opened) as store:
        code = compute_or_stop(lambda: compute(store, adult, args.seed, workers), path)
    print(f"Report: {write_report(store.records, args.out)}")
    return code
