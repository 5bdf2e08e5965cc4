"""What is done to the rows of training batches before a step sees them."""

import inspect
from collections.abc import Iterator

import numpy as np
import torch
from skorch.dataset import unpack_data
from torch import Generator, Tensor, nn

from imbdeep._arguments import shown
from imbdeep._nets.stack import StackedBatches
from imbdeep._tables.rows import missing_shares
from imbdeep._torch.seeding import seed_from
from imbdeep.augmentations._registry import AUGMENTATIONS
from imbdeep.batches import TensorBatches
from imbdeep.batches._tensor_batches import Batch, Rows, rows_of, with_rows


class TableColumns:
    """What the columns of a table may hold once its rows are augmented.

    Parameters
    ----------
    names : ndarray of shape (n_features,)
    gappy : ndarray of shape (n_features,), bool
        Columns in which numbers or levels may be missing.
    level_positions : ndarray of shape (n_categorical,), int
    n_levels : ndarray of shape (n_categorical,), int
        The code of a level is below it; that of a level not seen in training equals it.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.augmenting import TableColumns
    >>> columns = TableColumns(["age", "city"], [True, False], [1], [3])
    >>> columns.check_levels(torch.tensor([[31.5, 0.0], [45.0, 0.5]]), "noise")
    Traceback (most recent call last):
    ValueError: noise made 0.5 in column 'city', where 0 to 2 stand for levels and ...
    """

    def __init__(self, names, gappy, level_positions, n_levels):
        self.names = names
        self.gappy = torch.as_tensor(gappy)
        self.level_positions = torch.as_tensor(level_positions, dtype=torch.int64)
        self.n_levels = torch.as_tensor(n_levels)

    def check_levels(self, rows: Tensor, maker: str) -> None:
        """Refuse what is not the code of a level; ``maker`` made the rows."""
        if not len(self.level_positions):
            return
        codes = rows[:, self.level_positions]
        is_code = (codes >= 0) & (codes <= self.n_levels) & (codes == codes.floor())
        wrong = (~(is_code | codes.isnan())).nonzero()
        if len(wrong):
            row, place = wrong[0].tolist()
            n_levels = int(self.n_levels[place])
            name = self.names[int(self.level_positions[place])]
            raise ValueError(
                f"{maker} made {codes[row, place]:g} in column {name!r}, where 0 to "
                f"{n_levels - 1} stand for levels and {n_levels} for one not seen in "
                "training. Leave columns of levels as they are, or put one level in "
                "the place of another."
            )


class Augmentation:
    """A function of rows with the generator it draws from; its results are checked.

    Parameters
    ----------
    function : callable
        Takes rows, Tensor of shape (n, ...), and a generator; returns such rows.
    name : str
        How messages call it.
    generator : torch.Generator
    columns : TableColumns or None, default=None
        What a table may hold; None of images, which hold finite numbers.

    Raises
    ------
    ValueError
        When called, if the result differs from the rows in shape, dtype or device, or
        holds what a net cannot learn from.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.augmenting import Augmentation
    >>> mean = Augmentation(lambda rows, _: rows.mean(0), "mean", torch.Generator())
    >>> mean(torch.zeros(3, 2))
    Traceback (most recent call last):
    ValueError: augment=mean made (2,), torch.float32, cpu of rows (3, 2), ...
    """

    def __init__(
        self,
        function,
        name: str,
        generator: Generator,
        columns: TableColumns | None = None,
    ):
        self.function = function
        self.name = name
        self.generator = generator
        self.columns = columns
        self.was_used = False

    def __call__(self, rows: Tensor) -> Tensor:
        # A module of the user's is no part of the net: no step trains it.
        with torch.no_grad():
            made = self.function(rows, self.generator)
        self._check_kind(made, rows)
        self._check_finite(made)
        if self.columns is not None:
            self.columns.check_levels(made, f"augment={self.name}")
        self.was_used = True
        return made

    def _check_kind(self, made, rows):
        if not torch.is_tensor(made):
            raise ValueError(
                f"augment={self.name} returned a {type(made).__name__}. Return a "
                "tensor of the shape of the rows."
            )
        kinds = [(tuple(x.shape), x.dtype, x.device) for x in (made, rows)]
        if kinds[0] != kinds[1]:
            new, old = (f"{shape}, {dtype}, {device}" for shape, dtype, device in kinds)
            raise ValueError(
                f"augment={self.name} made {new} of rows {old}. Return rows of the "
                "same shape, dtype and device."
            )

    def _check_finite(self, made):
        # In every batch, so it must be cheap: a mask of all numbers takes many times as
        # long as their sum, which is finite only if they are.
        if made.sum().isfinite():
            return
        broken = ~made.isfinite()
        if self.columns is not None:
            broken &= ~(made.isnan() & self.columns.gappy)
        if broken.any():
            raise ValueError(
                f"augment={self.name} made NaN or infinity of finite rows, in "
                f"{int(broken.flatten(1).any(1).sum())} of the {len(made)} of a batch, "
                "and a net cannot learn from them. Look for a division by 0, or a root "
                "or logarithm of negative numbers."
            )


