"""Synthetic rows of meta-augmentation, from duplicates to their final place."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from skorch.dataset import Dataset, unpack_data
from skorch.utils import to_numpy, to_tensor

from imbdeep._nets.run import Run
from imbdeep._tables.sampling_strategy import read_sampling_strategy
from imbdeep._tables.validation import check_class_sizes
from imbdeep.batches import ShuffledBatches
from imbdeep.batches._tensor_batches import rows_of
from imbdeep.classifiers._meta_augment.step import changing_buffers
from imbdeep.classifiers._meta_augment.synthetic_rows import (
    SyntheticRows,
    duplicate_uncertain,
)


@dataclass
class Moving:
    """State of a net while its rows move.

    Attributes
    ----------
    synthetic : SyntheticRows
    batches, valid_batches : iterator of tuple (X, y)
        Endless batches of synthetic rows, by position, and of validation rows.
    path : list of ndarray or None
        The rows at the beginning and after each epoch.
    best : Tensor or None
        The rows of the best epoch so far.
    """

    synthetic: SyntheticRows
    batches: Iterator
    valid_batches: Iterator
    path: list | None
    best: torch.Tensor | None = None


class MetaAugmentRun(Run):
    """State of a fit of meta-augmentation.

    Attributes
    ----------
    moving : Moving or None
        None in pre-training.
    """

    moving = None


def rows_to_make(codes, sampling_strategy, labels):
    """Number of synthetic rows per class that a sampling strategy requires.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
        Classes of the rows, as positions in ``labels``.
    sampling_strategy : 'duplicate', float, str, dict or callable
    labels : ndarray of shape (n_classes,)
        Labels, sorted; a dict or a callable of ``sampling_strategy`` uses them.

    Returns
    -------
    dict of int to int or None
        Number of rows by class; None means one per uncertain row of the class.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._meta_augment.moving import rows_to_make
    >>> codes, labels = np.array([0] * 5 + [1] * 2), np.array(['a', 'b'])
    >>> rows_to_make(codes, 'duplicate', labels)
    {1: None}
    >>> rows_to_make(codes, {'b': 4}, labels)
    {1: 2}
    """
    if isinstance(sampling_strategy, str) and sampling_strategy == "duplicate":
        counts = np.bincount(codes)
        return dict.fromkeys(
            np.delete(np.arange(len(counts)), counts.argmax()).tolist()
        )
    wanted = read_sampling_strategy(sampling_strategy, labels[codes])
    return {int(np.searchsorted(labels, k)): int(n) for k, n in wanted.items()}


class MovesRows:
    """Handling of a net's synthetic rows between steps."""

    def on_epoch_begin(self, net, **kwargs):
        self._keep_best_rows()
        super().on_epoch_begin(net, **kwargs)

    def on_epoch_end(self, net, **kwargs):
        super().on_epoch_end(net, **kwargs)
        moving = self.run_.moving
        self.history.record("n_synthetic", len(self.X_synth_) if moving else 0)
        shift = moving.synthetic.distance() if moving else 0.0
        self.history.record("synth_shift", shift)
        if moving:
            # A callback may save the net. On a CPU these are the rows themselves, which
            # the next epoch moves: a copy would be one more of a large table.
            self.X_synth_ = to_numpy(moving.synthetic.rows)
        if moving and self.store_synth_history:
            moving.path.append(self.X_synth_.copy())

    def on_train_end(self, net, **kwargs):
        super().on_train_end(net, **kwargs)
        self._keep_best_rows()
        moving = self.run_.moving
        if moving and moving.best is not None:
            moving.synthetic.rows = moving.best

    def _keep_best_rows(self):
        # The net is notified before its callbacks: early stopping judges an epoch only
        # after on_epoch_end of the net.
        loading = [c for c in self._early_stoppings() if c.load_best]
        moving = self.run_.moving
        if moving is None or not loading or not self.history:
            return
        # Each loads its best weights in turn, so the last one decides.
        if loading[-1].best_epoch_ == self.history[-1, "epoch"]:
            if moving.best is None:
                moving.best = torch.empty_like(moving.synthetic.rows)
            moving.best.copy_(moving.synthetic.rows)

    def _check_class_counts(self, counts, method, eval_set):
        # Each class is needed in both parts, training and validation.
        least = 2 if eval_set is None else 1
        few = self.classes_inferred_[counts < least].tolist()
        if method == "partial_fit" and few:
            raise ValueError(
                f"{type(self).__name__} needs {least} or more rows of each class in "
                f"each call of partial_fit, and there are fewer of {few}. Add some, or "
                "pass eval_set."
            )
        if method == "fit":
            try:
                check_class_sizes(self.classes_, counts, least, self)
            except ValueError as error:
                raise ValueError(
                    f"{error} Or pass validation rows of it as eval_set."
                ) from None

    def _sets_rows_aside(self, y):
        return len(y) > 0  # without validation rows the synthetic ones cannot move

    def _check_valid(self, valid):
        if valid is None or len(valid) == 0:
            raise ValueError(
                f"{type(self).__name__} moves its rows by validation rows, and "
                f"train_split={self.train_split!r} gives none. Use 'stratified', or "
                "pass eval_set."
            )

    def _check_parts(self, **parts):
        labels = self.classes_inferred_
        for name, part in parts.items():
            absent = np.setdiff1d(np.arange(len(labels)), part.y)
            if len(absent):
                raise ValueError(
                    f"The {name} part has no row of class {labels[absent].tolist()}, "
                    "which is one of the classes. Use train_split='stratified', which "
                    "leaves none out, or add some."
                )

    def _check_module(self, batches):
        X, _ = self._on_device(batches.take(torch.arange(min(2, len(batches.y)))))
        changing = changing_buffers(self.module_, rows_of(X))
        if changing:
            raise ValueError(
                f"{type(self).__name__} differentiates through its training steps, and "
                f"the module changes its buffers {changing} in each of them, as batch "
                "norm does. Use layer norm or group norm instead."
            )

    def _duplicate(self, batches, wanted, positions):
        parents = self._choose_parents(batches, wanted)
        X, y = batches.take(torch.as_tensor(parents))
        self.X_synth_ = to_numpy(rows_of(X))
        self.y_synth_ = self.classes_inferred_[to_numpy(y)]
        self.synth_parents_ = positions[parents]
        if self.store_synth_history:
            self.synth_history_ = self.X_synth_[None].copy()
        self.synth_weight_ = (
            to_numpy(X["sample_weight"])
            if isinstance(X, dict)
            else np.ones(len(parents), dtype=np.float32)
        )
        return torch.as_tensor(parents)

    def _choose_parents(self, batches, wanted):
        codes = to_numpy(batches.y)
        dataset = self.get_dataset(batches.X, batches.y)
        logits = [
            self.evaluation_step(batch).cpu() for batch in self.get_iterator(dataset)
        ]
        proba = to_numpy(self.probabilities(torch.cat(logits)))
        return duplicate_uncertain(
            codes,
            proba[np.arange(len(codes)), codes],
            wanted,
            self.confidence,
            self.random_state_,
        )

    @contextmanager
    def _moving_rows(self, batches, valid, parents):
        """Hold what a step needs besides its batch, while steps are made."""
        # On a CPU the tensor shares its memory, and rows move in place: those of an
        # earlier call must outlive a failure of this one.
        begins = parents is not None
        rows = self.X_synth_ if begins else self.X_synth_.copy()
        rows = to_tensor(rows, device=self.device)
        synthetic = SyntheticRows(
            rows,
            rows_of(batches.X),
            unit=self.synth_unit,
            clip=self.clip,
            parents=parents,
        )
        index = {"index": np.arange(len(rows)), "weight": self.synth_weight_}
        dataset = Dataset(index, self._encode(self.y_synth_))
        moving = self.run_.moving = Moving(
            synthetic,
            self._endless_batches(dataset),
            self._endless_batches(valid),
            [self.X_synth_.copy()] if self.store_synth_history else None,
        )
        try:
            yield
        finally:
            # The rows of the best epoch, which on_train_end has brought back.
            self.X_synth_ = to_numpy(synthetic.rows)
            if self.store_synth_history:
                self.synth_history_ = np.stack(moving.path)

    def _endless_batches(self, dataset):
        generator = torch.Generator().manual_seed(self._draw_seed())
        size = self._rows_of_a_step(len(dataset))
        batches = ShuffledBatches(dataset, size, generator=generator)
        while True:
            yield from batches

    def _on_device(self, batch):
        X, y = unpack_data(batch)
        return to_tensor(X, device=self.device), to_tensor(y, device=self.device)
