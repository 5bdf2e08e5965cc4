"""Turn a user's description of an attack into the ball that it stays in."""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from imbdeep._tables.by_name import (
    array_of_names,
    by_name,
    in_order,
    is_mask_by_name,
    mask_by_name,
    refuse_twice,
)
from imbdeep.attacks._ball import NORMS, Ball

EPS_UNITS = ("input", "std")
# Share of a feature's standard deviation; an attack that moves no feature further is
# none.
TINY = 1e-3


def check_threat(norm: Any, eps: Any, eps_unit: Any, step_size: Any = None) -> None:
    """Refuse parameters of an attack that are wrong for any data.

    Parameters
    ----------
    norm, eps, eps_unit, step_size
        See :func:`adversarial_rows`.

    Raises
    ------
    ValueError
        The message names the parameter and the value.

    Examples
    --------
    >>> from imbdeep.attacks._threat import check_threat
    >>> check_threat("l1", 0.1, "input")
    Traceback (most recent call last):
    ValueError: norm must be one of ('linf', 'l2'), got 'l1'.
    """
    if not (isinstance(norm, str) and norm in NORMS):
        raise ValueError(f"norm must be one of {NORMS}, got {norm!r}.")
    if not (isinstance(eps_unit, str) and eps_unit in EPS_UNITS):
        raise ValueError(f"eps_unit must be one of {EPS_UNITS}, got {eps_unit!r}.")
    _check_lengths("eps", eps)
    if step_size is not None:
        _check_lengths("step_size", step_size)


def _check_lengths(name: str, value: Any) -> None:
    given = by_name(name, value)
    try:
        lengths = np.asarray(value if given is None else list(given.values()), float)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"{name} must be a number or one number for each feature, got {value!r}."
        ) from None
    if not (np.isfinite(lengths).all() and (lengths >= 0).all()):
        raise ValueError(f"{name} must be finite and at least 0, got {value!r}.")


def lengths_per_feature(
    name: str,
    value: Any,
    shape: Sequence[int],
    unit: str = "input",
    std: Any = None,
    names: Iterable[Any] | None = None,
    movable: np.ndarray | None = None,
) -> np.ndarray:
    """Lengths in the units of X, one per feature.

    Parameters
    ----------
    name : str
        Name of the parameter, for errors.
    value : float or array-like that broadcasts to a row, or mapping, Series or \
            DataFrame of one row, by column name
    shape : sequence of int
        Shape of a row.
    unit : {'input', 'std'}, default='input'
    std : array-like of the shape of a row, or by column name, or None, default=None
        Standard deviation of each feature; for 'std'.
    names : iterable or None, default=None
        Names of the columns. Without them a table's columns go by position.
    movable : ndarray of the shape of a row, bool, or None, default=None
        Which features may move. Others need not be named, and get length 0 if lengths
        are given by name. None lets all move.

    Returns
    -------
    ndarray of the shape of a row, float64

    Raises
    ------
    ValueError
        If the shapes do not match, columns are missing or unknown, or 'std' lacks the
        standard deviations.

    Examples
    --------
    >>> from imbdeep.attacks._threat import lengths_per_feature
    >>> lengths_per_feature("eps", 0.5, (2,), "std", std=[1.0, 4.0])
    array([0.5, 2. ])
    >>> lengths_per_feature("eps", {"b": 2, "a": 1}, (2,), names=["a", "b"])
    array([1., 2.])
    """
    shape = tuple(shape)
    lengths = _read_lengths(name, value, shape, names, movable)
    try:
        lengths = np.broadcast_to(lengths, shape)
    except ValueError:
        raise ValueError(
            f"{name} has shape {lengths.shape}, but a row of X has shape {shape}. "
            "Give a number, or one for each feature."
        ) from None
    if unit == "input":
        return lengths.copy()
    if std is None:
        raise ValueError(
            "eps_unit='std' needs the standard deviation of each feature in the "
            "training rows. Pass std=X_train.std(axis=0), or of the columns that may "
            "move by name, std=X_train[columns].std()."
        )
    return lengths * read_std(std, shape, names, movable)


def read_std(
    std: Any,
    shape: Sequence[int],
    names: Iterable[Any] | None = None,
    movable: np.ndarray | None = None,
) -> np.ndarray:
    """Read the standard deviation of each feature.

    Parameters
    ----------
    std : array-like of the shape of a row, or by column name
    shape, names, movable
        See :func:`lengths_per_feature`.

    Returns
    -------
    ndarray of the shape of a row, float64

    Examples
    --------
    >>> from imbdeep.attacks._threat import read_std
    >>> read_std({"b": 2, "a": 1}, (2,), ["a", "b"])
    array([1., 2.])
    """
    found = _read_lengths("std", std, shape, names, movable)
    if found.shape != tuple(shape):
        raise ValueError(
            f"std has shape {found.shape}, but a row of X has shape {tuple(shape)}. "
            "Give one standard deviation for each feature."
        )
    return found


def _read_lengths(name, value, shape, names, movable):
    given = by_name(name, value)
    if given is not None:
        value = in_order(name, given, shape, names, movable, otherwise=0.0)
    _check_lengths(name, value)
    return np.asarray(value, dtype=np.float64)


