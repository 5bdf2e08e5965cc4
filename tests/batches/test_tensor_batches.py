import numpy as np
import pytest
import torch
from skorch.dataset import Dataset
from torch.utils.data import DataLoader, Subset, TensorDataset

from imbdeep.batches import ShuffledBatches, TensorBatches
from imbdeep.batches._tensor_batches import mix_rows
from tests.batches.data import generator, position_dataset


def sizes_by_loop(n, batch_size):
    """Cut off batch after batch; a single row at the end joins the batch before."""
    sizes = []
    while n:
        sizes.append(min(n, batch_size))
        n -= sizes[-1]
    if len(sizes) > 1 and batch_size > 1 and sizes[-1] == 1:
        sizes[-2:] = [batch_size + 1]
    return sizes


def rows_of(batches):
    return [X.flatten().tolist() for X, _ in batches]


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((23, 4), dtype=np.float32)
    return X, rng.integers(0, 3, 23)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 7, 24, 25, 1000])
@pytest.mark.parametrize("shuffle", [False, True])
def test_batch_sizes_and_len(batch_size, shuffle):
    for n in range(1, 26):
        batches = TensorBatches(
            position_dataset([n]), batch_size, shuffle=shuffle, generator=generator()
        )
        sizes = [len(y) for _, y in batches]
        assert sizes == sizes_by_loop(n, batch_size)
        assert len(batches) == len(sizes)


def test_no_rows_are_no_batches():
    dataset = TensorDataset(torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64))
    batches = TensorBatches(dataset, 4)
    assert len(batches) == 0
    assert list(batches) == []


@pytest.mark.parametrize("n", [1, 4, 8, 9, 30])
def test_rows_in_order(n):
    batches = TensorBatches(position_dataset([n]), 4)
    assert sum(rows_of(batches), []) == list(range(n))


@pytest.mark.parametrize("n", [1, 4, 8, 9, 30])
def test_shuffled_epochs_hold_every_row_once(n):
    batches = ShuffledBatches(position_dataset([n]), 4, generator=generator())
    for _ in range(3):
        assert sorted(sum(rows_of(batches), [])) == list(range(n))


def test_labels_stay_with_their_rows():
    dataset = position_dataset([20, 10, 5])
    for X, y in ShuffledBatches(dataset, 8, generator=generator()):
        assert torch.equal(dataset.tensors[1][X.flatten().long()], y)


@pytest.mark.parametrize("kind", ["skorch", "subset", "tensors", "dict"])
def test_equals_data_loader(table, kind):
    X, y = table
    dataset = {
        "skorch": Dataset(X, y),
        "subset": Subset(Dataset(X, y), np.array([3, 1, 22, 7, 8, 20, 11])),
        "tensors": TensorDataset(torch.tensor(X), torch.tensor(y)),
        "dict": Dataset({"X": X, "sample_weight": X[:, 0]}, y),
    }[kind]
    ours = list(TensorBatches(dataset, batch_size=5))
    theirs = list(DataLoader(dataset, batch_size=5))
    assert len(ours) == len(theirs)
    for our_batch, their_batch in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our_batch, tuple(their_batch), rtol=0, atol=0)


def test_subset_of_a_subset(table):
    X, y = table
    subset = Subset(Subset(Dataset(X, y), np.arange(0, 20, 2)), np.array([9, 0, 4]))
    ((rows, target),) = [batch for batch in TensorBatches(subset, 8) if len(batch[1])]
    np.testing.assert_array_equal(rows, X[[18, 0, 8]])
    np.testing.assert_array_equal(target, y[[18, 0, 8]])


def test_unshuffled_batches_are_slices(table):
    X, y = table
    for start, (rows, target) in zip(
        range(0, 23, 6), TensorBatches(Dataset(X, y), 6), strict=True
    ):
        np.testing.assert_array_equal(rows, X[start : start + 6])
        np.testing.assert_array_equal(target, y[start : start + 6])


def test_the_table_is_not_copied(table):
    X, y = table
    batches = TensorBatches(Dataset(X, y))
    assert np.shares_memory(batches.X.numpy(), X)
    assert np.shares_memory(batches.y.numpy(), y)


def test_batches_are_copies(table):
    X, y = table
    before = X.copy()
    for rows, _ in TensorBatches(Dataset(X, y), 6):
        rows.zero_()
    np.testing.assert_array_equal(X, before)


def test_rows_may_have_any_number_of_axes():
    images = torch.arange(5 * 2 * 3 * 3, dtype=torch.float32).reshape(5, 2, 3, 3)
    dataset = TensorDataset(images, torch.zeros(5))
    shapes = [tuple(X.shape) for X, _ in TensorBatches(dataset, 2)]
    assert shapes == [(2, 2, 3, 3), (3, 2, 3, 3)]


def test_a_dataset_without_target_has_a_dummy_one(table):
    batches = TensorBatches(Dataset(table[0]), 10)
    assert [y.tolist() for _, y in batches] == [[0.0] * 10, [0.0] * 10, [0.0] * 3]


def test_each_epoch_has_a_new_order():
    batches = ShuffledBatches(position_dataset([30]), 8, generator=generator())
    epochs = [sum(rows_of(batches), []) for _ in range(4)]
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_every_row_may_come_first():
    batches = ShuffledBatches(position_dataset([4]), 2, generator=generator())
    first = [rows_of(batches)[0][0] for _ in range(4_000)]
    counts = np.bincount(np.array(first, dtype=int), minlength=4)
    # Six standard deviations of a binomial count.
    assert np.abs(counts - 1_000).max() < 6 * np.sqrt(4_000 * 0.25 * 0.75)


@pytest.mark.parametrize("one_a_row", [False, True])
def test_mix_rows_agrees_with_loops(one_a_row):
    rows = torch.randn(4, 6, 2, 3, generator=generator(0))
    partners = torch.randn(4, 6, 2, 3, generator=generator(1))
    mixing = torch.rand((4, 6) if one_a_row else (), generator=generator(2))
    mixed = mix_rows({"X": rows}, {"X": partners}, mixing)["X"]
    for net in range(4):
        for i in range(6):
            weight = float(mixing[net, i] if one_a_row else mixing)
            torch.testing.assert_close(
                mixed[net, i], weight * rows[net, i] + (1 - weight) * partners[net, i]
            )


@pytest.mark.parametrize("batch_size", [0, -1])
def test_refuses_empty_batches(batch_size):
    with pytest.raises(ValueError, match=f"batch_size must be .*got {batch_size}"):
        TensorBatches(position_dataset([4]), batch_size)


def test_refuses_a_dataset_that_is_not_in_memory():
    class Folder(torch.utils.data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return torch.zeros(2), 0

    with pytest.raises(ValueError, match="Folder does not hold .*DataLoader"):
        TensorBatches(Folder())
