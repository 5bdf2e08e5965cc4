"""Encoding rows for a net, against plain loops and scikit-learn, and back."""

import math
import pickle
import re
import statistics

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler

from imbdeep._generative import ImageCodec, TableCodec
from imbdeep._generative.categories import most_likely_missing
from tests.common.slow import half_of

SCALINGS = ["minmax", "standard", "quantile"]
EPS = np.finfo(float).eps


def numbers(n=200, d=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def mixed():
    """Numbers and categories, as they come out of a data frame."""
    rng = np.random.default_rng(1)
    n = 40
    return np.array(
        [
            rng.normal(size=n).tolist(),
            rng.choice(["Ulm", "Bonn", "Köln"], size=n).tolist(),
            rng.integers(18, 90, size=n).tolist(),
            rng.choice([True, False], size=n).tolist(),
            rng.choice([3, 5, 11], size=n).tolist(),
        ],
        dtype=object,
    ).T


def encode_by_loops(X, scaling, categorical):
    """What is to be encoded, value by value."""
    n, d = X.shape
    rows = [[] for _ in range(n)]
    for column in range(d):
        values = [X[i, column] for i in range(n)]
        if column in categorical or min(values) == max(values):
            continue
        for row, value in zip(rows, values, strict=True):
            if scaling == "minmax":
                row.append((value - min(values)) / (max(values) - min(values)))
            elif scaling == "standard":
                mean = statistics.fmean(values)
                row.append((value - mean) / statistics.pstdev(values))
            else:
                # With at most 1,000 values that all differ, a quantile is a rank.
                share = sorted(values).index(value) / (n - 1)
                share = min(max(share, 1e-7), 1 - 1e-7)
                row.append(statistics.NormalDist().inv_cdf(share))
    for column in categorical:
        categories = sorted(set(X[:, column]))
        if len(categories) == 1:
            continue
        for row, value in zip(rows, X[:, column], strict=True):
            row.extend(float(value == category) for category in categories)
    return np.array(rows)


def largest_error(X, scaling):
    """The bound that TableCodec states for what comes back, for each value."""
    spread = np.ptp(X, axis=0)
    slack = 4 * EPS * np.abs(X).max(0)
    if scaling == "minmax":
        return 2**-25 * spread + slack
    if scaling == "standard":
        return 2**-24 * np.abs(X - X.mean(0)) + slack
    # The distances around a value: of the interval it lies in, and of both neighbours.
    n_quantiles = min(1000, len(X))
    quantiles = np.quantile(X, np.linspace(0, 1, n_quantiles), axis=0)
    bounds = np.empty(X.shape)
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            gaps = np.diff(quantiles[:, j])
            first = np.searchsorted(quantiles[:, j], X[i, j], side="left")
            last = np.searchsorted(quantiles[:, j], X[i, j], side="right")
            around = gaps[max(first - 2, 0) : last + 1]
            bounds[i, j] = 2**-26 * n_quantiles * around.max()
    return bounds + slack


def check_round_trip(X, scaling, clip=True):
    encoding = TableCodec(scaling=scaling).fit(X)
    made = encoding.decode(encoding.encode(X), clip=clip)
    assert made.dtype == np.float64
    X = X.astype(float)
    assert (np.abs(made - X) <= largest_error(X, scaling)).all()


# --- Encoding ------------------------------------------------------------------------


@pytest.mark.parametrize("scaling", SCALINGS)
def test_numbers_against_loops(scaling):
    X = numbers() * [1, 1e-3, 1e4, 7] + [0, 5, -3e4, 0]
    encoding = TableCodec(scaling=scaling).fit(X)
    rows = encoding.encode(X)
    assert rows.dtype == np.float32
    # At 5.2 the normal distribution is so flat that 1e-7 of it is wide.
    atol = 2e-4 if scaling == "quantile" else 1e-6
    assert_allclose(rows, encode_by_loops(X, scaling, []), rtol=1e-6, atol=atol)
    assert (encoding.n_numeric_, encoding.n_outputs_) == (4, 4)
    assert encoding.category_sizes_ == []


@pytest.mark.parametrize(
    ("scaling", "scaler"),
    [
        ("minmax", MinMaxScaler()),
        ("standard", StandardScaler()),
        (
            "quantile",
            QuantileTransformer(
                n_quantiles=1000, output_distribution="normal", subsample=None
            ),
        ),
    ],
)
def test_numbers_against_sklearn(scaling, scaler):
    X = np.column_stack(
        [
            numbers(3000, 2),
            np.random.default_rng(1).lognormal(size=3000),
            np.random.default_rng(2).integers(0, 6, size=3000),
        ]
    )
    encoding = TableCodec(scaling=scaling).fit(X)
    assert_allclose(encoding.encode(X), scaler.fit_transform(X), rtol=1e-6, atol=1e-3)
    scaled = np.random.default_rng(3).normal(size=(50, 4)).astype(np.float32)
    expected = scaler.inverse_transform(scaled.astype(float))
    assert_allclose(encoding.decode(scaled, clip=False), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_mixed_table_against_loops(scaling):
    X = mixed()[:, [0, 1, 0, 3, 4]]
    X[:, 2] = X[:, 2] ** 3
    encoding = TableCodec(scaling=scaling, categorical=[4, 1, 3]).fit(X)
    expected = encode_by_loops(X, scaling, [1, 3, 4])
    assert_allclose(encoding.encode(X), expected, rtol=1e-6, atol=2e-4)
    assert encoding.n_numeric_ == 2
    assert encoding.category_sizes_ == [3, 2, 3]
    assert encoding.n_outputs_ == expected.shape[1] == 10


@pytest.mark.parametrize(
    ("scaling", "bounded"), [("minmax", True), ("standard", False), ("quantile", False)]
)
def test_bounded(scaling, bounded):
    X = numbers() * 1e3 + 1e6
    encoding = TableCodec(scaling=scaling).fit(X)
    rows = encoding.encode(X)
    assert encoding.bounded_ is bounded
    assert (rows.min() >= 0 and rows.max() <= 1) == bounded


def test_ends_of_the_box_are_0_and_1_exactly():
    # A scale of 1 / range and a shift would give 0.99999 or 1.00001 here.
    X = 1e9 + numbers(500, 20) * 1e-3
    rows = TableCodec().fit(X).encode(X)
    assert_array_equal(rows.min(0), 0)
    assert_array_equal(rows.max(0), 1)


def test_new_rows_use_what_was_fitted():
    X = np.array([[0.0], [10.0], [4.0]])
    new = np.array([[5.0], [20.0], [-10.0]])
    rows = TableCodec().fit(X).encode(new)
    assert_allclose(rows, [[0.5], [2], [-1]])
    mean, scale = 14 / 3, math.sqrt(((14 / 3) ** 2 + (16 / 3) ** 2 + (2 / 3) ** 2) / 3)
    rows = TableCodec("standard").fit(X).encode(new)
    assert_allclose(rows, (new - mean) / scale, rtol=1e-6)
    rows = TableCodec("quantile").fit(X).encode(new)
    # 5 is a sixth of the way from the median, 4, to the end.
    middle = statistics.NormalDist().inv_cdf(0.5 + 0.5 / 6)
    assert_allclose(rows, [[middle], [5.199], [-5.199]], atol=1e-3)


def test_quantiles_are_the_same_each_time_and_draw_nothing():
    X = numbers(20_000, 1)
    state = np.random.get_state()[1].copy()
    first, second = (TableCodec("quantile").fit(X).encode(X) for _ in range(2))
    assert_array_equal(first, second)
    assert_array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_the_fitted_rows_are_left_as_they_are(scaling):
    for X, categorical in [(numbers(), [0]), (mixed(), [1, 3])]:
        if X.dtype != object:
            X[:, 0] = X[:, 0] > 0
        before = X.copy()
        encoding = TableCodec(scaling, categorical, integer=[2] * (X.shape[1] > 4))
        rows = encoding.fit(X).encode(X)
        copy = rows.copy()
        encoding.decode(rows, clip=True)
        assert_array_equal(X, before)
        assert_array_equal(rows, copy)


# --- There and back ------------------------------------------------------------------

COLUMNS = {
    "normal": numbers(2500, 3),
    "large offset": 1e9 + numbers(2500, 3) * 1e-3,
    "negative offset": numbers(2500, 3) * 1e-2 - 1e12,
    "tiny": np.random.default_rng(0).random((2500, 2)) * 1e-25,
    "barely above 0": np.random.default_rng(0).random((2500, 2)) * 2e-300,
    "huge": numbers(2500, 2) * 1e299,
    "heavy tails": np.random.default_rng(0).standard_cauchy((2500, 3)),
    "skewed": np.random.default_rng(0).lognormal(sigma=7, size=(2500, 3)),
    "binary": np.random.default_rng(0).integers(0, 2, (2500, 3)),
    "few values": np.random.default_rng(0).integers(-3, 3, (2500, 3)),
    "mostly 0": numbers(2500, 3) * (np.random.default_rng(1).random((2500, 3)) < 0.1),
    "one that differs": np.eye(2500)[:, :2] + 1e6,
    "two rows": np.array([[1.0, -7.0], [2.0, 1e5]]),
    "float32": numbers(2500, 3).astype(np.float32),
    "float16": numbers(2500, 3).astype(np.float16),
    "integers": np.random.default_rng(0).integers(-(2**40), 2**40, (2500, 3)),
}


@half_of(name=COLUMNS, scaling=SCALINGS, clip=[True, False])
def test_numbers_come_back(name, scaling, clip):
    check_round_trip(COLUMNS[name], scaling, clip)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_one_feature(scaling):
    check_round_trip(numbers(50, 1), scaling)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_5000_features(scaling):
    X = numbers(20, 5000)
    X[:, ::50] = 3.25
    encoding = TableCodec(scaling).fit(X)
    assert encoding.n_outputs_ == 4900
    made = encoding.decode(encoding.encode(X), clip=True)
    assert_allclose(made, X, atol=1e-5)
    assert_array_equal(made[:, ::50], X[:, ::50])


@pytest.mark.parametrize("scaling", SCALINGS)
def test_numbers_of_every_size_in_one_encoding(scaling):
    # No column may suffer from its neighbours.
    X = numbers(300, 7) * 10.0 ** np.arange(-90, 100, 30) + [0, 0, 0, 1e9, 0, 0, 0]
    check_round_trip(X, scaling)


@pytest.mark.parametrize("scaling", ["minmax", "standard"])
@pytest.mark.parametrize(
    "X", [COLUMNS["tiny"], COLUMNS["large offset"], COLUMNS["barely above 0"]]
)
def test_no_column_that_varies_is_taken_for_constant(X, scaling):
    rows = TableCodec(scaling).fit(X).encode(X)
    assert (np.ptp(rows, axis=0) > 0.9).all()
    if scaling == "standard":
        assert_allclose(rows.std(0), 1, rtol=1e-4)


def test_quantiles_of_small_numbers_are_told_apart():
    # QuantileTransformer to normal numbers would take all of these for its lower end.
    X = np.append(np.linspace(0, 1e-8, 99), 1e9)[:, None]
    rows = TableCodec("quantile").fit(X).encode(X)
    assert (np.diff(rows[:, 0]) > 0).all()


@pytest.mark.parametrize("scaling", SCALINGS)
def test_mixed_table_comes_back(scaling):
    X = mixed()
    encoding = TableCodec(scaling, categorical=[1, 3, 4], integer=[2]).fit(X)
    made = encoding.decode(encoding.encode(X), clip=True)
    assert made.dtype == object
    assert made[:, 1:].tolist() == X[:, 1:].tolist()
    # The very categories: True is no 1.0, and 3 stays an int.
    assert [type(value) for value in made[0, [1, 3, 4]]] == [str, bool, int]
    assert_allclose(made[:, 0].astype(float), X[:, 0].astype(float), atol=1e-5)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_categories_alone(scaling):
    X = mixed()[:, [1, 4]]
    encoding = TableCodec(scaling, categorical=[0, 1]).fit(X)
    rows = encoding.encode(X)
    assert (encoding.n_numeric_, rows.shape) == (0, (40, 6))
    assert_array_equal(np.unique(rows), [0, 1])
    assert_array_equal(rows[:, :3].sum(1), 1)
    assert_array_equal(rows[:, 3:].sum(1), 1)
    assert encoding.decode(rows, clip=True).tolist() == X.tolist()


def test_category_that_is_seen_once():
    X = np.array([["a"], ["b"], ["a"], ["a"]], dtype=object)
    encoding = TableCodec(categorical=[0]).fit(X)
    assert encoding.encode(X).tolist() == [[1, 0], [0, 1], [1, 0], [1, 0]]
    assert encoding.decode([[0.4, 0.6]], clip=True).tolist() == [["b"]]


def test_category_of_a_block_is_its_largest():
    X = np.array([[1.0, 2.0], [2.0, 3.0], [9.0, 7.0]])
    encoding = TableCodec(categorical=[0, 1]).fit(X)
    rows = [[0.2, 0.3, 0.5, 0.9, 0.1, 0.0], [-1, -2, -3, 0, 5, 4], [0, 0, 0, 0, 0, 0]]
    expected = [[9, 2], [1, 3], [1, 2]]
    assert encoding.decode(rows, clip=True).tolist() == expected


def test_categories_that_are_numbers():
    X = np.column_stack([[0.5, -3, 1e300, 0.5], [0, 2, 4, 8]])
    encoding = TableCodec(categorical=[0]).fit(X)
    assert encoding.encode(X)[:, 1:].tolist() == [
        [0, 1, 0],
        [1, 0, 0],
        [0, 0, 1],
        [0, 1, 0],
    ]
    made = encoding.decode(encoding.encode(X), clip=True)
    assert made.dtype == np.float64
    assert_array_equal(made, X)


def test_categories_without_an_order_stand_as_they_appear():
    X = np.array([["b"], [7], ["a"], [7]], dtype=object)
    encoding = TableCodec(categorical=[0]).fit(X)
    assert encoding.encode(X).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]
    assert encoding.decode(encoding.encode(X), clip=True).tolist() == X.tolist()


def test_categories_do_not_depend_on_the_order_of_rows():
    X = mixed()
    encodings = [TableCodec(categorical=[1, 3, 4]).fit(rows) for rows in (X, X[::-1])]
    assert_array_equal(*[encoding.encode(X) for encoding in encodings])


def test_text_of_fixed_width():
    X = np.array([["a", "long"], ["bc", "x"]])
    encoding = TableCodec(categorical=[0, 1]).fit(X)
    made = encoding.decode(encoding.encode(X)[::-1], clip=True)
    assert made.dtype == object
    assert made.tolist() == [["bc", "x"], ["a", "long"]]


@pytest.mark.parametrize("dtype", ["str", "string", object, "category"])
def test_text_of_pandas(dtype):
    frame = pd.DataFrame({"city": ["Ulm", "Bonn", "Ulm"], "x": [0.5, 1.5, 0.75]})
    X = frame.astype({"city": dtype}).to_numpy()
    encoding = TableCodec(categorical=[0]).fit(X)
    rows = encoding.encode(X)
    assert_array_equal(rows, [[0, 0, 1], [1, 1, 0], [0.25, 0, 1]])
    assert encoding.decode(rows, clip=True).tolist() == X.tolist()


def test_nullable_numbers_of_pandas():
    frame = pd.DataFrame(
        {
            "count": pd.array([1, 5, 3], dtype="Int16"),
            "flag": pd.array([True, False, True], dtype="boolean"),
            "share": pd.array([0.5, 0.25, 0.0], dtype="Float32"),
        }
    )
    X = frame.to_numpy()
    assert X.dtype == object
    encoding = TableCodec(categorical=[1], integer=[0]).fit(X)
    rows = encoding.encode(X)
    assert_array_equal(rows, [[0, 1, 0, 1], [1, 0.5, 1, 0], [0.5, 0, 0, 1]])
    assert encoding.decode(rows, clip=True).tolist() == X.tolist()


@pytest.mark.parametrize("categorical", [[], [0, 1]])
def test_booleans(categorical):
    X = np.array([[True, False], [False, False], [True, True]])
    encoding = TableCodec(categorical=categorical).fit(X)
    rows = encoding.encode(X)
    assert rows.shape == (3, 4 if categorical else 2)
    assert_array_equal(encoding.decode(rows, clip=True), X)


def test_numbers_in_objects():
    X = np.array([[1, 0.5], [np.float32(2.5), True], [np.int8(3), False]], dtype=object)
    encoding = TableCodec().fit(X)
    assert_array_equal(encoding.encode(X), [[0, 0.5], [0.75, 1], [1, 0]])
    made = encoding.decode(encoding.encode(X), clip=True)
    assert made.dtype == object
    assert made.tolist() == X.tolist()


# --- The box, and whole numbers ------------------------------------------------------


@pytest.mark.parametrize("scaling", SCALINGS)
def test_clip(scaling):
    X = numbers(100, 3) * [1, 1e-6, 1e6]
    encoding = TableCodec(scaling).fit(X)
    far = np.array([[99.0] * 3, [-99.0] * 3, [0.5] * 3], dtype=np.float32)
    made = encoding.decode(far, clip=True)
    assert_array_equal(made[0], X.max(0))
    assert_array_equal(made[1], X.min(0))
    assert ((made[2] > X.min(0)) & (made[2] < X.max(0))).all()
    assert_array_equal(encoding.decode(far, clip=False)[2], made[2])


@pytest.mark.parametrize("scaling", ["minmax", "standard"])
def test_without_clip_numbers_leave_the_box(scaling):
    X = np.array([[0.0], [10.0]])
    made = TableCodec(scaling).fit(X).decode([[3.0], [-2.0]], clip=False)
    expected = [[30], [-20]] if scaling == "minmax" else [[20], [-5]]
    assert_allclose(made, expected)


@pytest.mark.parametrize("clip", [True, False])
def test_whole_numbers(clip):
    X = np.array([[0, 0.0], [10, 1.0]])
    encoding = TableCodec(integer=[0]).fit(X)
    rows = [[0.26, 0.26], [0.24, 0.24], [0.96, 0.96], [1.2, 1.2], [-0.26, -0.26]]
    made = encoding.decode(rows, clip=clip)
    whole, other = [3, 2, 10, 12, -3], [0.26, 0.24, 0.96, 1.2, -0.26]
    if clip:
        whole, other = [3, 2, 10, 10, 0], [0.26, 0.24, 0.96, 1, 0]
    assert_array_equal(made[:, 0], whole)
    assert_allclose(made[:, 1], other)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_bounds_of_small_integers(dtype, scaling):
    bounds = np.iinfo(dtype)
    X = np.array([[bounds.min], [bounds.max], [3], [7]], dtype=dtype)
    encoding = TableCodec(scaling, integer=[0]).fit(X)
    made = encoding.decode(encoding.encode(X), clip=True)
    assert_array_equal(made, X.astype(float))
    far = encoding.decode([[-50.0], [50.0]], clip=True)
    assert_array_equal(far.astype(dtype)[:, 0], [bounds.min, bounds.max])


def test_whole_numbers_come_back_exactly_up_to_24_bits():
    X = np.random.default_rng(0).integers(0, 2**24, (1000, 2)) + 10**12
    encoding = TableCodec(integer=[0, 1]).fit(X)
    assert_array_equal(encoding.decode(encoding.encode(X), clip=True), X)


def test_a_category_among_the_whole_numbers_stays_one():
    X = np.array([[0.5, 1.0], [1.5, 2.0], [0.5, 4.0]])
    encoding = TableCodec(categorical=[0], integer=[0, 1]).fit(X)
    assert_array_equal(encoding.decode(encoding.encode(X), clip=True), X)


@pytest.mark.parametrize(
    ("categorical", "integer", "expected"),
    [
        ([], [], False),
        ([], [0], False),
        ([], [0, 1], True),
        ([1], [0], True),
        ([1], [], False),
        ([0, 1], [], True),
    ],
)
def test_all_integer(categorical, integer, expected):
    # The third column is constant, which is as good as whole.
    X = np.array([[1, 2, 5], [3, 4, 5], [2, 6, 5]])
    encoding = TableCodec(categorical=categorical, integer=integer).fit(X)
    assert encoding.all_integer_ is expected


# --- Columns that do not vary --------------------------------------------------------


@pytest.mark.parametrize("scaling", SCALINGS)
def test_constant_columns_are_left_out_and_put_back(scaling):
    X = numbers(30, 5)
    X[:, [0, 3]] = [0.1, -1e300]
    encoding = TableCodec(scaling).fit(X)
    assert encoding.n_numeric_ == encoding.n_outputs_ == 3
    alone = TableCodec(scaling).fit(X[:, [1, 2, 4]])
    assert_array_equal(encoding.encode(X), alone.encode(X[:, [1, 2, 4]]))
    made = encoding.decode(np.full((2, 3), 0.3), clip=True)
    assert_array_equal(made[:, [0, 3]], [[0.1, -1e300]] * 2)


def test_constant_columns_of_a_mixed_table():
    X = np.array([["a", 0.1, "u", 1, 7], ["a", 0.1, "v", 2, 7]], dtype=object)
    encoding = TableCodec(categorical=[0, 2, 4], integer=[1, 3]).fit(X)
    assert encoding.encode(X).tolist() == [[0, 1, 0], [1, 0, 1]]
    assert (encoding.n_numeric_, encoding.category_sizes_) == (1, [2])
    assert encoding.decode(encoding.encode(X), clip=True).tolist() == X.tolist()


def test_nothing_varies():
    X = np.array([[1, "a"], [1, "a"]], dtype=object)
    with pytest.raises(
        ValueError, match=r"No column .* over its 2 samples: .* nothing to"
    ):
        TableCodec(categorical=[1]).fit(X)
    with pytest.raises(ValueError, match="over its 1 samples"):
        TableCodec().fit(numbers(1, 3))


# --- Errors --------------------------------------------------------------------------

NAMES = ["age", "city", "income"]


def table():
    return np.array(
        [[31, "Ulm", 2.5], [44, "Bonn", 3.5], [52, "Ulm", 1.5]], dtype=object
    )


def named():
    return TableCodec(categorical=[1], feature_names=NAMES)


@pytest.mark.parametrize("during", ["fit", "encode"])
@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (2, math.inf, r"infinite values: 1 in column 'income'"),
        (2, -np.float32(np.inf), r"infinite values: 1 in column 'income'"),
        (2, "2.5", r"Columns \['income'\] hold text .* in categorical_features"),
        (2, "", r"Columns \['income'\] hold text"),
        (2, {}, r"Columns \['income'\] hold text or other values that are not numbers"),
        (0, pd.Timestamp("2020-01-01"), r"Columns \['age'\] hold text or other values"),
    ],
)
def test_refused_values(during, column, value, message):
    X = table()
    encoding = named().fit(X)
    X[1, column] = value
    with pytest.raises(ValueError, match=message):
        getattr(encoding, during)(X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_refused_numbers_of_an_array(dtype):
    X = numbers().astype(dtype)
    X[3, [0, 2]] = math.nan, math.inf
    with pytest.raises(ValueError, match=r"infinite values: 1 in column 2\."):
        TableCodec().fit(X)


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, pd.NaT])
def test_what_is_missing_comes_back_missing(missing):
    X = np.concatenate([table(), table()])
    X[1, [0, 1]] = missing
    codec = named().fit(X)
    # Two numbers, three categories with the missing one, and whether age is there.
    assert codec.n_outputs_ == 2 + 3 + 2
    assert codec.category_sizes_ == [3, 2]
    rows = codec.encode(X)
    assert rows[1, -2:].tolist() == [0, 1] and rows[0, -2:].tolist() == [1, 0]
    back = codec.decode(rows, clip=True)
    assert pd.isna(back[1, [0, 1]]).all()
    is_there = ~pd.isna(X)
    assert (back[is_there][:3] == X[is_there][:3]).all()
    np.testing.assert_array_equal(pd.isna(back), ~is_there)


