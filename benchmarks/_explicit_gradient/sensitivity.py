"""What makes the difference: the method's setting varied, and tuned on validation rows.

Every variation changes one parameter of the paper's setting. Every candidate has the
splits, and the nets' seeds, of ``sets``. The candidate of a split is chosen by its
average precision on the validation rows; test rows choose nothing.
"""

from _explicit_gradient.candidates import ours_candidates, plain_candidates
from _explicit_gradient.cells import add_grid_arguments, method, run_grid
from _explicit_gradient.sensitivity_report import report

DATASETS = [
    "ecoli",
    "satimage",
    "abalone",
    "sick_euthyroid",
    "us_crime",
    "thyroid_sick",
    "arrhythmia",
    "oil",
    "wine_quality",
    "yeast_me2",
]
METHODS = {
    name: method(name, make)
    for name, make in {**plain_candidates(), **ours_candidates()}.items()
}


def add_arguments(parser):
    """Add the options of this experiment."""
    add_grid_arguments(parser, "sensitivity")


def run(args):
    """Compute the grid, or go on with it, and report; return the exit code."""
    return run_grid(args, METHODS, DATASETS, report)
