"""What a user says of an attack, and the ball that comes of it."""

import numpy as np
import pandas as pd
import pytest
import torch

from imbdeep.attacks import (
    check_inside,
    check_threat,
    lengths_of_row,
    make_ball,
    movable_features,
    read_box,
)

# --- check_threat --------------------------------------------------------------------


@pytest.mark.parametrize(
    "eps", [0, 0.0, 3, np.float32(0.1), [0.0, 1.0], np.ones((2, 3))]
)
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("unit", ["input", "std"])
def test_takes_lengths_of_at_least_0(norm, eps, unit):
    check_threat(norm, eps, unit)
    check_threat(norm, 1.0, unit, eps)


@pytest.mark.parametrize(
    ("threat", "message"),
    [
        (("l1", 0.1, "input"), r"norm must be one of \('linf', 'l2'\), got 'l1'"),
        ((np.inf, 0.1, "input"), "norm must be one of .* got inf"),
        ((["linf"], 0.1, "input"), r"norm must be one of .* got \['linf'\]"),
        (("l2", 0.1, "sd"), r"eps_unit must be one of \('input', 'std'\), got 'sd'"),
        (("l2", 0.1, None), "eps_unit must be one of .* got None"),
        (("l2", -0.1, "input"), r"eps must be finite and at least 0, got -0\.1"),
        (("l2", np.nan, "input"), "eps must be finite and at least 0, got nan"),
        (("l2", np.inf, "input"), "eps must be finite and at least 0, got inf"),
        (("l2", [0.1, -2], "input"), r"eps must be finite .* got \[0\.1, -2\]"),
        (("l2", None, "input"), "eps must be finite .* got None"),
        (("l2", "much", "input"), "eps must be a number or one .* got 'much'"),
        (("l2", [[1], [1, 2]], "input"), "eps must be a number or one .* got"),
        (("l2", 0.1, "input", -1), "step_size must be finite and at least 0, got -1"),
        (("l2", 0.1, "input", "far"), "step_size must be a number .* got 'far'"),
    ],
)
def test_refuses_a_threat_that_no_data_could_make_sense_of(threat, message):
    with pytest.raises(ValueError, match=message):
        check_threat(*threat)


# --- lengths_of_row ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shape", "expected"),
    [
        (0.5, (3,), [0.5, 0.5, 0.5]),
        ([0.5, 0, 2], (3,), [0.5, 0, 2]),
        ([[1], [2]], (2, 3), [[1, 1, 1], [2, 2, 2]]),
        (0.5, (1, 2, 2), [[[0.5, 0.5], [0.5, 0.5]]]),
    ],
)
def test_lengths_in_the_units_of_the_input(value, shape, expected):
    lengths = lengths_of_row("eps", value, shape)
    assert lengths.dtype == np.float64
    np.testing.assert_array_equal(lengths, expected)


def test_lengths_in_standard_deviations():
    std = np.array([0.5, 0.0, 10.0])
    lengths = lengths_of_row("eps", [1, 1, 0.1], (3,), "std", std)
    np.testing.assert_allclose(lengths, [0.5, 0.0, 1.0])
    series = pd.Series(std, index=["a", "b", "c"])
    np.testing.assert_allclose(
        lengths_of_row("eps", 2, (3,), "std", series), [1.0, 0.0, 20.0]
    )


def test_lengths_are_no_view_of_what_was_given():
    given = np.ones(3)
    lengths_of_row("eps", given, (3,))[0] = 7
    assert (given == 1).all()


@pytest.mark.parametrize(
    ("value", "unit", "std", "message"),
    [
        ([0.1] * 2, "input", None, r"eps has shape \(2,\), but a row of X has .* \(3,"),
        ([[0.1] * 3], "input", None, r"eps has shape \(1, 3\), but a row of X .* \(3,"),
        (0.1, "std", None, r"eps_unit='std' needs .* std=X_train\.std\(axis=0\)"),
        (0.1, "std", [1, 2], r"std has shape \(2,\), but a row of X has shape \(3,\)"),
        (0.1, "std", 1.0, r"std has shape \(\), but a row of X has shape \(3,\)"),
        (0.1, "std", [1, 2, np.nan], "std must be finite and at least 0"),
        (0.1, "std", [1, 2, -1], r"std must be finite and at least 0.*-1"),
    ],
)
def test_refuses_lengths_that_fit_no_row(value, unit, std, message):
    with pytest.raises(ValueError, match=message):
        lengths_of_row("eps", value, (3,), unit, std)


def test_the_error_names_the_parameter():
    with pytest.raises(ValueError, match="step_size has shape"):
        lengths_of_row("step_size", [1, 2], (3,))


# --- movable_features ----------------------------------------------------------------

NAMES = ["age", "sex", "income"]


