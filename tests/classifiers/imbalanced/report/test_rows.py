"""Equal rows, constant columns and identifiers, against slow counts."""

from itertools import product

import numpy as np
import pytest
from scipy import sparse

from imbdeep.classifiers._imbalanced.report.rows import (
    Equals,
    are_numbers_as_text,
    constant_columns,
    count_equals,
    hash_rows,
    identifiers,
)


def few_values(seed, n=100, n_columns=3):
    rng = np.random.RandomState(seed)
    X = rng.randint(-2, 3, (n, n_columns)) / 2.0
    X[rng.rand(n, n_columns) < 0.1] = np.nan
    return X, rng.randint(0, 3, n), rng.randint(0, 20, n)


def by_comparing_all(X, y, groups):
    same = [[np.array_equal(a, b, equal_nan=True) for b in X] for a in X]
    apart = np.array(same) & (groups[:, None] != groups)
    equal = apart.any(axis=1)
    # A row of the same group, too, may be the one of another class.
    mixed = (np.array(same) & (y[:, None] != y)).any(axis=1)
    return Equals(int(equal.sum()), int((equal & mixed).sum()))


@pytest.mark.parametrize("seed", range(3))
def test_equal_rows_are_those_that_a_comparison_of_all_finds(seed):
    X, y, groups = few_values(seed)
    expected = by_comparing_all(X, y, np.arange(len(y)))
    assert 0 < expected.n_other_class <= expected.n_equal < len(y)
    assert count_equals(hash_rows(X), y) == expected
    expected = by_comparing_all(X, y, groups)
    assert count_equals(hash_rows(X), y, groups) == expected


def test_sparse_rows_have_the_same_hash():
    X, _, _ = few_values(0)
    expected = hash_rows(X)
    rows = sparse.csr_matrix(X)
    np.testing.assert_array_equal(hash_rows(rows), expected)
    # Zeros that are written down are zeros.
    rows.data[rows.data == 1] = 0
    X[X == 1] = 0
    np.testing.assert_array_equal(hash_rows(rows), hash_rows(X))
    assert (rows.data == 0).any()


def test_rows_of_small_numbers_have_hashes_of_their_own():
    X = np.array(list(product(range(10), repeat=4)), dtype=float)
    assert len(np.unique(hash_rows(X))) == 10_000
    assert hash_rows(np.array([[-0.0]])) == hash_rows(np.array([[0.0]]))
    single = X.astype(np.float32)
    np.testing.assert_array_equal(hash_rows(single), hash_rows(X))


def test_constant_columns_of_sparse_and_dense_tables():
    X = np.array(
        [
            [0, 2, 0, np.nan, 0, np.nan, 1],
            [0, 2, 3, np.nan, 0, 0, 1],
            [0, 2, 0, np.nan, 0, 0, np.nan],
        ]
    )
    for table in (X, sparse.csr_matrix(X)):
        assert constant_columns(table) == [0, 1, 3, 4]


def test_numbers_as_text_are_told_from_codes():
    rng = np.random.RandomState(0)
    amounts = [f"{v:,.2f}" for v in rng.exponential(3_000, 100)]
    assert any("," in text for text in amounts)
    assert are_numbers_as_text(amounts)
    assert are_numbers_as_text([text.replace(".", ",") for text in amounts])
    assert are_numbers_as_text([*amounts, *["n/a"] * 99])
    assert not are_numbers_as_text([*amounts, *["n/a"] * 101])
    codes = [f"A{i}" for i in range(100)]
    dates = [f"2024-01-{i + 1:02d}" for i in range(31)]
    for others in (codes, dates, ["nan", "inf"], list(range(100)), []):
        assert not are_numbers_as_text(others)


def test_identifiers_are_told_from_measurements():
    rng = np.random.RandomState(0)
    n = 1_000
    columns = {
        "row": rng.permutation(n),
        "amount": rng.randint(0, 10**8, n),
        "Customer ID": 97 * rng.permutation(10**6)[:n],
        "width": rng.randn(n),
        "paid": rng.randint(0, 10**8, n),
        "text": rng.permutation(n),
        "city": rng.randint(0, 20, n),
    }
    X = np.column_stack(list(columns.values())).astype(float)
    rows, names = np.arange(n), list(columns)
    assert identifiers(X, rows, names, [5, 6], [n, 20]) == [0, 2, 5]
    # Copies of rows have the identifiers of the rows.
    twice = np.r_[X, X[:300]]
    assert identifiers(twice, rows, names, [5, 6], [n, 20]) == [0, 2, 5]
    everything = np.arange(len(twice))
    assert identifiers(twice, everything, names, [5, 6], [n, 20]) == []
    # Ten rows differ by chance.
    assert identifiers(X[:10], rows[:10], names, [5, 6], [10, 8]) == []
