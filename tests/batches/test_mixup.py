import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from imbdeep.batches import MixUpBatches
from tests.batches.data import (
    assert_beta_law,
    generator,
    identity_dataset,
    smaller_mixing,
)


@pytest.mark.parametrize("alpha", [0.1, pytest.param(1.0, marks=pytest.mark.slow), 4.0])
def test_mixing_follows_the_beta_law(alpha):
    dataset = identity_dataset([30, 10])
    batches = [
        MixUpBatches(dataset, 8, alpha=alpha, generator=generator(seed))
        for seed in range(5)
    ]
    epochs = (batch for stream in batches for _ in range(200) for batch in stream)
    assert_beta_law(smaller_mixing(epochs), alpha)


def test_labels_are_mixed_like_rows():
    dataset = identity_dataset([20, 9, 3])
    one_hot = torch.nn.functional.one_hot(dataset.tensors[1]).float()
    for X, soft in MixUpBatches(dataset, 8, alpha=2.0, generator=generator()):
        torch.testing.assert_close(soft, X @ one_hot)
        torch.testing.assert_close(soft.sum(1), torch.ones(len(soft)))


def test_each_row_is_a_parent_with_total_weight_1():
    # A permutation: nobody's partner twice. So the classes keep their shares as well.
    dataset = identity_dataset([20, 9, 3])
    weights, labels = zip(
        *[
            (X.sum(0), soft.sum(0))
            for X, soft in MixUpBatches(dataset, 8, generator=generator())
        ],
        strict=True,
    )
    torch.testing.assert_close(sum(weights), torch.ones(32))
    torch.testing.assert_close(sum(labels), torch.tensor([20.0, 9.0, 3.0]))


def test_partners_are_drawn_alike():
    # Four rows, all in one batch: each of the 3 others is a partner equally often.
    dataset = identity_dataset([2, 2])
    batches = MixUpBatches(dataset, 4, alpha=5.0, generator=generator())
    rows = torch.cat([X for _ in range(3_000) for X, _ in batches])
    parents = (rows[(rows > 0).sum(1) == 2] > 0).float()
    counts = (parents.T @ parents)[*torch.triu_indices(4, 4, offset=1)]
    assert (counts > 0).all()
    # In an epoch i is mixed with j as often as 2 in 4; 6 standard deviations, and twice
    # that because the rows of an epoch depend on each other.
    assert (counts - counts.mean()).abs().max() < 12 * np.sqrt(counts.mean().item())


def test_small_alpha_leaves_the_rows_as_they_are():
    dataset = identity_dataset([20, 9, 3])
    for X, soft in MixUpBatches(dataset, 8, alpha=1e-8, generator=generator()):
        assert set(X.unique().tolist()) == {0.0, 1.0}
        assert torch.equal(dataset.tensors[1][X.argmax(1)], soft.argmax(1))
        assert set(soft.unique().tolist()) == {0.0, 1.0}


def test_labels_may_be_wider_than_the_classes_present():
    dataset = identity_dataset([5, 3])
    for _, soft in MixUpBatches(dataset, 4, n_classes=4, generator=generator()):
        assert soft.shape[1] == 4
        assert (soft[:, 2:] == 0).all()


def test_images_are_mixed_too():
    X = torch.randn(6, 2, 3, 3, generator=generator())
    batches = MixUpBatches(TensorDataset(X, torch.arange(6) % 2), 6, alpha=1.0)
    assert [tuple(X.shape) for X, _ in batches] == [(6, 2, 3, 3)]


@pytest.mark.parametrize("alpha", [0, -1.0, np.nan])
def test_refuses_alpha_that_is_not_positive(alpha):
    with pytest.raises(ValueError, match=f"alpha must be greater than 0, got {alpha}"):
        MixUpBatches(identity_dataset([2, 2]), alpha=alpha)


def test_refuses_labels_beyond_n_classes():
    with pytest.raises(ValueError, match="n_classes"):
        list(MixUpBatches(identity_dataset([4, 4, 4]), 4, n_classes=2))
