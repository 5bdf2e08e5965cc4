"""Which rows each member trains on, and which it holds out."""

import warnings
from dataclasses import dataclass

import numpy as np
from imblearn.under_sampling import RandomUnderSampler
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

_MOST_FOLDS = 5
# Draws of groups after which a class that they all lack will not come any more.
_MOST_DRAWS = 100


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


def hold_out_folds(y, n_members, random_state, groups=None):
    """Let each member hold out a fold; the folds are drawn anew for every repeat.

    Parameters
    ----------
    y : ndarray of shape (n,), int
        Class indices.
    n_members : int
    random_state : RandomState
    groups : ndarray of shape (n,) or None, default=None
        Rows of one group stay together.

    Returns
    -------
    MemberRows
        There are five folds, or as many as there are members or rows (groups) of the
        rarest class, if fewer: each fold has a row of every class, and so has what is
        left. A class of one row, or one group, is in no fold: all members train on it.

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
    units = np.arange(len(y)) if groups is None else _as_indices(groups)
    in_folds = _rows_in_folds(y, units)
    held_out = np.zeros((len(y), n_members), dtype=bool)
    if not len(in_folds):
        return MemberRows([np.arange(len(y))] * n_members, held_out)
    n_units = _units_of_classes(y[in_folds], units[in_folds])
    fewest = n_units[n_units > 0].min()
    n_folds = max(2, int(min(_MOST_FOLDS, n_members, fewest)))
    for start in range(0, n_members, n_folds):
        seed = random_state.randint(2**31 - 1)
        folds = _folds(y[in_folds], units[in_folds], n_folds, groups is not None, seed)
        for member, fold in zip(range(start, n_members), folds, strict=False):
            held_out[in_folds[fold], member] = True
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

    Raises
    ------
    ValueError
        If a class is in so few groups that draws of groups miss it again and again.
    """
    units = np.arange(len(y)) if groups is None else _as_indices(groups)
    train, held_out = [], np.ones((len(y), n_members), dtype=bool)
    for i in range(n_members):
        pool = np.arange(len(y))
        if groups is not None:
            pool = _draw_groups(y, units, random_state)
        bag = [
            random_state.choice(pool[y[pool] == c], np.sum(y == c))
            for c in np.unique(y)
        ]
        train.append(np.concatenate(bag))
        seen = train[-1] if groups is None else pool
        held_out[np.isin(units, units[seen]), i] = False
    return MemberRows(train, held_out)


HOLD_OUTS = {"folds": hold_out_folds, "bootstrap": hold_out_bags}


def under_sample(rows, y, labels, sampling_strategy, random_state):
    """Let each member keep a sample of its own of the classes that are too frequent.

    Parameters
    ----------
    rows : MemberRows
    y : ndarray of shape (n,), int
        Class indices.
    labels : ndarray of shape (n_classes,)
        The user's labels, which a strategy may name.
    sampling_strategy : float, str, dict or callable
        See :class:`imblearn.under_sampling.RandomUnderSampler`.
    random_state : RandomState

    Returns
    -------
    MemberRows
        What is left out does not count as held out.
    """
    kept = []
    for own in rows.train:
        sampler = RandomUnderSampler(
            sampling_strategy=sampling_strategy, random_state=random_state
        )
        sampler.fit_resample(own[:, None], labels[y[own]])
        kept.append(own[np.sort(sampler.sample_indices_)])
    return MemberRows(_of_one_length(kept, random_state), rows.held_out)


def _as_indices(groups):
    return np.unique(groups, return_inverse=True)[1].ravel()


def _units_of_classes(y, units):
    """Number of rows, or groups, with a row of each class."""
    pairs = np.unique(np.column_stack([y, units]), axis=0)
    return np.bincount(pairs[:, 0])


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
        kept &= ~stay


def _folds(y, units, n_folds, grouped, seed):
    """Held-out positions of each fold, with every class in each and beside each."""
    if not grouped:
        split = StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(y, y)
        return [held for _, held in split]
    for n in range(n_folds, 1, -1):
        splitter = StratifiedGroupKFold(n, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            # A class with fewer rows than folds is looked at below.
            warnings.simplefilter("ignore", UserWarning)
            split = list(splitter.split(y, y, units))
        if all(len(np.unique(y[train])) == len(np.unique(y)) for train, _ in split):
            return [held for _, held in split]
    raise ValueError(
        "Groups cannot be held out so that every class is left to train on: some class "
        "has too few groups beside those of others. Pass member_holdout=None, or "
        "coarser labels."
    )


def _draw_groups(y, units, random_state):
    """Rows of groups drawn with replacement, with every class among them."""
    for _ in range(_MOST_DRAWS):
        n_groups = units.max() + 1
        drawn = np.unique(random_state.randint(n_groups, size=n_groups))
        rows = np.flatnonzero(np.isin(units, drawn))
        if len(np.unique(y[rows])) == len(np.unique(y)):
            return rows
    raise ValueError(
        f"{_MOST_DRAWS} draws of groups each missed a class, which too few groups "
        "have. Pass member_holdout='folds' or None."
    )


def _of_one_length(train, random_state):
    """Repeat a few rows of a member that has fewer than others."""
    most = max(map(len, train))
    return [
        np.append(rows, random_state.choice(rows, most - len(rows))) for rows in train
    ]
