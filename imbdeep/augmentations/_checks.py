"""Checks of batches of images, and of the parameters of augmentations."""

from typing import Any

import torch
from sklearn.utils._param_validation import StrOptions
from torch import Generator, Tensor

from imbdeep._arguments import FiniteReal, WholeNumber, check_arguments, shown
from imbdeep.augmentations._affine import FILLS

_SHARE = [FiniteReal(0, 1)]
_CONSTRAINTS: dict[str, list[Any]] = {
    "degrees": [FiniteReal(0, 180)],
    "horizontal": _SHARE,
    "vertical": _SHARE,
    "shift": _SHARE,
    "padding": [WholeNumber(0)],
    "fill": [StrOptions(set(FILLS))],
    "value": [FiniteReal(None, None)],
}


def check_batch(batch: Tensor, generator: Generator | None, **parameters: Any) -> None:
    """Refuse anything but images of floating point, and parameters out of range.

    Parameters
    ----------
    batch : Tensor of shape (*, n, bands, height, width)
    generator : torch.Generator or None
    **parameters
        Those of an augmentation, by the names that all of them share.

    Raises
    ------
    ValueError
    """
    if not torch.is_tensor(batch):
        raise ValueError(
            f"Augmentations take a tensor of images, got a {type(batch).__name__}. "
            "Convert an array with torch.as_tensor(images)."
        )
    if not (generator is None or isinstance(generator, Generator)):
        raise ValueError(
            "generator must be a torch.Generator, or None for torch's global one, got "
            f"{shown(generator)}. Make one with torch.Generator().manual_seed(0)."
        )
    if batch.ndim < 4:
        raise ValueError(
            "Augmentations take images of shape (n, bands, height, width), got "
            f"{tuple(batch.shape)}. Give images without bands one, X[:, None]."
        )
    if not batch.is_floating_point():
        raise ValueError(
            f"Augmentations take images of floating point, got {batch.dtype}. Convert "
            "them with batch.float()."
        )
    check_arguments(_CONSTRAINTS, parameters)
