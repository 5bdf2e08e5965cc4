"""Losses against plain loops, and their gradients against finite differences."""

import math

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from imbdeep._generative import (
    classifier_loss,
    cluster_loss,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    log_loss_of_real,
    log_loss_of_synthetic,
    reconstruction_loss,
    squared_error,
    weight_penalty,
)

WEIGHTS = {"minority_weight": 0.7, "push_weight": 1.3, "margin": 2.5}


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def uniform(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def one_hot(labels, n_classes):
    return torch.eye(n_classes, dtype=torch.float64)[labels]


def labels_of(n, n_classes, seed=0):
    """All classes, the first one most often."""
    draws = uniform(n, seed=seed + 50).square() * n_classes
    labels = draws.long()
    labels[:n_classes] = torch.arange(n_classes)
    return labels


def probabilities(n, n_classes, seed):
    return normal(n, n_classes, seed=seed).softmax(1)


# --- Slow derivations ----------------------------------------------------------------


def slow_distance(a, b):
    """Squared, of two lists of numbers."""
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def slow_mean_distance(first, second, weight=None):
    total = 0.0
    for i in range(len(first)):
        a, b = first[i].flatten().tolist(), second[i].flatten().tolist()
        total += (1.0 if weight is None else weight[i].item()) * slow_distance(a, b)
    return total / len(first)


def slow_means_and_spreads(codes, labels, n_classes):
    found = {}
    for c in range(n_classes):
        own = [
            z for z, k in zip(codes.tolist(), labels.tolist(), strict=True) if k == c
        ]
        if not own:
            continue
        mean = [sum(column) / len(own) for column in zip(*own, strict=True)]
        found[c] = mean, sum(slow_distance(z, mean) for z in own) / len(own)
    return found


def slow_pull(found, majority, minority_weight):
    """First two terms of eq. (2.2)."""
    total = 0.0
    for c, (_, spread) in found.items():
        total += spread if c == majority else minority_weight * spread
    return total


def slow_cluster(codes, labels, n_classes, majority, *, minority_weight, push_weight,
                 margin):  # fmt: skip
    found = slow_means_and_spreads(codes, labels, n_classes)
    push = 0.0
    for c in found:
        for d in found:
            if c < d:
                radii = math.sqrt(found[c][1]) + math.sqrt(found[d][1])
                apart = math.sqrt(slow_distance(found[c][0], found[d][0]))
                push += max(0.0, margin * max(1.0, radii) - apart) ** 2
    pull = slow_pull(found, majority, minority_weight)
    return pull + push_weight * push / (n_classes - 1)


# --- (2.1) ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7, 3), (7, 1), (6, 4, 5), (5, 2, 3, 4)])
def test_squared_error(shape):
    made, target = normal(*shape, seed=1), normal(*shape, seed=2)
    error = squared_error(made, target)
    assert error.shape == shape[:1]
    for i in range(shape[0]):
        expected = slow_distance(
            made[i].flatten().tolist(), target[i].flatten().tolist()
        )
        assert error[i].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shape", [(7, 3), (6, 4, 5), (5, 2, 3, 4)])
@pytest.mark.parametrize("weighted", [False, True])
def test_reconstruction(shape, weighted):
    made, rows = normal(*shape, seed=1), normal(*shape, seed=2)
    weight = None
    if weighted:
        weight = uniform(shape[0], seed=3)
        weight = weight / weight.mean()
    loss = reconstruction_loss(made, rows, weight)
    assert loss.item() == pytest.approx(slow_mean_distance(made, rows, weight))


def test_reconstruction_limits():
    made, rows = normal(7, 3, seed=1), normal(7, 3, seed=2)
    assert reconstruction_loss(rows, rows).item() == 0
    alike = torch.ones(7, dtype=torch.float64)
    torch.testing.assert_close(
        reconstruction_loss(made, rows, alike), reconstruction_loss(made, rows)
    )


def test_gradient_of_reconstruction():
    rows, weight = normal(4, 2, 3, seed=2), uniform(4, seed=3)
    made = normal(4, 2, 3, seed=1).requires_grad_()
    assert gradcheck(lambda made: reconstruction_loss(made, rows), made)
    assert gradcheck(lambda made: reconstruction_loss(made, rows, weight), made)


# --- (2.2) ---------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("majority", [0, 1])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "weights",
    [WEIGHTS, {"minority_weight": 0.0, "push_weight": 3.0, "margin": 0.4}],
)
def test_cluster(n_classes, majority, seed, weights):
    # Some classes near each other and some far apart, so that the push counts for a
    # part of the pairs.
    labels = labels_of(30, n_classes, seed)
    codes = normal(30, 3, seed=seed) + labels[:, None].square()
    loss = cluster_loss(codes, one_hot(labels, n_classes), majority, **weights)
    expected = slow_cluster(codes, labels, n_classes, majority, **weights)
    assert loss.item() == pytest.approx(expected, rel=1e-9)


