"""What a module hands to its last layer."""

from torch import Tensor, nn


def penultimate(module: nn.Module, x: Tensor) -> Tensor:
    """Features that the head of a module turns into logits.

    Parameters
    ----------
    module : nn.Module
        Names its last layer ``head``.
    x : Tensor of shape (n, ...)

    Returns
    -------
    Tensor of shape (n, n_hidden)

    Raises
    ------
    ValueError
        If the module has no ``head``, or does not use it.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import MLP, penultimate
    >>> penultimate(MLP(4, 2, hidden_sizes=(128, 16)), torch.randn(8, 4)).shape
    torch.Size([8, 16])
    """
    head = getattr(module, "head", None)
    seen: list[Tensor] = []
    if isinstance(head, nn.Module):
        handle = head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        try:
            module(x)
        finally:
            handle.remove()
    if not seen:
        raise ValueError(
            f"{type(module).__name__} does not say which features its last layer sees. "
            "Name that layer head, as imbdeep.modules.MLP does."
        )
    return seen[-1].flatten(1)
