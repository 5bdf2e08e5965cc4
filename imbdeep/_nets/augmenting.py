"""What is done to the rows of training batches before a step sees them."""

import inspect
from collections.abc import Iterator

import numpy as np
import torch
from skorch.dataset import unpack_data
from torch import Generator, Tensor

from imbdeep._arguments import shown
from imbdeep._nets.stack import StackedBatches
from imbdeep._torch.seeding import seed_from
from imbdeep.augmentations._registry import AUGMENTATIONS
from imbdeep.batches import TensorBatches
from imbdeep.batches._tensor_batches import Batch, Rows, rows_of, with_rows


class Augmentation:
    """A function of rows with the generator it draws from; its results are checked.

    Parameters
    ----------
    function : callable
        Takes rows, Tensor of shape (n, ...), and a generator; returns such rows.
    name : str
        How messages call it.
    generator : torch.Generator

    Raises
    ------
    ValueError
        When called, if the result differs from the rows in shape, dtype or device; or
        the first one holds NaN or infinity and the rows do not.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.augmenting import Augmentation
    >>> mean = Augmentation(lambda rows, _: rows.mean(0), "mean", torch.Generator())
    >>> mean(torch.zeros(3, 2))
    Traceback (most recent call last):
    ValueError: augment=mean made (2,), torch.float32, cpu of rows (3, 2), ...
    """

    def __init__(self, function, name: str, generator: Generator):
        self.function = function
        self.name = name
        self.generator = generator
        self.was_checked = False

    def __call__(self, rows: Tensor) -> Tensor:
        # Before the function, which may change them in place.
        had_gaps = not self.was_checked and not rows.isfinite().all()
        made = self.function(rows, self.generator)
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
        if not self.was_checked:
            if not had_gaps and not made.isfinite().all():
                raise ValueError(
                    f"augment={self.name} made NaN or infinity of finite rows, and a "
                    "net cannot learn from them."
                )
            self.was_checked = True
        return made


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

    def get_iterator(self, dataset, training=False, seed=None):
        if not training or self.augment is None:
            return super().get_iterator(dataset, training, seed)
        seed = self._draw_seed() if seed is None else seed
        batches = super().get_iterator(dataset, training, seed)
        # A seed of its own: rows come in the order that they have without.
        own = seed_from(np.random.RandomState(seed))
        augment = Augmentation(
            self._component("augment", AUGMENTATIONS),
            _name_of(self.augment),
            torch.Generator().manual_seed(own),
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
    if isinstance(augment, Augmentation) and not augment.was_checked:
        raise ValueError(
            f"augment={augment.name} was not used: {type(batches).__name__} gathers "
            "its rows without the method take of TensorBatches. Call it there, or "
            "leave augment None."
        )


def _check_signature(augment):
    """Refuse a function that cannot be called with rows and a generator."""
    try:
        inspect.signature(augment).bind(None, None)
    except TypeError as error:
        raise ValueError(
            f"augment={_name_of(augment)} cannot be called with rows and a generator: "
            f"{error}. Wrap it, as in lambda rows, generator: change(rows)."
        ) from None
    except ValueError:  # of a callable that is not written in Python
        return
