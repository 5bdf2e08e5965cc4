"""From what a user says of an attack to the ball that it stays in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imbdeep.attacks._ball import NORMS, Ball

EPS_UNITS = ("input", "std")


def check_threat(norm: Any, eps: Any, eps_unit: Any, step_size: Any = None) -> None:
    """Refuse parameters of an attack that no data could make sense of.

    Parameters
    ----------
    norm, eps, eps_unit, step_size
        See :func:`adversarial_rows`.

    Raises
    ------
    ValueError
        Names the parameter and the value.

    Examples
    --------
    >>> from imbdeep.attacks import check_threat
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
    try:
        lengths = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} must be a number or one number for each feature, got {value!r}."
        ) from None
    if not (np.isfinite(lengths).all() and (lengths >= 0).all()):
        raise ValueError(f"{name} must be finite and at least 0, got {value!r}.")


def by_column(name: str, value: Any, names: Sequence[Any] | None) -> Any:
    """Values of a pandas Series in the order of the columns; others as they are.

    Parameters
    ----------
    name : str
        Of the parameter, for errors.
    value : object
    names : sequence of str or None
        Names of the columns.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If the index does not hold the columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from imbdeep.attacks._threat import by_column
    >>> by_column("eps", pd.Series({"b": 2, "a": 1}), ["a", "b"])
    array([1, 2])
    """
    if names is None or not hasattr(value, "reindex"):
        return value
    if sorted(map(str, value.index)) != sorted(map(str, names)):
        raise ValueError(
            f"{name} is a Series with the index {list(value.index)}, but X has the "
            f"columns {list(names)}. Give one value for each column, or an array."
        )
    return value.reindex(list(names)).to_numpy()


def lengths_of_row(
    name: str,
    value: Any,
    shape: Sequence[int],
    unit: str = "input",
    std: Any = None,
    names: Sequence[Any] | None = None,
) -> np.ndarray:
    """Lengths in the units of X, one for each feature.

    Parameters
    ----------
    name : str
        Of the parameter, for errors.
    value : float or array-like that broadcasts to a row
    shape : sequence of int
        Shape of a row.
    unit : {'input', 'std'}, default='input'
    std : array-like of the shape of a row, or None, default=None
        Standard deviation of each feature; for 'std'.
    names : sequence of str or None, default=None
        Names of the columns, by which a pandas Series is read.

    Returns
    -------
    ndarray of the shape of a row, float64

    Raises
    ------
    ValueError
        If the shapes do not match, or 'std' lacks the standard deviations.

    Examples
    --------
    >>> from imbdeep.attacks import lengths_of_row
    >>> lengths_of_row("eps", 0.5, (2,), "std", std=[1.0, 4.0])
    array([0.5, 2. ])
    """
    lengths = np.asarray(by_column(name, value, names), dtype=np.float64)
    shape = tuple(shape)
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
            "training rows. Pass std=X_train.std(axis=0)."
        )
    std = np.asarray(by_column("std", std, names), dtype=np.float64)
    if std.shape != shape:
        raise ValueError(
            f"std has shape {std.shape}, but a row of X has shape {shape}. Give one "
            "standard deviation for each feature."
        )
    _check_lengths("std", std)
    return lengths * std


