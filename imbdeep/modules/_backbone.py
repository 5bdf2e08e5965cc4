"""What the deep nets for images have in common."""

import importlib
from typing import Any

import torch
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from imbdeep._arguments import FiniteReal, WholeNumber, shown
from imbdeep.modules._conv_net import check_images

# Side of an image from which on the first convolution halves it.
_LARGE = 64

# Constraints of the parameters that all of them have.
SHARED_ARGUMENTS: dict[str, list[Any]] = {
    "n_features": [WholeNumber(1)],
    "n_classes": [WholeNumber(1)],
    "image_size": [WholeNumber(1)],
    "momentum": [FiniteReal(0, 1, closed="right")],
    "head": [StrOptions({"linear", "cosine"})],
}


def load_nets(name: str) -> Any:
    """Import the nets of MONAI for the class of a name.

    It is imported only here: MONAI is optional, and takes more than a second.
    """
    try:
        return importlib.import_module("monai.networks.nets")
    except ImportError as error:
        raise ImportError(
            f"{name} needs MONAI, which is not installed. Run pip install "
            "imbdeep[vision], or take module='squeezenet' or 'conv'."
        ) from error


def choose_stride(stem_stride: int | str, image_size: int) -> int:
    """Stride of the first convolution.

    Parameters
    ----------
    stem_stride : {1, 2, 'auto'}
    image_size : int
        Shorter side of the images.

    Returns
    -------
    int

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep.modules._backbone import choose_stride
    >>> [choose_stride("auto", side) for side in (28, 63, 64)]
    [1, 1, 2]
    """
    if isinstance(stem_stride, str) and stem_stride == "auto":
        return 2 if image_size >= _LARGE else 1
    if WholeNumber(1).is_satisfied_by(stem_stride) and int(stem_stride) <= 2:
        return int(stem_stride)
    raise ValueError(f"stem_stride must be 1, 2 or 'auto', got {shown(stem_stride)}.")


def prepared(module: nn.Module, momentum: float) -> nn.Module:
    """Set the momentum of every batch norm in a module, and lay out its filters."""
    for part in module.modules():
        if isinstance(part, _NormBase):
            part.momentum = momentum
    # On a CPU, filters of one channel and max-pooling take half the time with channels
    # last.
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class Backbone(nn.Module):
    """A net for images whose stem depends on their size.

    A base: a subclass sets ``backbone``, which gives the features, and ``head``.

    Parameters
    ----------
    n_features : int
        Channels of an image.
    image_size : int
        Shorter side of the images.
    smallest : int
        How many times the net shrinks an image: of a smaller one, less than a pixel
        would be left.

    Raises
    ------
    ValueError
        If the images are smaller.
    """

    input_ndim = 4
    backbone: nn.Module
    head: nn.Module

    def __init__(self, n_features: int, image_size: int, smallest: int):
        super().__init__()
        self.n_features = n_features
        self.smallest = smallest
        self._check_size(image_size)

    def _check_size(self, *sides: int) -> None:
        if min(sides) < self.smallest:
            raise ValueError(
                f"{type(self).__name__} shrinks images {self.smallest} times, and got "
                f"some with a side of {min(sides)}. Enlarge them to at least "
                f"{self.smallest} x {self.smallest} pixels, or take module='conv'."
            )

    def features(self, x: Tensor) -> Tensor:
        """Inputs of the head: the last maps, averaged over the image."""
        check_images(x, self.n_features)
        self._check_size(*x.shape[2:])
        return self.backbone(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))
