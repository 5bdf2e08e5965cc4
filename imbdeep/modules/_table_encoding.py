"""Encoding of a table with levels, missing values or both."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from imbdeep._tables.pairs import split_pairs
from imbdeep._torch.member_draws import draw_mask
from imbdeep.modules._encoding import Encoding
from imbdeep.modules._numeric_encoding import encoding_recipe

# More levels than these are embedded, in as many numbers: no column of levels is much
# wider than one of numbers, and a level of fifty thousand costs no more than one of 17.
_MOST_ONE_HOT = 16

# Share of the levels that a training step takes for levels that nobody has seen.
_UNSEEN = 0.01


class LevelEncoding(Encoding):
    """Levels of categorical columns as numbers: one-hot, or embedded if many.

    **Shape**

    - Input: ``(*, n_features)``, codes as :class:`~imbdeep._tables.levels.LevelCodes`
      gives them: 0 and up, one more than the last for a level that the training rows
      lack, NaN for a missing one
    - Output: ``(*, n_outputs)``

    Parameters
    ----------
    n_levels : sequence of int
        Of each column.
    gappy : sequence of bool
        Whether training has missing levels in a column. They have a place of their own
        there; elsewhere a missing level is taken for one that training lacks.

    Notes
    -----
    A level that training lacks has a place of its own. A training step takes one level
    in a hundred for such a one, so that the place means 'unknown'.

    Examples
    --------
    >>> import torch
    >>> from imbdeep.modules._table_encoding import LevelEncoding
    >>> encoding = LevelEncoding([2], [False]).eval()
    >>> encoding(torch.tensor([[0.0], [1.0], [2.0], [torch.nan]]))
    tensor([[1., 0., 0.],
            [0., 1., 0.],
            [0., 0., 1.],
            [0., 0., 1.]])
    """

    unseen: Tensor
    missing: Tensor
    columns: Tensor
    starts: Tensor
    like_net: Tensor

    def __init__(self, n_levels: Sequence[int], gappy: Sequence[bool]):
        super().__init__()
        unseen = torch.as_tensor(n_levels, dtype=torch.int64)
        missing = unseen + torch.as_tensor(gappy, dtype=torch.int64)
        places = missing + 1
        one_hot = unseen <= _MOST_ONE_HOT
        widths = torch.where(one_hot, places, _MOST_ONE_HOT)
        self.n_features = len(unseen)
        # In the order of the output: one-hot columns first.
        blocks = torch.cat([one_hot.nonzero(), (~one_hot).nonzero()]).flatten()
        source = blocks.repeat_interleave(widths[blocks])
        self.register_buffer("source", source, persistent=False)
        self.n_one_hot = int(places[one_hot].sum())
        self.embedded = (~one_hot).nonzero().flatten().tolist()
        embeddings = [
            nn.Embedding(int(places[column]), _MOST_ONE_HOT) for column in self.embedded
        ]
        for embedding in embeddings:
            # About as long as a one-hot level.
            nn.init.normal_(embedding.weight, std=_MOST_ONE_HOT**-0.5)
        self.embeddings = nn.ModuleList(embeddings)
        columns = one_hot.nonzero().flatten()
        starts = places[one_hot].cumsum(0) - places[one_hot]
        for name, buffer in {
            "unseen": unseen,
            "missing": missing,
            "columns": columns,
            "starts": starts,
        }.items():
            self.register_buffer(name, buffer, persistent=False)
        self.register_buffer("like_net", torch.empty(0), persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        places = torch.where(codes.isnan(), self.missing, codes).long()
        places = torch.minimum(places, self.missing)
        if self.training:
            places = torch.where(draw_mask(codes, _UNSEEN).bool(), self.unseen, places)
        hot = places.index_select(-1, self.columns) + self.starts
        encoded = self.like_net.new_zeros(*codes.shape[:-1], self.n_one_hot)
        parts = [encoded.scatter(-1, hot, 1.0)]
        for column, embedding in zip(self.embedded, self.embeddings, strict=True):
            parts.append(embedding(places[..., column]))
        return torch.cat(parts, -1)


class TableEncoding(Encoding):
    """Numbers and levels of a table, and where they are missing, as numbers for a net.

    A missing number has the neutral place of the encoding of numbers, and where the
    training rows have gaps in the column, a 1 beside it.

    **Shape**

    - Input: ``(*, n_features)``, numbers and codes of levels, NaN where missing; or
      mixtures of two such rows, see :func:`~imbdeep._tables.pairs.join_pairs`
    - Output: ``(*, n_outputs)``

    Parameters
    ----------
    number_columns, level_columns : sequence of int
        Positions, in the order of the output.
    gappy : ndarray of shape (n_features,), bool
        Columns in which training has missing values.
    n_levels : sequence of int
        Of each of the level columns.
    make_numbers : callable or None
        Gives the encoding of the numeric columns; None leaves them as they are.
    """

    number_columns: Tensor
    level_columns: Tensor
    gaps: Tensor
    numbers: Encoding | None
    levels: LevelEncoding

    def __init__(
        self,
        number_columns: Sequence[int],
        level_columns: Sequence[int],
        gappy: np.ndarray,
        n_levels: Sequence[int],
        make_numbers: Callable[[], Encoding] | None,
    ):
        super().__init__()
        self.n_features = len(gappy)
        numbers = torch.as_tensor(number_columns, dtype=torch.int64)
        levels = torch.as_tensor(level_columns, dtype=torch.int64)
        gaps = torch.as_tensor(gappy[np.asarray(number_columns, int)]).nonzero()
        for name, buffer in {
            "number_columns": numbers,
            "level_columns": levels,
            "gaps": gaps.flatten(),
        }.items():
            self.register_buffer(name, buffer, persistent=False)
        self.numbers = make_numbers() if make_numbers and len(numbers) else None
        self.levels = LevelEncoding(n_levels, gappy[np.asarray(level_columns, int)])
        source = self.numbers.source if self.numbers else torch.arange(len(numbers))
        source = torch.cat(
            [
                numbers[source],
                numbers[self.gaps],
                levels[self.levels.source],
            ]
        )
        self.register_buffer("source", source, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] == self.n_features:
            return torch.cat([*self._numbers(self._of_numbers(x)), self._levels(x)], -1)
        first, second, mixing = split_pairs(x, self.n_features)
        return self._mixture(first, second, mixing)

    def _mixture(self, first: Tensor, second: Tensor, mixing: Tensor) -> Tensor:
        """Encoded mixtures: of numbers where both are there, else of what is encoded.

        A mixture of two levels is a mixture of their one-hot vectors or embeddings.
        """
        both = [self._of_numbers(part) for part in (first, second)]
        mixed, _ = self._numbers(torch.lerp(both[1], both[0], mixing))
        apart = [self._numbers(part) for part in both]
        encoded, gaps = (
            torch.lerp(of_second, of_first, mixing.to(of_first.dtype))
            for of_first, of_second in zip(*apart, strict=True)
        )
        lacks = both[0].isnan() | both[1].isnan()
        if self.numbers is not None:
            lacks = lacks.index_select(-1, self.numbers.source)
        levels = [self._levels(part) for part in (first, second)]
        level = torch.lerp(levels[1], levels[0], mixing.to(levels[0].dtype))
        return torch.cat([torch.where(lacks, encoded, mixed), gaps, level], -1)

    def _of_numbers(self, x: Tensor) -> Tensor:
        return x.index_select(-1, self.number_columns)

    def _numbers(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Encoded numbers, and which of them are missing."""
        dtype = self.levels.like_net.dtype
        gaps = numbers.index_select(-1, self.gaps).isnan().to(dtype)
        if self.numbers is None:
            return numbers.nan_to_num(0.0).to(dtype), gaps
        return self.numbers(numbers), gaps

    def _levels(self, x: Tensor) -> Tensor:
        return self.levels(x.index_select(-1, self.level_columns))


