"""Sets made imbalanced: which classes get rare, how rare, and halves of the rest."""

from dataclasses import dataclass

import numpy as np

from imbdeep_bench.engine.protocol import derive_seed, two_fold_split

BINARY, SEVERAL = "binary", "multi-class"
TASKS = (BINARY, SEVERAL)
# Those of Table 1, from the mildest on.
RATIOS = {BINARY: (0.05, 0.025, 0.01), SEVERAL: (0.25, 0.1, 0.05)}
# So that either half has rows of a rare class to fit and one to validate.
LEAST_ROWS = 8


@dataclass(frozen=True)
class Problem:
    """A set's classes that get rare, and by how much."""

    task: str
    rare: tuple  # labels; one of a binary problem, whose others become one class
    ratio: float  # rows of a rare class for each of a frequent one
    # Whether that is of all frequent classes together, not of their mean.
    together: bool = False

    def labels(self, y):
        """Return what is to be told apart: 1 and the rest, or the classes as they are.

        Examples
        --------
        >>> Problem("binary", (3,), 0.1).labels(np.array([1, 3, 2]))
        array([0, 1, 0])
        """
        return np.isin(y, self.rare).astype(int) if self.task == BINARY else y


def n_kept(ratio, n_frequent):
    """Return the size of a rare class at a ratio to the size of a frequent one.

    Examples
    --------
    >>> n_kept(0.05, 1980), n_kept(0.25, 1249.3), n_kept(0.01, 200)
    (99, 312, 8)
    """
    return max(LEAST_ROWS, round(ratio * n_frequent))


def training_part(dataset):
    """Return the rows to halve: all, or those that are not there to test on."""
    is_test = getattr(dataset, "is_test", None)
    return np.arange(len(dataset.y)) if is_test is None else np.flatnonzero(~is_test)


def keep_rows(dataset, problem, repeat):
    """Return the rows to halve of a set that is made imbalanced, sorted.

    NOTE[DIFF]: the paper says which classes are reduced, and prints ratios of minority
    to majority. With several classes of either kind, that is taken for each rare one,
    beside the mean of the frequent ones.

    NOTE[DIFF]: the paper does not say whether the rows that are left are drawn once;
    here each repeat draws anew, so that no result hangs on one draw. A milder ratio has
    all rows of a harsher one.
    """
    rows = training_part(dataset)
    labels = dataset.y[rows]
    is_rare = np.isin(labels, problem.rare)
    sizes = np.unique(labels[~is_rare], return_counts=True)[1]
    n_rows = n_kept(problem.ratio, sizes.sum() if problem.together else sizes.mean())
    kept = [rows[~is_rare]]
    for label in problem.rare:
        own = rows[labels == label]
        if len(own) < n_rows:
            raise ValueError(
                f"{dataset.name} has {len(own)} rows of the rare class {label}; a "
                f"ratio of {problem.ratio:g} needs {n_rows}."
            )
        seed = derive_seed(0, dataset.name, problem.task, "rows", int(label), repeat)
        kept.append(np.random.default_rng(seed).permutation(own)[:n_rows])
    return np.sort(np.concatenate(kept))


def split_rows(dataset, problem, fold):
    """Split what is left of a set: rows to fit, to validate and to test.

    Two stratified halves a repeat; 30 % of the one that trains validate. Where a set
    has rows of its own to test on, both folds test on these, all of them.
    """
    kept = keep_rows(dataset, problem, fold // 2)
    name = f"{dataset.name}, {problem.task}, {problem.ratio:g}"
    split = two_fold_split(problem.labels(dataset.y)[kept], fold, 0, name)
    is_test = getattr(dataset, "is_test", None)
    test = kept[split.test] if is_test is None else np.flatnonzero(is_test)
    return kept[split.fit], kept[split.valid], test
