"""Frames of any library in every net, and refusals that name columns and remedies."""

import datetime
import uuid
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from .estimators import each_that_reads
from .nets import NETS, quick, table

COLUMNS = list("abcdef")

BAD_COLUMNS = {
    "text": (
        ["x"] * 90,
        r"Columns \['bad'\] hold text. .*[Nn]ame them in categorical_features",
    ),
    "a date": (
        pd.date_range("2024-01-01", periods=90),
        r"Columns \['bad'\] hold dates.*days since a date",
    ),
    "a date with a zone": (
        pd.date_range("2024-01-01", periods=90, tz="UTC"),
        r"Columns \['bad'\] hold dates",
    ),
    "date objects": ([datetime.date(2024, 1, 1)] * 90, r"\['bad'\] hold dates"),
    "a time of day": ([datetime.time(9, 30)] * 90, r"\['bad'\] hold times of day"),
    "durations": (
        pd.to_timedelta(np.arange(90), unit="h"),
        r"\['bad'\] hold durations.*total_seconds",
    ),
    "identifiers": ([uuid.UUID(int=i) for i in range(90)], r"\['bad'\] hold UUIDs"),
    "bytes": ([b"x"] * 90, r"\['bad'\] hold bytes"),
    "lists": ([[1, 2]] * 90, r"\['bad'\] hold lists"),
    "categories": (
        pd.Categorical(["u", "v"] * 45),
        r"\['bad'\] hold .*[Nn]ame them in cat",
    ),
    "infinity": (np.r_[-np.inf, np.zeros(89)], "infinite.*1 in column 'bad'"),
}


@pytest.mark.parametrize("name", each_that_reads(NETS))
@pytest.mark.parametrize("case", BAD_COLUMNS)
def test_refusals_name_the_column_and_the_remedy(name, case):
    values, match = BAD_COLUMNS[case]
    X, y = table()
    frame = pd.DataFrame(X, columns=COLUMNS).assign(bad=values)
    net = quick(name).set_params(categorical_features=None)
    with pytest.raises(ValueError, match=match):
        net.fit(frame, y)


@pytest.mark.parametrize("case", BAD_COLUMNS)
@pytest.mark.parametrize("when", ["eval_set", "predict", "array"])
def test_refusals_elsewhere(case, when):
    values, match = BAD_COLUMNS[case]
    X, y = table()
    good = pd.DataFrame(X, columns=COLUMNS).assign(bad=0.0)
    bad = good.assign(bad=values)
    net = quick("net").set_params(categorical_features=None)
    with pytest.raises(ValueError, match=match.replace("'bad'", "('bad'|6)")):
        if when == "eval_set":
            net.fit(good, y, eval_set=(bad, y))
        elif when == "array":
            net.fit(bad.to_numpy(dtype=object), y)
        else:
            net.fit(good, y).predict(bad)


@pytest.mark.parametrize("chosen", [None, [], ["a"]])
def test_numbers_that_are_text_later(chosen):
    X, y = table()
    good = pd.DataFrame(X, columns=COLUMNS)
    net = quick("net", categorical_features=chosen).fit(good, y)
    with pytest.raises(ValueError, match=r"\['b'\] hold text. In training they held n"):
        net.predict(good.assign(b="u"))
    with pytest.raises(ValueError, match=r"\['b'\] hold text. Name them in cat"):
        quick("net", categorical_features=chosen).fit(good.assign(b="u"), y)


def test_text_in_an_array_of_text_needs_positions():
    X, y = table()
    with pytest.raises(ValueError, match="hold text. Name them in categorical"):
        quick("net").fit(X.astype(str), y)


@pytest.mark.parametrize("container", ["frame", "array"])
def test_that_columns_moved_is_said_before_what_they_hold(container):
    X, y = table()
    good = pd.DataFrame(X, columns=COLUMNS).assign(f=np.array(["u", "v", "w"])[y])
    cases = {
        "in the same order": good[COLUMNS[::-1]],
        "unseen at fit time": good.assign(g="u"),
        "seen at fit time, yet now missing": good[COLUMNS[1:]],
        "feature names should match": good.rename(columns={"a": "f", "f": "a"}),
    }
    if container == "array":
        good = good.to_numpy(object)
        cases = {"X has 7 features": np.column_stack([good, good[:, -1]])}
    net = quick("net").fit(good, y)
    for match, bad in cases.items():
        with pytest.raises(ValueError, match=match):
            net.predict(bad)


@pytest.mark.parametrize("name", each_that_reads(NETS))
@pytest.mark.parametrize("missing", [None, np.nan, pd.NA], ids=["None", "NaN", "NA"])
def test_a_missing_label_is_refused_by_its_position(name, missing):
    X, y = table()
    labels = np.array(["common", "rare"], dtype=object)[y]
    labels[5] = missing
    with pytest.raises(ValueError, match="no label in 1 row .*position 5"):
        quick(name).fit(X, labels)


def frames(X):
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    frame = pd.DataFrame(X, columns=COLUMNS).astype({"b": int})
    yield polars.from_pandas(frame)
    yield pyarrow.Table.from_pandas(frame)


@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_frames_of_other_libraries(name):
    X, y = table()
    frame = pd.DataFrame(X, columns=COLUMNS)
    reference = quick(name).fit(frame, y)
    proba = reference.predict_proba(frame)
    for other in frames(X):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Few epochs are too few for an average, which is another matter.
            warnings.filterwarnings(
                "ignore", message="Weights are averaged over a single"
            )
            net = quick(name).fit(other, y)
            assert_array_equal(net.predict_proba(other), proba)
            assert_array_equal(net.predict_proba(frame), proba)
        assert_array_equal(net.feature_names_in_, COLUMNS)
        with pytest.raises(ValueError, match="feature names"):
            net.predict(frame[COLUMNS[::-1]])


def test_labels_and_validation_rows_of_polars():
    polars = pytest.importorskip("polars")
    X, y = table()
    rows = polars.DataFrame(X, schema=COLUMNS)
    labels = polars.Series("y", np.array(["common", "rare"])[y])
    net = quick("net").fit(rows, labels, eval_set=(rows, labels))
    assert net.classes_.tolist() == ["common", "rare"]
    assert set(net.predict(rows)) <= {"common", "rare"}


@pytest.mark.parametrize(
    "values, match",
    [
        (["x"] * 90, "hold text"),
        ([datetime.date(2024, 1, 1)] * 90, "hold dates.*days since"),
        ([datetime.timedelta(1)] * 90, "hold durations"),
        ([[1, 2]] * 90, "hold lists"),
        ([b"x"] * 90, "hold bytes"),
    ],
)
def test_refusals_of_polars_frames(values, match):
    polars = pytest.importorskip("polars")
    X, y = table()
    frame = polars.DataFrame(X, schema=COLUMNS).with_columns(bad=polars.Series(values))
    net = quick("net").set_params(categorical_features=None)
    with pytest.raises(ValueError, match=match):
        net.fit(frame, y)
    with pytest.raises(ValueError, match="collect"):
        quick("net").fit(frame.lazy(), y)


def test_a_net_that_is_not_fitted_says_so_before_it_looks_at_rows():
    with pytest.raises(NotFittedError):
        quick("net").predict(pd.DataFrame({"a": ["text"]}))
