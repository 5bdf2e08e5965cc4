"""What a user says of an attack, and the ball that comes of it."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from imbdeep.attacks._box import read_box
from imbdeep.attacks._threat import (
    check_threat,
    lengths_per_feature,
    make_ball,
    movable_features,
    warn_of_tiny_radius,
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


# --- lengths_per_feature -------------------------------------------------------------


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
    lengths = lengths_per_feature("eps", value, shape)
    assert lengths.dtype == np.float64
    np.testing.assert_array_equal(lengths, expected)


def test_lengths_in_standard_deviations():
    std = np.array([0.5, 0.0, 10.0])
    lengths = lengths_per_feature("eps", [1, 1, 0.1], (3,), "std", std)
    np.testing.assert_allclose(lengths, [0.5, 0.0, 1.0])
    series = pd.Series(std, index=["a", "b", "c"])
    np.testing.assert_allclose(
        lengths_per_feature("eps", 2, (3,), "std", series, ["a", "b", "c"]),
        [1.0, 0.0, 20.0],
    )


def test_lengths_are_no_view_of_what_was_given():
    given = np.ones(3)
    lengths_per_feature("eps", given, (3,))[0] = 7
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
        lengths_per_feature("eps", value, (3,), unit, std)


# --- By column name ------------------------------------------------------------------

BY_NAME = {
    "dict": {"income": 1.0, "age": 2.0, "sex": 3.0},
    "series": pd.Series([1.0, 2.0, 3.0], index=["income", "age", "sex"]),
    "frame": pd.DataFrame({"income": [1.0], "age": [2.0], "sex": [3.0]}),
    "polars": pl.DataFrame({"income": [1.0], "age": [2.0], "sex": [3.0]}),
}
NAMES = ["age", "sex", "income"]
by_name = pytest.mark.parametrize("lengths", BY_NAME.values(), ids=BY_NAME)


@by_name
def test_lengths_by_name_in_any_order(lengths):
    check_threat("linf", lengths, "input", lengths)
    found = lengths_per_feature("eps", lengths, (3,), names=NAMES)
    np.testing.assert_array_equal(found, [2, 3, 1])
    found = lengths_per_feature("eps", 2, (3,), "std", lengths, NAMES)
    np.testing.assert_array_equal(found, [4, 6, 2])
    found = lengths_per_feature("eps", lengths, (3,), "std", lengths, NAMES)
    np.testing.assert_array_equal(found, [4, 9, 1])


@by_name
def test_lengths_by_name_are_not_taken_in_order_where_there_are_no_names(lengths):
    message = r"eps goes by the names \['income', .*, but X has no column names"
    with pytest.raises(ValueError, match=message):
        lengths_per_feature("eps", lengths, (3,))
    with pytest.raises(ValueError, match="std goes by the names"):
        lengths_per_feature("eps", 1, (3,), "std", lengths)
    with pytest.raises(ValueError, match=r"a row of X has shape \(1, 1, 3\)"):
        lengths_per_feature("eps", lengths, (1, 1, 3))


@pytest.mark.parametrize("name", ["eps", "step_size", "std"])
def test_unknown_and_missing_columns_of_lengths(name):
    def read(lengths, **options):
        if name == "std":
            return lengths_per_feature("eps", 1, (3,), "std", lengths, NAMES, **options)
        return lengths_per_feature(name, lengths, (3,), names=NAMES, **options)

    with pytest.raises(
        ValueError, match=rf"{name} names columns \['height'\], which X"
    ):
        read({**BY_NAME["dict"], "height": 1})
    few = {"age": 1, "income": 2}
    with pytest.raises(ValueError, match=rf"{name} .* lacks columns \['sex'\]. Give a"):
        read(few)
    # What may not move has no length.
    movable = np.array([True, False, True])
    np.testing.assert_array_equal(read(few, movable=movable), [1, 0, 2])
    np.testing.assert_array_equal(read(BY_NAME["dict"], movable=movable), [2, 0, 1])


def test_what_may_not_move_may_have_a_length_that_is_none():
    std = pl.DataFrame({"age": [2.0], "sex": ["x"], "income": [None]}).std()
    std = std.with_columns(age=3.0)
    movable = np.array([True, False, False])
    found = lengths_per_feature("eps", 1, (3,), "std", std, NAMES, movable)
    np.testing.assert_array_equal(found, [3, 0, 0])


@pytest.mark.parametrize("keys", [[2, 0, 1], np.array([2, 0, 1])])
def test_whole_numbers_are_positions_where_there_are_no_names(keys):
    lengths = pd.Series([1.0, 2.0, 3.0], index=keys)
    for given in (lengths, lengths.to_dict()):
        found = lengths_per_feature("eps", given, (3,))
        np.testing.assert_array_equal(found, [2, 3, 1])
    with pytest.raises(ValueError, match=r"eps names columns \[3\]"):
        lengths_per_feature("eps", {3: 1.0}, (3,))


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ({"age": -1, "sex": 1, "income": 1}, "eps must be finite and at least 0"),
        ({"age": "far", "sex": 1, "income": 1}, "eps must be a number or one number"),
        (pd.Series([1.0, np.nan], index=["a", "b"]), "eps must be finite"),
        (
            pd.DataFrame({"a": [1.0, 2.0]}),
            "eps is a data frame of 2 rows; it must have",
        ),
        (pd.Series([1.0, 2.0], index=["a", "a"]), "more than once"),
    ],
)
def test_refuses_lengths_by_name_that_no_data_could_make_sense_of(lengths, message):
    with pytest.raises(ValueError, match=message):
        check_threat("linf", lengths, "input")


def test_names_that_come_twice_cannot_be_gone_by():
    with pytest.raises(ValueError, match=r"eps .* \['a'\] are there more than once"):
        lengths_per_feature("eps", {"a": 1.0, "b": 1.0}, (3,), names=["a", "b", "a"])
    found = lengths_per_feature("eps", [1.0, 2.0, 3.0], (3,), names=["a", "b", "a"])
    np.testing.assert_array_equal(found, [1, 2, 3])


def test_the_error_names_the_parameter():
    with pytest.raises(ValueError, match="step_size has shape"):
        lengths_per_feature("step_size", [1, 2], (3,))


# --- movable_features ----------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("perturb", "expected"),
    [
        ({"sex": False, "income": True, "age": True}, [1, 0, 1]),
        (pd.Series(["income", "age"]), [1, 0, 1]),
        (pd.Index(["sex"]), [0, 1, 0]),
        (pl.Series(["sex", "age"]), [1, 1, 0]),
        (pl.Series([True, False, False]), [1, 0, 0]),
        (
            pd.Series([True, False, False], dtype="boolean", index=NAMES[::-1]),
            [0, 0, 1],
        ),
        (("sex",), [0, 1, 0]),
    ],
)
def test_which_columns_move_by_name(perturb, expected):
    np.testing.assert_array_equal(movable_features(perturb, (3,), NAMES), expected)


@pytest.mark.parametrize(
    ("perturb", "names", "message"),
    [
        (
            {"age": True},
            NAMES,
            r"perturb .* lacks columns \['sex', 'income'\]. Give True",
        ),
        (dict.fromkeys([*NAMES, "agee"], True), NAMES, r"perturb names .*\['agee'\]"),
        (
            {"age": 1, "sex": 0, "income": 0},
            NAMES,
            "True or False for each column, got",
        ),
        (dict.fromkeys(NAMES, True), None, r"names \['age'.*X has no column names"),
        (["age"], ["age", "age", "sex"], r"\['age'\] are there more than once"),
        ({"age": True, "sex": True}, ["age", "age", "sex"], "more than once"),
        (pd.Series([True] * 3, ["age", "age", "sex"]), NAMES, "more than once"),
    ],
)
def test_refuses_names_that_do_not_tell_which_columns_move(perturb, names, message):
    with pytest.raises(ValueError, match=message):
        movable_features(perturb, (3,), names)


def test_numbers_and_text_may_name_columns_together():
    # Names as they are: an array would make text of the 7.
    mask = movable_features([7, "b"], (3,), ["a", "b", 7])
    np.testing.assert_array_equal(mask, [False, True, True])


def test_columns_of_the_same_name_go_by_position():
    names = ["age", "age", "sex"]
    for perturb in ([1], [False, True, False]):
        mask = movable_features(perturb, (3,), names)
        np.testing.assert_array_equal(mask, [False, True, False])


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


# --- warn_of_tiny_radius -------------------------------------------------------------


@pytest.mark.parametrize(
    ("radius", "std", "said"),
    [
        ([0.01], [2_000.0], "5e-06"),
        ([0.01, 0.02], [2_000.0, 1_000.0], "2e-05"),
        # Neither what does not move nor what does not vary has a say.
        ([0.01, 0.0], [2_000.0, 1.0], "5e-06"),
        ([0.01, 0.01], [2_000.0, 0.0], "5e-06"),
        (np.full((1, 2, 2), 8 / 255), np.full((1, 2, 2), 70.0), "0.00045"),
        ([0.000999], [1.0], "0.001"),
    ],
)
def test_warns_of_a_radius_that_is_next_to_nothing(radius, std, said):
    message = f"eps moves no feature by more than {said} of its standard deviation"
    with pytest.warns(UserWarning, match=message):
        warn_of_tiny_radius(np.asarray(radius), np.asarray(std))


@pytest.mark.parametrize(
    ("radius", "std"),
    [
        ([0.1], [1.0]),
        ([1e-3], [1.0]),
        (np.full(3, 0.001) * np.float32([3.3, 7.1, 0.9]), np.float32([3.3, 7.1, 0.9])),
        ([0.01, 0.01], [2_000.0, 1.0]),  # one can move
        ([0.0, 0.0], [1.0, 2.0]),  # on purpose
        ([0.01], [0.0]),  # nothing to compare with
        ([], []),
    ],
)
def test_does_not_warn_in_ordinary_use(radius, std):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_tiny_radius(np.asarray(radius), np.asarray(std))


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


def test_a_ball_has_the_dtype_of_the_rows():
    box = read_box((0.1, 0.3), (2,), dtype=np.float64)
    ball = make_ball(
        "linf", np.full(2, 0.1), np.ones(2, dtype=bool), box, dtype=torch.float64
    )
    assert ball.low.tolist() == [0.1, 0.1]
    for side in (ball.radius, ball.low, ball.high):
        assert side.dtype == torch.float64


def test_a_ball_without_a_box_or_anything_to_move():
    ball = make_ball("linf", np.ones(3), np.zeros(3, dtype=bool))
    assert ball.low is None
    assert ball.high is None
    assert ball.is_point
