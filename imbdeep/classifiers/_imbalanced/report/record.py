"""What a fit keeps for its report: a few hundred rows, and what was odd about all."""

from dataclasses import dataclass, field

import numpy as np

from imbdeep._torch.seeding import own_state, seed_from
from imbdeep.classifiers._imbalanced.report.rows import (
    Equals,
    are_numbers_as_text,
    constant_columns,
    count_equals,
    hash_rows,
    identifiers,
)

_MOST_ROWS = 500
# Of wide tables fewer: a pickle holds them.
_MOST_CELLS, _FEWEST_ROWS = 2_000_000, 100


@dataclass
class FitRecord:
    """What a fit keeps for its report.

    Attributes
    ----------
    names : sequence of length n_features
    levels : list of int
        Columns of levels.
    left_out : list of str
        Learners that the budget had no time for.
    grouped : bool
        Whether groups were held out together.
    equals : Equals
    constant, identifiers : list of int
        Columns.
    numbers_as_text : list of int
        Columns that would be identifiers, but are numbers written as text.
    positions : ndarray of shape (m,), int
        Of the rows of the sample, all of which were held out.
    X : {ndarray, sparse matrix} of shape (m, n_features)
        These rows, with codes of levels.
    seed : int
        Of draws for the report.
    kept : dict
        What the report has computed so far.
    """

    names: list
    levels: list
    left_out: list
    grouped: bool
    equals: Equals
    constant: list
    identifiers: list
    numbers_as_text: list
    positions: np.ndarray
    X: np.ndarray
    seed: int
    kept: dict = field(default_factory=dict)


def quotas(counts, total):
    """How many rows of each class a sample has: as many, where there are enough.

    Parameters
    ----------
    counts : ndarray of shape (n_classes,), int
    total : int

    Returns
    -------
    ndarray of shape (n_classes,), int

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.classifiers._imbalanced.report.record import quotas
    >>> quotas(np.array([2_000, 30, 400]), 500)
    array([235,  30, 235])
    """
    found = np.zeros(len(counts), dtype=int)
    for place, i in enumerate(np.argsort(counts, kind="stable")):
        found[i] = min(counts[i], (total - found.sum()) // (len(counts) - place))
    return found


def draw_sample(y, may_be_drawn, total, random_state):
    """Positions of rows for what takes long: of each class as many, if there are.

    Parameters
    ----------
    y : ndarray of shape (n,), int
    may_be_drawn : ndarray of shape (n,), bool
    total : int
    random_state : RandomState

    Returns
    -------
    ndarray of shape (m,), int
        Rising.
    """
    pool = np.flatnonzero(may_be_drawn)
    sizes = quotas(np.bincount(y[pool]), total)
    drawn = [
        random_state.choice(pool[y[pool] == c], size, replace=False)
        for c, size in enumerate(sizes)
        if size
    ]
    return np.sort(np.concatenate([pool[:0], *drawn]))


def record_fit(model, X, y, learners, *, sample_weight, groups, random_state):
    """Keep what the report of a fitted model needs.

    Parameters
    ----------
    model : ImbalancedClassifier
        Fitted.
    X : {ndarray, sparse matrix} of shape (n, n_features)
        With codes of levels.
    y : ndarray of shape (n,), int
        Class indices.
    learners : list of str
        Those that were to be fitted.
    sample_weight : ndarray of shape (n,) or None
    groups : ndarray of shape (n,), int, or None
    random_state : int

    Returns
    -------
    FitRecord
    """
    names = getattr(model, "feature_names_in_", np.arange(X.shape[1])).tolist()
    levels = model.level_codes_.positions.tolist()
    state = own_state(random_state)
    is_judged = ~np.isnan(model.oof_proba_).any(axis=1)
    if sample_weight is not None:
        is_judged &= sample_weight > 0
    total = int(np.clip(_MOST_CELLS // X.shape[1], _FEWEST_ROWS, _MOST_ROWS))
    positions = draw_sample(y, is_judged, total, state)
    hashes = hash_rows(X)
    distinct = np.unique(hashes, return_index=True)[1]
    n_levels = model.level_codes_.n_levels()
    different = identifiers(X, distinct, names, levels, n_levels)
    texts = dict(zip(levels, model.level_codes_.levels_, strict=True))
    numbers_as_text = [j for j in different if are_numbers_as_text(texts.get(j, []))]
    return FitRecord(
        names=names,
        levels=levels,
        left_out=[name for name in learners if name not in model.learners_],
        grouped=groups is not None,
        equals=count_equals(hashes, y, groups),
        constant=constant_columns(X),
        identifiers=[j for j in different if j not in numbers_as_text],
        numbers_as_text=numbers_as_text,
        positions=positions,
        X=X[positions],
        seed=seed_from(state),
    )
