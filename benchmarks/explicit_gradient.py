"""The experiments of the explicit-gradient paper, on our classifier and its baselines.

    python benchmarks/explicit_gradient.py sine
    python benchmarks/explicit_gradient.py adult
    python benchmarks/explicit_gradient.py convergence
    python benchmarks/explicit_gradient.py sets
    python benchmarks/explicit_gradient.py sensitivity

Each writes tables and pictures to ``results/explicit_gradient/<experiment>``. Stop
all but ``sine`` whenever you like: the same command goes on.
"""

import sys

from _commands import make_command_parser, run_command
from _explicit_gradient import adult, convergence, sensitivity, sets, sine

EXPERIMENTS = {
    "sine": sine,
    "adult": adult,
    "convergence": convergence,
    "sets": sets,
    "sensitivity": sensitivity,
}


def main(argv=None):
    """Run one experiment; return its exit code."""
    parser = make_command_parser(
        "explicit_gradient.py",
        "The experiments of the explicit-gradient paper.",
        EXPERIMENTS,
        "experiment",
    )
    return run_command(parser, EXPERIMENTS, "experiment", argv)


if __name__ == "__main__":
    sys.exit(main())