def movable_features(
    perturb: Any, shape: Sequence[int], names: Sequence[Any] | None = None
) -> np.ndarray:
    """Mask of the features that an attacker may change.

    Parameters
    ----------
    perturb : array-like of bool of the shape of a row, list of positions or names, or \
            None
        None lets every feature move. Positions and names are those of columns.
    shape : sequence of int
        Shape of a row.
    names : sequence of str or None, default=None
        Names of the columns.

    Returns
    -------
    ndarray of the shape of a row, bool

    Raises
    ------
    ValueError
        If a mask has another shape, or there is no such column.

    Examples
    --------
    >>> from imbdeep.attacks import movable_features
    >>> movable_features(["age"], (2,), names=["age", "married"])
    array([ True, False])
    """
    shape = tuple(shape)
    if perturb is None:
        return np.ones(shape, dtype=bool)
    given = np.asarray(by_column("perturb", perturb, names))
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
    if given.dtype.kind in "iu":
        width = shape[0]
        positions = {position: position % width for position in range(-width, width)}
    else:
        known = () if names is None else names
        positions = {name: position for position, name in enumerate(known)}
    absent = [column for column in given.tolist() if column not in positions]
    if absent:
        raise ValueError(
            f"perturb names columns {absent}, which X does not have; it has "
            f"{shape[0]} columns"
            + ("." if names is None else f" named {list(map(str, names))}.")
        )
    chosen = [positions[column] for column in given.tolist()]
    if len(set(chosen)) < len(chosen):
        raise ValueError(
            f"perturb names a column twice: {given.tolist()}. A mask must hold True "
            "and False, not 1 and 0."
        )
    mask = np.zeros(shape, dtype=bool)
    mask[chosen] = True
    return mask


def read_box(box: Any, shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest values of a row's features.

    Parameters
    ----------
    box : tuple (low, high)
        Numbers, or arrays that broadcast to a row.
    shape : sequence of int
        Shape of a row.

    Returns
    -------
    low, high : ndarray of the shape of a row, float32

    Raises
    ------
    ValueError
        If it is no such pair.

    Examples
    --------
    >>> from imbdeep.attacks import read_box
    >>> read_box((0, 1), (2,))
    (array([0., 0.], dtype=float32), array([1., 1.], dtype=float32))
    """
    try:
        low, high = (np.asarray(side, dtype=np.float32) for side in box)
    except (TypeError, ValueError):
        raise ValueError(
            f"box must be a pair (low, high) of numbers or arrays, got {box!r}."
        ) from None
    try:
        low, high = (np.broadcast_to(side, tuple(shape)) for side in (low, high))
    except ValueError:
        raise ValueError(
            f"box has sides of shape {low.shape} and {high.shape}, but a row of X has "
            f"shape {tuple(shape)}. Give a number, or one for each feature."
        ) from None
    if not (low <= high).all():
        raise ValueError(f"box must have low at most high and no NaN, got {box!r}.")
    return low.copy(), high.copy()


def check_inside(rows: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    """Refuse rows that lie outside a box.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, ...)
    low, high : ndarray of the shape of a row

    Raises
    ------
    ValueError
        Names the first feature and a value.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.attacks import check_inside
    >>> check_inside(np.array([[0.0, 2.0]]), np.zeros(2), np.ones(2))
    Traceback (most recent call last):
    ValueError: X lies outside the box: feature 1 ... value 2.0, the box allows 0 to ...
    """
    outside = (rows < low) | (rows > high)
    if not outside.any():
        return
    first = np.argwhere(outside)[0]
    feature = tuple(map(int, first[1:]))
    raise ValueError(
        "X lies outside the box: feature "
        f"{feature[0] if len(feature) == 1 else feature} has the value "
        f"{rows[tuple(first)]}, the box allows {low[feature]:g} to {high[feature]:g} "
        f"({int(outside.reshape(len(rows), -1).any(1).sum())} rows are outside). Widen "
        "the box, or clip or scale X."
    )


def make_ball(
    norm: str,
    radius: np.ndarray,
    movable: np.ndarray,
    box: tuple[np.ndarray, np.ndarray] | None = None,
    device: str | torch.device = "cpu",
) -> Ball:
    """Ball of checked parts, as tensors.

    Parameters
    ----------
    norm : {'linf', 'l2'}
    radius : ndarray of the shape of a row
    movable : ndarray of the shape of a row, bool
    box : tuple of ndarray or None, default=None
        See :func:`read_box`.
    device : str or torch.device, default='cpu'

    Returns
    -------
    Ball
        In float32.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.attacks import make_ball
    >>> make_ball("linf", np.ones(2), np.array([True, False])).radius
    tensor([1., 0.])
    """
    low, high = (None, None) if box is None else map(_tensor, box)
    return Ball(norm, _tensor(np.where(movable, radius, 0)), low, high).to(device)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32)
