"""The benchmark with slow methods, as a program that the tests can kill.

It takes the benchmark's own arguments, and appends a line to the file named by the
environment variable ``FITS`` whenever a fit is through.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import imblearn27
from _methods import METHODS, Method
from sklearn.linear_model import LogisticRegression

from imbdeep.datasets._imblearn27_table import IMBLEARN27
from tests.benchmarks.conftest import SMALL_SETS


class SlowClassifier(LogisticRegression):
    """Take a tenth of a second."""

    def fit(self, X, y, eval_set):
        time.sleep(0.1)
        with Path(os.environ["FITS"]).open("a") as file:
            file.write(f"{self.random_state}\n")
        return super().fit(X, y)


def make_slow(random_state, device):
    """Return a slow classifier."""
    return SlowClassifier(random_state=random_state)


def make_slow_and_mild(random_state, device):
    """Return a slow classifier with other scores."""
    return SlowClassifier(C=0.01, random_state=random_state)


def make_net(random_state, device):
    """Return a net that trains for a moment."""
    from imbdeep.classifiers import NetClassifier

    return NetClassifier(max_epochs=12, random_state=random_state, device=device)


def make_remix(random_state, device):
    """Return another net that trains for a moment."""
    from imbdeep.classifiers import ReMixClassifier

    return ReMixClassifier(max_epochs=12, random_state=random_state, device=device)


if __name__ == "__main__":
    IMBLEARN27.update(SMALL_SETS)
    METHODS["short_net"] = Method("short_net", "stopped", "", make_net)
    METHODS["short_remix"] = Method("short_remix", "stopped", "", make_remix)
    METHODS["slow"] = Method("slow", "stopped", "", make_slow)
    METHODS["mild"] = Method("mild", "stopped", "", make_slow_and_mild)
    sys.exit(imblearn27.main())
