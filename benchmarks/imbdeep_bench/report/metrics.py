"""What the report knows about each metric: its name in print and which way is up."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MetricInfo:
    """Name in print, direction and one-line definition of a recorded metric."""

    label: str
    greater_is_better: bool
    definition: str


METRICS = {
    "average_precision": MetricInfo(
        "average precision",
        True,
        "area under the precision-recall curve as a step sum; chance level is the "
        "minority's share",
    ),
    "roc_auc": MetricInfo(
        "ROC AUC",
        True,
        "probability that a random minority row scores above a random majority row",
    ),
    "g_mean": MetricInfo(
        "g-mean",
        True,
        "geometric mean of the recalls of the classes; 0 when one class is never "
        "predicted correctly",
    ),
    "balanced_accuracy": MetricInfo(
        "balanced accuracy", True, "arithmetic mean of the recalls of the classes"
    ),
    "macro_f1": MetricInfo("macro F1", True, "unweighted mean of the classes' F1"),
    "mcc": MetricInfo("MCC", True, "Matthews correlation coefficient, -1 to 1"),
    "balanced_brier": MetricInfo(
        "balanced Brier",
        False,
        "mean over the classes of the Brier score on that class's rows alone",
    ),
    "brier": MetricInfo("Brier", False, "Brier score over all rows"),
    "log_loss": MetricInfo("log loss", False, "mean negative log-likelihood"),
    "recall_0": MetricInfo(
        "majority recall", True, "share of the majority rows predicted as such"
    ),
    "recall_1": MetricInfo(
        "minority recall", True, "share of the minority rows predicted as such"
    ),
    "intra_class_variance": MetricInfo(
        "intra-class variance",
        False,
        "sum over the classes of the squared gap between the accuracy and the class's "
        "recall; 0 when all classes are recognised equally well",
    ),
    "g_mean_tuned": MetricInfo("g-mean, tuned", True, "g-mean at the tuned threshold"),
    "balanced_accuracy_tuned": MetricInfo(
        "balanced accuracy, tuned", True, "balanced accuracy at the tuned threshold"
    ),
    "macro_f1_tuned": MetricInfo(
        "macro F1, tuned", True, "macro F1 at the tuned threshold"
    ),
    "mcc_tuned": MetricInfo("MCC, tuned", True, "MCC at the tuned threshold"),
}

HEADLINE_METRICS = (
    "average_precision",
    "roc_auc",
    "g_mean",
    "balanced_brier",
    "log_loss",
)

LABEL_METRICS = ("g_mean", "balanced_accuracy", "macro_f1", "mcc")


def metric_info(metric):
    """Look up a metric; an unknown one is an error, since its direction is unknown."""
    if metric not in METRICS:
        raise ValueError(
            f"metric={metric!r} is not one whose direction is known; use one of "
            f"{', '.join(METRICS)}."
        )
    return METRICS[metric]
