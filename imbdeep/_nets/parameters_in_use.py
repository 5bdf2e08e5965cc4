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
    """Whether two values of a parameter are equal, or one is a copy of the other.

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
    # joblib hashes pickles, and those of equal tensors differ.
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
    """Keep parameters as they are now; a user may change lists and dicts in place.

    Parameters
    ----------
    parts : dict of str to dict
        Parameters by name, for each part of the net.

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
    """Parameters that have changed.

    Parameters
    ----------
    before, now : dict of str to dict
        Parameters as :func:`remember` returns them.

    Returns
    -------
    dict of str to dict of str to tuple (old, new)
        Only the parts that have changed.

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
    """Raise an error for parameters that cannot change once training has begun.

    Parameters
    ----------
    changes : dict of str to tuple (old, new)
        An empty dict passes.
    reason : str
        A relative clause about the parameter, for the message.

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
    """Whether a new optimizer can continue from the state of the one in use.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        The optimizer in use.
    fresh : torch.optim.Optimizer
        One with the new settings, on a parameter of its own; it makes a step here.

    Returns
    -------
    bool
        Whether the first keeps everything that the second needs. Adam without
        ``amsgrad`` does not, for Adam with it.
    """
    if type(optimizer) is not type(fresh):
        return False
    # Optimizers create their state lazily, and none says beforehand what it will be.
    for group in fresh.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    # LBFGS calls its closure, the others ignore it.
    fresh.step(lambda: torch.zeros(()))
    needed = {name for state in fresh.state.values() for name in state}
    return all(needed <= set(state) for state in optimizer.state.values())
