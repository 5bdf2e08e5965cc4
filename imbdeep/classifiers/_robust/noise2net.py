"""Noise2Net: nets of random weights that distort images, one for each image."""

from typing import NamedTuple

import torch
from torch.nn.functional import conv2d, layer_norm

from imbdeep.augmentations._draws import working_dtype

N_BLOCKS = 4
# Channels of a part, and parts that a block splits its channels into.
N_HIDDEN = 16
N_PARTS = 4
_KERNEL_SIZES = (1, 3)
_DILATIONS = (1, 2, 3)


class NoiseBlock(NamedTuple):
    """Weights of a Res2Net block, other ones for each of n images.

    Attributes
    ----------
    spread : Tensor of shape (n, n_parts * n_hidden, bands, 1, 1)
    steps : list of (Tensor of shape (n, n_hidden, n_hidden, k, k), int)
        Weights and dilation of the convolutions of all parts but the last.
    gather : Tensor of shape (n, bands, n_parts * n_hidden, 1, 1)
    """

    spread: torch.Tensor
    steps: list
    gather: torch.Tensor


def conv_per_image(images, weight, dilation=1):
    """Convolve each image with kernels of its own, and keep its height and width.

    Parameters
    ----------
    images : Tensor of shape (n, bands, height, width)
    weight : Tensor of shape (n, n_filters, bands, k, k)
        ``k`` is odd.
    dilation : int, default=1

    Returns
    -------
    Tensor of shape (n, n_filters, height, width)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.classifiers._robust.noise2net import conv_per_image
    >>> weight = torch.tensor([2.0, 3.0]).reshape(2, 1, 1, 1, 1)
    >>> conv_per_image(torch.ones(2, 1, 1, 1), weight).flatten()
    tensor([2., 3.])
    """
    n, n_filters, _, side, _ = weight.shape
    if side == 1:
        # The same as below, and twice as quick.
        made = weight[..., 0, 0] @ images.flatten(2)
        return made.unflatten(2, images.shape[2:])
    made = conv2d(
        images.flatten(0, 1)[None],
        weight.flatten(0, 1),
        padding=side // 2 * dilation,
        dilation=dilation,
        groups=n,
    )
    return made[0].unflatten(0, (n, n_filters))


def draw_noise_net(images, generator):
    """Draw the weights of a net for each image.

    Parameters
    ----------
    images : Tensor of shape (n, bands, height, width)
    generator : torch.Generator or None

    Returns
    -------
    list of NoiseBlock
        Kernel sizes and dilations are the same for all images.
    """
    n, bands = images.shape[:2]
    device = images.device if generator is None else generator.device
    kinds = torch.randint(
        len(_KERNEL_SIZES) * len(_DILATIONS),
        (N_BLOCKS, N_PARTS - 1),
        generator=generator,
        device=device,
    ).tolist()

    def draw(n_out, n_in, side):
        # As torch initialises convolutions. Norms come after all of them, in which
        # biases would cancel.
        drawn = torch.rand(
            (n, n_out, n_in, side, side),
            generator=generator,
            device=device,
            dtype=torch.float32,
        ).to(images.device, working_dtype(images))
        return (2 * drawn - 1) * (n_in * side**2) ** -0.5

    blocks, width = [], N_PARTS * N_HIDDEN
    for of_block in kinds:
        spread = draw(width, bands, 1)
        steps = []
        for kind in of_block:
            dilation, size = divmod(kind, len(_KERNEL_SIZES))
            weight = draw(N_HIDDEN, N_HIDDEN, _KERNEL_SIZES[size])
            steps.append((weight, _DILATIONS[dilation]))
        blocks.append(NoiseBlock(spread, steps, draw(bands, width, 1)))
    return blocks


def _normalized(images):
    """Bring each channel of each image to mean 0 and variance 1."""
    return layer_norm(images, images.shape[-2:])


def noise_block(images, block):
    """Run a block, which is batch norm on a batch of one image for each of them.

    Parameters
    ----------
    images : Tensor of shape (n, bands, height, width)
    block : NoiseBlock

    Returns
    -------
    Tensor of shape (n, bands, height, width)
    """
    hidden = _normalized(conv_per_image(images, block.spread)).relu_()
    *parts, last = hidden.unflatten(1, (N_PARTS, -1)).unbind(1)
    made, step = [], 0
    for part, (weight, dilation) in zip(parts, block.steps, strict=True):
        step = _normalized(conv_per_image(step + part, weight, dilation)).relu_()
        made.append(step)
    # The convolution of all parts together, without a copy of them.
    weights = block.gather.split(N_HIDDEN, 2)
    gathered = map(conv_per_image, [*made, last], weights)
    return _normalized(sum(gathered))


def noise2net(images, blocks, eps):
    r"""Distort images: :math:`x \leftarrow x + \epsilon\, b(x)`, block by block.

    Parameters
    ----------
    images : Tensor of shape (n, bands, height, width)
        Standardised.
    blocks : list of NoiseBlock
    eps : float
        Standard deviation of what a block adds to a band.

    Returns
    -------
    Tensor of shape (n, bands, height, width)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.classifiers._robust.noise2net import draw_noise_net, noise2net
    >>> images = torch.randn(5, 10, 16, 16)
    >>> noise2net(images, draw_noise_net(images, None), 0.5).shape
    torch.Size([5, 10, 16, 16])
    """
    for block in blocks:
        images = images + eps * noise_block(images, block)
    return images
