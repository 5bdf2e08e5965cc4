"""Columns that keep their kind, and what samplers of numbers refuse."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from imbdeep.over_sampling._containers import container_of, repeat_labels
from imbdeep.over_sampling._tables import TableOverSampler


class Shifted(TableOverSampler):
    """Adds each row of class 1 once more, moved by ``shift``."""

    categorical_features = None

    def __init__(self, shift=0.0, sampling_strategy="auto"):
        super().__init__(sampling_strategy=sampling_strategy)
        self.shift = shift

    def _fit_resample(self, X, y):
        return X[y == 1] + np.float64(self.shift), np.flatnonzero(y == 1)


Y = np.array([0, 0, 0, 1, 1])


def resampled(column, shift, dtype):
    frame = pd.DataFrame({"x": pd.array(column, dtype=dtype)})
    new, _ = Shifted(shift).fit_resample(frame, Y)
    assert (new.dtypes == frame.dtypes).all()
    return new["x"][len(frame) :].tolist()


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint16", "Int32", "UInt8"])
@pytest.mark.parametrize(
    ("shift", "expected"), [(0.4, [3, 7]), (0.6, [4, 8]), (-1.7, [1, 5]), (0, [3, 7])]
)
def test_whole_numbers_stay_whole(dtype, shift, expected):
    assert resampled([0, 1, 2, 3, 7], shift, dtype) == expected


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("int8", -128, 127), ("uint8", 0, 255), ("Int16", -(2**15), 2**15 - 1)],
)
def test_whole_numbers_do_not_leave_their_type(dtype, low, high):
    assert resampled([0, 0, 0, high, high - 1], 5.0, dtype) == [high, high]
    assert resampled([0, 0, 0, low, low + 1], -5.0, dtype) == [low, low]


@pytest.mark.parametrize("dtype", ["bool", "boolean"])
@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        (0.0, [False, True]),
        (0.5, [False, True]),
        (0.51, [True, True]),
        (-0.49, [False, True]),
        (-0.51, [False, False]),
        (7.0, [True, True]),
    ],
)
def test_booleans_are_true_above_a_half(dtype, shift, expected):
    frame = pd.DataFrame({"x": pd.array([True, False, True, False, True], dtype=dtype)})
    frame["float"] = np.arange(5.0)  # a table of booleans alone has no floats to round
    new, _ = Shifted(shift).fit_resample(frame, Y)
    assert (new.dtypes == frame.dtypes).all()
    assert new["x"][5:].tolist() == expected
    assert new["float"][5:].tolist() == [3 + shift, 4 + shift]


@pytest.mark.parametrize("dtype", ["float32", "float64", "Float64"])
def test_floats_are_not_rounded(dtype):
    assert resampled([0, 1, 2, 3, 7], 0.25, dtype) == [3.25, 7.25]


def test_columns_are_told_apart_by_position():
    frame = pd.DataFrame(
        {"a": [0.5] * 5, "b": [1, 2, 3, 4, 5], "c": [True] * 5, "d": [0.5] * 5}
    )
    new, _ = Shifted(0.3).fit_resample(frame, Y)
    assert new.iloc[5].tolist() == [0.8, 4, True, 0.8]


def test_arrays_are_not_rounded():
    X = np.arange(5)[:, None]
    new, _ = Shifted(0.25).fit_resample(X, Y)
    assert_array_equal(new[5:, 0], [3.25, 4.25])
    # Nor after a frame was seen.
    sampler = Shifted(0.25)
    sampler.fit_resample(pd.DataFrame(X), Y)
    assert_array_equal(sampler.fit_resample(X, Y)[0][5:, 0], [3.25, 4.25])


@pytest.mark.parametrize(
    ("column", "match"),
    [
        (["a", "b", "c", "d", "e"], r"Columns \['bad'\] hold text. Name them"),
        (pd.Categorical(list("ababa")), r"Columns \['bad'\] hold categories"),
        (pd.date_range("2020-01-01", periods=5), r"Columns \['bad'\] hold dates"),
    ],
)
def test_refuses_what_is_no_number_by_name(column, match):
    frame = pd.DataFrame({"good": np.arange(5), "bad": column})
    with pytest.raises(ValueError, match=match):
        Shifted().fit_resample(frame, Y)


# --- Appending what was made ---------------------------------------------------------


def append(X, rows):
    new = container_of(X).append(X, rows)
    assert type(new) is type(X)
    assert new.shape == (X.shape[0] + len(rows), *X.shape[1:])
    return new


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_originals_are_appended_to_and_not_touched(dtype):
    X = (np.arange(10).reshape(5, 2) / 7).astype(dtype)
    given = X.tobytes()
    rows = np.array([[1 / 3, 2.0], [4.0, 5.0]])
    new = append(X, rows)
    assert new.dtype == dtype
    assert new[:5].tobytes() == given == X.tobytes()
    assert_array_equal(new[5:], rows.astype(dtype))
    assert not np.shares_memory(new, X)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, bool])
def test_rows_made_of_whole_numbers_need_not_be_whole(dtype):
    X = np.arange(10).reshape(5, 2).astype(dtype)
    fractions = np.array([[0.5, 1.5], [2.0, -0.25]])
    new = append(X, fractions)
    assert new.dtype == np.float64
    assert_array_equal(new, np.concatenate([X.astype(float), fractions]))
    whole = append(X, X[3:])
    assert whole.dtype == dtype
    assert_array_equal(whole, np.concatenate([X, X[3:]]))


def test_objects_and_images_are_appended():
    X = np.array([["a", 1], ["b", 2.5], ["a", 3], ["c", 4], ["b", 5]], dtype=object)
    new = append(X, np.array([["a", 0.5], ["c", 7]], dtype=object))
    assert new.dtype == object
    assert new.tolist() == [*X.tolist(), ["a", 0.5], ["c", 7]]
    images = np.arange(60, dtype=np.uint8).reshape(5, 3, 4)
    new = append(images, images[:2])
    assert new.dtype == np.uint8
    assert_array_equal(new, np.concatenate([images, images[:2]]))


@pytest.mark.parametrize(
    "container",
    [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_tables_keep_format_and_zeros(container, dtype):
    X = np.array([[0, 1], [2, 0], [0, 0], [3, 0], [0, 4]], dtype=dtype)
    rows = np.array([[0, 5], [6, 0]], dtype=dtype)
    new = append(container(X), rows)
    assert new.format == container(X).format
    assert isinstance(new, sparse.sparray) == issubclass(container, sparse.sparray)
    assert new.dtype == dtype
    assert new.nnz == 6
    assert_array_equal(new.toarray(), np.concatenate([X, rows]))


@pytest.mark.parametrize("container", [np.array, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_integers_beyond_float64_are_not_widened(container, dtype):
    X = np.array([[2**53 + 1, 1], [2**63 - 1, 0]], dtype=dtype)
    new = append(container(X), np.array([[1.6, 0.2]]))
    assert new.dtype == dtype
    table = new.toarray() if sparse.issparse(new) else new
    assert table.tolist() == [*X.tolist(), [2, 0]]


def test_lists_hold_what_they_held():
    X = [[2**53 + 1, 0.5], [3, 1.5]]
    new = container_of(X).append(X, np.array([[7.5, 0.25]]))
    assert new == [*X, [7.5, 0.25]]
    assert [type(value) for value in new[0]] == [int, float]
    new[0][0] = 0
    assert X[0][0] == 2**53 + 1
    X = [[31, "Ulm"], [45, "Bonn"]]
    new = container_of(X).append(X, np.array([[31.6, "Bonn"]], dtype=object))
    assert new == [*X, [32, "Bonn"]]


def test_rows_that_leave_their_dtype_stay_finite():
    X = np.zeros((2, 1), dtype=np.float16)
    new = append(X, np.array([[1e30], [-1e30]]))
    assert new[2:].tolist() == [[65504.0], [-65504.0]]


@pytest.mark.parametrize(
    "y",
    [
        np.array([1, 1, 1, 2, 2], dtype=np.int8),
        np.array([2**53, 2**53, 2**53, 2**53 + 1, 2**53 + 1]),
        np.array([1.0, 1.0, 1.0, 2.0, 2.0]),
        np.array(["long name"] * 3 + ["b"] * 2),
        np.array(["x"] * 3 + ["y"] * 2, dtype=object),
        np.array([False] * 3 + [True] * 2),
        np.eye(2, dtype=np.int16)[[0, 0, 0, 1, 1]],
    ],
    ids=["int8", "large", "float", "text", "object", "bool", "one column per class"],
)
def test_labels_keep_their_type(y):
    target = repeat_labels(y, np.array([3, 3]))
    assert target.dtype == y.dtype
    assert target.tolist() == [*y.tolist(), *y[[3, 3]].tolist()]


def test_labels_keep_their_container():
    text = ["a", "a", "b"]
    series = pd.Series(text, index=[7, 8, 9], name="label", dtype="category")
    target = repeat_labels(series, np.array([2]))
    expected = pd.Series([*text, "b"], name="label", dtype="category")
    pd.testing.assert_series_equal(target, expected)
    series = pl.Series("label", text, dtype=pl.Enum(["b", "a"]))
    target = repeat_labels(series, np.array([2]))
    assert target.dtype == series.dtype
    assert target.to_list() == [*text, "b"]
    assert target.name == "label"
    assert repeat_labels(text, np.array([2])) == [*text, "b"]
    assert_array_equal(repeat_labels(tuple(text), np.array([2])), [*text, "b"])


def test_nothing_is_appended():
    X = np.arange(10.0).reshape(5, 2)
    assert_array_equal(append(X, X[:0]), X)
    assert_array_equal(append(sparse.csr_matrix(X), X[:0]).toarray(), X)
    whole = X.astype(np.int8)
    assert append(whole, X[:0]).dtype == np.int8
    target = repeat_labels(Y, np.array([], dtype=int))
    assert_array_equal(target, Y)
