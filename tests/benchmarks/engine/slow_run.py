"""The benchmark with slow methods, as a program that the tests can kill.

It takes the benchmark's own arguments, and appends a line to the file named by the
environment variable ``FITS`` whenever a fit is through.
"""

import os
import sys
import time
from pathlib import Path

from sklearn.linear_model import LogisticRegression

import imblearn27
from imbdeep.datasets._imblearn27_table import IMBLEARN27
from imbdeep_bench.engine.experiment import Method
from imbdeep_bench.imblearn27.methods import METHODS
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
    METHODS["short_net"] = Method("short_net", make_net, kind="stopped")
    METHODS["short_remix"] = Method("short_remix", make_remix, kind="stopped")
    METHODS["slow"] = Method("slow", make_slow, kind="stopped")
    METHODS["mild"] = Method("mild", make_slow_and_mild, kind="stopped")
    sys.exit(imblearn27.main())
