"""The experiments of the GL-GAN chapter: synthetic rows, judged by other classifiers.

    python benchmarks/gl_gan.py run --data raw
    python benchmarks/gl_gan.py tables
    python benchmarks/gl_gan.py series
    python benchmarks/gl_gan.py digits --data raw

``run`` computes cells, ``tables`` and ``series`` report on them, ``digits`` is the case
study. All write to ``results/gl_gan``. Stop ``run`` whenever you like: the same command
goes on.
"""

import sys

from _commands import make_command_parser, run_command
from _gl_gan import digits, run, series, tables

COMMANDS = {"run": run, "tables": tables, "series": series, "digits": digits}


def main(argv=None):
    """Run one command; return its exit code."""
    parser = make_command_parser(
        "gl_gan.py", "The experiments of the GL-GAN chapter.", COMMANDS, "command"
    )
    return run_command(parser, COMMANDS, "command", argv)


if __name__ == "__main__":
    sys.exit(main())