def test_gaps_are_chosen_as_often_as_asked():
    rng = np.random.RandomState(0)
    scores = rng.normal(size=50)
    for share in (0.0, 0.3, 1.0):
        chosen = most_likely_missing(scores, share, rng)
        assert chosen.sum() == round(share * 50)
        if 0 < share < 1:
            assert scores[chosen].min() > scores[~chosen].max()
    few = [most_likely_missing(scores[:1], 0.3, rng).sum() for _ in range(2000)]
    assert np.mean(few) == pytest.approx(0.3, abs=0.04)


def test_refused_text_of_fixed_width():
    with pytest.raises(ValueError, match=r"Columns \[1\] hold text"):
        TableCodec(categorical=[0]).fit(np.array([["a", "1"], ["b", "2"]]))


def test_unknown_categories():
    X = table()
    encoding = named().fit(X)
    X[[0, 2], 1] = "Köln", "Aachen"
    message = r"Columns \['city'\] hold categories .*: \['Aachen', 'Köln'\]. Leave"
    with pytest.raises(ValueError, match=message):
        encoding.encode(X)


def test_other_width():
    encoding = TableCodec().fit(numbers(20, 4))
    with pytest.raises(ValueError, match="X has 3 columns, but .* fitted on 4"):
        encoding.encode(numbers(20, 3))


