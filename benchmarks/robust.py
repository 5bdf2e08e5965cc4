"""The experiments of the chapters on adversarial training under imbalance.

    python benchmarks/robust.py images --data raw
    python benchmarks/robust.py tables
    python benchmarks/robust.py weights --data raw
    python benchmarks/robust.py theory

``images`` trains on pictures whose classes get rarer, ``tables`` on ten of the 27 sets,
and ``weights`` gives a rare class more and more weight. These compute cells and report
on them. Stop them whenever you like: the same command goes on. ``theory`` checks the
analysis behind them. All write to ``results/robust``.
"""

import sys

from _commands import make_command_parser, run_command
from _robust import images, tables, theory, weights

COMMANDS = {
    "images": images,
    "tables": tables,
    "weights": weights,
    "theory": theory,
}


def main(argv=None):
    """Run one command; return its exit code."""
    parser = make_command_parser(
        "robust.py",
        "The experiments of the chapters on adversarial training under imbalance.",
        COMMANDS,
        "command",
    )
    return run_command(parser, COMMANDS, "command", argv)


if __name__ == "__main__":
    sys.exit(main())
