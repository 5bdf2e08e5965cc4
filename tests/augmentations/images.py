"""Images, generators and what tests ask of every augmentation."""

from functools import partial

import torch

from imbdeep.augmentations import (
    augmix,
    flips,
    random_crop,
    random_flips,
    random_quarter_turns,
    random_rotation,
    random_shear,
    random_shift,
    standard,
)

ALL = {
    "random_flips": random_flips,
    "random_quarter_turns": random_quarter_turns,
    "random_rotation": random_rotation,
    "random_rotation-constant": partial(random_rotation, fill="constant", value=0.5),
    "random_shift": random_shift,
    "random_shear": partial(random_shear, vertical=0.3),
    "random_crop": partial(random_crop, padding=2),
    "random_crop-constant": partial(random_crop, padding=2, fill="constant"),
    "flips": flips,
    "standard": standard,
    "augmix": augmix,
    "augmix-long": partial(augmix, severity=10.0, width=2, depth=4, alpha=0.3),
}
# Operations on values leave the range of an image.
WITHIN_ITS_RANGE = {k: v for k, v in ALL.items() if not k.startswith("augmix")}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(*shape, dtype=torch.float64, seed=7):
    return torch.rand(shape, generator=generator(seed), dtype=torch.float64).to(dtype)
