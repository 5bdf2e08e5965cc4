"""Which parameters have changed since a net was initialized with them."""

import pickle
from collections.abc import Mapping
from copy import copy
from numbers import Real

import joblib
import torch


class _Unset:
    """Stands for a parameter with a prefix that is not set."""

    def __repr__(self):
        return "not set"


_UNSET = _Unset()


def same(a, b):
    """Whether two values of a parameter are the same, or one a copy of the other.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._nets.parameters_in_use import same
    >>> same(1, 1.0), same((8,), (4,)), same(np.ones(2), np.ones(2))
    (True, False, True)
    """
    if a is b:
        return True
    if isinstance(a, Real) and isinstance(b, Real):
        return bool(a == b)
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, torch.nn.Module):
        return repr(a) == repr(b) and same(a.state_dict(), b.state_dict())
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    try:
        return joblib.hash(a) == joblib.hash(b)
    except (AttributeError, TypeError, pickle.PicklingError):
        # Functions without a name, which no copy can equal.
        return False


def remember(parts):
    """Take note of parameters, of which a user may change lists in place.

    Parameters
    ----------
    parts : dict of str to dict
        Parameters by name, of each part of a net that they decide.

    Returns
    -------
    dict of str to dict
    """
    return {
        part: {
            name: copy(value) if isinstance(value, list | dict) else value
            for name, value in parameters.items()
        }
        for part, parameters in parts.items()
    }


def find_changes(before, now):
    """Parameters that are not what they were.

    Parameters
    ----------
    before, now : dict of str to dict
        As :func:`remember` gives them.

    Returns
    -------
    dict of str to dict of str to tuple (old, new)
        Of the parts that have changed.

    Examples
    --------
    >>> from imbdeep._nets.parameters_in_use import find_changes
    >>> before = {"optimizer": {"lr": 0.1}, "module": {"module": "mlp"}}
    >>> find_changes(before, {"optimizer": {"lr": 0.2}, "module": {"module": "mlp"}})
    {'optimizer': {'lr': (0.1, 0.2)}}
    """
    changes = {}
    for part, after in now.items():
        old = before.get(part, {})
        pairs = {
            name: (old.get(name, _UNSET), after.get(name, _UNSET))
            for name in dict.fromkeys([*old, *after])
        }
        pairs = {name: pair for name, pair in pairs.items() if not same(*pair)}
        if pairs:
            changes[part] = pairs
    return changes


def refuse_changes(changes, reason):
    """Raise the error for parameters that a net in use cannot take up.

    Parameters
    ----------
    changes : dict of str to tuple (old, new)
        None passes.
    reason : str
        A clause that ends the sentence which names the parameter.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from imbdeep._nets.parameters_in_use import refuse_changes
    >>> refuse_changes({"n_bins": (16, 8)}, "which decides the module")
    Traceback (most recent call last):
    ValueError: Training began with n_bins=16, which decides the module, and cannot ...
    """
    for name, (old, new) in changes.items():
        raise ValueError(
            f"Training began with {name}={old!r}, {reason}, and cannot go on with "
            f"{new!r}. Set it back, or begin anew with fit and warm_start=False."
        )


def state_fits(optimizer, fresh):
    """Whether an optimizer can go on with the state of another.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Has made steps.
    fresh : torch.optim.Optimizer
        Has the new settings, and parameters of its own; it makes a step here.

    Returns
    -------
    bool
        Whether the first keeps all that the second needs, as Adam without ``amsgrad``
        does not for Adam with it.
    """
    if type(optimizer) is not type(fresh):
        return False
    for group in fresh.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    fresh.step(lambda: torch.zeros(()))
    needed = {name for state in fresh.state.values() for name in state}
    return all(needed <= set(state) for state in optimizer.state.values())
