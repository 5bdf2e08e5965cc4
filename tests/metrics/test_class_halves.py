import itertools

import numpy as np
import pandas as pd
import pytest

from imbdeep.metrics import under_represented


def rare_by_loops(counts):
    """Take the rarest class not yet taken, the last of those alike, C // 2 times."""
    rare = []
    for _ in range(len(counts) // 2):
        left = [j for j in range(len(counts)) if j not in rare]
        rare.append(min(left, key=lambda j: (counts[j], -j)))
    return [j in rare and n < max(counts) for j, n in enumerate(counts)]


@pytest.mark.parametrize("n_classes", [2, 3, 4, 5])
def test_agrees_with_loops(n_classes):
    for counts in itertools.product([3, 5, 5000], repeat=n_classes):
        mask = under_represented(counts)
        assert mask.dtype == bool
        assert mask.tolist() == rare_by_loops(counts)


@pytest.mark.parametrize(
    ("counts", "rare"),
    [
        ([500, 20], [1]),
        ([20, 500], [0]),
        ([50, 50], []),
        ([7, 7, 7, 7], []),
        # Half of an odd number of classes is rounded down.
        ([5, 100, 30], [0]),
        ([5, 4, 3, 2, 1], [3, 4]),
        # Of classes alike the later ones are rare.
        ([10, 10, 50], [1]),
        ([9, 2, 2, 2], [2, 3]),
        # Never one as frequent as the most frequent one.
        ([50, 50, 50, 10], [3]),
        ([3, 0], [1]),
    ],
)
def test_by_hand(counts, rare):
    assert np.flatnonzero(under_represented(counts)).tolist() == rare


@pytest.mark.parametrize("container", [list, tuple, np.array, pd.Series])
@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.float64])
def test_containers_and_dtypes(container, dtype):
    counts = container(np.array([200, 3, 40], dtype=dtype))
    assert under_represented(counts).tolist() == [False, True, False]


@pytest.mark.parametrize("counts", [[], [5], 5, [[1, 2], [3, 4]]])
def test_refuses_what_are_no_counts_of_classes(counts):
    with pytest.raises(ValueError, match=r"class_counts must hold the rows of each"):
        under_represented(counts)
