import numpy as np
import pandas as pd
import pytest

from imbdeep.datasets import describe_duplicates


def describe_by_loops(X, y):
    """Compare every row with every earlier row."""
    n_duplicates = 0
    labels_of_vector = {}
    for i, row in enumerate(X):
        n_duplicates += any(list(row) == list(X[j]) for j in range(i))
        labels_of_vector.setdefault(tuple(row), set()).add(y[i])
    return {
        "n_duplicate_rows": n_duplicates,
        "n_conflicting_vectors": sum(len(v) > 1 for v in labels_of_vector.values()),
    }


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("n_features", [1, 2, 6])
def test_agrees_with_loops(n_classes, n_features):
    rng = np.random.default_rng(n_features)
    X = rng.integers(0, 3, (120, n_features)).astype(float)
    y = rng.integers(0, n_classes, 120)
    assert describe_duplicates(X, y) == describe_by_loops(X, y)


def test_no_duplicates():
    assert describe_duplicates(np.eye(5), [1, 1, 1, -1, -1]) == {
        "n_duplicate_rows": 0,
        "n_conflicting_vectors": 0,
    }


def test_vector_with_three_labels_counts_once():
    counts = describe_duplicates(np.zeros((6, 2)), [0, 1, 2, 0, 1, 2])
    assert counts == {"n_duplicate_rows": 5, "n_conflicting_vectors": 1}


def test_equal_numbers_and_missing_values_are_equal():
    X = [[0.0, np.nan], [-0.0, np.nan], [np.nan, 0.0]]
    assert describe_duplicates(X, [1, 1, 1])["n_duplicate_rows"] == 1


def test_frame_with_text_and_a_column_called_label():
    X = pd.DataFrame({"label": ["a", "b", "b"], "x": [1, 1, 1]}, index=[9, 4, 7])
    y = pd.Series([0, 1, 1], index=[9, 4, 7])
    assert describe_duplicates(X, y) == {
        "n_duplicate_rows": 1,
        "n_conflicting_vectors": 0,
    }


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([1, 2], [0, 1], "X must be 2-D, got 1 dimensions"),
        ([[1], [2]], [0], "inconsistent numbers of samples"),
    ],
)
def test_refuses(X, y, message):
    with pytest.raises(ValueError, match=message):
        describe_duplicates(X, y)
