"""Deep residual network for images."""

from imbdeep._arguments import checks_arguments
from imbdeep._docs import shared_docs
from imbdeep.modules._backbone import (
    SHARED_ARGUMENTS,
    Backbone,
    choose_stride,
    load_nets,
    prepared,
)
from imbdeep.modules._docs import SHARED
from imbdeep.modules._heads import make_head

# Channels of the last residual block.
_WIDTH = 2048


@shared_docs(SHARED)
class ResNet50(Backbone):
    """ResNet-50 [1]_ with any number of channels.

    It needs MONAI: ``pip install imbdeep[vision]``.

    **Shape**

    - Input: ``(n, n_features, height, width)``
    - Output: logits ``(n, n_classes)``

    Parameters
    ----------
    {channels}
    n_classes : int
    {image_size}
    stem_stride : {1, 2, 'auto'}, default='auto'
        2 is the paper's first convolution, 7 x 7 with stride 2, and its max-pooling,
        which leave a quarter of height and width: images need 32 x 32 pixels. 1 is the
        variant for small images, of at least 8 x 8 pixels: a 3 x 3 convolution with
        stride 1 and no pooling, at more than ten times the cost. 'auto' is 2 for images
        of at least 64 x 64 pixels and 1 for smaller ones.
    {momentum}
    {head}

    Raises
    ------
    ImportError
        If MONAI is not installed.
    ValueError
        If images are too small.

    See Also
    --------
    ResNet18 : Half the parameters, with the stem for small images.
    EfficientNet : Fewer parameters, in more and narrower layers.

    Notes
    -----
    23.5 million parameters without the head. The blocks come from
    ``monai.networks.nets.resnet50``, whose own stem, 7 x 7 with stride 1, would cost
    four times as much. Strides are those of the 3 x 3 convolutions in a block, not of
    the 1 x 1 convolutions before, as is usual.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun. "Deep residual learning for image
       recognition". CVPR 2016.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import ResNet50
    >>> net = ResNet50(n_features=10, n_classes=4)
    >>> net(torch.randn(2, 10, 64, 64)).shape
    torch.Size([2, 4])
    """

    @checks_arguments(**SHARED_ARGUMENTS)
    def __init__(
        self,
        n_features: int,
        n_classes: int,
        *,
        image_size: int = 64,
        stem_stride: int | str = "auto",
        momentum: float = 0.1,
        head: str = "linear",
    ):
        stride = choose_stride(stem_stride, image_size)
        super().__init__(n_features, image_size, smallest=32 if stride == 2 else 8)
        backbone = load_nets("ResNet50").resnet50(
            spatial_dims=2,
            n_input_channels=n_features,
            conv1_t_size=7 if stride == 2 else 3,
            conv1_t_stride=stride,
            no_max_pool=stride == 1,
            bias_downsample=False,
            feed_forward=False,
        )
        self.backbone = prepared(backbone, momentum)
        self.head = make_head(head, _WIDTH, n_classes)
