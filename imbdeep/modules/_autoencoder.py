"""Autoencoders for tables and small images."""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from imbdeep._arguments import WholeNumber, checks_arguments
from imbdeep._sizes import read_sizes
from imbdeep.modules._mlp import MLP


class MLPAutoencoder(nn.Module):
    """Autoencoder for tables: a multi-layer perceptron and its mirror image.

    **Shape**

    - Input: ``(*, n_features)``
    - Output: ``(*, n_features)``; ``encoder`` returns latents ``(*, n_latent)``

    Parameters
    ----------
    n_features : int
        Number of columns.
    n_latent : int, default=16
        Length of a latent vector.
    hidden_sizes : sequence of int, default=(128,)
        Widths of the encoder's hidden layers; the decoder has them in reverse order.
    output : nn.Module or None, default=None
        Last layer of the decoder, such as a sigmoid for columns in [0, 1]. None ends
        with a linear layer.

    Attributes
    ----------
    encoder, decoder : nn.Module

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import MLPAutoencoder
    >>> autoencoder = MLPAutoencoder(n_features=30, n_latent=4)
    >>> autoencoder.encoder(torch.randn(8, 30)).shape
    torch.Size([8, 4])
    >>> autoencoder(torch.randn(8, 30)).shape
    torch.Size([8, 30])
    """

    @checks_arguments(n_latent=[WholeNumber(1)], output=[nn.Module, None])
    def __init__(
        self,
        n_features: int,
        n_latent: int = 16,
        *,
        hidden_sizes: Sequence[int] = (128,),
        output: nn.Module | None = None,
    ):
        hidden_sizes = read_sizes("hidden_sizes", hidden_sizes)
        super().__init__()
        self.encoder = MLP(n_features, n_latent, hidden_sizes=hidden_sizes, dropout=0)
        self.decoder = nn.Sequential(
            MLP(n_latent, n_features, hidden_sizes=hidden_sizes[::-1], dropout=0),
            nn.Identity() if output is None else output,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


class ConvAutoencoder(nn.Module):
    """Convolutional autoencoder for small images.

    Each layer of the encoder halves height and width. The decoder doubles them again,
    with up-sampling and a convolution rather than a transposed convolution, which
    leaves checkerboard artefacts.

    **Shape**

    - Input: ``(n, height, width)`` or ``(n, n_channels, height, width)``
    - Output: same as the input; ``encoder`` returns latents ``(n, n_latent)``

    Parameters
    ----------
    shape : sequence of int
        Shape of one image: ``(height, width)`` or ``(n_channels, height, width)``.
    n_latent : int, default=16
        Length of a latent vector.
    n_filters : sequence of int, default=(16, 32)
        Filters of the encoder's layers; the decoder has them in reverse order.
    output : nn.Module or None, default=None
        Last layer of the decoder, such as a sigmoid for pixels in [0, 1]. None ends
        with a convolution.

    Attributes
    ----------
    encoder, decoder : nn.Module

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import ConvAutoencoder
    >>> autoencoder = ConvAutoencoder((3, 9, 7), n_latent=4)
    >>> autoencoder.encoder(torch.randn(8, 3, 9, 7)).shape
    torch.Size([8, 4])
    >>> autoencoder(torch.randn(8, 3, 9, 7)).shape
    torch.Size([8, 3, 9, 7])
    """

    @checks_arguments(n_latent=[WholeNumber(1)], output=[nn.Module, None])
    def __init__(
        self,
        shape: Sequence[int],
        n_latent: int = 16,
        *,
        n_filters: Sequence[int] = (16, 32),
        output: nn.Module | None = None,
    ):
        if len(shape) not in (2, 3):
            raise ValueError(
                "shape must be (height, width) or (n_channels, height, width), got "
                f"{tuple(shape)}. Pass an autoencoder of your own for other shapes."
            )
        n_filters = read_sizes("n_filters", n_filters, may_be_empty=False)
        super().__init__()
        n_channels, height, width = (1, *shape) if len(shape) == 2 else shape
        # The decoder up-samples to these sizes: doubling would miss an odd one by 1.
        sizes = [(height, width)]
        for _ in n_filters:
            height, width = math.ceil(height / 2), math.ceil(width / 2)
            sizes.append((height, width))
        inner = (n_filters[-1], *sizes[-1])

        down: list[nn.Module] = [nn.Unflatten(1, (1, -1))] if len(shape) == 2 else []
        width_in = n_channels
        for n_out in n_filters:
            down += [nn.Conv2d(width_in, n_out, 3, stride=2, padding=1), nn.ReLU()]
            width_in = n_out
        self.encoder = nn.Sequential(
            *down, nn.Flatten(), nn.Linear(math.prod(inner), n_latent)
        )

        up: list[nn.Module] = []
        widths = [*n_filters[::-1][1:], n_channels]
        for size, n_out in zip(sizes[-2::-1], widths, strict=True):
            up += [
                nn.ReLU(),
                nn.Upsample(size),
                nn.Conv2d(width_in, n_out, 3, padding=1),
            ]
            width_in = n_out
        if len(shape) == 2:
            up.append(nn.Flatten(1, 2))
        self.decoder = nn.Sequential(
            nn.Linear(n_latent, math.prod(inner)),
            nn.Unflatten(1, inner),
            *up,
            nn.Identity() if output is None else output,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))
