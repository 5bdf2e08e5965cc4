"""The 27 sets by the paper's protocol, beside the scores it published (Tables 2, 3).

Every method has the paper's net, 200 epochs and the same splits: 60 % of the rows to
train, 20 % to choose the epoch (and to move synthetic rows), 20 % to score. A baseline
stands twice: as it was at the best epoch and, as ``_all``, trained once more on
training and validation rows for as many epochs, since the paper's method learns from
both.
"""

from functools import partial

from _explicit_gradient.cells import add_grid_arguments, method, run_grid
from _explicit_gradient.methods import ALL_ROWS, BASELINES, EQUATION_1, OURS
from _explicit_gradient.sets_report import report

METHODS = {
    name: method(name, make)
    for name, make in {
        **BASELINES,
        **OURS,
        **EQUATION_1,
        **{
            f"{name}{ALL_ROWS}": partial(make, refit=True)
            for name, make in BASELINES.items()
        },
    }.items()
}


def add_arguments(parser):
    """Add the options of this experiment."""
    add_grid_arguments(parser, "sets")


def run(args):
    """Compute the grid, or go on with it, and report; return the exit code."""
    return run_grid(args, METHODS, None, report)
