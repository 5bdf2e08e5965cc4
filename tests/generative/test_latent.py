"""Learning codes against a loop of one's own, and going from one to its neighbour."""

import itertools
import math
import warnings
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from imbdeep._generative import (
    cluster_loss,
    interpolate,
    latent,
    outputs_of,
    train_autoencoder,
)
from imbdeep.modules import ConvAutoencoder, MLPAutoencoder

LOSS = {
    "cluster_weight": 0.8,
    "minority_weight": 0.6,
    "push_weight": 1.5,
    "margin": 2.0,
    "weight_decay": 0.03,
}
TRAINING = {
    "method": "Probe",
    "lr": 0.01,
    "max_epochs": 2,
    "tol": 0.0,
    "patience": 2,
}


def seeded(seed, function, *args, **kwargs):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return function(*args, **kwargs)


def table(counts, seed=0):
    """Rows, and their classes in no order."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    rows = torch.rand(len(labels), 4, generator=generator, dtype=torch.float64)
    return rows + 0.3 * labels[:, None], labels


def small_autoencoder():
    return seeded(0, MLPAutoencoder, 4, 2, hidden_sizes=(6,)).double()


def one_hot(labels, n_classes):
    return torch.eye(n_classes, dtype=torch.float64)[labels]


def alike(rows):
    """Weights of rows that all weigh as much."""
    return torch.ones(len(rows), dtype=torch.float64)


@pytest.fixture
def dealt(monkeypatch):
    """Positions of the rows of each step of the training that follows."""
    batches = []

    def spy(*args, **kwargs):
        positions, weight = class_batches(*args, **kwargs)
        batches.extend(positions)
        return positions, weight

    class_batches = latent.class_batches
    monkeypatch.setattr(latent, "class_batches", spy)
    return batches


def by_hand(net, rows, labels, row_weight, batches, counts, majority, *,
            cluster_weight, minority_weight, push_weight, margin,
            weight_decay):  # fmt: skip
    """Steps of eq. (2.3), a class and a pair of classes at a time."""
    optimizer = torch.optim.Adam(net.parameters(), TRAINING["lr"])
    history = []
    for batch in batches:
        x, y = rows[batch], labels[batch]
        z = net.encoder(x)
        made = net.decoder(z)
        reconstruction, pull, push, means, spreads = 0, 0, 0, {}, {}
        for c, count in enumerate(counts):
            own = (y == c).nonzero().flatten().tolist()
            # A class counts in the mean as often as it is among all rows.
            share = count / sum(counts)
            for i in own:
                error = sum((made[i, k] - x[i, k]) ** 2 for k in range(x.shape[1]))
                error = row_weight[batch[i]] * error
                reconstruction = reconstruction + share * error / len(own)
            means[c] = sum(z[i] for i in own) / len(own)
            spreads[c] = sum((z[i] - means[c]).square().sum() for i in own) / len(own)
            pull = pull + (1 if c == majority else minority_weight) * spreads[c]
        for c in means:
            for d in range(c):
                room = margin * max(1, spreads[c].sqrt() + spreads[d].sqrt())
                apart = (means[c] - means[d]).square().sum().sqrt()
                if room > apart:
                    push = push + (room - apart) ** 2 / (len(counts) - 1)
        cluster = pull + push_weight * push
        penalty = sum(p.square().sum() for p in net.parameters())
        loss = reconstruction + cluster_weight * cluster + weight_decay * penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append((loss.item(), reconstruction.item(), cluster.item()))
    return np.array(history)


@pytest.mark.parametrize(
    ("counts", "majority"), [((30, 10), 0), ((5, 31), 1), ((10, 3, 24), 2)]
)
@pytest.mark.parametrize("batch_size", [100, 15])
@pytest.mark.parametrize("weighted", [False, True])
def test_training_is_that_of_an_explicit_loop(
    dealt, counts, majority, batch_size, weighted
):
    rows, labels = table(counts)
    row_weight = alike(rows)
    if weighted:
        row_weight = rows[:, 0] / rows[:, 0].mean()
    net = small_autoencoder()
    start = deepcopy(net)
    history = seeded(
        1,
        train_autoencoder,
        net,
        rows,
        one_hot(labels, len(counts)),
        row_weight,
        batch_size=batch_size,
        **LOSS,
        **TRAINING,
    )
    n_batches = math.ceil(len(rows) / batch_size)
    assert len(dealt) == 2 * n_batches
    for epoch in (dealt[:n_batches], dealt[n_batches:]):
        assert sorted(torch.cat(epoch).unique().tolist()) == list(range(len(rows)))
        for batch in epoch:  # a rare class is not left to chance
            assert all((labels[batch] == c).sum() >= min(n, 8)
                       for c, n in enumerate(counts))  # fmt: skip

    steps = by_hand(start, rows, labels, row_weight, dealt, counts, majority, **LOSS)
    expected = steps.reshape(2, n_batches, 3).mean(1)
    names = ("autoencoder", "reconstruction", "cluster")
    assert set(history) == set(names)
    for name, column in zip(names, expected.T, strict=True):
        np.testing.assert_allclose(history[name], column, rtol=1e-6)
    for own, other in zip(net.parameters(), start.parameters(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-6, atol=1e-7)


def test_without_clusters_it_is_a_plain_autoencoder(dealt):
    rows, labels = table((30, 10))
    net = small_autoencoder()
    start = deepcopy(net)
    off = {**LOSS, "cluster_weight": 0.0, "weight_decay": 0.0}
    history = train_autoencoder(
        net, rows, one_hot(labels, 2), alike(rows), batch_size=100, **off, **TRAINING
    )
    optimizer = torch.optim.Adam(start.parameters(), TRAINING["lr"])
    losses = []
    for _ in range(2):
        loss = (start(rows) - rows).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_allclose(history["autoencoder"], losses, rtol=1e-9)
    np.testing.assert_array_equal(history["autoencoder"], history["reconstruction"])
    for own, other in zip(net.parameters(), start.parameters(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-7, atol=1e-9)


@pytest.mark.slow
def test_weight_decay_makes_weights_smaller():
    rows, labels = table((30, 10))
    norms = []
    for weight_decay in (0.0, 0.1):
        net = small_autoencoder()
        train_autoencoder(
            net,
            rows,
            one_hot(labels, 2),
            alike(rows),
            batch_size=100,
            **{**LOSS, "weight_decay": weight_decay},
            **{**TRAINING, "max_epochs": 100},
        )
        norms.append(sum(p.square().sum().item() for p in net.parameters()))
    assert norms[0] > 1.3 * norms[1]


def test_a_class_without_rows_takes_no_part():
    rows, labels = table((30, 10))
    ends = []
    for n_classes, push_weight in ((2, 1.0), (3, 2.0)):  # the push is shared by C - 1
        net = small_autoencoder()
        seeded(
            1,
            train_autoencoder,
            net,
            rows,
            one_hot(labels, n_classes),
            alike(rows),
            batch_size=20,
            **{**LOSS, "push_weight": push_weight},
            **TRAINING,
        )
        ends.append(outputs_of(net, rows))
    torch.testing.assert_close(*ends)


def test_images():
    labels = torch.tensor([0] * 14 + [1] * 6)
    generator = torch.Generator().manual_seed(0)
    patterns = torch.rand(2, 5, 4, generator=generator).round()
    rows = patterns[labels] * torch.rand(20, 1, 1, generator=generator)
    target = torch.eye(2)[labels]
    net = seeded(0, ConvAutoencoder, (5, 4), 3, n_filters=(4,), output=nn.Sigmoid())
    long = {**TRAINING, "max_epochs": 60}
    off = {**LOSS, "weight_decay": 0.0}
    history = seeded(
        1,
        train_autoencoder,
        net,
        rows,
        target,
        torch.ones(20),
        batch_size=10,
        **off,
        **long,
    )
    assert history["autoencoder"][0] > 1.3 * history["autoencoder"][-1]
    assert outputs_of(net, rows).shape == rows.shape


# --- The push of eq. (2.2), bounded here and as printed ------------------------------


def printed_cluster_loss(
    codes, one_hot, majority, *, minority_weight, push_weight, margin
):
    """Eq. (2.2) to the letter, for two classes."""
    z_maj = codes[one_hot[:, majority] == 1]
    z_min = codes[one_hot[:, majority] == 0]
    return (
        (z_maj - z_maj.mean(0)).square().sum(1).mean()
        + minority_weight * (z_min - z_min.mean(0)).square().sum(1).mean()
        - push_weight * (z_maj.mean(0) - z_min.mean(0)).square().sum()
    )


def distances_over_epochs(monkeypatch, loss, max_epochs):
    """How far apart the means of two classes are before each step."""
    distances = []

    def spy(codes, one_hot, *args, **kwargs):
        means = [codes[one_hot[:, c] == 1].detach().mean(0) for c in (0, 1)]
        distances.append((means[0] - means[1]).norm().item())
        return loss(codes, one_hot, *args, **kwargs)

    monkeypatch.setattr(latent, "cluster_loss", spy)
    rows, labels = table((60, 20))
    train_autoencoder(
        small_autoencoder(),
        rows,
        one_hot(labels, 2),
        alike(rows),
        batch_size=80,
        cluster_weight=1.0,
        minority_weight=1.0,
        push_weight=1.0,
        margin=3.0,
        weight_decay=1e-3,
        **{**TRAINING, "max_epochs": max_epochs},
    )
    return distances


@pytest.mark.slow
def test_bounded_push_settles_where_the_printed_one_diverges(monkeypatch):
    ours = distances_over_epochs(monkeypatch, cluster_loss, 320)
    printed = distances_over_epochs(monkeypatch, printed_cluster_loss, 320)
    quarters = printed[79::80]
    assert all(b > 1.4 * a for a, b in itertools.pairwise(quarters))
    assert max(ours[200:]) < 1.1 * min(ours[200:])
    assert printed[-1] > 100 * ours[-1]


# --- interpolate ---------------------------------------------------------------------


def codes_of(n, n_latent=3, seed=0):
    return np.random.RandomState(seed).normal(size=(n, n_latent)).astype(np.float32)


def distance_to_segment(point, a, b):
    along = b - a
    share = np.dot(point - a, along) / max(np.dot(along, along), 1e-30)
    return np.linalg.norm(point - (a + min(max(share, 0), 1) * along))


@pytest.mark.parametrize("k", [1, 3, 5])
def test_made_codes_lie_between_a_code_and_a_near_one(k):
    codes = codes_of(12)
    made = interpolate(codes, 600, k, np.random.RandomState(0))
    assert made.shape == (600, 3)
    segments = []
    for i, code in enumerate(codes):
        others = [j for j in range(12) if j != i]
        others.sort(key=lambda j: np.linalg.norm(codes[j] - code))
        segments += [(i, j) for j in others[:k]]
    found = set()
    for point in made:
        errors = [distance_to_segment(point, codes[i], codes[j]) for i, j in segments]
        assert min(errors) < 1e-5
        found.add(int(np.argmin(errors)))
    # And every pair of neighbours is gone between.
    assert {frozenset(segments[s]) for s in found} == {frozenset(s) for s in segments}


def test_two_codes():
    codes = np.array([[0.0, 0.0], [2.0, -4.0]])
    made = interpolate(codes, 50, 5, np.random.RandomState(0))
    share = made[:, 0] / 2
    np.testing.assert_allclose(made[:, 1], -4 * share, atol=1e-12)
    assert share.min() >= 0 and share.max() <= 1
    assert len(np.unique(share)) == 50


def test_more_neighbours_than_others_are_all_others():
    codes = codes_of(6)
    many, all_others = (
        interpolate(codes, 40, k, np.random.RandomState(0)) for k in (500, 5)
    )
    np.testing.assert_array_equal(many, all_others)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_nothing_to_make(n):
    codes = codes_of(n)
    made = interpolate(codes, 0, 5, np.random.RandomState(0))
    assert made.shape == (0, 3)
    assert made.dtype == codes.dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_codes_are_kept(dtype):
    codes = codes_of(6).astype(dtype)
    before = codes.copy()
    assert interpolate(codes, 7, 3, np.random.RandomState(0)).dtype == dtype
    np.testing.assert_array_equal(codes, before)


def test_many_more_codes_than_there_are_raise_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = interpolate(codes_of(5), 100_000, 5, np.random.RandomState(0))
    assert made.shape == (100_000, 3)


def test_codes_that_are_all_alike():
    made = interpolate(np.full((4, 2), 3.0), 5, 3, np.random.RandomState(0))
    np.testing.assert_array_equal(made, np.full((5, 2), 3.0))


def test_the_random_state_decides():
    first, again = (
        interpolate(codes_of(9), 20, 3, np.random.RandomState(7)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    generator = np.random.RandomState(7)
    interpolate(codes_of(9), 20, 3, generator)
    assert (interpolate(codes_of(9), 20, 3, generator) != first).any()
