"""The experiments of the papers behind the library's methods, beside what they printed.

    python benchmarks/papers.py climate tables
    python benchmarks/papers.py crowds run --data raw
    python benchmarks/papers.py explicit_gradient sets
    python benchmarks/papers.py gl_gan run --data raw
    python benchmarks/papers.py remix tables --data keel
    python benchmarks/papers.py robust images --data raw
    python benchmarks/papers.py robustness images --data raw

Each paper has several parts; ``papers.py PAPER --help`` lists them. What computes cells
can be stopped whenever you like: the same command goes on. All write to
``results/PAPER``.
"""

import argparse
import sys
from importlib import import_module

from imbdeep_bench.engine.command import make_command_parser, run_command

PAPERS = {
    "climate": "climate adaptation: forage from satellite tiles",
    "crowds": "ICED: labels from workers who err",
    "explicit_gradient": "meta-augmentation: synthetic rows that move",
    "gl_gan": "GL-GAN: synthetic rows, judged by other classifiers",
    "remix": "ReMix: balanced batches of mixed rows",
    "robust": "SRAT and Imb-Mix: adversarial training under imbalance",
    "robustness": "robustness and dataset bias: which robustness costs rare classes",
}


def main(argv=None):
    """Run one part of a paper; return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    chooser = argparse.ArgumentParser(
        prog="papers.py",
        description="The experiments of the papers behind the library's methods.",
        epilog="\n".join(f"  {name:20}{words}" for name, words in PAPERS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    chooser.add_argument("paper", choices=list(PAPERS), metavar="PAPER")
    # Only the paper that was asked for is imported.
    paper = chooser.parse_args(argv[:1]).paper
    module = import_module(f"imbdeep_bench.papers.{paper}")
    parser = make_command_parser(f"papers.py {paper}", module.__doc__, module.PARTS)
    return run_command(parser, module.PARTS, argv[1:])


if __name__ == "__main__":
    sys.exit(main())
