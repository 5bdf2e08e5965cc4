import math
import pickle
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from imbdeep.classifiers import NetClassifier
from imbdeep.modules import CosineHead, ResNet50
from imbdeep.modules._penultimate import penultimate
from imbdeep.modules._registry import MODULES

from .images import PLAIN, images, n_parameters, normed, striped, with_statistics


def seeded(*args, **kwargs):
    pytest.importorskip("monai")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ResNet50(*args, **kwargs)


@pytest.fixture(scope="module")
def net_64():
    return with_statistics(seeded(3, 4))


@pytest.fixture(scope="module")
def net_28():
    return with_statistics(seeded(2, 3, image_size=28, head="cosine", momentum=0.25))


# Blocks and filters of the stages: table 1 of the paper.
STAGES = [(3, 64), (4, 128), (6, 256), (3, 512)]


def expected_parameters(n_features, stem):
    total, before = stem**2 * n_features * 64 + 2 * 64, 64
    for n_blocks, width in STAGES:
        for i in range(n_blocks):
            out = 4 * width
            total += before * width + 9 * width**2 + width * out
            total += 2 * (width + width + out)
            if i == 0:
                total += before * out + 2 * out
            before = out
    return total


def test_number_of_parameters(net_64, net_28):
    assert n_parameters(net_64.backbone) == expected_parameters(3, 7) == 23_508_032
    assert n_parameters(net_28.backbone) == expected_parameters(2, 3)
    assert n_parameters(net_64.head) == 4 * (2048 + 1)


@pytest.mark.slow
@pytest.mark.parametrize("n_features", [1, 10])
def test_any_number_of_bands(n_features):
    net = seeded(n_features, 4).eval()
    assert n_parameters(net.backbone) == expected_parameters(n_features, 7)
    assert net(images(2, n_features, 64, 64)).shape == (2, 4)


def slow_features(net, x, stem_stride):
    """The net from its weights alone, in evaluation."""
    body = net.backbone
    size = body.conv1.weight.shape[-1]
    x = F.conv2d(x, body.conv1.weight, None, stem_stride, padding=size // 2)
    x = normed(x, body.bn1).clamp_min(0)
    if stem_stride == 2:
        x = F.pad(x, [1, 1, 1, 1], value=-math.inf)
        x = x.unfold(2, 3, 2).unfold(3, 3, 2).amax((-1, -2))
    for k, (n_blocks, _) in enumerate(STAGES):
        stage = getattr(body, f"layer{k + 1}")
        assert len(stage) == n_blocks
        for i, block in enumerate(stage):
            stride = 2 if k and i == 0 else 1
            y = normed(F.conv2d(x, block.conv1.weight), block.bn1).clamp_min(0)
            y = F.conv2d(y, block.conv2.weight, None, stride, padding=1)
            y = normed(y, block.bn2).clamp_min(0)
            y = normed(F.conv2d(y, block.conv3.weight), block.bn3)
            if i == 0:
                filters, norm = block.downsample
                x = normed(F.conv2d(x, filters.weight, None, stride), norm)
            x = (x + y).clamp_min(0)
    return x.mean((2, 3))


@pytest.mark.parametrize(("net", "size"), [("net_28", 12), ("net_64", 33)])
def test_agrees_with_the_layers_written_out(net, size, request):
    net = request.getfixturevalue(net)
    x = images(1, net.n_features, size, size)
    stride = 2 if net.n_features == 3 else 1
    features = slow_features(net.double(), x.double(), stride)
    found = net.features(x.double())
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, features)
    # Both precisions give the same net.
    torch.testing.assert_close(
        net.float().features(x), features.float(), rtol=1e-3, atol=1e-3
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "maps"),
    [(28, (28, 28, 4)), (32, (32, 32, 4)), (64, (32, 16, 2)), (65, (33, 17, 3))],
)
def test_the_stem_is_that_of_the_images(size, maps):
    with torch.device("meta"):
        net, seen = seeded(3, 4, image_size=size).eval(), []
        body = net.backbone
        for part in (body.conv1, body.layer1, body.layer4):
            part.register_forward_hook(lambda *call: seen.append(call[2].shape[-1]))
        net(torch.empty(1, 3, size, size))
    assert tuple(seen) == maps


def test_the_stem(net_64, net_28):
    """Stride 2 and a pooling from 64 pixels on; MONAI's own stem has stride 1."""
    assert net_64.backbone.conv1.stride == (2, 2)
    assert not net_64.backbone.no_max_pool
    assert net_28.backbone.conv1.stride == (1, 1)
    assert net_28.backbone.no_max_pool


