"""Feature separation against plain loops in Python floats, and its limits."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from imbdeep.losses import feature_separation

TEMPERATURES = [0.05, 0.1, 1.0]


def loop_losses(features, labels, temperature):
    """Losses of one batch, a row and a positive at a time; None without a positive."""
    rows = []
    for row in features.tolist():
        length = math.sqrt(sum(entry**2 for entry in row))
        rows.append([entry / length for entry in row])
    labels = labels.tolist()
    losses = []
    for i, row in enumerate(rows):
        others = [a for a in range(len(rows)) if a != i]
        similarity = {
            a: sum(p * q for p, q in zip(row, rows[a], strict=True)) / temperature
            for a in others
        }
        positives = [p for p in others if labels[p] == labels[i]]
        if not positives:
            losses.append(None)
            continue
        log_sum = math.log(sum(math.exp(similarity[a]) for a in others))
        loss = 0.0
        for p in positives:
            loss += log_sum - similarity[p]
        losses.append(loss / len(positives))
    return losses


def batch(n=12, d=5, seed=0, dtype=torch.float64):
    """Labels 0 to 2 come up several times, label 9 once."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n, d, generator=generator, dtype=dtype)
    target = torch.arange(n) % 3
    target[n // 2] = 9
    return features, target[torch.randperm(n, generator=generator)]


def assert_agrees(losses, no_positive, expected):
    assert no_positive.tolist() == [loss is None for loss in expected]
    expected = torch.tensor([loss or 0.0 for loss in expected], dtype=torch.float64)
    torch.testing.assert_close(losses, expected)


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("n", [2, 5, 12])
def test_agrees_with_loops(n, temperature):
    features, target = batch(n)
    assert_agrees(
        *feature_separation(features, target, temperature),
        loop_losses(features, target, temperature),
    )


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_a_stack_is_each_of_its_batches(temperature):
    batches = [batch(seed=seed) for seed in range(6)]
    features, target = (torch.stack(parts) for parts in zip(*batches, strict=True))
    losses, no_positive = feature_separation(
        features.reshape(2, 3, 12, 5), target.reshape(2, 3, 12), temperature
    )
    assert losses.shape == no_positive.shape == (2, 3, 12)
    for position, (rows, labels) in enumerate(batches):
        index = divmod(position, 3)
        expected = loop_losses(rows, labels, temperature)
        assert_agrees(losses[index], no_positive[index], expected)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_gradient(temperature):
    features, target = batch(8)
    features.requires_grad_()
    assert gradcheck(lambda z: feature_separation(z, target, temperature)[0], features)


def test_gradient_of_a_stack():
    features, target = (
        torch.stack(parts)
        for parts in zip(batch(6, seed=1), batch(6, seed=2), strict=True)
    )
    features.requires_grad_()
    assert gradcheck(lambda z: feature_separation(z, target)[0], features)


def test_a_row_without_a_positive_has_loss_0_and_no_gradient_of_its_own():
    features, target = batch()
    alone = target == 9
    features.requires_grad_()
    losses, no_positive = feature_separation(features, target)
    assert torch.equal(no_positive, alone)
    assert losses[alone].item() == 0
    (gradient,) = torch.autograd.grad(losses[alone].sum(), features)
    assert (gradient == 0).all()


def test_no_row_has_a_positive():
    features, _ = batch()
    features.requires_grad_()
    losses, no_positive = feature_separation(features, torch.arange(12))
    losses.sum().backward()
    assert no_positive.all()
    assert (losses == 0).all()
    assert (features.grad == 0).all()


@pytest.mark.parametrize("temperature", [0.01, *TEMPERATURES])
@pytest.mark.parametrize("n", [2, 3, 50])
def test_identical_features_cannot_be_told_apart(n, temperature):
    features = torch.full((n, 4), 0.3)
    losses, _ = feature_separation(features, torch.zeros(n).long(), temperature)
    torch.testing.assert_close(losses, torch.full((n,), math.log(n - 1)))


@pytest.mark.parametrize("sizes", [(2, 2), (2, 5, 9)])
def test_separated_classes_reach_the_least_loss(sizes):
    # Only the rows of a class share the mass, and they share it evenly.
    target = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    features = torch.eye(len(sizes))[target]
    losses, _ = feature_separation(features, target, temperature=0.01)
    expected = [math.log(size - 1) for size in sizes for _ in range(size)]
    torch.testing.assert_close(losses, torch.tensor(expected))


def test_confused_classes_reach_the_greatest_loss():
    # The positive points the other way, all n - 2 negatives point the same way.
    features = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    losses, _ = feature_separation(features, torch.tensor([0, 0, 1, 2]), 0.01)
    assert losses[0].item() == pytest.approx(math.log(2) + 2 / 0.01)


def test_order_of_the_rows_and_names_of_the_classes_do_not_matter():
    features, target = batch(20)
    losses, no_positive = feature_separation(features, target)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(3))
    shuffled, alone = feature_separation(features[order], 100 - target[order])
    torch.testing.assert_close(shuffled, losses[order])
    assert torch.equal(alone, no_positive[order])


