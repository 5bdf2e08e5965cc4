"""Errors of parts of a net, told in terms of the parameters that the user has set."""

import inspect
from contextlib import contextmanager
from types import NoneType
from typing import get_args

import torch
from sklearn.utils._param_validation import Options
from skorch.callbacks import PassthroughScoring

from imbdeep._arguments import FiniteReal, WholeNumber, check_arguments

# Options of torch's optimizers for steps that are differentiated, or replayed by CUDA.
_NOT_OF_A_NET = {"differentiable", "capturable"}


@contextmanager
def naming_parameters(prefix, component, params):
    """Say which parameters a part was to be made of, where it cannot be made.

    Parameters
    ----------
    prefix : str
        Of the parameters, such as 'optimizer'.
    component : class, function or instance
        What takes them.
    params : dict
        Those that the user has set, without the prefix.

    Raises
    ------
    ValueError
        Instead of a TypeError or another error of the component itself.

    Examples
    --------
    >>> from imbdeep._nested_parameters import naming_parameters
    >>> with naming_parameters("optimizer", dict, {"lr": "fast"}):
    ...     0 < "fast"
    Traceback (most recent call last):
    ValueError: dict cannot be made of optimizer__lr='fast': '<' not supported ...
    """
    try:
        yield
    except (
        TypeError,
        ValueError,
        RuntimeError,
        AttributeError,
        OverflowError,
    ) as error:
        # Without parameters only what it is called with can be wrong.
        if f"{prefix}__" in str(error) or not (params or isinstance(error, TypeError)):
            raise
        name = getattr(component, "__name__", type(component).__name__)
        given = ", ".join(f"{prefix}__{name}={params[name]!r}" for name in params)
        given = given or f"{prefix}={name}"
        reason = str(error).rstrip(".")
        raise ValueError(
            f"{name} cannot be made of {given}: {reason}.{_known(component, params)}"
        ) from error


@contextmanager
def naming_value(parameter, value):
    """Say which parameter was wrong, where what reads its value does not.

    Parameters
    ----------
    parameter : str
    value : object

    Raises
    ------
    ValueError
        Instead of an error of the reader that does not name the parameter.

    Examples
    --------
    >>> from imbdeep._nested_parameters import naming_value
    >>> with naming_value("class_weight", {0: "x"}):
    ...     float("x")
    Traceback (most recent call last):
    ValueError: class_weight={0: 'x'} cannot be used: could not convert string ...
    """
    try:
        yield
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        if parameter in str(error):
            raise
        raise ValueError(f"{parameter}={value!r} cannot be used: {error}") from error


def _known(component, params):
    """Which parameters there are, if one of those given is unknown."""
    if not callable(component):
        return ""
    try:
        known = inspect.signature(component).parameters
    except (TypeError, ValueError):
        return ""
    takes_any = any(p.kind is p.VAR_KEYWORD for p in known.values())
    if takes_any or set(params) <= set(known):
        return ""
    return f" It takes {', '.join(known)}."


def _check_like_default(prefix, component, params, constraints):
    """Refuse a parameter that is not of the kind of its default.

    What torch and skorch are given shows in the middle of training, if at all.

    Parameters
    ----------
    prefix : str
    component : class or instance
    params : dict
    constraints : dict of type to list
        Constraints of parameters whose default is of exactly this type.
    """
    maker = component if inspect.isclass(component) else type(component)
    known = inspect.signature(maker).parameters
    for name in params.keys() & known.keys():
        allowed = constraints.get(type(known[name].default))
        if set(get_args(known[name].annotation)) == {bool, NoneType}:
            allowed = ["boolean", None]
        if allowed is not None:
            key = f"{prefix}__{name}"
            check_arguments({key: allowed}, {key: params[name]})


def check_optimizer(optimizer, params):
    """Refuse parameters of an optimizer that would fail in its first step, or not.

    Parameters
    ----------
    optimizer : class
    params : dict
        Those that the user has set, without the prefix.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nested_parameters import check_optimizer
    >>> check_optimizer(torch.optim.Adam, {"amsgrad": "yes"})
    Traceback (most recent call last):
    ValueError: optimizer__amsgrad must be an instance of 'bool' or ..., got 'yes'.
    """
    number = [FiniteReal(None, None), torch.Tensor]
    kinds = {bool: ["boolean"], int: number, float: number}
    _check_like_default("optimizer", optimizer, params, kinds)
    if "betas" in params:
        betas = params["betas"]
        if not (isinstance(betas, tuple | list) and len(betas) == 2):
            raise ValueError(
                f"optimizer__betas must be a tuple of two numbers, got {betas!r}."
            )
    for name in _NOT_OF_A_NET & params.keys():
        if params[name]:
            raise ValueError(
                f"optimizer__{name}={params[name]!r} is for training loops that a net "
                "does not have. Leave it."
            )


def check_iterator(prefix, iterator, params):
    """Refuse flags of an iterator that are no flags, which skorch looks at first.

    Parameters
    ----------
    prefix : {'iterator_train', 'iterator_valid'}
    iterator : class
    params : dict
        Those that the user has set, without the prefix.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from torch.utils.data import DataLoader
    >>> from imbdeep._nested_parameters import check_iterator
    >>> check_iterator("iterator_valid", DataLoader, {"drop_last": "no"})
    Traceback (most recent call last):
    ValueError: iterator_valid__drop_last must be ... 'bool' ..., got 'no'.
    """
    _check_like_default(prefix, iterator, params, {bool: ["boolean"]})
    if prefix == "iterator_valid" and params.get("shuffle"):
        raise ValueError(
            "iterator_valid__shuffle=True would give predictions in another order than "
            "the rows. Leave it."
        )
    size = params.get("batch_size")
    allowed = [WholeNumber(1), Options(int, {-1}), None]
    check_arguments({f"{prefix}__batch_size": allowed}, {f"{prefix}__batch_size": size})


def check_callbacks(callbacks, params):
    """Refuse what is no callback, and flags of callbacks that are no flags.

    Parameters
    ----------
    callbacks : iterable of tuple (name, callback)
    params : dict
        Those that the user has set, with the prefix 'callbacks'.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep._nested_parameters import check_callbacks
    >>> check_callbacks([("stop", 5)], {})
    Traceback (most recent call last):
    ValueError: callbacks__stop must be a callback of skorch, ..., got 5.
    """
    for name, callback in callbacks:
        key = f"callbacks__{name}"
        callback = params.get(key, callback)
        if callback is None:
            continue
        if not all(hasattr(callback, hook) for hook in ("initialize", "on_epoch_end")):
            raise ValueError(
                f"{key} must be a callback of skorch, the class of one or None, got "
                f"{callback!r}."
            )
        own = {
            inner.removeprefix(f"{key}__"): params[inner]
            for inner in params
            if inner.startswith(f"{key}__")
        }
        _check_like_default(key, callback, own, {bool: ["boolean"]})
        if isinstance(callback, PassthroughScoring) and {"name", "on_train"} & set(own):
            raise ValueError(
                f"{key}__name and {key}__on_train say which loss of the batches it "
                "averages, and there is no other. Leave them."
            )
        if "name" in own:
            # What a scoring callback calls its entry in the history.
            check_arguments({f"{key}__name": [str, None]}, params)
