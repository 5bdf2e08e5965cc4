"""What is refused before any training: which column, which value, what to do."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from imbdeep._tables.validation import (
    check_columns_are_numeric,
    check_complete,
    check_labels,
)

DAY = datetime(2020, 1, 31)

# What a column may hold, and words of the advice.
ADVICE = {
    "dates": ([DAY, DAY], "days since a date, or parts such as the month"),
    "times of day": ([time(12), time(13)], "seconds since midnight"),
    "durations": ([timedelta(1), timedelta(2)], r"total_seconds\(\)"),
    "text": (["Ulm", "Bonn"], "OneHotEncoder or OrdinalEncoder"),
    "bytes": ([b"a", b"b"], "Decode"),
    "UUIDs": ([UUID(int=1), UUID(int=2)], "identifier.*drop"),
    "lists": ([[1, 2], [3]], "column of its own.*mean"),
    "dicts": ([{"a": 1}, {"a": 2}], "DictVectorizer"),
    "complex numbers": ([1j, 2j], "real and imaginary"),
}


def objects(values):
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def in_pandas(values):
    return pd.DataFrame({"age": [31, 45], "bad": values})


def in_pandas_objects(values):
    return in_pandas(objects(values))


def in_polars(values):
    return pl.DataFrame({"age": [31, 45], "bad": values})


def in_arrow(values):
    return pa.table({"age": [31, 45], "bad": values})


def in_array(values):
    return np.stack([objects([31, 45]), objects(values)], axis=1)


def in_lists(values):
    return [[31, values[0]], [45, values[1]]]


CONTAINERS = [
    in_pandas,
    in_pandas_objects,
    in_polars,
    in_arrow,
    in_array,
    in_lists,
]
CANNOT = {("UUIDs", in_arrow), ("complex numbers", in_arrow)}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("kind", ADVICE)
def test_columns_that_hold_no_numbers(kind, container):
    if (kind, container) in CANNOT:
        pytest.skip("pyarrow has no such column")
    values, advice = ADVICE[kind]
    named = container in (in_array, in_lists)
    name = "1" if named else "'bad'"
    with pytest.raises(
        ValueError, match=rf"Columns \[{name}\] hold {kind}\. .*{advice}"
    ):
        check_columns_are_numeric(container(values))


@pytest.mark.parametrize("kind", sorted(set(ADVICE) - {"text"}))
def test_encoders_are_advised_for_text_alone(kind):
    with pytest.raises(ValueError, match="Columns") as raised:
        check_columns_are_numeric(in_pandas_objects(ADVICE[kind][0]))
    assert "Encoder" not in str(raised.value)


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [("datetime64[s]", "dates"), ("timedelta64[s]", "durations"), ("U5", "text")]
    + [("S5", "bytes"), (complex, "complex numbers")],
)
def test_arrays_of_one_dtype(dtype, kind):
    with pytest.raises(ValueError, match=rf"Columns \[0, 1\] hold {kind}"):
        check_columns_are_numeric(np.zeros((3, 2)).astype(int).astype(dtype))


def test_each_kind_gets_its_own_advice():
    frame = pl.DataFrame(
        {"city": ["Ulm"], "born": [date(2020, 1, 31)], "died": [date(2020, 2, 1)]}
    )
    match = r"\['city'\] hold text.*OneHotEncoder.*\['born', 'died'\] hold dates.*days"
    with pytest.raises(ValueError, match=match):
        check_columns_are_numeric(frame)


def test_of_many_columns_the_first_are_named():
    frame = pd.DataFrame({f"x{i}": ["a"] for i in range(25)})
    with pytest.raises(ValueError, match=r"'x9'\] and 15 more hold text"):
        check_columns_are_numeric(frame)


def test_dicts_are_also_the_type_error_of_numpy():
    with pytest.raises(TypeError, match="must be a string or a number"):
        check_columns_are_numeric(in_array(ADVICE["dicts"][0]))


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((2, 3), dtype=np.float16),
        np.zeros((2, 3), dtype=bool),
        np.zeros((2, 3, 4)),
        np.zeros((2, 0)),
        np.zeros((0, 2)),
        np.zeros(3),
        np.array([[1, 2.5], [True, None]], dtype=object),
        [[1, 2], [3, 4]],
        [[1, 2], [3]],
        [],
        sparse.csr_array((2, 3)),
        pd.DataFrame({"a": [1], "b": pd.array([None], dtype="Int64")}),
        pl.DataFrame({"a": [1], "b": [None], "c": [True]}),
        pa.table({"a": [1]}),
        None,
        "text",
    ],
    ids=repr,
)
def test_numbers_and_what_has_no_columns_pass(X):
    check_columns_are_numeric(X)


# --- Missing and infinite numbers ----------------------------------------------------


def two_missing():
    return {"age": [31.0, None, None], "income": [1.0, 2.0, None], "sex": [0, 1, 1]}


def test_missing_numbers_are_counted_by_column():
    table = np.array([*two_missing().values()], dtype=float).T
    named = (
        r"2 in column 'age', 1 in column 'income'\. .*SimpleImputer.*drop their rows"
    )
    for library in (pd.DataFrame, pl.DataFrame, pa.table):
        with pytest.raises(ValueError, match=named):
            check_complete(library(two_missing()))
    with pytest.raises(ValueError, match=named):
        check_complete(table, ["age", "income", "sex"])
    for container in (np.array, sparse.csr_array, sparse.csc_matrix):
        with pytest.raises(ValueError, match=r"2 in column 0, 1 in column 1\. "):
            check_complete(container(table))
    with pytest.raises(ValueError, match=r"2 in column 0, 1 in column 1\. "):
        check_complete(table.astype(object))


@pytest.mark.parametrize(
    "column",
    [
        pd.array([1, None], dtype="Int64"),
        pd.array([True, None], dtype="boolean"),
        pd.array([1, None], dtype="double[pyarrow]"),
        pd.arrays.SparseArray([0, np.nan]),
        np.array([1, None], dtype=object),
        np.array([1, pd.NA], dtype=object),
        np.array([1, np.nan], dtype=np.float16),
    ],
    ids=lambda column: f"{column.dtype}",
)
def test_columns_of_any_dtype_may_lack_numbers(column):
    with pytest.raises(ValueError, match=r"values \(NaN or None\): 1 in column 'x'\."):
        check_complete(pd.DataFrame({"x": column}))


def test_infinite_numbers_are_counted_by_column():
    table = np.array([[np.inf, 1, -np.inf], [2, 3, np.inf]])
    match = r"infinite values: 1 in column 0, 2 in column 2\. Replace"
    for X in (table, sparse.csr_array(table), table.astype(np.float16)):
        with pytest.raises(ValueError, match=match):
            check_complete(X)
    with pytest.raises(ValueError, match="1 in column 'a', 2 in column 'c'"):
        check_complete(pd.DataFrame(table, columns=list("abc")))


def test_images_have_no_columns_to_name():
    with pytest.raises(ValueError, match=r"missing values \(NaN or None\): 8\. Fill"):
        check_complete(np.full((2, 2, 2), np.nan))


def test_of_many_incomplete_columns_the_first_are_named():
    with pytest.raises(ValueError, match="3 in column 9, 45 in 15 more columns"):
        check_complete(np.full((3, 25), np.nan))


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((2, 3)),
        np.zeros((2, 3), dtype=int),
        np.zeros((0, 3)),
        np.zeros((2, 0)),
        np.full((2, 2), np.finfo(float).max),
        sparse.csr_array((2, 3)),
        sparse.csc_array([[0, 2**62]]),
        pd.DataFrame({"a": [2**62], "b": [True]}),
        pl.DataFrame({"a": [1.5]}),
        pl.DataFrame(),
    ],
    ids=repr,
)
def test_complete_tables_pass(X):
    check_complete(X)


# --- Labels --------------------------------------------------------------------------

TEXT = ["well", None, "ill", None]
LABELS = {
    "list": TEXT,
    "array": np.array(TEXT, dtype=object),
    "series": pd.Series(TEXT),
    "objects": pd.Series(TEXT, dtype=object),
    "NaN": pd.Series(TEXT, dtype=object).fillna(np.nan),
    "category": pd.Series(TEXT, dtype="category"),
    "string": pd.Series(TEXT, dtype="string"),
    "polars": pl.Series(TEXT),
    "enum": pl.Series(TEXT, dtype=pl.Enum(["ill", "well"])),
    "arrow": pa.chunked_array([TEXT]),
    "numbers": [0.0, np.nan, 1.0, np.nan],
    "Int64": pd.Series([0, None, 1, None], dtype="Int64"),
    "flags": [True, None, False, None],
}


@pytest.mark.parametrize("kind", LABELS)
def test_missing_labels_are_refused(kind):
    match = r"no label in 2 rows .* position 1\. Drop these rows, or .* 'unknown'"
    with pytest.raises(ValueError, match=match):
        check_labels(LABELS[kind])
    one = LABELS[kind][:3]
    with pytest.raises(ValueError, match=r"no label in 1 row \("):
        check_labels(one)


@pytest.mark.parametrize(
    ("y", "match"),
    [
        ([0, "ill"], "mixes numbers and text"),
        (np.array([0, "ill"], dtype=object), "mixes numbers and text"),
        ([date(2020, 1, 1), "ill"], "mixes dates and text"),
        (pd.Series([True, "ill"], dtype=object), r"booleans and text.*astype\(str\)"),
    ],
)
def test_labels_of_several_types_are_refused(y, match):
    with pytest.raises(ValueError, match=match):
        check_labels(y)


@pytest.mark.parametrize(
    "y",
    [
        ["well", "ill"],
        [0, 1],
        [0, True],
        np.array(["well", "ill"]),
        np.eye(2),
        sparse.csr_array(np.eye(2)),
        pd.Series(["well", "ill"], dtype="category"),
        pl.Series([0, 1]),
        pl.DataFrame({"y": [0, 1]}),
        [],
        None,
    ],
    ids=repr,
)
def test_complete_labels_pass(y):
    check_labels(y)
