"""Synthetic rows: their starting points, and their moves along a gradient."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch import Tensor

from imbdeep._tables.rows import column_moments, column_range, dense, take

UNITS = ("range", "std", "input")

# Rows processed at once, so that no second copy of all of them is needed.
_CHUNK = 4096


def duplicate_uncertain(
    y: np.ndarray,
    certainty: np.ndarray,
    wanted: Mapping[int, int | None],
    confidence: float,
    random_state: int | np.random.RandomState | None,
) -> np.ndarray:
    r"""Choose the rows to duplicate: those a classifier is least certain about.

    :math:`\{x \in D : C(x) \le c\}` of [1]_, Algorithm 1.

    Parameters
    ----------
    y : ndarray of shape (n,), int
        Class of each row.
    certainty : ndarray of shape (n,)
        Probability that the classifier gives to each row's own class.
    wanted : dict of int to int or None
        Number of duplicates per class. None takes each uncertain row once. A number
        repeats the uncertain rows in turn, as evenly as possible.
    confidence : float in [0, 1]
        Rows are uncertain up to this probability; 1 takes all rows. A class without
        such a row gives its least certain one.
    random_state : int, RandomState instance or None

    Returns
    -------
    ndarray of int
        Positions of the rows, class by class.

    Raises
    ------
    ValueError
        If a class of ``wanted`` has no row.

    References
    ----------
    .. [1] B. Yasinnik, M. Salhov, O. Lindenbaum, A. Averbuch. "Imbalanced
       classification via explicit gradient learning from augmented data". 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._meta_augment.synthetic_rows import (
    ... duplicate_uncertain)
    >>> y = np.array([0, 0, 0, 1, 1])
    >>> certainty = np.array([0.9, 0.9, 0.9, 0.4, 0.8])
    >>> rng = np.random.RandomState(0)
    >>> duplicate_uncertain(y, certainty, {1: None}, 0.5, rng)
    array([3])
    >>> sorted(duplicate_uncertain(y, certainty, {1: 4}, 1.0, rng).tolist())
    [3, 3, 4, 4]
    """
    random_state = check_random_state(random_state)
    parents = [np.empty(0, dtype=np.intp)]
    for label, number in wanted.items():
        rows = np.flatnonzero(y == label)
        if len(rows) == 0:
            raise ValueError(f"y has no row of class {label} to duplicate.")
        # Outputs that are no probabilities may exceed 1, but 1 has to take all rows.
        is_uncertain = (certainty[rows] <= confidence) | (confidence >= 1)
        uncertain = rows[is_uncertain]
        if len(uncertain) == 0:
            uncertain = rows[[certainty[rows].argmin()]]
        size = len(uncertain) if number is None else number
        # np.resize repeats the permutation; the method of arrays would add zeros.
        parents.append(np.resize(random_state.permutation(uncertain), size))
    return np.concatenate(parents)


class SyntheticRows:
    r"""Rows that gradients move, inside the box of the training rows.

    Parameters
    ----------
    rows : Tensor of shape (m, ...)
        Starting points. They are copied, unless ``parents`` is given.
    data : Tensor of shape (n, ...), or CSR matrix of shape (n, n_features)
        Training rows. Together with ``rows`` they determine the box and the unit of
        each feature.
    unit : {'range', 'std', 'input'}, default='range'
        Unit of the learning rate: each feature divided by its range, by its standard
        deviation, or as it is. With unit :math:`u` a step is
        :math:`x - \eta_2 u^2 \nabla_x L`, which is the plain step of the scaled table.
    clip : bool, default=True
        Whether rows stay in the box, the range of each feature in ``data``.
    parents : Tensor of shape (m,), int64, or None, default=None
        Positions of the rows in ``data``, if each starts as one of these. ``rows`` is
        then moved in place, which saves a copy of a large table.

    Attributes
    ----------
    rows : Tensor of shape (m, ...)
        Current rows; :meth:`move` writes to them.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.classifiers._meta_augment.synthetic_rows import (
    ... SyntheticRows)
    >>> data = torch.tensor([[0.0, 0.0], [1.0, 10.0]])
    >>> synthetic = SyntheticRows(data[:1], data)
    >>> synthetic.move(torch.tensor([0]), torch.tensor([[0.2, -0.05]]), lr=1.0)
    >>> synthetic.rows
    tensor([[0., 5.]])
    """

    def __init__(
        self,
        rows: Tensor,
        data: Any,
        *,
        unit: str = "range",
        clip: bool = True,
        parents: Tensor | None = None,
    ):
        if unit not in UNITS:
            raise ValueError(f"unit must be one of {UNITS}, got {unit!r}.")
        if parents is None:
            self.start = rows
            self.parents = torch.arange(len(rows), device=rows.device)
            self.rows = rows.clone()
        else:
            self.start, self.parents = data, parents
            self.rows = rows
        low, high = (torch.as_tensor(end).to(rows) for end in column_range(data))
        if len(rows):
            # Rows made from the data of an earlier call may lie outside this box.
            least, largest = (
                torch.as_tensor(end).to(rows) for end in column_range(rows.cpu())
            )
            low, high = torch.fmin(low, least), torch.fmax(high, largest)
        if unit == "range":
            self.unit = high - low
        elif unit == "std":
            self.unit = column_moments(data)[1].to(rows)
        else:
            self.unit = torch.ones_like(low)
        self.box = (low, high) if clip else None

    def move(self, index: Tensor, gradient: Tensor, lr: float) -> None:
        r"""Move rows against a gradient: eq. 2 of the paper, in units, in the box.

        Parameters
        ----------
        index : Tensor of shape (k,), int64
            Positions of distinct rows.
        gradient : Tensor of shape (k, ...)
            Gradient with respect to these rows.
        lr : float
            Learning rate :math:`\eta_2`.
        """
        # Multiplied one by one: the square of a unit may overflow.
        moved = self.rows[index] - lr * (self.unit * (self.unit * gradient))
        if self.box is not None:
            moved = moved.clamp(*self.box)
        self.rows.index_copy_(0, index, moved)

    def distance(self) -> float:
        """Mean distance of the rows from their start, in units of each feature."""
        if len(self.rows) == 0:
            return 0.0
        unit = torch.where(self.unit > 0, self.unit, 1)
        parts = zip(self.rows.split(_CHUNK), self.parents.split(_CHUNK), strict=True)
        lengths = [
            ((now - dense(take(self.start, then)).to(now)) / unit)
            .reshape(len(now), -1)
            .norm(dim=1)
            for now, then in parts
        ]
        return torch.cat(lengths).mean().item()
