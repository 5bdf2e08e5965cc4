"""What a record may say, given what it is about: ranges of scores, cells of a run."""

import math

from imbdeep_bench.engine.protocol import count_folds

# Rounding takes a sum of shares a little beyond 1.
SLACK = 1e-9
SHARE = (0, 1)
ANY = (-math.inf, math.inf)
RANGES = {
    **dict.fromkeys(("accuracy", "average_precision", "roc_auc", "g_mean"), SHARE),
    **dict.fromkeys(("balanced_accuracy", "macro_f1", "brier"), SHARE),
    **dict.fromkeys(("balanced_brier", "recall_0", "recall_1"), SHARE),
    "mcc": (-1, 1),
    **dict.fromkeys(("log_loss", "intra_class_variance"), (0, math.inf)),
}


def describe(value):
    """Print a value that is wrong, as short as a message wants it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def fault_of_scores(scores):
    """Say which score is none of its metric; None: all may be.

    ``scores`` are numbers by metric, or such by classifier. Metrics that nobody lists
    here may be any number. What is infinite is no score, and read as missing.

    >>> fault_of_scores({"average_precision": 7.0})
    'average_precision=7.0; expected a number from 0 to 1'
    """
    for name, value in scores.items():
        if isinstance(value, dict):
            if fault := fault_of_scores(value):
                return fault
            continue
        low, high = RANGES.get(name.removesuffix("_tuned"), ANY)
        is_score = value is not None and math.isfinite(value)
        if is_score and not low - SLACK <= value <= high + SLACK:
            words = f"from {low} to {high}" if high <= 1 else f"of at least {low}"
            return f"{name}={value!r}; expected a number {words}"
    return None


class Announced:
    """Data sets, methods and folds of the runs that a file of results has so far.

    >>> announced = Announced()
    >>> run = {"datasets": ["ecoli"], "methods": ["net"], "protocol": "1x2"}
    >>> announced.add(run)
    >>> announced.fault_of({"dataset": "ecoli", "method": "net", "fold": 99})
    'fold=99; the runs before it have the folds 0 to 1'
    """

    def __init__(self):
        self._names = {"dataset": set(), "method": set()}
        self._folds = set()
        self._all_folds_known = True

    def add(self, run):
        """Take note of the record of a run."""
        for name, known in self._names.items():
            known.update(run[f"{name}s"])
        folds = run.get("seeds") or range(count_folds(run))
        self._folds.update(folds)
        self._all_folds_known &= len(folds) > 0

    def fault_of(self, cell):
        """Say what about a cell no run announced; None: nothing, or there is no run."""
        for name, known in self._names.items():
            if known and cell[name] not in known:
                told = f"{name}={describe(cell[name])}"
                return f"{told}; the runs before it have {describe(sorted(known))}"
        if self._folds and self._all_folds_known and cell["fold"] not in self._folds:
            span = f"{min(self._folds)} to {max(self._folds)}"
            return f"fold={cell['fold']}; the runs before it have the folds {span}"
        return None
