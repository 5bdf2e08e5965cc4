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

    def labels(self, y):
        """Return what is to be told apart: 1 and the rest, or the classes as they are.

        Examples
        --------
        >>> Problem("binary", (3,), 0.1).labels(np.array([1, 3, 2]))
        array([0, 1, 0])
        """
        return np.isin(y, self.rare).astype(int) if self.task == BINARY else y


def n_kept(ratio, n_frequent):
    """Return the size of a rare class beside frequent ones of given sizes.

    NOTE[DIFF]: the paper says which classes are reduced, and prints ratios of minority
    to majority. With several classes of either kind, that is taken for each rare one,
    beside the mean of the frequent ones.

    Examples
    --------
    >>> n_kept(0.05, [1980]), n_kept(0.25, [1533, 707, 1508]), n_kept(0.01, [200])
    (99, 312, 8)
    """
    return max(LEAST_ROWS, round(ratio * float(np.mean(n_frequent))))


def keep_rows(dataset, problem, repeat):
    """Return the rows of a set that is made imbalanced, sorted.

    NOTE[DIFF]: the paper does not say whether the rows that are left are drawn once;
    here each repeat draws anew, so that no result hangs on one draw. A milder ratio has
    all rows of a harsher one.
    """
    labels = problem.labels(dataset.y)
    told = (1,) if problem.task == BINARY else problem.rare
    is_rare = np.isin(labels, told)
    n_rows = n_kept(problem.ratio, np.unique(labels[~is_rare], return_counts=True)[1])
    kept = [np.flatnonzero(~is_rare)]
    for label in told:
        own = np.flatnonzero(labels == label)
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

    Two stratified halves a repeat; 30 % of the one that trains validate.
    """
    kept = keep_rows(dataset, problem, fold // 2)
    name = f"{dataset.name}, {problem.task}, {problem.ratio:g}"
    split = two_fold_split(problem.labels(dataset.y)[kept], fold, 0, name)
    return tuple(kept[part] for part in (split.fit, split.valid, split.test))
