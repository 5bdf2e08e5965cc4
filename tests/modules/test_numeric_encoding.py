import pickle
import warnings

import numpy as np
import pytest
import rtdl_num_embeddings
import torch
from sklearn.preprocessing import StandardScaler

from imbdeep._tables.rows import column_moments
from imbdeep.modules import PiecewiseLinearEncoding, RobustScaling, Standardization
from imbdeep.modules._numeric_encoding import encoding_recipe
from imbdeep.modules._piecewise_linear import drop_narrow_bins, quantile_bins

LARGEST = torch.finfo(torch.float32).max
SMALLEST = 1e-45


def encode_by_loops(x, bins):
    """Equation 1 of Gorishniy et al. for one row, in Python floats."""
    encoded = []
    for value, edges in zip(x, bins, strict=True):
        n_bins = len(edges) - 1
        for t in range(n_bins):
            share = (value - edges[t]) / (edges[t + 1] - edges[t])
            if t > 0:
                share = max(share, 0.0)
            if t < n_bins - 1:
                share = min(share, 1.0)
            encoded.append(share)
    return encoded


COLUMNS = {
    "normal": lambda g: torch.randn(200, generator=g),
    "binary": lambda g: torch.randint(2, (200,), generator=g).float(),
    "rare": lambda g: (torch.arange(200) == 17).float(),
    "three_values": lambda g: torch.randint(3, (200,), generator=g).float() - 1,
    "constant": lambda g: torch.full((200,), 7.5),
    "constant_0": lambda g: torch.zeros(200),
    "nearly_constant": lambda g: 1 + 1e-6 * torch.randint(3, (200,), generator=g),
    "heavy_tails": lambda g: (
        torch.randn(200, generator=g) / torch.rand(200, generator=g) ** 4
    ),
    "far_from_0": lambda g: 1e9 + 64 * torch.randint(-999, 999, (200,), generator=g),
    "tiny": lambda g: 1e-30 * torch.randn(200, generator=g),
    "huge": lambda g: 1e30 * torch.randn(200, generator=g),
}


@pytest.fixture
def table():
    generator = torch.Generator().manual_seed(0)
    return torch.stack([make(generator).float() for make in COLUMNS.values()], 1)


def test_a_missing_number_is_encoded_as_the_middle_edge():
    bins = [
        [0.0, 1.0],
        [0.0, 2.0, 3.0],
        [-1.0, 0.0, 5.0, 6.0],
        [1.0, 2.0, 3.0, 4.0, 9.0],
    ]
    encoding = PiecewiseLinearEncoding([torch.tensor(edges) for edges in bins])
    middle = [1.0, 2.0, 5.0, 3.0]
    x = torch.full((1, 4), torch.nan)
    assert encoding(x)[0].tolist() == encode_by_loops(middle, bins)
    x[0, 2] = 0.5
    middle[2] = 0.5
    assert encoding(x)[0].tolist() == pytest.approx(encode_by_loops(middle, bins))


