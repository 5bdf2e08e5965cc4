"""Augmentations of papers, composed of the others."""

from torch import Generator, Tensor

from imbdeep.augmentations._affine import rotations, warp
from imbdeep.augmentations._checks import check_batch
from imbdeep.augmentations._draws import (
    change_some,
    uniform_per_image,
)
from imbdeep.augmentations._flips import random_flips, transposed
from imbdeep.augmentations._warps import draw_shifts


def flips(batch: Tensor, generator: Generator | None) -> Tensor:
    """Flips and quarter turns, for images from above [1]_.

    Horizontal and vertical flips, each of half of the images, and a turn by a multiple
    of 90 degrees. The eight results have the same probability; for images that are not
    square there are four. Pixels are moved, and none is changed or lost.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width), floating point
    generator : torch.Generator or None
        Of any device. None is torch's global generator.

    Returns
    -------
    Tensor of the shape, dtype and device of ``batch``

    Raises
    ------
    ValueError
        If ``batch`` is no batch of images.

    See Also
    --------
    standard : For photographs.

    Notes
    -----
    NOTE[DIFF]: the paper names horizontal and vertical flips and a random rotation, and
    gives no range of angles. Quarter turns need no pixels from outside of the image.
    For any angle, pass a function that calls :func:`random_flips` and
    :func:`random_rotation`.

    References
    ----------
    .. [1] R. Rawal, P. Pradhan. "Climate adaptation: reliably predicting from
       imbalanced satellite data". CVPR Workshops 2020, section 3.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations import flips
    >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> flips(image, torch.Generator().manual_seed(1))
    tensor([[[[4., 3.],
              [2., 1.]]]])
    """
    check_batch(batch, generator)
    if batch.shape[-1] == batch.shape[-2]:
        # A quarter turn is a transposition and a flip: three steps, where a turn after
        # the flips would take five.
        chosen = uniform_per_image(batch, generator) < 0.5
        batch = change_some(batch, chosen, transposed)
    return random_flips(batch, generator)


def standard(
    batch: Tensor,
    generator: Generator | None,
    *,
    degrees: float = 20.0,
    shift: float = 0.2,
    fill: str = "edge",
    value: float = 0.0,
) -> Tensor:
    """Rotations and shifts, for photographs [1]_.

    Both are one warp: pixels are interpolated once.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width), floating point
    generator : torch.Generator or None
        Of any device. None is torch's global generator.
    degrees : float in [0, 180], default=20
        Angles are uniform in [-degrees, degrees].
    shift : float in [0, 1], default=0.2
        Largest shift in each direction, as a share of width and of height.
    fill, value
        See :func:`random_rotation`.

    Returns
    -------
    Tensor of the shape, dtype and device of ``batch``

    Raises
    ------
    ValueError
        If ``batch`` is no batch of images, or a parameter is out of range.

    See Also
    --------
    flips : For images from above.

    Notes
    -----
    The paper's words are "20 percent rotations, width shift range of 0.2 and height
    shift range of 0.2": the arguments of a generator of images that is often used,
    whose range of rotations is in degrees, and which repeats the edge.

    References
    ----------
    .. [1] C. Bellinger, R. Corizzo, N. Japkowicz. "ReMix training for calibrated
       imbalanced deep learning". 2020, "Image datasets".

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations import standard
    >>> images = torch.rand(8, 3, 32, 32)
    >>> standard(images, torch.Generator()).shape
    torch.Size([8, 3, 32, 32])
    """
    check_batch(batch, generator, degrees=degrees, shift=shift, fill=fill, value=value)
    if not (degrees or shift):
        return batch
    angle = uniform_per_image(batch, generator, -degrees, degrees)
    matrix = rotations(angle) @ draw_shifts(batch, generator, shift, shift)
    return warp(batch, matrix, fill=fill, value=value)
