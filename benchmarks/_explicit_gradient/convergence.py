"""Does training settle? Loss, score and synthetic rows on adult 50:1 (appendix C).

    python benchmarks/explicit_gradient.py convergence --data adult.csv.gz

The rows, splits, net and settings of ``adult`` at 50:1. Training on the training rows
alone is followed by as many epochs with synthetic rows, once with rows that move and
once with rows that lie still (duplicates, eta2 = 0). Each epoch records the losses, the
average precision on validation and on test rows, and how far synthetic rows are from
where they began and from where they were an epoch before. Test rows choose nothing:
they are scored to show what the validation rows do not.

Every finished cell (method, split) goes to <out>/cells.jsonl at once. Stop whenever you
like: the same command goes on. Takes a quarter of an hour on one core.
"""

from contextlib import closing

from _commands import choose_workers, compute_or_stop
from _paper_cells import compute_missing, open_run

from _explicit_gradient.adult import add_adult_arguments
from _explicit_gradient.adult_data import N_SPLITS, balance, read_adult
from _explicit_gradient.convergence_cells import make_cells, run_cell
from _explicit_gradient.convergence_report import write_report


def add_arguments(parser):
    """Add the options of this experiment."""
    add_adult_arguments(parser, "convergence")


def run(args):
    """Compute what is missing, and report; return the exit code."""
    workers = choose_workers(args, "cpu")
    cells = make_cells(balance(read_adult(args.data), args.seed), args.seed)
    protocol = f"{N_SPLITS}x64-16-20, seed {args.seed}"
    path = args.out / "cells.jsonl"
    opened = open_run(
        path,
        cells,
        suite="convergence",
        protocol=protocol,
        mix_versions=args.mix_versions,
    )
    with closing(opened) as store:
        code = compute_or_stop(
            lambda: compute_missing(store, run_cell, cells, workers), path
        )
    print(f"Report: {write_report(store.of_kind('cell'), args.out)}")
    return code
