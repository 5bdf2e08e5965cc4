"""EfficientNets, deep networks scaled in width and depth at once."""

import functools
import math
from typing import Any

from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from imbdeep._arguments import FiniteReal, checks_arguments
from imbdeep._docs import shared_docs
from imbdeep.modules._backbone import (
    SHARED_ARGUMENTS,
    Backbone,
    choose_stride,
    load_nets,
    prepared,
)
from imbdeep.modules._docs import SHARED
from imbdeep.modules._dropout import Dropout
from imbdeep.modules._heads import make_head

# Factors of width and depth, and dropout, of each version.
_VERSIONS = {
    "b0": (1.0, 1.0, 0.2),
    "b1": (1.0, 1.1, 0.2),
    "b2": (1.1, 1.2, 0.3),
    "b3": (1.2, 1.4, 0.3),
    "b4": (1.4, 1.8, 0.4),
    "b5": (1.6, 2.2, 0.4),
    "b6": (1.8, 2.6, 0.5),
    "b7": (2.0, 3.1, 0.5),
}

# Stages of B0: blocks, side of the kernel, stride, factor of expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM = 32


class StochasticDepth(Dropout):
    """Leave out what a block adds to its input, for some rows of a training step.

    Parameters
    ----------
    p : float in [0, 1)
        Probability for a row. The others are divided by 1 - p.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules._efficientnet import StochasticDepth
    >>> dropped = StochasticDepth(0.5)(torch.ones(4, 3, 2, 2))
    >>> [len(row.unique()) for row in dropped]
    [1, 1, 1, 1]
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return x * super().forward(x.new_ones(len(x), 1, 1, 1))


def _written(stages: tuple[tuple[int, ...], ...]) -> list[str]:
    """Stages in the notation of MONAI."""
    before = _STEM
    words = []
    for n_blocks, size, stride, expansion, width in stages:
        words.append(
            f"r{n_blocks}_k{size}_s{stride}{stride}_e{expansion}"
            f"_i{before}_o{width}_se0.25"
        )
        before = width
    return words


def _replace_parts(net: Any, dropout: float, stochastic_depth: float) -> None:
    """Replace parts of MONAI's net that draw globally, or train badly."""
    net._dropout = Dropout(dropout) if dropout else nn.Identity()
    blocks = [block for stage in net._blocks for block in stage]
    for i, block in enumerate(blocks):
        rate = stochastic_depth * i / len(blocks)
        if rate and block.stride == 1 and block.in_channels == block.out_channels:
            # The last part of a block before its input is added.
            block._bn2 = nn.Sequential(block._bn2, StochasticDepth(rate))
        kernel = block._depthwise_conv
        # MONAI divides by the channels too, so that batch norm's eps drowns the outputs
        # of a wide layer. A filter here sees one channel alone.
        nn.init.normal_(kernel.weight, 0, math.sqrt(2 / math.prod(kernel.kernel_size)))
    for part in net.modules():
        if hasattr(part, "_swish"):
            # MONAI's own can be differentiated only once.
            part._swish = nn.SiLU()


def make_backbone(
    version: str, n_channels: int, image_size: int, stride: int
) -> tuple[Any, int]:
    """Make an EfficientNet without its last layer, and without anything that draws.

    Parameters
    ----------
    version : str
    n_channels : int
        Channels of an image.
    image_size : int
        Shorter side of the images.
    stride : {1, 2}
        That of the first convolution.

    Returns
    -------
    backbone : nn.Module
    width : int
        Number of features.
    """
    width, depth, _ = _VERSIONS[version]
    net = load_nets("EfficientNet").EfficientNet(
        _written(_STAGES),
        spatial_dims=2,
        in_channels=n_channels,
        num_classes=1,
        width_coefficient=width,
        depth_coefficient=depth,
        dropout_rate=0.0,
        drop_connect_rate=0.0,
        # MONAI pads for images of this size, and takes the stem's stride to be 2.
        image_size=image_size if stride == 2 else 2 * image_size,
    )
    if stride == 1:
        net._conv_stem.stride, net._conv_stem.padding = (1, 1), (1, 1)
        net._conv_stem_padding = nn.Identity()
    n_outputs = net._fc.in_features
    net._fc = nn.Identity()
    return net, n_outputs


