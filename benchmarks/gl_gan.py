"""The experiments of the GL-GAN chapter: synthetic rows, judged by other classifiers.

    python benchmarks/gl_gan.py run --data raw
    python benchmarks/gl_gan.py tables
    python benchmarks/gl_gan.py series
    python benchmarks/gl_gan.py digits --data raw

``run`` computes cells, ``tables`` and ``series`` report on them, ``digits`` is the case
study. All write to ``results/gl_gan``. Stop ``run`` whenever you like: the same command
goes on.
"""

import argparse
import sys

from _gl_gan import digits, run, series, tables

COMMANDS = {"run": run, "tables": tables, "series": series, "digits": digits}


def make_parser():
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="gl_gan.py", description="The experiments of the GL-GAN chapter."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        module.add_arguments(
            commands.add_parser(
                name,
                help=module.__doc__.splitlines()[0],
                description=module.__doc__,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    return parser


def main(argv=None):
    """Run one command; return its exit code."""
    parser = make_parser()
    args = parser.parse_args(argv)
    try:
        return COMMANDS[args.command].run(args)
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
