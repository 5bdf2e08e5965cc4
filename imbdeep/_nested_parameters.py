"""Errors of parts of a net, told in terms of the parameters that the user has set."""

import inspect
from contextlib import contextmanager


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
        Instead of a TypeError or another error of the component itself, if there are
        any parameters.

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
        if not params or f"{prefix}__" in str(error):
            raise
        given = ", ".join(f"{prefix}__{name}={params[name]!r}" for name in params)
        name = getattr(component, "__name__", type(component).__name__)
        raise ValueError(
            f"{name} cannot be made of {given}: {error}.{_known(component, params)}"
        ) from error


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