@shared_docs(SHARED)
class EfficientNet(Backbone):
    """EfficientNet-B0 to B7 [1]_ with any number of channels.

    It needs MONAI: ``pip install imbdeep[vision]``.

    **Shape**

    - Input: ``(n, n_features, height, width)``
    - Output: logits ``(n, n_classes)``

    Parameters
    ----------
    {channels}
    n_classes : int
    version : {'b0', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7'}, default='b0'
        From 4.0 million parameters to 64; B4 has 17.6. The names 'efficientnet_b0' and
        'efficientnet_b4' of ``module`` are this class with either.
    image_size : int, at least 16, default=64
        Shorter side of the images, for the choice of the stem and the padding; ``fit``
        takes it from the data. The net itself takes images of any size above the
        smallest.
    stem_stride : {1, 2, 'auto'}, default='auto'
        Stride of the first convolution, which is 3 x 3. 2 is the paper's; with it,
        images need 32 x 32 pixels, else 16 x 16. 'auto' is 2 for images of at least 64
        x 64 pixels and 1 for smaller ones, at up to four times the cost.
    dropout : float in [0, 1) or None, default=None
        Share of the features that a training step leaves out. None is that of the
        version: 0.2 for B0, 0.4 for B4.
    stochastic_depth : float in [0, 1), default=0.2
        Share of the rows for which a training step leaves out a block, in the last
        block; in those before it is less, from zero on evenly.
    momentum : float in (0, 1], default=0.1
        Share of a step's batch in the running statistics of batch norm. The authors'
        0.01 suits many thousands of steps: after 152 steps a B0 predicted the most
        frequent class alone.
    {head}

    Raises
    ------
    ImportError
        If MONAI is not installed.
    ValueError
        If images are too small.

    See Also
    --------
    ResNet50 : More parameters and simpler layers.
    SqueezeNet : A much quicker net.

    Notes
    -----
    The blocks come from ``monai.networks.nets.EfficientNet``. Departures from it:

    - The momentum of batch norm, see there.
    - Images are padded by their size, not by the size that the paper trains a version
      on, which is 380 for B4.
    - Filters that see a single channel start with a variance of 2 by their number of
      weights, as in the authors' code. MONAI divides by the number of channels as
      well, so that their outputs are small beside the epsilon of batch norm.
    - Dropout and stochastic depth draw from the generator of a fit.

    NOTE[DIFF]: the stem for small images is not the paper's, which enlarges all images
    to at least 224 x 224 pixels. At 32 x 32, its stem would leave a single pixel.

    The net needs many steps: allow for 2,000 in a training from scratch.

    References
    ----------
    .. [1] M. Tan, Q. V. Le. "EfficientNet: rethinking model scaling for convolutional
       neural networks". ICML 2019.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import EfficientNet
    >>> net = EfficientNet(n_features=10, n_classes=4)
    >>> net(torch.randn(2, 10, 64, 64)).shape
    torch.Size([2, 4])
    """

    @checks_arguments(
        **SHARED_ARGUMENTS,
        version=[StrOptions(set(_VERSIONS))],
        dropout=[FiniteReal(0, 1, closed="left"), None],
        stochastic_depth=[FiniteReal(0, 1, closed="left")],
    )
    def __init__(
        self,
        n_features: int,
        n_classes: int,
        *,
        version: str = "b0",
        image_size: int = 64,
        stem_stride: int | str = "auto",
        dropout: float | None = None,
        stochastic_depth: float = 0.2,
        momentum: float = 0.1,
        head: str = "linear",
    ):
        stride = choose_stride(stem_stride, image_size)
        super().__init__(n_features, image_size, smallest=16 * stride)
        backbone, width = make_backbone(version, n_features, image_size, stride)
        if dropout is None:
            dropout = _VERSIONS[version][2]
        _replace_parts(backbone, dropout, stochastic_depth)
        self.backbone = prepared(backbone, momentum)
        self.head = make_head(head, width, n_classes)


class EfficientNetB4(EfficientNet):
    """EfficientNet with ``version='b4'``, for the registry."""

    __init__ = functools.partialmethod(EfficientNet.__init__, version="b4")  # type: ignore[assignment]
