"""The analysis of section 4.3 beside drawn rows."""

from pathlib import Path

import numpy as np
import pandas as pd

from imbdeep_bench.engine.command import Part, add_seed
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.robust import separability as closed
from imbdeep_bench.papers.robust.separability import Mixture
from imbdeep_bench.report.template import write_report

N_ROWS = 200_000
RATIO = 100
MIXTURES = (
    Mixture(1.0, 0.5, 1),
    Mixture(1.0, 1.0, 1),
    Mixture(1.0, 2.0, 1),
    Mixture(0.5, 1.0, 10),
)
# More separable than another by S, and less by what errors depend on.
COUNTER = Mixture(0.1, 0.2, 1), Mixture(1.0, 1.0, 1)


def error_table(seed):
    """Thresholds and errors of each mixture: drawn, in closed form, and as printed."""
    rows = []
    for mixture in MIXTURES:
        for weight in (1, RATIO):
            b = closed.threshold(mixture, RATIO, weight)
            own_seed = derive_seed(seed, "theory", repr(mixture), weight)
            state = np.random.RandomState(own_seed)
            told = {
                "drawn": closed.drawn_errors(mixture, b, N_ROWS, state),
                "closed": closed.class_errors(mixture, b),
                "printed": closed.printed_test_errors(mixture, RATIO, weight),
            }
            rows.append(
                {
                    "eta": mixture.eta,
                    "sigma": mixture.sigma,
                    "d": mixture.n_features,
                    "weight": weight,
                    "b": b,
                    "b, printed": closed.printed_threshold(mixture, RATIO, weight),
                }
                | {
                    f"error of {label}, {name}": float(errors[place])
                    for place, label in enumerate(("-1", "+1"))
                    for name, errors in told.items()
                }
            )
    return pd.DataFrame(rows)


def theorem_table():
    """Both sides of the theorems for one dimension, and for a pair that S misorders."""
    rows = [
        {
            "eta": mixture.eta,
            "sigma": mixture.sigma,
            "S": mixture.separability,
            "t": mixture.distance,
            "gap (4.5)": closed.error_gap(mixture, RATIO),
            "price (4.9)": closed.price_of_weighting(mixture, RATIO),
        }
        for mixture in dict.fromkeys([*MIXTURES[:3], *COUNTER])
    ]
    return pd.DataFrame(rows).sort_values("t", ascending=False)


class Theory(Part):
    """Section 4.3: its closed forms, as printed and corrected, beside drawn rows.

        python benchmarks/papers.py robust theory

    Lemma 4.3.1 and Theorems 4.3.2 and 4.3.3 say what a weight does to a linear
    classifier of two Gaussians. The derivation, and where what is printed departs from
    it, stand at the top of separability.py. Writes theory.md; takes seconds.
    """

    out = "results/robust"

    @staticmethod
    def add_own_arguments(parser):
        """Add the options that no other part has."""
        add_seed(parser, "the rows that are drawn")

    @staticmethod
    def report(args):
        """Write the tables; return the path."""
        numbers = {
            "ratio": RATIO,
            "n_rows": N_ROWS,
            "errors": error_table(args.seed).set_index("eta"),
            "theorems": theorem_table().set_index("eta"),
            **dict(zip(("first", "second"), COUNTER, strict=True)),
        }
        template = Path(__file__).with_name("theory.md.jinja")
        return write_report(args.out, template, numbers)