class AugmentedBatches:
    """Batches of an iterator that knows of no augmentation, augmented as they come.

    Parameters
    ----------
    batches : iterable of pairs (X, y)
        Such as a :class:`torch.utils.data.DataLoader`.
    augment : callable

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.augmenting import AugmentedBatches
    >>> batches = [(torch.ones(2), torch.zeros(2)), (torch.ones(1), torch.zeros(1))]
    >>> [X.tolist() for X, y in AugmentedBatches(batches, torch.negative)]
    [[-1.0, -1.0], [-1.0]]
    """

    def __init__(self, batches, augment):
        self.batches = batches
        self.augment = augment

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        for batch in self.batches:
            X, y = unpack_data(batch)
            yield _augmented(X, self.augment), y


def _augmented(X: Rows, augment) -> Rows:
    return with_rows(X, augment(torch.as_tensor(rows_of(X))))


class Augments:
    """What is done to the rows of training batches before a step sees them.

    A base of :class:`~imbdeep.base.BaseNetClassifier`, which has the parameter.
    """

    def _check_parameters(self):
        super()._check_parameters()
        if callable(self.augment):
            _check_signature(self.augment)

    def _learn_from_rows(self, X):
        super()._learn_from_rows(X)
        if isinstance(self.augment, str) and X.ndim != 4:
            is_table = X.ndim == 2
            remedy = (
                "Leave augment None, or pass a function of rows and a generator."
                if is_table
                else "Give them four axes: images without bands one, X[:, None]."
            )
            raise ValueError(
                f"augment={self.augment!r} is for images of shape (n, bands, height, "
                f"width), and X is {'a table ' if is_table else ''}of shape {X.shape}. "
                f"{remedy}"
            )
        if self.augment is not None and X.ndim == 2:
            levels = self.level_codes_
            self.run_.columns = TableColumns(
                self._column_names().tolist(),
                missing_shares(X) > 0,
                levels.positions,
                levels.n_levels(),
            )

    def get_iterator(self, dataset, training=False, seed=None):
        if not training or self.augment is None:
            return super().get_iterator(dataset, training, seed)
        seed = self._draw_seed() if seed is None else seed
        batches = super().get_iterator(dataset, training, seed)
        columns = None if self.run_ is None else self.run_.columns
        # A seed of its own: rows come in the order that they have without.
        own = seed_from(np.random.RandomState(seed))
        augment = Augmentation(
            self._component("augment", AUGMENTATIONS),
            _name_of(self.augment),
            torch.Generator().manual_seed(own),
            columns,
        )
        if not isinstance(batches, TensorBatches):
            return AugmentedBatches(batches, augment)
        batches.augment = augment
        return batches

    def _batches(self, prefix, iterator):
        is_stack = isinstance(iterator, StackedBatches)
        for i, batch in enumerate(super()._batches(prefix, iterator)):
            if i == 0:
                for part in iterator.batches if is_stack else [iterator]:
                    _check_was_used(part)
            yield batch

    def _draws_globally(self):
        # A user's function may draw without the generator that it gets.
        # None of what is not written in Python.
        module = getattr(self.augment, "__module__", None) or ""
        is_ours = module.startswith("imbdeep.")
        is_own = callable(self.augment) and not is_ours
        return is_own or super()._draws_globally()


def _name_of(augment) -> str:
    return getattr(augment, "__name__", shown(augment))


def _check_was_used(batches):
    """Refuse a class derived from ours that gathers rows in a way of its own."""
    augment = getattr(batches, "augment", None)
    if isinstance(augment, Augmentation) and not augment.was_used:
        raise ValueError(
            f"augment={augment.name} was not used: {type(batches).__name__} gathers "
            "its rows without the method take of TensorBatches. Call it there, or "
            "leave augment None."
        )


def _check_signature(augment):
    """Refuse a function that cannot be called with rows and a generator."""
    if isinstance(augment, type):
        raise ValueError(
            f"augment={_name_of(augment)} is a class, and rows are changed by an "
            f"instance: pass {_name_of(augment)}()."
        )
    # Calling a module takes any arguments, and hands them to its forward.
    called = augment.forward if isinstance(augment, nn.Module) else augment
    try:
        inspect.signature(called).bind(None, None)
    except TypeError as error:
        raise ValueError(
            f"augment={_name_of(augment)} cannot be called with rows and a generator: "
            f"{error}. Wrap it, as in lambda rows, generator: change(rows)."
        ) from None
    except ValueError:  # of a callable that is not written in Python
        return
