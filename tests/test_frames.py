"""Data frames of pandas, polars and pyarrow, read and built in one way."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal

from imbdeep._tables.column_kinds import NUMERIC, is_missing, kind_of_array
from imbdeep._tables.frame_building import FrameLike, append
from imbdeep._tables.frames import column_names, columns, is_data_frame, is_pandas

BIG = 2**53 + 1
DAY = date(2020, 1, 31)

# Two values of a column, and what it holds.
OBJECTS = {
    "text": ["Ulm", "Bonn"],
    "dates": [DAY, DAY],
    "times of day": [time(12), time(13)],
    "durations": [timedelta(1), timedelta(2)],
    "UUIDs": [UUID(int=1), UUID(int=2)],
    "bytes": [b"a", b"b"],
    "lists": [[1, 2], [3]],
    "dicts": [{"a": 1}, {"a": 2}],
    "complex numbers": [1j, 2j],
    "objects of type object": [object(), object()],
    "numbers": [Decimal("1.5"), Fraction(1, 2)],
    "booleans": [True, np.bool_(False)],
    "nothing": [None, None],
}

PANDAS = {
    "numbers": ["int8", "uint64", "float16", "Int64", "Float32", "Sparse[int]"]
    + ["int64[pyarrow]", "double[pyarrow]"],
    "booleans": ["bool", "boolean", "Sparse[bool]", "bool[pyarrow]"],
    "text": ["str", "string[python]", "string[pyarrow]"],
    "categories": ["category"],
    "dates": ["datetime64[s]", "datetime64[ns, UTC]", "period[M]", "date32[pyarrow]"],
    "durations": ["timedelta64[s]", "duration[s][pyarrow]"],
    "complex numbers": ["complex128"],
}

POLARS = {
    "numbers": [pl.Int8, pl.UInt64, pl.Int128, pl.Float32, pl.Decimal(10, 2)],
    "booleans": [pl.Boolean],
    "text": [pl.String],
    "categories": [pl.Categorical, pl.Enum(["a", "b"])],
    "dates": [pl.Date, pl.Datetime("us", "UTC")],
    "times of day": [pl.Time],
    "durations": [pl.Duration],
    "bytes": [pl.Binary],
    "lists": [pl.List(pl.Int8), pl.Array(pl.Int8, 2)],
    "dicts": [pl.Struct({"a": pl.Int8})],
    "nothing": [pl.Null],
}

VALUES = {
    "numbers": [1, 2],
    "booleans": [True, False],
    "text": ["a", "b"],
    "categories": ["a", "b"],
    "dates": [datetime(2020, 1, 31)] * 2,
    "durations": [timedelta(1), timedelta(2)],
    "complex numbers": [1j, 2j],
}


def kinds(frame):
    return [column.kind for column in columns(frame)]


def cases(table):
    return [(kind, dtype) for kind, dtypes in table.items() for dtype in dtypes]


@pytest.mark.parametrize("kind", OBJECTS)
def test_kinds_of_objects(kind):
    values = np.empty(4, dtype=object)
    values[:2] = OBJECTS[kind]
    values[2:] = [None, pd.NA]
    assert kind_of_array(values) == kind
    assert kinds(pd.DataFrame({"x": values})) == [kind]
    assert kinds(pl.DataFrame({"x": pl.Series(OBJECTS[kind], dtype=pl.Object)})) == [
        kind
    ]


def test_a_column_of_several_kinds_is_what_is_no_number():
    for values in ([1, "a"], ["a", 1], [True, "a", None]):
        assert kind_of_array(np.array(values, dtype=object)) == "text"
    assert kind_of_array(np.array([True, 2.5], dtype=object)) == "numbers"
    assert {"numbers", "booleans", "nothing"} == NUMERIC


@pytest.mark.parametrize(("kind", "dtype"), cases(PANDAS), ids=str)
def test_kinds_of_pandas_columns(kind, dtype):
    column = pd.array(VALUES[kind], dtype=dtype)
    assert kinds(pd.DataFrame({"x": column})) == [kind]


@pytest.mark.parametrize(("kind", "dtype"), cases(POLARS), ids=str)
def test_kinds_of_polars_columns(kind, dtype):
    frame = pl.DataFrame({"x": pl.Series([None, None], dtype=dtype)})
    assert kinds(frame) == [kind]


def test_kinds_of_an_arrow_table():
    table = pa.table(
        {
            "int": [1, 2],
            "text": ["a", "b"],
            "category": pa.array(["a", "b"]).dictionary_encode(),
            "day": [DAY, DAY],
            "flag": [True, None],
        }
    )
    expected = ["numbers", "text", "categories", "dates", "booleans"]
    assert kinds(table) == expected


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_what_is_a_data_frame(library):
    frame = library({"a": [1], "b": [2.5]})
    assert is_data_frame(frame)
    assert is_pandas(frame) == (library is pd.DataFrame)
    assert column_names(frame) == ["a", "b"]


@pytest.mark.parametrize(
    "X", [np.zeros((2, 2)), [[1, 2]], pd.Series([1]), pl.Series([1]), None, "text"]
)
def test_what_is_no_data_frame(X):
    assert not is_data_frame(X)
    assert column_names(X) is None


def test_names_of_pandas_columns_need_not_be_text():
    frame = pd.DataFrame([[1, 2.5]], columns=pd.Index([7, "b"]))
    assert column_names(frame) == [7, "b"]
    assert [column.name for column in columns(frame)] == [7, "b"]
    levels = pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])
    frame = pd.DataFrame([[1, 2.5]], columns=levels)
    assert [column.name for column in columns(frame)] == [("a", 1), ("a", 2)]


def test_lazy_frames_are_refused():
    with pytest.raises(ValueError, match=r"LazyFrame.*collect\(\)"):
        is_data_frame(pl.LazyFrame({"a": [1]}))


def test_names_that_occur_twice_are_refused():
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"])
    with pytest.raises(ValueError, match=r"\['a'\] occur more than once.*Rename"):
        columns(frame)


@pytest.mark.parametrize("value", [None, np.nan, pd.NA, pd.NaT, np.float32("nan")])
def test_values_that_are_missing(value):
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, "", False, [], np.array([np.nan, 1]), DAY])
def test_values_that_are_not_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, None], dtype="Int64"),
        pd.Series([True, None], dtype="boolean"),
        pd.Series([1, pd.NA], dtype=object),
        pd.Series([1, None], dtype="int64[pyarrow]"),
        pl.Series([1, None]),
        pl.Series([True, None]),
        pl.Series([Decimal(1), None]),
        pl.Series([1, None], dtype=pl.Int128),
    ],
    ids=lambda column: f"{type(column).__module__}-{column.dtype}",
)
def test_missing_numbers_are_read_as_nan(column):
    frame = type(column.to_frame())({"x": column})
    (read,) = columns(frame)
    assert_array_equal(read.to_numbers(), [1, np.nan])


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_integers_are_read_digit_by_digit(library):
    whole, fraction = columns(library({"a": [BIG, -BIG], "b": [0.1, 0.2]}))
    assert whole.to_numbers().dtype == np.int64
    assert whole.to_numbers().tolist() == [BIG, -BIG]
    assert fraction.to_numbers().tolist() == [0.1, 0.2]


# --- Building ------------------------------------------------------------------------


def pandas_frame():
    return pd.DataFrame(
        {
            "int": [BIG, 2**63 - 1],
            "uint8": np.array([1, 255], dtype=np.uint8),
            "Int64": pd.array([1, 2], dtype="Int64"),
            "arrow": pd.array([1, 2], dtype="int64[pyarrow]"),
            "bool": [True, False],
            "boolean": pd.array([True, False], dtype="boolean"),
            "float16": np.array([1, 2], dtype=np.float16),
            "Float32": pd.array([1.5, 2], dtype="Float32"),
            "sparse": pd.arrays.SparseArray([0.0, 1]),
            "large": np.array([1, 2**70], dtype=object),
            "decimal": np.array([Decimal("0.5"), Decimal(1)], dtype=object),
            "flags": np.array([True, False], dtype=object),
        }
    )


def polars_frame():
    return pl.DataFrame(
        {
            "int": [BIG, 2**63 - 1],
            "uint8": pl.Series([1, 255], dtype=pl.UInt8),
            "int128": pl.Series([1, 2**100], dtype=pl.Int128),
            "bool": [True, False],
            "float32": pl.Series([1, 2], dtype=pl.Float32),
            "decimal": pl.Series(["0.50", "1.00"]).cast(pl.Decimal(10, 2)),
        }
    )


def dtypes_of(frame):
    if isinstance(frame, pa.Table):
        return frame.schema
    return list(frame.dtypes)


FRAMES = {
    "pandas": pandas_frame,
    "polars": polars_frame,
    "arrow": lambda: polars_frame().drop("int128").to_arrow(),
}


@pytest.mark.parametrize("library", FRAMES)
def test_a_frame_like_another_has_its_names_and_dtypes(library):
    frame = FRAMES[library]()
    for n_rows in (0, 1, 3):
        made = FrameLike(frame).build(np.full((n_rows, frame.shape[1]), 1.75))
        assert type(made) is type(frame)
        assert made.shape == (n_rows, frame.shape[1])
        assert column_names(made) == column_names(frame)
        assert dtypes_of(made) == dtypes_of(frame)
        both = append(frame, made)
        assert dtypes_of(both) == dtypes_of(frame)
        assert both[: len(frame)].equals(frame)


@pytest.mark.parametrize("library", FRAMES)
def test_made_numbers_are_what_the_column_can_hold(library):
    frame = FRAMES[library]()
    made = FrameLike(frame).build(np.full((1, frame.shape[1]), 1.75))
    for column in columns(made):
        (value,) = column.series.to_list()
        if "int" in column.name.lower() or column.name in ("arrow", "large"):
            assert value == 2
            assert not isinstance(value, float)
        elif column.name in ("bool", "boolean", "flags"):
            assert value is True or isinstance(value, np.bool_)
            assert value
        elif column.name == "decimal":
            assert value == Decimal("1.75")
        else:
            assert value == 1.75


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize("far", [1e30, -1e30])
def test_integers_do_not_leave_their_dtype(library, far):
    frame = FRAMES[library]()
    made = FrameLike(frame).build(np.full((1, frame.shape[1]), far))
    expected = 255 if far > 0 else 0
    assert [c.series.to_list() for c in columns(made)][1] == [expected]


def test_text_and_categories_are_taken_over():
    enum = pl.Enum(["Ulm", "Bonn", "Rom"])
    frame = pl.DataFrame(
        {
            "text": ["Ulm", "Bonn"],
            "category": pl.Series(["Ulm", "Bonn"], dtype=pl.Categorical),
            "enum": pl.Series(["Ulm", "Bonn"], dtype=enum),
        }
    )
    rows = np.array([["Bonn", "Ulm", "Bonn"]], dtype=object)
    for X in (frame, frame.to_arrow(), frame.to_pandas()):
        made = FrameLike(X).build(rows)
        assert dtypes_of(made) == dtypes_of(X)
        assert [c.series.to_list() for c in columns(made)] == [[v] for v in rows[0]]


def test_a_pandas_frame_gets_a_new_index_and_keeps_the_names_of_its_columns():
    names = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", "y"])
    frame = pd.DataFrame([[1, 2.5], [3, 4.5]], index=["p", "q"], columns=names)
    both = append(frame, FrameLike(frame).build(np.ones((1, 2))))
    assert both.index.equals(pd.RangeIndex(3))
    assert both.columns.equals(names)
    assert both.columns.names == ["x", "y"]
