"""The box that attacked rows keep within."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from imbdeep.attacks._box import check_inside, read_box

# --- read_box and check_inside -------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "low", "high"),
    [
        ((0, 1), [0, 0], [1, 1]),
        ([0, 1], [0, 0], [1, 1]),
        (([0, -1], 5), [0, -1], [5, 5]),
        ((np.array([1, 2]), np.array([1, 2])), [1, 2], [1, 2]),
        ((-np.inf, [3, np.inf]), [-np.inf] * 2, [3, np.inf]),
    ],
)
def test_sides_of_a_box(box, low, high):
    for found, expected in zip(read_box(box, (2,)), (low, high), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)


NAMES = ["age", "sex", "income"]
PAIRS = {"income": (0.0, 90.0), "age": (18.0, 99.0), "sex": (0.0, 1.0)}
BY_NAME = {
    "pairs": PAIRS,
    "series of pairs": pd.Series(PAIRS),
    "pair of dicts": tuple({c: p[i] for c, p in PAIRS.items()} for i in (0, 1)),
    "pair of series": [pd.Series({c: p[i] for c, p in PAIRS.items()}) for i in (0, 1)],
    "frame": pd.DataFrame(PAIRS, index=["min", "max"]),
    "polars": pl.DataFrame(PAIRS),
    "min and max": pd.DataFrame({c: [*p, p[0]] for c, p in PAIRS.items()}).agg(
        ["min", "max"]
    ),
}


@pytest.mark.parametrize("box", BY_NAME.values(), ids=BY_NAME)
def test_sides_by_column_name_in_any_order(box):
    low, high = read_box(box, (3,), NAMES)
    np.testing.assert_array_equal(low, [18, 0, 0])
    np.testing.assert_array_equal(high, [99, 1, 90])
    with pytest.raises(ValueError, match=r"box goes by the names .*no column names"):
        read_box(box, (3,))
    with pytest.raises(ValueError, match=r"box names columns \['income'\], which X"):
        read_box(box, (2,), NAMES[:2])
    with pytest.raises(ValueError, match=r"box .* lacks columns \['height'\]"):
        read_box(box, (4,), [*NAMES, "height"])


def test_one_side_by_name_and_one_for_all():
    low, high = read_box((0, {"sex": 1, "income": np.inf, "age": 99}), (3,), NAMES)
    np.testing.assert_array_equal(low, [0, 0, 0])
    np.testing.assert_array_equal(high, [99, 1, np.inf])


def test_sides_that_are_left_open():
    box = {"age": (18, None), "sex": (None, None), "income": (-np.inf, 3)}
    low, high = read_box(box, (3,), NAMES)
    np.testing.assert_array_equal(low, [18, -np.inf, -np.inf])
    np.testing.assert_array_equal(high, [np.inf, np.inf, 3])


def test_what_may_not_move_has_no_bounds():
    movable = np.array([True, False, True])
    for box in ({"age": (18, 99), "income": (0, 5)}, ([18, 7, 0], [99, 3, 5])):
        low, high = read_box(box, (3,), NAMES, movable)
        np.testing.assert_array_equal(low, [18, -np.inf, 0])
        np.testing.assert_array_equal(high, [99, np.inf, 5])


def test_sides_of_a_box_of_doubles():
    low, high = read_box((0.1, [0.3, 0.7]), (2,), dtype=np.float64)
    assert low.tolist() == [0.1, 0.1]
    assert high.tolist() == [0.3, 0.7]


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (
            {"age": 1, "sex": 2},
            r"a pair \(low, high\) for each column, got 1 for 'age'",
        ),
        ({"age": (0, 1, 2)}, "a pair .* for each column"),
        ({"age": (2, 1), "sex": (0, 1)}, "box must have low at most high"),
        ({"age": ("a", "b"), "sex": (0, 1)}, "box must be a pair"),
        (pd.DataFrame({"age": [0], "sex": [1]}), "box is a data frame of 1 rows; it"),
        (pd.DataFrame({"age": [1, 0], "sex": [0, 1]}), "low at most high"),
        ({}, r"lacks columns \['age', 'sex'\]"),
    ],
)
def test_refuses_what_is_no_box_by_name(box, message):
    with pytest.raises(ValueError, match=message):
        read_box(box, (2,), NAMES[:2])


def test_sides_of_a_box_of_pixels():
    channels = np.array([0.0, -1.0])[:, None, None]
    low, high = read_box((channels, 1), (2, 3, 3))
    assert low.shape == high.shape == (2, 3, 3)
    assert (low[1] == -1).all()


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((1, 0), r"box must have low at most high and no NaN, got \(1, 0\)"),
        ((0, np.nan), "box must have low at most high and no NaN"),
        ((None, 1), "box must have low at most high and no NaN"),
        (([0, 2], [1, 1]), "box must have low at most high"),
        (1, r"box must be a pair \(low, high\) of numbers or arrays, got 1"),
        ((0, 1, 2), "box must be a pair"),
        ((0,), "box must be a pair"),
        ("data", "box must be a pair .* got 'data'"),
        (("low", "high"), "box must be a pair"),
        (([0] * 3, 1), r"box has sides of shape \(3,\) and \(\), but a row .* \(2,\)"),
    ],
)
def test_refuses_what_is_no_box(box, message):
    with pytest.raises(ValueError, match=message):
        read_box(box, (2,))


def test_rows_on_the_edge_are_inside():
    low, high = read_box((0.1, [0.3, np.inf]), (2,))
    X = np.array([[0.1, 0.1], [0.3, 1e30]], dtype=np.float32)
    check_inside(X, low, high)


def test_sparse_rows_outside_are_told_as_dense_ones():
    X = np.array([[0.5, 0, 0.5], [0.5, -2.0, 0], [3.0, 9.0, 0]])
    sides = read_box((0, [9, 1, 1]), (3,))
    check_inside(sparse.csr_array(X[:1]), *sides)
    for rows in (X, sparse.csr_array(X), sparse.csr_matrix(X)):
        with pytest.raises(
            ValueError, match=r"feature 1 .* -2\.0, .* \(2 rows are out"
        ):
            check_inside(rows, *sides)


def test_tells_which_rows_are_outside():
    X = np.array([[0.5, 0.5, 0.5], [0.5, -2.0, 0.5], [3.0, 9.0, 0.5]])
    with pytest.raises(
        ValueError,
        match=r"feature 1 has the value -2\.0, the box allows 0 to 1 \(2 rows are out",
    ):
        check_inside(X, *read_box((0, 1), (3,)))


def test_tells_which_pixels_are_outside():
    X = np.array([[[[0.0, 0.0], [255.0, 0.0]]]])
    with pytest.raises(
        ValueError,
        match=r"feature \(0, 1, 0\) has the value 255\.0, .* clip or scale X",
    ):
        check_inside(X, *read_box((0, 1), (1, 2, 2)))
