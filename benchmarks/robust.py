"""The experiments of the chapters on adversarial training under imbalance.

    python benchmarks/robust.py images --data raw
    python benchmarks/robust.py tables
    python benchmarks/robust.py weights --data raw

``images`` trains on pictures whose classes get rarer, ``tables`` on ten of the 27 sets,
and ``weights`` gives a rare class more and more weight. All compute cells and report on
them, and write to ``results/robust``. Stop them whenever you like: the same command
goes on.
"""

import sys

from _commands import make_command_parser, run_command
from _robust import images, tables, weights

COMMANDS = {"images": images, "tables": tables, "weights": weights}


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
