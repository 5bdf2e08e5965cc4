import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import imbdeep
from imbdeep.classifiers import NetClassifier
from imbdeep.modules import CosineHead, ResNet18
from imbdeep.modules._penultimate import penultimate
from imbdeep.modules._registry import MODULES


def seeded(*args, **kwargs):
    pytest.importorskip("monai")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ResNet18(*args, **kwargs)


def images(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def n_parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_number_of_parameters_of_the_cifar_variant():
    # 3 x 3 convolutions of 64, 128, 256 and 512 filters, four a stage, without biases;
    # two numbers a channel for each normalisation; 1 x 1 shortcuts between stages.
    widths = [64, 128, 256, 512]
    total = 9 * 3 * 64 + 2 * 64
    before = 64
    for width in widths:
        total += 9 * before * width + 3 * 9 * width * width + 4 * 2 * width
        if width != before:
            total += before * width + 2 * width
        before = width
    total += 10 * 512 + 10
    assert n_parameters(seeded(3, 10)) == total == 11_173_962


@pytest.mark.parametrize("n_channels", [1, 3, 11])
def test_any_number_of_channels(n_channels):
    net = seeded(n_channels, 4).eval()
    assert net(images(2, n_channels, 16, 16)).shape == (2, 4)
    first = next(m for m in net.modules() if isinstance(m, nn.Conv2d))
    assert first.weight.shape == (64, n_channels, 3, 3)
    assert first.stride == (1, 1)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 16), (33, 20)])
def test_any_height_and_width(size):
    net = seeded(3, 4).eval()
    assert net(images(2, 3, *size)).shape == (2, 4)


def test_images_reach_the_blocks_whole_and_are_halved_three_times():
    net = seeded(3, 4).eval()
    seen = []
    for name in ("layer1", "layer2", "layer3", "layer4"):
        stage = getattr(net.backbone, name)
        stage.register_forward_hook(lambda *call: seen.append(tuple(call[2].shape[1:])))
    net(images(1, 3, 32, 32))
    assert seen == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4)]


@pytest.mark.parametrize("head", ["linear", "cosine"])
def test_features_and_head(head):
    net = seeded(3, 4, head=head).eval()
    x = images(3, 3, 16, 16)
    features = penultimate(net, x)
    assert features.shape == (3, 512)
    torch.testing.assert_close(features, net.features(x))
    torch.testing.assert_close(net(x), net.head(features))
    assert isinstance(net.head, CosineHead if head == "cosine" else nn.Linear)


def test_double_precision_and_gradients():
    net = seeded(2, 3).double()
    x = images(4, 2, 12, 12).double().requires_grad_()
    logits = net(x)
    assert logits.dtype == torch.float64
    logits[:, 0].square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
    assert x.grad.any()


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "monai.networks.nets", None)
    with pytest.raises(ImportError, match=r"pip install imbdeep\[vision\].*'conv'"):
        ResNet18(3, 2)


@pytest.mark.slow
def test_importing_the_folder_does_not_import_monai():
    folder = Path(imbdeep.__file__).parents[1]
    code = "import sys, imbdeep.modules; sys.exit('monai' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)


@pytest.mark.parametrize("shape", [(5, 3), (5, 16, 16), (5, 1, 16, 16)])
def test_refuses_what_are_no_images(shape):
    with pytest.raises(ValueError, match=r"images of shape \(n, 3, height, width\)"):
        seeded(3, 2)(images(*shape))


def test_refuses_a_head():
    with pytest.raises(ValueError, match="head must be 'linear' or 'cosine'"):
        seeded(3, 2, head="round")


@pytest.mark.slow
@pytest.mark.parametrize("criterion", ["cross_entropy", "ldam"])
def test_a_classifier_learns_stripes(criterion):
    pytest.importorskip("monai")
    rng = np.random.RandomState(0)
    y = np.arange(60) % 3 == 0
    X = rng.rand(60, 3, 10, 10).astype(np.float32)
    X[y, :, ::2] += 1  # a row in two
    X[~y, :, :, ::2] += 1  # a column in two
    net = NetClassifier(
        "resnet18",
        criterion=criterion,
        max_epochs=4,
        train_split=None,
        early_stopping=False,
        random_state=0,
    )
    assert net.fit(X, y).score(X, y) > 0.95
    assert isinstance(net.module_, MODULES["resnet18"])
    assert isinstance(net.module_.head, CosineHead) == (criterion == "ldam")
