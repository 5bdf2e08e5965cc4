"""Shares of classes in the loss, against enumerations and simulated batches."""

import itertools
import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.utils.data import TensorDataset

from imbdeep.batches import TensorBatches
from imbdeep.batches._label_mass import (
    shares_of_mixed_labels,
    shares_of_normalized_batches,
    weighted_shares,
)
from imbdeep.batches._rebalanced_mixup import label_mixing, label_moments
from imbdeep.batches._registry import BATCHES
from tests.common.slow import half_of

CASES = {
    "two": ([0.9, 0.1], [1.0, 9.0]),
    "three": ([0.7, 0.2, 0.1], [1.0, 3.0, 20.0]),
    "steep": ([0.99, 0.01], [1.0, 1e4]),
    "a-weight-of-0": ([0.6, 0.3, 0.1], [1.0, 0.0, 5.0]),
    "a-share-of-0": ([0.8, 0.0, 0.2], [1.0, 7.0, 5.0]),
}


def doubles(values):
    return torch.tensor(values, dtype=torch.float64)


def by_enumeration(shares, weight, size, counts=None):
    """Mean of each class's part over all batches, independent or without return."""
    total = np.zeros(len(shares))
    for drawn in itertools.product(range(size + 1), repeat=len(shares)):
        if sum(drawn) != size:
            continue
        if counts is None:
            log_p = math.lgamma(size + 1)
            log_p += sum(
                (k * math.log(s) if k else 0) - math.lgamma(k + 1)
                if s or not k
                else -math.inf
                for k, s in zip(drawn, shares, strict=True)
            )
            p = math.exp(log_p)
        else:
            p = math.prod(map(math.comb, counts, drawn)) / math.comb(sum(counts), size)
        parts = np.array(drawn) * weight
        if parts.sum():
            total += p * parts / parts.sum()
    return total / total.sum()


