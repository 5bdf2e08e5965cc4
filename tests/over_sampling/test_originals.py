"""The rows and labels that a user brought come first, bit for bit, in their container.

Over every sampler, so that each of them keeps the promise.
"""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone

from imbdeep._tables.frames import column_names, read_labels
from tests.common.estimators import SAMPLERS, each, is_quick
from tests.common.slow import slow_if

N = 24
Y = np.repeat([0, 1], [16, 8])
every_sampler = pytest.mark.parametrize("name", each(SAMPLERS))


def by_turns(**kinds):
    """Parametrize a test by samplers, and by many kinds of one thing.

    By default every second sampler takes a kind, as they read and build them alike.
    """
    ((argument, names),) = kinds.items()
    return pytest.mark.parametrize(
        ("name", argument),
        [
            slow_if((i + j) % 2 or not is_quick(name, SAMPLERS), name, kind)
            for i, name in enumerate(SAMPLERS)
            for j, kind in enumerate(names)
        ],
    )


MIXING = [name for name, own in SAMPLERS.items() if "alpha" in own.get_params()]
WITH_CATEGORIES = [
    name for name, own in SAMPLERS.items() if "categorical_features" in own.get_params()
]


def large():
    """Integers that no float64 holds, and the ends of int64."""
    values = 2**53 + 1 + 2 * np.arange(N)
    values[[0, 1, -1, -2]] = 2**63 - 1, -(2**63), -(2**53) - 1, 2**62 + 1
    return values


def floats():
    """Numbers that lose digits or their sign on the way through other dtypes."""
    values = np.linspace(-1, 1, N) / 7
    values[[0, 1, -1, -2]] = -0.0, 5e-324, 1e30, 0.1 + 0.2
    return values


def numbers():
    return {"id": large(), "x": floats(), "n": np.arange(N) % 7}


def as_array(dtype):
    columns = [np.arange(N) % 7, np.arange(N) % 5, Y]
    return np.stack(columns, axis=1).astype(dtype)


def pandas_frame():
    return pd.DataFrame(
        {
            **numbers(),
            "uint64": large().astype(np.uint64),
            "Int64": pd.array(large(), dtype="Int64"),
            "arrow": pd.array(large(), dtype="int64[pyarrow]"),
            "bool": Y == 0,
            "boolean": pd.array(Y == 0, dtype="boolean"),
            "float16": floats().clip(-9, 9).astype(np.float16),
            "Float32": pd.array(floats().astype(np.float32), dtype="Float32"),
            "objects": large().astype(object),
            "decimal": [Decimal(f"{n}.25") for n in range(N)],
            "sparse": pd.arrays.SparseArray(floats() * (Y == 1)),
        },
        index=[f"row {i % 9}" for i in range(N)],
    ).rename_axis(columns="features")


def polars_frame():
    return pl.DataFrame(
        {
            **numbers(),
            "uint64": large().astype(np.uint64),
            "int128": pl.Series(large()).cast(pl.Int128),
            "bool": Y == 0,
            "float32": floats().astype(np.float32),
            "decimal": pl.Series([f"{n}.25" for n in range(N)]).cast(pl.Decimal(9, 2)),
        }
    )


def objects():
    columns = [large().tolist(), floats().tolist(), (Y == 0).tolist()]
    return np.array(list(zip(*columns, strict=True)), dtype=object)


def sparse_table(dtype):
    table = as_array(dtype)
    table[:, 0] *= Y.astype(dtype)
    return table