@pytest.mark.parametrize(
    ("perturb", "names", "expected"),
    [
        (None, None, [1, 1, 1]),
        ([True, False, True], None, [1, 0, 1]),
        (np.array([False, False, True]), NAMES, [0, 0, 1]),
        (pd.Series([False, True, False], index=NAMES), NAMES, [0, 1, 0]),
        ([0, 2], None, [1, 0, 1]),
        ([-1], None, [0, 0, 1]),
        (np.array([1], dtype=np.uint8), NAMES, [0, 1, 0]),
        (["income", "age"], NAMES, [1, 0, 1]),
        (pd.Series([True, False, True], index=NAMES[::-1]), NAMES, [1, 0, 1]),
        (
            pd.Series([True, True, False], index=["sex", "income", "age"]),
            NAMES,
            [0, 1, 1],
        ),
        (pd.Series([True, False, True]), None, [1, 0, 1]),
        ([], None, [0, 0, 0]),
        ([], NAMES, [0, 0, 0]),
        ([False] * 3, None, [0, 0, 0]),
    ],
)
def test_which_features_move(perturb, names, expected):
    mask = movable_features(perturb, (3,), names)
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, np.array(expected, dtype=bool))


@pytest.mark.parametrize("perturb", [[0, 1, 1], [0, -3], ["age", "age"]])
def test_a_column_is_named_once(perturb):
    # A mask of 0 and 1 would otherwise be taken for positions.
    with pytest.raises(ValueError, match="names a column twice.* mask must hold True"):
        movable_features(perturb, (3,), NAMES)


def test_a_series_must_have_the_columns():
    lengths = pd.Series([1.0, 2.0, 3.0], index=["income", "age", "sex"])
    np.testing.assert_array_equal(
        lengths_of_row("eps", lengths, (3,), names=NAMES), [2, 3, 1]
    )
    np.testing.assert_array_equal(
        lengths_of_row("eps", 2, (3,), "std", lengths, NAMES), [4, 6, 2]
    )
    np.testing.assert_array_equal(lengths_of_row("eps", lengths, (3,)), [1, 2, 3])
    with pytest.raises(ValueError, match=r"eps is a Series with the index .*'height'"):
        lengths_of_row("eps", lengths.rename({"age": "height"}), (3,), names=NAMES)
    with pytest.raises(ValueError, match="std is a Series"):
        lengths_of_row("eps", 1, (3,), "std", lengths[:2], NAMES)


def test_which_pixels_move():
    given = np.eye(4, dtype=bool)[None]
    mask = movable_features(given, (1, 4, 4))
    np.testing.assert_array_equal(mask, given)
    mask[:] = False
    assert given.any()
    assert movable_features(None, (1, 4, 4)).shape == (1, 4, 4)


@pytest.mark.parametrize(
    ("perturb", "names", "message"),
    [
        ([True] * 2, None, r"perturb is a mask of shape \(2,\), but a row .* \(3,\)"),
        ([[True] * 3], None, r"perturb is a mask of shape \(1, 3\), but a row"),
        (True, None, r"perturb is a mask of shape \(\), but a row"),
        ([0, 3], None, r"perturb names columns \[3\], which .* it has 3 columns\.$"),
        ([-4], None, r"perturb names columns \[-4\], which X does not have"),
        (["agee"], NAMES, r"columns \['agee'\], .* named \['age', 'sex', 'income'\]"),
        (["age"], None, r"perturb names columns \['age'\], which X does not have"),
        ([0.0, 1.0], None, r"perturb names columns \[0\.0, 1\.0\]"),
        ("age", NAMES, "perturb must be a mask of the shape .* or a list of columns"),
        (1, None, "perturb must be a mask of the shape .* got 1"),
        ([[0], [1]], None, "perturb must be a mask"),
    ],
)
def test_refuses_features_that_there_are_not(perturb, names, message):
    with pytest.raises(ValueError, match=message):
        movable_features(perturb, (3,), names)


def test_columns_are_those_of_tables():
    with pytest.raises(ValueError, match=r"mask of the shape \(1, 4, 4\) of a row"):
        movable_features([0, 1], (1, 4, 4))


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


# --- make_ball -----------------------------------------------------------------------


def test_a_ball_of_its_parts():
    ball = make_ball(
        "l2",
        np.array([0.5, 1.0, 2.0]),
        np.array([True, False, True]),
        read_box((-1, [1, 2, 3]), (3,)),
    )
    assert ball.norm == "l2"
    assert ball.radius.tolist() == [0.5, 0.0, 2.0]
    assert ball.low.tolist() == [-1, -1, -1]
    assert ball.high.tolist() == [1, 2, 3]
    for side in (ball.radius, ball.low, ball.high):
        assert side.dtype == torch.float32
    assert not ball.is_point


def test_a_ball_without_a_box_or_anything_to_move():
    ball = make_ball("linf", np.ones(3), np.zeros(3, dtype=bool))
    assert ball.low is None
    assert ball.high is None
    assert ball.is_point
