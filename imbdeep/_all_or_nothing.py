"""A fit succeeds, or leaves the estimator exactly as it was."""

import os
import threading
from contextlib import contextmanager
from copy import copy, deepcopy

import numpy as np

# Estimators in a fit, by their ids, which no other object gets meanwhile, and the
# thread of each. Not stored in the estimator, which a callback may pickle.
_FITTING: dict[int, tuple[int, object]] = {}
# Those that a fork has caught in the fit of another thread.
_HALF_FITTED: dict[int, object] = {}


def _keep_own_fits():
    # Other threads do not survive in the child of a fork.
    own = threading.get_ident()
    for key, (thread, estimator) in list(_FITTING.items()):
        if thread != own:
            del _FITTING[key]
            _HALF_FITTED[key] = estimator


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_own_fits)


def _restorer(part):
    """Return a function that restores the present state of a part, or None."""
    # A class has the method as well, but no state.
    if hasattr(part, "load_state_dict") and not isinstance(part, type):
        state = deepcopy(part.state_dict())
        return lambda: part.load_state_dict(state)
    if isinstance(part, np.random.RandomState):
        state = part.get_state()
        return lambda: part.set_state(state)
    if isinstance(part, list):
        items = copy(part)

        def restore():
            part[:] = items

        return restore
    return None


def refuse_other_threads(estimator):
    """Refuse an estimator that another thread is fitting.

    Raises
    ------
    RuntimeError

    Examples
    --------
    >>> from imbdeep._all_or_nothing import all_or_nothing, refuse_other_threads
    >>> estimator = object()
    >>> refuse_other_threads(estimator)
    """
    own = threading.get_ident()
    if id(estimator) in _HALF_FITTED and id(estimator) not in _FITTING:
        raise RuntimeError(
            f"Another thread was fitting this {type(estimator).__name__} when the "
            "process was forked, and it is half fitted. Fit it anew."
        )
    if _FITTING.get(id(estimator), (own,))[0] != own:
        raise RuntimeError(
            f"This {type(estimator).__name__} is being fitted by another thread. Give "
            "each thread an estimator of its own, such as clone(estimator)."
        )


@contextmanager
def all_or_nothing(estimator, *, going_on=False):
    """Restore an estimator if the body of the context fails.

    Parameters
    ----------
    estimator : object
        Fitted or not. Within another such block of the same thread and estimator, only
        the outer one restores it.
    going_on : bool, default=False
        Whether its parts are changed in place: the parameters and buffers of its
        module, its optimizer, its random state and its history. Otherwise they are
        built anew and need no copy.

    Raises
    ------
    RuntimeError
        If another thread is fitting the same object.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from imbdeep._all_or_nothing import all_or_nothing
    >>> estimator = SimpleNamespace(classes_=[0, 1])
    >>> try:
    ...     with all_or_nothing(estimator):
    ...         estimator.classes_ = ["a", "b"]
    ...         raise ValueError("negative weights")
    ... except ValueError:
    ...     estimator.classes_
    [0, 1]
    """
    own = threading.get_ident()
    if _FITTING.get(id(estimator), (None,))[0] == own:
        yield
        return
    # Atomic: of two threads that arrive together, one finds the other's entry.
    _FITTING.setdefault(id(estimator), (own, estimator))
    refuse_other_threads(estimator)
    try:
        attributes = dict(vars(estimator))
        parts = attributes.values() if going_on else ()
        restorers = [r for part in parts if (r := _restorer(part)) is not None]
        try:
            yield
        # KeyboardInterrupt as well.
        except BaseException:
            vars(estimator).clear()
            vars(estimator).update(attributes)
            for restore in restorers:
                restore()
            raise
        _HALF_FITTED.pop(id(estimator), None)
    finally:
        del _FITTING[id(estimator)]