X = {
    "integers beyond float64": lambda: np.stack([large(), large()[::-1]], axis=1),
    "uint64": lambda: np.stack([large(), large()[::-1]], axis=1).astype(np.uint64),
    "small integers": lambda: as_array(np.int8),
    "float16": lambda: as_array(np.float16) / 3,
    "float32": lambda: as_array(np.float32) / 3,
    "float64": lambda: np.stack([floats(), floats()[::-1]], axis=1),
    "booleans": lambda: as_array(int) > 2,
    "objects": objects,
    "lists": lambda: [list(row) for row in zip(*numbers().values(), strict=True)],
    "lists of Python's numbers": lambda: objects().tolist(),
    "csr": lambda: sparse.csr_array(sparse_table(np.float32)),
    "csc": lambda: sparse.csc_matrix(sparse_table(np.float64)),
    "csr beyond float64": lambda: sparse.csr_matrix(np.diag(large())[:, :4]),
    "pandas": pandas_frame,
    "pandas, sparse": lambda: pd.DataFrame.sparse.from_spmatrix(
        sparse.csr_matrix(sparse_table(float))
    ),
    "pandas, sparse but for NaN": lambda: pd.DataFrame(sparse_table(float)).astype(
        "Sparse[float]"
    ),
    "pandas, numbers for names": lambda: pd.DataFrame(numbers()).set_axis(
        [3, 1, 2], axis=1
    ),
    "polars": polars_frame,
    "arrow": lambda: polars_frame().drop("int128").to_arrow(),
}


def assert_first(new, given):
    """``new`` begins with all that is given, in the same container and dtype."""
    assert type(new) is type(given)
    if isinstance(given, list):
        first = new[: len(given)]
        assert first == given
        assert list(map(types_of, first)) == list(map(types_of, given))
    elif isinstance(given, pd.DataFrame | pd.Series):
        assert new.index.equals(pd.RangeIndex(len(new)))
        check = (
            pd.testing.assert_series_equal
            if isinstance(given, pd.Series)
            else pd.testing.assert_frame_equal
        )
        check(new[: len(given)], given.reset_index(drop=True), check_exact=True)
    elif isinstance(given, pl.DataFrame | pl.Series):
        assert new[: len(given)].equals(given)
        kind = "schema" if isinstance(given, pl.DataFrame) else "dtype"
        assert getattr(new, kind) == getattr(given, kind)
    elif isinstance(given, pa.Table | pa.Array | pa.ChunkedArray):
        kind = "schema" if isinstance(given, pa.Table) else "type"
        assert getattr(new, kind) == getattr(given, kind)
        assert new.slice(0, len(given)).equals(given)
    elif sparse.issparse(given):
        assert new.format == given.format
        assert_first(new.toarray(), given.toarray())
    elif given.dtype == object:
        assert new.dtype == object
        assert_first(new.tolist(), given.tolist())
    else:
        assert new.dtype == given.dtype
        assert new[: len(given)].tobytes() == given.tobytes()


def types_of(row):
    return [type(value) for value in row] if isinstance(row, list) else type(row)


# Made of fractions, where no integer lies beyond 2**53, rows of these are of float64.
WIDENED = {"small integers", "booleans"}


@by_turns(container=X)
def test_rows_come_first_unchanged(name, container):
    given = X[container]()
    sampler = clone(SAMPLERS[name])
    new, target = sampler.fit_resample(given, Y)
    assert_array_equal(target, [*Y, *[1] * 8])
    assert (len(new) if isinstance(new, list) else new.shape[0]) == len(target)
    assert_array_equal(sampler.is_synthetic_, np.arange(len(target)) >= N)
    expected = X[container]()
    if container in WIDENED and new.dtype != expected.dtype:
        expected = expected.astype(np.float64)
    assert_first(new, expected)


@every_sampler
def test_what_was_given_is_left_alone(name):
    frame, array = pandas_frame(), as_array(float)
    clone(SAMPLERS[name]).fit_resample(frame, Y)
    pd.testing.assert_frame_equal(frame, pandas_frame())
    new, _ = clone(SAMPLERS[name]).fit_resample(array, Y)
    new[:] = -1
    assert_array_equal(array, as_array(float))


@every_sampler
def test_integers_of_an_array_become_floats_only_beside_fractions(name):
    given = as_array(np.int8)
    sampler = clone(SAMPLERS[name]).set_params(sampling_strategy={})
    new, _ = sampler.fit_resample(given, Y)
    assert_first(new, given)


def label_series(labels):
    return pd.Series(labels, index=np.arange(N) % 5, name="label")


