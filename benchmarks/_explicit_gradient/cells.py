"""A grid of the paper's protocol: what a cell records, and how a run goes on."""

from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from _cell import run_cell
from _commands import add_worker_arguments, choose_workers, compute_or_stop
from _grid import PRESETS
from _methods import Method
from _names import split_names
from _protocol import derive_seed, parse_protocol
from _run import Run, compute, register
from _suite import Suite, load_suite
from imblearn27 import check_exists

from imbdeep.reporting import read_cells

PROTOCOL = "4x60-20-20"
VALID = "valid_average_precision"


def method(name, make):
    """Describe a method of this experiment for the benchmark's cells."""
    return Method(name, "stopped", "", make)


@dataclass(frozen=True)
class PaperRun(Run):
    """A run of methods that are not in the big benchmark's table.

    Attributes
    ----------
    table : dict of str to Method
        The methods by name.
    """

    table: dict = field(default_factory=dict)

    def method(self, name):
        return self.table[name]


def run_paper_cell(cell):
    """Compute one cell, with the average precision on its validation rows.

    All methods have the same seed on a split, so that nets which begin alike begin with
    the same weights, and a difference is that of the methods.

    Parameters
    ----------
    cell : Cell
        What to compute; its method makes a :class:`~methods.ScaledNet`.

    Returns
    -------
    record : dict
        As of :func:`_cell.run_cell`, with one score more.
    """
    seed = derive_seed(cell.seed, cell.dataset, cell.fold)
    made = []

    def make(random_state, device):
        made.append(cell.method.make(seed, device))
        return made[-1]

    record = run_cell(replace(cell, method=replace(cell.method, make=make)))
    record["seed"] = seed
    if record["status"] == "ok":
        record["scores"][VALID] = float(made[-1].valid_average_precision_)
    return record


def read_finished(path):
    """Read a file of cells for a report.

    Parameters
    ----------
    path : Path
        ``cells.jsonl``.

    Returns
    -------
    cells : BenchmarkCells

    Raises
    ------
    ValueError
        If there is no split that every method has run.
    """
    cells = read_cells(path)
    if cells.paired_scores.empty:
        raise ValueError(
            f"{path} has no split that every method has run, so that nothing can be "
            "compared yet; go on without --report-only."
        )
    return cells


def add_grid_arguments(parser, experiment):
    """Add the options of an experiment that computes a grid of cells."""
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("results") / "explicit_gradient" / experiment,
        help="folder of results and report (default: %(default)s)",
    )
    parser.add_argument(
        "--datasets",
        type=split_names,
        metavar="A,B",
        help="these sets of the 27 instead of all that the experiment has",
    )
    parser.add_argument(
        "--data-home",
        metavar="DIR",
        help="scikit-learn's data folder (default: SCIKIT_LEARN_DATA or its own)",
    )
    add_worker_arguments(parser)
    parser.add_argument(
        "--seed", type=int, default=0, help="decides splits and nets (default: 0)"
    )
    parser.add_argument(
        "--report-only",
        action="store_true",
        help="compute nothing; report on the cells that are there",
    )


def load_sets(requested, data_home):
    """Load those of the 27 sets that are there, the smallest first.

    Parameters
    ----------
    requested : list of str or None
        Names; None takes all.
    data_home : str or None
        Scikit-learn's data folder.

    Returns
    -------
    suite : Suite

    Raises
    ------
    ValueError
        If none of the sets can be had.
    """
    suite = load_suite(requested, PRESETS["full"], data_home)
    if suite.name != "imblearn27":
        raise ValueError(
            "This experiment compares with published scores on imbalanced-learn's 27 "
            "sets, and none of them is in the cache or can be downloaded. Give their "
            "folder as --data-home."
        )
    # A run that is stopped early has then finished most sets of its last split.
    ordered = sorted(suite.data.items(), key=lambda item: len(item[1].target))
    return Suite(suite.name, dict(ordered), suite.missing)


def run_grid(args, table, datasets, report):
    """Compute what is missing of a grid, then report on it.

    Parameters
    ----------
    args : argparse.Namespace
        With the options of :func:`add_grid_arguments`.
    table : dict of str to Method
        The methods by name.
    datasets : list of str or None
        The experiment's sets, None for all of the 27; ``args.datasets`` comes first.
    report : callable
        ``report(path)`` reads a file of cells and writes beside it.

    Returns
    -------
    code : int
        0, or 130 when the run was interrupted.
    """
    path = args.out / "cells.jsonl"
    if args.report_only:
        check_exists(path)
        report(path)
        return 0
    run = PaperRun(
        preset="explicit_gradient",
        suite=load_sets(args.datasets or datasets, args.data_home),
        methods=list(table),
        protocol=parse_protocol(PROTOCOL),
        seed=args.seed,
        device="cpu",
        workers=choose_workers(args, "cpu"),
        mix_versions=args.mix_versions,
        table=table,
    )
    with closing(register(run, path)) as store:
        code = compute_or_stop(lambda: compute(run, store, run_paper_cell), path)
    if code:
        return code
    report(path)
    return 0
