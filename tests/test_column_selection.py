"""Columns named by a user, and columns whose dtype tells their kind."""

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from imbdeep._tables import column_selection as _columns
from imbdeep._tables.column_selection import categorical_columns, select_columns

FRAME = pd.DataFrame(np.zeros((2, 4)), columns=["age", "city", "sex", "income"])
TABLES = {
    "frame": FRAME,
    "array": FRAME.to_numpy(),
    "sparse": sparse.csr_matrix((2, 4)),
    "list": FRAME.to_numpy().tolist(),
}


def select(X, columns):
    found = select_columns(X, columns, "categorical_features")
    assert isinstance(found, np.ndarray)
    assert found.dtype == int
    return found.tolist()


@pytest.mark.parametrize("X", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (None, []),
        ([], []),
        ((), []),
        (np.array([]), []),
        ([2], [2]),
        ([2, 0], [0, 2]),
        ((3, 3, 1), [1, 3]),
        ([-1, 0], [0, 3]),
        (np.array([1, 2], dtype=np.uint8), [1, 2]),
        (pd.Series([3, 1]), [1, 3]),
        ([False, True, False, True], [1, 3]),
        (np.array([True, False, False, False]), [0]),
        (pd.Series([False, True, True, False]), [1, 2]),
        (pd.array([False, True, True, False], dtype="boolean"), [1, 2]),
        ([False] * 4, []),
    ],
    ids=str,
)
def test_positions_and_masks(X, columns, expected):
    assert select(X, columns) == expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["city"], [1]),
        (["income", "age", "income"], [0, 3]),
        (np.array(["sex"]), [2]),
        (np.array(["sex"], dtype=object), [2]),
        (pd.Index(["sex", "age"]), [0, 2]),
        (pd.Series(["city"], dtype="string"), [1]),
    ],
    ids=str,
)
def test_names(columns, expected):
    assert select(FRAME, columns) == expected


@pytest.mark.parametrize("container", [list, tuple, pd.MultiIndex.from_tuples])
@pytest.mark.parametrize("n_levels", [1, 2, 3])
def test_names_that_are_tuples(container, n_levels):
    names = [(letter,) * n_levels for letter in "abcd"]
    frame = pd.DataFrame(np.zeros((2, 4)))
    frame.columns = pd.MultiIndex.from_tuples(names)
    assert select(frame, container([names[2], names[0]])) == [0, 2]
    assert select(frame, {name: name == names[1] for name in names}) == [1]


def test_names_of_which_some_are_tuples():
    frame = pd.DataFrame(np.zeros((2, 3)))
    frame.columns = pd.Index(["a", ("b", "c"), 5], dtype=object)
    assert select(frame, [("b", "c"), "a"]) == [0, 1]
    assert select(frame, ["a", 5]) == [0, 2]


def test_a_mask_goes_by_name_in_any_order():
    mask = pd.Series([True, False, True, False], index=["city", "age", "income", "sex"])
    for given in (mask, mask[::-1], mask.to_dict(), mask.astype("boolean")):
        assert select(FRAME, given) == [1, 3]
        for X in (TABLES["array"], TABLES["sparse"]):
            with pytest.raises(ValueError, match="X has no column names"):
                select(X, given)
    with pytest.raises(ValueError, match=r"_features .* lacks columns \['sex'\]"):
        select(FRAME, mask.drop("sex"))
    with pytest.raises(ValueError, match=r"_features names columns \['cty'\]"):
        select(FRAME, mask.rename({"city": "cty"}))
    with pytest.raises(ValueError, match="must have True or False for each column"):
        select(FRAME, {"city": 1, "age": 0, "income": 1, "sex": 0})


def test_numbers_are_positions_even_where_they_are_names():
    frame = pd.DataFrame(np.zeros((2, 3)), columns=[2, 0, 1])
    assert select(frame, [0]) == [0]


def test_positions_need_no_unique_names():
    frame = pd.DataFrame(np.zeros((2, 3)), columns=["a", "a", "b"])
    assert select(frame, [1]) == [1]
    assert select(frame, [False, True, True]) == [1, 2]


@pytest.mark.parametrize(
    ("X", "columns", "message"),
    [
        (FRAME, ["age", "cty"], r"cols holds \['cty'\], which X .* spelling"),
        (FRAME, ["age", 1.5], r"cols holds \[1.5\], which X"),
        (
            FRAME,
            [1, "age"],
            r"cols holds \[1\], which X .* names or positions, not both",
        ),
        (FRAME, {"age"}, r"cols is a set, \{'age'\}: give a list"),
        (FRAME, [("age", "a")], r"cols holds \[\('age', 'a'\)\], which X has no"),
        (FRAME.to_numpy(), ["age"], r"cols holds names, \['age'\], but X is no data"),
        (TABLES["list"], ["age"], "positions or a boolean mask"),
        (FRAME, [True, False], r"cols is a mask of shape \(2,\), but X has 4 columns"),
        (FRAME, np.ones((1, 4), bool), r"cols is a mask of shape \(1, 4\)"),
        (FRAME, [0, 4, -5], r"cols holds positions \[4, -5\], but X has 4 .* 0 to 3"),
        (FRAME, [[0, 1]], r"cols must be a flat list of positions, got \[\[0, 1\]\]"),
        (FRAME, [0.5], r"cols must hold names, positions .* mask, got \[0.5\]"),
        (FRAME, [b"age"], r"cols must hold names, positions .* mask, got \[b'age'\]"),
        (np.zeros(3), [0], r"cols selects columns of a table, but X has shape \(3,\)"),
        (np.zeros((3, 2, 2)), [0], r"X has shape \(3, 2, 2\); got \[0\]"),
    ],
)
def test_select_errors(X, columns, message):
    with pytest.raises(ValueError, match=message):
        select_columns(X, columns, "cols")


