import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from imbdeep.batches._class_draws import RowsByClass, equal_shares, numpy_generator
from tests.batches.data import generator


@pytest.mark.parametrize("batch_size", [3, 7, 8, 12])
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_shares_differ_by_at_most_one(batch_size, n_classes):
    shares = equal_shares(50, batch_size, n_classes, generator())
    assert shares.shape == (50, batch_size)
    for batch in shares:
        counts = batch.bincount(minlength=n_classes)
        assert counts.max() - counts.min() <= 1


def test_left_over_rows_go_to_all_classes_alike():
    shares = equal_shares(6_000, 13, 5, generator())
    extra = torch.stack([batch.bincount(minlength=5) - 2 for batch in shares])
    assert (extra.sum(1) == 3).all()
    # Each class gets one of the three with probability 3 / 5; six standard deviations.
    deviation = (extra.sum(0) - 6_000 * 3 / 5).abs()
    assert deviation.max() < 6 * np.sqrt(6_000 * 3 / 5 * 2 / 5)


def test_draws_give_rows_of_the_class_asked_for():
    y = torch.tensor([4, 9, 4, 0, 9, 4])
    rows = RowsByClass(y)
    assert rows.classes.tolist() == [0, 4, 9]
    assert rows.counts.tolist() == [1, 3, 2]
    share = torch.randint(3, (5, 40), generator=generator())
    drawn = rows.draw(share, generator())
    assert drawn.shape == share.shape
    assert torch.equal(y[drawn], rows.classes[share])


def test_draws_are_uniform():
    y = torch.tensor([1, 0, 1, 1, 0, 1, 1])
    drawn = RowsByClass(y).draw(torch.ones(20_000, dtype=torch.int64), generator())
    counts = drawn.bincount(minlength=7)[y == 1]
    assert chisquare(counts).pvalue > 1e-7


def test_large_classes_give_odd_rows_too():
    # A float32 draw would step over every other row here.
    n = 2**25
    rows = RowsByClass(torch.tensor([0, 1]))
    rows.counts = torch.tensor([n, n])
    rows.order = torch.arange(2 * n)
    rows.starts = torch.tensor([0, n])
    drawn = rows.draw(torch.zeros(1_000, dtype=torch.int64), generator())
    assert (drawn % 2 == 1).any()
    assert drawn.max() < n


def test_numpy_generator_follows_the_torch_one():
    first, second = generator(), generator()
    draws = numpy_generator(first).random(3)
    np.testing.assert_array_equal(numpy_generator(second).random(3), draws)
    assert not np.array_equal(numpy_generator(first).random(3), draws)
