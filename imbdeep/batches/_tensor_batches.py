"""Mini-batches gathered as tensor slices: the iterator that the others build on."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from scipy import sparse
from skorch.utils import data_from_dataset
from torch import Generator, Tensor
from torch.utils.data import Subset

from imbdeep._arguments import WholeNumber, checks_arguments
from imbdeep._tables.images import is_kept, take_images
from imbdeep._tables.pairs import join_pairs
from imbdeep._tables.rows import dense, take
from imbdeep.batches._label_mass import shares_of_normalized_batches, weighted_shares

# A tensor, a CSR matrix, images in an array, or a dict of these, such as features and
# sample weights. Any: the net decides what its dict holds.
Rows = Any
Batch = tuple[Rows, Tensor]


def take_rows(rows: Rows, index: Tensor) -> Rows:
    """Take rows of a table, or of each table in a dict, by position."""
    if isinstance(rows, dict):
        return {name: take_rows(X, index) for name, X in rows.items()}
    if isinstance(rows, np.ndarray):
        return take_images(rows, index)
    return take(rows, index)


def dense_rows(rows: Rows) -> Rows:
    """Convert the rows of a batch to dense tensors."""
    if isinstance(rows, dict):
        return {name: dense(X) for name, X in rows.items()}
    return dense(rows)


def rows_of(X: Rows) -> Tensor:
    """Rows of a batch or a data set, without the weights that may come with them.

    Parameters
    ----------
    X : Tensor of shape (n, ...) or dict with keys 'X' and 'sample_weight'

    Returns
    -------
    Tensor of shape (n, ...)

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._tensor_batches import rows_of
    >>> rows_of({"X": torch.zeros(2), "sample_weight": torch.ones(2)})
    tensor([0., 0.])
    """
    return X["X"] if isinstance(X, dict) else X


def with_rows(X: Rows, rows: Tensor) -> Rows:
    """Replace the rows of a batch, and keep its weights.

    Parameters
    ----------
    X : Tensor of shape (n, ...) or dict with keys 'X' and 'sample_weight'
    rows : Tensor of shape (n, ...)

    Returns
    -------
    Tensor of shape (n, ...) or dict of such

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._tensor_batches import with_rows
    >>> with_rows({"X": torch.zeros(2), "sample_weight": 1}, torch.ones(2))
    {'X': tensor([1., 1.]), 'sample_weight': 1}
    """
    return {**X, "X": rows} if isinstance(X, dict) else rows


def join_rows(X: Rows, rows: Tensor, weight: Any) -> Rows:
    """Append rows to those of a batch.

    Parameters
    ----------
    X : Tensor of shape (n, ...) or dict with keys 'X' and 'sample_weight'
    rows : Tensor of shape (m, ...)
    weight : Tensor of shape (m,) or None
        Sample weights of the appended rows; used if X has weights.

    Returns
    -------
    Tensor of shape (n + m, ...) or dict of such

    Examples
    --------
    >>> import torch
    >>> from imbdeep.batches._tensor_batches import join_rows
    >>> join_rows(torch.zeros(2), torch.ones(1), None)
    tensor([0., 0., 1.])
    """
    if not isinstance(X, dict):
        return torch.cat([X, rows])
    return {
        "X": torch.cat([X["X"], rows]),
        "sample_weight": torch.cat([X["sample_weight"], weight]),
    }


def mix_rows(
    rows: Rows, partners: Rows, mixing: Tensor, *, as_pairs: bool = False
) -> Rows:
    """Mix rows with their partners.

    Parameters
    ----------
    rows, partners : Tensor of shape (*, n, ...) or dict of such
    mixing : Tensor of shape () or (*, n)
        Weight of the rows themselves, in [0, 1]; one for all, or one per row.
    as_pairs : bool, default=False
        Whether the rows have levels or gaps, which cannot be mixed before they are
        encoded.

    Returns
    -------
    Rows
        ``mixing * row + (1 - mixing) * partner``, or both and the weight, see
        :func:`~imbdeep._tables.pairs.join_pairs`.
    """
    if isinstance(rows, dict):
        return {
            k: mix_rows(x, partners[k], mixing, as_pairs=as_pairs and k == "X")
            for k, x in rows.items()
        }
    if as_pairs:
        return join_pairs(rows, partners, mixing)
    # lerp wants one dtype: rows may be float64, and weights are float32.
    mixing = mixing.to(rows.dtype)
    if mixing.ndim:
        mixing = mixing.reshape(*mixing.shape, *[1] * (rows.ndim - mixing.ndim))
    return torch.lerp(partners, rows, mixing)


def tensors_of(dataset: Any) -> tuple[Rows, Tensor, Tensor | None]:
    """Features and target of a skorch dataset, a Subset of one or a TensorDataset.

    Returns
    -------
    X : Rows
        All rows, also of a Subset: nothing is copied.
    y : Tensor of shape (n,)
        Of the Subset's rows.
    positions : Tensor of shape (n,), int64, or None
        Of the Subset's rows in X.
    """
    if isinstance(dataset, Subset):
        # skorch would index with a list of Python integers, which is slow.
        X, y, outer = tensors_of(dataset.dataset)
        index = torch.as_tensor(dataset.indices)
        return X, y[index], index if outer is None else outer[index]
    try:
        X, y = data_from_dataset(dataset)
    except AttributeError:
        raise ValueError(
            f"{type(dataset).__name__} does not hold its rows in memory as X and y, "
            "so batches cannot be sliced from it. Pass iterator_train="
            "torch.utils.data.DataLoader and iterator_valid=torch.utils.data.DataLoader"
        ) from None
    rows = (
        {name: _as_table(x) for name, x in X.items()}
        if isinstance(X, dict)
        else _as_table(X)
    )
    # Like skorch, which gives data sets without a target a dummy one.
    target = torch.zeros(len(dataset)) if y is None else torch.as_tensor(np.asarray(y))
    return rows, target, None


def _as_table(X: Any) -> Any:
    if is_kept(X):
        return X
    return X.tocsr() if sparse.issparse(X) else torch.as_tensor(X)


class TensorBatches:
    """Mini-batches of the rows of a dataset, gathered as tensor slices.

    A drop-in replacement for :class:`torch.utils.data.DataLoader` as ``iterator_train``
    or ``iterator_valid`` of a skorch net, for rows in memory: it fetches no single rows
    and copies nothing but the batch.

    Parameters
    ----------
    dataset : skorch Dataset, Subset of one, or TensorDataset
        Holds ``X``, an array, a sparse matrix or a dict of such, and ``y``. Sparse rows
        are made dense batch by batch, and images of integers or in a mapped file become
        float32, of the same values.
    batch_size : int, at least 1, default=128
        Rows per batch. A last batch of a single row joins the one before, because batch
        norm cannot train on it.
    shuffle : bool, default=False
        Whether each epoch visits the rows in a new order.
    generator : torch.Generator or None, default=None
        Source of the order. None is torch's global generator.

    Attributes
    ----------
    augment : callable or None
        What is done to the rows of a batch as soon as they are gathered: after
        re-sampling, and before they are mixed. A net sets it.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> from imbdeep.batches import TensorBatches
    >>> dataset = TensorDataset(torch.arange(5), torch.zeros(5))
    >>> [X.tolist() for X, y in TensorBatches(dataset, batch_size=2)]
    [[0, 1], [2, 3, 4]]
    """

    augment: Callable[[Tensor], Tensor] | None = None

    @checks_arguments(
        batch_size=[WholeNumber(1)],
        shuffle=["boolean"],
        generator=[Generator, None],
    )
    def __init__(
        self,
        dataset: Any,
        batch_size: int = 128,
        *,
        shuffle: bool = False,
        generator: Generator | None = None,
    ):
        self._X, self.y, self._positions = tensors_of(dataset)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.generator = generator

    @property
    def X(self) -> Rows:
        """Rows of the data set; a copy if it is a Subset."""
        if self._positions is None:
            return self._X
        return take_rows(self._X, self._positions)

    def __len__(self) -> int:
        n_batches = math.ceil(len(self.y) / self.batch_size)
        ends_in_one_row = len(self.y) % self.batch_size == 1
        return n_batches - 1 if ends_in_one_row and n_batches > 1 else n_batches

    def class_shares(self, n_classes: int) -> Tensor:
        """Expected share of each class in the rows of an epoch.

        Parameters
        ----------
        n_classes : int
            More than the largest label.

        Returns
        -------
        Tensor of shape (n_classes,), float64
        """
        counts = torch.bincount(self.y, minlength=n_classes).double()
        return counts / counts.sum()

    def loss_shares(
        self, shares: Tensor, weight: Tensor, *, normalized: bool = False
    ) -> Tensor:
        """Expected share of each class in the loss of an epoch.

        Parameters
        ----------
        shares : Tensor of shape (C,), float64
            Of the rows of an epoch, see :meth:`class_shares`.
        weight : Tensor of shape (C,)
            Weight of a row of each class.
        normalized : bool, default=False
            Whether the loss of a batch is divided by the sum of its weights, and not by
            the number of its rows.

        Returns
        -------
        Tensor of shape (C,), float64
        """
        if not normalized:
            return weighted_shares(shares, weight)
        n_batches, size = len(self), self.batch_size
        last = len(self.y) - (n_batches - 1) * size
        of_last = shares_of_normalized_batches(shares, weight, last, self.spread(last))
        if n_batches == 1:
            return of_last
        of_others = shares_of_normalized_batches(
            shares, weight, size, self.spread(size)
        )
        return of_others + (of_last - of_others) / n_batches

    def spread(self, size: int) -> float:
        """Variance of the rows of a class in a batch, relative to independent draws."""
        return (len(self.y) - size) / max(len(self.y) - 1, 1)

    def mean_weights(self, n_classes: int) -> Tensor | None:
        """Mean sample weight of the rows of each class; None if rows have no weights.

        Parameters
        ----------
        n_classes : int
            More than the largest label.

        Returns
        -------
        Tensor of shape (n_classes,), float64, or None
            1 for a class without rows.
        """
        if not isinstance(self._X, dict) or "sample_weight" not in self._X:
            return None
        weight = self._X["sample_weight"]
        if self._positions is not None:
            weight = weight[self._positions]
        counts = torch.bincount(self.y, minlength=n_classes)
        sums = torch.bincount(self.y, weight.double(), minlength=n_classes)
        return torch.where(counts > 0, sums / counts.clamp_min(1), 1.0)

    def take(self, index: Tensor) -> Batch:
        """Return the batch of the rows at ``index``, augmented if it is to be."""
        rows = index if self._positions is None else self._positions[index]
        X = dense_rows(take_rows(self._X, rows))
        if self.augment is not None:
            X = with_rows(X, self.augment(rows_of(X)))
        return X, self.y[index]

    def positions(self) -> Iterator[Tensor]:
        """Iterate over the batches of an epoch, as positions of rows."""
        if self.shuffle:
            order = torch.randperm(len(self.y), generator=self.generator)
        else:
            order = torch.arange(len(self.y))
        return self.cut(order)

    def cut(self, order: Tensor) -> Iterator[Tensor]:
        """Cut an epoch's order of rows into batches."""
        last = len(self) - 1
        for batch in range(last + 1):
            start = batch * self.batch_size
            yield order[start : None if batch == last else start + self.batch_size]

    def __iter__(self) -> Iterator[Batch]:
        for index in self.positions():
            yield self.take(index)


class ShuffledBatches(TensorBatches):
    """Mini-batches in a new order each epoch, as a plain net trains on.

    Parameters
    ----------
    dataset : skorch Dataset, Subset of one, or TensorDataset
    batch_size : int, at least 1, default=128
    generator : torch.Generator or None, default=None
        Source of the order. None is torch's global generator.
    """

    def __init__(
        self, dataset: Any, batch_size: int = 128, *, generator: Generator | None = None
    ):
        super().__init__(dataset, batch_size, shuffle=True, generator=generator)
