"""Small convolutional network."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from imbdeep._arguments import FiniteReal, WholeNumber, checks_arguments
from imbdeep._docs import shared_docs
from imbdeep._sizes import read_sizes
from imbdeep.modules._docs import SHARED
from imbdeep.modules._dropout import Dropout
from imbdeep.modules._heads import make_head


def check_images(x: Tensor, n_channels: int) -> None:
    """Refuse anything but a batch of images with ``n_channels`` channels."""
    if x.ndim != 4 or x.shape[1] != n_channels:
        raise ValueError(
            f"expected images of shape (n, {n_channels}, height, width), got "
            f"{tuple(x.shape)}. Give images without channels one, X[:, None], and put "
            "channels in front of height and width."
        )


@shared_docs(SHARED)
class ConvNet(nn.Module):
    """Convolutional network for small images: digits, thumbnails, tiles.

    Each convolution, 3 x 3 with a ReLU, is followed by a max-pooling that halves height
    and width. The result is averaged over a grid of cells; a hidden layer turns the
    grid into the features that the head sees.

    **Shape**

    - Input: ``(n, n_features, height, width)``, of any height and width
    - Output: logits ``(n, n_classes)``

    Parameters
    ----------
    {channels}
    n_classes : int
    n_filters : sequence of int, default=(16, 32)
        Filters of each convolution. Two suit digits of 16 x 16 pixels; add one each
        time the side of the image doubles.
    grid : int, at least 1, default=4
        Side of the grid that the output of the last max-pooling is averaged over. The
        default is fine enough for the hidden layer to see where a stroke lies. If it
        equals the side of that output, nothing is averaged.
    n_hidden : int, at least 1, or None, default=128
        Units of the hidden layer: the features that the head sees. With None there is
        no hidden layer, and the head sees the grid.
    dropout : float in [0, 1), default=0.0
        Share of the features that a training step leaves out.
    {head}

    See Also
    --------
    SqueezeNet : A deep net with few parameters.
    ResNet18 : For photographs, at about a hundred times the cost.
    ConvAutoencoder : Strided convolutions, for generative models.

    Notes
    -----
    Thanks to the grid, the net takes images of any size. Averaging over the whole
    image, as deep nets do, hides where something is, and two convolutions have not yet
    turned positions into features: after five epochs on USPS, with the defaults of
    :class:`~imbdeep.classifiers.NetClassifier`, 70 % of the official test digits are
    right instead of 92 % (95 % after 15 epochs). Strided convolutions instead of
    pooling take half the time, but learn more slowly. The hidden layer pays off with a
    cosine head: with it, LDAM gets 96 % right after five epochs, without it 87 %.

    The net of the ReMix paper [1]_, for images of 32 x 32 pixels, is ``ConvNet(3,
    n_classes, grid=8, n_hidden=None)``: two convolutions and two max-poolings
    interleaved, which leave 8 x 8 pixels, and one dense layer. The paper does not give
    the number of filters, nor say whether its convolutions pad with zeros, as they do
    here.

    There is no batch normalisation: the net behaves the same in training and
    evaluation, one row is a valid batch, and attacks see the net that is evaluated.

    References
    ----------
    .. [1] C. Bellinger, R. Corizzo, N. Japkowicz. "ReMix training for calibrated
       imbalanced deep learning". 2020.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import ConvNet
    >>> net = ConvNet(n_features=3, n_classes=10)
    >>> net(torch.randn(8, 3, 16, 16)).shape
    torch.Size([8, 10])
    >>> net(torch.randn(8, 3, 9, 25)).shape
    torch.Size([8, 10])
    """

    input_ndim = 4

    @checks_arguments(
        n_features=[WholeNumber(1)],
        n_classes=[WholeNumber(1)],
        grid=[WholeNumber(1)],
        n_hidden=[WholeNumber(1), None],
        dropout=[FiniteReal(0, 1, closed="left")],
    )
    def __init__(
        self,
        n_features: int,
        n_classes: int,
        *,
        n_filters: Sequence[int] = (16, 32),
        grid: int = 4,
        n_hidden: int | None = 128,
        dropout: float = 0.0,
        head: str = "linear",
    ):
        n_filters = read_sizes("n_filters", n_filters, may_be_empty=False)
        super().__init__()
        self.n_features = n_features
        layers: list[nn.Module] = []
        width = n_features
        for size in n_filters:
            layers += [
                nn.Conv2d(width, size, 3, padding=1),
                nn.ReLU(),
                # Without ceil_mode a side of one pixel would become zero.
                nn.MaxPool2d(2, ceil_mode=True),
            ]
            width = size
        layers += [nn.AdaptiveAvgPool2d(grid), nn.Flatten()]
        width *= grid**2
        if n_hidden is not None:
            layers += [nn.Linear(width, n_hidden), nn.ReLU()]
            width = n_hidden
        if dropout:
            layers.append(Dropout(dropout))
        self.hidden = nn.Sequential(*layers)
        # On a CPU, max-pooling is several times as fast with channels last.
        self.hidden.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.head = make_head(head, width, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """Inputs of the head: ``(n, n_hidden)`` or ``(n, n_filters[-1] * grid**2)``."""
        check_images(x, self.n_features)
        return self.hidden(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))
