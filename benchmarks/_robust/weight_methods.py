"""Nets of two classes, of which the rare one weighs more, and how right they are."""

from dataclasses import dataclass

from _protocol import derive_seed

from _robust import methods
from _robust.scores import by_class
from imbdeep.attacks import robust_predictions

WEIGHTS = (1, 10, 25, 50, 100, 150, 200)
# Which of the methods of the pictures trains so.
TRAININGS = {"natural": "plain", "adversarial": "ce"}
METRICS = {
    "standard_majority": "standard, frequent class",
    "standard_minority": "standard, rare class",
    "robust_majority": "robust, frequent class",
    "robust_minority": "robust, rare class",
}


@dataclass(frozen=True)
class Weighted:
    """A way to train, and what the rare class weighs.

    Attributes
    ----------
    training : {'natural', 'adversarial'}
    weight : int
        Of the rare class; the frequent one weighs 1.
    """

    training: str
    weight: int

    @property
    def title(self):
        """In tables."""
        return f"{self.training}, {self.weight}:1"


METHODS = {
    f"{training}_{weight}": Weighted(training, weight)
    for training in TRAININGS
    for weight in WEIGHTS
}


def make_model(weighted, threat, *, seed, device, smoke):
    """Return an unfitted classifier of classes 0 and 1, the rare one."""
    model = methods.make_model(
        methods.METHODS[TRAININGS[weighted.training]],
        "usps",
        threat,
        seed=seed,
        device=device,
        smoke=smoke,
    )
    return model.set_params(class_weight={0: 1, 1: weighted.weight})


def score(model, task, threat, strength, seed):
    """Return the accuracy on either class, with and without an attacker."""
    X, y = task.X_test, task.y_test
    attacked = robust_predictions(
        model,
        X,
        y,
        **threat.ball,
        **strength.shown,
        random_state=derive_seed(seed, "shown"),
    )
    standard = by_class(model.predict(X) == y, y)
    robust = by_class(attacked == y, y)
    return dict(zip(METRICS, [*standard, *robust], strict=True))
