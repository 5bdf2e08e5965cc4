"""Benchmark on imbalanced-learn's 27 sets, or on scikit-learn's own data without them.

    python benchmarks/imblearn27.py --preset quick

A run is a grid of cells: dataset x method x fold. Every finished cell goes to
``<out>/cells.jsonl`` at once. Stop a run whenever you like and give the same command
again: it goes on where it stopped, and tries cells that failed once more. Methods and
datasets may be added to a run; another protocol or seed needs another ``--out``.

Fair play
---------
- All methods see the same splits, which follow from ``--seed`` and the dataset's name.
- Whatever learns from data (scaling, sampling, early stopping, thresholds) sees the
  training half only. The test half is predicted once, and that one prediction gives
  every score.
- A net that stops early gets the fit part of the training half to learn from, and the
  validation part to stop by and to tune its decision threshold. A learner that has no
  use for a validation part while it is fitted (no net, and LDAM, which trains a fixed
  number of epochs) is fitted on the fit part to tune its threshold on the validation
  part, then again on the whole training half, so that it is not handicapped.
- All methods run at their defaults. None is tuned set by set; that nets encode their
  columns piecewise linearly was decided with these sets in view, for all nets alike.
- A cell that raises is recorded as failed with its error, and the report ranks it last.

At the end, and with ``--report-only``, report.md, report.html and their pictures are
written to ``<out>``.
"""

import argparse
import sys
from pathlib import Path

from imbdeep_bench.engine import command
from imbdeep_bench.engine.names import check_names, split_names
from imbdeep_bench.imblearn27.experiment import plan
from imbdeep_bench.imblearn27.methods import METHODS
from imbdeep_bench.imblearn27.presets import PRESETS
from imbdeep_bench.report import rank_table, read_cells, write_report

PROTOCOLS = (
    "<repeats>x2: two-fold, 30%% of the training half to validate (10x2 is the ReMix "
    "paper's); <repeats>x60-20-20: random splits to fit, validate and test (4x60-20-20 "
    "is the explicit-gradient paper's); <repeats>x80-20: random splits with the seeds "
    "100, 101, ..., a fifth of the training part to validate"
)
REPORT_AGAIN = "What was reported before is as it was; go on with --report-only."


def make_parser():
    """Return the parser of the command line."""
    presets = "\n".join(f"  {name:13}{p.description}" for name, p in PRESETS.items())
    methods = "\n".join(f"  {name:28}{m.title}" for name, m in METHODS.items())
    parser = argparse.ArgumentParser(
        prog="imblearn27.py",
        description="Compare methods for class imbalance on imbalanced-learn's 27 "
        "sets,\nor on scikit-learn's own data where these cannot be had.",
        epilog=f"presets:\n{presets}\n\nmethods:\n{methods}\n\n"
        "A run can be stopped at any time; the same command goes on with it.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words = "datasets, methods and protocol, see below (default: quick)"
    parser.add_argument("--preset", default="quick", help=words)
    words = "these sets instead of the preset's, from the 27 or the embedded suite"
    parser.add_argument("--datasets", type=split_names, metavar="A,B", help=words)
    words = (
        f"these methods or groups ({', '.join(command.groups_of(METHODS))}) "
        "instead of the preset's, see below"
    )
    parser.add_argument("--methods", type=split_names, metavar="A,B", help=words)
    parser.add_argument("--protocol", metavar="NAME", help=PROTOCOLS)
    command.add_computing(parser)
    command.add_device(parser, "auto")
    command.add_out(parser, None, "results/<preset>")
    command.add_data_home(parser)
    command.add_seed(parser, "splits and estimators")
    return parser


def report(path):
    """Write the report on a file of cells beside it; print its short form."""
    written = write_report(path, path.parent)
    ranks = rank_table(read_cells(path)).round(2)
    print(f"Average ranks over the data sets, 1 is best:\n{ranks.to_string()}\n")
    print(f"Report: {written} (and report.html beside it)")


def run_or_report(args):
    """Compute what is missing, unless a report is all that is wanted; then report."""
    check_names([args.preset], PRESETS, "--preset")
    path = (args.out or Path("results") / args.preset) / "cells.jsonl"
    if code := command.fill_or_check(args, path, plan, read_cells):
        return code
    try:
        report(path)
    except OSError as error:
        print(f"imblearn27.py: no report: {error}. {REPORT_AGAIN}", file=sys.stderr)
        raise SystemExit(1) from None
    return 0


def main(argv=None):
    """Run the benchmark from the command line; return the exit code.

    It is 0 when the grid is complete (failed cells are part of the report), 1 when it
    could not go on, 130 when the run was interrupted. A wrong option exits with 2, a
    report that cannot be written with 1.
    """
    parser = make_parser()
    return command.call_or_complain(run_or_report, parser, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
