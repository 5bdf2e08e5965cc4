"""Corruptions of tables: what they change, by how much, and in which containers."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from imbdeep.datasets import TABLE_CORRUPTIONS, corrupt_table

N = 3_000
names = pytest.mark.parametrize("name", TABLE_CORRUPTIONS)
severities = pytest.mark.parametrize("severity", [1, 3, 5])
SHARES = {1: 0.05, 3: 0.2, 5: 0.5}


def numbers(n=N, seed=0):
    rng = np.random.RandomState(seed)
    return rng.normal(size=(n, 3)) * [1, 10, 0.1] + [0, 50, 3]


def frame(n=200):
    rng = np.random.RandomState(0)
    return pd.DataFrame(
        {
            "age": rng.randint(18, 90, size=n),
            "income": rng.normal(30, 9, size=n).astype(np.float32),
            "city": pd.Categorical(rng.choice(["Ulm", "Bonn", "Köln"], size=n)),
            "note": rng.choice(["a", "b"], size=n),
            "ok": rng.uniform(size=n) < 0.3,
            "visits": pd.array([None, *rng.randint(9, size=n - 1)], dtype="Int64"),
            "day": pd.date_range("2020-01-01", periods=n),
        },
        index=np.arange(n) + 7,
    )


# --- How much ------------------------------------------------------------------------


@severities
def test_noise_has_the_deviation_of_the_reference(severity):
    X, scale = numbers(), {1: 0.1, 3: 0.3, 5: 1.0}[severity]
    made = corrupt_table(X, "gaussian_noise", severity, random_state=0)
    assert_allclose((made - X).std(0), scale * X.std(0), rtol=0.05)
    assert_allclose((made - X).mean(0) / X.std(0), 0, atol=4 * scale / N**0.5)
    wide = corrupt_table(X, "gaussian_noise", severity, reference=7 * X, random_state=0)
    assert_allclose(wide - X, 7 * (made - X), rtol=1e-6, atol=1e-9)


@severities
def test_a_share_of_all_cells_is_missing(severity):
    X = numbers()
    made = corrupt_table(X, "missing_cells", severity, random_state=0)
    gone = np.isnan(made)
    assert_allclose(gone.mean(0), SHARES[severity], atol=0.04)
    assert_array_equal(made[~gone], X[~gone])


@severities
def test_cells_change_places_within_their_column(severity):
    X = numbers()
    made = corrupt_table(X, "swapped_cells", severity, random_state=0)
    assert_array_equal(np.sort(made, axis=0), np.sort(X, axis=0))
    assert_allclose((made != X).mean(0), SHARES[severity], atol=0.04)
    # Each column by itself.
    moved = made != X
    assert_allclose(
        (moved[:, 0] & moved[:, 1]).mean(), SHARES[severity] ** 2, atol=0.03
    )


@severities
def test_columns_move_as_a_whole(severity):
    X, shift = numbers(), {1: 0.1, 3: 0.5, 5: 2.0}[severity]
    signs = set()
    for seed in range(5):
        made = corrupt_table(X, "shifted_columns", severity, random_state=seed)
        moves = (made - X) / X.std(0)
        assert_allclose(moves, np.broadcast_to(moves[0], moves.shape), atol=1e-9)
        assert_allclose(np.abs(moves[0]), shift)
        signs |= {tuple(np.sign(moves[0]))}
    assert len(signs) > 1


@severities
def test_columns_are_multiplied_or_divided(severity):
    X, factor = numbers(), {1: 1.05, 3: 1.25, 5: 2.0}[severity]
    ratios = [
        corrupt_table(X, "scaled_columns", severity, random_state=seed) / X
        for seed in range(5)
    ]
    for ratio in ratios:
        assert_allclose(ratio, np.broadcast_to(ratio[0], ratio.shape))
        assert_allclose(np.abs(np.log(ratio[0])), np.log(factor))
    assert len({tuple(ratio[0].round(2)) for ratio in ratios}) > 1


@severities
def test_levels_are_those_of_other_rows(severity):
    X = frame(2_000)
    made = corrupt_table(X, "level_noise", severity, random_state=0)
    for name in ("city", "note", "ok"):
        # A drawn level may be the own one.
        same = (X[name].value_counts(normalize=True) ** 2).sum()
        changed = (made[name].astype(object) != X[name].astype(object)).mean()
        assert_allclose(changed, SHARES[severity] * (1 - same), atol=0.035)
        assert made[name].dtype == X[name].dtype
    for name in ("age", "income", "visits", "day"):
        pd.testing.assert_series_equal(made[name], X[name])
    one = X.assign(city=pd.Categorical(["Bonn"] * len(X), X["city"].cat.categories))
    made = corrupt_table(X, "level_noise", 5, reference=one, random_state=0)
    assert (made["city"] == "Bonn").mean() > (X["city"] == "Bonn").mean() + 0.2


@names
def test_more_severity_changes_more(name):
    X = frame(1_000)
    numeric = ["age", "income"]

    def changed(severity):
        made = corrupt_table(X, name, severity, random_state=0)
        if name in ("missing_cells", "swapped_cells", "level_noise"):
            return (made.astype(object) != X.astype(object)).to_numpy().mean()
        return ((made[numeric] - X[numeric]).abs() / X[numeric].std()).to_numpy().mean()

    assert (np.diff([changed(severity) for severity in range(1, 6)]) > 0).all()


# --- Containers ----------------------------------------------------------------------


@names
def test_frames_stay_frames_and_a_seed_decides(name):
    X = frame()
    before = X.copy(deep=True)
    made = corrupt_table(X, name, 4, random_state=3)
    pd.testing.assert_frame_equal(X, before)
    pd.testing.assert_index_equal(made.index, X.index, exact=True)
    pd.testing.assert_index_equal(made.columns, X.columns, exact=True)
    expected = X.dtypes
    if name == "missing_cells":
        expected = X.assign(age=X["age"] * 1.0, ok=X["ok"] * 1.0).dtypes
    pd.testing.assert_series_equal(made.dtypes, expected)
    pd.testing.assert_frame_equal(corrupt_table(X, name, 4, random_state=3), made)
    others = [corrupt_table(X, name, 4, random_state=seed) for seed in (4, 5, 6)]
    assert not all(made.equals(other) for other in others)
    if name not in ("missing_cells", "swapped_cells"):
        pd.testing.assert_series_equal(made["day"], X["day"])
        assert made["visits"].isna().sum() == 1


@names
def test_frames_of_polars_get_the_same(name):
    X = frame()
    made = corrupt_table(pl.from_pandas(X), name, 4, random_state=3)
    assert made.schema == pl.from_pandas(X).schema
    expected = corrupt_table(X, name, 4, random_state=3)
    for column in X:
        # Gaps among floats are NaN, others are null.
        pair = made[column].to_list(), expected[column].tolist()
        own, other = ([None if pd.isna(x) else x for x in side] for side in pair)
        assert own == other


@names
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int8])
def test_arrays_keep_their_dtype(name, dtype):
    X = (10 * numbers(60)).clip(-120, 120).astype(dtype)
    levels = [0] if name == "level_noise" else "auto"
    told = {"categorical_features": levels, "random_state": 0}
    made = corrupt_table(X, name, 5, **told)
    is_whole = np.dtype(dtype).kind == "i"
    gappy = name == "missing_cells"
    assert made.dtype == (np.float64 if gappy and is_whole else dtype)
    assert np.isnan(made).any() == gappy
    assert not np.array_equal(made, X)
    if name == "level_noise":
        assert_array_equal(made[:, 1:], X[:, 1:])


def test_large_integers_keep_their_digits():
    X = np.arange(40).reshape(20, 2) + 2**62
    made = corrupt_table(X, "swapped_cells", 5, random_state=0)
    assert_array_equal(np.sort(made, axis=0), X)


def test_objects_lists_and_booleans():
    rows = [[1.5, "a"], [2.5, "b"], [9.0, "a"]] * 20
    made = corrupt_table(rows, "gaussian_noise", 5, random_state=0)
    assert made.dtype == object
    assert made[:, 1].tolist() == [row[1] for row in rows]
    made = corrupt_table(rows, "missing_cells", 5, random_state=0)
    assert 20 < sum(value is None for value in made.ravel()) < 100
    flags = np.random.RandomState(0).uniform(size=(50, 2)) < 0.5
    made = corrupt_table(flags, "level_noise", 5, random_state=0)
    assert made.dtype == bool and (made != flags).any()


def test_gaps_stay_gaps():
    X = numbers(50)
    X[::3, 1] = X[:, 2] = np.nan
    for name in ("gaussian_noise", "shifted_columns", "scaled_columns"):
        made = corrupt_table(X, name, 5, random_state=0)
        assert_array_equal(np.isnan(made), np.isnan(X))


# --- What is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"corruption": "fog"}, r"corruption must be one of \['gaussian_noise'"),
        ({"severity": 6}, "severity must be"),
        ({"X": sparse.csr_array(numbers(9))}, r"dense array .* csr_array.*toarray\(\)"),
        ({"X": np.zeros((2, 3, 4, 4))}, "For images take corrupt_images"),
        ({"X": numbers(9)[:0]}, r"rows and columns, got shape \(0, 3\)"),
        ({"corruption": "level_noise"}, "no column of any. Name those"),
        ({"X": np.array([["a"], ["b"]], dtype=object)}, "changes numbers, and X has"),
        ({"reference": numbers(9)[:, :2]}, "reference has 2 columns .* 3 columns of X"),
        ({"reference": pd.DataFrame(numbers(9))}, "not the 3 columns of X"),
        ({"categorical_features": [7]}, "categorical_features"),
    ],
    ids=lambda told: "-".join(told) if isinstance(told, dict) else "",
)
def test_what_cannot_be_corrupted(told, message):
    told = {"X": numbers(9), "corruption": "gaussian_noise"} | told
    with pytest.raises(ValueError, match=message):
        corrupt_table(**told)
