"""What an attacker is asked to change: numbers, how far, and levels to which."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch

from imbdeep._tables.by_name import in_order
from imbdeep._tables.column_kinds import missing_in
from imbdeep._tables.rows import column_moments
from imbdeep.attacks._box import check_inside, read_box
from imbdeep.attacks._threat import (
    features_asked_for,
    lengths_per_feature,
    make_ball,
    read_std,
    refuse_levels,
    warn_of_tiny_radius,
)


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


def read_threat(rows, movable, searched, *, eps, norm, eps_unit, std, step_size, box):
    """Rows as numbers, and the ball that they may move in, as tensors.

    Parameters
    ----------
    rows : NetRows, TableRows or ArrayRows
    movable, searched
        See :func:`read_changes`.
    eps, norm, eps_unit, std, step_size, box
        See :func:`adversarial_rows`.

    Returns
    -------
    numbers : Tensor of shape (n, ...)
    ball : Ball
    step_size : Tensor of the shape of a row, or None
    allowed : dict of int to Tensor
        For each column of levels, numbers that stand for those allowed.
    """
    of_row = {"shape": rows.shape, "names": rows.names, "movable": movable}
    in_input = partial(lengths_per_feature, unit=eps_unit, std=std, **of_row)
    radius = in_input("eps", eps)
    moves = movable & (radius > 0)
    numbers, allowed = rows.read(moves, searched)
    if step_size is not None:
        step_size = torch.from_numpy(in_input("step_size", step_size))
    if box is not None:
        box = read_box(box, dtype=numbers.dtype, **of_row)
        check_inside(numbers, *box)
    if std is None:
        spread = column_moments(numbers[:, moves])[1].double().numpy()
    else:
        spread = read_std(std, **of_row)[moves]
    warn_of_tiny_radius(radius[moves], spread)
    numbers = torch.tensor(numbers)
    ball = make_ball(norm, radius, moves, box, dtype=numbers.dtype)
    step_size = None if step_size is None else step_size.to(numbers.dtype)
    allowed = {i: torch.as_tensor(levels) for i, levels in allowed.items()}
    return numbers, ball, step_size, allowed


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
