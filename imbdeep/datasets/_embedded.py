"""A suite of small imbalanced problems that needs no network.

Every problem comes from data inside scikit-learn or from a seeded generator. The seeds
feed `RandomState`, whose streams NumPy promises not to change.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    make_classification,
    make_moons,
)
from sklearn.utils import check_random_state

from imbdeep.datasets._bunch import check_names, make_bunch


def _cut_class(y, label, n_kept, seed=0):
    """Return the positions that keep `n_kept` rows of class `label`, in order."""
    rows = np.flatnonzero(y == label)
    dropped = check_random_state(seed).permutation(rows)[n_kept:]
    return np.setdiff1d(np.arange(len(y)), dropped)


def _pooled_digits():
    """Return the digits as 4 x 4 images, each pixel the mean of four, and labels."""
    X, digit = load_digits(return_X_y=True)
    return X.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16), digit


def _digits_8():
    X, digit = _pooled_digits()
    return X, digit == 8


def _digits_3_rare():
    X, digit = load_digits(return_X_y=True)
    rows = _cut_class(digit, 3, 45)
    return X[rows], digit[rows] == 3


def _breast_cancer_rare():
    cancer = load_breast_cancer()
    means = [name.startswith("mean ") for name in cancer.feature_names]
    malignant = cancer.target == 0
    rows = _cut_class(malignant, True, 36)
    return cancer.data[rows][:, means], malignant[rows]


def _diabetes_severe():
    X, progression = load_diabetes(return_X_y=True, scaled=False)
    return X, progression > 260


def _many_features():
    return make_classification(
        n_samples=900,
        n_features=40,
        n_informative=6,
        n_redundant=0,
        weights=[0.84],
        flip_y=0.02,
        class_sep=0.9,
        random_state=0,
    )


def _clusters():
    return make_classification(
        n_samples=1500,
        n_features=20,
        n_informative=8,
        n_redundant=4,
        n_clusters_per_class=3,
        weights=[0.93],
        flip_y=0.01,
        class_sep=0.8,
        random_state=0,
    )


def _moons():
    return make_moons((1125, 75), noise=0.25, random_state=0)


def _rings():
    rng = check_random_state(0)
    y = np.repeat([0, 1], [1100, 70])
    angle = rng.uniform(0, 2 * np.pi, len(y))
    majority_radius = rng.choice([1.0, 3.0], len(y))
    radius = np.where(y == 1, 2.0, majority_radius) + rng.normal(0, 0.2, len(y))
    noise = rng.normal(size=(len(y), 4))
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), noise]), y


def _small_disjuncts():
    rng = check_random_state(0)
    centres = rng.uniform(-0.8, 0.8, (6, 3))
    background = rng.uniform(-1, 1, (1600, 3))
    clumps = centres[rng.randint(6, size=80)] + rng.normal(0, 0.06, (80, 3))
    return np.vstack([background, clumps]), np.repeat([0, 1], [1600, 80])


def _mixed_columns():
    rng = check_random_state(0)
    y = np.repeat([0, 1], [1450, 58])
    n = len(y)
    amounts = 100 * np.exp(2 * (rng.normal(size=(n, 3)) + 1.2 * y[:, None]))
    heavy_tails = rng.standard_t(3, (n, 2)) + np.outer(y, [0.8, -0.8])
    noise = rng.normal(size=n)
    # Codes 0 and 2 favour the minority, 3 and 1 the majority, 4 neither: their order
    # means nothing, as in a nominal column.
    code = np.where(
        y == 1,
        rng.choice([3, 1, 4, 0, 2], n, p=[0.05, 0.05, 0.2, 0.4, 0.3]),
        rng.choice([3, 1, 4, 0, 2], n, p=[0.3, 0.3, 0.2, 0.1, 0.1]),
    )
    return np.column_stack([amounts, heavy_tails, noise, code]), y


def _digits_long_tail():
    X, digit = _pooled_digits()
    sizes = np.geomspace(170, 17, 10).round().astype(int)
    rows = [np.flatnonzero(digit == d)[:n] for d, n in enumerate(sizes)]
    rows = np.sort(np.concatenate(rows))
    return X[rows], digit[rows]


def _three_classes():
    return make_classification(
        n_samples=1500,
        n_features=15,
        n_informative=8,
        n_redundant=0,
        n_classes=3,
        weights=[0.8, 0.16],
        flip_y=0,
        class_sep=0.8,
        random_state=0,
    )


class Problem(NamedTuple):
    """Recipe of a problem; problems of one real `source` share its rows."""

    make: Callable
    task: str
    source: str
    summary: str


PROBLEMS = {
    "digits_8": Problem(
        _digits_8,
        "binary",
        "load_digits",
        "Digit 8 against the rest, images pooled to 4 x 4.",
    ),
    "digits_3_rare": Problem(
        _digits_3_rare,
        "binary",
        "load_digits",
        "Digit 3, cut to 45 rows, against the rest, 8 x 8 images.",
    ),
    "breast_cancer_rare": Problem(
        _breast_cancer_rare,
        "binary",
        "load_breast_cancer",
        "Malignant, cut to 36 rows, against benign; the ten mean features.",
    ),
    "diabetes_severe": Problem(
        _diabetes_severe,
        "binary",
        "load_diabetes",
        "Disease progression above 260 against the rest, features unscaled.",
    ),
    "many_features": Problem(
        _many_features,
        "binary",
        "make_classification",
        "Two clusters per class in 6 of 40 features; the rest are noise.",
    ),
    "clusters": Problem(
        _clusters,
        "binary",
        "make_classification",
        "Three overlapping clusters per class, 20 features.",
    ),
    "moons": Problem(
        _moons, "binary", "make_moons", "Two interleaved half circles that overlap."
    ),
    "rings": Problem(
        _rings,
        "binary",
        "generated",
        "A rare ring between two frequent ones, and four features of noise. No linear "
        "model can beat chance.",
    ),
    "small_disjuncts": Problem(
        _small_disjuncts,
        "binary",
        "generated",
        "Six small clumps of the rare class inside a uniform cube of the other. No "
        "linear model does much better than chance.",
    ),
    "mixed_columns": Problem(
        _mixed_columns,
        "binary",
        "generated",
        "Log-normal amounts, heavy tails and unordered codes, in their raw scales.",
    ),
    "digits_long_tail": Problem(
        _digits_long_tail,
        "multiclass",
        "load_digits",
        "Ten digits whose counts fall evenly on a log scale, images pooled to 4 x 4.",
    ),
    "three_classes": Problem(
        _three_classes,
        "multiclass",
        "make_classification",
        "Three classes of two clusters each, about 20 : 4 : 1.",
    ),
}

TASKS = ("binary", "multiclass", "all")


def _partners(name):
    source = PROBLEMS[name].source
    if not source.startswith("load_"):
        return ()
    return tuple(
        other
        for other, problem in PROBLEMS.items()
        if problem.source == source and other != name
    )


def _load(name):
    problem = PROBLEMS[name]
    X, y = problem.make()
    X = np.ascontiguousarray(X, dtype=np.float64)
    y = y.astype(np.int64)
    if problem.task == "binary":
        y = 2 * y - 1
    return make_bunch(
        X,
        y,
        name=name,
        task=problem.task,
        provenance="embedded",
        sha256=hashlib.sha256(X.tobytes() + y.tobytes()).hexdigest(),
        shares_rows_with=_partners(name),
        DESCR=f"{name}: {problem.summary} Source: {problem.source}.",
    )


def load_embedded_suite(names=None, *, task="binary"):
    """Load a suite of small imbalanced problems that needs no network.

    Use it to try a method, a benchmark or an installation within minutes. Each problem
    has 300 to 2000 rows and 5 to 40 rows of the most frequent class per row of the
    rarest, and is the same on every call. The suite does not replace the 27 sets: half
    of it is synthetic, and several problems share rows.

    Parameters
    ----------
    names : str or list of str, default=None
        The problems to load, of any task. None means all of `task`.

    task : {'binary', 'multiclass', 'all'}, default='binary'
        The problems to load with ``names=None``.

    Returns
    -------
    datasets : dict of str to :class:`~sklearn.utils.Bunch`
        Each with

        - `data` : ndarray of shape (n_samples, n_features), float64, unscaled
        - `target` : ndarray of shape (n_samples,), -1 and 1 (the minority), as in the
          27 sets; 0, 1, ... for several classes
        - `name` : the problem's name
        - `task` : {'binary', 'multiclass'}
        - `n_samples`, `n_features`, `n_minority`, `ratio` : sizes
        - `provenance` : 'embedded'
        - `sha256` : hash of the bytes of `data` followed by those of `target`; the last
          bits of generated data may differ between machines
        - `shares_rows_with` : tuple of the names of problems with rows in common
        - `DESCR` : a description

    Raises
    ------
    ValueError
        If a name or the task is unknown.

    See Also
    --------
    load_imblearn27 : The real benchmark.

    Notes
    -----
    The problems are neither trivial nor hopeless for a tree ensemble. By design, linear
    models are at chance level on rings and near it on small_disjuncts.

    Examples
    --------
    >>> from imbdeep.datasets import load_embedded_suite
    >>> suite = load_embedded_suite()
    >>> len(suite)
    10
    >>> moons = suite["moons"]
    >>> moons.data.shape, moons.n_minority, moons.ratio
    ((1200, 2), 75, 15.0)
    >>> sorted(load_embedded_suite(task="multiclass"))
    ['digits_long_tail', 'three_classes']
    """
    if task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}, got {task!r}.")
    if names is not None:
        chosen = check_names(names, PROBLEMS)
    else:
        chosen = [n for n, p in PROBLEMS.items() if task in ("all", p.task)]
    return {name: _load(name) for name in chosen}