FLAGS = Y == 1
LARGE = 2**53 + Y
TEXT = np.where(FLAGS, "ill", "in good health")
LABELS = {
    "array of large integers": LARGE,
    "list of large integers": LARGE.tolist(),
    "uint64": LARGE.astype(np.uint64) + np.uint64(2**63),
    "int8": Y.astype(np.int8),
    "floats": Y.astype(np.float32),
    "text": TEXT,
    "text in objects": TEXT.astype(object),
    "text in a list": TEXT.tolist(),
    "booleans": FLAGS,
    "one column per class": np.eye(2, dtype=np.int16)[Y],
    "series": label_series(LARGE),
    "nullable series": label_series(LARGE).astype("Int64"),
    "nullable booleans": label_series(FLAGS).astype("boolean"),
    "series of text": label_series(TEXT),
    "categories": label_series(TEXT).astype("category"),
    "categories of integers": label_series(LARGE).astype("category"),
    "polars": pl.Series("label", LARGE),
    "polars text": pl.Series("label", TEXT),
    "polars enum": pl.Series("label", TEXT, dtype=pl.Enum(["ill", "in good health"])),
    "polars booleans": pl.Series("label", FLAGS),
    "arrow": pa.chunked_array([LARGE]),
    "arrow text": pa.array(TEXT),
}


@by_turns(kind=LABELS)
def test_labels_come_first_unchanged(name, kind):
    y = LABELS[kind]
    _, target = clone(SAMPLERS[name]).fit_resample(as_array(float), y)
    assert_first(target, y)
    made = list(read_labels(target)[N:])
    rare = read_labels(y)[-1]
    assert len(made) == 8
    assert all(np.array_equal(label, rare) for label in made)


def with_text(library):
    frame = pd.DataFrame(
        {
            "id": large(),
            "city": np.where(np.arange(N) % 3 == 0, "Ulm", "Bonn"),
            "member": np.arange(N) % 2 == 0,
            "x": floats(),
        }
    )
    if library == "pandas":
        frame["stage"] = pd.Categorical(frame["city"])
        frame["string"] = frame["city"].astype("string")
        frame["text in objects"] = frame["city"].astype(object)
        return frame
    enum = pl.Enum(["Rom", "Ulm", "Bonn"])
    polars = pl.DataFrame(frame.to_dict("list")).with_columns(
        stage=pl.col("city").cast(pl.Categorical), enum=pl.col("city").cast(enum)
    )
    return polars if library == "polars" else polars.to_arrow()


@pytest.mark.parametrize("name", WITH_CATEGORIES)
@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_categories_come_first_unchanged(name, library):
    given = with_text(library)
    sampler = clone(SAMPLERS[name])
    new, _ = sampler.fit_resample(given, Y)
    assert_first(new, given)
    assert sampler.feature_names_in_.tolist() == column_names(given)
    assert set(new["city"].to_numpy()[N:].tolist()) <= {"Ulm", "Bonn"}
    if hasattr(sampler, "sample"):
        made = sampler.sample(3, 1)
        assert type(made) is type(given)
        assert_first(made[:0], given[:0])


@pytest.mark.parametrize("name", WITH_CATEGORIES)
@pytest.mark.parametrize("container", ["array", "list", "pandas", "polars"])
def test_categories_may_be_integers_beyond_float64(name, container):
    ids = 2**53 + np.arange(N) % 3
    table = np.stack([ids, np.arange(N) % 7], axis=1)
    given = {
        "array": table,
        "list": table.tolist(),
        "pandas": pd.DataFrame(table, columns=["id", "n"]),
        "polars": pl.DataFrame(table, schema=["id", "n"]),
    }[container]
    sampler = clone(SAMPLERS[name]).set_params(categorical_features=[0])
    new, _ = sampler.fit_resample(given, Y)
    assert_first(new, given)
    again = [sampler.sample(20, 1)] if hasattr(sampler, "sample") else []
    for made in (new[N:], *again):
        own = (
            [row[0] for row in made] if container == "list" else np.asarray(made)[:, 0]
        )
        assert set(own) <= {2**53, 2**53 + 1, 2**53 + 2}


@pytest.mark.parametrize("name", MIXING)
def test_the_ends_of_float64(name):
    end = np.finfo(np.float64).max
    given = np.stack([np.where(Y == 1, end, -end), floats()], axis=1)
    new, _ = clone(SAMPLERS[name]).fit_resample(given, Y)
    assert_first(new, given)
    assert np.isfinite(new).all()
