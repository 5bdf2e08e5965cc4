"""A small deep network for images."""

import torch
from torch import Tensor, nn

from imbdeep._arguments import FiniteReal, checks_arguments
from imbdeep._docs import shared_docs
from imbdeep.modules._backbone import (
    SHARED_ARGUMENTS,
    Backbone,
    choose_stride,
    prepared,
)
from imbdeep.modules._docs import SHARED
from imbdeep.modules._dropout import Dropout
from imbdeep.modules._heads import make_head

# Filters of the squeezing layer and of each of the two expanding layers, for the fire
# modules between the max-poolings.
_FIRES = (
    ((16, 64), (16, 64)),
    ((32, 128), (32, 128)),
    ((48, 192), (48, 192), (64, 256), (64, 256)),
)
_STEM = 64


def _convolution(
    n_in: int, n_out: int, size: int, *, stride: int = 1, batch_norm: bool
) -> nn.Sequential:
    """Convolution and ReLU, in between with batch norm or else with a bias."""
    convolution = nn.Conv2d(
        n_in, n_out, size, stride, padding=size // 2, bias=not batch_norm
    )
    nn.init.kaiming_uniform_(convolution.weight, nonlinearity="relu")
    if convolution.bias is None:
        return nn.Sequential(convolution, nn.BatchNorm2d(n_out), nn.ReLU())
    nn.init.zeros_(convolution.bias)
    return nn.Sequential(convolution, nn.ReLU())


class Fire(nn.Module):
    """A layer that squeezes channels, and two side by side that expand them.

    **Shape**

    - Input: ``(n, n_in, height, width)``
    - Output: ``(n, 2 * n_expanded, height, width)``

    Parameters
    ----------
    n_in, n_squeezed, n_expanded : int
    batch_norm : bool
    """

    def __init__(self, n_in: int, n_squeezed: int, n_expanded: int, batch_norm: bool):
        super().__init__()
        norm = {"batch_norm": batch_norm}
        self.squeeze = _convolution(n_in, n_squeezed, 1, **norm)
        self.expand_1 = _convolution(n_squeezed, n_expanded, 1, **norm)
        self.expand_3 = _convolution(n_squeezed, n_expanded, 3, **norm)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x)
        return torch.cat([self.expand_1(x), self.expand_3(x)], dim=1)


@shared_docs(SHARED)
class SqueezeNet(Backbone):
    """SqueezeNet 1.1 [1]_ with batch norm: a deep net of .73 million parameters.

    Fire modules squeeze the channels by 1 x 1 convolutions before a few 3 x 3 ones
    expand them.

    **Shape**

    - Input: ``(n, n_features, height, width)``
    - Output: logits ``(n, n_classes)``

    Parameters
    ----------
    {channels}
    n_classes : int
    {image_size}
    stem_stride : {1, 2, 'auto'}, default='auto'
        Stride of the first convolution, which is 3 x 3. 2 is the paper's; with it,
        images need 16 x 16 pixels, else 8 x 8. 'auto' is 2 for images of at least 64
        x 64 pixels and 1 for smaller ones, at four times the cost.
    dropout : float in [0, 1), default=0.5
        Share of the features that a training step leaves out.
    batch_norm : bool, default=True
        Whether each convolution is followed by batch norm. False is the paper's net,
        whose members can be stacked (``n_members``).
    {momentum}
    {head}

    Raises
    ------
    ValueError
        If images are too small.

    See Also
    --------
    ConvNet : A quicker net, for digits and thumbnails.
    ResNet18 : A larger one.

    Notes
    -----
    The layers are those of version 1.1, by the authors of the paper, which takes less
    than half of the paper's time: fewer and smaller filters in the first layer, and
    max-pooling earlier.

    - NOTE[DIFF]: no ReLU after the last layer. With it a class whose logits are
      negative gets no gradient, and at Adam's usual rate of 1e-3 the net dies. In one
      trial, on 18 kinds of photo tiles, balanced accuracy was .15 with this ReLU, .58
      without, and .73 with batch norm behind each fire module besides.
    - NOTE[DIFF]: batch norm, behind every convolution; see ``batch_norm``.
    - NOTE[DIFF]: the last layer, a 1 x 1 convolution, is a linear layer behind the
      average over the image, which gives the same numbers and has features to look
      at. Dropout thus leaves out features rather than pixels of their maps.
    - NOTE[DIFF]: the first convolution pads its images, so that the border counts.

    References
    ----------
    .. [1] F. N. Iandola, S. Han, M. W. Moskewicz, K. Ashraf, W. J. Dally, K. Keutzer.
       "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model
       size". 2016.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import SqueezeNet
    >>> net = SqueezeNet(n_features=10, n_classes=4)
    >>> net(torch.randn(2, 10, 64, 64)).shape
    torch.Size([2, 4])
    """

    @checks_arguments(
        **SHARED_ARGUMENTS,
        dropout=[FiniteReal(0, 1, closed="left")],
        batch_norm=["boolean"],
    )
    def __init__(
        self,
        n_features: int,
        n_classes: int,
        *,
        image_size: int = 64,
        stem_stride: int | str = "auto",
        dropout: float = 0.5,
        batch_norm: bool = True,
        momentum: float = 0.1,
        head: str = "linear",
    ):
        stride = choose_stride(stem_stride, image_size)
        super().__init__(n_features, image_size, smallest=8 * stride)
        layers: list[nn.Module] = [
            _convolution(n_features, _STEM, 3, stride=stride, batch_norm=batch_norm)
        ]
        width = _STEM
        for fires in _FIRES:
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            for n_squeezed, n_expanded in fires:
                layers.append(Fire(width, n_squeezed, n_expanded, batch_norm))
                width = 2 * n_expanded
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        if dropout:
            layers.append(Dropout(dropout))
        self.backbone = prepared(nn.Sequential(*layers), momentum)
        self.head = make_head(head, width, n_classes)
