"""True is no number: whoever writes it for one has mistaken the parameter."""

import numpy as np
import pytest
from sklearn.base import clone

from imbdeep.attacks import adversarial_rows, robust_accuracy, robust_predictions
from imbdeep.crowds import simulate_annotators
from imbdeep.modules import CosineHead, ResNet18, SqueezeNet

from .estimators import SAMPLERS, each
from .nets import quick, table

X, Y = table(60)


@pytest.fixture(scope="module")
def net():
    return quick("net").fit(X, Y)


@pytest.mark.parametrize("value", [True, False, np.True_])
@pytest.mark.parametrize(
    "name", ["attack_steps", "restarts", "queries", "n_level_changes", "batch_size"]
)
@pytest.mark.parametrize(
    "attack", [robust_accuracy, robust_predictions, adversarial_rows]
)
def test_numbers_of_an_attack(net, attack, name, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number .* got "):
        attack(net, X, Y, eps=0.1, **{name: value})


@pytest.mark.parametrize("name", ["n_workers", "annotation_rate"])
def test_numbers_of_simulated_annotators(name):
    with pytest.raises(ValueError, match=f"{name} must be .* got True"):
        simulate_annotators(Y, **{name: True})


@pytest.mark.parametrize("name", ["latent-smote", "conditional-wgan"])
def test_a_number_of_rows(name):
    sampler = clone(SAMPLERS[name])
    sampler.fit_resample(X, Y)
    with pytest.raises(ValueError, match=r"n_samples must be a whole .* got True"):
        sampler.sample(True, 1)
    assert len(sampler.sample(np.int64(2), 1)) == 2


@pytest.mark.parametrize("name", each(SAMPLERS))
def test_a_share_of_rows(name):
    sampler = clone(SAMPLERS[name]).set_params(sampling_strategy=True)
    with pytest.raises(ValueError, match="sampling_strategy"):
        sampler.fit_resample(X, Y)


@pytest.mark.parametrize("name", ["latent-smote", "conditional-wgan"])
def test_widths_of_layers(name):
    sampler = clone(SAMPLERS[name]).set_params(hidden_sizes=(8, True))
    with pytest.raises(ValueError, match=r"hidden_sizes must hold whole numbers"):
        sampler.fit_resample(X, Y)


@pytest.mark.parametrize("module", [CosineHead, ResNet18, SqueezeNet])
@pytest.mark.parametrize("sizes", [(True, 2), (3, True)])
def test_sizes_of_a_module(module, sizes):
    with pytest.raises(ValueError, match=r"n_\w+ must be a whole number .* got True"):
        module(*sizes)
