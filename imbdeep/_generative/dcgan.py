"""Generator and discriminator of DCGAN, for images of several sizes."""

from collections.abc import Iterable
from itertools import pairwise

from torch import Tensor, nn

# Sides of the smallest grid of a net: 4 for 64 pixels, as in the paper.
_SMALLEST_GRID = 4
# The widest layer has this many times the filters of the narrowest.
_MOST_TIMES = 8
_SPREAD_OF_WEIGHTS = 0.02


def check_sides(height: int, width: int) -> None:
    """Refuse images that the nets cannot make.

    Raises
    ------
    ValueError
        If a side is not divisible by 4.

    Examples
    --------
    >>> from imbdeep._generative.dcgan import check_sides
    >>> check_sides(65, 64)
    Traceback (most recent call last):
    ValueError: The images of X have 65 x 64 pixels, but both sides must be divisible by
    4. Crop them, X[..., :64, :64], which drops the last row, or resize them.
    """
    if min(height, width) < 4:
        raise ValueError(
            f"The images of X have {height} x {width} pixels, but need at least 4 x 4. "
            "Put bands in front of height and width, (n, bands, height, width), or "
            "resize the images."
        )
    rows, columns = height % 4, width % 4
    if rows or columns:
        dropped = " and ".join(
            f"the last {n} {what}s" if n > 1 else f"the last {what}"
            for n, what in ((rows, "row"), (columns, "column"))
            if n
        )
        raise ValueError(
            f"The images of X have {height} x {width} pixels, but both sides must be "
            f"divisible by 4. Crop them, X[..., :{height - rows}, :{width - columns}], "
            f"which drops {dropped}, or resize them."
        )


def n_halvings(height: int, width: int) -> int:
    """How often the discriminator halves images: until a side is below 8, or odd.

    Parameters
    ----------
    height, width : int
        Divisible by 4.

    Examples
    --------
    >>> from imbdeep._generative.dcgan import n_halvings
    >>> [n_halvings(side, side) for side in (4, 8, 28, 32, 48, 64, 96)]
    [1, 1, 2, 3, 3, 4, 4]
    """
    halvings = 1
    while all(
        side % 2 ** (halvings + 1) == 0
        and side // 2 ** (halvings + 1) >= _SMALLEST_GRID
        for side in (height, width)
    ):
        halvings += 1
    return halvings


def _plan(height: int, width: int, n_filters: int) -> tuple[tuple[int, int], list[int]]:
    """Smallest grid, and filters of each grid from the largest to the smallest."""
    halvings = n_halvings(height, width)
    filters = [n_filters * min(2**i, _MOST_TIMES) for i in range(halvings)]
    return (height // 2**halvings, width // 2**halvings), filters


def _init_weights(net: nn.Module) -> None:
    """Draw the initial weights: normal, with a standard deviation of 0.02."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, _SPREAD_OF_WEIGHTS)
        elif isinstance(module, nn.BatchNorm2d):
            # Around 0, as the paper has it, the scale would switch the layer off.
            nn.init.normal_(module.weight, 1.0, _SPREAD_OF_WEIGHTS)


class ImageGenerator(nn.Sequential):
    """Turn noise into images, with transposed convolutions.

    **Shape**

    - Input: ``(n, n_latent)``
    - Output: ``(n, bands, height, width)``, in [-1, 1]

    Parameters
    ----------
    n_latent : int
    shape : tuple of int
        ``(bands, height, width)`` of an image; the sides are divisible by 4.
    n_filters : int
        Filters of the last hidden layer. Each layer before it has twice as many, but
        at most eight times.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative.dcgan import ImageGenerator
    >>> net = ImageGenerator(100, (3, 64, 64), n_filters=64)
    >>> sum(p.numel() for p in net.parameters())
    3576704
    >>> net(torch.randn(2, 100)).shape
    torch.Size([2, 3, 64, 64])
    """

    def __init__(self, n_latent: int, shape: tuple[int, int, int], n_filters: int):
        bands, height, width = shape
        grid, filters = _plan(height, width, n_filters)
        filters = filters[::-1]
        # On one pixel, this convolution is a dense layer.
        layers: list[nn.Module] = [
            nn.Unflatten(1, (n_latent, 1, 1)),
            nn.ConvTranspose2d(n_latent, filters[0], grid, bias=False),
        ]
        for n_in, n_out in pairwise([*filters, bands]):
            layers += [
                # Its shift does what a bias would.
                nn.BatchNorm2d(n_in),
                nn.ReLU(),
                nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=1, bias=False),
            ]
        super().__init__(*layers, nn.Tanh())
        _init_weights(self)


class ImageDiscriminator(nn.Sequential):
    """Judge images: the mirror image of the generator.

    **Shape**

    - Input: ``(n, bands, height, width)``
    - Output: logits that the images are real, ``(n, 1)``

    Parameters
    ----------
    shape : tuple of int
        ``(bands, height, width)`` of an image; the sides are divisible by 4.
    n_filters : int
        Filters of the first layer. Each layer after it has twice as many, but at most
        eight times.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative.dcgan import ImageDiscriminator
    >>> net = ImageDiscriminator((3, 64, 64), n_filters=64)
    >>> sum(p.numel() for p in net.parameters())
    2765568
    >>> net(torch.randn(2, 3, 64, 64)).shape
    torch.Size([2, 1])
    """

    def __init__(self, shape: tuple[int, int, int], n_filters: int):
        bands, height, width = shape
        grid, filters = _plan(height, width, n_filters)
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise([bands, *filters]):
            layers.append(nn.Conv2d(n_in, n_out, 4, stride=2, padding=1, bias=False))
            if len(layers) > 1:
                layers.append(nn.BatchNorm2d(n_out))
            layers.append(nn.LeakyReLU(0.2))
        last = nn.Conv2d(filters[-1], 1, grid, bias=False)
        super().__init__(*layers, last, nn.Flatten())
        _init_weights(self)


def spread_over_images(batches: Iterable[Tensor]) -> float:
    """Mean over all pixels of their standard deviation over images.

    Parameters
    ----------
    batches : iterable of Tensor of shape (n, ...)
        At least two images in all.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._generative.dcgan import spread_over_images
    >>> images = torch.tensor([[0.0, 1.0], [2.0, 1.0]])
    >>> spread_over_images(images.split(1))  # of sqrt(2) and 0
    0.7071067811865476
    """
    n_images, total, squares = 0, 0.0, 0.0
    for batch in batches:
        images = batch.double()
        n_images += len(images)
        total = total + images.sum(0)
        squares = squares + images.square().sum(0)
    variance = (squares - total.square() / n_images) / (n_images - 1)
    # Rounding may leave a number below 0 of pixels that are all alike.
    return variance.clamp_min(0).sqrt().mean().item()
