"""Evaluation protocols: which rows fit, which rows validate, which rows test.

Two schemes, each repeated as often as the protocol's name says:

``<repeats>x2``
    Stratified two-fold cross-validation. 30 % of each training half is set aside for
    validation. ``10x2`` is the protocol of the ReMix paper.

``<repeats>x60-20-20``
    Stratified random splits, 60 % to fit, 20 % to validate, 20 % to test.
    ``4x60-20-20`` is the protocol of the explicit-gradient paper.

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

    Parameters
    ----------
    *parts : str or int
        What the seed is for, such as a run's seed, a dataset, a method and a fold.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def minority_label(y):
    """Return the rarest label of `y`."""
    labels, counts = np.unique(y, return_counts=True)
    return labels[np.argmin(counts)]


@dataclass(frozen=True)
class Split:
    """Row numbers of one fold, each array sorted.

    Attributes
    ----------
    fit, valid, test : ndarray of int
        Rows that fit the model, that stop it and tune its threshold, and that score it.
    """

    fit: np.ndarray
    valid: np.ndarray
    test: np.ndarray

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


def _two_fold_split(y, fold, seed, dataset):
    """Fold ``fold % 2`` of two, in repeat ``fold // 2``."""
    repeat, half = divmod(fold, 2)
    folds = StratifiedKFold(
        n_splits=2,
        shuffle=True,
        random_state=derive_seed(seed, dataset, "two-fold", repeat),
    )
    train, test = list(folds.split(y, y))[half]
    valid_seed = derive_seed(seed, dataset, "two-fold valid", fold)
    fit, valid = _set_aside(train, y, 0.3, valid_seed)
    return Split(fit, valid, test)


def _holdout_split(y, fold, seed, dataset):
    """One random split into 60 %, 20 % and 20 %; each fold is a repeat of its own."""
    test_seed = derive_seed(seed, dataset, "holdout test", fold)
    valid_seed = derive_seed(seed, dataset, "holdout valid", fold)
    train, test = _set_aside(np.arange(len(y)), y, 0.2, test_seed)
    # A quarter of the remaining 80 % is 20 % of all rows.
    fit, valid = _set_aside(train, y, 0.25, valid_seed)
    return Split(fit, valid, test)


_SCHEMES = {"2": (2, _two_fold_split), "60-20-20": (1, _holdout_split)}


@dataclass(frozen=True)
class Protocol:
    """A scheme of splitting and the number of its repeats.

    Attributes
    ----------
    name : str
        For example ``'10x2'``.

    n_repeats : int
        How often the scheme is repeated, each time with another seed.

    scheme : {'2', '60-20-20'}
        Two-fold cross-validation or a random split.
    """

    name: str
    n_repeats: int
    scheme: str

    @property
    def n_folds(self):
        """The number of splits in all."""
        return self.n_repeats * _SCHEMES[self.scheme][0]

    def split(self, y, fold, *, seed, dataset):
        """Return the rows of one fold.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Two labels; every split is stratified by them, whatever they are called.

        fold : int
            In [0, `n_folds`).

        seed : int
            The run's seed.

        dataset : str
            The dataset's name: sets of equal size still get splits of their own.
        """
        _, split = _SCHEMES[self.scheme]
        return split(y == minority_label(y), fold, seed, dataset)


def parse_protocol(name):
    """Read a protocol such as ``'10x2'`` or ``'4x60-20-20'``.

    Parameters
    ----------
    name : str
        The number of repeats, an ``x``, and the scheme: ``2`` or ``60-20-20``.

    Raises
    ------
    ValueError
        If `name` has another form.

    Examples
    --------
    >>> parse_protocol("10x2").n_folds
    20
    >>> parse_protocol("4x60-20-20").n_folds
    4
    """
    match = re.fullmatch(r"([1-9]\d*)x(2|60-20-20)", name)
    if match is None:
        raise ValueError(
            f"--protocol got {name!r}; write <repeats>x2 or <repeats>x60-20-20, "
            "for example 10x2 or 4x60-20-20."
        )
    return Protocol(name, int(match[1]), match[2])
