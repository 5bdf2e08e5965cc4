"""The user's own validation rows, in either form that ``fit`` takes."""

import numpy as np


def read_eval_set(eval_set, eval_X, eval_y):
    """Validation rows as a pair, however they were passed.

    Parameters
    ----------
    eval_set : tuple (X, y) or None
    eval_X, eval_y : array-like or None
        The same in two arguments.

    Returns
    -------
    tuple (X, y) or None

    Raises
    ------
    ValueError
        If rows come without labels or labels without rows, if both forms are given at
        once, if ``eval_set`` is not a pair, or if there are several sets.

    Examples
    --------
    >>> from imbdeep._nets.eval_set import read_eval_set
    >>> read_eval_set(None, [[0.5]], [1])
    ([[0.5]], [1])
    >>> read_eval_set([([[0.5]], [1])], None, None)
    Traceback (most recent call last):
    ValueError: eval_set is a list of 1 pair(s), and there is one validation set. ...
    """
    if (eval_X is None) != (eval_y is None):
        given, lacking = ("X", "y") if eval_y is None else ("y", "X")
        raise ValueError(
            f"eval_{given} came without eval_{lacking}. Pass both: the validation rows "
            "and their labels."
        )
    if eval_X is None:
        return None if eval_set is None else _read_pair(eval_set)
    if eval_set is not None:
        raise ValueError(
            "eval_set and eval_X, eval_y are two ways to pass the same. Pass one."
        )
    if _are_lists_of_sets(eval_X, eval_y):
        raise ValueError(
            "eval_X and eval_y list several sets, or one in a list, and there is one "
            "validation set. Pass it itself: eval_X=X_valid, eval_y=y_valid."
        )
    return eval_X, eval_y


def _are_lists_of_sets(eval_X, eval_y):
    """Whether lists hold tables and their labels, as LightGBM's do."""
    if isinstance(eval_y, list | tuple) and eval_y:
        return all(np.ndim(labels) and len(labels) > 1 for labels in eval_y)
    listed = isinstance(eval_X, list | tuple)
    listed = listed and np.shape(eval_y)[:1] != (len(eval_X),)
    return listed and all(len(getattr(rows, "shape", ())) > 1 for rows in eval_X)


def _read_pair(eval_set):
    # XGBoost and LightGBM take a list of pairs under the same name.
    if isinstance(eval_set, list | tuple) and eval_set and all(map(_is_set, eval_set)):
        raise ValueError(
            f"eval_set is a list of {len(eval_set)} pair(s), and there is one "
            "validation set. Pass the pair itself, eval_set=(X_valid, y_valid), or "
            "eval_X=X_valid, eval_y=y_valid."
        )
    if not isinstance(eval_set, list | tuple) or len(eval_set) != 2:
        length = f" of {len(eval_set)}" if hasattr(eval_set, "__len__") else ""
        raise ValueError(
            "eval_set must be a pair (X_valid, y_valid), got "
            f"{type(eval_set).__name__}{length}."
        )
    return tuple(eval_set)


def _is_set(item):
    """Whether an item is a pair (rows, labels), and not rows or labels alone."""
    if not isinstance(item, list | tuple) or len(item) != 2:
        return False
    rows = item[0]
    if hasattr(rows, "shape"):
        return len(rows.shape) >= 2
    return isinstance(rows, list | tuple) and isinstance(
        next(iter(rows), 0), list | tuple
    )
