"""The experiments of the crowdsourcing chapter: labels from workers who err.

    python benchmarks/crowds.py run --data raw
    python benchmarks/crowds.py inference
    python benchmarks/crowds.py warmup --data raw
    python benchmarks/crowds.py sets
    python benchmarks/crowds.py speed

``run``, ``warmup`` and ``sets`` compute cells and report on them, ``inference`` draws
what ``run`` computed, and ``speed`` times the aggregators. All write to
``results/crowds``. Stop them whenever you like: the same command goes on.
"""

import sys

from _commands import make_command_parser, run_command
from _crowds import inference, run, sets, speed, warmup

COMMANDS = {
    "run": run,
    "inference": inference,
    "warmup": warmup,
    "sets": sets,
    "speed": speed,
}


def main(argv=None):
    """Run one command; return its exit code."""
    parser = make_command_parser(
        "crowds.py",
        "The experiments of the crowdsourcing chapter.",
        COMMANDS,
        "command",
    )
    return run_command(parser, COMMANDS, "command", argv)


if __name__ == "__main__":
    sys.exit(main())
