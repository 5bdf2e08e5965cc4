import math

import numpy as np
import pytest
import torch
from skorch.dataset import Dataset
from torch.utils.data import TensorDataset

from imbdeep.batches import ShuffledBatches, SMOTEBatches
from imbdeep.batches._smote import nearest_neighbors
from tests.batches.data import generator, labels


def blobs(counts, n_features=3, seed=0):
    y = labels(counts, seed)
    X = torch.randn(len(y), n_features, generator=generator(seed + 1))
    return TensorDataset(X + 5 * y[:, None], y)


def squared_distances(X):
    """Between each two rows, in Python floats."""
    rows = X.flatten(1).tolist()
    return [
        [sum((a - b) ** 2 for a, b in zip(x, z, strict=True)) for z in rows]
        for x in rows
    ]


def neighbors_by_loops(X, k):
    """The k nearest other rows of each row, nearest first."""
    return [
        sorted((j for j in range(len(X)) if j != i), key=lambda j: row[j])[:k]
        for i, row in enumerate(squared_distances(X))
    ]


def is_between(row, start, end):
    """Whether a row lies on the segment from start to end."""
    direction = end - start
    step = float((row - start) @ direction / (direction @ direction).clamp_min(1e-12))
    on_line = torch.allclose(start + step * direction, row, atol=1e-4)
    return on_line and -1e-4 <= step <= 1 + 1e-4


def rows_as_set(X):
    return {tuple(row) for row in X.tolist()}


def paired_with_plain(dataset, batch_size, seed=0, **kwargs):
    """SMOTE's batches of an epoch beside the shuffled ones that they came from."""
    plain = ShuffledBatches(dataset, batch_size, generator=generator(seed))
    smote = SMOTEBatches(dataset, batch_size, generator=generator(seed), **kwargs)
    return list(zip(plain, smote, strict=True))


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("shape", [(7, 2), (9, 2, 3)])
def test_nearest_neighbors_agree_with_loops(shape, k):
    X = torch.randn(shape, generator=generator())
    assert nearest_neighbors(X, k).tolist() == neighbors_by_loops(X, k)


@pytest.mark.parametrize("offset", [1e3, 1e5])
def test_nearest_neighbors_of_columns_far_from_0(offset):
    # An unscaled table: the year in one column, an income in another.
    X = torch.randn(40, 3, generator=generator()) + offset
    expected = neighbors_by_loops(X, 5)
    for row, (found, true) in enumerate(
        zip(nearest_neighbors(X, 5).tolist(), expected, strict=True)
    ):
        distance = squared_distances(X)[row]
        # Compared by distance, because equally near rows may come in any order.
        assert [distance[j] for j in found] == pytest.approx(
            [distance[j] for j in true], rel=1e-3
        )


def test_a_copy_is_a_neighbour_and_a_row_is_not_its_own():
    X = torch.tensor([[0.0], [0.0], [5.0]])
    assert nearest_neighbors(X, 1).flatten().tolist()[:2] == [1, 0]