@pytest.mark.parametrize("size", [1, 2, 12])
@pytest.mark.parametrize("case", CASES)
def test_independent_batches(case, size):
    shares, weight = CASES[case]
    expected = by_enumeration(shares, weight, size)
    found = shares_of_normalized_batches(doubles(shares), doubles(weight), size)
    assert_allclose(found, expected, rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("size", [6, 12, 30])
@pytest.mark.parametrize("counts", [[27, 3], [20, 7, 3]])
def test_batches_without_replacement(counts, size):
    shares = doubles([n / 30 for n in counts])
    weight = doubles([10 / n for n in counts])
    expected = by_enumeration(shares.tolist(), weight.numpy(), size, counts)
    spread = (30 - size) / 29
    found = shares_of_normalized_batches(shares, weight, size, spread)
    assert_allclose(found.log(), np.log(expected), atol=0.05)
    wrong, naive = found.numpy() - expected, weighted_shares(shares, weight).numpy()
    assert abs(naive - expected).max() >= 3 * abs(wrong).max() - 1e-12


def test_equal_weights_and_whole_batches_leave_the_product():
    shares, weight = doubles([0.7, 0.2, 0.1]), doubles([1.0, 3.0, 20.0])
    same = shares_of_normalized_batches(shares, torch.full((3,), 5.0), 7)
    assert_allclose(same, shares, rtol=1e-15)
    whole = shares_of_normalized_batches(shares, weight, 7, spread=0)
    assert_allclose(whole, weighted_shares(shares, weight), rtol=1e-15)
    # The larger the batches, the less they differ.
    large = shares_of_normalized_batches(shares, weight, 10**6)
    assert_allclose(large, weighted_shares(shares, weight), rtol=1e-4)


def by_batches(batches, weight, normalized, n_epochs=80):
    """Each class's part of the loss, from batches as a net sees them."""
    parts = []
    for _ in range(n_epochs):
        for _, y in batches:
            soft = y if y.ndim == 2 else torch.eye(len(weight))[y]
            of_rows = (soft * weight).sum(1, keepdim=True)
            loss = (of_rows * soft).sum(0)
            parts.append(loss / (of_rows.sum() if normalized else len(soft)))
    mean = torch.stack(parts).double().mean(0)
    return mean / mean.sum()


@half_of(
    iterator=[
        *((name, {}) for name in BATCHES),
        ("balanced", {"balance": "expected"}),
        ("balanced", {"beta": 0.9}),
        ("mixup", {"alpha": 2.0}),
        ("remix", {"alpha": 2.0}),
    ],
    counts=[[70, 10], [50, 20, 10]],
    normalized=[False, True],
)
def test_iterators_tell_what_their_batches_hold(iterator, counts, normalized):
    name, options = iterator
    y = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    weight = torch.tensor([1.0, 4.0, 9.0])[: len(counts)]
    dataset = TensorDataset(torch.randn(len(y), 2), y)
    generator = torch.Generator().manual_seed(0)
    batches = BATCHES[name](dataset, 16, generator=generator, **options)
    shares = batches.class_shares(len(counts))
    found = batches.loss_shares(shares, weight, normalized=normalized)
    # SMOTE's batches also differ in which classes they have, which is left out.
    atol = 0.06 if name == "smote" and normalized else 0.02
    assert_allclose(found, by_batches(batches, weight, normalized), atol=atol)
    assert_allclose(found.sum(), 1, rtol=1e-12)


def test_batches_of_two_sizes_are_all_steps():
    y = torch.tensor([0] * 27 + [1] * 3)
    batches = TensorBatches(TensorDataset(y, y), 20, shuffle=True)
    shares, weight = batches.class_shares(2), doubles([1.0, 9.0])
    parts = [
        by_enumeration([0.9, 0.1], weight.numpy(), size, [27, 3]) for size in (20, 10)
    ]
    found = batches.loss_shares(shares, weight, normalized=True)
    assert_allclose(found, np.mean(parts, axis=0), atol=0.01)


def test_the_mean_weights_of_rows():
    y = np.array([0, 0, 1, 1])
    rows = {"X": np.zeros((4, 1)), "sample_weight": np.array([1.0, 3.0, 5.0, 7.0])}

    class Rows:
        X = rows

        def __len__(self):
            return 4

    whole = Rows()
    whole.y = y
    assert TensorBatches(whole).mean_weights(3).tolist() == [2, 6, 1]
    part = torch.utils.data.Subset(whole, [1, 2])
    assert TensorBatches(part).mean_weights(3).tolist() == [3, 5, 1]
    plain = TensorDataset(torch.zeros(4), torch.zeros(4).long())
    assert TensorBatches(plain).mean_weights(1) is None


@pytest.mark.parametrize("tau", [0.0, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.0])
def test_moments_of_the_weights_of_labels(alpha, tau):
    counts = torch.tensor([60, 15, 14])
    first, second = label_moments(counts, alpha, 3.0, tau)
    mixing = torch.from_numpy(np.random.default_rng(0).beta(alpha, alpha, 200_000))
    for a, b in itertools.product(range(3), repeat=2):
        drawn = label_mixing(mixing, counts[a], counts[b], 3.0, tau)
        assert_allclose(first[a, b], drawn.mean(), atol=4e-3)
        assert_allclose(second[a, b], drawn.square().mean(), atol=4e-3)


def test_shares_of_mixed_labels_by_hand():
    shares, weight = doubles([0.6, 0.3, 0.1]), doubles([1.0, 2.0, 5.0])
    rng = np.random.default_rng(0)
    # One value for each pair: its square is the second moment.
    first = doubles(rng.uniform(size=(3, 3)).tolist())
    second = first.square()
    total = np.zeros(3)
    for a, b in itertools.product(range(3), repeat=2):
        own = float(first[a, b])
        label = own * np.eye(3)[a] + (1 - own) * np.eye(3)[b]
        row_weight = own * weight[a] + (1 - own) * weight[b]
        total += float(shares[a] * shares[b] * row_weight) * label
    found = shares_of_mixed_labels(shares, weight, first, second)
    assert_allclose(found, total / total.sum(), rtol=1e-12)
