"""Flips and quarter turns, which move pixels and change none."""

from torch import Generator, Tensor

from imbdeep.augmentations._checks import check_batch
from imbdeep.augmentations._draws import change_some, uniform_per_image


def random_flips(
    batch: Tensor,
    generator: Generator | None,
    *,
    horizontal: float = 0.5,
    vertical: float = 0.5,
) -> Tensor:
    """Mirror images at random.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width), floating point
    generator : torch.Generator or None
        Of any device. None is torch's global generator.
    horizontal, vertical : float in [0, 1], default=0.5
        Probability that an image is mirrored left to right, and top to bottom. Digits
        and scenes want 0 for one or both; images from above have no upper side.

    Returns
    -------
    Tensor of the shape, dtype and device of ``batch``

    Raises
    ------
    ValueError
        If ``batch`` is no batch of images, or a probability is not in [0, 1].

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations import random_flips
    >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> random_flips(image, torch.Generator(), horizontal=1, vertical=0)
    tensor([[[[2., 1.],
              [4., 3.]]]])
    """
    check_batch(batch, generator, horizontal=horizontal, vertical=vertical)
    for share, axis in ((horizontal, -1), (vertical, -2)):
        if share:
            # In [0, 1): a share of 1 takes all.
            chosen = uniform_per_image(batch, generator) < share
            batch = _flipped(batch, chosen, axis)
    return batch


def random_quarter_turns(batch: Tensor, generator: Generator | None) -> Tensor:
    """Turn images by 0, 90, 180 or 270 degrees, each with the same probability.

    Images that are not square are turned by 0 or 180 degrees.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width), floating point
    generator : torch.Generator or None
        Of any device. None is torch's global generator.

    Returns
    -------
    Tensor of the shape, dtype and device of ``batch``
        No pixel is interpolated, and none leaves the image.

    Raises
    ------
    ValueError
        If ``batch`` is no batch of images.

    See Also
    --------
    random_rotation : By any angle.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.augmentations import random_quarter_turns
    >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]).repeat(3, 1, 1, 1)
    >>> random_quarter_turns(image, torch.Generator().manual_seed(0))[:, 0].tolist()
    [[[2.0, 4.0], [1.0, 3.0]], [[3.0, 1.0], [4.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]]]
    """
    check_batch(batch, generator)
    quarters = (4 * uniform_per_image(batch, generator)).floor()
    if batch.shape[-1] == batch.shape[-2]:
        # A transposition and a flip make a quarter turn.
        batch = change_some(batch, quarters % 2 == 1, transposed)
    else:
        quarters = 2 * (quarters >= 2)
    batch = _flipped(batch, (quarters == 1) | (quarters == 2), -2)
    return _flipped(batch, quarters >= 2, -1)


def _flipped(batch: Tensor, chosen: Tensor, axis: int) -> Tensor:
    return change_some(batch, chosen, lambda images: images.flip(axis))


def transposed(images: Tensor) -> Tensor:
    """Square images whose rows of pixels are columns."""
    return images.transpose(-1, -2)