@pytest.mark.parametrize("n_bins", [2, 5, 16])
@pytest.mark.parametrize("name", COLUMNS)
def test_encoding_agrees_with_loops(name, n_bins):
    column = COLUMNS[name](torch.Generator().manual_seed(1)).float()[:, None]
    bins = quantile_bins(column, n_bins)
    spread = (column.max() - column.min()).clamp_min(1e-3 * column.abs().max())
    # Rows between the rows, and rows beyond the range.
    x = torch.cat([column, column + 0.37 * spread, column - 1.5 * spread])
    encoded = PiecewiseLinearEncoding(bins)(x)
    edges = [feature.double().tolist() for feature in bins]
    expected = torch.tensor([encode_by_loops(row, edges) for row in x.tolist()])
    torch.testing.assert_close(encoded, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_bins", [2, 7, 48])
def test_equals_the_library(n_bins):
    generator = torch.Generator().manual_seed(2)
    X = torch.cat(
        [
            torch.randn(300, 3, generator=generator),
            torch.randint(2, (300, 2), generator=generator).float(),
            torch.randint(5, (300, 1), generator=generator).float(),
        ],
        1,
    )
    with warnings.catch_warnings():
        # The library's remark on binary columns, and a name of torch it uses.
        warnings.simplefilter("ignore")
        bins = rtdl_num_embeddings.compute_bins(X, n_bins)
        theirs = rtdl_num_embeddings.PiecewiseLinearEncoding(bins)
    for ours, edges in zip(quantile_bins(X, n_bins), bins, strict=True):
        torch.testing.assert_close(ours, edges)
    x = 2 * torch.randn(50, 6, generator=generator)
    # The same numbers for each row, whatever the order of the columns.
    torch.testing.assert_close(
        PiecewiseLinearEncoding(bins)(x).sort(1).values,
        theirs(x).sort(1).values,
        rtol=1e-4,
        atol=1e-4,
    )


def test_the_numbers_of_a_feature_stand_together():
    bins = [torch.tensor([0.0, 1.0, 2.0]), torch.tensor([0.0, 10.0])]
    encoded = PiecewiseLinearEncoding(bins)(torch.tensor([[1.5, 2.0]]))
    assert encoded.tolist() == [pytest.approx([1.0, 0.5, 0.2])]


def test_extrapolates_at_both_ends():
    encoding = PiecewiseLinearEncoding([torch.tensor([0.0, 1.0, 3.0])])
    encoded = encoding(torch.tensor([[-4.0], [7.0]]))
    assert encoded.tolist() == [[-4.0, 0.0], [1.0, 3.0]]


def test_encoding_is_increasing_and_continuous(table):
    encoding = PiecewiseLinearEncoding(quantile_bins(table[:, :1], 16))
    grid = torch.linspace(-6, 6, 20_001)[:, None]
    steps = encoding(grid).diff(dim=0)
    assert (steps >= 0).all()
    narrowest = quantile_bins(table[:, :1], 16)[0].diff().min()
    assert steps.max() <= 1.01 * (12 / 20_000) / narrowest


def test_tells_rows_far_from_0_apart():
    # The offset takes all digits of x * weight + bias, but not of (x - left) * weight.
    x = (1e9 + 64 * torch.arange(100.0))[:, None]
    encoded = PiecewiseLinearEncoding(quantile_bins(x, 16))(x)
    assert len(encoded.unique(dim=0)) == 100


def test_leading_axes(table):
    encoding = PiecewiseLinearEncoding(quantile_bins(table, 5))
    x = table[:24].reshape(2, 3, 4, -1)
    encoded = encoding(x)
    assert encoded.shape == (2, 3, 4, encoding.n_outputs)
    assert torch.equal(encoded.flatten(0, 2), encoding(table[:24]))
    assert torch.equal(encoding(table[0]), encoding(table[:1])[0])


def test_n_outputs(table):
    bins = quantile_bins(table, 16)
    encoding = PiecewiseLinearEncoding(bins)
    n_outputs = sum(len(edges) - 1 for edges in bins)
    assert encoding.n_outputs == encoding(table).shape[1] == n_outputs


def test_encoding_of_the_training_rows_is_bounded(table):
    for n_bins in [2, 16]:
        encoded = PiecewiseLinearEncoding(quantile_bins(table, n_bins))(table)
        assert encoded.min() >= -1e-5
        assert encoded.max() <= 1 + 1e-5


def test_state_dict_round_trip(table):
    encoding = PiecewiseLinearEncoding(quantile_bins(table, 5))
    other = PiecewiseLinearEncoding(
        [edges + torch.linspace(1, 2, len(edges)) for edges in quantile_bins(table, 5)]
    )
    assert not torch.equal(other(table), encoding(table))
    other.load_state_dict(encoding.state_dict())
    assert torch.equal(other(table), encoding(table))


def test_nothing_to_train(table):
    assert not list(PiecewiseLinearEncoding(quantile_bins(table, 5)).parameters())


@pytest.mark.parametrize("bins", [[], [torch.tensor([1.0])]])
def test_refuses_fewer_than_two_edges(bins):
    with pytest.raises(ValueError, match="bins must hold at least two edges"):
        PiecewiseLinearEncoding(bins)


def test_refuses_another_number_of_features():
    encoding = PiecewiseLinearEncoding([torch.tensor([0.0, 1.0])] * 3)
    with pytest.raises(ValueError, match=r"expected 3 features, got x.shape=.*4\]"):
        encoding(torch.zeros(2, 4))


# --- Bins -----------------------------------------------------------------------------


@pytest.mark.parametrize("n_bins", [2, 5, 16])
def test_edges_are_increasing_and_span_the_column(table, n_bins):
    for name, column, edges in zip(
        COLUMNS, table.T, quantile_bins(table, n_bins), strict=True
    ):
        assert 2 <= len(edges) <= n_bins + 1, name
        assert (edges.diff() > 0).all(), name
        assert edges[0] == column.min(), name
        if not name.startswith("constant"):
            assert edges[-1] == column.max(), name


@pytest.mark.parametrize("n_bins", [2, 5, 16])
def test_edges_are_quantiles(n_bins):
    X = torch.randn(501, 2, generator=torch.Generator().manual_seed(3))
    for column, edges in zip(X.T, quantile_bins(X, n_bins), strict=True):
        expected = np.quantile(column.double(), np.linspace(0, 1, n_bins + 1))
        np.testing.assert_allclose(edges, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["binary", "constant", "constant_0"])
def test_few_values_need_one_bin(name):
    column = COLUMNS[name](torch.Generator().manual_seed(0))[:, None]
    assert [len(edges) for edges in quantile_bins(column, 16)] == [2]


def test_a_constant_column_is_encoded_as_0():
    X = torch.tensor([[7.5, 0.0, -3.0], [7.5, 0.0, -3.0], [7.5, 1.0, -3.0]])
    encoded = PiecewiseLinearEncoding(quantile_bins(X, 4))(X)
    assert (encoded[:, [0, -1]] == 0).all()


def test_no_more_bins_than_rows():
    X = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    assert all(len(edges) <= 5 for edges in quantile_bins(X, 16))


@pytest.mark.parametrize("n_rows", [1, 2, 3, 10])
@pytest.mark.parametrize("kind", ["constant", "varying"])
def test_few_rows_and_tables_of_constants(n_rows, kind):
    X = torch.ones(n_rows, 2)
    if kind == "varying":
        X = torch.arange(2.0 * n_rows).reshape(n_rows, 2)
    encoding = PiecewiseLinearEncoding(quantile_bins(X, 16))
    assert torch.isfinite(encoding(X)).all()


def test_blocks_of_columns_give_the_same_bins(table, monkeypatch):
    whole = quantile_bins(table, 5)
    monkeypatch.setattr("imbdeep._tables.rows.BLOCK_SIZE", 2 * len(table))
    for edges, edges_in_blocks in zip(whole, quantile_bins(table, 5), strict=True):
        assert torch.equal(edges, edges_in_blocks)


def test_the_table_is_left_alone(table):
    before = table.clone()
    PiecewiseLinearEncoding(quantile_bins(table, 5))(table)
    assert torch.equal(table, before)


@pytest.mark.parametrize(
    "values",
    [
        [-LARGEST, 0.0, LARGEST],
        [LARGEST, 0.0, 1.0],
        [-LARGEST, -LARGEST / 2, 1.0],
        [SMALLEST, 2 * SMALLEST, 0.0],
        [SMALLEST, 1.0, 0.0],
        [LARGEST, LARGEST, LARGEST],
        [-LARGEST, -LARGEST, -LARGEST],
        [1.0, 1.0, 1.0],
    ],
)
def test_float32_extremes_stay_finite(values):
    column = torch.tensor(values * 10)[:, None]
    encoding = PiecewiseLinearEncoding(quantile_bins(column, 4))
    assert torch.isfinite(encoding(column)).all()
    # A value of another table may be anything; it must not make nan.
    other = torch.tensor([[-LARGEST], [-1.0], [0.0], [1.0], [LARGEST]])
    assert not torch.isnan(encoding(other)).any()


def test_narrow_bins_are_dropped():
    edges = torch.tensor([0.0, SMALLEST, 1.0, 2.0])
    assert drop_narrow_bins(edges).tolist() == [0.0, 1.0, 2.0]
    assert drop_narrow_bins(torch.tensor([0.0, SMALLEST])).tolist() == [0.0, 1.0]
    wide = torch.tensor([0.0, 0.5, 1.0])
    assert torch.equal(drop_narrow_bins(wide), wide)


# --- Standardisation ------------------------------------------------------------------


def test_standardization_equals_scikit_learn():
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(200, 4, generator=generator) * torch.tensor([1.0, 1e4, 1e-4, 0.0])
    X += torch.tensor([0.0, -2e4, 5.0, 3.0])
    x = torch.randn(20, 4, generator=generator)
    expected = StandardScaler().fit(X.numpy()).transform(x.numpy())
    scaled = Standardization(*column_moments(X))(x)
    np.testing.assert_allclose(scaled, expected, rtol=1e-3, atol=1e-4)


def test_standardized_columns_have_mean_0_and_deviation_1():
    X = 40 + 3 * torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    scaled = Standardization(*column_moments(X))(X)
    torch.testing.assert_close(scaled.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        scaled.std(0, correction=0), torch.ones(2), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("value", [0.1, 1e9 / 3, -1e-30])
def test_constant_columns_are_only_centred(value):
    X = torch.full((1_001, 1), value)
    mean, std = column_moments(X)
    assert std == 0
    scaled = Standardization(mean, std)(X)
    # As far as the mean of float32 numbers can be told.
    assert scaled.abs().max() <= 1e-5 * abs(value)


def test_standardization_takes_leading_axes_and_keeps_its_state():
    scaling = Standardization(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 0.0]))
    x = torch.tensor([[[3.0, 5.0]], [[1.0, 2.0]]])
    assert scaling(x).tolist() == [[[1.0, 3.0]], [[0.0, 0.0]]]
    other = Standardization(torch.zeros(2), torch.ones(2))
    other.load_state_dict(scaling.state_dict())
    assert torch.equal(other(x), scaling(x))
    assert scaling.n_outputs == 2


