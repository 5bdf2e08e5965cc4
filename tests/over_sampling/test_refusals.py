"""What every sampler refuses, with the column or label and what to do about it."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import clone

from tests.common.estimators import SAMPLERS, each

N = 12
Y = np.repeat([0, 1], [8, 4])
AGES = (np.arange(N) % 5 + 0.5).tolist()
every_sampler = pytest.mark.parametrize("name", each(SAMPLERS))

NO_NUMBERS = {
    "dates": ([datetime(2020, 1, 1 + i) for i in range(N)], "days since a date"),
    "times of day": ([time(i) for i in range(N)], "seconds since midnight"),
    "durations": ([timedelta(i) for i in range(N)], "total_seconds"),
    "bytes": ([b"a", b"b"] * 6, "Decode"),
    "UUIDs": ([UUID(int=i) for i in range(N)], "drop"),
    "lists": ([[1], [1, 2]] * 6, "column of its own"),
    "dicts": ([{"a": i} for i in range(N)], "DictVectorizer"),
}


def refused(name, X, y, match, **params):
    sampler = clone(SAMPLERS[name]).set_params(**params)
    for method in (sampler.fit_resample, sampler.fit):
        with pytest.raises(ValueError, match=match):
            method(X, y)


@every_sampler
@pytest.mark.parametrize(
    "library", [pd.DataFrame, pl.DataFrame, pa.table, "array", "list"]
)
@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_columns_that_hold_no_numbers(name, library, kind):
    values, advice = NO_NUMBERS[kind]
    if library in ("array", "list"):
        X = np.empty((N, 2), dtype=object)
        X[:, 0], X[:, 1] = AGES, values
        X = X if library == "array" else X.tolist()
        refused(name, X, Y, rf"Columns \[1\] hold {kind}\..*{advice}")
    elif library is not pa.table or kind != "UUIDs":
        X = library({"age": AGES, "bad": values})
        refused(name, X, Y, rf"Columns \['bad'\] hold {kind}\..*{advice}")


@every_sampler
@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_text_where_no_column_may_hold_it(name, library):
    X = library({"age": AGES, "city": ["Ulm", "Bonn"] * 6})
    match = r"Columns \['city'\] hold text\. Name them in categorical_features"
    refused(name, X, Y, match, categorical_features=None)


@every_sampler
def test_days_beside_text_get_their_own_advice(name):
    X = pl.DataFrame({"age": AGES, "born": [date(2020, 1, 1)] * N})
    with pytest.raises(ValueError, match="hold dates") as raised:
        clone(SAMPLERS[name]).fit_resample(X, Y)
    assert "Encoder" not in str(raised.value)


def incomplete():
    age, income = list(AGES), list(AGES)
    age[3] = age[7] = income[2] = None
    return {"age": age, "income": income, "x": AGES}


@every_sampler
@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
def test_missing_numbers_of_sparse_tables(name, container):
    sampler = clone(SAMPLERS[name])
    table = pd.DataFrame(incomplete()).to_numpy()
    if hasattr(sampler, "sample"):  # which makes rows dense
        new, _ = sampler.fit_resample(container(table), Y)
        assert new.shape == (16, 3)
    else:
        refused(name, container(table), Y, r"2 in column 0, 1 in column 1\. ")


@every_sampler
def test_infinite_numbers(name):
    X = pl.DataFrame({"age": AGES, "income": [np.inf, *AGES[1:]]})
    refused(name, X, Y, r"infinite values: 1 in column 'income'\.")


@every_sampler
@pytest.mark.parametrize(
    "series", [list, np.array, pd.Series, pl.Series, pa.array, pd.Categorical]
)
def test_labels_that_are_missing(name, series):
    y = ["well"] * 8 + ["ill"] * 2 + [None] * 2
    y = np.array(y, dtype=object) if series is np.array else series(y)
    refused(name, np.array(AGES)[:, None], y, r"no label in 2 rows .* position 10\.")


@every_sampler
def test_labels_of_several_types(name):
    y = np.array(["well"] * 8 + [3] * 4, dtype=object)
    refused(name, np.array(AGES)[:, None], y, r"mixes numbers and text")


@every_sampler
def test_lazy_frames(name):
    refused(name, pl.LazyFrame({"age": AGES}), Y, r"LazyFrame.*collect\(\)")


@every_sampler
def test_names_that_occur_twice(name):
    X = pd.DataFrame(np.array([AGES, AGES]).T, columns=["age", "age"])
    refused(name, X, Y, r"\['age'\] occur more than once")
