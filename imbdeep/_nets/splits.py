"""Split rows into a training and a validation part, and those into batches."""

import math

import numpy as np
import torch
from skorch.dataset import get_len
from skorch.utils import to_numpy
from torch.utils.data import Subset

from imbdeep._nets.nested_parameters import naming_parameters
from imbdeep._nets.parameters import accepts
from imbdeep._tables.rows import as_arrays
from imbdeep.batches import TensorBatches
from imbdeep.callbacks import EarlyStopping

# Batches that only predict hold so many rows: fewer steps, less overhead.
_INFERENCE_BATCH_SIZE = 1024
# But of large images no more numbers than this, unless a training step has: the first
# layer makes several times as many of them.
_INFERENCE_NUMBERS = 2**22


def stratified_split(y, fraction, random_state):
    """Split rows into a training and a validation part, class by class.

    Every class of at least two rows has rows on both sides; a class of one row stays
    in training.

    Parameters
    ----------
    y : ndarray of shape (n,), int
        Class indices.
    fraction : float in (0, 1)
        Share of each class that goes to validation.
    random_state : RandomState

    Returns
    -------
    train, valid : ndarray of int
        Positions of the rows, increasing.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._nets.splits import stratified_split
    >>> y = np.array([0] * 8 + [1] * 2)
    >>> train, valid = stratified_split(y, 0.2, np.random.RandomState(0))
    >>> np.bincount(y[train]), np.bincount(y[valid])
    (array([6, 1]), array([2, 1]))
    """
    in_valid = np.zeros(len(y), dtype=bool)
    # scikit-learn's stratified splits may leave a rare class out of one part.
    for label in np.unique(y):
        rows = random_state.permutation(np.flatnonzero(y == label))
        n_valid = min(max(round(fraction * len(rows)), 1), len(rows) - 1)
        in_valid[rows[:n_valid]] = True
    return np.flatnonzero(~in_valid), np.flatnonzero(in_valid)


def _inference_rows(dataset):
    """Rows of a batch that only predicts."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    X = getattr(dataset, "X", None)
    shape = getattr(X["X"] if isinstance(X, dict) and "X" in X else X, "shape", ())
    if len(shape) <= 2:
        return _INFERENCE_BATCH_SIZE
    n_numbers = max(1, math.prod(shape[1:]))
    return min(_INFERENCE_BATCH_SIZE, _INFERENCE_NUMBERS // n_numbers)


class SplitsRows:
    """Split rows into a training and a validation part, and those into batches.

    A base of :class:`~imbdeep.base.BaseNetClassifier`, which has the parameters.
    """

    def check_data(self, X, y=None):
        """Check nothing: ``fit`` has done it."""

    def get_dataset(self, X, y=None):
        with naming_parameters("dataset", self.dataset, self._set_by_user("dataset")):
            dataset = super().get_dataset(X, y)
            n_rows = get_len(X)
            if len(dataset) != n_rows:
                raise ValueError(
                    f"the data set holds {len(dataset)} of {n_rows} rows, and a net "
                    "uses all of them. Pass fewer rows instead."
                )
        return dataset

    def get_split_datasets(self, X, y=None, **fit_params):
        # skorch would split anew in each stage of training.
        return self.run_.split

    def _split(self, X, y):
        """Training and validation part as data sets; None without validation rows."""
        if self.run_.eval_set is not None:
            return self.get_dataset(X, y), self.get_dataset(*self.run_.eval_set)
        if self.train_split != "stratified":
            with naming_parameters("train_split", self.train_split, {}):
                train, valid = super().get_split_datasets(X, y)
            return train, self._check_valid_dataset(valid)
        dataset = self.get_dataset(X, y)
        train, valid = stratified_split(y, self.validation_fraction, self.random_state_)
        if not self._sets_rows_aside(y[valid]):
            return dataset, None
        return Subset(dataset, train), Subset(dataset, valid)

    def _sets_rows_aside(self, y):
        """Whether these validation rows are enough to be worth setting aside."""
        stopping = dict(self.callbacks_).get("early_stopping")
        if isinstance(stopping, EarlyStopping):
            return len(y) > 0 and stopping.has_enough(y, self.class_counts_)
        return len(y) > 0

    def _check_valid_dataset(self, dataset):
        """Check and encode a validation set that came with a split."""
        if dataset is None or isinstance(dataset, Subset):
            return dataset
        # A user's data set holds the user's labels, not the class indices of training.
        X, y = self._check_rows(dataset, None, reset=False)
        return self.get_dataset(X, self._encode(y))

    def _rows_of_a_step(self, n_rows):
        """Rows per step for a table of ``n_rows``."""
        return n_rows if self.batch_size == -1 else self.batch_size

    def _in_memory(self, batches):
        return self.get_dataset(as_arrays(batches.X), to_numpy(batches.y))

    def get_iterator(self, dataset, training=False, seed=None):
        prefix = "iterator_train" if training else "iterator_valid"
        iterator = self._training_iterator() if training else self.iterator_valid
        params = {"batch_size": self.batch_size} | self.get_params_for(prefix)
        if params["batch_size"] == -1:
            params["batch_size"] = len(dataset)
        # Without gradients, memory allows more rows than a training step takes.
        if not training and f"{prefix}__batch_size" not in vars(self):
            params["batch_size"] = max(params["batch_size"], _inference_rows(dataset))
        if "generator" not in params and accepts(iterator, "generator"):
            # A DataLoader draws a seed for its workers even when it does not shuffle.
            if seed is None:
                seed = self._draw_seed() if training else 0
            params["generator"] = torch.Generator().manual_seed(seed)
        samplers = {"shuffle", "sampler", "batch_sampler"}
        if training and accepts(iterator, "shuffle") and not samplers & set(params):
            params["shuffle"] = True
        if training and "n_classes" not in params and accepts(iterator, "n_classes"):
            params["n_classes"] = len(self.classes_)
        if training and self.is_level_ is not None and accepts(iterator, "is_level"):
            params.setdefault("is_level", torch.as_tensor(self.is_level_))
        with naming_parameters(prefix, iterator, self._set_by_user(prefix)):
            batches = iterator(dataset, **params)
        if training:
            self.n_train_batches_ = len(batches)
            self.class_shares_ = self._class_shares(batches)
        return batches

    def _class_shares(self, batches):
        """Share of each class in the training batches, or None if unknown."""
        if not isinstance(batches, TensorBatches):
            return None
        return batches.class_shares(len(self.classes_))