def table_recipe(
    X: Any,
    kind: str | None,
    n_bins: int,
    *,
    gappy: np.ndarray,
    level_columns: np.ndarray,
    n_levels: np.ndarray,
    names: Sequence[str] | None = None,
) -> Callable[[], Encoding] | None:
    """Learn an encoding of the columns of a table, to be built as often as needed.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_rows, n_features)
        Numbers and codes of levels, NaN where they are missing.
    kind : str or None
        Of the numbers, see :func:`~imbdeep.modules._numeric_encoding.encoding_kinds`;
        None leaves them as they are.
    n_bins : int, at least 2
        Most bins of a feature, for 'piecewise_linear'.
    gappy : ndarray of shape (n_features,), bool
        Columns with missing values.
    level_columns, n_levels : ndarray of shape (n_categorical,), int
        Positions of the columns of codes, and how many levels each has.
    names : sequence of str or None, default=None
        Of the columns. With names, a table with levels or gaps is encoded in their
        order, so that the order of the columns makes no difference for the net.

    Returns
    -------
    callable or None
        Gives a new :class:`Encoding` each time it is called; None if there is nothing
        to encode. It can be pickled.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.modules._table_encoding import table_recipe
    >>> X = np.array([[1.0, 0.0], [3.0, np.nan]])
    >>> none = np.array([], dtype=int)
    >>> gappy = np.array([False, True])
    >>> recipe = table_recipe(
    ...     X, "standard", 16, gappy=gappy, level_columns=none, n_levels=none
    ... )
    >>> recipe().n_outputs  # two numbers, and whether the second is missing
    3
    """
    if not (len(level_columns) or gappy.any()):
        return encoding_recipe(X, kind, n_bins)
    order = np.arange(X.shape[1]) if names is None else np.argsort(np.asarray(names))
    is_level = np.isin(order, level_columns)
    number_columns, ordered = order[~is_level], order[is_level]
    sizes = dict(zip(level_columns.tolist(), n_levels.tolist(), strict=True))
    make_numbers = None
    if kind is not None and len(number_columns):
        make_numbers = encoding_recipe(X[:, number_columns], kind, n_bins)
    return partial(
        TableEncoding,
        number_columns.tolist(),
        ordered.tolist(),
        gappy,
        [sizes[column] for column in ordered.tolist()],
        make_numbers,
    )
