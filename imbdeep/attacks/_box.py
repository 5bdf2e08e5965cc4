"""The box that attacked rows stay in."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from imbdeep._tables.by_name import by_name, in_order, is_series, rows_of_frame
from imbdeep._tables.rows import column_range


def read_box(
    box: Any,
    shape: Sequence[int],
    names: Sequence[Any] | None = None,
    movable: np.ndarray | None = None,
    dtype: Any = np.float32,
) -> tuple[np.ndarray, np.ndarray]:
    """Read the smallest and largest values of a row's features.

    Parameters
    ----------
    box : tuple (low, high), mapping from columns to such, or DataFrame of two rows
        Each side is a number, an array that broadcasts to a row, or a mapping or Series
        by column name. The rows of a data frame, such as ``X_train.agg(["min",
        "max"])``, are the low and the high side.
    shape : sequence of int
        Shape of a row.
    names : sequence or None, default=None
        Names of the columns.
    movable : ndarray of the shape of a row, bool, or None, default=None
        Which features may move; the others have no bounds. None lets all move.
    dtype : dtype, default=numpy.float32
        Dtype of the rows, so that a row on the edge is inside.

    Returns
    -------
    low, high : ndarray of the shape of a row

    Raises
    ------
    ValueError
        If it is not such a pair, or columns are missing or unknown.

    Examples
    --------
    >>> from imbdeep.attacks._box import read_box
    >>> read_box((0, 1), (2,))
    (array([0., 0.], dtype=float32), array([1., 1.], dtype=float32))
    >>> box = {"age": (18, 99), "income": (0, None)}
    >>> read_box(box, (2,), names=["age", "income"])[1]
    array([99., inf], dtype=float32)
    """
    shape = tuple(shape)
    movable = np.ones(shape, dtype=bool) if movable is None else movable
    sides = []
    for side, open_side in zip(_sides(box), (-np.inf, np.inf), strict=True):
        given = by_name("box", side)
        if given is not None:
            given = in_order("box", given, shape, names, movable, open_side)
            side = [open_side if value is None else value for value in given]
        try:
            sides.append(np.asarray(side, dtype=dtype))
        except (TypeError, ValueError, OverflowError):
            raise _no_pair(box) from None
    low, high = sides
    try:
        low, high = (np.broadcast_to(side, shape) for side in sides)
    except ValueError:
        raise ValueError(
            f"box has sides of shape {low.shape} and {high.shape}, but a row of X has "
            f"shape {shape}. Give a number, or one for each feature."
        ) from None
    # A feature that may not move may lie outside the box.
    low, high = np.where(movable, low, -np.inf), np.where(movable, high, np.inf)
    # NaN compares as False, and is refused as well.
    if not (low <= high).all():
        raise ValueError(f"box must have low at most high and no NaN, got {box!r}.")
    return low.astype(dtype), high.astype(dtype)


def _sides(box):
    """Low and high side of a box, each as the user gave it."""
    if hasattr(box, "columns"):
        return rows_of_frame("box", box, 2)
    if isinstance(box, Mapping) or (is_series(box) and box.dtype == object):
        pairs = by_name("box", box)
        for column, pair in pairs.items():
            if np.shape(pair) != (2,):
                raise ValueError(
                    f"box must have a pair (low, high) for each column, got {pair!r} "
                    f"for {column!r}. None leaves a side open."
                )
        return [
            {column: pair[side] for column, pair in pairs.items()} for side in (0, 1)
        ]
    try:
        low, high = box
    except (TypeError, ValueError):
        raise _no_pair(box) from None
    return low, high


def _no_pair(box):
    return ValueError(
        f"box must be a pair (low, high) of numbers or arrays, got {box!r}."
    )


def check_inside(rows: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    """Refuse rows that lie outside a box.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, ...) or CSR matrix of shape (n, n_features)
    low, high : ndarray of the shape of a row

    Raises
    ------
    ValueError
        The message names the first feature and a value.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.attacks._box import check_inside
    >>> check_inside(np.array([[0.0, 2.0]]), np.zeros(2), np.ones(2))
    Traceback (most recent call last):
    ValueError: X lies outside the box: feature 1 ... value 2.0, the box allows 0 to ...
    """
    columns = np.arange(rows.shape[1])
    # Of a sparse table, only columns that leave the box are made dense.
    if sparse.issparse(rows):
        least, greatest = column_range(rows)
        columns = np.flatnonzero((least < low) | (greatest > high))
        rows, low, high = rows[:, columns].toarray(), low[columns], high[columns]
    outside = (rows < low) | (rows > high)
    if not outside.any():
        return
    first = np.argwhere(outside)[0]
    feature = tuple(map(int, first[1:]))
    raise ValueError(
        "X lies outside the box: feature "
        f"{columns[feature[0]] if len(feature) == 1 else feature} has the value "
        f"{rows[tuple(first)]}, the box allows {low[feature]:g} to {high[feature]:g} "
        f"({int(outside.reshape(len(rows), -1).any(1).sum())} rows are outside). Widen "
        "the box, or clip or scale X."
    )
