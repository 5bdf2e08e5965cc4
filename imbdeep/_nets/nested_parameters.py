"""Errors of a net's parts, in terms of the parameters that the user has set."""

import inspect
from contextlib import contextmanager
from types import NoneType
from typing import get_args

import torch
from sklearn.utils._param_validation import Options
from skorch.callbacks import PassthroughScoring

from imbdeep._arguments import FiniteReal, WholeNumber, check_arguments, shown

# Options of torch's optimizers, and what a step would be for.
_NOT_OF_A_NET = {
    "maximize": "makes the loss larger, and a net makes it smaller",
    "differentiable": "is for steps that are differentiated, and no net does that",
    "capturable": "is for steps that CUDA replays, and no net does that",
}
# What torch itself refuses, but not in optimizer__param_groups.
_OF_A_GROUP = {
    "lr": [FiniteReal(0, None), torch.Tensor],
    "weight_decay": [FiniteReal(0, None), torch.Tensor],
}
# What parts raise when they cannot use a parameter.
_ERRORS = (
    TypeError,
    ValueError,
    RuntimeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)


@contextmanager
def naming_parameters(prefix, component, params):
    """Name the parameters of a part that cannot be built.

    Parameters
    ----------
    prefix : str
        Prefix of the parameters, such as 'optimizer'.
    component : class, function or instance
        What takes the parameters.
    params : dict
        Parameters that the user has set, without the prefix.

    Raises
    ------
    ValueError
        Instead of a TypeError or another error of the component itself.

    Examples
    --------
    >>> from imbdeep._nets.nested_parameters import naming_parameters
    >>> with naming_parameters("optimizer", dict, {"lr": "fast"}):
    ...     0 < "fast"
    Traceback (most recent call last):
    ValueError: dict cannot be made of optimizer__lr='fast': '<' not supported ...
    """
    try:
        yield
    except _ERRORS as error:
        if f"{prefix}__" in str(error):
            raise
        # Nothing was set, so the error is the part's own, unless its signature does not
        # suit the way it is called: a TypeError, or whatever a builtin raises.
        is_builtin = getattr(component, "__module__", "") == "builtins"
        if not (params or is_builtin or isinstance(error, TypeError)):
            raise
        name, given = _told(prefix, component, params)
        reason = str(error).rstrip(".")
        raise ValueError(
            f"{name} cannot be made of {given}: {reason}.{_known(component, params)}"
        ) from error


def _told(prefix, component, params):
    """Name of a part, and the parameters that it was built from."""
    name = getattr(component, "__name__", type(component).__name__)
    given = ", ".join(f"{prefix}__{key}={shown(params[key])}" for key in params)
    return name, given or f"{prefix}={name}"


@contextmanager
def naming_failures(prefix, component, params):
    """Name the parameters of a part that fails in use.

    Parameters
    ----------
    prefix, component, params
        See :func:`naming_parameters`. Only torch's own parts are named when no
        parameters were set: the author of a user-defined part knows where it failed.

    Raises
    ------
    ValueError
        Instead of the part's own error. An out-of-memory error passes unchanged.

    Examples
    --------
    >>> from torch.nn import NLLLoss
    >>> from imbdeep._nets.nested_parameters import naming_failures
    >>> with naming_failures("criterion", NLLLoss, {"ignore_index": "x"}):
    ...     int("x")
    Traceback (most recent call last):
    ValueError: NLLLoss fails with criterion__ignore_index='x': invalid literal for ...
    """
    try:
        yield
    except torch.OutOfMemoryError:  # a RuntimeError, but no parameter's fault
        raise
    except (*_ERRORS, LookupError) as error:
        of_torch = getattr(component, "__module__", "").startswith("torch.")
        if f"{prefix}__" in str(error) or not (params or of_torch):
            raise
        name, given = _told(prefix, component, params)
        raise ValueError(f"{name} fails with {given}: {error}") from error


def _known(component, params):
    """The parameters that exist, if one of those given is unknown."""
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
    """Refuse a parameter that is not of the same kind as its default.

    torch and skorch fail on a bad value in the middle of training, if at all.

    Parameters
    ----------
    prefix : str
    component : class or instance
    params : dict
    constraints : dict of type to list
        Constraints on parameters whose default has exactly this type.
    """
    if not params:
        return
    maker = component if inspect.isclass(component) else type(component)
    try:
        known = inspect.signature(maker).parameters
    except ValueError:  # of a class that is not written in Python
        return
    for name in params.keys() & known.keys():
        allowed = constraints.get(type(known[name].default))
        # torch's fused and foreach are flags whose default, None, shows no type.
        if set(get_args(known[name].annotation)) == {bool, NoneType}:
            allowed = ["boolean", None]
        if allowed is not None:
            key = f"{prefix}__{name}"
            check_arguments({key: allowed}, {key: params[name]})


