"""What is drawn for each image of a batch."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor


def uniform_per_image(
    batch: Tensor, generator: Generator | None, low: float = 0.0, high: float = 1.0
) -> Tensor:
    """Draw a number for each image.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width)
    generator : torch.Generator or None
        Of any device: numbers are drawn where it is. None is torch's global generator
        of the batch's device.
    low, high : float
        Of the uniform distribution.

    Returns
    -------
    Tensor of shape (*, n)
        On the device of the batch, float64 for float64 images, else float32. The
        numbers are the same for any dtype.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations._draws import uniform_per_image
    >>> images = torch.zeros(5, 2, 1, 8, 8)
    >>> uniform_per_image(images, torch.Generator().manual_seed(0)).shape
    torch.Size([5, 2])
    """
    device = batch.device if generator is None else generator.device
    drawn = torch.rand(
        batch.shape[:-3], generator=generator, device=device, dtype=torch.float32
    )
    drawn = drawn.to(batch.device, working_dtype(batch))
    return low + (high - low) * drawn


def working_dtype(batch: Tensor) -> torch.dtype:
    """Dtype of places in an image: half precision cannot tell 500 pixels apart."""
    return torch.float64 if batch.dtype == torch.float64 else torch.float32


def change_some(
    batch: Tensor, chosen: Tensor, change: Callable[[Tensor], Tensor]
) -> Tensor:
    """Change some of the images, and leave the others as they are.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width)
    chosen : Tensor of shape (*, n), bool
    change : callable
        Of images of shape (m, bands, height, width).

    Returns
    -------
    Tensor of the shape of ``batch``

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations._draws import change_some
    >>> chosen = torch.tensor([True, False])
    >>> change_some(torch.ones(2, 1, 1, 1), chosen, torch.negative).flatten()
    tensor([-1.,  1.])
    """
    images = batch.flatten(0, -4)
    # torch.where would change all images first: four times as slow if they are large.
    places = chosen.flatten().nonzero(as_tuple=True)
    return images.index_put(places, change(images[places])).reshape(batch.shape)
