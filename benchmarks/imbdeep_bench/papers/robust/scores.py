"""How right a fitted classifier is, with and without an attacker."""

import numpy as np
import torch
from sklearn.manifold import TSNE
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    silhouette_samples,
)

from imbdeep.attacks import adversarial_rows, robust_predictions
from imbdeep.attacks._nets import evaluation_mode
from imbdeep.metrics import under_represented
from imbdeep.modules._penultimate import penultimate
from imbdeep_bench.data.pictures import first_of_each_class
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.robust.threats import RADII, TEST_STEPS


def by_half(name, is_right, y, is_under):
    """Return the accuracy, and that on the under-represented half of the classes.

    Where classes are balanced there is no such half.
    """
    told = {f"{name}_overall": float(is_right.mean())}
    if is_under.any():
        told[f"{name}_under"] = float(is_right[is_under[y]].mean())
    return told


def by_class(is_right, y):
    """Return the accuracy on the rows of each class."""
    return (np.bincount(y, weights=is_right) / np.bincount(y)).tolist()


def compare_attacks(shown, restarts, square):
    """Tell how far three attacks agree, row by row, from what is still right.

    Accuracies under each and under the worst of all; shares of rows on which not all
    agree, on which the black box alone succeeds (gradients that are masked show here),
    and on which the shown attack fails but another does not.
    """
    worst = shown & restarts & square
    shares = {
        "shown": shown,
        "restarts": restarts,
        "square": square,
        "worst": worst,
        "disagree": (shown != restarts) | (shown != square),
        "square_alone": shown & restarts & ~square,
        "missed_by_shown": shown & ~worst,
    }
    told = {name: float(rows.mean()) for name, rows in shares.items()}
    return {"n_rows": len(shown), **told}


def is_right_under(model, X, y, threat, attack, seed):
    """Tell which rows a classifier is right of, however far an attacker moves them."""
    labels = robust_predictions(model, X, y, **threat.ball, **attack, random_state=seed)
    return labels == y


def rights_of(model, rows, threat, strength, seed):
    """Tell which test rows a classifier is right of, without and with an attacker."""
    X, y, seed = rows.X_test, rows.y_test, derive_seed(seed, "shown")
    robust = is_right_under(model, X, y, threat, strength.shown, seed)
    return {"standard": model.predict(X) == y, "robust": robust}


def score_halves(told, y, rows):
    """Average what is told of rows with labels ``y``, over all and the rare half."""
    is_under = under_represented(np.array(rows.told["class_counts"]))
    scores = {}
    for name, values in told.items():
        scores |= by_half(name, values, y, is_under)
    return scores


def score_pictures(model, rows, threat, strength, seed):
    """Return scores on the test rows, class by class, and how far attacks agree.

    Each attack has a seed of its own, made of that of the cell.
    """
    X, y = rows.X_test, rows.y_test
    rights = rights_of(model, rows, threat, strength, seed)
    first = first_of_each_class(y, strength.strong_rows)
    strong = {
        name: is_right_under(
            model, X[first], y[first], threat, attack, derive_seed(seed, name)
        )
        for name, attack in strength.strong.items()
    }
    robust = rights["robust"]
    worst = robust[first] & strong["restarts"] & strong["square"]
    strongest = score_halves({**strong, "worst": worst}, y[first], rows)
    return {
        "scores": score_halves(rights, y, rows) | strongest,
        "class_standard": by_class(rights["standard"], y),
        "class_robust": by_class(robust, y),
        "agreement": compare_attacks(robust[first], **strong),
    }


def score_both_classes(model, rows, threat, strength, seed):
    """Return the accuracy on either of two classes, without and with an attacker."""
    return {
        f"{name}_{side}": accuracy
        for name, is_right in rights_of(model, rows, threat, strength, seed).items()
        for side, accuracy in zip(
            ("majority", "minority"), by_class(is_right, rows.y_test), strict=True
        )
    }


# --- Tables --------------------------------------------------------------------------


def movable_columns(X):
    """Tell which columns take more than two values; the others are categories.

    Examples
    --------
    >>> movable_columns(np.array([[0.0, 1.5], [1.0, 2.5], [0.0, 3.5]]))
    array([False,  True])
    """
    return np.array([len(np.unique(column)) > 2 for column in X.T])


def score_rows(model, X, y, where):
    """Return the scores on rows as they are given; labels are 0 and 1, the minority."""
    proba = model.predict_proba(X)[:, 1]
    return {
        f"ap_{where}": float(average_precision_score(y, proba)),
        f"ba_{where}": float(balanced_accuracy_score(y, model.predict(X))),
    }


def score_table(model, rows, perturb, seed, attack_steps=TEST_STEPS):
    """Return the scores of a net on the test rows, as they are and moved.

    Each radius has a seed of its own, made of that of the cell.
    """
    X, y = rows.X_test, rows.y_test
    scores = score_rows(model, X, y, "clean")
    # Those of the training rows, so that all nets of a fold face the same ball.
    std = rows.X_train.std(axis=0)
    attack = {"perturb": perturb, "attack_steps": attack_steps}
    for eps in RADII:
        ball = {"eps": eps, "eps_unit": "std", "std": std}
        own = {"random_state": derive_seed(seed, eps)}
        moved = adversarial_rows(model, X, y, **ball, **attack, **own)
        scores |= score_rows(model, moved, y, eps)
    return scores


# --- Features ------------------------------------------------------------------------

# Of all classes together, and the neighbours that t-SNE looks at.
N_FEATURE_ROWS, PERPLEXITY = 500, 30


def features_of(model, X):
    """Return the inputs of the last layer, an ndarray of shape (n, n_hidden)."""
    X = torch.as_tensor(X).to(model.device)
    with evaluation_mode(model.module_), torch.no_grad():
        return penultimate(model.module_, X).numpy(force=True)


def score_features(model, rows, digits, seed):
    """Return silhouettes of test rows, and where t-SNE puts which digit.

    By distances of features, which t-SNE sees, and by angles, which the feature
    separation loss sees.
    """
    first = first_of_each_class(rows.y_test, N_FEATURE_ROWS // len(digits))
    y, features = rows.y_test[first], features_of(model, rows.X_test[first])
    told = {
        "distance": silhouette_samples(features, y),
        "angle": silhouette_samples(features, y, metric="cosine"),
    }
    # A smoke run has fewer rows than neighbours.
    near = min(PERPLEXITY, len(y) // 4)
    places = TSNE(perplexity=near, random_state=seed).fit_transform(features)
    return {
        "scores": score_halves(told, y, rows),
        "places": np.round(places, 2).tolist(),
        "digits": np.take(digits, y).tolist(),
    }