def test_length_of_the_features_does_not_matter():
    features, target = batch()
    lengths = torch.logspace(-6, 6, len(features), dtype=torch.float64)[:, None]
    torch.testing.assert_close(
        feature_separation(features * lengths, target),
        feature_separation(features, target),
    )


@pytest.mark.parametrize("temperature", [0.01, 0.1])
def test_float32_keeps_its_digits(temperature):
    features, target = batch(64, 8, dtype=torch.float32)
    exact, _ = feature_separation(features.double(), target, temperature)
    losses, _ = feature_separation(features, target, temperature)
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses.double(), exact, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("temperature", [0.01, 1.0])
@pytest.mark.parametrize(
    "features",
    [
        torch.zeros(6, 3),
        torch.cat([torch.zeros(3, 3), torch.eye(3)]),
        torch.full((6, 3), 1e-30),
        torch.cat([torch.eye(3), -torch.eye(3)]),
        torch.tensor([[1.0, -2.0, 0.5]]),
    ],
    ids=["zeros", "some zeros", "tiny", "opposite", "one row"],
)
def test_loss_and_gradient_stay_bounded(features, temperature):
    features = features.clone().requires_grad_()
    for target in (torch.zeros(len(features)).long(), torch.arange(len(features)) % 2):
        # Raises where the way back passes a NaN, though it may be masked in the end.
        with torch.autograd.set_detect_anomaly(True):
            losses, _ = feature_separation(features, target, temperature)
            (gradient,) = torch.autograd.grad(losses.sum(), features)
        assert torch.isfinite(losses).all()
        assert (losses >= 0).all()
        # Similarities have slope 1 / temperature, and each row is in n + 1 losses.
        assert gradient.abs().max() <= 2 * (len(features) + 1) / temperature


def test_a_batch_without_rows():
    losses, no_positive = feature_separation(
        torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)
    )
    assert losses.shape == no_positive.shape == (0,)


def gap_between_classes(features, target):
    """Least similarity within a class less the greatest between classes."""
    z = torch.nn.functional.normalize(features.detach(), dim=1)
    similarity = z @ z.T
    same = target[:, None] == target
    return (similarity[same].min() - similarity[~same].max()).item()


def test_descent_separates_classes():
    features, target = batch(18)
    features.requires_grad_()
    optimizer = torch.optim.SGD([features], lr=0.5)
    assert gap_between_classes(features, target) < -1
    for _ in range(200):
        losses, no_positive = feature_separation(features, target)
        optimizer.zero_grad()
        losses[~no_positive].mean().backward()
        optimizer.step()
    assert gap_between_classes(features, target) > 0.2


@pytest.mark.parametrize("temperature", [0, -0.1, math.nan])
def test_refuses_a_temperature_that_is_not_positive(temperature):
    features, target = batch()
    message = f"temperature must be greater than 0, got {temperature}"
    with pytest.raises(ValueError, match=message):
        feature_separation(features, target, temperature)
