"""What the two conditional samplers draw, and whom they make rows for."""

import numpy as np
import pytest
import torch

from imbdeep.over_sampling import (
    ConditionalGAN,
    ConditionalWGAN,
)
from imbdeep.over_sampling._generative import conditional_gan, conditional_wgan

from .data import table, unit
from .watching import watch_training

MODULES = {ConditionalGAN: conditional_gan, ConditionalWGAN: conditional_wgan}
PARAMS = {
    "hidden_sizes": (12,),
    "n_latent": 3,
    "lr": 0.01,
    "max_epochs": 2,
    "tol": 0.0,
    "patience": 5,
    "scaling": "minmax",
    "device": "cpu",
    "random_state": 0,
}
# One step of the discriminator for one of the generator.
STEPS = {ConditionalGAN: "discriminator_steps", ConditionalWGAN: "critic_steps"}


@pytest.fixture(params=MODULES)
def method(request):
    return request.param


@pytest.fixture
def params(method):
    return PARAMS | {STEPS[method]: 1}


@pytest.fixture
def watch(method, monkeypatch):
    return watch_training(MODULES[method], monkeypatch)


def test_what_a_fit_gives_to_the_training(method, params, watch):
    method(**params).fit_resample(*table())
    given = watch["training"]
    assert given["method"] == method.__name__
    for name in ("lr", "max_epochs", "tol", "patience"):
        assert given[name] == params[name]


def test_classes_are_drawn_alike_and_noise_is_normal(method, params, watch):
    sampler = method(**{**params, "max_epochs": 20}, batch_size=100)
    sampler.fit_resample(*table((50, 8, 20)))
    given = torch.cat([x for name, x in watch["inputs"] if name == "generator"])
    noise, condition = given[:, :3], given[:, 3:]
    n = len(given)
    assert ((condition == 0) | (condition == 1)).all()
    assert (condition.sum(1) == 1).all()
    # Five standard deviations of a share, a mean and a variance.
    assert (condition.mean(0) - 1 / 3).abs().max() < 5 * (2 / 9 / n) ** 0.5
    assert noise.mean(0).abs().max() < 5 / n**0.5
    assert (noise.var(0) - 1).abs().max() < 5 * (2 / n) ** 0.5


def test_every_row_of_a_class_is_drawn_as_often(method, params, watch):
    X, y = table((12, 4))
    sampler = method(**{**params, "max_epochs": 40}, batch_size=100)
    sampler.fit_resample(X, y)
    judged = [x for name, x in watch["inputs"] if name == "discriminator"]
    # In a round the discriminator sees real rows, made ones, those between them if it
    # pays for its slope there, and made ones once more.
    real = torch.cat(judged[:: 4 if method is ConditionalWGAN else 3]).numpy()
    for label, n_rows in enumerate((12, 4)):
        own = real[real[:, 4 + label] == 1][:, :4]
        rows = unit(X)[y == label]
        nearest = np.abs(own[:, None] - rows).max(2).argmin(1)
        counts = np.bincount(nearest, minlength=n_rows)
        expected = len(own) / n_rows
        assert np.abs(counts - expected).max() < 5 * expected**0.5


def test_new_rows_are_made_for_their_classes(method, params, watch):
    X, y = table((9, 20, 14))
    sampler = method(**params)
    X_new, y_new = sampler.fit_resample(X, y)
    name, given = watch["inputs"][-1]
    assert name == "generator"
    assert y_new[43:].tolist() == given[:, 3:].argmax(1).tolist() == [0] * 11 + [2] * 6
    with torch.no_grad():
        rows = sampler.generator_(given).numpy()
    np.testing.assert_allclose(
        X_new[43:], X.min(0) + rows * (X.max(0) - X.min(0)), rtol=1e-4
    )

    sampler.sample(5, 1)
    _, given = watch["inputs"][-1]
    assert given[:, 3:].tolist() == [[0, 1, 0]] * 5
