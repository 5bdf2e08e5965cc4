import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from imbdeep.batches import ReMixBatches
from tests.batches.data import (
    assert_beta_law,
    generator,
    identity_dataset,
    labels,
    smaller_mixing,
)


def class_counts(soft):
    """Rows of each class before mixing: a permutation leaves their sum as it was."""
    counts = soft.sum(0)
    torch.testing.assert_close(counts, counts.round(), rtol=0, atol=1e-4)
    return counts.round().long()


def many_batches(n_epochs, *args, **kwargs):
    batches = ReMixBatches(*args, generator=generator(), **kwargs)
    return [batch for _ in range(n_epochs) for batch in batches]


@pytest.mark.parametrize("counts", [[95, 5], [60, 30, 9, 1]])
def test_each_class_gets_its_exact_share(counts):
    for X, soft in many_batches(5, identity_dataset(counts), 20):
        assert len(X) == 20
        assert class_counts(soft).tolist() == [20 // len(counts)] * len(counts)


def test_left_over_rows_are_spread_evenly():
    extra = torch.zeros(3)
    batches = many_batches(120, identity_dataset([80, 15, 5]), 8)
    for _, soft in batches:
        counts = class_counts(soft)
        assert sorted(counts.tolist()) == [2, 3, 3]
        extra += counts - 2
    # Two of three classes get one more; six standard deviations of a binomial count.
    n = len(batches)
    assert (extra - n * 2 / 3).abs().max() < 6 * np.sqrt(n * 2 / 9)


def test_rows_of_a_class_are_drawn_alike():
    dataset = identity_dataset([30, 10])
    batches = many_batches(200, dataset, 8, alpha=1e-8)
    drawn = torch.cat([X.argmax(1) for X, _ in batches]).bincount(minlength=40)
    for label in range(2):
        assert chisquare(drawn[dataset.tensors[1] == label]).pvalue > 1e-7


@pytest.mark.parametrize(
    "balance, alpha",
    [
        ("data", 0.1),
        pytest.param("data", 2, marks=pytest.mark.slow),
        pytest.param("batch", 0.3, marks=pytest.mark.slow),
    ],
)
def test_mixing_follows_the_beta_law(balance, alpha):
    dataset = identity_dataset([25, 15])
    batches = [
        ReMixBatches(
            dataset, 8, alpha=alpha, balance=balance, generator=generator(seed)
        )
        for seed in range(5)
    ]
    epochs = (batch for stream in batches for _ in range(200) for batch in stream)
    assert_beta_law(smaller_mixing(epochs), alpha)


@pytest.mark.parametrize("balance", ["data", "batch"])
def test_labels_are_mixed_like_rows(balance):
    dataset = identity_dataset([20, 9, 3])
    one_hot = torch.nn.functional.one_hot(dataset.tensors[1]).float()
    for X, soft in many_batches(5, dataset, 8, alpha=2.0, balance=balance):
        torch.testing.assert_close(soft, X @ one_hot)


def test_every_batch_drawn_from_the_data_holds_every_class():
    for _, soft in many_batches(5, identity_dataset([97, 2, 1]), 7):
        assert (class_counts(soft) > 0).all()


def test_a_batch_is_balanced_among_the_classes_it_held():
    # In an epoch each row is in one standard batch. So the lone row of class 2 is in
    # one batch, the two rows of class 1 in one or two, and batches share no row.
    dataset = identity_dataset([31, 2, 1])
    batches = ReMixBatches(
        dataset, 8, balance="batch", alpha=1e-8, generator=generator()
    )
    for _ in range(30):
        present, seen = [], []
        for X, soft in batches:
            counts = class_counts(soft)
            held = counts > 0
            present.append(held)
            assert counts[held].max() - counts[held].min() <= 1
            seen += X.argmax(1).unique().tolist()
        in_batches = torch.stack(present).sum(0)
        assert in_batches[2] == 1
        assert in_batches[1] in (1, 2)
        assert len(seen) == len(set(seen))


def test_a_standard_batch_loses_no_class():
    # Six classes of two rows each, batches of four: a class is in 1 or 2 batches.
    dataset = identity_dataset([2] * 6)
    batches = ReMixBatches(dataset, 6, balance="batch", generator=generator())
    for _ in range(30):
        present = torch.stack([class_counts(soft) > 0 for _, soft in batches]).sum(0)
        assert set(present.tolist()) <= {1, 2}


def test_a_batch_of_the_whole_table_is_balanced():
    ((_, soft),) = ReMixBatches(
        identity_dataset([37, 2, 1]), 40, balance="batch", generator=generator()
    )
    assert sorted(class_counts(soft).tolist()) == [13, 13, 14]


@pytest.mark.parametrize("balance", ["data", "batch"])
def test_small_alpha_is_balanced_resampling(balance):
    dataset = identity_dataset([30, 10])
    for X, soft in many_batches(3, dataset, 10, alpha=1e-8, balance=balance):
        assert torch.equal(X.sum(1), torch.ones(len(X)))
        assert set(X.unique().tolist()) == {0.0, 1.0}
        assert torch.equal(soft.argmax(1), dataset.tensors[1][X.argmax(1)])


def test_labels_may_be_wider_than_the_classes_present():
    y = labels([12, 4])
    dataset = torch.utils.data.TensorDataset(torch.eye(16), 2 * y)
    for _, soft in many_batches(2, dataset, 6, n_classes=5):
        assert class_counts(soft).tolist() == [3, 0, 3, 0, 0]


def test_fewer_rows_than_a_batch():
    ((X, soft),) = ReMixBatches(identity_dataset([5, 1]), 128, generator=generator())
    assert len(X) == 6
    assert class_counts(soft).tolist() == [3, 3]


@pytest.mark.parametrize("balance", ["data", "batch"])
def test_refuses_batches_smaller_than_the_number_of_classes(balance):
    with pytest.raises(ValueError, match="batch_size=2 cannot hold .* 3 classes"):
        ReMixBatches(identity_dataset([5, 5, 5]), 2, balance=balance)


def test_refuses_an_unknown_balance():
    with pytest.raises(ValueError, match="balance must be 'batch' or 'data', got 'x'"):
        ReMixBatches(identity_dataset([5, 5]), balance="x")


def test_refuses_alpha_that_is_not_positive():
    with pytest.raises(ValueError, match="alpha must be greater than 0, got 0"):
        ReMixBatches(identity_dataset([5, 5]), alpha=0)
