"""Scores of one fold, all from one set of predicted probabilities."""

import numpy as np
from imblearn.metrics import geometric_mean_score
from sklearn import metrics

from imbdeep.metrics import (
    balanced_brier_score,
    calibration_intercept,
    calibration_slope,
    intra_class_variance,
)

# Forests and boosting say 0 and 1, and a single one that is wrong makes the slope 0.
LEAST_PROBA = 1e-6


def check_probabilities(proba):
    """Return `proba` as float64; a ValueError says that some are none (raw logits)."""
    proba = np.asarray(proba, dtype=np.float64)
    if not np.isfinite(proba).all():
        raise ValueError("predict_proba returned NaN or infinity.")
    if proba.min() < 0 or proba.max() > 1:
        raise ValueError(
            "predict_proba returned values outside [0, 1], "
            f"from {proba.min():.3g} to {proba.max():.3g}."
        )
    return proba


def tune_threshold(y_true, proba):
    """Threshold that maximises the geometric mean of the two recalls.

    A row is called positive when its probability is at least the threshold, so every
    threshold between two neighbouring probabilities predicts the same; the middle of
    the best such interval is returned. Of intervals that tie, the widest wins, then the
    lowest: it leaves most room on both sides. It is 0.5 when no threshold gets a row of
    each class right.
    """
    false_rate, recall, cuts = metrics.roc_curve(y_true, proba, drop_intermediate=False)
    g_mean = np.sqrt(recall * (1 - false_rate))
    if g_mean.max() == 0:
        return 0.5
    # cuts[0] is infinity, with no recall. The last cut calls every row positive. So
    # the best cut has a lower neighbour.
    best = np.flatnonzero(np.isclose(g_mean, g_mean.max(), rtol=1e-12, atol=0))
    best = best[best + 1 < len(cuts)]
    width, lowest = max((cuts[k] - cuts[k + 1], k) for k in best)
    # The middle of two neighbouring floats rounds to one of them: take the upper.
    middle = cuts[lowest + 1] + width / 2
    return float(middle if middle > cuts[lowest + 1] else cuts[lowest])


def tune_on_held_out(y_true, oof_proba):
    """Threshold tuned on the rows that a model held out; others have NaN."""
    is_held_out = ~np.isnan(oof_proba)
    return tune_threshold(y_true[is_held_out], oof_proba[is_held_out])


def label_scores(y_true, y_pred):
    """Scores of hard predictions."""
    scores = {
        "g_mean": geometric_mean_score(y_true, y_pred),
        "balanced_accuracy": metrics.balanced_accuracy_score(y_true, y_pred),
        "macro_f1": metrics.f1_score(y_true, y_pred, average="macro", zero_division=0),
        "mcc": metrics.matthews_corrcoef(y_true, y_pred),
    }
    return {name: float(score) for name, score in scores.items()}


def calibration_line(y_true, proba):
    """Slope and intercept of the logistic recalibration, where they are finite.

    There is no slope if all probabilities are the same, or a threshold separates the
    classes.
    """
    proba = np.clip(proba, LEAST_PROBA, 1 - LEAST_PROBA)
    line = {"calibration_intercept": calibration_intercept(y_true, proba)}
    if np.ptp(proba) > 0:
        line["calibration_slope"] = calibration_slope(y_true, proba)
    return {name: value for name, value in line.items() if np.isfinite(value)}


def fold_scores(y_true, proba, threshold):
    """Every score of one fold, of probabilities of class 1, the minority.

    Label metrics stand twice: at 0.5 and, with the suffix ``_tuned``, at `threshold`.
    ``log_loss`` is scikit-learn's: it clips probabilities only at float64's precision,
    so one confident miss (a forest's certain 0, say) costs up to 36.
    """
    y_pred = (proba >= 0.5).astype(int)
    recall = metrics.recall_score(
        y_true, y_pred, average=None, labels=[0, 1], zero_division=0
    )
    tuned = label_scores(y_true, (proba >= threshold).astype(int))
    scores = {
        "average_precision": metrics.average_precision_score(y_true, proba),
        "roc_auc": metrics.roc_auc_score(y_true, proba),
        **label_scores(y_true, y_pred),
        "balanced_brier": balanced_brier_score(y_true, proba),
        "brier": metrics.brier_score_loss(y_true, proba),
        "log_loss": metrics.log_loss(y_true, proba),
        **calibration_line(y_true, proba),
        "recall_0": recall[0],
        "recall_1": recall[1],
        "intra_class_variance": intra_class_variance(y_true, y_pred),
        **{f"{name}_tuned": score for name, score in tuned.items()},
    }
    return {name: float(score) for name, score in scores.items()}
