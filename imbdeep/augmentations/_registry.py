"""Augmentations by name, for estimators that take a name."""

from collections.abc import Callable

from torch import Tensor

from imbdeep.augmentations._presets import flips, standard

AUGMENTATIONS: dict[str, Callable[..., Tensor]] = {
    "flips": flips,
    "standard": standard,
}
