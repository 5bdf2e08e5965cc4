"""Rebalanced MixUp case by case, and against a loop over rows."""

import math

import numpy as np
import pytest
import torch

from imbdeep.batches._rebalanced_mixup import label_mixing, rebalanced_mixup
from tests.batches.data import generator

COUNTS = torch.tensor([900, 300, 100, 99, 33])


def loop_label_mixing(mixing, count_i, count_j, kappa, tau):
    """Eq. 5.4 of one row."""
    if count_i / count_j >= kappa and mixing < tau:
        return 0.0
    if count_j / count_i >= kappa and 1 - mixing < tau:
        return 1.0
    return mixing


def loop_rebalanced_mixup(X, labels, counts, partner, mixing, kappa, tau):
    """Eq. 5.3 a row at a time, in float64."""
    X, labels = X.double().numpy(), labels.double().numpy()
    rows, targets = [], []
    for i, j in enumerate(partner.tolist()):
        weight = mixing[i].item()
        label_weight = loop_label_mixing(
            weight,
            counts[int(labels[i].argmax())].item(),
            counts[int(labels[j].argmax())].item(),
            kappa,
            tau,
        )
        rows.append(weight * X[i] + (1 - weight) * X[j])
        targets.append(label_weight * labels[i] + (1 - label_weight) * labels[j])
    return torch.from_numpy(np.array(rows)), torch.from_numpy(np.array(targets))


def batch(n=60, shape=(4,), dtype=torch.float64, seed=0):
    draws = generator(seed)
    X = torch.randn(n, *shape, generator=draws, dtype=torch.float64)
    y = torch.randint(len(COUNTS), (n,), generator=draws)
    labels = torch.nn.functional.one_hot(y, len(COUNTS))
    partner = torch.randperm(n, generator=draws)
    mixing = torch.rand(n, generator=draws, dtype=torch.float64)
    return X.to(dtype), labels.to(dtype), partner, mixing


