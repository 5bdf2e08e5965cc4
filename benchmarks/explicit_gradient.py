"""The experiments of the explicit-gradient paper, on our classifier and its baselines.

    python benchmarks/explicit_gradient.py sine
    python benchmarks/explicit_gradient.py adult
    python benchmarks/explicit_gradient.py sets
    python benchmarks/explicit_gradient.py sensitivity

Each writes tables and pictures to ``results/explicit_gradient/<experiment>``. Stop
``adult``, ``sets`` and ``sensitivity`` whenever you like: the same command goes on.
"""

import argparse
import sys

from _explicit_gradient import adult, sensitivity, sets, sine

EXPERIMENTS = {
    "sine": sine,
    "adult": adult,
    "sets": sets,
    "sensitivity": sensitivity,
}


def make_parser():
    """Return the parser of the command line, a subcommand for each experiment."""
    parser = argparse.ArgumentParser(
        prog="explicit_gradient.py",
        description="The experiments of the explicit-gradient paper.",
    )
    commands = parser.add_subparsers(dest="experiment", required=True)
    for name, module in EXPERIMENTS.items():
        summary = module.__doc__.splitlines()[0]
        module.add_arguments(
            commands.add_parser(
                name,
                help=summary,
                description=module.__doc__,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    return parser


def main(argv=None):
    """Run one experiment; return its exit code."""
    parser = make_parser()
    args = parser.parse_args(argv)
    try:
        return EXPERIMENTS[args.experiment].run(args)
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
