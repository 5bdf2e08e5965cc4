"""Sizes of layers are whole numbers, one per layer, or a clear error."""

import numpy as np
import pytest
import torch

from imbdeep._generative import RowDecoder
from imbdeep._sizes import read_sizes
from imbdeep.classifiers import NetClassifier
from imbdeep.modules import MLP, ConvAutoencoder, ConvNet, MLPAutoencoder

BAD = [
    16,
    16.5,
    "16",
    b"16",
    None,
    (16.0,),
    (8, 0),
    (8, -1),
    ("8",),
    (True,),
    ((8, 8),),
]
BAD += [np.array(16), np.ones((2, 2), int), {8, 16}, {8: 16}]
SIZED = {
    "hidden_sizes": [
        lambda **sizes: MLP(3, 2, **sizes),
        lambda **sizes: MLPAutoencoder(3, **sizes),
        lambda **sizes: RowDecoder(torch.rand(4, 3), 2, **sizes),
    ],
    "n_filters": [
        lambda **sizes: ConvNet(3, 2, **sizes),
        lambda **sizes: ConvAutoencoder((3, 8, 8), **sizes),
    ],
}


@pytest.mark.parametrize("sizes", BAD, ids=repr)
@pytest.mark.parametrize("name", SIZED)
def test_refuses_what_are_no_sizes(name, sizes):
    for make in SIZED[name]:
        with pytest.raises(ValueError, match=f"{name} must hold whole numbers"):
            make(**{name: sizes})


@pytest.mark.parametrize("sizes", [(8,), [8, 4], np.array([8, 4]), (np.int64(8),)])
@pytest.mark.parametrize("name", SIZED)
def test_takes_sequences_of_whole_numbers(name, sizes):
    for make in SIZED[name]:
        make(**{name: sizes})


def test_one_number_gets_the_remedy():
    with pytest.raises(ValueError, match=r"got 16\. Pass hidden_sizes=\(16,\)\."):
        read_sizes("hidden_sizes", 16)
    with pytest.raises(ValueError, match=r"got 16\.5\.$"):
        read_sizes("hidden_sizes", 16.5)


def test_empty_sizes():
    read_sizes("hidden_sizes", ())
    with pytest.raises(ValueError, match=r"n_filters must hold .* got \(\)"):
        read_sizes("n_filters", (), may_be_empty=False)


@pytest.mark.parametrize("size", [0, -1, 2.0, "2", True, None, (2,)])
def test_refuses_what_is_no_size(size):
    if size is not None:  # no hidden layer
        with pytest.raises(ValueError, match="n_hidden must be a whole number of at"):
            ConvNet(3, 2, n_hidden=size)
    for make in (MLPAutoencoder, lambda n, **k: ConvAutoencoder((n, n), **k)):
        with pytest.raises(ValueError, match="n_latent must be a whole number of at"):
            make(3, n_latent=size)


@pytest.mark.parametrize("module", ["mlp", "conv"])
def test_in_a_classifier(module):
    X, name = {
        "mlp": (np.random.default_rng(0).random((8, 3)), "hidden_sizes"),
        "conv": (np.random.default_rng(0).random((8, 1, 4, 4)), "n_filters"),
    }[module]
    net = NetClassifier(module, **{f"module__{name}": 16})
    with pytest.raises(ValueError, match=rf"{name} .* got 16\. Pass {name}=\(16,\)"):
        net.fit(X, [0, 1] * 4)
    assert not net.history
