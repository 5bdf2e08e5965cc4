"""Columns that keep their kind, and what samplers of numbers refuse."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from imbdeep.over_sampling._tables import TableOverSampler, column_dtypes


class Shifted(TableOverSampler):
    """Adds each row of class 1 once more, moved by ``shift``."""

    def __init__(self, shift=0.0, sampling_strategy="auto"):
        super().__init__(sampling_strategy=sampling_strategy)
        self.shift = shift

    def _fit_resample(self, X, y):
        rows = X[y == 1] + np.float64(self.shift)
        self._round_whole_columns(rows)
        return np.concatenate([X, rows]), np.concatenate([y, y[y == 1]])


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


def test_dtypes_of_columns():
    frame = pd.DataFrame(
        {
            "int": np.array([1], dtype=np.int8),
            "float": np.array([1], dtype=np.float32),
            "bool": [True],
            "Int64": pd.array([1], dtype="Int64"),
            "boolean": pd.array([True], dtype="boolean"),
            "sparse": pd.arrays.SparseArray([0], dtype=np.int16),
        }
    )
    kinds = [np.int8, np.float32, np.bool_, np.int64, np.bool_, np.int16]
    assert column_dtypes(frame) == [np.dtype(kind) for kind in kinds]
    for not_a_frame in (np.zeros((2, 3)), [[1, 2]], pd.Series([1, 2])):
        assert column_dtypes(not_a_frame) == []


@pytest.mark.parametrize(
    ("column", "match"),
    [
        (["a", "b", "c", "d", "e"], r"Columns \['bad'\] hold text. Encode"),
        (pd.Categorical(list("ababa")), r"Columns \['bad'\]"),
        (pd.date_range("2020-01-01", periods=5), r"Columns \['bad'\]"),
    ],
)
def test_refuses_what_is_no_number_by_name(column, match):
    frame = pd.DataFrame({"good": np.arange(5), "bad": column})
    with pytest.raises(ValueError, match=match):
        Shifted().fit_resample(frame, Y)


# --- Appending what was made ---------------------------------------------------------


def append(X, rows, labels=(1, 1), y=Y):
    sampler = Shifted()
    X_new, y_new = sampler._append(X, y, rows, np.array(labels))
    assert_array_equal(sampler.is_synthetic_, np.arange(len(y_new)) >= len(y))
    assert sampler.is_synthetic_.dtype == bool
    assert X_new.shape[0] == len(y_new)
    return X_new, y_new


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_originals_are_appended_to_and_not_touched(dtype):
    X = (np.arange(10).reshape(5, 2) / 7).astype(dtype)
    given = X.tobytes()
    rows = np.array([[1 / 3, 2.0], [4.0, 5.0]])
    new, target = append(X, rows)
    assert new.dtype == dtype
    assert new[:5].tobytes() == given == X.tobytes()
    assert_array_equal(new[5:], rows.astype(dtype))
    assert_array_equal(target, [0, 0, 0, 1, 1, 1, 1])
    assert not np.shares_memory(new, X)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, bool])
def test_rows_made_of_whole_numbers_need_not_be_whole(dtype):
    X = np.arange(10).reshape(5, 2).astype(dtype)
    fractions = np.array([[0.5, 1.5], [2.0, -0.25]])
    new, _ = append(X, fractions)
    assert new.dtype == np.float64
    assert_array_equal(new, np.concatenate([X.astype(float), fractions]))
    whole, _ = append(X, X[3:])
    assert whole.dtype == dtype
    assert_array_equal(whole, np.concatenate([X, X[3:]]))


def test_objects_and_images_are_appended():
    X = np.array([["a", 1], ["b", 2.5], ["a", 3], ["c", 4], ["b", 5]], dtype=object)
    new, _ = append(X, np.array([["a", 0.5], ["c", 7]], dtype=object))
    assert new.dtype == object
    assert new.tolist() == [*X.tolist(), ["a", 0.5], ["c", 7]]
    images = np.arange(60, dtype=np.uint8).reshape(5, 3, 4)
    new, _ = append(images, images[:2])
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
    new, target = append(container(X), rows)
    assert new.format == container(X).format
    assert isinstance(new, sparse.sparray) == issubclass(container, sparse.sparray)
    assert new.dtype == dtype
    assert new.nnz == 6
    assert_array_equal(new.toarray(), np.concatenate([X, rows]))
    assert_array_equal(target, [0, 0, 0, 1, 1, 1, 1])


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        (np.array([1, 1, 1, 2, 2], dtype=np.int8), np.array([2, 2])),
        (np.array([1.0, 1.0, 1.0, 2.0, 2.0]), np.array([2.0, 2.0])),
        (np.array(["long name"] * 3 + ["b"] * 2), np.array(["b", "b"])),
        (np.array(["x"] * 3 + ["y"] * 2, dtype=object), np.array(["y", "y"])),
        (np.array([False] * 3 + [True] * 2), np.array([True, True])),
    ],
    ids=["int8", "float", "text", "object", "bool"],
)
def test_labels_keep_their_type(y, labels):
    X = np.zeros((5, 1))
    _, target = append(X, X[:2], labels, y)
    assert target.dtype == y.dtype
    assert target.tolist() == [*y.tolist(), *labels.tolist()]


def test_nothing_is_appended():
    X = np.arange(10.0).reshape(5, 2)
    new, target = append(X, X[:0], np.array([], dtype=int))
    assert_array_equal(new, X)
    assert_array_equal(target, Y)
    new, _ = append(sparse.csr_matrix(X), X[:0], np.array([], dtype=int))
    assert_array_equal(new.toarray(), X)
