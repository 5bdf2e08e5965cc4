"""The features that a module passes to its last layer."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn


def find_head(module: nn.Module) -> nn.Module:
    """Find the last layer of a module, by its name ``head``.

    Parameters
    ----------
    module : nn.Module

    Returns
    -------
    nn.Module

    Raises
    ------
    ValueError
        If the module has no ``head``.

    Examples
    --------
    >>> from imbdeep.modules import MLP
    >>> from imbdeep.modules._penultimate import find_head
    >>> find_head(MLP(4, 2))
    Linear(in_features=16, out_features=2, bias=True)
    """
    head = getattr(module, "head", None)
    if not isinstance(head, nn.Module):
        raise ValueError(
            f"{type(module).__name__} does not say which features its last layer sees. "
            "Name that layer head, as imbdeep.modules.MLP does, or use module='mlp'."
        )
    return head


@contextmanager
def head_inputs(module: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the inputs of a module's ``head`` while the context is open.

    Parameters
    ----------
    module : nn.Module
        Names its last layer ``head``.

    Yields
    ------
    list of Tensor of shape (n, n_hidden)
        One per forward pass, with its gradient.

    Raises
    ------
    ValueError
        If the module has no ``head``.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules import MLP
    >>> from imbdeep.modules._penultimate import head_inputs
    >>> mlp = MLP(4, 2, hidden_sizes=(128, 16))
    >>> with head_inputs(mlp) as features:
    ...     logits = mlp(torch.randn(8, 4))
    >>> features[0].shape
    torch.Size([8, 16])
    """
    seen: list[Tensor] = []

    def collect(head: nn.Module, args: tuple, kwargs: dict) -> None:
        # A head may be called with keywords alone, and may flatten its input itself.
        seen.append(next(iter((*args, *kwargs.values()))).flatten(1))

    handle = find_head(module).register_forward_pre_hook(collect, with_kwargs=True)
    try:
        yield seen
    finally:
        handle.remove()


def penultimate(module: nn.Module, x: Tensor) -> Tensor:
    """Compute the features that the head of a module turns into logits.

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
    >>> from imbdeep.modules import MLP
    >>> from imbdeep.modules._penultimate import penultimate
    >>> penultimate(MLP(4, 2, hidden_sizes=(128, 16)), torch.randn(8, 4)).shape
    torch.Size([8, 16])
    """
    with head_inputs(module) as features:
        module(x)
    if not features:
        raise ValueError(
            f"{type(module).__name__} has a head that its forward pass does not call, "
            "so its features are not known."
        )
    return features[-1]
