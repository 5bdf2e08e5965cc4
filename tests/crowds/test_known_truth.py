import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from imbdeep.crowds._known_truth import known_truth


@pytest.mark.parametrize(
    ("y_true", "rows", "labels"),
    [
        (np.array([2, 0, 2]), [0, 1, 2], np.array([2, 0, 2])),
        (np.array([2.0, np.nan, -1.0]), [0, 2], np.array([2.0, -1.0])),
        (["b", None, "a", np.nan], [0, 2], np.array(["b", "a"])),
        ([3, None, 4], [0, 2], np.array([3, 4])),
        ([True, pd.NA, False], [0, 2], np.array([True, False])),
        (pd.Series([3, None, 4], dtype="Int64"), [0, 2], np.array([3, 4])),
        (pd.Series(["b", None, "a"], dtype="string"), [0, 2], np.array(["b", "a"])),
        (pd.Series(["b", None, "a"], index=[7, 7, 9]), [0, 2], np.array(["b", "a"])),
        (pd.Categorical(["b", None, "a"]), [0, 2], np.array(["b", "a"])),
        (pd.Series(pd.Categorical([7, None, 3])), [0, 2], np.array([7, 3])),
        ([None, np.str_("b"), "a"], [1, 2], np.array(["b", "a"])),
        # Integers that floats cannot tell apart.
        ([2**60, None, 2**60 + 1], [0, 2], np.array([2**60, 2**60 + 1])),
    ],
)
def test_known_rows(y_true, rows, labels):
    found_rows, found_labels = known_truth(y_true)
    assert_array_equal(found_rows, rows)
    assert_array_equal(found_labels, labels)
    assert found_labels.dtype == labels.dtype


def test_missing_values():
    y_true = np.array([0, -1, 1, 9])
    for missing_values, expected in [
        (None, [0, 1, 2, 3]),
        (-1, [0, 2, 3]),
        (9, [0, 1, 2]),
    ]:
        rows, labels = known_truth(y_true, missing_values)
        assert_array_equal(rows, expected)
        assert_array_equal(labels, y_true[expected])
    rows, _ = known_truth([0.0, np.nan, -1.0], missing_values=-1)
    assert_array_equal(rows, [0])
    # A number stands neither for text nor for a boolean.
    assert_array_equal(known_truth(["-1", "a"], missing_values=-1)[0], [0, 1])
    assert_array_equal(known_truth([True, False], missing_values=1)[0], [0, 1])


@pytest.mark.parametrize(
    "y_true", [[None, None], [np.nan], np.array([-1, -1]), pd.array([None], "Int64")]
)
def test_nothing_known(y_true):
    rows, labels = known_truth(y_true, missing_values=-1)
    assert len(rows) == len(labels) == 0


@pytest.mark.parametrize(
    ("y_true", "message"),
    [
        (["a", 1, None], r"Labels mix the types \['number', 'str'\]"),
        ([True, 0], r"Labels mix the types \['bool', 'number'\]"),
        ([0.5, 1.0, None], "Unknown label type: continuous"),
        ([np.inf, 1.0], "Labels hold infinity"),
    ],
)
def test_no_labels(y_true, message):
    with pytest.raises(ValueError, match=message):
        known_truth(y_true)


@pytest.mark.filterwarnings("error")
def test_many_classes_with_one_row_each():
    assert len(known_truth(np.arange(50))[0]) == 50


def test_input_is_unchanged():
    y_true = np.array(["a", None], dtype=object)
    known_truth(y_true)
    assert y_true.tolist() == ["a", None]
