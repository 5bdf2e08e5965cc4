"""The ways to train that are compared.

Each is made by ``make(shared)``, which has what all methods of a cell have in common.
"""

from dataclasses import dataclass
from functools import partial

from imbdeep.classifiers import (
    AdversarialClassifier,
    AdversarialNoiseClassifier,
    AugMixClassifier,
    DeepAugmentClassifier,
    LDAMClassifier,
    SharedAdversarialClassifier,
    UniversalAdversarialClassifier,
)
from imbdeep_bench.engine.experiment import Method, by_name
from imbdeep_bench.image_nets import PARAMS

PIXELS = {"box": (0.0, 1.0)}
# Section 3: Adam, cross-entropy, and a cyclical learning rate.
ROUTINE = {
    "criterion": "cross_entropy",
    "reweight_from": 1.0,
    "lr_schedule": "triangular",
    "batch_size": 64,
    "early_stopping": False,
    "train_split": None,
    "verbose": 0,
}
# NOTE[DIFF]: the paper flips and turns all images. A digit that is turned is another.
AUGMENT = {"usps": None}
# Radius of the attacks. Digits are black or white: 8/255 would not be seen.
EPS = {"usps": 0.15}
PIXEL_EPS = 8 / 255
# Root mean square of the noise: 135 of 3 x 224 x 224 numbers.
NOISE = 135 / (3 * 224**2) ** 0.5


@dataclass(frozen=True)
class Shared:
    """What the methods of a cell have in common."""

    data: str
    module: str
    max_epochs: int
    random_state: int
    device: str

    @property
    def params(self):
        """Parameters of every net."""
        return {
            "module": self.module,
            **{f"module__{k}": v for k, v in PARAMS.get(self.module, {}).items()},
            **ROUTINE,
            "augment": AUGMENT.get(self.data, "flips"),
            "max_epochs": self.max_epochs,
            "random_state": self.random_state,
            "device": self.device,
        }

    @property
    def eps(self):
        """Radius of the attacks, linf."""
        return EPS.get(self.data, PIXEL_EPS)


def _plain(shared):
    return LDAMClassifier(**shared.params)


def _augmix(shared):
    return AugMixClassifier(value_range=PIXELS["box"], **shared.params)


def _deep_augment(shared):
    return DeepAugmentClassifier(value_range=PIXELS["box"], **shared.params)


def _noise(shared):
    return AdversarialNoiseClassifier(eps=NOISE, **PIXELS, **shared.params)


def _attacked(cls, shared, **own):
    return cls(eps=shared.eps, norm="linf", **PIXELS, **own, **shared.params)


# Name, title, colour, and what makes it.
_PAPER = (
    ("plain", "plain", "#000000", _plain),
    ("augmix", "AugMix", "#0072B2", _augmix),
    ("deepaugment", "DeepAugment + AugMix", "#56B4E9", _deep_augment),
    ("noise", "adversarial noise", "#009E73", _noise),
    (
        *("universal", "universal adversarial", "#D55E00"),
        partial(_attacked, UniversalAdversarialClassifier),
    ),
    (
        *("shared", "shared adversarial", "#CC79A7"),
        partial(_attacked, SharedAdversarialClassifier),
    ),
)
_OURS = (("pgd", "adversarial", "#E69F00", partial(_attacked, AdversarialClassifier)),)
METHODS = by_name(
    Method(name, make, title, look=(color, "-"), group=group)
    for group, methods in (("paper", _PAPER), ("ours", _OURS))
    for name, title, color, make in methods
)