@pytest.mark.parametrize("end", [1e308, 6e299, 1e-301, 5e-324])
def test_ranges_that_float64_cannot_scale(end):
    X = np.array([[0.0, -end, 4.0], [1.0, end, 4.0]])
    message = r"Columns \['city'\] span more than 1e300 or less .* Multiply"
    with pytest.raises(ValueError, match=message):
        TableCodec(feature_names=NAMES).fit(X)


def test_whole_numbers_that_are_not():
    X = np.array([[1.0, 0.5, 2.0], [2.0, 1.5, 3.5], [3.0, 2.5, 4.0]])
    # The ends of the third column are whole, but not what lies between.
    message = r"Columns \['city', 'income'\] .* whole .* integer_features"
    with pytest.raises(ValueError, match=message):
        TableCodec(integer=[0, 1, 2], feature_names=NAMES).fit(X)


def test_unknown_scaling():
    with pytest.raises(ValueError, match="scaling must be one of .* got 'robust'"):
        TableCodec(scaling="robust").fit(numbers())


# --- Pickling ------------------------------------------------------------------------


@pytest.mark.parametrize("scaling", SCALINGS)
def test_table_encoding_pickles(scaling):
    X = mixed()
    encoding = TableCodec(scaling, categorical=[1, 3], integer=[2]).fit(X)
    copy = pickle.loads(pickle.dumps(encoding))
    rows = encoding.encode(X)
    assert_array_equal(copy.encode(X), rows)
    made = encoding.decode(rows, clip=True)
    assert copy.decode(rows, clip=True).tolist() == made.tolist()