def test_the_pairs_of_the_cluster_test_are_of_both_kinds():
    labels = labels_of(30, 4)
    found = slow_means_and_spreads(
        normal(30, 3) + labels[:, None].square(), labels, n_classes=4
    )
    is_pushed = [
        2.5 * (math.sqrt(found[c][1]) + math.sqrt(found[d][1]))
        > math.sqrt(slow_distance(found[c][0], found[d][0]))
        for c in range(4)
        for d in range(c + 1, 4)
    ]
    assert any(is_pushed) and not all(is_pushed)


@pytest.mark.parametrize("off", [{"push_weight": 0.0}, {"margin": 0.0}])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_cluster_without_push_is_the_pull_of_the_paper(off, n_classes):
    labels = labels_of(30, n_classes)
    codes = normal(30, 3)
    loss = cluster_loss(codes, one_hot(labels, n_classes), 0, **{**WEIGHTS, **off})
    found = slow_means_and_spreads(codes, labels, n_classes)
    assert loss.item() == pytest.approx(slow_pull(found, 0, 0.7), rel=1e-9)


def test_push_leaves_alone_what_is_far_apart():
    labels = labels_of(30, 2)
    near = normal(30, 3) + 100 * labels[:, None]
    far = near + 1000 * labels[:, None]
    losses = [
        cluster_loss(z, one_hot(labels, 2), 0, **WEIGHTS).item() for z in (near, far)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


def test_push_has_a_lower_bound_where_that_of_the_paper_has_none():
    labels = labels_of(30, 2)
    z = normal(30, 3)
    for offset in (0, 1, 10, 1e4):
        moved = z + offset * labels[:, None]
        assert cluster_loss(moved, one_hot(labels, 2), 0, **WEIGHTS) >= 0


def test_order_of_classes_and_rows_does_not_matter():
    labels = labels_of(30, 4)
    codes = normal(30, 3)
    loss = cluster_loss(codes, one_hot(labels, 4), 1, **WEIGHTS)
    torch.testing.assert_close(
        cluster_loss(codes.flip(0), one_hot(labels.flip(0), 4), 1, **WEIGHTS), loss
    )
    torch.testing.assert_close(
        cluster_loss(codes, one_hot(3 - labels, 4), 2, **WEIGHTS), loss
    )


@pytest.mark.parametrize("absent", range(4))
def test_a_class_without_codes_takes_no_part(absent):
    labels = labels_of(40, 4)
    codes = normal(40, 3)[labels != absent].requires_grad_()
    labels = labels[labels != absent]
    loss = cluster_loss(codes, one_hot(labels, 4), 0, **WEIGHTS)
    expected = slow_cluster(codes.detach(), labels, 4, 0, **WEIGHTS)
    assert loss.item() == pytest.approx(expected, rel=1e-9)
    assert gradcheck(lambda z: cluster_loss(z, one_hot(labels, 4), 0, **WEIGHTS), codes)


def test_one_class_alone_is_only_pulled():
    codes = normal(5, 3)
    labels = torch.zeros(5, dtype=torch.int64)
    spread = slow_means_and_spreads(codes, labels, 1)[0][1]
    for n_classes in (1, 2):
        loss = cluster_loss(codes, one_hot(labels, n_classes), 0, **WEIGHTS)
        assert loss.item() == pytest.approx(spread, rel=1e-9)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_one_row_a_class_far_apart_has_nothing_to_lose(n_classes):
    # Farther apart than the margin, which is all that is asked of lone codes.
    codes = (3 * torch.eye(n_classes, 4).double()).requires_grad_()
    loss = cluster_loss(
        codes, one_hot(torch.arange(n_classes), n_classes), 0, **WEIGHTS
    )
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-9)
    assert codes.grad.abs().max() < 1e-4


