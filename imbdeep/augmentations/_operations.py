"""The nine operations of AugMix, by name.

Images have values in [0, 1] and shape (n, bands, height, width). The strength of an
operation is a number for each image, from -10 to 10, of which some use the sign. All
bands of an image are moved alike; values are changed in each band alone.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from imbdeep.augmentations._affine import rotations, shears, shifts, warp
from imbdeep.augmentations._intensity import (
    autocontrast,
    equalize,
    posterize,
    solarize,
)

Operation = Callable[[Tensor, Tensor], Tensor]


def rotate(images: Tensor, strength: Tensor) -> Tensor:
    """Turn images by whole degrees, three for each unit of strength."""
    return warp(images, rotations((3 * strength).trunc()), fill="constant")


def shear_x(images: Tensor, strength: Tensor) -> Tensor:
    """Slant images sideways about their upper left corner, by 0.03 for each unit."""
    factor, zero = 0.03 * strength, torch.zeros_like(strength)
    # Our shears leave the centre where it is.
    corner = shifts(-factor * images.shape[2] / 2, zero)
    return warp(images, corner @ shears(factor, zero), fill="constant")


def shear_y(images: Tensor, strength: Tensor) -> Tensor:
    """Slant images up or down, likewise."""
    factor, zero = 0.03 * strength, torch.zeros_like(strength)
    corner = shifts(zero, -factor * images.shape[3] / 2)
    return warp(images, corner @ shears(zero, factor), fill="constant")


def translate_x(images: Tensor, strength: Tensor) -> Tensor:
    """Move images sideways by whole pixels, a thirtieth of the width for each unit."""
    pixels = (strength * images.shape[3] / 30).trunc()
    matrix = shifts(-pixels, torch.zeros_like(pixels))
    return warp(images, matrix, fill="constant", whole_pixels=True)


def translate_y(images: Tensor, strength: Tensor) -> Tensor:
    """Move images up or down, likewise."""
    pixels = (strength * images.shape[2] / 30).trunc()
    matrix = shifts(torch.zeros_like(pixels), -pixels)
    return warp(images, matrix, fill="constant", whole_pixels=True)


OPERATIONS: dict[str, Operation] = {
    "autocontrast": autocontrast,
    "equalize": equalize,
    "posterize": posterize,
    "rotate": rotate,
    "solarize": solarize,
    "shear_x": shear_x,
    "shear_y": shear_y,
    "translate_x": translate_x,
    "translate_y": translate_y,
}


def apply_chosen(
    images: Tensor, chosen: Tensor, strength: Tensor, operations: list[Operation]
) -> Tensor:
    """Apply to each image the operation that was chosen for it.

    Parameters
    ----------
    images : Tensor of shape (n, bands, height, width), in [0, 1]
    chosen : Tensor of shape (n,), int64
        Positions in ``operations``; the one after the last leaves an image as it is.
    strength : Tensor of shape (n,)
    operations : list of callable

    Returns
    -------
    Tensor of shape (n, bands, height, width)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations._operations import OPERATIONS, apply_chosen
    >>> images = torch.tensor([0.3, 0.9]).repeat(3, 1, 1, 1)
    >>> chosen, strength = torch.tensor([1, 0, 2]), torch.tensor([5.0, 5.0, 5.0])
    >>> named = [OPERATIONS["autocontrast"], OPERATIONS["solarize"]]
    >>> apply_chosen(images, chosen, strength, named).flatten(1)
    tensor([[0.3000, 0.1000],
            [0.0000, 1.0000],
            [0.3000, 0.9000]])
    """
    order = chosen.argsort()
    sizes = chosen.bincount(minlength=len(operations) + 1).tolist()
    # index_select gathers whole images; indexing with a tensor goes element by element.
    sorted_images, sorted_strength = (
        x.index_select(0, order) for x in (images, strength)
    )
    *parts, left = zip(
        sorted_images.split(sizes), sorted_strength.split(sizes), strict=True
    )
    changed = [
        operation(*part) if len(part[0]) else part[0]
        for operation, part in zip(operations, parts, strict=True)
    ]
    return torch.cat([*changed, left[0]]).index_select(0, order.argsort())
