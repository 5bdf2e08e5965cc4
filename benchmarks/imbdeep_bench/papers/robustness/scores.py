"""How right a fitted classifier is: clean, corrupted, and under two attackers."""

import numpy as np
from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score

from imbdeep.attacks import robust_predictions, universal_perturbation
from imbdeep.datasets import IMAGE_CORRUPTIONS, corrupt_images
from imbdeep_bench.engine.protocol import derive_seed

SCENARIOS = {
    "clean": "clean",
    "corrupted": "corrupted",
    "universal": "universal perturbation",
    "pgd": "PGD",
}
# Of five.
SEVERITIES = (1, 3, 5)
SCORES = ("balanced_accuracy", "macro_f1", "head", "tail")


def score_labels(y, predicted, n_classes):
    """Return the two scores of the paper, and recall of either half of the classes.

    Classes get rarer with their number. The tail is the later half, at every level the
    same classes; the middle one of an odd number is of neither.

    Examples
    --------
    >>> score_labels(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 2)["tail"]
    0.5
    """
    classes = range(n_classes)
    recalls = recall_score(y, predicted, labels=classes, average=None, zero_division=0)
    half = n_classes // 2
    return {
        "balanced_accuracy": float(balanced_accuracy_score(y, predicted)),
        "macro_f1": float(f1_score(y, predicted, average="macro", labels=classes)),
        "head": float(recalls[:half].mean()),
        "tail": float(recalls[-half:].mean()),
        "recalls": recalls.tolist(),
    }


def mean_scores(scores):
    """Average scores of several predictions, and their recalls class by class."""
    told = {name: float(np.mean([s[name] for s in scores])) for name in SCORES}
    return told | {"recalls": np.mean([s["recalls"] for s in scores], 0).tolist()}


def corrupted_scores(model, X, y, n_classes, seed, severities=SEVERITIES):
    """Score under each corruption: the mean over the severities, by its name."""
    told = {}
    for name in IMAGE_CORRUPTIONS:
        scores = []
        for severity in severities:
            own = derive_seed(seed, name, severity)
            moved = corrupt_images(X, name, severity, random_state=own)
            scores.append(score_labels(y, model.predict(moved), n_classes))
        told[name] = mean_scores(scores)
    return told


def score_images(model, rows, eps, strength, seed):
    """Return scores and recalls of each class in every scenario.

    The universal perturbation is learned on training rows, against the labels.
    """
    X, y, n = rows.X_test, rows.y_test, len(rows.told["class_counts"])
    threat = {"eps": eps, "norm": "linf", "box": (0.0, 1.0)}
    shift = universal_perturbation(
        model,
        rows.X_train,
        rows.y_train,
        **threat,
        n_epochs=strength.universal_epochs,
        random_state=derive_seed(seed, "universal"),
    )
    attacked = robust_predictions(
        model,
        X,
        y,
        **threat,
        attack_steps=strength.attack_steps,
        random_state=derive_seed(seed, "pgd"),
    )
    clean = model.predict(X)
    moved = model.predict(np.clip(X + shift, 0, 1))
    by_corruption = corrupted_scores(model, X, y, n, seed, strength.severities)
    told = {
        "clean": score_labels(y, clean, n),
        "corrupted": mean_scores(list(by_corruption.values())),
        "universal": score_labels(y, moved, n),
        "pgd": score_labels(y, attacked, n),
    }
    scores = {
        f"{where}_{name}": s[name] for where, s in told.items() for name in SCORES
    }
    return {
        "scores": scores | {"fooled": float((moved != clean).mean())},
        "recalls": {where: s["recalls"] for where, s in told.items()},
        "by_corruption": {
            name: s["balanced_accuracy"] for name, s in by_corruption.items()
        },
    }