def test_image_encoding_pickles():
    X = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    encoding = ImageCodec().fit(X)
    copy = pickle.loads(pickle.dumps(encoding))
    assert_array_equal(copy.encode(X), encoding.encode(X))
    assert_array_equal(copy.decode(copy.encode(X), clip=True), X)


# --- Images --------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 3, 4), (5, 2, 3, 4), (5, 2, 2, 2, 2)])
def test_images_against_loops(shape):
    X = np.random.default_rng(0).normal(50, 20, size=shape)
    encoding = ImageCodec().fit(X)
    rows = encoding.encode(X)
    assert rows.dtype == np.float32
    assert rows.shape == shape
    low, high = min(X.ravel()), max(X.ravel())
    expected = [(pixel - low) / (high - low) for pixel in X.ravel()]
    assert_allclose(rows.ravel(), expected, rtol=1e-6)
    assert (rows.min(), rows.max()) == (0, 1)
    assert encoding.shape_ == shape[1:]
    assert encoding.n_outputs_ == math.prod(shape[1:])
    assert encoding.bounded_ is True


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize(
    "dtype",
    ["uint8", "int8", "uint16", "int32", "bool", "float16", "float32", "float64"],
)
def test_images_come_back(dtype, clip):
    # int8 from end to end: their range overflows in their own dtype.
    X = np.random.default_rng(0).integers(-128, 128, size=(30, 8, 8))
    X = (X > 0 if dtype == "bool" else X + 128 * (dtype[0] == "u")).astype(dtype)
    encoding = ImageCodec().fit(X)
    made = encoding.decode(encoding.encode(X), clip=clip)
    assert made.dtype == X.dtype
    assert_allclose(made.astype(float), X.astype(float), atol=255 * 2**-25)
    assert encoding.all_integer_ is (dtype[:5] != "float")


