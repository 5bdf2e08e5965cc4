"""SMOTE in a latent space: what is learned, and where the new rows come from."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from sklearn.datasets import make_moons
from torch import nn

from imbdeep._generative import cluster_loss
from imbdeep.datasets import load_embedded_suite
from imbdeep.modules import ConvAutoencoder, MLPAutoencoder
from imbdeep.over_sampling import LatentSMOTE
from imbdeep.over_sampling._generative import autoencoded

from .data import table, unit

PARAMS = {
    "hidden_sizes": (16,),
    "n_latent": 3,
    "class_weight": None,
    "cluster_weight": 0.5,
    "minority_weight": 0.7,
    "push_weight": 1.2,
    "margin": 2.0,
    "weight_decay": 1e-3,
    "lr": 0.01,
    "max_epochs": 3,
    "tol": 0.0,
    "patience": 5,
    "scaling": "minmax",
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture
def stage_1(monkeypatch):
    """What the autoencoder was trained with, and how it came out."""
    calls = []

    def spy(autoencoder, *args, **kwargs):
        start = deepcopy(autoencoder)
        losses = train_autoencoder(autoencoder, *args, **kwargs)
        calls.append((start, args, kwargs, deepcopy(autoencoder), losses))
        return losses

    train_autoencoder = autoencoded.train_autoencoder
    monkeypatch.setattr(autoencoded, "train_autoencoder", spy)
    return calls


# --- The codes -----------------------------------------------------------------------


def test_codes_are_those_of_the_encoder_row_by_row():
    X, y = table()
    sampler = LatentSMOTE(**PARAMS)
    sampler.fit_resample(X, y)
    assert sampler.latent_.shape == (42, 3)
    with torch.no_grad():
        expected = sampler.encoder_(torch.from_numpy(unit(X))).numpy()
    np.testing.assert_allclose(sampler.latent_, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(sampler.encode(X), expected, rtol=1e-5, atol=1e-6)


def test_what_a_fit_gives_to_the_training_of_the_autoencoder(stage_1):
    X, y = table((12, 30, 7))
    sampler = LatentSMOTE(**PARAMS)
    sampler.fit_resample(X, y)
    [(_, (rows, one_hot, row_weight), params, trained, losses)] = stage_1
    np.testing.assert_allclose(rows, unit(X), atol=1e-6)
    np.testing.assert_array_equal(one_hot, np.eye(3)[y])
    np.testing.assert_array_equal(row_weight, np.ones(49))
    for name in (
        "cluster_weight",
        "minority_weight",
        "push_weight",
        "margin",
        "weight_decay",
        "lr",
        "max_epochs",
        "tol",
        "patience",
    ):
        assert params[name] == PARAMS[name]
    assert params["method"] == "LatentSMOTE"
    assert sampler.loss_history_ is losses
    assert sampler.n_epochs_ == 3
    for part in ("encoder", "decoder"):
        expected = getattr(trained, part).state_dict()
        for name, weight in getattr(sampler, f"{part}_").state_dict().items():
            assert torch.equal(weight, expected[name])


def test_balanced_classes_weigh_the_same_in_the_reconstruction(stage_1):
    X, y = table((12, 30, 7))
    LatentSMOTE(**{**PARAMS, "class_weight": "balanced"}).fit_resample(X, y)
    row_weight = stage_1[0][1][2].numpy()
    sums = [sum(row_weight[i] for i in range(49) if y[i] == c) for c in range(3)]
    np.testing.assert_allclose(sums, [49 / 3] * 3, rtol=1e-5)
    assert all(len(np.unique(row_weight[y == c])) == 1 for c in range(3))


@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_losses_of_a_batch_of_all_rows(stage_1, class_weight):
    X, y = table((12, 30))  # the second class is the majority
    sampler = LatentSMOTE(**{**PARAMS, "class_weight": class_weight}, batch_size=100)
    sampler.fit_resample(X, y)
    start = stage_1[0][0]
    x = torch.from_numpy(unit(X))
    with torch.no_grad():
        z = start.encoder(x)
        error = (start.decoder(z) - x).square().sum(1)
        v, mean = {}, {}
        for c in (0, 1):
            own = z[torch.from_numpy(y == c)]
            mean[c] = own.mean(0)
            v[c] = (own - mean[c]).square().sum(1).mean()
        radii = max(v[0].sqrt() + v[1].sqrt(), torch.tensor(1.0))
        room = 2.0 * radii - (mean[0] - mean[1]).norm()
        cluster = v[1] + 0.7 * v[0] + 1.2 * room.clamp_min(0).square()
        reconstruction = error.mean()
        if class_weight == "balanced":
            reconstruction = (
                error[torch.from_numpy(y == 0)].mean()
                + error[torch.from_numpy(y == 1)].mean()
            ) / 2
        decay = sum(p.square().sum() for p in start.parameters())
    first = {name: values[0] for name, values in sampler.loss_history_.items()}
    assert first["reconstruction"] == pytest.approx(reconstruction.item(), rel=1e-4)
    assert first["cluster"] == pytest.approx(cluster.item(), rel=1e-4)
    assert first["autoencoder"] == pytest.approx(
        (reconstruction + 0.5 * cluster + 1e-3 * decay).item(), rel=1e-4
    )


def test_steps_of_an_epoch_come_from_the_batch_size(stage_1, monkeypatch):
    X, y = table((30, 12))
    for size in (100, 42, 41, 7):
        LatentSMOTE(**PARAMS, batch_size=size).fit_resample(X, y)
    assert [call[2]["batch_size"] for call in stage_1] == [100, 42, 41, 7]


# --- New rows ------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [(30, 12), (20, 5, 9)])
def test_new_rows_are_decoded_codes_between_neighbours(monkeypatch, counts):
    made = []

    def spy(codes, size, n_neighbors, random_state):
        new = interpolate(codes, size, n_neighbors, random_state)
        made.append((codes, size, n_neighbors, new))
        return new

    interpolate = autoencoded.interpolate
    monkeypatch.setattr(autoencoded, "interpolate", spy)
    X, y = table(counts)
    sampler = LatentSMOTE(**PARAMS, n_neighbors=4)
    X_new, y_new = sampler.fit_resample(X, y)

    grown = [call for call in made if call[1]]
    assert [size for _, size, _, _ in grown] == [max(counts) - n for n in counts[1:]]
    assert {k for _, _, k, _ in grown} == {4}
    for label, (codes, *_) in enumerate(grown, 1):
        np.testing.assert_array_equal(codes, sampler.latent_[y == label])
    z_syn = torch.from_numpy(np.concatenate([new for *_, new in grown]))
    with torch.no_grad():
        rows = sampler.decoder_(z_syn).numpy()
    np.testing.assert_allclose(
        X_new[len(X) :], X.min(0) + rows * (X.max(0) - X.min(0)), rtol=1e-4
    )
    expected = np.repeat(range(1, len(counts)), [size for _, size, _, _ in grown])
    np.testing.assert_array_equal(y_new[len(X) :], expected)


def test_more_rows_of_a_class_stay_near_its_rows():
    rng = np.random.RandomState(0)
    centres = np.array([[0.0, 0.0, 9.0], [9.0, 0.0, 0.0], [0.0, 9.0, 0.0]])
    y = np.repeat([0, 1, 2], [40, 20, 12])
    X = centres[y] + rng.normal(0, 0.3, (72, 3))
    sampler = LatentSMOTE(**{**PARAMS, "max_epochs": 150, "weight_decay": 0.0})
    sampler.fit_resample(X, y)
    for label in range(3):
        rows = sampler.sample(30, label)
        nearest = ((rows[:, None] - centres) ** 2).sum(2).argmin(1)
        assert (nearest == label).all()


# --- An autoencoder of one's own -----------------------------------------------------


class Own(nn.Module):
    """Only what is asked for: an encoder and a decoder."""

    def __init__(self, n_features):
        super().__init__()
        self.encoder = nn.Linear(n_features, 2)
        self.decoder = nn.Linear(2, n_features)


def test_starts_from_an_autoencoder_of_ones_own(stage_1):
    X, y = table()
    own = Own(4)
    sampler = LatentSMOTE(**{**PARAMS, "n_latent": 7}, autoencoder=own)
    sampler.fit_resample(X, y)
    for name, weight in stage_1[0][0].state_dict().items():
        assert torch.equal(weight, own.state_dict()[name])
    assert isinstance(sampler.encoder_, nn.Linear)
    assert sampler.latent_.shape == (42, 2)


def test_an_autoencoder_of_ones_own_is_left_as_it_was():
    X, y = table()
    own = Own(4)
    before = deepcopy(own.state_dict())
    LatentSMOTE(**PARAMS, autoencoder=own).fit_resample(X, y)
    assert all(torch.equal(own.state_dict()[name], before[name]) for name in before)
    assert own.training
    assert all(p.requires_grad for p in own.parameters())
    assert all(p.grad is None for p in own.parameters())


def test_an_autoencoder_of_ones_own_serves_two_fits():
    X, y = table()
    sampler = LatentSMOTE(**PARAMS, autoencoder=MLPAutoencoder(4, 2, hidden_sizes=(5,)))
    first, again = (sampler.fit_resample(X, y)[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_images_get_a_convolutional_autoencoder():
    rng = np.random.RandomState(0)
    X, y = rng.uniform(size=(30, 6, 5)), np.repeat([0, 1], [20, 10])
    sampler = LatentSMOTE(**PARAMS)
    X_new, _ = sampler.fit_resample(X, y)
    assert X_new.shape == (40, 6, 5)
    expected = [type(layer) for layer in ConvAutoencoder((6, 5)).encoder]
    assert [type(layer) for layer in sampler.encoder_] == expected
    assert sampler.latent_.shape == (30, 3)


def test_a_class_that_is_not_to_grow_may_have_one_row():
    X, y = table((30, 12, 1))
    sampler = LatentSMOTE(**PARAMS, sampling_strategy={1: 20})
    X_new, y_new = sampler.fit_resample(X, y)
    assert np.bincount(y_new).tolist() == [30, 20, 1]
    assert len(X_new) == 51


# --- Eq. (2.2): classes in clusters far apart ----------------------------------------


def overlapping_moons():
    return make_moons((250, 40), noise=0.2, random_state=0)


def breast_cancer():
    return load_embedded_suite(["breast_cancer_rare"])["breast_cancer_rare"]


def twins():
    """Each row of the minority is a row of the majority too."""
    X = np.random.RandomState(0).normal(size=(40, 4))
    return np.tile(X, (4, 1)), np.repeat([0, 1], [120, 40])


SETS = {
    "moons": overlapping_moons,
    "breast_cancer": lambda: (breast_cancer().data, breast_cancer().target),
    "twins": twins,
}


def learn_clusters(name, seed, max_epochs, lr=0.01):
    X, y = SETS[name]()
    sampler = LatentSMOTE(
        **{
            **PARAMS,
            "hidden_sizes": (32,),
            "n_latent": 4,
            "cluster_weight": 1.0,
            "minority_weight": 1.0,
            "push_weight": 1.0,
            "margin": 3.0,
            "weight_decay": 0.0,
            "lr": lr,
            "batch_size": 128,
            "max_epochs": max_epochs,
            "random_state": seed,
        }
    )
    sampler.fit_resample(X, y)
    return sampler, y


def apart_and_spreads(latent, y):
    """Distance of two mean codes, and the sum of the spreads around them."""
    means, spreads = [], []
    for label in np.unique(y):
        own = [z.astype(float) for z, k in zip(latent, y, strict=True) if k == label]
        means.append(sum(own) / len(own))
        squares = [sum((z - means[-1]) ** 2) for z in own]
        spreads.append((sum(squares) / len(own)) ** 0.5)
    return sum((means[0] - means[1]) ** 2) ** 0.5, sum(spreads)


def check_clusters(name, seed, max_epochs, lr):
    sampler, y = learn_clusters(name, seed, max_epochs, lr)
    assert sampler.n_epochs_ == max_epochs
    assert all(np.isfinite(losses).all() for losses in sampler.loss_history_.values())
    assert np.isfinite(sampler.latent_).all()
    apart, spreads = apart_and_spreads(sampler.latent_, y)
    if name == "twins":  # equal rows have equal codes, push as one may
        assert apart < 1e-3
    else:
        assert apart > spreads


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_two_clusters_far_apart(name):
    check_clusters(name, seed=0, max_epochs=100, lr=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("seed", range(10))
def test_two_clusters_far_apart_whatever_the_seed(name, seed):
    check_clusters(name, seed, max_epochs=500, lr=0.001)


@pytest.mark.slow
def test_without_the_cluster_loss_the_classes_are_not_told_apart():
    X, y = overlapping_moons()
    sampler = LatentSMOTE(
        **{**PARAMS, "cluster_weight": 0.0, "max_epochs": 100, "batch_size": 128}
    )
    sampler.fit_resample(X, y)
    apart, spreads = apart_and_spreads(sampler.latent_, y)
    assert apart < spreads


@pytest.mark.slow
def test_the_recorded_cluster_loss_goes_down():
    sampler, y = learn_clusters("moons", seed=0, max_epochs=100)
    end = cluster_loss(
        torch.from_numpy(sampler.latent_),
        torch.eye(2)[torch.from_numpy(y)],
        0,
        minority_weight=1.0,
        push_weight=1.0,
        margin=3.0,
    )
    history = sampler.loss_history_["cluster"]
    assert history[0] > 1.3 * history[-1]
    assert end.item() == pytest.approx(history[-1], rel=0.1)
