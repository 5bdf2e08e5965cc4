"""Normal distributions, one per class, of which every probability is known."""

import math

import numpy as np

MEANS = {
    "two": np.array([[0.0, 0.0], [1.5, 0.5]]),
    "three": np.array([[0.0, 0.0], [1.5, 0.0], [0.0, 1.5]]),
}
PRIORS = {"two": np.array([0.9, 0.1]), "three": np.array([0.8, 0.15, 0.05])}


def draw(name, n_rows, seed):
    """Rows and labels; as many of each class as its share says."""
    rng = np.random.default_rng(seed)
    counts = np.rint(PRIORS[name] * n_rows).astype(int)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    return MEANS[name][y] + rng.normal(size=(n_rows, 2)), y


def posterior(name, X, prior=None):
    """True probabilities, each from the densities of its row."""
    prior = PRIORS[name] if prior is None else prior
    rows = []
    for x in np.asarray(X, dtype=float):
        joint = []
        for mean, share in zip(MEANS[name], prior, strict=True):
            squares = math.fsum((a - b) ** 2 for a, b in zip(x, mean, strict=True))
            joint.append(share * math.exp(-squares / 2) / (2 * math.pi))
        rows.append([part / math.fsum(joint) for part in joint])
    return np.array(rows)


def log_odds(proba):
    """Log-odds of each class against the first."""
    return np.log(proba[:, 1:]) - np.log(proba[:, :1])


def error_of_log_odds(model, name):
    """Root mean square over rows of the mixture, of equally many of each class."""
    rng = np.random.default_rng(99)
    y = np.repeat(np.arange(len(MEANS[name])), 60)
    X = MEANS[name][y] + rng.normal(size=(len(y), 2))
    wrong = log_odds(model.predict_proba(X)) - log_odds(posterior(name, X))
    return np.sqrt(np.mean(wrong**2))
