import math

import pytest
import torch

from imbdeep.losses import class_balanced_weights, effective_number


def weights_by_sums(counts, beta):
    """1 over the effective number 1 + beta + ... + beta**(n - 1), term by term."""
    inverse = []
    for n in counts:
        effective = math.fsum(beta**i for i in range(n))
        inverse.append(1 / effective if n else 0.0)
    return torch.tensor([w * len(counts) / sum(inverse) for w in inverse])


@pytest.mark.parametrize("beta", [0.5, 0.99, 0.9999, 0.999999])
@pytest.mark.parametrize(
    "counts", [[1, 1], [900, 100], [5, 1, 100_000], [1, 10, 3, 7, 20_000, 50, 1]]
)
def test_agrees_with_the_effective_number(counts, beta):
    weights = class_balanced_weights(torch.tensor(counts), beta)
    assert weights.dtype == torch.float32
    torch.testing.assert_close(weights, weights_by_sums(counts, beta))


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9999])
def test_the_effective_number_is_a_sum_of_powers(beta):
    counts = [0, 1, 2, 300, 20_000]
    expected = [math.fsum(beta**i for i in range(n)) for n in counts]
    numbers = effective_number(torch.tensor(counts), beta)
    assert numbers.tolist() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("counts", [[900, 100], [5, 1, 0, 100_000], [7, 7]])
def test_what_is_1_by_each_normalization(counts):
    plain = weights_by_sums(counts, 0.9999).double()
    share = torch.tensor(counts).double() / sum(counts)
    scale = {
        "classes": 1.0,
        "rows": 1 / (plain * share).sum(),
        "frequent": 1 / plain[share.argmax()],
    }
    for normalization, factor in scale.items():
        weights = class_balanced_weights(
            torch.tensor(counts), normalization=normalization
        )
        torch.testing.assert_close(weights, (factor * plain).float())


def test_the_mean_over_the_rows_of_balanced_batches():
    counts, shares = torch.tensor([900, 100]), torch.tensor([0.5, 0.5])
    weights = class_balanced_weights(counts, 0.9999, "rows", shares)
    torch.testing.assert_close(weights, class_balanced_weights(counts))


def test_refuses_an_unknown_normalization():
    with pytest.raises(
        ValueError, match="normalization must be 'classes', .* got 'sum'"
    ):
        class_balanced_weights(torch.tensor([2, 1]), normalization="sum")


def test_a_million_rows():
    counts = [1_000_000, 1]
    weights = class_balanced_weights(torch.tensor(counts), 0.9999)
    torch.testing.assert_close(weights, weights_by_sums(counts, 0.9999))


@pytest.mark.parametrize("counts", [[4, 1], [1, 10, 1_000_000]])
def test_beta_0_weighs_classes_alike(counts):
    weights = class_balanced_weights(torch.tensor(counts), 0.0)
    assert weights.tolist() == [1.0] * len(counts)


def test_small_beta_tends_to_beta_0():
    weights = class_balanced_weights(torch.tensor([3, 40, 1_000_000]), 1e-9)
    torch.testing.assert_close(weights, torch.ones(3))


@pytest.mark.parametrize("distance", [1e-12, 2**-53])
def test_beta_towards_1_tends_to_inverse_counts(distance):
    counts = torch.tensor([1, 30, 2_000, 1_000_000])
    inverse = 1 / counts.double()
    expected = (inverse * 4 / inverse.sum()).float()
    weights = class_balanced_weights(counts, 1 - distance)
    torch.testing.assert_close(weights, expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.9999])
def test_a_class_without_rows_weighs_nothing(beta):
    weights = class_balanced_weights(torch.tensor([50, 0, 7]), beta)
    assert weights[1] == 0
    assert weights.sum().item() == pytest.approx(3)
    # The others keep their proportion.
    two = class_balanced_weights(torch.tensor([50, 7]), beta)
    assert (weights[2] / weights[0]).item() == pytest.approx((two[1] / two[0]).item())


def test_rarer_classes_weigh_more():
    counts = torch.tensor([1, 2, 10, 100, 1_000, 10_000])
    weights = class_balanced_weights(counts)
    assert (weights.diff() < 0).all()
    assert weights.sum().item() == pytest.approx(6)


@pytest.mark.parametrize("beta", [-0.1, 1, 1.5, math.nan])
def test_refuses_beta_outside_its_range(beta):
    with pytest.raises(ValueError, match=r"beta must be in \[0, 1\), got"):
        class_balanced_weights(torch.tensor([2, 1]), beta)


@pytest.mark.parametrize("counts", [[], [3], [[3, 4]], 3])
def test_refuses_counts_of_fewer_than_two_classes(counts):
    with pytest.raises(ValueError, match="at least two classes, got shape"):
        class_balanced_weights(torch.tensor(counts))


@pytest.mark.parametrize("counts", [[0, 0], [-1, 5], [math.nan, 5], [math.inf, 5]])
def test_refuses_impossible_counts(counts):
    with pytest.raises(ValueError, match="finite, at least 0 and not all 0, got"):
        class_balanced_weights(torch.tensor(counts))