def check_sizes(params, learned):
    """Refuse sizes of one of our modules that differ from those of the data.

    Parameters
    ----------
    params : dict
        Parameters of the module, without the prefix.
    learned : dict
        'n_features' and 'n_classes' of the data, or None if unknown.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep._nets.nested_parameters import check_sizes
    >>> check_sizes({"n_features": 7}, {"n_features": 3, "n_classes": 2})
    Traceback (most recent call last):
    ValueError: module__n_features=7, but the data have 3. Leave it: fit takes it ...
    """
    for name in ("n_features", "n_classes"):
        size = learned[name]
        if size is None or name not in params:
            continue
        check_arguments(
            {f"module__{name}": [WholeNumber(1)]}, {f"module__{name}": params[name]}
        )
        if params[name] != size:
            raise ValueError(
                f"module__{name}={params[name]!r}, but the data have {size}. Leave "
                "it: fit takes it from the data."
            )


def check_optimizer(optimizer, params):
    """Refuse parameters on which an optimizer would fail late or train nonsense.

    Parameters
    ----------
    optimizer : class
    params : dict
        Parameters that the user has set, without the prefix.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.nested_parameters import check_optimizer
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


def check_groups(optimizer, params):
    """Refuse settings with which an optimizer would train in the wrong direction.

    However they were set: by name, for a group of weights, or in a function that makes
    the optimizer.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    params : dict
        Parameters that the user has set, without the prefix.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.nested_parameters import check_groups
    >>> optimizer = torch.optim.SGD([torch.zeros(1)], maximize=True)
    >>> check_groups(optimizer, {"maximize": True})
    Traceback (most recent call last):
    ValueError: SGD fails with optimizer__maximize=True: maximize=True makes the ...
    """
    with naming_failures("optimizer", type(optimizer), params):
        for group in optimizer.param_groups:
            check_arguments(_OF_A_GROUP, group)
            for name, purpose in _NOT_OF_A_NET.items():
                if group.get(name):
                    raise ValueError(f"{name}={group[name]!r} {purpose}. Leave it.")


def check_iterator(prefix, iterator, params):
    """Refuse iterator flags that are not booleans.

    Parameters
    ----------
    prefix : {'iterator_train', 'iterator_valid'}
    iterator : class
    params : dict
        Parameters that the user has set, without the prefix.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from torch.utils.data import DataLoader
    >>> from imbdeep._nets.nested_parameters import check_iterator
    >>> check_iterator("iterator_valid", DataLoader, {"drop_last": "no"})
    Traceback (most recent call last):
    ValueError: iterator_valid__drop_last must be ... 'bool' ..., got 'no'.
    """
    _check_like_default(prefix, iterator, params, {bool: ["boolean"]})
    if prefix == "iterator_valid":
        for name in params.keys() & {
            "shuffle",
            "sampler",
            "batch_sampler",
            "drop_last",
        }:
            if params[name] is not None and params[name] is not False:
                raise ValueError(
                    f"iterator_valid__{name}={params[name]!r} would give predictions "
                    "in another order than the rows, or of some rows only. Leave it."
                )
    size = params.get("batch_size")
    allowed = [WholeNumber(1), Options(int, {-1}), None]
    check_arguments({f"{prefix}__batch_size": allowed}, {f"{prefix}__batch_size": size})


def check_names_of_callbacks(callbacks):
    """Refuse pairs in a list of callbacks that are not (name, callback).

    Parameters
    ----------
    callbacks : list, 'disable' or None

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep._nets.nested_parameters import check_names_of_callbacks
    >>> check_names_of_callbacks([("stop",)])
    Traceback (most recent call last):
    ValueError: callbacks must hold callbacks and pairs (name, callback), ...
    """
    for item in callbacks if isinstance(callbacks, list) else ():
        is_pair = isinstance(item, tuple | list)
        if is_pair and not (len(item) == 2 and isinstance(item[0], str)):
            raise ValueError(
                "callbacks must hold callbacks and pairs (name, callback), got "
                f"{item!r}."
            )


def check_callbacks(callbacks, params):
    """Refuse callbacks that are none, and callback flags that are not booleans.

    Parameters
    ----------
    callbacks : iterable of tuple (name, callback)
    params : dict
        Parameters that the user has set, with the prefix 'callbacks'.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep._nets.nested_parameters import check_callbacks
    >>> check_callbacks([("stop", 5)], {})
    Traceback (most recent call last):
    ValueError: callbacks__stop must be a callback of skorch, ..., got 5.
    """
    for name, callback in callbacks:
        key = f"callbacks__{name}"
        own = {
            inner.removeprefix(f"{key}__"): params[inner]
            for inner in params
            if inner.startswith(f"{key}__")
        }
        if callback is None:
            if own:
                raise ValueError(
                    f"{key}__{next(iter(own))} is set, and {key}=None. Leave one of "
                    "them."
                )
            continue
        if not all(hasattr(callback, hook) for hook in ("initialize", "on_epoch_end")):
            raise ValueError(
                f"{key} must be a callback of skorch, the class of one or None, got "
                f"{callback!r}."
            )
        _check_like_default(key, callback, own, {bool: ["boolean"]})
        if isinstance(callback, PassthroughScoring) and {"name", "on_train"} & set(own):
            raise ValueError(
                f"{key}__name and {key}__on_train say which loss of the batches it "
                "averages, and there is no other. Leave them."
            )
        if "name" in own:
            # The key of a scoring callback's entry in the history.
            check_arguments({f"{key}__name": [str, None]}, params)
