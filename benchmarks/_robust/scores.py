"""How right a fitted classifier is, with and without an attacker."""

import numpy as np
from _protocol import derive_seed

from imbdeep.attacks import robust_predictions
from imbdeep.metrics import under_represented

METRICS = {
    "standard_overall": "standard, overall",
    "standard_under": "standard, under",
    "robust_overall": "robust, overall",
    "robust_under": "robust, under",
    "restarts_overall": "restarts, overall",
    "restarts_under": "restarts, under",
    "square_overall": "black box, overall",
    "square_under": "black box, under",
    "worst_overall": "worst of all, overall",
    "worst_under": "worst of all, under",
}


def first_of_each_class(y, n):
    """Return the positions of the first ``n`` rows of each class, sorted.

    Examples
    --------
    >>> first_of_each_class(np.array([1, 0, 1, 1, 0, 0]), 2)
    array([0, 1, 2, 4])
    """
    rows = [np.flatnonzero(y == label)[:n] for label in np.unique(y)]
    return np.sort(np.concatenate(rows))


def by_half(name, is_right, y, is_under):
    """Return the accuracy, and that on the under-represented half of the classes.

    Parameters
    ----------
    name : str
        Of the metric, without what follows the underscore.
    is_right : ndarray of shape (n,), bool
    y : ndarray of shape (n,), int
    is_under : ndarray of shape (n_classes,), bool
        None of them where classes are balanced; there is no such accuracy then.
    """
    told = {f"{name}_overall": float(is_right.mean())}
    if is_under.any():
        told[f"{name}_under"] = float(is_right[is_under[y]].mean())
    return told


def by_class(is_right, y):
    """Return the accuracy on the rows of each class."""
    return (np.bincount(y, weights=is_right) / np.bincount(y)).tolist()


def compare_attacks(shown, restarts, square):
    """Tell how far three attacks agree, row by row.

    Parameters
    ----------
    shown, restarts, square : ndarray of shape (n,), bool
        Whether a row is still classified rightly.

    Returns
    -------
    told : dict
        ``n_rows``; accuracies under each and under the worst of all; shares of rows on
        which not all agree, on which the black box alone succeeds (gradients that are
        masked show here), and on which the shown attack fails but another does not.
    """
    worst = shown & restarts & square
    return {
        "n_rows": len(shown),
        "shown": float(shown.mean()),
        "restarts": float(restarts.mean()),
        "square": float(square.mean()),
        "worst": float(worst.mean()),
        "disagree": float(((shown != restarts) | (shown != square)).mean()),
        "square_alone": float((shown & restarts & ~square).mean()),
        "missed_by_shown": float((shown & ~worst).mean()),
    }


def score(model, task, threat, strength, seed):
    """Return the scores of a fitted classifier on the test rows.

    Parameters
    ----------
    model : estimator
    task : Task
    threat : Threat
    strength : Strength
    seed : int
        Of the cell; each attack has its own of it.

    Returns
    -------
    outcome : dict
        ``scores``, as :data:`METRICS` has them; ``class_standard`` and
        ``class_robust``, class by class; ``agreement``, see :func:`compare_attacks`.
    """
    X, y = task.X_test, task.y_test
    is_under = under_represented(task.class_counts)

    def is_right_under(attack, params, rows):
        labels = robust_predictions(
            model,
            X[rows],
            y[rows],
            **threat.ball,
            **params,
            random_state=derive_seed(seed, attack),
        )
        return labels == y[rows]

    standard = model.predict(X) == y
    robust = is_right_under("shown", strength.shown, slice(None))
    rows = first_of_each_class(y, strength.strong_rows)
    strong = {
        name: is_right_under(name, params, rows)
        for name, params in strength.strong.items()
    }
    worst = robust[rows] & strong["restarts"] & strong["square"]
    scores = by_half("standard", standard, y, is_under)
    scores |= by_half("robust", robust, y, is_under)
    for name, is_right in {**strong, "worst": worst}.items():
        scores |= by_half(name, is_right, y[rows], is_under)
    return {
        "scores": scores,
        "class_standard": by_class(standard, y),
        "class_robust": by_class(robust, y),
        "agreement": compare_attacks(robust[rows], **strong),
    }
