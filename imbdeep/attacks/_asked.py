"""What an attacker is asked to change: which numbers, and which levels to which."""

from collections.abc import Mapping

import numpy as np

from imbdeep._tables.by_name import in_order
from imbdeep._tables.column_kinds import missing_in
from imbdeep.attacks._threat import features_asked_for, refuse_levels


def read_changes(rows, perturb, levels, attack):
    """Numbers that may move, and columns of levels that may change.

    Parameters
    ----------
    rows : NetRows, TableRows or ArrayRows
    perturb, levels, attack
        See :func:`adversarial_rows`.

    Returns
    -------
    movable : ndarray of the shape of a row, bool
    searched : dict of int to sequence or None
        Allowed levels by position; None for those that occur.

    Raises
    ------
    ValueError
        If columns are unknown or allow nothing, or an attack cannot change levels.
    """
    named = _by_position(levels, rows)
    is_level = np.zeros(rows.shape, dtype=bool)
    if rows.is_level is not None:
        is_level |= rows.is_level
    is_level[list(named)] = True
    movable, searched = ~is_level, named
    if perturb is not None:
        asked = features_asked_for(perturb, rows.shape, rows.names)
        movable = asked & ~is_level
        searched = {i: named.get(i) for i in np.flatnonzero(asked & is_level).tolist()}
        kept = _names([i for i in named if i not in searched], rows.names)
        if kept:
            raise ValueError(
                f"levels names columns {kept}, which perturb does not let change. Name "
                "them there as well, or leave them out."
            )
    if searched and attack == "pgd":
        refuse_levels(
            _names(searched, rows.names),
            "gradients to go. Leave them out, or let attack='square' search.",
        )
    return movable, searched


def _by_position(levels, rows):
    if levels is None:
        return {}
    if not isinstance(levels, Mapping):
        raise ValueError(
            "levels must be a mapping from columns to the levels that are allowed "
            f"there, such as {{'city': ['Bonn', 'Ulm']}}, got {levels!r}."
        )
    names = list(range(rows.shape[0]) if rows.names is None else rows.names)
    needed = np.array([name in levels for name in names])
    # In a tuple, so that None is told from a column that is not named.
    given = {name: (_read(name, own),) for name, own in levels.items()}
    found = in_order("levels", given, rows.shape, rows.names, needed)
    return {i: own[0] for i, own in enumerate(found) if own is not None}


def _read(name, allowed):
    if allowed is None:
        return None
    values = np.empty(0) if np.ndim(allowed) != 1 else np.array([*allowed], object)
    if not len(values) or missing_in(values).any():
        raise ValueError(
            f"levels must have for each column a list of levels, none of them missing, "
            f"or None for those that occur; got {allowed!r} for {name!r}."
        )
    return values.tolist()


def _names(positions, names):
    return [i if names is None else list(names)[i] for i in positions]