@pytest.mark.parametrize("counts", [[45, 15], [40, 12, 8]])
def test_classes_have_equal_counts(counts):
    dataset = blobs(counts)
    ((X, y),) = SMOTEBatches(dataset, 60, generator=generator())
    assert len(X) == len(y) == 60
    assert y.bincount().tolist() == [60 // len(counts)] * len(counts)


def test_shares_of_a_batch_differ_by_at_most_one():
    for (_, y), (_, y_balanced) in paired_with_plain(blobs([60, 22, 9]), 13):
        counts = y_balanced.bincount(minlength=3)
        present = y.bincount(minlength=3) > 0
        assert torch.equal(counts > 0, present)
        assert counts[present].max() - counts[present].min() <= 1
        assert len(y_balanced) == len(y)


@pytest.mark.parametrize("n_neighbors", [1, 3, 5])
@pytest.mark.parametrize("counts", [[45, 15], [40, 12, 8]])
def test_new_rows_lie_between_a_row_and_its_near_neighbour(counts, n_neighbors):
    n_new = 0
    for (X, y), (X_balanced, y_balanced) in paired_with_plain(
        blobs(counts), 30, n_neighbors=n_neighbors
    ):
        for label in y.unique():
            originals = X[y == label]
            rows = X_balanced[y_balanced == label]
            k = min(n_neighbors, len(originals) - 1)
            neighbors = neighbors_by_loops(originals, k)
            new = [row for row in rows if tuple(row.tolist()) not in rows_as_set(X)]
            n_new += len(new)
            for row in new:
                assert any(
                    is_between(row, originals[i], originals[j])
                    for i, near in enumerate(neighbors)
                    for j in near
                )
    assert n_new >= 10


def test_original_rows_of_small_classes_are_kept():
    for (X, y), (X_balanced, y_balanced) in paired_with_plain(blobs([45, 15]), 30):
        kept = rows_as_set(X_balanced[y_balanced == 1])
        assert rows_as_set(X[y == 1]) <= kept


def test_large_classes_are_cut_without_replacement():
    for (X, y), (X_balanced, y_balanced) in paired_with_plain(blobs([45, 15]), 30):
        kept = X_balanced[y_balanced == 0]
        assert len(rows_as_set(kept)) == len(kept)
        assert rows_as_set(kept) <= rows_as_set(X[y == 0])


def test_a_lone_row_is_repeated():
    dataset = blobs([19, 1])
    lone = dataset.tensors[0][dataset.tensors[1] == 1]
    ((X, y),) = SMOTEBatches(dataset, 20, generator=generator())
    assert torch.equal(X[y == 1], lone.expand(10, -1))


def test_steps_are_uniform():
    # Two rows at 0 and 1: new rows are where they are drawn on the segment.
    X = torch.tensor([[0.0], [1.0]] + [[7.0]] * 198)
    y = torch.tensor([1, 1] + [0] * 198)
    batches = SMOTEBatches(TensorDataset(X, y), 200, generator=generator())
    new = torch.cat([X[y == 1][2:] for _ in range(100) for X, y in batches]).flatten()
    assert len(new) == 9_800
    grid = np.linspace(0, 1, 101)
    empirical = (new.numpy()[:, None] <= grid).mean(0)
    # Dvoretzky-Kiefer-Wolfowitz: a wider gap has probability below 1e-7.
    assert np.abs(empirical - grid).max() < math.sqrt(math.log(2e7) / 2 / 9_800)


def test_balanced_classes_gain_nothing():
    dataset = blobs([10, 10])
    ((X, y),) = SMOTEBatches(dataset, 20, generator=generator())
    assert rows_as_set(X) == rows_as_set(dataset.tensors[0])
    assert y.bincount().tolist() == [10, 10]


def test_images():
    X = torch.randn(20, 2, 3, 3, generator=generator())
    dataset = TensorDataset(X, labels([16, 4]))
    ((X, y),) = SMOTEBatches(dataset, 20, generator=generator())
    assert X.shape == (20, 2, 3, 3)
    assert y.bincount().tolist() == [10, 10]


def test_refuses_n_neighbors_of_0():
    with pytest.raises(ValueError, match="n_neighbors must be .* at least 1, got 0"):
        SMOTEBatches(blobs([5, 5]), n_neighbors=0)


def test_distances_do_not_see_sample_weights():
    # Row 1 is the nearest to row 0 by its column, but the farthest by its weight.
    X = torch.tensor([[0.0], [1.0], [9.0]] + [[50.0]] * 17)
    weight = torch.tensor([0.0, 100.0, 0.0] + [0.0] * 17)
    y = torch.tensor([1, 1, 1] + [0] * 17)
    dataset = Dataset({"X": X, "sample_weight": weight}, y)
    batches = SMOTEBatches(dataset, 20, n_neighbors=1, generator=generator())
    ((rows, y),) = batches
    new = rows["X"][y == 1].flatten()
    between_0_and_1 = (new > 0) & (new < 1)
    assert between_0_and_1.any()
    torch.testing.assert_close(
        rows["sample_weight"][y == 1][between_0_and_1], 100 * new[between_0_and_1]
    )