def movable_features(
    perturb: Any,
    shape: Sequence[int],
    names: Iterable[Any] | None = None,
    is_level: np.ndarray | None = None,
) -> np.ndarray:
    """Mask of the features that an attacker may change.

    Parameters
    ----------
    perturb : array-like of bool of the shape of a row, mapping or Series of bool by \
            column name, list of positions or names, or None
        None lets every feature move that is a number. Positions and names are those of
        columns; whole numbers are positions.
    shape : sequence of int
        Shape of a row.
    names : iterable or None, default=None
        Names of the columns.
    is_level : ndarray of the shape of a row, bool, or None, default=None
        Features that are levels; None if there is none.

    Returns
    -------
    ndarray of the shape of a row, bool

    Raises
    ------
    ValueError
        If a mask has the wrong shape, a column is unknown, or it holds levels.

    Examples
    --------
    >>> from imbdeep.attacks._threat import movable_features
    >>> movable_features(["age"], (2,), names=["age", "married"])
    array([ True, False])
    """
    shape = tuple(shape)
    is_level = np.zeros(shape, dtype=bool) if is_level is None else is_level
    if perturb is None:
        return ~is_level
    asked = features_asked_for(perturb, shape, names)
    if (asked & is_level).any():
        found = np.flatnonzero(asked & is_level).tolist()
        columns = found if names is None else [list(names)[i] for i in found]
        refuse_levels(columns, "an attack to go. Leave them out.")
    return asked


def refuse_levels(columns: Sequence[Any], remedy: str, of: str = "perturb") -> None:
    """Refuse to move what is no number.

    Parameters
    ----------
    columns : sequence
        Names or positions.
    remedy : str
        Goes on after "there is no way between two of them for".
    of : str, default='perturb'
        Name of the parameter.

    Raises
    ------
    ValueError
    """
    raise ValueError(
        f"{of} names columns {columns}, which hold levels or other things that are "
        f"no numbers: there is no way between two of them for {remedy}"
    )


def features_asked_for(
    perturb: Any, shape: Sequence[int], names: Iterable[Any] | None
) -> np.ndarray:
    """Mask of the features that ``perturb`` names, see :func:`movable_features`."""
    if is_mask_by_name(perturb):
        return mask_by_name("perturb", perturb, shape, names)
    given = array_of_names(perturb)
    if given.dtype == bool:
        if given.shape != shape:
            raise ValueError(
                f"perturb is a mask of shape {given.shape}, but a row of X has shape "
                f"{shape}. Give True or False for each feature."
            )
        return given.copy()
    if len(shape) != 1 or given.ndim != 1:
        raise ValueError(
            f"perturb must be a mask of the shape {shape} of a row of X, or a list of "
            f"columns of a table, got {perturb!r}."
        )
    mask = np.zeros(shape, dtype=bool)
    # The list itself: NumPy makes text of numbers that share a list with text.
    columns = perturb.tolist() if isinstance(perturb, np.ndarray) else list(perturb)
    mask[_positions(columns, shape[0], names)] = True
    return mask


def _positions(columns, width, names):
    """Positions of columns given by name or by position."""
    names = None if names is None else list(names)
    if all(isinstance(column, int | np.integer) for column in columns):
        positions = {position: position % width for position in range(-width, width)}
    else:
        positions = {name: place for place, name in enumerate(names or ())}
    absent = [column for column in columns if column not in positions]
    if absent:
        raise ValueError(
            f"perturb names columns {absent}, which X does not have; it has "
            f"{width} columns" + ("." if names is None else f" named {names}.")
        )
    chosen = [positions[column] for column in columns]
    if len(set(chosen)) < len(chosen):
        raise ValueError(
            f"perturb names a column twice: {columns}. A mask must hold True "
            "and False, not 1 and 0."
        )
    if len(positions) < len(names or ()):
        refuse_twice("perturb", [name for name in names if name in columns])
    return chosen


def warn_of_tiny_radius(radius: np.ndarray, std: np.ndarray) -> None:
    """Warn of a radius that is negligible compared with the spread of the features.

    Parameters
    ----------
    radius : ndarray
        Radius of each feature in the units of X; features of radius 0 do not count.
    std : ndarray
        Standard deviation of each feature; constant features do not count.

    Warns
    -----
    UserWarning
        If no feature can be moved by a thousandth of its standard deviation.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from imbdeep.attacks._threat import warn_of_tiny_radius
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warn_of_tiny_radius(np.array([0.01]), np.array([2_000.0]))
    >>> print(caught[0].message)
    eps moves no feature by more than 5e-06 of its standard deviation, which ...
    """
    compared = (radius > 0) & (std > 0)
    if not compared.any():
        return
    largest = (radius[compared] / std[compared]).max()
    # A radius of exactly TINY standard deviations passes, even if rounded down.
    if largest >= TINY * (1 - 1e-6):
        return
    warnings.warn(
        f"eps moves no feature by more than {largest:.2g} of its standard deviation, "
        "which changes next to nothing. Measure a table in standard deviations, "
        "eps_unit='std' with for example eps=0.1; measure pixels of 0 to 255 in their "
        "unit, or divide them by 255.",
        UserWarning,
        stacklevel=2,
    )


def make_ball(
    norm: str,
    radius: np.ndarray,
    movable: np.ndarray,
    box: tuple[np.ndarray, np.ndarray] | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Ball:
    """Make a ball of tensors from checked parts.

    Parameters
    ----------
    norm : {'linf', 'l2'}
    radius : ndarray of the shape of a row
    movable : ndarray of the shape of a row, bool
    box : tuple of ndarray or None, default=None
        See :func:`read_box`.
    device : str or torch.device, default='cpu'
    dtype : torch.dtype, default=torch.float32
        Dtype of the rows.

    Returns
    -------
    Ball

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.attacks._threat import make_ball
    >>> make_ball("linf", np.ones(2), np.array([True, False])).radius
    tensor([1., 0.])
    """
    parts = [np.where(movable, radius, 0), *(() if box is None else box)]
    parts = [torch.as_tensor(part, dtype=dtype, device=device) for part in parts]
    return Ball(norm, *parts)
