"""Containers and dtypes that hold the same rows and labels in another way."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone

from .estimators import SAMPLERS, each_that_reads
from .nets import NETS, quick, table

X, Y = table()


@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_what_is_masked_is_missing(name):
    mask = X > 1
    masked = np.ma.masked_array(X, mask=mask)
    found = quick(name).fit(masked, Y).predict_proba(masked)
    gaps = np.where(mask, np.nan, X)
    assert_array_equal(found, quick(name).fit(gaps, Y).predict_proba(gaps))
    with pytest.raises(ValueError, match=f"no label in {mask[:, 0].sum()} rows"):
        quick(name).fit(X, np.ma.masked_array(Y, mask=mask[:, 0]))


def test_masked_integers_keep_their_digits():
    large = 2**60 + Y.astype(np.int64)
    masked = np.ma.masked_array(np.column_stack([large, Y]), mask=False)
    masked.mask[3, 1] = True
    with pytest.warns(UserWarning, match=r"Columns \[0\] hold integers beyond"):
        net = quick("net").fit(masked, Y)
    assert net.missing_share_[1] == 1 / len(Y)
    sampler = clone(SAMPLERS["remix"])
    found, _ = sampler.fit_resample(masked, Y)
    assert found[: len(Y), 0].tolist() == large.tolist()


def test_a_matrix_that_is_a_dict():
    expected = quick("net").fit(X, Y).predict_proba(X)
    for dok in (sparse.dok_array(X), sparse.dok_matrix(X)):
        assert_array_equal(quick("net").fit(dok, Y).predict_proba(dok), expected)


@pytest.mark.parametrize("dtype", ["Int64", "UInt8", "boolean", "int64[pyarrow]"])
def test_nullable_labels_stay_what_they_are(dtype):
    y = pd.Series(Y).astype(dtype)
    net = quick("net").fit(X, y)
    kind = "b" if dtype == "boolean" else "i"
    assert net.classes_.dtype.kind == net.predict(X).dtype.kind == kind
    assert_array_equal(net.classes_.astype(int), [0, 1])


@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]", "int64"])
def test_labels_beyond_float64_stay_apart(dtype):
    y = pd.Series(2**53 + Y, dtype=dtype)
    assert quick("net").fit(X, y).classes_.tolist() == [2**53, 2**53 + 1]


def test_text_of_variable_length():
    labels = np.array(["common", "rare"], dtype=np.dtypes.StringDType())[Y]
    net = quick("net").fit(X, labels)
    assert net.classes_.tolist() == ["common", "rare"]


@pytest.mark.parametrize(
    "label", [datetime.date(2024, 1, 1), decimal.Decimal(1), pd.Period("2024")]
)
def test_labels_that_are_no_labels_get_a_remedy(label):
    y = np.array([label] * len(Y), dtype=object)
    y[Y == 1] = type(label)(2) if isinstance(label, decimal.Decimal) else label
    with pytest.raises(ValueError, match=r"the first of type \w+, .*astype\(str\)"):
        quick("net").fit(X, y)


@pytest.mark.parametrize("container", ["array", "frame", "list", "objects"])
def test_integers_that_float64_merges_are_named(container):
    large = 2**60 + Y.astype(np.int64)
    integers = np.column_stack([np.arange(len(Y)), large])
    rows, name = {
        "array": (integers, 1),
        "frame": (pd.DataFrame({"a": X[:, 0], "id": large}), "id"),
        "list": (integers.tolist(), 1),
        "objects": (integers.astype(object), 1),
    }[container]
    with pytest.warns(UserWarning, match=rf"Columns \[{name!r}\] hold integers beyond"):
        quick("net").fit(rows, Y)


def test_integers_that_float64_tells_apart_pass():
    import warnings

    large = 2**60 + 2**20 * np.arange(len(Y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick("net").fit(np.column_stack([Y, large]), Y)
