"""Evaluation protocols: which rows fit, which rows validate, which rows test.

Three schemes, each repeated as often as the protocol's name says:

``<repeats>x2``
    Stratified two-fold cross-validation. 30 % of each training half is set aside for
    validation. ``10x2`` is the protocol of the ReMix paper.

``<repeats>x60-20-20``
    Stratified random splits, 60 % to fit, 20 % to validate, 20 % to test.
    ``4x60-20-20`` is the protocol of the explicit-gradient paper.

``<repeats>x80-20``
    Stratified random splits, 80 % to train, a fifth of which validates, and 20 % to
    test. The seed of the run 0 gives the seeds 100, 101, ... of scikit-learn's
    ``train_test_split``, so that other programs can have the same test rows.

Every split follows from the seed, the dataset's name and the fold alone, so all methods
see the same rows and their scores can be compared in pairs.
"""

import hashlib
import json
import re
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedKFold, train_test_split


def derive_seed(*parts):
    """Return a seed in [0, 2**32) that depends on every one of `parts`.

    Unlike :func:`hash`, it is the same in every process and on every machine.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def minority_label(y):
    """Return the rarest label of `y`."""
    labels, counts = np.unique(y, return_counts=True)
    return labels[np.argmin(counts)]


@dataclass(frozen=True)
class Split:
    """Row numbers of one fold, each array sorted."""

    fit: np.ndarray  # that fit the model
    valid: np.ndarray  # that stop it and tune its threshold
    test: np.ndarray  # that score it

    @property
    def train(self):
        """The fit and the validation rows together: the whole training half."""
        return np.union1d(self.fit, self.valid)


def _set_aside(rows, y, fraction, seed):
    """Split `rows` in two, stratified, and sort both parts."""
    kept, aside = train_test_split(
        rows, test_size=fraction, stratify=y[rows], random_state=seed
    )
    return np.sort(kept), np.sort(aside)


def two_fold_split(y, fold, seed, dataset):
    """Fold ``fold % 2`` of two, in repeat ``fold // 2``, stratified by all labels."""
    repeat, half = divmod(fold, 2)
    fold_seed = derive_seed(seed, dataset, "two-fold", repeat)
    folds = StratifiedKFold(n_splits=2, shuffle=True, random_state=fold_seed)
    train, test = list(folds.split(y, y))[half]
    valid_seed = derive_seed(seed, dataset, "two-fold valid", fold)
    return Split(*_set_aside(train, y, 0.3, valid_seed), test)


def _holdout_split(y, fold, seed, dataset):
    """One random split into 60 %, 20 % and 20 %; each fold is a repeat of its own."""
    test_seed = derive_seed(seed, dataset, "holdout test", fold)
    valid_seed = derive_seed(seed, dataset, "holdout valid", fold)
    train, test = _set_aside(np.arange(len(y)), y, 0.2, test_seed)
    # A quarter of the remaining 80 % is 20 % of all rows.
    return Split(*_set_aside(train, y, 0.25, valid_seed), test)


def _plain_split(y, fold, seed, dataset):
    """Split off 20 % as anybody does, by a seed that no name is part of."""
    train, test = _set_aside(np.arange(len(y)), y, 0.2, 100 * (seed + 1) + fold)
    valid_seed = derive_seed(seed, dataset, "plain valid", fold)
    return Split(*_set_aside(train, y, 0.2, valid_seed), test)


_SCHEMES = {
    "2": (2, two_fold_split),
    "60-20-20": (1, _holdout_split),
    "80-20": (1, _plain_split),
}


@dataclass(frozen=True)
class Protocol:
    """A scheme of splitting and the number of its repeats, each with another seed."""

    name: str  # '10x2', say
    n_repeats: int
    scheme: str  # '2', '60-20-20' or '80-20'

    @property
    def n_folds(self):
        """The number of splits in all."""
        return self.n_repeats * _SCHEMES[self.scheme][0]

    def split(self, y, fold, *, seed, dataset):
        """Return the rows of one fold, stratified by two labels of any name.

        The seed is the run's. Sets of equal size get splits of their own by their name,
        but for the test rows of ``80-20``.
        """
        _, split = _SCHEMES[self.scheme]
        return split(y == minority_label(y), fold, seed, dataset)


def parse_protocol(name):
    """Read a protocol; a ValueError says that its name has another form.

    >>> parse_protocol("10x2").n_folds
    20
    >>> parse_protocol("4x60-20-20").n_folds
    4
    """
    match = re.fullmatch(r"([1-9]\d*)x(2|60-20-20|80-20)", name)
    if match is None:
        raise ValueError(
            f"--protocol got {name!r}; write <repeats>x2, <repeats>x60-20-20 or "
            "<repeats>x80-20, for example 10x2 or 4x80-20."
        )
    return Protocol(name, int(match[1]), match[2])


def is_scheme(name):
    """Whether a protocol's name is one of ours.

    >>> is_scheme("10x2"), is_scheme("10x3")
    (True, False)
    """
    try:
        parse_protocol(name)
    except ValueError:
        return False
    return True


def count_folds(run):
    """Return how many folds a run's record promises, 0 where it does not say.

    ``'10x2'`` is 10 repeats of 2 folds, ``'4x60-20-20'`` 4 random splits, whatever
    their shares; a run cut short by its preset records its own ``n_repeats``.

    >>> count_folds({"protocol": "10x2", "n_repeats": 3})
    6
    """
    match = re.fullmatch(r"(\d+)x(\d+)(-[\d-]+)?", run.get("protocol") or "")
    if match is None:
        return 0
    n_repeats = run.get("n_repeats") or int(match[1])
    return n_repeats if match[3] else n_repeats * int(match[2])
