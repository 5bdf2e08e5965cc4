"""Dates of every kind of frame become days, and the one to start with takes them."""

from datetime import date, datetime, timedelta

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.tree import DecisionTreeClassifier

from imbdeep import ImbalancedClassifier
from imbdeep._tables.dates import DateColumns

to_days = DateColumns().fit_transform
NOON = datetime(1970, 1, 3, 12)
DAY = date(1970, 1, 3)
EARLY, LATE = date(1700, 3, 1), date(2200, 3, 1)
TIMES = pd.Series([NOON, None])

# The first column of a frame, and the days that it holds.
FRAMES = {
    "seconds": (pd.DataFrame({"a": TIMES.astype("datetime64[s]")}), [2.5, np.nan]),
    "nanoseconds": (pd.DataFrame({"a": TIMES.astype("datetime64[ns]")}), [2.5, np.nan]),
    "zone": (
        pd.DataFrame({"a": TIMES.dt.tz_localize("Asia/Tokyo")}),
        [2.5 - 9 / 24, np.nan],
    ),
    "months": (pd.DataFrame({"a": TIMES.dt.to_period("M")}), [0, np.nan]),
    "objects": (pd.DataFrame({"a": pd.Series([DAY, None], dtype=object)}), [2, np.nan]),
    "far": (
        pd.DataFrame({"a": pd.Series([EARLY, LATE], dtype=object)}),
        [(EARLY - date(1970, 1, 1)).days, (LATE - date(1970, 1, 1)).days],
    ),
    "numpy": (
        pd.DataFrame({"a": np.array(["1970-01-02", "NaT"], "datetime64[D]")}),
        [1, np.nan],
    ),
    "pyarrow in pandas": (
        pd.DataFrame({"a": pd.Series([DAY, None], dtype="date32[pyarrow]")}),
        [2, np.nan],
    ),
    "polars": (pl.DataFrame({"a": [NOON, None]}), [2.5, np.nan]),
    "polars days": (pl.DataFrame({"a": [DAY, None]}), [2, np.nan]),
    "polars zone": (
        pl.DataFrame({"a": pl.Series([NOON, None]).dt.replace_time_zone("Asia/Tokyo")}),
        [2.5 - 9 / 24, np.nan],
    ),
    "pyarrow": (pa.table({"a": pa.array([NOON, None])}), [2.5, np.nan]),
    "pyarrow days": (pa.table({"a": pa.array([DAY, None])}), [2, np.nan]),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_dates_of_every_kind_become_days(kind):
    frame, days = FRAMES[kind]
    made = to_days(frame)
    assert type(made) is type(frame)
    assert_allclose(nw.from_native(made)["a"].to_numpy(), days)


def test_what_has_no_dates_passes():
    for X in (np.ones((2, 1)), pd.DataFrame({"a": [1]}), [[DAY]], None):
        assert to_days(X) is X


def test_other_columns_stay_as_they_are():
    index = pd.Index([7, 3], name="row")
    names = pd.Index(["a", 1, "b", "c"], name="column")
    frame = pd.DataFrame(
        {"a": ["x", None], 1: TIMES, "b": [1, 2], "c": pd.Categorical(["u", "v"])}
    )
    frame = frame.set_axis(index).set_axis(names, axis=1)
    made = to_days(frame)
    others = ["a", "b", "c"]
    pd.testing.assert_frame_equal(made[others], frame[others])
    pd.testing.assert_index_equal(made.columns, names)
    assert made[1].dtype == np.float64
    assert frame[1].dtype.kind == "M"
    made = to_days(pl.DataFrame({"a": ["x", None], "b": [NOON, None]}))
    assert made.columns == ["a", "b"]
    assert made["a"].to_list() == ["x", None]


def orders(n=150):
    """Rows of which those of the last month are rare and of another class."""
    rng = np.random.default_rng(0)
    days = rng.integers(0, 300, n)
    start = datetime(2025, 1, 1)
    X = pd.DataFrame(
        {
            "id": np.arange(n),
            "since": [start + timedelta(int(day)) for day in days],
            "plan": rng.choice(["a", "b", None], n),
        }
    )
    return X, np.where(days > 260, "late", "early"), days


def fitted(X, y):
    learners = [("tree", DecisionTreeClassifier(random_state=0))]
    return ImbalancedClassifier(learners, random_state=0).fit(X, y)


def test_the_one_to_start_with_takes_dates():
    X, y, days = orders()
    start = (date(2025, 1, 1) - date(1970, 1, 1)).days
    model = fitted(X, y)
    proba = model.predict_proba(X)
    by_hand = X.assign(since=days + start)
    assert_array_equal(proba, fitted(by_hand, y).predict_proba(by_hand))
    assert proba[y == "late", 1].min() > proba[y == "early", 1].max()
    missing = X.assign(since=pd.Series([pd.NaT] * len(X)))
    assert np.isfinite(model.predict_proba(missing)).all()


def test_dates_of_another_library_are_the_same():
    X, y, _ = orders()
    model = fitted(X, y)
    other = pl.from_pandas(X)
    assert_array_equal(model.predict_proba(other), model.predict_proba(X))


def test_rows_in_a_dict():
    X, y, _ = orders(60)
    model = fitted({"X": X}, y)
    assert_array_equal(model.predict_proba({"X": X}), model.predict_proba(X))


MIXED = {
    "text": [DAY, "unknown"],
    "text that could be read": [DAY, "1970-01-03"],
    "numbers": [DAY, 5],
}


@pytest.mark.parametrize("kind", MIXED)
def test_dates_among_other_things_are_refused(kind):
    frame = pd.DataFrame({"a": pd.Series([*MIXED[kind], None, np.nan], dtype=object)})
    with pytest.raises(ValueError, match=r"Columns \['a'\] hold dates and "):
        to_days(frame)


def test_periods_of_several_lengths_are_refused():
    periods = [pd.Period("2020", "M"), pd.Period("2020", "D")]
    frame = pd.DataFrame({"a": pd.Series(periods, dtype=object)})
    with pytest.raises(ValueError, match="hold dates of several types"):
        to_days(frame)


def test_intervals_are_no_dates():
    breaks = pd.date_range("2020", periods=4)
    for ends in (breaks, np.arange(4.0)):
        X = pd.DataFrame({"a": pd.arrays.IntervalArray.from_breaks(ends)})
        with pytest.raises(ValueError, match=r"\['a'\] hold objects of type Interval"):
            fitted(X, ["a", "b", "b"])


@pytest.mark.parametrize(
    ("since", "message"),
    [
        (lambda days: days, r"\['since'\] hold numbers. In training they held dates"),
        (lambda days: days.astype(str), r"hold text. In training they held dates"),
    ],
    ids=["numbers", "text"],
)
def test_dates_have_to_stay_dates(since, message):
    X, y, days = orders(60)
    other = X.assign(since=since(days))
    with pytest.raises(ValueError, match=message):
        fitted(X, y).predict(other)
    with pytest.raises(ValueError, match=r"hold dates. In training they held none"):
        fitted(other, y).predict(X)


def test_columns_that_moved_are_named_before_their_dates():
    X, y, _ = orders(60)
    with pytest.raises(ValueError, match="same order"):
        fitted(X, y).predict(X[["since", "plan", "id"]])
    with pytest.raises(ValueError, match=r"no data frame, .* columns \['since'\] held"):
        fitted(X, y).predict(X[["id"]].to_numpy())


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NaT], ids=repr)
def test_a_column_without_a_value_may_hold_dates(nothing):
    X, y, _ = orders(60)
    empty = X.assign(since=nothing)
    assert np.isfinite(fitted(X, y).predict_proba(empty)).all()
    assert np.isfinite(fitted(empty, y).predict_proba(X)).all()