@pytest.mark.slow
@pytest.mark.parametrize("stem_stride", [1, 2])
def test_the_stem_as_chosen(stem_stride):
    net = seeded(3, 4, image_size=40, stem_stride=stem_stride)
    assert net.backbone.conv1.stride == (stem_stride, stem_stride)
    assert net.backbone.no_max_pool == (stem_stride == 1)


def test_features_and_head(net_64, net_28):
    for net, head, size in ((net_64, nn.Linear, 33), (net_28, CosineHead, 9)):
        x = images(2, net.n_features, size, size + 3)
        features = penultimate(net, x)
        assert features.shape == (2, 2048)
        torch.testing.assert_close(features, net.features(x))
        torch.testing.assert_close(net(x), net.head(features))
        assert isinstance(net.head, head)


def test_momentum_of_batch_norm(net_64, net_28):
    for net, expected in ((net_64, 0.1), (net_28, 0.25)):
        norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
        assert len(norms) == 53
        assert {m.momentum for m in norms} == {expected}


@pytest.mark.slow
def test_every_parameter_and_pixel_gets_a_gradient():
    net = seeded(2, 3, image_size=8)
    x = images(4, 2, 8, 8).requires_grad_()
    net(x)[:, 0].square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
    assert x.grad.abs().sum((0, 1)).min() > 0


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "monai.networks.nets", None)
    message = r"ResNet50 needs MONAI.*pip install imbdeep\[vision\].*'squeezenet'"
    with pytest.raises(ImportError, match=message):
        ResNet50(3, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 7}, "ResNet50 shrinks images 8 times.* side of 7"),
        ({"image_size": 31, "stem_stride": 2}, "32 times, and got .* of 31"),
        ({"stem_stride": None}, "stem_stride must be 1, 2 or 'auto', got None"),
        ({"momentum": -1}, r"momentum must be in \(0, 1\], got -1"),
        ({"head": "round"}, "head must be 'cosine' or 'linear', got 'round'"),
    ],
)
def test_refuses_options(options, message):
    pytest.importorskip("monai")
    with pytest.raises(ValueError, match=message):
        ResNet50(3, 2, **options)


def test_refuses_what_are_no_images(net_64):
    with pytest.raises(ValueError, match=r"images of shape \(n, 3, height, width\)"):
        net_64(images(5, 1, 64, 64))
    with pytest.raises(ValueError, match="32 times, and got some with a side of 30"):
        net_64(images(5, 3, 30, 64))


# --- In a classifier -----------------------------------------------------------------


@pytest.mark.slow
def test_members_of_a_stack_cannot_have_batch_norm():
    pytest.importorskip("monai")
    net = NetClassifier("resnet50", n_members=2, max_epochs=1, **PLAIN)
    message = "ResNet50 has running statistics in backbone.bn1, .* n_members=1"
    with pytest.raises(ValueError, match=message):
        net.fit(*striped(24, 1, (8, 8), 2))


@pytest.mark.slow
def test_a_classifier(tmp_path):
    pytest.importorskip("monai")
    X, y = striped(24, 10, (8, 12), 4)
    net = NetClassifier("resnet50", max_epochs=1, **PLAIN).fit(X, y)
    assert isinstance(net.module_, MODULES["resnet50"])
    assert net.module_.backbone.conv1.weight.shape == (64, 10, 3, 3)
    proba = net.predict_proba(X)
    assert proba.shape == (24, 4)
    again = NetClassifier("resnet50", max_epochs=1, **PLAIN).fit(X, y)
    assert np.array_equal(again.predict_proba(X), proba)
    assert np.array_equal(pickle.loads(pickle.dumps(net)).predict_proba(X), proba)
    net.save_params(f_params=tmp_path / "net.pt")
    other = NetClassifier("resnet50", max_epochs=1, **PLAIN | {"random_state": 5})
    other.fit(X, y).load_params(f_params=tmp_path / "net.pt")
    assert np.array_equal(other.predict_proba(X), proba)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_learns_in_an_epoch(seed):
    pytest.importorskip("monai")
    X, y = striped(320, 3, (12, 12), 2, seed)
    net = NetClassifier(
        "resnet50", max_epochs=2, batch_size=16, **PLAIN | {"random_state": seed}
    ).fit(X, y)
    first, second = net.history_[:, "train_loss"]
    assert second < 0.9 * first
    # A guess costs log 2.
    assert second < 0.9 * math.log(2)
