"""Random draws of the members of a stack: each has a generator of its own."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Generator, Tensor

from imbdeep._torch.draws import current_generator


class _Members(threading.local):
    def __init__(self) -> None:
        self.generators: list[Sequence[Generator]] = []


_MEMBERS = _Members()


@contextmanager
def drawing_for_members(generators: Sequence[Generator]) -> Iterator[None]:
    """Set the generators of a stack's members, for this thread.

    Parameters
    ----------
    generators : sequence of torch.Generator
        One of each member.
    """
    _MEMBERS.generators.append(generators)
    try:
        yield
    finally:
        _MEMBERS.generators.pop()


class _MaskOfMembers(torch.autograd.Function):
    """A mask per member; under vmap, which hides that there are several."""

    @staticmethod
    def forward(x: Tensor, share: float) -> Tensor:
        return _mask(x, share, current_generator(x.device))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.mark_non_differentiable(output)

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Tensor, share: float) -> tuple[Tensor, int]:
        shape = x.movedim(in_dims[0], 0).shape
        masks = torch.empty(shape, dtype=x.dtype, device=x.device)
        for own, generator in zip(masks, _MEMBERS.generators[-1], strict=True):
            own.bernoulli_(share, generator=generator)
        return masks, 0


def _mask(x: Tensor, share: float, generator: Generator | None) -> Tensor:
    return torch.empty_like(x).bernoulli_(share, generator=generator)


def draw_mask(x: Tensor, share: float) -> Tensor:
    """Draw ones and zeros in the shape of a tensor, from the generator of a fit.

    Parameters
    ----------
    x : Tensor
    share : float in [0, 1]
        Probability of a one.

    Returns
    -------
    Tensor of the shape and dtype of ``x``

    Examples
    --------
    >>> import torch
    >>> from imbdeep._torch.member_draws import draw_mask
    >>> draw_mask(torch.zeros(3), 1.0)
    tensor([1., 1., 1.])
    """
    if _MEMBERS.generators:
        return _MaskOfMembers.apply(x.detach(), share)
    return _mask(x, share, current_generator(x.device))
