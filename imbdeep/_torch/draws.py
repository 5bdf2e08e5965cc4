"""Generators of torch's random draws: a fit has its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Generator
from torch.overrides import TorchFunctionMode

# Modules whose classes draw from the generators of the fit, or not at all.
_KNOWN = (
    "imbdeep.",
    "skorch.dataset.",
    "torch.nn.modules.loss.",
    "torch.optim.",
    # The net gives it a generator.
    "torch.utils.data.dataloader.",
)


class _Fits(threading.local):
    """Generators by device type, for each fit that this thread is in."""

    def __init__(self) -> None:
        self.generators: list[dict[str, Generator]] = []


_FITS = _Fits()


@contextmanager
def drawing_from(*generators: Generator) -> Iterator[None]:
    """Set the generators of this thread's fit; none stands for the global ones."""
    _FITS.generators.append({g.device.type: g for g in generators})
    try:
        yield
    finally:
        _FITS.generators.pop()


def current_generators() -> list[Generator]:
    """Return the generators of this thread's innermost fit."""
    return list(_FITS.generators[-1].values()) if _FITS.generators else []


def current_generator(device: str | torch.device = "cpu") -> Generator | None:
    """Return the generator of this thread's innermost fit.

    All draws within a fit use it, because other threads may draw from torch's global
    generators meanwhile.

    Parameters
    ----------
    device : str or torch.device, default='cpu'

    Returns
    -------
    torch.Generator or None
        None outside of a fit, and in a fit that uses torch's global generators, which
        torch's functions take None for.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._torch.draws import current_generator, drawing_from
    >>> current_generator() is None
    True
    >>> own = torch.Generator()
    >>> with drawing_from(own):
    ...     current_generator() is own
    True
    """
    if not _FITS.generators:
        return None
    return _FITS.generators[-1].get(torch.device(device).type)


_TAKE_GENERATOR = {
    *(
        getattr(torch, name)
        for name in (
            "bernoulli",
            "binomial",
            "multinomial",
            "normal",
            "poisson",
            "rand",
            "randint",
            "randn",
            "randperm",
            "_sample_dirichlet",
            "_standard_gamma",
        )
    ),
    *(
        getattr(torch.Tensor, name)
        for name in (
            "bernoulli",
            "bernoulli_",
            "cauchy_",
            "exponential_",
            "geometric_",
            "log_normal_",
            "multinomial",
            "normal_",
            "random_",
            "uniform_",
        )
    ),
    # The other functions of torch.nn.init call methods of tensors.
    torch.nn.init.kaiming_uniform_,
    torch.nn.init.normal_,
    torch.nn.init.uniform_,
}

# Functions without a generator in some versions of torch, and methods in their place.
_FILL = {
    torch.rand_like: torch.Tensor.uniform_,
    torch.randn_like: torch.Tensor.normal_,
}


class _DrawForFit(TorchFunctionMode):
    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _FILL:
            empty = torch.empty_like(*args, **kwargs)
            return _FILL[func](empty, generator=current_generator(empty.device))
        if func in _TAKE_GENERATOR and kwargs.get("generator") is None:
            tensors = (x for x in (*args, *kwargs.values()) if torch.is_tensor(x))
            tensor = next(tensors, None)
            device = kwargs.get("device") if tensor is None else tensor.device
            kwargs = {**kwargs, "generator": current_generator(device or "cpu")}
        return func(*args, **kwargs)


@contextmanager
def drawing_for_fit() -> Iterator[None]:
    """Draw from the generator of this thread's fit where none is named.

    Layers draw their initial weights without naming a generator, and so do users'
    callbacks. Every call of a torch function is intercepted, which costs microseconds:
    do not use it for training steps.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._torch.draws import drawing_for_fit, drawing_from
    >>> with drawing_from(torch.Generator().manual_seed(0)), drawing_for_fit():
    ...     drawn = torch.rand(3)
    >>> torch.equal(drawn, torch.rand(3, generator=torch.Generator().manual_seed(0)))
    True
    """
    if not current_generators():
        yield
        return
    with _DrawForFit():
        yield


def draws_globally(part: Any) -> bool:
    """Whether a part of a net may draw from torch's global generators.

    A user's class may, such as a module with :class:`torch.nn.Dropout`, which has no
    alternative. So may an instance of any class, because its parts may have been
    replaced.

    Parameters
    ----------
    part : class, function or object

    Examples
    --------
    >>> from torch import nn
    >>> from imbdeep._torch.draws import draws_globally
    >>> from imbdeep.modules import MLP
    >>> draws_globally(MLP), draws_globally(nn.Dropout)
    (False, True)
    """
    return not isinstance(part, type) or not f"{part.__module__}.".startswith(_KNOWN)
