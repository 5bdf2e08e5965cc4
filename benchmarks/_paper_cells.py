"""Runs of the papers' experiments: what is computed, and what went wrong."""

from _names import split_names
from _record import record_head
from _run import begin, compute_cells, library_versions
from _store import CellStore


def parse_seeds(text):
    """Read seeds such as ``'0-9'`` or ``'0,3'``.

    Examples
    --------
    >>> parse_seeds("0-2,7")
    [0, 1, 2, 7]
    """
    seeds = []
    for part in split_names(text):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return list(dict.fromkeys(seeds))


def add_seeds_argument(parser, decides):
    """Add the option that says which runs; ``decides`` tells what each draws."""
    parser.add_argument(
        "--seeds",
        type=parse_seeds,
        metavar="A-B",
        default=list(range(10)),
        help=f"runs; each decides {decides} (default: 0-9)",
    )


def open_run(path, cells, *, suite, protocol, mix_versions=False):
    """Open a file of results, and write to it what is run.

    Parameters
    ----------
    path : Path
    cells : list
        Each has a ``key`` (data set, method, seed) and a ``dataset``.
    suite, protocol : str
        What all results of a file share.
    mix_versions : bool
        Whether it may go on with results of other code.

    Returns
    -------
    store : CellStore

    Raises
    ------
    ValueError
        If the file holds results of another suite or protocol, or from other data, or
        a line that is wrong.
    """
    store = CellStore(path)
    names, methods, seeds = (
        list(dict.fromkeys(part)) for part in zip(*(c.key for c in cells), strict=True)
    )
    record = {
        "kind": "run",
        "suite": suite,
        "protocol": protocol,
        "datasets": names,
        "methods": methods,
        "versions": library_versions(),
        # Each cell's fold is its seed.
        "seed": None,
        "seeds": seeds,
    }
    with store.closed_on_error():
        store.check_fields([*record_head(cells[0]), *cells[0].no_result])
        begin(store, record, cells, mix_versions=mix_versions)
    return store


def compute_missing(store, run_one, cells, workers):
    """Compute the cells that are not finished yet, and store each at once.

    Parameters
    ----------
    store : CellStore
        As :func:`open_run` returned it.
    run_one : callable
        Takes a cell and returns its record.
    cells : list
    workers : Workers

    Returns
    -------
    n_failed : int
        How many cells failed.
    """
    finished = store.finished()
    missing = [cell for cell in cells if cell.key not in finished]
    return compute_cells(store, run_one, missing, workers, n_total=len(cells))


def failure_lines(cells, methods):
    """List the failed cells, those with one reason together.

    Parameters
    ----------
    cells : DataFrame
    methods : dict of str to object
        Each has a ``title``.
    """
    failed = cells[cells["status"] == "failed"]
    groups = failed.groupby(["dataset", "method", "error"], sort=False)["fold"]
    return "\n".join(
        f"- {dataset}, {methods[method].title}, seeds {', '.join(map(str, seeds))}: "
        f"{error}"
        for (dataset, method, error), seeds in groups
    )
