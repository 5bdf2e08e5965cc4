"""Affine warps of images, which all geometric augmentations share."""

import torch
import torch.nn.functional as F
from torch import Tensor

FILLS = ("edge", "constant")


def warp(
    batch: Tensor,
    matrix: Tensor,
    *,
    fill: str = "edge",
    value: float = 0.0,
    whole_pixels: bool = False,
) -> Tensor:
    """Let each pixel take the value of another place of its image.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width), floating point
    matrix : Tensor of shape (*, n, 3, 3), float32, or float64 for float64 images
        From a pixel to the place that it takes its value from, both as pixels right of
        the centre of the image, pixels below it, and 1. The last row is 0, 0, 1.
    fill : {'edge', 'constant'}, default='edge'
        What lies outside of the image: 'edge' repeats its outermost pixels, 'constant'
        is ``value``.
    value : float, default=0.0
    whole_pixels : bool, default=False
        Whether the places are pixels. Values are then copied as they are; otherwise
        they are interpolated between the four nearest pixels (bilinear).

    Returns
    -------
    Tensor of shape (*, n, bands, height, width)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations._affine import shifts, warp
    >>> image = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    >>> right, down = torch.tensor([0.5]), torch.tensor([0.0])
    >>> warp(image, shifts(right, down))
    tensor([[[[1.0000, 1.5000, 2.5000]]]])
    """
    images = batch.flatten(0, -4)
    if images.numel() == 0:
        return batch
    height, width = images.shape[-2:]
    # From torch's coordinates, which are 1 at the border, to pixels.
    half_sizes = matrix.new_tensor([width / 2, height / 2, 1.0])
    if fill == "constant":
        # The edge of a framed image is the value.
        images = F.pad(images, (1, 1, 1, 1), value=value)
    source = matrix.new_tensor([2 / images.shape[-1], 2 / images.shape[-2]])
    theta = source[:, None] * matrix.flatten(0, -3)[:, :2] * half_sizes
    size = [len(images), 1, height, width]
    grid = F.affine_grid(theta, size, align_corners=False)
    warped = F.grid_sample(
        images.to(grid.dtype),
        grid,
        mode="nearest" if whole_pixels else "bilinear",
        padding_mode="border",
        align_corners=False,
    )
    return warped.to(batch.dtype).reshape(batch.shape)


def _matrices(rows: list[list[Tensor]]) -> Tensor:
    zero = torch.zeros_like(rows[0][0])
    last = [zero, zero, zero + 1]
    return torch.stack([torch.stack(row, -1) for row in [*rows, last]], -2)


def rotations(degrees: Tensor) -> Tensor:
    """Matrices that turn images by so many degrees, anticlockwise.

    Parameters
    ----------
    degrees : Tensor of shape (*, n)

    Returns
    -------
    Tensor of shape (*, n, 3, 3)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations._affine import rotations, warp
    >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> warp(image, rotations(torch.tensor([90.0]))).round()
    tensor([[[[2., 4.],
              [1., 3.]]]])
    """
    angle = torch.deg2rad(degrees)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return _matrices([[cos, -sin, zero], [sin, cos, zero]])


def shifts(right: Tensor, down: Tensor) -> Tensor:
    """Matrices that move images by so many pixels, each of shape (*, n)."""
    zero = torch.zeros_like(right)
    return _matrices([[zero + 1, zero, -right], [zero, zero + 1, -down]])


def shears(horizontal: Tensor, vertical: Tensor) -> Tensor:
    """Matrices of shears.

    Parameters
    ----------
    horizontal, vertical : Tensor of shape (*, n)
        Pixels that a place lies to the right of its pixel, for each pixel that this is
        below the centre; and pixels below, for each to the right.

    Returns
    -------
    Tensor of shape (*, n, 3, 3)
    """
    one, zero = torch.ones_like(horizontal), torch.zeros_like(horizontal)
    return _matrices([[one, horizontal, zero], [vertical, one, zero]])
