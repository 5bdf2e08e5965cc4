"""Random changes of images that leave their class as it is, for training batches.

Each function takes images of any number of bands, a tensor of shape ``(*, n, bands,
height, width)``, and a :class:`torch.Generator`; it draws anew for each image, and for
all bands of an image alike, and returns images of the same shape, dtype and device.
Nets take the presets by name, ``augment='flips'`` or ``'standard'``, or any such
function.
"""

from imbdeep.augmentations._augmix import augmix
from imbdeep.augmentations._flips import random_flips, random_quarter_turns
from imbdeep.augmentations._presets import flips, standard
from imbdeep.augmentations._warps import (
    random_crop,
    random_rotation,
    random_shear,
    random_shift,
)

__all__ = [
    "augmix",
    "flips",
    "random_crop",
    "random_flips",
    "random_quarter_turns",
    "random_rotation",
    "random_shear",
    "random_shift",
    "standard",
]
