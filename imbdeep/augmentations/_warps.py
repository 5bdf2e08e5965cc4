"""Random rotations, shifts, shears and crops."""

from torch import Generator, Tensor

from imbdeep.augmentations._affine import rotations, shears, shifts, warp
from imbdeep.augmentations._checks import check_batch
from imbdeep.augmentations._draws import uniform_per_image


def random_rotation(
    batch: Tensor,
    generator: Generator | None,
    *,
    degrees: float = 20.0,
    fill: str = "edge",
    value: float = 0.0,
) -> Tensor:
    """Turn images about their centre by a random angle.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width), floating point
    generator : torch.Generator or None
        Of any device. None is torch's global generator.
    degrees : float in [0, 180], default=20
        Angles are uniform in [-degrees, degrees].
    fill : {'edge', 'constant'}, default='edge'
        What comes in from outside: 'edge' repeats the outermost pixels, which keeps
        the range of each image; 'constant' is ``value``.
    value : float, default=0.0

    Returns
    -------
    Tensor of the shape, dtype and device of ``batch``
        Bilinear interpolation.

    Raises
    ------
    ValueError
        If ``batch`` is no batch of images, or a parameter is out of range.

    See Also
    --------
    random_quarter_turns : Without interpolation.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations import random_rotation
    >>> images = torch.rand(8, 10, 16, 16)
    >>> random_rotation(images, torch.Generator(), degrees=180).shape
    torch.Size([8, 10, 16, 16])
    """
    check_batch(batch, generator, degrees=degrees, fill=fill, value=value)
    if not degrees:
        return batch
    angle = uniform_per_image(batch, generator, -degrees, degrees)
    return warp(batch, rotations(angle), fill=fill, value=value)


def draw_shifts(
    batch: Tensor, generator: Generator | None, horizontal: float, vertical: float
) -> Tensor:
    """Draw matrices, (*, n, 3, 3), that move images by shares of their sides."""
    height, width = batch.shape[-2:]
    right = uniform_per_image(batch, generator, -horizontal * width, horizontal * width)
    down = uniform_per_image(batch, generator, -vertical * height, vertical * height)
    return shifts(right, down)


def random_shift(
    batch: Tensor,
    generator: Generator | None,
    *,
    horizontal: float = 0.2,
    vertical: float = 0.2,
    fill: str = "edge",
    value: float = 0.0,
) -> Tensor:
    """Move images sideways, up and down.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width), floating point
    generator : torch.Generator or None
        Of any device. None is torch's global generator.
    horizontal, vertical : float in [0, 1], default=0.2
        Largest shift in either direction, as a share of width and of height. Shifts
        are uniform, and seldom a whole number of pixels.
    fill, value
        See :func:`random_rotation`.

    Returns
    -------
    Tensor of the shape, dtype and device of ``batch``
        Bilinear interpolation.

    Raises
    ------
    ValueError
        If ``batch`` is no batch of images, or a parameter is out of range.

    See Also
    --------
    random_crop : By whole pixels, without interpolation.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations import random_shift
    >>> images = torch.arange(4.0).expand(1, 1, 4, 4)
    >>> random_shift(images, torch.Generator().manual_seed(0))[0, 0, 0]
    tensor([0.0060, 1.0060, 2.0060, 3.0000])
    """
    told = {"horizontal": horizontal, "vertical": vertical, "fill": fill}
    check_batch(batch, generator, value=value, **told)
    if not (horizontal or vertical):
        return batch
    matrix = draw_shifts(batch, generator, horizontal, vertical)
    return warp(batch, matrix, fill=fill, value=value)


def random_shear(
    batch: Tensor,
    generator: Generator | None,
    *,
    horizontal: float = 0.2,
    vertical: float = 0.0,
    fill: str = "edge",
    value: float = 0.0,
) -> Tensor:
    """Slant images.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width), floating point
    generator : torch.Generator or None
        Of any device. None is torch's global generator.
    horizontal : float in [0, 1], default=0.2
        Rows of pixels move sideways by a factor times their distance from the centre;
        the factor is uniform in [-horizontal, horizontal].
    vertical : float in [0, 1], default=0.0
        Columns likewise move up and down.
    fill, value
        See :func:`random_rotation`.

    Returns
    -------
    Tensor of the shape, dtype and device of ``batch``
        Bilinear interpolation.

    Raises
    ------
    ValueError
        If ``batch`` is no batch of images, or a parameter is out of range.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations import random_shear
    >>> images = torch.rand(8, 3, 16, 16)
    >>> random_shear(images, torch.Generator(), vertical=0.1).shape
    torch.Size([8, 3, 16, 16])
    """
    told = {"horizontal": horizontal, "vertical": vertical, "fill": fill}
    check_batch(batch, generator, value=value, **told)
    if not (horizontal or vertical):
        return batch
    sideways = uniform_per_image(batch, generator, -horizontal, horizontal)
    upright = uniform_per_image(batch, generator, -vertical, vertical)
    return warp(batch, shears(sideways, upright), fill=fill, value=value)


def random_crop(
    batch: Tensor,
    generator: Generator | None,
    *,
    padding: int = 4,
    fill: str = "edge",
    value: float = 0.0,
) -> Tensor:
    """Pad images on all sides, and crop them to their size at a random place.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width), floating point
    generator : torch.Generator or None
        Of any device. None is torch's global generator.
    padding : int, at least 0, default=4
        Pixels on each side. All places have the same probability.
    fill, value
        What is padded with, see :func:`random_rotation`.

    Returns
    -------
    Tensor of the shape, dtype and device of ``batch``
        Pixels as they are: nothing is interpolated.

    Raises
    ------
    ValueError
        If ``batch`` is no batch of images, or a parameter is out of range.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations import random_crop
    >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> random_crop(image, torch.Generator().manual_seed(0), padding=1, fill="constant")
    tensor([[[[0., 0.],
              [1., 2.]]]])
    """
    check_batch(batch, generator, padding=padding, fill=fill, value=value)
    if not padding:
        return batch
    places = 2 * padding + 1
    right, down = (
        uniform_per_image(batch, generator, 0, places).floor() - padding
        for _ in range(2)
    )
    return warp(batch, shifts(right, down), fill=fill, value=value, whole_pixels=True)
