"""Devices that nets run on."""

import torch


def resolve_device(device):
    """Resolve a device parameter: 'auto' is CUDA if available, else the CPU.

    Examples
    --------
    >>> from imbdeep._torch.device import resolve_device
    >>> resolve_device("cpu")
    'cpu'
    """
    if isinstance(device, str) and device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def check_device(device):
    """Refuse a device that torch does not know or does not have.

    Parameters
    ----------
    device : str or torch.device
        Not 'auto'.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep._torch.device import check_device
    >>> check_device("gpu")
    Traceback (most recent call last):
    ValueError: device='gpu' is unknown: ...
    """
    try:
        known = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is unknown: {error}") from None
    if known.type == "meta":
        raise ValueError(
            "device='meta' holds shapes and no numbers, so nothing can be learned "
            "there. Use 'auto' or 'cpu'."
        )
    if known.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={device!r}, but torch finds no CUDA device. Use 'auto' or 'cpu'."
        )