# --- Recipes --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["piecewise_linear", "standard"])
def test_recipes_build_the_same_encoding_each_time(table, kind):
    recipe = encoding_recipe(table, kind, n_bins=5)
    first, second = recipe(), pickle.loads(pickle.dumps(recipe))()
    assert first is not second
    assert torch.equal(first(table), second(table))


def test_encodings_of_a_recipe_share_no_memory(table):
    recipe = encoding_recipe(table, "standard")
    first, second = recipe(), recipe()
    first.mean.zero_()
    assert second.mean.any()


def test_recipe_of_bins(table):
    recipe = encoding_recipe(table, "piecewise_linear", n_bins=5)
    expected = PiecewiseLinearEncoding(quantile_bins(table, 5))
    assert torch.equal(recipe()(table), expected(table))


def test_no_encoding(table):
    assert encoding_recipe(table, None) is None


def test_refuses_an_unknown_kind(table):
    with pytest.raises(ValueError, match="'numeric_encoding' .*Got 'quantile'"):
        encoding_recipe(table, "quantile")


def test_the_open_ends_of_the_piecewise_linear_encoding_are_bounded():
    bins = torch.tensor([-1e-9, 0.0, 1e-9], dtype=torch.float64)
    encoding = PiecewiseLinearEncoding([bins])
    far = torch.tensor([[-1e300], [1e300], [3e-9]], dtype=torch.float64)
    expected = torch.tensor([[-1e6, 0.0], [1.0, 1e6], [1.0, 3.0]])
    torch.testing.assert_close(encoding(far), expected)


@pytest.mark.parametrize(
    ("n_columns", "n_bins", "expected"),
    [
        *((1024, 16, 16), (1025, 16, 15), (5_000, 16, 3)),
        pytest.param(5_000, 2, 2, marks=pytest.mark.slow),
        pytest.param(9_000, 16, 2, marks=pytest.mark.slow),
    ],
)
def test_wide_tables_get_fewer_bins_a_column(n_columns, n_bins, expected):
    X = torch.randn(40, n_columns, generator=torch.Generator().manual_seed(0))
    encoding = encoding_recipe(X, "piecewise_linear", n_bins=n_bins)()
    assert encoding.n_outputs == expected * n_columns
    assert encoding.n_outputs <= max(16_384, 2 * n_columns)


def test_robust_scaling_of_what_float32_cannot_hold():
    scaling = RobustScaling(torch.zeros(1).double(), torch.ones(1).double())
    x = torch.tensor([[1e299], [-1e299], [1e20]], dtype=torch.float64)
    torch.testing.assert_close(scaling(x), torch.tensor([[3.0], [-3.0], [3.0]]))
