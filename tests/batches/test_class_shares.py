"""The share of each class that iterators promise, against what they draw."""

import pytest
import torch

from imbdeep.batches import TensorBatches
from imbdeep.batches._registry import BATCHES
from tests.batches.data import generator, position_dataset

COUNTS = [300, 40, 8, 2]
CASES = [(name, {}) for name in BATCHES] + [("remix", {"balance": "batch"})]


def drawn_shares(batches, n_classes, n_epochs=75):
    totals = torch.zeros(n_classes, dtype=torch.float64)
    for _ in range(n_epochs):
        for _, y in batches:
            hard = y if y.is_floating_point() else torch.eye(n_classes)[y]
            totals += hard.sum(0)
    return totals / totals.sum()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "params"), CASES)
@pytest.mark.parametrize("batch_size", [25, 350])
def test_shares_are_those_drawn(name, params, batch_size):
    dataset = position_dataset(COUNTS)
    batches = BATCHES[name](dataset, batch_size, generator=generator(), **params)
    shares = batches.class_shares(4)
    assert shares.sum().item() == pytest.approx(1)
    drawn = drawn_shares(batches, 4)
    torch.testing.assert_close(shares, drawn, rtol=0.08, atol=0.004)


@pytest.mark.parametrize(("name", "params"), CASES)
def test_a_class_without_rows_has_no_share(name, params):
    X, y = position_dataset([20, 6]).tensors
    dataset = torch.utils.data.TensorDataset(X, 2 * y)
    shares = BATCHES[name](dataset, 8, **params).class_shares(4)
    assert shares[1] == shares[3] == 0
    assert shares.sum().item() == pytest.approx(1)


def test_rows_in_order_have_the_shares_of_the_data():
    shares = TensorBatches(position_dataset([3, 1])).class_shares(2)
    assert shares.tolist() == [0.75, 0.25]
