"""The large nets of the plan learn by every method, on few images."""

import numpy as np
import pytest

from imbdeep_bench.papers.robustness.methods import METHODS, Shared

# Fresh generators of noise train for 100 steps an epoch, which takes minutes here.
FEWER = {"fresh_steps": 2}


@pytest.fixture(scope="module")
def images():
    """Bright images and a few dark ones."""
    rng = np.random.default_rng(0)
    y = (np.arange(48) % 6 == 0).astype(int)
    X = rng.random((48, 3, 32, 32), dtype=np.float32) / 2
    return X + 0.5 * (1 - y[:, None, None, None]).astype(np.float32), y


@pytest.mark.slow
@pytest.mark.parametrize("module", ["squeezenet", "resnet50"])
@pytest.mark.parametrize("name", METHODS)
def test_the_loss_of_a_large_net_falls(name, module, images):
    if module == "resnet50":
        pytest.importorskip("monai")
    net = METHODS[name].make(Shared("photo_tiles", module, 4, 0, "cpu"))
    own = net.get_params(deep=False)
    net.set_params(batch_size=16, **{k: v for k, v in FEWER.items() if k in own})
    losses = net.fit(*images).history_[:, "train_loss"]
    assert np.isfinite(losses).all()
    assert min(losses[1:]) < losses[0]
    assert net.predict(images[0][:8]).shape == (8,)
