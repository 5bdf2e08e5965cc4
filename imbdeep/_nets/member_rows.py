"""Which rows each member trains on, and which it holds out."""

import warnings
from dataclasses import dataclass

import numpy as np
from imblearn.utils import check_sampling_strategy
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import check_consistent_length, column_or_1d

from imbdeep._arguments import naming_value
from imbdeep._tables.column_kinds import missing_in
from imbdeep._tables.torch_data import as_array

_MOST_FOLDS = 5
# Draws of folds of groups after which others are unlikely to suit better.
_MOST_DRAWS = 5
_FEWEST_OF_A_CLASS = 100


@dataclass(frozen=True)
class MemberRows:
    """Rows of each member.

    Attributes
    ----------
    train : list of ndarray of int
        Positions of the rows that a member trains on; as many for each member. A row
        may occur more than once.
    held_out : ndarray of shape (n_rows, n_members), bool
        Whether a row counts as unseen by a member.
    """

    train: list
    held_out: np.ndarray


def read_groups(groups, X):
    """Index of the group of each row.

    Parameters
    ----------
    groups : array-like of shape (n,)
        Of any type that can be sorted.
    X : ndarray of shape (n, ...)
        The rows.

    Returns
    -------
    ndarray of shape (n,), int

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._nets.member_rows import read_groups
    >>> read_groups(["b", "a", "b"], np.zeros((3, 1)))
    array([1, 0, 1])
    """
    with naming_value("groups", groups):
        groups = column_or_1d(as_array(groups))
        check_consistent_length(X, groups)
        missing = np.flatnonzero(missing_in(groups))
        if len(missing):
            raise ValueError(
                f"groups has no value in row {missing[0]}. Give a row that belongs to "
                "none a group of its own."
            )
        return np.unique(groups, return_inverse=True)[1]


def hold_out_folds(y, n_members, random_state, groups=None):
    """Let each member hold out a fold; the folds are drawn anew for every repeat.

    Parameters
    ----------
    y : ndarray of shape (n,), int
        Class indices.
    n_members : int, at least 2
    random_state : RandomState
    groups : ndarray of shape (n,), int, or None, default=None
        Rows of one group stay together.

    Returns
    -------
    MemberRows
        There are five folds, or as many as there are members or rows of the rarest
        class, if fewer: each fold has a row of every class, and so has what is left. A
        class of one row is in no fold: all members train on it. So they do on all
        groups of a class that has no others. With groups every class is in what is
        left, and there may be more or fewer folds for that.

    Raises
    ------
    ValueError
        If groups do not allow that.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._nets.member_rows import hold_out_folds
    >>> y = np.array([0] * 8 + [1] * 2)
    >>> rows = hold_out_folds(y, 4, np.random.RandomState(0))
    >>> rows.held_out.sum(axis=0)
    array([5, 5, 5, 5])
    >>> rows.held_out.sum(axis=1)
    array([2, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    """
    units = np.arange(len(y)) if groups is None else groups
    in_folds = _rows_in_folds(y, units)
    held_out = np.zeros((len(y), n_members), dtype=bool)
    draw = _draw_folds if groups is None else _draw_folds_of_groups
    start = 0
    while len(in_folds) and start < n_members:
        folds = draw(y[in_folds], units[in_folds], n_members, random_state)
        for member, fold in zip(range(start, n_members), folds, strict=False):
            held_out[in_folds[fold], member] = True
        start += len(folds)
    train = [np.flatnonzero(~held_out[:, i]) for i in range(n_members)]
    return MemberRows(_of_one_length(train, random_state), held_out)


def hold_out_bags(y, n_members, random_state, groups=None):
    """Let each member draw as many rows of each class as there are, with replacement.

    Parameters
    ----------
    y, n_members, random_state, groups
        See :func:`hold_out_folds`. Groups are drawn first, and rows of these.

    Returns
    -------
    MemberRows
        A member holds out the rows, or groups, that it did not draw.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._nets.member_rows import hold_out_bags
    >>> y = np.array([0] * 8 + [1] * 2)
    >>> rows = hold_out_bags(y, 2, np.random.RandomState(0))
    >>> [np.bincount(y[own]).tolist() for own in rows.train]
    [[8, 2], [8, 2]]
    >>> [bool(rows.held_out[own, i].any()) for i, own in enumerate(rows.train)]
    [False, False]
    """
    train, held_out = [], np.ones((len(y), n_members), dtype=bool)
    for i in range(n_members):
        pool = np.arange(len(y))
        if groups is not None:
            pool = _draw_groups(y, groups, random_state)
        bag = [
            random_state.choice(pool[y[pool] == c], np.sum(y == c))
            for c in np.unique(y)
        ]
        train.append(np.concatenate(bag))
        held_out[train[-1] if groups is None else pool, i] = False
    return MemberRows(train, held_out)


HOLD_OUTS = {"folds": hold_out_folds, "bootstrap": hold_out_bags}