def test_images_of_large_offset_come_back():
    X = 1e9 + np.random.default_rng(0).random((30, 4, 4)) * 1e-3
    encoding = ImageCodec().fit(X)
    made = encoding.decode(encoding.encode(X), clip=True)
    assert (np.abs(made - X) <= 2**-25 * np.ptp(X) + 4 * EPS * X.max()).all()


def test_one_scale_for_all_pixels():
    X = np.array([[[0.0, 10.0], [10.0, 5.0]], [[0.0, 10.0], [20.0, 5.0]]])
    rows = ImageCodec().fit(X).encode(X)
    assert_array_equal(rows[0], [[0, 0.5], [0.5, 0.25]])


def test_integer_images_round_and_stay_in_their_dtype():
    X = np.array([[[10, 20]], [[15, 250]]], dtype=np.uint8)
    encoding = ImageCodec().fit(X)
    rows = np.array([[[0.0, 1.0]], [[0.004, 0.007]], [[-1.0, 2.0]]])
    made = encoding.decode(rows, clip=True)
    assert made.tolist() == [[[10, 250]], [[11, 12]], [[10, 250]]]
    assert encoding.decode(rows, clip=False)[2].tolist() == [[0, 255]]


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("clip", [True, False])
def test_images_at_the_bounds_of_their_dtype(dtype, clip):
    # The largest integers of 64 bits become floats that lie beyond them.
    bounds = np.iinfo(dtype)
    X = np.array([[[bounds.min, bounds.max]], [[0, bounds.max // 2]]], dtype=dtype)
    encoding = ImageCodec().fit(X)
    rows = np.array([[[0.0, 1.0]], [[-0.5, 1.5]]])
    made = encoding.decode(rows, clip=clip)
    assert made.dtype == dtype
    assert_allclose(made[:, 0, 1].astype(float), float(bounds.max), rtol=1e-12)
    assert_allclose(made[:, 0, 0].astype(float), float(bounds.min), rtol=1e-12)


def test_boolean_images_stay_in_their_dtype():
    encoding = ImageCodec().fit(np.array([[[True, False]]]))
    made = encoding.decode([[[0.4, 0.6]], [[-1.0, 2.0]]], clip=False)
    assert made.tolist() == [[[False, True]], [[False, True]]]


def test_images_of_floats_leave_the_box_unless_clipped():
    encoding = ImageCodec().fit(np.array([[[0.0, 10.0]]]))
    assert_allclose(encoding.decode([[[-0.5, 1.5]]], clip=False), [[[-5, 15]]])
    assert_allclose(encoding.decode([[[-0.5, 1.5]]], clip=True), [[[0, 10]]])


def test_flat_images_get_their_shape_back():
    X = np.random.default_rng(0).random((5, 2, 3))
    encoding = ImageCodec().fit(X)
    flat = encoding.encode(X).reshape(5, 6)
    made = encoding.decode(flat, clip=True)
    assert_array_equal(made, encoding.decode(encoding.encode(X), clip=True))
    assert made.shape == X.shape


def test_image_errors():
    X = np.random.default_rng(0).random((5, 2, 3))
    with pytest.raises(ValueError, match="All pixels of X are 7: there is nothing to"):
        ImageCodec().fit(np.full((3, 2, 2), 7))
    with pytest.raises(ValueError, match="span more than float64 .* Divide"):
        ImageCodec().fit(np.array([[[-1e308, 1e308]]]))
    encoding = ImageCodec().fit(X)
    with pytest.raises(ValueError, match=r"shape \(3, 2\), .* fitted on \(2, 3\)"):
        encoding.encode(X.transpose(0, 2, 1))
    X[1, 0, 2] = math.nan
    for call in (encoding.fit, encoding.encode):
        with pytest.raises(ValueError, match="missing or infinite pixels"):
            call(X)


@pytest.mark.parametrize("names", [["few", "many"], [("a", "b"), ("c", "d")]])
def test_categories_that_would_fill_the_memory_are_refused(names):
    n = 17_000
    few, many = np.arange(n) % 3, np.arange(n)
    codec = TableCodec(categorical=[0, 1], feature_names=names)
    message = (
        r"1\.1 GiB for 17000 rows, and 1 GiB is the most; column "
        rf"{re.escape(repr(names[1]))} alone has 17000 of them. Merge"
    )
    with pytest.raises(ValueError, match=message):
        codec.fit(np.column_stack([few, many]))
    codec.fit(np.column_stack([few, many // 20]))
