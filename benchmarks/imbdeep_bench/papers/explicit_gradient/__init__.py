"""The experiments of the explicit-gradient paper: our classifier and its baselines."""

from imbdeep_bench.papers.explicit_gradient.experiment import (
    AdultTable,
    Convergence,
    Sensitivity,
    Sets,
)
from imbdeep_bench.papers.explicit_gradient.sine import Sine

PARTS = {
    "sine": Sine,
    "adult": AdultTable,
    "convergence": Convergence,
    "sets": Sets,
    "sensitivity": Sensitivity,
}