def under_sample(rows, y, labels, sampling_strategy, random_state):
    """Let each member keep a sample of its own of the classes that are too frequent.

    Parameters
    ----------
    rows : list of ndarray of int
        Positions of the rows of each member.
    y : ndarray of shape (n,), int
        Class indices.
    labels : ndarray of shape (n_classes,)
        The user's labels, which a strategy may name.
    sampling_strategy : float, str, dict or callable
        See :class:`imblearn.under_sampling.RandomUnderSampler`.
    random_state : RandomState

    Returns
    -------
    list of ndarray of int

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._nets.member_rows import under_sample
    >>> y, labels = np.array([0] * 8 + [1] * 2), np.array(["common", "rare"])
    >>> rows = [np.arange(10), np.arange(10)]
    >>> kept = under_sample(rows, y, labels, "auto", np.random.RandomState(0))
    >>> [np.bincount(y[own]).tolist() for own in kept]
    [[2, 2], [2, 2]]
    """
    kept = []
    with naming_value("member_sampling", sampling_strategy):
        strategy = _of_indices(sampling_strategy, labels)
        for own in rows:
            sizes = check_sampling_strategy(strategy, y[own], "under-sampling")
            of_classes = [own[y[own] == c] for c in np.unique(y[own])]
            sample = [
                random_state.choice(part, sizes[y[part[0]]], replace=False)
                if y[part[0]] in sizes
                else part
                for part in of_classes
            ]
            kept.append(np.sort(np.concatenate(sample)))
    return _of_one_length(kept, random_state)


def sample_of_classes(y, n_rows, random_state):
    """Draw rows of all classes in proportion, but none of a rare class too many.

    Parameters
    ----------
    y : ndarray of shape (n,), int
        Class indices.
    n_rows : int, at most n
        Number of rows, about. A class of which the share would be fewer than a
        hundred has a hundred rows in the sample, or all that there are.
    random_state : RandomState

    Returns
    -------
    ndarray of int
        Sorted positions.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep._nets.member_rows import sample_of_classes
    >>> y = np.array([0] * 8_000 + [1] * 1_900 + [2] * 100)
    >>> rows = sample_of_classes(y, 1_000, np.random.RandomState(0))
    >>> np.bincount(y[rows])
    array([800, 190, 100])
    """
    drawn = []
    for c in np.unique(y):
        own = np.flatnonzero(y == c)
        share = round(n_rows * len(own) / len(y))
        size = min(max(share, _FEWEST_OF_A_CLASS), len(own))
        drawn.append(random_state.choice(own, size, replace=False))
    return np.sort(np.concatenate(drawn))


def _of_indices(strategy, labels):
    """A strategy that names class indices instead of labels."""
    if callable(strategy):
        return lambda y: _of_indices(strategy(labels[y]), labels)
    if not isinstance(strategy, dict):
        return strategy
    index = {label: i for i, label in enumerate(labels.tolist())}
    unknown = [label for label in strategy if label not in index]
    if unknown:
        raise ValueError(f"{unknown} are not among the classes {labels.tolist()}")
    return {index[label]: size for label, size in strategy.items()}


def _units_of_classes(y, units):
    """Number of rows, or groups, with a row of each class."""
    n_units = units.max(initial=0) + 1
    return np.bincount(np.unique(y * n_units + units) // n_units)


def _rows_in_folds(y, units):
    """Positions of the rows of classes that have two units or more.

    The units of other classes stay in training with all their rows.
    """
    kept = np.ones(len(y), dtype=bool)
    while True:
        is_lone = _units_of_classes(y[kept], units[kept]) == 1
        stay = np.isin(units, units[kept][is_lone[y[kept]]])
        if not stay[kept].any():
            return np.flatnonzero(kept)
        # A class may have lost all but one of its groups by that.
        kept &= ~stay


def _n_folds(y, units, n_members):
    n_units = _units_of_classes(y, units)
    return int(min(_MOST_FOLDS, n_members, n_units[n_units > 0].min()))


def _draw_folds(y, units, n_members, random_state):
    """Held-out positions of each fold, with every class in each and beside each."""
    seed = random_state.randint(2**31 - 1)
    splitter = StratifiedKFold(
        _n_folds(y, units, n_members), shuffle=True, random_state=seed
    )
    return [held for _, held in splitter.split(y, y)]


def _draw_folds_of_groups(y, units, n_members, random_state):
    """Held-out positions of each fold of whole groups, with every class beside each."""
    wanted = _n_folds(y, units, n_members)
    most = min(_MOST_FOLDS, n_members, len(np.unique(units)))
    # A class in two groups leaves no choice but two folds, if it is to be in each of
    # them; with more folds it is easier to keep one of its groups in training.
    for n_folds in [*range(wanted, most + 1), *range(wanted - 1, 1, -1)]:
        for _ in range(_MOST_DRAWS):
            seed = random_state.randint(2**31 - 1)
            splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
            with warnings.catch_warnings():
                # A class may have fewer rows than there are folds.
                warnings.simplefilter("ignore", UserWarning)
                split = list(splitter.split(y, y, units))
            n_classes = len(np.unique(y))
            if all(len(np.unique(y[train])) == n_classes for train, _ in split):
                return [held for _, held in split if len(held)]
    raise ValueError(
        "Groups cannot be held out so that every class is left to train on: classes "
        "share too few groups. Pass more members, or member_holdout='bootstrap' or "
        "None."
    )


def _draw_groups(y, units, random_state):
    """Rows of groups drawn with replacement, with every class among them."""
    n_groups = units.max() + 1
    drawn = np.isin(units, random_state.randint(n_groups, size=n_groups))
    for c in np.setdiff1d(y, y[drawn]):
        drawn |= units == random_state.choice(np.unique(units[y == c]))
    return np.flatnonzero(drawn)


def _of_one_length(train, random_state):
    """Repeat a few rows of a member that has fewer than others."""
    most = max(map(len, train))
    return [
        np.append(rows, random_state.choice(rows, most - len(rows))) for rows in train
    ]