@pytest.mark.parametrize(
    "count_i, count_j, mixing, kappa, tau, expected",
    [
        # The row's class is much larger: its label goes where it is the lesser part.
        (900, 100, 0.25, 3, 0.5, 0.0),
        (900, 100, 0.75, 3, 0.5, 0.75),
        # The partner's class is much larger.
        (100, 900, 0.25, 3, 0.5, 0.25),
        (100, 900, 0.75, 3, 0.5, 1.0),
        # Classes of like size, and the same class.
        (200, 100, 0.25, 3, 0.5, 0.25),
        (100, 200, 0.75, 3, 0.5, 0.75),
        (100, 100, 0.25, 3, 0.5, 0.25),
        # A ratio of exactly kappa counts, ...
        (300, 100, 0.25, 3, 0.5, 0.0),
        (100, 300, 0.75, 3, 0.5, 1.0),
        (299, 100, 0.25, 3, 0.5, 0.25),
        (100, 299, 0.75, 3, 0.5, 0.75),
        # ... also where 1 / kappa is no floating-point number.
        (11, 10, 0.25, 1.1, 0.5, 0.0),
        (10, 11, 0.75, 1.1, 0.5, 1.0),
        (49, 10, 0.25, 4.9, 0.5, 0.0),
        (10, 49, 0.75, 4.9, 0.5, 1.0),
        # A weight of exactly tau does not.
        (900, 100, 0.5, 3, 0.5, 0.5),
        (100, 900, 0.5, 3, 0.5, 0.5),
        (900, 100, 0.25, 3, 0.25, 0.25),
        (100, 900, 0.75, 3, 0.25, 0.75),
        # kappa = 1 takes classes of the same size for both larger and smaller.
        (100, 100, 0.25, 1, 0.5, 0.0),
        (100, 100, 0.75, 1, 0.5, 1.0),
        (100, 100, 0.5, 1, 0.5, 0.5),
        (100, 100, 0.5, 1, 0.75, 0.0),
        # tau = 0 changes no label, tau = 1 all but whole rows'.
        (900, 100, 0.0, 3, 0.0, 0.0),
        (900, 100, 0.125, 3, 0.0, 0.125),
        (100, 900, 1.0, 3, 0.0, 1.0),
        (900, 100, 0.875, 3, 1.0, 0.0),
        (900, 100, 1.0, 3, 1.0, 1.0),
        (100, 900, 0.125, 3, 1.0, 1.0),
        (100, 900, 0.0, 3, 1.0, 0.0),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_label_mixing_case_by_case(
    count_i, count_j, mixing, kappa, tau, expected, dtype
):
    weight = label_mixing(
        torch.tensor([mixing], dtype=dtype),
        torch.tensor([count_i]),
        torch.tensor([count_j]),
        kappa,
        tau,
    )
    assert torch.equal(weight, torch.tensor([expected], dtype=dtype))


@pytest.mark.parametrize("kappa", [1, 1.5, 3, 9])
@pytest.mark.parametrize("tau", [0.0, 0.3, 0.5, 0.8])
def test_label_mixing_agrees_with_a_loop(kappa, tau):
    draws = generator(1)
    mixing = torch.rand(4, 200, generator=draws, dtype=torch.float64)
    count_i, count_j = COUNTS[torch.randint(5, (2, 4, 200), generator=draws)]
    expected = [
        loop_label_mixing(*row, kappa, tau)
        for row in zip(
            mixing.flatten().tolist(),
            count_i.flatten().tolist(),
            count_j.flatten().tolist(),
            strict=True,
        )
    ]
    weight = label_mixing(mixing, count_i, count_j, kappa, tau)
    assert weight.flatten().tolist() == expected
    assert weight.shape == mixing.shape


def test_the_rule_is_that_of_remix_by_default():
    mixing, count_i, count_j = torch.rand(3, 50, generator=generator(2))
    count_i, count_j = (100 * count_i).ceil(), (100 * count_j).ceil()
    assert torch.equal(
        label_mixing(mixing, count_i, count_j),
        label_mixing(mixing, count_i, count_j, kappa=3, tau=0.5),
    )


def test_swapping_a_pair_swaps_the_labels():
    mixing = torch.rand(500, generator=generator(3), dtype=torch.float64)
    count_i, count_j = COUNTS[torch.randint(5, (2, 500), generator=generator(4))]
    torch.testing.assert_close(
        label_mixing(1 - mixing, count_j, count_i),
        1 - label_mixing(mixing, count_i, count_j),
    )


@pytest.mark.parametrize("shape", [(), (4,), (3, 2, 5)])
@pytest.mark.parametrize("kappa, tau", [(3, 0.5), (1, 0.5), (2, 0.8), (9, 0.1)])
def test_agrees_with_a_loop(shape, kappa, tau):
    X, labels, partner, mixing = batch(shape=shape)
    actual = rebalanced_mixup(X, labels, COUNTS, partner, mixing, kappa, tau)
    expected = loop_rebalanced_mixup(X, labels, COUNTS, partner, mixing, kappa, tau)
    torch.testing.assert_close(actual, expected)


def test_soft_labels_count_as_their_largest_class():
    X, _, partner, mixing = batch()
    labels = torch.randn(60, 5, generator=generator(5), dtype=torch.float64).softmax(-1)
    actual = rebalanced_mixup(X, labels, COUNTS, partner, mixing)
    expected = loop_rebalanced_mixup(X, labels, COUNTS, partner, mixing, 3, 0.5)
    torch.testing.assert_close(actual, expected)
    torch.testing.assert_close(actual[1].sum(1), torch.ones(60, dtype=torch.float64))


@pytest.mark.parametrize("kappa, tau", [(3, 0.0), (math.inf, 0.5)])
def test_without_a_rebalanced_label_it_is_mixup(kappa, tau):
    X, labels, partner, mixing = batch()
    X_mix, labels_mix = rebalanced_mixup(X, labels, COUNTS, partner, mixing, kappa, tau)
    weight = mixing[:, None]
    torch.testing.assert_close(X_mix, weight * X + (1 - weight) * X[partner])
    torch.testing.assert_close(
        labels_mix, weight * labels + (1 - weight) * labels[partner]
    )


def test_one_mixing_weight_serves_the_whole_batch():
    X, labels, partner, _ = batch()
    one = torch.tensor(0.3, dtype=torch.float64)
    torch.testing.assert_close(
        rebalanced_mixup(X, labels, COUNTS, partner, one),
        rebalanced_mixup(X, labels, COUNTS, partner, one.expand(60)),
    )


def test_rare_classes_gain_label_mass():
    X, labels, _, mixing = batch(4000)
    labels = torch.eye(2, dtype=torch.float64)[torch.arange(4000) % 2]
    partner = torch.randperm(4000, generator=generator(6))
    _, labels_mix = rebalanced_mixup(
        X, labels, torch.tensor([900, 100]), partner, mixing
    )
    # A quarter of the mixes are of rare rows alone. A quarter are of both classes with
    # more of the rare one, and count as rare; a quarter are of both with less of it,
    # and 1/4 rare on average. 6 standard errors of a mean of 4000 numbers in [0, 1].
    assert labels_mix[:, 1].mean().item() == pytest.approx(
        9 / 16, abs=6 * 0.5 / math.sqrt(4000)
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("label_dtype", [torch.float32, torch.float64])
def test_dtypes_are_kept_and_inputs_left_alone(dtype, label_dtype):
    X, labels, partner, mixing = batch(dtype=dtype)
    labels = labels.to(label_dtype)
    inputs = X, labels, partner, mixing
    before = [tensor.clone() for tensor in inputs]
    X_mix, labels_mix = rebalanced_mixup(X, labels, COUNTS, partner, mixing)
    assert (X_mix.dtype, labels_mix.dtype) == (dtype, label_dtype)
    for tensor, copy in zip(inputs, before, strict=True):
        assert torch.equal(tensor, copy)


def test_features_with_weights_are_mixed_alike():
    X, labels, partner, mixing = batch()
    rows = {"X": X, "more": X[:, 0]}
    mixed, _ = rebalanced_mixup(rows, labels, COUNTS, partner, mixing)
    X_mix, _ = rebalanced_mixup(X, labels, COUNTS, partner, mixing)
    torch.testing.assert_close(mixed, {"X": X_mix, "more": X_mix[:, 0]})


@pytest.mark.parametrize("kappa", [0.5, -3, math.nan])
def test_refuses_kappa_below_1(kappa):
    X, labels, partner, mixing = batch()
    with pytest.raises(ValueError, match=f"kappa must be at least 1, got {kappa}"):
        rebalanced_mixup(X, labels, COUNTS, partner, mixing, kappa=kappa)


@pytest.mark.parametrize("tau", [-0.1, 1.5, math.nan])
def test_refuses_tau_that_is_no_share(tau):
    X, labels, partner, mixing = batch()
    with pytest.raises(ValueError, match=rf"tau must be in \[0, 1\], got {tau}"):
        rebalanced_mixup(X, labels, COUNTS, partner, mixing, tau=tau)


def test_refuses_counts_of_other_classes():
    X, labels, partner, mixing = batch()
    with pytest.raises(ValueError, match=r"class_counts has shape \(2,\) .* 5 classes"):
        rebalanced_mixup(X, labels, COUNTS[:2], partner, mixing)
