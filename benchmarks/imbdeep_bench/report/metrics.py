"""What the report knows about each metric: its name in print and which way is up."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class MetricInfo:
    """A recorded metric: its name in print, which way is better, and what it is."""

    label: str
    better: str  # 'higher' or 'lower'
    definition: str

    @property
    def greater_is_better(self):
        return self.better == "higher"


def read_metrics():
    """Read the table of metrics, in the order of the report."""
    table = pd.read_csv(Path(__file__).with_name("metrics.csv"), index_col="metric")
    return {row.Index: MetricInfo(*row[1:]) for row in table.itertuples()}


METRICS = read_metrics()
HEADLINE_METRICS = ("average_precision", "roc_auc", "g_mean")
HEADLINE_METRICS += ("balanced_brier", "log_loss")
LABEL_METRICS = ("g_mean", "balanced_accuracy", "macro_f1", "mcc")


def metric_info(metric):
    """Look up a metric; an unknown one is an error, since its direction is unknown."""
    if metric not in METRICS:
        raise ValueError(
            f"metric={metric!r} is not one whose direction is known; use one of "
            f"{', '.join(METRICS)}."
        )
    return METRICS[metric]
