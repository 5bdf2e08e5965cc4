"""Scripts of several commands, and options that more than one of them has."""

import argparse
from pathlib import Path


def make_command_parser(prog, description, modules, dest):
    """Return a parser with a subcommand for each module.

    Parameters
    ----------
    prog, description : str
        Of the script.
    modules : dict of str to module
        What each command runs: a module with ``add_arguments(parser)``, whose docstring
        is the help.
    dest : str
        What the parsed options call the command.

    Returns
    -------
    parser : ArgumentParser
    """
    parser = argparse.ArgumentParser(prog=prog, description=description)
    commands = parser.add_subparsers(dest=dest, required=True)
    for name, module in modules.items():
        module.add_arguments(
            commands.add_parser(
                name,
                help=module.__doc__.splitlines()[0],
                description=module.__doc__,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    return parser


def run_command(parser, modules, dest, argv=None):
    """Run the command that was given; return its exit code.

    Each module has a ``run(args)``; what it says of wrong options or missing files is
    said with the usage. A disk that is full, or a folder that cannot be written to, is
    said on one line, and the exit code is 1.
    """
    args = parser.parse_args(argv)
    try:
        return modules[getattr(args, dest)].run(args)
    except (ValueError, FileNotFoundError) as error:
        parser.error(str(error))
    except OSError as error:
        parser.exit(1, f"{parser.prog}: error: {error}\n")


def add_out_argument(parser, default):
    """Add the option that says where results are."""
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=default,
        help="folder of results (default: %(default)s)",
    )


def add_n_jobs_argument(parser):
    """Add the option that says how many processes compute cells."""
    parser.add_argument(
        "--n-jobs",
        type=int,
        metavar="N",
        help="processes, each with one thread (default: all cores); scores do not "
        "depend on it",
    )
