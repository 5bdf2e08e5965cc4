"""A run: register it in the file of results, then compute what is missing there."""

from contextlib import closing

from tqdm import tqdm

from imbdeep_bench.engine.errors import message_of
from imbdeep_bench.engine.experiment import run_cell
from imbdeep_bench.engine.identity import check_identity, identities, identity_of_run
from imbdeep_bench.engine.store import CellStore
from imbdeep_bench.engine.workers import DIED, ERROR, Accident


def begin(store, grid, *, mix_versions=False):
    """Check that a run may go on with a file, and write the run's record to it.

    A ValueError says that the file's results cannot be compared with this run's;
    ``mix_versions`` lets finished cells be those of other code. The file's grid only
    grows: data sets and methods of the run before are added.
    """
    # Folds differ in seeds alone.
    cells = [cell for cell in grid.cells() if cell.fold == grid.folds[0]]
    store.check_fields([*cells[0].head(), *grid.experiment.no_result])
    record, known = grid.record(), identities(cells)
    store.check_same_run(record, {c.key[0]: c.setting.data.sha256 for c in cells})
    if not mix_versions:
        check_identity(store, known, grid.experiment.versions)
    for earlier in store.of_kind("run")[-1:]:
        for part in ("datasets", "methods"):
            record[part] = list(dict.fromkeys(earlier[part] + record[part]))
    store.append({**record, "identity": identity_of_run(known)})
    for dataset in grid.datasets:
        if dataset not in store.records:
            store.append(dataset)


def _innocent_first(store, cells):
    """Put cells that failed behind the others; tell those that killed their worker."""
    causes = store.causes_of_failure()
    suspects = [cell for cell in cells if causes.get(cell.key) == DIED]
    others = [cell for cell in cells if causes.get(cell.key) != DIED]
    return sorted(others, key=lambda cell: cell.key in causes), suspects


def _keep(store, cell, outcome, identity):
    """Store the record of a cell or of its accident, and return it."""
    if not isinstance(outcome, Accident):
        try:
            return store.append({**outcome, "identity": identity})
        except (TypeError, ValueError) as error:  # a score that is NaN, say
            outcome = Accident(ERROR, message_of(error))
    failed = {**cell.head(), **cell.failure(outcome.message)}
    failed |= {"cause": outcome.cause, "exit_code": outcome.exit_code}
    return store.append({**failed, "identity": identity})


def compute(store, cells, workers, *, n_total, run_one=run_cell):
    """Compute cells of a grid of ``n_total``, store each at once; count the failed.

    A worker may die through no fault of its cell, as when another one takes all the
    memory. Such cells are tried again after all the others, one at a time.
    """
    n_failed = 0
    known = identities(cells)
    others, suspects = _innocent_first(store, cells)
    bar = tqdm(total=n_total, initial=n_total - len(cells), unit="cell", smoothing=0)
    with bar:
        for part, crew in ((others, workers), (suspects, workers.alone())):
            with closing(crew.compute(run_one, part)) as outcomes:
                for cell, outcome in outcomes:
                    outcome = _keep(store, cell, outcome, known[cell.key[:2]])
                    if outcome.get("cause") == DIED and part is others:
                        suspects.append(cell)
                        continue
                    n_failed += outcome["status"] == "failed"
                    bar.set_postfix(failed=n_failed, refresh=False)
                    bar.update()
    return n_failed


def fill(path, grid, workers, *, mix_versions=False):
    """Compute the cells of a grid that a file of results lacks; count the failed."""
    with closing(CellStore(path)) as store:
        begin(store, grid, mix_versions=mix_versions)
        finished, cells = store.finished(), grid.cells()
        missing = [cell for cell in cells if cell.key not in finished]
        return compute(store, missing, workers, n_total=len(cells))
