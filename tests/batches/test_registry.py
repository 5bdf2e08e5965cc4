"""What all training iterators have in common."""

import numpy as np
import pytest
import torch
from skorch.dataset import Dataset
from torch.utils.data import Subset

from imbdeep import batches as batches_module
from imbdeep.batches import TensorBatches
from imbdeep.batches._registry import BATCHES
from tests.batches.data import generator, labels, position_dataset


@pytest.fixture
def dataset():
    return position_dataset([40, 9, 6])


def test_every_public_iterator_has_a_name():
    public = {
        value
        for value in vars(batches_module).values()
        if isinstance(value, type) and issubclass(value, TensorBatches)
    }
    assert set(BATCHES.values()) == public - {TensorBatches}


@pytest.mark.parametrize("name", BATCHES)
def test_len_is_the_number_of_batches(name, dataset):
    for n in [3, 4, 9, 30, 31]:
        part = Subset(Dataset(*dataset.tensors), np.arange(n))
        for batch_size in [3, 4, 10, 29, 30, 40]:
            batches = BATCHES[name](part, batch_size, generator=generator())
            sizes = [len(y) for _, y in batches]
            assert len(sizes) == len(batches)
            assert min(sizes) >= 1


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("batch_size", [12, 1000])
def test_no_batch_is_empty(name, batch_size, dataset):
    batches = BATCHES[name](dataset, batch_size, generator=generator())
    assert all(len(X) == len(y) > 0 for X, y in batches)


@pytest.mark.parametrize("name", BATCHES)
def test_a_generator_decides_everything(name, dataset):
    # Two epochs of each, so that the second is drawn from where the first ended.
    def epochs(seed):
        batches = BATCHES[name](dataset, 12, generator=generator(seed))
        return [*batches, *batches]

    for (X, y), (X_again, y_again) in zip(epochs(3), epochs(3), strict=True):
        assert torch.equal(X, X_again)
        assert torch.equal(y, y_again)
    assert not all(
        torch.equal(X, X_other)
        for (X, _), (X_other, _) in zip(epochs(3), epochs(4), strict=True)
    )


@pytest.mark.parametrize("name", BATCHES)
def test_epochs_differ(name, dataset):
    batches = BATCHES[name](dataset, 12, generator=generator())
    first, second = list(batches), list(batches)
    assert not torch.equal(
        torch.cat([X for X, _ in first]), torch.cat([X for X, _ in second])
    )


@pytest.mark.parametrize("name", BATCHES)
def test_global_generators_are_left_alone(name, dataset):
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()
    list(BATCHES[name](dataset, 12, generator=generator()))
    assert torch.equal(torch.get_rng_state(), torch_state)
    for before, after in zip(numpy_state, np.random.get_state(), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", BATCHES)
def test_without_generator_torchs_own_decides(name, dataset):
    with torch.random.fork_rng():
        torch.manual_seed(7)
        first = list(BATCHES[name](dataset, 12))
        torch.manual_seed(7)
        second = list(BATCHES[name](dataset, 12))
    for (X, _), (X_again, _) in zip(first, second, strict=True):
        assert torch.equal(X, X_again)


@pytest.mark.parametrize("name", BATCHES)
def test_the_table_is_left_alone(name):
    rng = np.random.default_rng(0)
    y = labels([40, 9, 6]).numpy()
    X = rng.standard_normal((len(y), 3), dtype=np.float32)
    X_before, y_before = X.copy(), y.copy()
    list(BATCHES[name](Dataset(X, y), 12, generator=generator()))
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_keep_their_dtype(name, dtype, dataset):
    X, y = dataset.tensors
    batches = BATCHES[name](
        torch.utils.data.TensorDataset(X.to(dtype), y), 12, generator=generator()
    )
    assert {X.dtype for X, _ in batches} == {dtype}


@pytest.mark.parametrize("name", BATCHES)
def test_sample_weights_stay_with_their_rows(name):
    X = np.arange(30, dtype=np.float32)
    rows = {"X": X[:, None], "sample_weight": 2 * X}
    y = labels([20, 10]).numpy()
    for batch, _ in BATCHES[name](Dataset(rows, y), 12, generator=generator()):
        # Rows are mixed linearly, so a new weight is twice the new value as well.
        torch.testing.assert_close(batch["sample_weight"], 2 * batch["X"][:, 0])


@pytest.mark.parametrize("name", BATCHES)
def test_refuses_empty_batches(name, dataset):
    with pytest.raises(
        ValueError, match="batch_size must be a .* of at least 1, got 0"
    ):
        BATCHES[name](dataset, 0)