# Column: (values, whether they are categories).
KINDS = {
    "str": (["a", "b"], True),
    "string with NA": (pd.array(["a", None], dtype="string"), True),
    "string, all NA": (pd.array([None, None], dtype="string"), True),
    "text in objects": (pd.Series(["a", "b"], dtype=object), True),
    "text among objects": (pd.Series([1, "b"], dtype=object), True),
    "numbers in objects": (pd.Series([1, 2], dtype=object), False),
    "category of text": (pd.Categorical(["a", "b"]), True),
    "category of numbers": (pd.Categorical([1, 2]), True),
    "bool": ([True, False], True),
    "boolean": (pd.array([True, None], dtype="boolean"), True),
    "sparse bool": (pd.arrays.SparseArray([True, False]), True),
    "int64": ([1, 2], False),
    "int8": (pd.Series([1, 2], dtype="int8"), False),
    "uint16": (pd.Series([1, 2], dtype="uint16"), False),
    "Int64": (pd.array([1, None], dtype="Int64"), False),
    "UInt8": (pd.array([1, 2], dtype="UInt8"), False),
    "sparse int": (pd.arrays.SparseArray([0, 1]), False),
    "float of whole numbers": ([1.0, 2.0], False),
    "Float32": (pd.array([1.0, 2.5], dtype="Float32"), False),
    "sparse float": (pd.arrays.SparseArray([0.0, 1.0]), False),
    "date": (pd.to_datetime(["2020-01-01", "2021-01-01"]), False),
    "interval": (pd.interval_range(0, 2), False),
}


@pytest.mark.parametrize("name", KINDS)
def test_kind_of_a_column(name):
    values, is_categorical = KINDS[name]
    frame = pd.DataFrame({"left": [0.5, 0.7], name: values, "right": [0.5, 0.7]})
    assert categorical_columns(frame).tolist() == [1] * is_categorical


def test_kinds_in_one_frame():
    frame = pd.DataFrame({name: values for name, (values, *_) in KINDS.items()})
    found = categorical_columns(frame)
    assert found.dtype == int
    expected = [
        i for i, (_, is_categorical) in enumerate(KINDS.values()) if is_categorical
    ]
    assert_array_equal(found, expected)


@pytest.mark.parametrize("library", ["polars", "arrow"])
def test_frames_of_other_libraries(library):
    frame = pl.DataFrame(
        {
            "age": [31, 45],
            "city": ["Ulm", "Bonn"],
            "sex": pl.Series(["f", "m"], dtype=pl.Categorical),
            "stage": pl.Series(["I", "II"], dtype=pl.Enum(["I", "II"])),
            "member": [True, False],
            "income": [2.5, 3.5],
        }
    )
    X = frame if library == "polars" else frame.to_arrow()
    assert categorical_columns(X).tolist() == [1, 2, 3, 4]
    assert select(X, ["income", "city"]) == [1, 5]
    assert select(X, [-1, 0]) == [0, 5]
    with pytest.raises(ValueError, match=r"cols holds \['cty'\]"):
        select_columns(X, ["cty"], "cols")


def test_text_in_an_array_of_objects():
    rows = [[1, "a", True, None], [2, "b", False, "d"]]
    assert categorical_columns(np.array(rows, dtype=object)).tolist() == [1, 3]
    assert categorical_columns(rows).tolist() == [1, 3]


@pytest.mark.parametrize(
    "X",
    [
        np.array([[1, 2], [3, 4]]),
        np.array([["a", "b"], ["c", "d"]]),
        np.array(["a", "b"], dtype=object),
        sparse.csr_matrix(np.eye(2, dtype=int)),
        [[1, 2], [3, 4]],
        None,
    ],
    ids=["integers", "text", "1-D", "sparse", "list", "None"],
)
def test_nothing_tells_the_kind(X):
    found = categorical_columns(X)
    assert found.dtype == int
    assert found.tolist() == []


def test_an_array_of_booleans():
    X = np.array([[True, False], [True, True]])
    assert categorical_columns(X).tolist() == [0, 1]


def test_pandas_is_not_imported():
    # The file alone, in a Python without pandas: other libraries may load it.
    code = (
        "import runpy, sys, numpy as np\n"
        "class NoPandas:\n"
        "    def find_spec(name, *_):\n"
        "        if name == 'pandas':\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, NoPandas)\n"
        f"columns = runpy.run_path({_columns.__file__!r})\n"
        "X = np.array([[1, 'a']], dtype=object)\n"
        "assert columns['categorical_columns'](X).tolist() == [1]\n"
        "assert columns['select_columns'](X, [0], 'p').tolist() == [0]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
