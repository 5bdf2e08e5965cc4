"""Settings that the sensitivity study compares: the paper's, and each one changed."""

from functools import partial
from itertools import product

from imbdeep_bench.papers.explicit_gradient.methods import (
    PAPER_NET,
    PAPER_STEPS,
    explicit_gradient,
    plain,
)

OURS, PLAIN = "explicit_gradient", "ce"
SETTING = {
    **PAPER_NET,
    **PAPER_STEPS,
    "inner_steps": 1,
    "sampling_strategy": "duplicate",
    "confidence": 1.0,
}
# max_epochs are those with synthetic rows; lr is Adam's, of the training before.
VARIATIONS = {
    "synth_lr": (0.0, 0.1, 1.0, 10.0, 100.0, 1000.0),
    "inner_lr": (0.001, 0.01, 0.1),
    "max_epochs": (20, 50, 200, 500),
    "pretrain_epochs": (0, 20, 200),
    "lr": (3e-4, 1e-3, 3e-3),
    "inner_steps": (1, 3),
    "clip": (False, True),
    "synth_unit": ("input", "std"),
    "sampling_strategy": ("duplicate", "auto"),
    "confidence": (0.5, 1.0),
    "early_stopping": (True, False),
}
# As many candidates as there are variations of ours.
PLAIN_LR = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
PLAIN_WEIGHT_DECAY = (0.0, 1e-5, 1e-4, 1e-3)
# More than any max_epochs: training never stops early, the best of all epochs is taken.
PATIENCE = 1000


def ours_name(parameter, value):
    """Name of a variation; the paper's value gives the name of the method itself."""
    same = value == SETTING[parameter]
    return OURS if same else f"{parameter}={value}"


def plain_name(lr, weight_decay):
    """Name of a candidate of the plain net."""
    same = (lr, weight_decay) == (PAPER_NET["lr"], 0.0)
    return PLAIN if same else f"{PLAIN} lr={lr} weight_decay={weight_decay}"


def ours_candidates():
    """Return how to make each candidate of the paper's method, by name."""
    return {
        ours_name(parameter, value): partial(
            explicit_gradient, **{"patience": PATIENCE, parameter: value}
        )
        for parameter, values in VARIATIONS.items()
        for value in values
    }


def plain_candidates():
    """Return how to make each candidate of the plain net, by name."""
    return {
        plain_name(lr, weight_decay): partial(
            plain, lr=lr, optimizer__weight_decay=weight_decay
        )
        for lr, weight_decay in product(PLAIN_LR, PLAIN_WEIGHT_DECAY)
    } | {f"{PLAIN} early_stopping=False": partial(plain, early_stopping=False)}


CANDIDATES = {**plain_candidates(), **ours_candidates()}
