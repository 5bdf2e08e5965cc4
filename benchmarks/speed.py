"""Speed and memory of the library, beside what one would write or take instead.

    python benchmarks/speed.py fit --out fit.md

Parts: fit, defaults, levels, members, meta_step, robust_step, augmentations, samplers,
aggregators. Each prints its report.
"""

import sys

from imbdeep_bench.engine.command import make_command_parser, run_command
from imbdeep_bench.speed import PARTS


def main(argv=None):
    """Measure one part; return the exit code."""
    words = "Speed and memory, beside what one would write or take instead."
    parser = make_command_parser("speed.py", words, PARTS)
    return run_command(parser, PARTS, argv)


if __name__ == "__main__":
    sys.exit(main())
