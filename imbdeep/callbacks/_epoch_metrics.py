"""Validation metrics that matter under imbalance, once per epoch."""

from typing import Any

import numpy as np
from skorch.callbacks import Callback

#: Metrics of which each epoch has an entry, ``valid_`` before its name.
RECORDED = ("average_precision", "balanced_accuracy", "g_mean")


def average_precision(is_positive: np.ndarray, scores: np.ndarray) -> float:
    r"""Average precision, :math:`\sum_t (R_t - R_{t-1}) P_t` over the thresholds.

    Parameters
    ----------
    is_positive : ndarray of shape (n,), bool
        At least one is.
    scores : ndarray of shape (n,)

    Returns
    -------
    float
        That of :func:`sklearn.metrics.average_precision_score`, to the last bit. Its
        checks of input take longer than an epoch of a small net.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.callbacks._epoch_metrics import average_precision
    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.5, 0.1]))
    0.8333333333333333
    """
    order = np.argsort(scores, kind="stable")[::-1]
    # Rows of equal scores share a threshold.
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    hits = np.cumsum(is_positive[order], dtype=np.float64)[ends]
    # From the lowest threshold to none, the order in which scikit-learn sums.
    precision, recall = (hits / (ends + 1))[::-1], (hits / hits[-1])[::-1]
    return float(max(0.0, -np.sum(np.diff(np.append(recall, 0.0)) * precision)))


def mean_average_precision(
    y: np.ndarray, proba: np.ndarray, class_counts: np.ndarray | None = None
) -> float:
    """Average precision of the rarer of two classes, or the mean over more classes.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Class indices.
    proba : ndarray of shape (n, n_classes)
    class_counts : ndarray of shape (n_classes,) or None, default=None
        Number of rows per class, which decides what is rare. None counts ``y``.

    Returns
    -------
    float
        In [0, 1]. Classes without rows in ``y`` do not count.
    """
    counts = np.bincount(y, minlength=proba.shape[1])
    present = np.flatnonzero(counts)
    if proba.shape[1] == 2:
        # A tie goes to the second class, scikit-learn's positive one.
        counts = counts if class_counts is None else class_counts
        present = sorted(present, key=lambda c: (counts[c], -c))[:1]
    return float(np.mean([average_precision(y == c, proba[:, c]) for c in present]))


def recalls(y: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Recall of each class that has rows in ``y``."""
    counts = np.bincount(y, minlength=n_classes)
    hits = np.bincount(y[y == predicted], minlength=n_classes)
    return hits[counts > 0] / counts[counts > 0]


def _why_no_numbers(net: Any) -> str:
    if net.predict_nonlinearity != "auto":
        return (
            "Probabilities of validation rows are no numbers, with "
            f"predict_nonlinearity={net.predict_nonlinearity!r}. Pass 'auto' for a "
            "module that gives logits."
        )
    # Training seemed well until its last step.
    return (
        f"{type(net).__name__}: the validation loss is nan in epoch "
        f"{len(net.history)}. Lower the learning rate lr, or check the settings of the "
        "optimizer."
    )


class EpochMetrics(Callback):
    """Record average precision, balanced accuracy and g-mean on the validation rows.

    The history of each epoch gets ``valid_average_precision`` (of the rarer class; with
    more than two classes, the mean of one-vs-rest over the classes),
    ``valid_balanced_accuracy`` (mean of the recalls) and ``valid_g_mean`` (their
    geometric mean). For each, a flag such as ``valid_g_mean_best`` says whether it is
    the best so far.

    Notes
    -----
    The metrics use the predictions of the validation pass itself; there is no further
    pass.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbdeep.classifiers import NetClassifier
    >>> X, y = make_classification(weights=[0.9], random_state=0)
    >>> net = NetClassifier(early_stopping=True, max_epochs=2, random_state=0)
    >>> net = net.fit(X, y)
    >>> len(net.history[:, 'valid_average_precision'])
    2
    """

    def initialize(self):
        self.best_ = {}
        return self

    def on_train_begin(self, net, **kwargs):
        self.best_ = {}

    def on_epoch_begin(self, net, **kwargs):
        self.targets_, self.probas_ = [], []  # or pickles would hold them

    def on_batch_end(self, net, batch=None, training=False, y_pred=None, **kwargs):
        if training:
            return
        # skorch takes the first output of a module that returns several.
        logits = y_pred[0] if isinstance(y_pred, tuple) else y_pred
        self.targets_.append(batch[1].cpu().numpy())
        self.probas_.append(net.probabilities(logits.cpu()).numpy())

    def on_epoch_end(self, net, **kwargs):
        if not self.targets_:
            return
        y, proba = np.concatenate(self.targets_), np.concatenate(self.probas_)
        if np.isnan(proba).any():
            raise ValueError(_why_no_numbers(net))
        recall = recalls(y, proba.argmax(1), proba.shape[1])
        scores = {
            "valid_average_precision": mean_average_precision(
                y, proba, net.class_counts_
            ),
            "valid_balanced_accuracy": float(recall.mean()),
            "valid_g_mean": float(recall.prod() ** (1 / len(recall))),
        }
        for name, score in scores.items():
            best = score > self.best_.get(name, -np.inf)
            if best:
                self.best_[name] = score
            net.history.record(name, score)
            net.history.record(f"{name}_best", best)
        self.targets_, self.probas_ = [], []
