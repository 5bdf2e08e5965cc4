"""Where nets run."""

import torch


def resolve_device(device):
    """Device meant by a parameter: 'auto' is CUDA when there is one, else the CPU.

    Examples
    --------
    >>> from imbdeep._device import resolve_device
    >>> resolve_device("cpu")
    'cpu'
    """
    if isinstance(device, str) and device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device
