"""GL-GAN: how its players start, and that a fit takes the steps of Algorithm 2.1."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from imbdeep.modules import ConvAutoencoder, MLPAutoencoder
from imbdeep.over_sampling import GLGAN
from imbdeep.over_sampling._generative import autoencoded, gl_gan
from imbdeep.over_sampling._generative.gl_gan import start_players
from tests.common.slow import half_of

from .data import table, unit

PARAMS = {
    "hidden_sizes": (12,),
    "n_latent": 3,
    "class_weight": None,
    "cluster_weight": 0.5,
    "minority_weight": 0.7,
    "push_weight": 1.2,
    "margin": 2.0,
    "weight_decay": 0.0,
    "fake_weight": 0.6,
    "adversarial_weight": 0.8,
    "classification_weight": 1.7,
    "lr": 0.01,
    "pretrain_epochs": 4,
    "max_epochs": 2,
    "tol": 0.0,
    "patience": 5,
    "scaling": "minmax",
    "device": "cpu",
    "random_state": 0,
}


def assert_same_weights(net, other, **tolerance):
    pairs = zip(net.parameters(), other.parameters(), strict=True)
    for own, others in pairs:
        if tolerance:
            torch.testing.assert_close(own, others, **tolerance)
        else:
            assert torch.equal(own, others)


class Watch:
    """What a fit did: the end of stage 1, the start of stage 2, and its draws."""

    def __init__(self, monkeypatch):
        self.dealt, self.interpolated = [], []
        for module, name in (
            (autoencoded, "train_autoencoder"),
            (autoencoded, "interpolate"),
            (gl_gan, "train"),
            (gl_gan, "class_batches"),
        ):
            spy = getattr(self, name)(getattr(module, name))
            monkeypatch.setattr(module, name, spy)

    def train_autoencoder(self, original):
        def spy(autoencoder, *args, **kwargs):
            self.pretraining = kwargs
            losses = original(autoencoder, *args, **kwargs)
            self.trained = deepcopy(autoencoder)
            self.losses = deepcopy(losses)
            return losses

        return spy

    def interpolate(self, original):
        def spy(*args, **kwargs):
            self.interpolated.append(original(*args, **kwargs))
            return self.interpolated[-1]

        return spy

    def train(self, original):
        def spy(players, *args, **kwargs):
            self.training = kwargs
            self.start = deepcopy(dict(players))
            return original(players, *args, **kwargs)

        return spy

    def class_batches(self, original):
        def spy(classes, n_batches, *args, **kwargs):
            positions, weight = original(classes, n_batches, *args, **kwargs)
            self.dealt.append((classes, positions))
            return positions, weight

        return spy


@pytest.fixture
def watch(monkeypatch):
    return Watch(monkeypatch)


# --- The start -----------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda: MLPAutoencoder(6, 3, output=nn.Sigmoid()), (6,)),
        (lambda: MLPAutoencoder(6, 3, hidden_sizes=()), (6,)),
        (lambda: ConvAutoencoder((7, 5), 3), (7, 5)),
    ],
)
def test_players_start_as_encoder_and_decoder(build, shape, n_classes):
    autoencoder = build()
    D, C, G = start_players(autoencoder, 3, n_classes)
    x = torch.randn(5, *shape, generator=torch.Generator().manual_seed(0))
    z = autoencoder.encoder(x)
    for judge, n_outputs in ((D, 2), (C, n_classes)):
        assert_same_weights(judge[0], autoencoder.encoder)
        # One dense layer more, as the paper has it.
        layers = [layer for layer in judge[1:] if list(layer.parameters())]
        assert [(type(layer), tuple(layer.weight.shape)) for layer in layers] == [
            (nn.Linear, (n_outputs, 3))
        ]
    assert_same_weights(G, autoencoder.decoder)
    assert torch.equal(G(z), autoencoder(x))
    powers = (z @ D[1].weight.T + D[1].bias).exp()
    torch.testing.assert_close(D(x), powers / powers.sum(1, keepdim=True))
    torch.testing.assert_close(C(x), z @ C[1].weight.T + C[1].bias)


def test_players_are_copies():
    autoencoder = MLPAutoencoder(6, 3)
    before = deepcopy(autoencoder)
    players = start_players(autoencoder, 3, 2)
    owned = {p.data_ptr() for p in autoencoder.parameters()}
    for player in players:
        mine = {p.data_ptr() for p in player.parameters()}
        assert not mine & owned
        owned |= mine
        for parameter in player.parameters():
            parameter.data += 1
    assert_same_weights(autoencoder, before)


@pytest.mark.parametrize("counts", [(30, 12), (9, 20, 14)])
def test_start_of_a_fit(watch, counts):
    sampler = GLGAN(**PARAMS)
    sampler.fit_resample(*table(counts))
    assert_same_weights(watch.start["discriminator"][0], watch.trained.encoder)
    assert_same_weights(watch.start["classifier"][0], watch.trained.encoder)
    assert_same_weights(watch.start["generator"], watch.trained.decoder)
    # Training the players leaves the autoencoder as it was.
    assert_same_weights(sampler.encoder_, watch.trained.encoder)
    assert_same_weights(sampler.decoder_, watch.trained.decoder)
    for name in ("discriminator", "classifier", "generator"):
        fitted = getattr(sampler, f"{name}_")
        moved = [
            not torch.equal(own, other)
            for own, other in zip(
                fitted.parameters(), watch.start[name].parameters(), strict=True
            )
        ]
        assert all(moved)


def test_what_a_fit_gives_to_the_two_stages(watch):
    sampler = GLGAN(**PARAMS)
    sampler.fit_resample(*table())
    for params, max_epochs in ((watch.pretraining, 4), (watch.training, 2)):
        assert params["method"] == "GLGAN"
        assert params["max_epochs"] == max_epochs
        assert [params[name] for name in ("lr", "tol", "patience")] == [0.01, 0, 5]
    for name in ("cluster_weight", "minority_weight", "push_weight", "margin"):
        assert watch.pretraining[name] == PARAMS[name]
    assert (sampler.n_pretrain_epochs_, sampler.n_epochs_) == (4, 2)
    history = sampler.loss_history_
    for name, values in watch.losses.items():
        np.testing.assert_array_equal(history[name], values)
    stage_2 = {"discriminator", "classifier", "generator"}
    assert set(history) == stage_2 | set(watch.losses)
    assert {len(history[name]) for name in stage_2} == {2}


# --- The steps -----------------------------------------------------------------------


def squares(a, b):
    """Sum over rows of squared distances, a row at a time."""
    return sum((a[i] - b[i]).square().sum() for i in range(len(a)))


def real(shares):
    """Probability of the second of two outputs, that a row is real."""
    return shares[:, 1:]


def replay(watch, X, y, *, row_weight, discriminator_epochs, classifier_epochs,
           generator_epochs):  # fmt: skip
    """The rounds of Algorithm 2.1 with eqs. (2.4)-(2.6) written out."""
    n_classes = len(np.unique(y))
    x_org = torch.from_numpy(unit(X))
    with torch.no_grad():
        z_org = watch.trained.encoder(x_org)
    made = watch.interpolated
    z_syn = torch.from_numpy(np.concatenate(made))
    y_syn = np.repeat(np.arange(n_classes), [len(new) for new in made])
    y_org, y_syn = torch.from_numpy(y), torch.from_numpy(y_syn)
    D, C, G = (
        watch.start[name].train()
        for name in ("discriminator", "classifier", "generator")
    )
    adam = {
        net: torch.optim.Adam(net.parameters(), PARAMS["lr"], betas=(0.5, 0.999))
        for net in (D, C, G)
    }
    queue = iter(watch.dealt)

    def move(net, loss):
        slopes = torch.autograd.grad(loss, list(net.parameters()))
        for parameter, slope in zip(net.parameters(), slopes, strict=True):
            parameter.grad = slope
        adam[net].step()
        return loss.item()

    def batches():
        (_, org), (_, syn) = next(queue), next(queue)
        for i, j in zip(org, syn, strict=True):
            z = torch.cat([z_org[i], z_syn[j]])
            label = torch.cat([y_org[i], y_syn[j]])
            yield i, x_org[i], y_org[i], z, label

    def target(labels):
        return torch.eye(n_classes)[labels]

    fake, adversarial, classification = (
        PARAMS[f"{name}_weight"] for name in ("fake", "adversarial", "classification")
    )
    history = {"discriminator": [], "classifier": [], "generator": []}
    for _ in range(PARAMS["max_epochs"]):
        losses = []
        for _ in range(discriminator_epochs):
            for i, x, _, z, _ in batches():
                made = G(z).detach()
                root = row_weight[i].sqrt()[:, None]
                loss = squares(root * real(D(x)), root) / len(x)
                loss = loss + fake * squares(
                    real(D(made)), torch.zeros(len(z), 1)
                ) / len(z)
                losses.append(move(D, loss))
        history["discriminator"].append(sum(losses) / len(losses))
        losses = []
        for _ in range(classifier_epochs):
            for i, x, label, z, z_label in batches():
                made = G(z).detach()
                root = row_weight[i].sqrt()[:, None]
                loss = squares(root * C(x), root * target(label)) / len(x)
                loss = loss + fake * squares(C(made), target(z_label)) / len(z)
                losses.append(move(C, loss))
        history["classifier"].append(sum(losses) / len(losses))
        losses = []
        for _ in range(generator_epochs):
            for i, x, _, z, z_label in batches():
                root = row_weight[i].sqrt()[:, None]
                loss = squares(root * G(z[: len(x)]), root * x) / len(x)
                loss = loss + adversarial * (
                    squares(real(D(G(z))), torch.ones(len(z), 1)) / len(z)
                )
                loss = loss + classification * (
                    squares(C(G(z)), target(z_label)) / len(z)
                )
                losses.append(move(G, loss))
        history["generator"].append(sum(losses) / len(losses))
    assert next(queue, None) is None
    return history, {"discriminator": D, "classifier": C, "generator": G}


@half_of(
    case=[
        ((30, 12), (1, 1, 1), None),
        ((30, 12), (2, 3, 1), "balanced"),
        ((9, 20, 14), (1, 2, 3), "balanced"),
        ((9, 20, 14), (3, 1, 2), None),
    ],
    batch_size=[100, 15],
)
def test_a_fit_takes_the_steps_of_the_algorithm(watch, case, batch_size):
    counts, epochs, class_weight = case
    X, y = table(counts)
    names = ("discriminator_epochs", "classifier_epochs", "generator_epochs")
    epochs = dict(zip(names, epochs, strict=True))
    sampler = GLGAN(
        **{**PARAMS, "class_weight": class_weight}, **epochs, batch_size=batch_size
    )
    sampler.fit_resample(X, y)
    row_weight = torch.ones(len(X))
    if class_weight == "balanced":
        shares = [len(X) / len(counts) / counts[label] for label in y]
        row_weight = torch.tensor(shares)
    history, nets = replay(watch, X, y, row_weight=row_weight, **epochs)
    for name, values in history.items():
        np.testing.assert_allclose(sampler.loss_history_[name], values, rtol=1e-4)
        fitted = getattr(sampler, f"{name}_")
        assert_same_weights(fitted, nets[name], rtol=1e-3, atol=1e-4)


def test_every_pass_goes_over_all_rows_and_codes(watch):
    GLGAN(**PARAMS, batch_size=15).fit_resample(*table((30, 12)))
    assert len(watch.dealt) == 2 * 3 * 2  # epochs, players, rows and new codes
    for place, size in ((0, 42), (1, 18)):
        for (classes, *rest), positions in watch.dealt[place::2]:
            assert not rest
            assert classes.tolist() == list(range(size))
            assert positions.shape == (3, size // 3)
            assert sorted(positions.flatten().tolist()) == list(range(size))


def test_new_latents_are_of_the_classes_to_grow(watch):
    X, y = table((9, 20, 14))
    GLGAN(**PARAMS, n_neighbors=3).fit_resample(X, y)
    assert [len(new) for new in watch.interpolated] == [11, 0, 6]


def test_new_rows_are_made_by_the_generator(watch):
    X, y = table((9, 20, 14))
    sampler = GLGAN(**PARAMS)
    X_new, y_new = sampler.fit_resample(X, y)
    with torch.no_grad():
        z_syn = torch.from_numpy(np.concatenate(watch.interpolated))
        rows = sampler.generator_(z_syn).numpy()
    np.testing.assert_allclose(
        X_new[43:], X.min(0) + rows * (X.max(0) - X.min(0)), rtol=1e-4
    )
    assert y_new[43:].tolist() == [0] * 11 + [2] * 6
    # Not by the decoder, from which it has moved away.
    with torch.no_grad():
        assert (sampler.decoder_(z_syn).numpy() - rows).max() > 1e-3


def test_sampled_rows_are_made_by_the_generator_too(watch):
    X, y = table((9, 20, 14))
    sampler = GLGAN(**PARAMS)
    sampler.fit_resample(X, y)
    of_the_fit = len(watch.interpolated)
    rows = sampler.sample(5, 1)
    with torch.no_grad():
        z = torch.from_numpy(np.concatenate(watch.interpolated[of_the_fit:]))
        expected = sampler.generator_(z).numpy()
    np.testing.assert_allclose(
        rows, X.min(0) + expected * (X.max(0) - X.min(0)), rtol=1e-4
    )


# --- Limits --------------------------------------------------------------------------


def test_without_adversaries_the_generator_only_reconstructs(watch):
    X, y = table()
    off = {"adversarial_weight": 0.0, "classification_weight": 0.0}
    sampler = GLGAN(**{**PARAMS, **off}, batch_size=100)
    sampler.fit_resample(X, y)
    G = watch.start["generator"]
    x = torch.from_numpy(unit(X))
    with torch.no_grad():
        z = watch.trained.encoder(x)
    adam = torch.optim.Adam(G.parameters(), 0.01, betas=(0.5, 0.999))
    losses = []
    for _ in range(2):
        loss = (G(z) - x).square().sum(1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    np.testing.assert_allclose(sampler.loss_history_["generator"], losses, rtol=1e-4)
    assert_same_weights(sampler.generator_, G, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("scaling", ["minmax", "standard", "quantile"])
def test_nothing_to_make(scaling):
    X, y = table((20, 20))
    sampler = GLGAN(**{**PARAMS, "scaling": scaling})
    X_new, y_new = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(X_new, X)
    np.testing.assert_array_equal(y_new, y)
    assert np.isfinite(sampler.loss_history_["generator"]).all()


@pytest.mark.parametrize("shape", [(6, 5), (2, 5, 7)])
def test_images(watch, shape):
    rng = np.random.RandomState(0)
    X, y = rng.uniform(size=(30, *shape)), np.repeat([0, 1], [20, 10])
    sampler = GLGAN(**PARAMS)
    X_new, y_new = sampler.fit_resample(X, y)
    assert X_new.shape == (40, *shape)
    assert y_new[30:].tolist() == [1] * 10
    assert_same_weights(watch.start["discriminator"][0], sampler.encoder_)


def test_an_autoencoder_of_ones_own_may_have_codes_of_another_length(watch):
    own = MLPAutoencoder(4, 6, hidden_sizes=(5,), output=nn.Sigmoid())
    sampler = GLGAN(**PARAMS, autoencoder=own)
    sampler.fit_resample(*table())
    assert sampler.latent_.shape == (42, 6)
    assert watch.start["discriminator"][1].weight.shape == (2, 6)
