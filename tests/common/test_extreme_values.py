"""However large a value is: finite probabilities, or an error that names the column."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose

from imbdeep._tables.precision import check_finite_outputs
from imbdeep._tables.rows import column_moments
from imbdeep.classifiers import NetClassifier

from .estimators import each_that_reads
from .nets import NETS, quick, table
from .slow import slow_if

X, Y = table(80)
RNG = np.random.RandomState(0)
SMALL = 1e-8 * RNG.randn(80)
COLUMNS = {
    "a no-data value": np.where(np.arange(80) == 5, -1e30, SMALL),
    "up to the ends of float32": 3.3e38 * RNG.uniform(-1, 1, 80),
    "the ends of float32": np.where(RNG.rand(80) < 0.5, -3.4028235e38, 3.4028235e38),
    "beyond float32": 1e200 * RNG.uniform(-1, 1, 80),
    "one value beyond float32": np.where(np.arange(80) == 5, 1e299, SMALL),
}


def with_column(values, dtype=np.float64):
    rows = X.astype(dtype)
    rows[:, 3] = values
    return rows


@pytest.mark.parametrize("dtype", [np.float64, slow_if(True, np.float32)])
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_probabilities_are_finite(name, column, dtype):
    if dtype is np.float32 and "beyond" in column:
        pytest.skip("float32 has no such values")
    rows = with_column(COLUMNS[column], dtype)
    # Rows that nothing bounds: their own moves overflow, and the loss says so.
    net = quick(name, clip=True).fit(rows, Y)
    for value in (-3e38, 0, 1e30):
        new = with_column(value, dtype)
        assert np.isfinite(net.predict_proba(new)).all()


@pytest.mark.parametrize("encoding", ["piecewise_linear", "standard", None])
@pytest.mark.parametrize("value", [-1e30, 3.4e38, 1e300])
def test_a_value_that_comes_later_is_bounded(encoding, value):
    net = NetClassifier(
        numeric_encoding=encoding, max_epochs=3, module__hidden_sizes=(4,)
    ).fit(with_column(SMALL), Y)
    assert np.isfinite(net.predict_proba(with_column(value))).all()


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize("name", each_that_reads(NETS))
def test_a_column_too_wide_for_float64_is_refused(name, frame):
    rows, column = with_column(1.7e308 * RNG.uniform(-1, 1, 80)), "3"
    if frame:
        rows = pd.DataFrame(rows, columns=[*"abcdef"])
        column = "'d'"
    with pytest.raises(
        ValueError, match=rf"Columns \[{column}\] span more than 1e\+300"
    ):
        quick(name).fit(rows, Y)


class Logarithm(torch.nn.Module):
    """No number where the first column is below 0."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 2)

    def forward(self, X):
        return self.layer(X[:, :1].sqrt())


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
@pytest.mark.parametrize("frame", [False, True])
def test_probabilities_that_are_no_numbers_are_refused(method, frame):
    rows = np.abs(X[:, :2])
    rows[0, 0] = -7e5
    net = NetClassifier(Logarithm, max_epochs=2, train_split=None, early_stopping=False)
    column = "0"
    if frame:
        rows, column = pd.DataFrame(rows, columns=["age", "size"]), "'age'"
    # Trained without that row, but the range of training has it.
    net.fit(rows[1:], Y[1:])
    net.column_range_[0][0] = -1e6
    with pytest.raises(ValueError, match=f"row 0. .* is -700000 in column {column}"):
        getattr(net, method)(rows)


def test_pixels_are_named_by_their_place():
    images = np.zeros((3, 2, 4, 4))
    images[1, 1, 2, 3] = -5e9
    outputs = np.array([[0.5, 0.5], [np.nan, np.nan], [0.5, 0.5]])
    with pytest.raises(ValueError, match=r"for 1 rows, .* row 1. .* \(1, 2, 3\)"):
        check_finite_outputs(outputs, images, None)
    check_finite_outputs(outputs[[0, 2]], images, None)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e200, 1e307])
def test_moments_of_large_values(unit):
    rows = RNG.randn(50, 3)
    mean, std = column_moments(rows * unit)
    assert_allclose(mean / unit, rows.mean(0), rtol=1e-9)
    assert_allclose(std / unit, rows.std(0), rtol=1e-9)
