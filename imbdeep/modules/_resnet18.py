"""Residual network for photographs."""

from torch import Tensor, nn

from imbdeep._arguments import WholeNumber, checks_arguments
from imbdeep._docs import shared_docs
from imbdeep.modules._backbone import load_nets
from imbdeep.modules._conv_net import check_images
from imbdeep.modules._docs import SHARED
from imbdeep.modules._heads import make_head

# Channels of the last residual block.
_WIDTH = 512


def make_backbone(n_channels: int) -> nn.Module:
    """Make a ResNet-18 for small images, without its last layer."""
    return load_nets("ResNet18").resnet18(
        spatial_dims=2,
        n_input_channels=n_channels,
        # CIFAR's stem: ImageNet's would shrink 32 x 32 pixels to 8 x 8.
        conv1_t_size=3,
        conv1_t_stride=1,
        no_max_pool=True,
        bias_downsample=False,
        feed_forward=False,
    )


@shared_docs(SHARED)
class ResNet18(nn.Module):
    """ResNet-18 [1]_ for small images, with any number of channels.

    This is the variant for CIFAR: the first convolution is 3 x 3 with stride 1 and no
    max-pooling follows, so that an image of 32 x 32 pixels reaches the residual blocks
    in full size. It needs MONAI: ``pip install imbdeep[vision]``.

    **Shape**

    - Input: ``(n, n_features, height, width)``, of any height and width
    - Output: logits ``(n, n_classes)``

    Parameters
    ----------
    {channels}
    n_classes : int
    {head}

    Raises
    ------
    ImportError
        If MONAI is not installed.

    See Also
    --------
    ConvNet : A small net, at about a hundredth of the cost.
    ResNet50 : A deeper net, with a stem for larger images too.

    Notes
    -----
    11.17 million parameters with 3 channels and 10 classes. The blocks come from
    ``monai.networks.nets.resnet18``.

    Batch normalisation needs more than one number per channel: images of at most 8 x 8
    pixels cannot be trained on in batches of one row.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun. "Deep residual learning for image
       recognition". CVPR 2016.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import ResNet18
    >>> net = ResNet18(n_features=3, n_classes=10)
    >>> net(torch.randn(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    input_ndim = 4

    @checks_arguments(n_features=[WholeNumber(1)], n_classes=[WholeNumber(1)])
    def __init__(self, n_features: int, n_classes: int, *, head: str = "linear"):
        super().__init__()
        self.n_features = n_features
        self.backbone = make_backbone(n_features)
        self.head = make_head(head, _WIDTH, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """Outputs of the last block, averaged over the image, ``(n, 512)``."""
        check_images(x, self.n_features)
        return self.backbone(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))
