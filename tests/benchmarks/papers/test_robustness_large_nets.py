"""The large nets of the plan train by every method, on few images."""

import numpy as np
import pytest

from imbdeep_bench.papers.robustness.methods import METHODS, Shared

# Fresh generators of noise train for 100 steps an epoch, which takes minutes here.
FEWER = {"fresh_steps": 2}


def images(n_rows):
    """Bright images and a few dark ones."""
    rng = np.random.default_rng(0)
    y = (np.arange(n_rows) % 6 == 0).astype(int)
    X = rng.random((n_rows, 3, 32, 32), dtype=np.float32) / 2
    return X + 0.5 * (1 - y[:, None, None, None]).astype(np.float32), y


def losses_of(name, module, max_epochs, n_rows):
    net = METHODS[name].make(Shared("photo_tiles", module, max_epochs, 0, "cpu"))
    own = net.get_params(deep=False)
    net.set_params(batch_size=16, **{k: v for k, v in FEWER.items() if k in own})
    return net.fit(*images(n_rows)).history_[:, "train_loss"]


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_the_loss_of_squeezenet_falls(name):
    losses = losses_of(name, "squeezenet", 4, 48)
    assert np.isfinite(losses).all()
    assert min(losses[1:]) < losses[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_resnet50_trains_for_an_epoch(name):
    pytest.importorskip("monai")
    # A few steps of AugMix raise its loss: the predictions, all alike at first, part.
    (loss,) = losses_of(name, "resnet50", 1, 32)
    assert np.isfinite(loss)
