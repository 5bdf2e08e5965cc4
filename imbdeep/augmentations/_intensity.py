"""What AugMix does to the values of images, to each band alone.

Images have values in [0, 1] and shape (n, bands, height, width); the strength of an
operation is a number for each of them. Where the originals work on eight bits, values
are rounded to their 256 levels; where rounding is not needed they keep their digits.
"""

import torch
from torch import Tensor

_HIGHEST = 255


def _levels(images: Tensor) -> Tensor:
    return (images * _HIGHEST).round()


def _of_images(per_image: Tensor) -> Tensor:
    return per_image[:, None, None, None]


def autocontrast(images: Tensor, strength: Tensor) -> Tensor:
    """Stretch each band to the whole range.

    Parameters
    ----------
    images : Tensor of shape (n, bands, height, width), in [0, 1]
    strength : Tensor of shape (n,)
        Makes no difference.

    Returns
    -------
    Tensor of shape (n, bands, height, width)
        A band of one level stays as it is.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations._intensity import autocontrast
    >>> autocontrast(torch.tensor([[[[0.2, 0.4, 0.6]]]]), torch.ones(1))
    tensor([[[[0.0000, 0.5000, 1.0000]]]])
    """
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    # Differences of less than half a level may be nothing but rounding.
    is_flat = _HIGHEST * (high - low) < 0.5
    return torch.where(
        is_flat, images, (images - low) / (high - low).masked_fill(is_flat, 1)
    )


def equalize(images: Tensor, strength: Tensor) -> Tensor:
    """Give each level of a band about as many pixels.

    Parameters
    ----------
    images : Tensor of shape (n, bands, height, width), in [0, 1]
    strength : Tensor of shape (n,)
        Makes no difference.

    Returns
    -------
    Tensor of shape (n, bands, height, width)
        Rounded to levels. A band with fewer than 255 pixels below its highest level
        stays as it is, so images of less than 16 x 16 pixels do.
    """
    levels = _levels(images).long().flatten(0, 1).flatten(1)
    n_bands, n_pixels = levels.shape
    offsets = torch.arange(n_bands, device=levels.device)[:, None] * (_HIGHEST + 1)
    counts = (levels + offsets).flatten().bincount(minlength=n_bands * (_HIGHEST + 1))
    counts = counts.view(n_bands, _HIGHEST + 1)
    highest = levels.amax(1, keepdim=True)
    step = (n_pixels - counts.gather(1, highest)) // _HIGHEST
    below = counts.cumsum(1) - counts
    table = ((step // 2 + below) // step.clamp_min(1)).clamp_max(_HIGHEST)
    equalized = table.gather(1, levels).to(images.dtype).view_as(images) / _HIGHEST
    is_left = (step == 0).view(*images.shape[:2], 1, 1)
    return torch.where(is_left, images, equalized)


def posterize(images: Tensor, strength: Tensor) -> Tensor:
    """Keep the highest bits of each value: four, or fewer with more strength.

    Parameters
    ----------
    images : Tensor of shape (n, bands, height, width), in [0, 1]
    strength : Tensor of shape (n,)
        Its size is a strength from 0 to 10; at least one bit is kept.

    Returns
    -------
    Tensor of shape (n, bands, height, width)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations._intensity import posterize
    >>> images = torch.tensor([40.0, 100.0, 255.0]).view(1, 1, 1, 3) / 255
    >>> 255 * posterize(images, torch.tensor([1.0]))
    tensor([[[[ 32.,  96., 240.]]]])
    """
    bits = (4 - (0.4 * strength.abs()).floor()).clamp_min(1)
    width = _of_images(2 ** (8 - bits))
    return (_levels(images) / width).floor() * width / _HIGHEST


def solarize(images: Tensor, strength: Tensor) -> Tensor:
    """Invert values above a threshold, which is lower with more strength.

    Parameters
    ----------
    images : Tensor of shape (n, bands, height, width), in [0, 1]
    strength : Tensor of shape (n,)
        Its size is a strength from 0, for no change, to 10, for an inverted image.

    Returns
    -------
    Tensor of shape (n, bands, height, width)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations._intensity import solarize
    >>> solarize(torch.tensor([[[[0.2, 0.8]]]]), torch.tensor([5.0]))
    tensor([[[[0.2000, 0.2000]]]])
    """
    threshold = _of_images(256 - (25.6 * strength.abs()).floor())
    return torch.where(_levels(images) < threshold, images, 1 - images)