@pytest.mark.parametrize("n_classes", [2, 4])
def test_gradient_of_cluster(n_classes):
    labels = labels_of(12, n_classes)
    codes = normal(12, 3).requires_grad_()
    assert gradcheck(
        lambda z: cluster_loss(z, one_hot(labels, n_classes), 0, **WEIGHTS), codes
    )


def test_gradient_where_means_coincide():
    # The distance of two equal means has no slope: what is left is the pull and the
    # square of the spreads.
    cloud = normal(6, 3)
    codes = torch.cat([cloud, 2 * (cloud - cloud.mean(0)) + cloud.mean(0)])
    labels = torch.tensor([0] * 6 + [1] * 6)
    codes.requires_grad_()
    cluster_loss(codes, one_hot(labels, 2), 0, **WEIGHTS).backward()

    again = codes.detach().clone().requires_grad_()
    v = [(z - z.mean(0)).square().sum(1).mean() for z in again.split(6)]
    push = (2.5 * (v[0].sqrt() + v[1].sqrt())).square()
    (v[0] + 0.7 * v[1] + 1.3 * push).backward()
    torch.testing.assert_close(codes.grad, again.grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n_rows", [2, 8])
def test_gradient_where_all_codes_coincide(dtype, n_rows):
    codes = torch.full((n_rows, 3), 0.3, dtype=dtype, requires_grad=True)
    target = one_hot(torch.arange(n_rows) % 2, 2).to(dtype)
    loss = cluster_loss(codes, target, 0, **WEIGHTS)
    loss.backward()
    assert loss.isfinite()
    assert codes.grad.isfinite().all()


def test_cluster_takes_whole_numbers_for_classes():
    labels = labels_of(10, 3)
    codes = normal(10, 2)
    whole = nn.functional.one_hot(labels, 3)
    assert torch.equal(
        cluster_loss(codes, whole, 0, **WEIGHTS),
        cluster_loss(codes, one_hot(labels, 3), 0, **WEIGHTS),
    )


# --- R of (2.3) ----------------------------------------------------------------------


def test_weight_penalty():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    expected = 0.0
    for parameter in net.parameters():
        for number in parameter.flatten().tolist():
            expected += number**2
    assert weight_penalty(net).item() == pytest.approx(expected, rel=1e-12)
    assert len(list(net.parameters())) == 4  # biases are parameters too

    weight_penalty(net).backward()
    for parameter in net.parameters():
        torch.testing.assert_close(parameter.grad, 2 * parameter.detach())


# --- (2.4)-(2.6) ---------------------------------------------------------------------


@pytest.mark.parametrize("fake_weight", [0.0, 0.3, 1.0, 2.0])
def test_discriminator(fake_weight):
    real, made = uniform(7, seed=1), uniform(11, seed=2)
    on_real = sum((p - 1) ** 2 for p in real.tolist()) / 7
    on_made = sum(p**2 for p in made.tolist()) / 11
    loss = discriminator_loss(real, made, fake_weight)
    assert loss.item() == pytest.approx(on_real + fake_weight * on_made, rel=1e-12)


def test_discriminator_limits():
    real, made = uniform(7, seed=1), uniform(11, seed=2)
    assert discriminator_loss(torch.ones(7), torch.zeros(11), 5.0).item() == 0
    assert discriminator_loss(torch.zeros(7), torch.ones(11), 5.0).item() == 6
    assert torch.equal(
        discriminator_loss(real, made, 0.0), discriminator_loss(real, 1 - made, 0.0)
    )


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("fake_weight", [0.0, 0.3, 2.0])
def test_classifier(n_classes, fake_weight):
    real, made = (
        probabilities(7, n_classes, seed=1),
        probabilities(11, n_classes, seed=2),
    )
    targets = [one_hot(labels_of(n, n_classes), n_classes) for n in (7, 11)]
    loss = classifier_loss(real, targets[0], made, targets[1], fake_weight)
    expected = slow_mean_distance(real, targets[0])
    expected += fake_weight * slow_mean_distance(made, targets[1])
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_classifier_limits():
    target = one_hot(labels_of(7, 3), 3)
    wrong = target.roll(1, 1)
    assert classifier_loss(target, target, target, target, 5.0).item() == 0
    # Each row errs by 1 in two classes.
    loss = classifier_loss(wrong, target, wrong, target, 5.0)
    assert loss.item() == pytest.approx(12)
    assert classifier_loss(target, target, wrong, target, 0.0).item() == 0


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(
    ("adversarial", "classification"), [(0.4, 1.7), (0, 2), (2, 0)]
)
def test_generator(n_classes, adversarial, classification):
    made, rows = normal(7, 3, seed=1), normal(7, 3, seed=2)
    real = uniform(11, seed=3)
    classes = probabilities(11, n_classes, seed=4)
    target = one_hot(labels_of(11, n_classes), n_classes)
    loss = generator_loss(
        reconstruction_loss(made, rows),
        real,
        classes,
        target,
        adversarial_weight=adversarial,
        classification_weight=classification,
    )
    expected = slow_mean_distance(made, rows)
    expected += adversarial * sum((p - 1) ** 2 for p in real.tolist()) / 11
    expected += classification * slow_mean_distance(classes, target)
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_generator_without_adversaries_is_a_decoder():
    reconstruction = reconstruction_loss(normal(7, 3, seed=1), normal(7, 3, seed=2))
    loss = generator_loss(
        reconstruction,
        uniform(7),
        probabilities(7, 2, seed=4),
        one_hot(labels_of(7, 2), 2),
        adversarial_weight=0.0,
        classification_weight=0.0,
    )
    assert torch.equal(loss, reconstruction)


def test_gradients_of_the_three_players():
    real, made = (
        uniform(5, seed=1).requires_grad_(),
        uniform(6, seed=2).requires_grad_(),
    )
    assert gradcheck(lambda a, b: discriminator_loss(a, b, 0.3), (real, made))

    class_real = probabilities(5, 4, seed=1).requires_grad_()
    class_made = probabilities(6, 4, seed=2).requires_grad_()
    target_real, target_made = one_hot(labels_of(5, 4), 4), one_hot(labels_of(6, 4), 4)
    assert gradcheck(
        lambda a, b: classifier_loss(a, target_real, b, target_made, 0.3),
        (class_real, class_made),
    )

    reconstruction = uniform(1, seed=3)[0].requires_grad_()
    assert gradcheck(
        lambda r, a, b: generator_loss(
            r, a, b, target_made, adversarial_weight=0.4, classification_weight=1.7
        ),
        (reconstruction, made, class_made),
    )


# --- Log losses and the penalty ------------------------------------------------------


def test_log_losses():
    logits = 3 * normal(9)
    share = [1 / (1 + math.exp(-x)) for x in logits.tolist()]
    on_real = sum(-math.log(p) for p in share) / 9
    on_made = sum(-math.log(1 - p) for p in share) / 9
    assert log_loss_of_real(logits).item() == pytest.approx(on_real, rel=1e-9)
    assert log_loss_of_synthetic(logits).item() == pytest.approx(on_made, rel=1e-9)


def test_log_losses_of_the_very_sure():
    logits = torch.tensor([1000.0], requires_grad=True)
    for loss, sign in ((log_loss_of_real, -1), (log_loss_of_synthetic, 1)):
        assert loss(sign * logits).item() == pytest.approx(1000)
        assert loss(-sign * logits).item() == 0
        (slope,) = torch.autograd.grad(loss(sign * logits), logits)
        assert slope.item() == pytest.approx(1)


def test_gradients_of_log_losses():
    logits = normal(6).requires_grad_()
    assert gradcheck(log_loss_of_real, logits)
    assert gradcheck(log_loss_of_synthetic, logits)


def small_critic(w, b, v):
    return lambda x: (x @ w.T + b).tanh() @ v


def critic_weights():
    return normal(4, 3, seed=1), normal(4, seed=2), normal(4, seed=3)


def test_gradient_penalty():
    w, b, v = critic_weights()
    real, made, mixing = normal(6, 3, seed=4), normal(6, 3, seed=5), uniform(6, seed=6)
    penalty = gradient_penalty(small_critic(w, b, v), real, made, mixing)

    expected = 0.0
    for i in range(6):
        e = mixing[i].item()
        x = [e * real[i, k].item() + (1 - e) * made[i, k].item() for k in range(3)]
        slope = [0.0] * 3
        for j in range(4):
            unit = math.tanh(sum(w[j, k].item() * x[k] for k in range(3)) + b[j].item())
            for k in range(3):
                slope[k] += v[j].item() * (1 - unit**2) * w[j, k].item()
        expected += (math.sqrt(sum(s**2 for s in slope)) - 1) ** 2 / 6
    assert penalty.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_the_penalty_looks(share):
    real, made = normal(6, 3, seed=4), normal(6, 3, seed=5)
    seen = []

    def critic(x):
        seen.append(x)
        return x.sum(1)

    gradient_penalty(critic, real, made, torch.full((6,), share, dtype=torch.float64))
    torch.testing.assert_close(seen[0].detach(), real if share else made)


def test_gradient_of_the_penalty_by_the_critic():
    weights = [tensor.requires_grad_() for tensor in critic_weights()]
    real, made, mixing = normal(6, 3, seed=4), normal(6, 3, seed=5), uniform(6, seed=6)
    assert gradcheck(
        lambda w, b, v: gradient_penalty(small_critic(w, b, v), real, made, mixing),
        weights,
    )


def test_the_penalty_asks_nothing_of_the_generator():
    made = normal(6, 3, seed=5).requires_grad_()
    w, b, v = (tensor.requires_grad_() for tensor in critic_weights())
    gradient_penalty(
        small_critic(w, b, v), normal(6, 3, seed=4), made, uniform(6, seed=6)
    ).backward()
    assert made.grad is None
    assert w.grad.any()


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, 3.0])
def test_penalty_of_a_linear_critic(slope):
    direction = normal(3)
    direction = (slope * direction / direction.norm()).requires_grad_()
    penalty = gradient_penalty(
        lambda x: x @ direction,
        normal(6, 3, seed=4),
        normal(6, 3, seed=5),
        uniform(6, seed=6),
    )
    assert penalty.item() == pytest.approx((slope - 1) ** 2, abs=1e-5)
    penalty.backward()
    assert direction.grad.isfinite().all()


