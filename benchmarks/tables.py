"""What the library makes of tables as they come, on tables that nobody reports on.

    python benchmarks/tables.py encodings --data keel
    python benchmarks/tables.py levels --data keel
    python benchmarks/tables.py gaps --data keel
    python benchmarks/tables.py members --data keel
    python benchmarks/tables.py thresholds --data keel
    python benchmarks/tables.py raw --data keel

Defaults may be chosen on them. Runs can be stopped whenever you like: the same command
goes on. All write to ``results/tables``.
"""

import sys

from imbdeep_bench.engine.command import make_command_parser, run_command
from imbdeep_bench.tables import PARTS


def main(argv=None):
    """Run one part; return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    parser = make_command_parser("tables.py", __doc__.splitlines()[0], PARTS)
    return run_command(parser, PARTS, argv)


if __name__ == "__main__":
    sys.exit(main())