# --- Weights of real rows, in (2.1), (2.4) and (2.5) ---------------------------------


def test_weights_of_real_rows():
    weight = torch.tensor([0.5, 0.5, 2.0])
    rows, made = normal(3, 2, seed=1), normal(3, 2, seed=2)
    errors = [sum((made[i, k] - rows[i, k]) ** 2 for k in range(2)) for i in range(3)]
    expected = (0.5 * errors[0] + 0.5 * errors[1] + 2 * errors[2]) / 3
    assert reconstruction_loss(made, rows, weight).item() == pytest.approx(
        expected.item()
    )

    real, fake = torch.tensor([0.9, 0.2, 0.4]), torch.tensor([0.3, 0.6])
    expected = (0.5 * 0.1**2 + 0.5 * 0.8**2 + 2 * 0.6**2) / 3
    expected += 0.7 * (0.3**2 + 0.6**2) / 2
    assert discriminator_loss(real, fake, 0.7, weight).item() == pytest.approx(expected)

    sure, target = torch.tensor([[1.0, 0.0]] * 3), one_hot(torch.tensor([0, 1, 0]), 2)
    expected = 0.5 * 2 / 3  # wrong in the second row alone
    loss = classifier_loss(sure, target, sure, sure, 0.7, weight)
    assert loss.item() == pytest.approx(expected)


def test_codes_do_not_shrink_for_ever():
    labels = one_hot(torch.tensor([0, 0, 1, 1]), 2)
    codes = torch.tensor([[0.0], [1.0], [4.0], [5.0]], dtype=torch.float64)
    losses = [
        cluster_loss(
            codes * scale, labels, 0, minority_weight=1.0, push_weight=1.0, margin=3.0
        ).item()
        for scale in (1.0, 1e-1, 1e-2, 1e-3)
    ]
    # Alike but for their scale: once the means are within the margin, smaller is worse.
    assert losses[1] < losses[2] < losses[3]
    assert losses[3] == pytest.approx((3 - 4e-3) ** 2, rel=1e-3)
