import math
import pickle
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from imbdeep._torch.draws import drawing_from
from imbdeep.classifiers import LDAMClassifier, NetClassifier
from imbdeep.modules import CosineHead, EfficientNet
from imbdeep.modules._dropout import Dropout
from imbdeep.modules._efficientnet import EfficientNetB4, StochasticDepth
from imbdeep.modules._penultimate import penultimate
from imbdeep.modules._registry import MODULES

from .images import PLAIN, images, n_parameters, normed, striped, with_statistics


def seeded(*args, **kwargs):
    pytest.importorskip("monai")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return EfficientNet(*args, **kwargs)


@pytest.fixture(scope="module")
def net_28():
    return with_statistics(seeded(3, 4, image_size=28))


@pytest.fixture(scope="module")
def net_33():
    """Odd at every halving, and with other options than the default ones."""
    options = {"dropout": 0.7, "stochastic_depth": 0.4, "momentum": 0.25}
    net = seeded(2, 3, image_size=33, stem_stride=2, head="cosine", **options)
    return with_statistics(net)


@pytest.fixture(scope="module")
def net_16():
    """Without anything random."""
    return seeded(1, 2, image_size=16, dropout=0.0, stochastic_depth=0.0)


@pytest.fixture(scope="module")
def b4():
    return seeded(10, 4, version="b4")


def norms(net):
    return [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]


# Blocks, kernel, stride, expansion and channels of the stages: table 1 of the paper.
TABLE = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]


def expected_blocks(width, depth):
    """Kernel, stride, expansion, channels in and out of each block."""

    def rounded(channels):
        # To a multiple of 8, but never by more than a tenth down.
        near = max(8, int(channels * width + 4) // 8 * 8)
        return near if near >= 0.9 * channels * width else near + 8

    blocks, before = [], rounded(32)
    for n_blocks, kernel, stride, expansion, channels in TABLE:
        for i in range(math.ceil(n_blocks * depth)):
            n_out = rounded(channels)
            blocks.append((kernel, stride if i == 0 else 1, expansion, before, n_out))
            before = n_out
    return blocks, rounded(32), rounded(1280)


def expected_parameters(n_channels, width, depth):
    blocks, stem, features = expected_blocks(width, depth)
    total = 9 * n_channels * stem + 2 * stem
    for kernel, _, expansion, n_in, n_out in blocks:
        hidden, squeezed = expansion * n_in, n_in // 4
        if expansion > 1:
            total += n_in * hidden + 2 * hidden
        total += kernel**2 * hidden + 2 * hidden
        total += hidden * squeezed + squeezed + squeezed * hidden + hidden
        total += hidden * n_out + 2 * n_out
    return total + n_out * features + 2 * features, features


@pytest.mark.parametrize(
    ("name", "width", "depth", "n_features", "n_classes", "published"),
    [
        ("net_28", 1.0, 1.0, 3, 4, 4_007_548),
        ("net_33", 1.0, 1.0, 2, 3, 4_007_548),
        ("net_16", 1.0, 1.0, 1, 2, 4_007_548),
        ("b4", 1.4, 1.8, 10, 4, 17_548_616),
    ],
)
def test_number_of_parameters(
    name, width, depth, n_features, n_classes, published, request
):
    net = request.getfixturevalue(name)
    total, features = expected_parameters(n_features, width, depth)
    assert n_parameters(net.backbone) == total
    bias = 0 if isinstance(net.head, CosineHead) else 1
    assert n_parameters(net) == total + n_classes * (features + bias)
    assert net.backbone._conv_stem.weight.shape[1] == n_features
    # The published nets have three bands.
    assert expected_parameters(3, width, depth)[0] == published


@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "millions"),
    [
        ("b0", 5.3),
        ("b1", 7.8),
        ("b2", 9.2),
        ("b3", 12),
        ("b4", 19),
        ("b5", 30),
        ("b6", 43),
        ("b7", 66),
    ],
)
def test_versions_have_the_size_of_the_papers_table(version, millions):
    with torch.device("meta"):
        net = seeded(3, 1000, version=version)
    assert abs(n_parameters(net) / 1e6 / millions - 1) < 0.03


def slow_features(net, x, strides):
    """The net from its weights alone, in evaluation, with padding by its definition."""

    def convolve(x, layer, stride=1):
        size = layer.kernel_size[0]
        pads = []
        for side in (x.shape[3], x.shape[2]):
            # So that ceil(side / stride) pixels are left, the odd one at the far end.
            needed = (-(-side // stride) - 1) * stride + size - side
            pads += [max(needed, 0) // 2, max(needed, 0) - max(needed, 0) // 2]
        groups = len(layer.weight) if layer.weight.shape[1] == 1 < x.shape[1] else 1
        return F.conv2d(F.pad(x, pads), layer.weight, layer.bias, stride, groups=groups)

    def swish(x):
        return x / (1 + (-x).exp())

    body = net.backbone
    x = swish(normed(convolve(x, body._conv_stem, strides[0]), body._bn0))
    blocks = [block for stage in body._blocks for block in stage]
    for block, stride in zip(blocks, strides[1:], strict=True):
        before = x
        if isinstance(block._expand_conv, nn.Conv2d):
            x = swish(normed(convolve(x, block._expand_conv), block._bn0))
        x = swish(normed(convolve(x, block._depthwise_conv, stride), block._bn1))
        gate = x.mean((2, 3), keepdim=True)
        gate = convolve(swish(convolve(gate, block._se_reduce)), block._se_expand)
        x = x / (1 + (-gate).exp())
        last = block._bn2[0] if isinstance(block._bn2, nn.Sequential) else block._bn2
        x = normed(convolve(x, block._project_conv), last)
        if x.shape == before.shape:
            x = x + before
    return swish(normed(convolve(x, body._conv_head), body._bn1)).mean((2, 3))


def check_layers(net, size):
    x = images(1, net.n_features, size, size).double()
    blocks, *_ = expected_blocks(1.0, 1.0)
    strides = [2 if net.smallest == 32 else 1, *(block[1] for block in blocks)]
    features = slow_features(net.double(), x, strides)
    assert features.dtype == torch.float64
    torch.testing.assert_close(net.features(x), features)
    found = net.float().features(x.float())
    torch.testing.assert_close(found, features.float(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("name", "size"), [("net_28", 28), ("net_33", 33)])
def test_agrees_with_the_layers_written_out(name, size, request):
    check_layers(request.getfixturevalue(name), size)


@pytest.mark.slow
@pytest.mark.parametrize("size", [16, 17, 32, 63, 64, 65])
def test_agrees_with_the_layers_written_out_at_other_sizes(size):
    check_layers(with_statistics(seeded(1, 2, image_size=size)), size)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "maps"),
    [(28, (28, 2)), (32, (32, 2)), (64, (32, 2)), (65, (33, 3)), (16, (16, 1))],
)
def test_the_stem_halves_images_from_64_pixels_on(size, maps):
    net, seen = seeded(1, 2, image_size=size).eval(), []
    for part in (net.backbone._conv_stem, net.backbone._conv_head):
        part.register_forward_hook(lambda *call: seen.append(call[2].shape[-1]))
    assert net(images(1, 1, size, size)).shape == (1, 2)
    assert tuple(seen) == maps


@pytest.mark.parametrize("size", [(16, 50), (31, 17), (33, 64)])
def test_images_of_another_size_than_that_of_construction(net_28, size):
    assert net_28(images(2, 3, *size)).shape == (2, 4)


def test_the_stem_as_chosen(net_28, net_33, b4):
    assert net_28.backbone._conv_stem.stride == (1, 1)
    assert net_33.backbone._conv_stem.stride == (2, 2)
    assert b4.backbone._conv_stem.stride == (2, 2)


def test_features_and_head(net_28, net_33):
    for net, head in ((net_28, nn.Linear), (net_33, CosineHead)):
        x = images(2, net.n_features, 33, 33)
        features = penultimate(net, x)
        assert features.shape == (2, 1280)
        torch.testing.assert_close(features, net.features(x))
        torch.testing.assert_close(net(x), net.head(features))
        assert isinstance(net.head, head)


def test_batch_norm(net_33, b4):
    assert {(m.momentum, m.eps) for m in norms(net_33)} == {(0.25, 1e-3)}
    assert {(m.momentum, m.eps) for m in norms(b4)} == {(0.1, 1e-3)}


def test_filters_of_one_channel_start_with_a_variance_by_their_size(b4):
    for stage in b4.backbone._blocks:
        for block in stage:
            weight = block._depthwise_conv.weight
            expected = math.sqrt(2 / weight[0].numel())
            # Five standard deviations of a sample's standard deviation.
            assert abs(weight.std() / expected - 1) < 5 / math.sqrt(2 * weight.numel())


def test_gradients_twice(net_16):
    net = pickle.loads(pickle.dumps(net_16))
    x = images(4, 1, 16, 16).requires_grad_()
    loss = net(x)[:, 0].square().sum()
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    gradient.square().sum().backward()
    assert x.grad.any() and x.grad.isfinite().all()
    assert all(p.grad is not None for p in net.backbone.parameters())


def rates(net, kind):
    return [m.p for m in net.modules() if type(m) is kind]


def test_dropout_is_that_of_the_version(net_28, net_33, net_16, b4):
    assert rates(net_28, Dropout) == [0.2]
    assert rates(b4, Dropout) == [0.4]
    assert rates(net_33, Dropout) == [0.7]
    assert rates(net_16, Dropout) == []


@pytest.mark.parametrize(
    ("name", "largest", "depth"),
    [("net_28", 0.2, 1.0), ("net_33", 0.4, 1.0), ("b4", 0.2, 1.8)],
)
def test_stochastic_depth_grows_from_block_to_block(name, largest, depth, request):
    blocks, *_ = expected_blocks(1.0, depth)
    # Of those blocks whose input has the shape of their output.
    expected = [
        largest * i / len(blocks)
        for i, (_, stride, _, n_in, n_out) in enumerate(blocks)
        if i and stride == 1 and n_in == n_out
    ]
    found = rates(request.getfixturevalue(name), StochasticDepth)
    assert found == pytest.approx(expected)
    assert len(found) == (9 if depth == 1.0 else 25)


def test_without_stochastic_depth(net_16):
    assert rates(net_16, StochasticDepth) == []


def test_stochastic_depth_leaves_out_rows_whole():
    layer, x = StochasticDepth(0.3).double(), images(4_000, 2, 2, 1).double()
    before = torch.get_rng_state()
    with drawing_from(torch.Generator().manual_seed(0)):
        first = layer(x)
    with drawing_from(torch.Generator().manual_seed(0)):
        assert torch.equal(layer(x), first)
    assert torch.equal(torch.get_rng_state(), before)
    dropped = (first == 0).flatten(1).all(1)
    torch.testing.assert_close(first[~dropped], x[~dropped] / 0.7)
    # Five standard deviations of a binomial share.
    share = dropped.double().mean().item()
    assert abs(share - 0.3) < 5 * math.sqrt(0.3 * 0.7 / 4_000)
    assert torch.equal(layer.eval()(x), x)


def test_a_training_pass_draws_from_the_generator_of_the_fit(net_28):
    net = pickle.loads(pickle.dumps(net_28)).train()
    x, given = images(4, 3, 28, 28), []
    before = torch.get_rng_state()
    for seed in (0, 0, 1):
        with drawing_from(torch.Generator().manual_seed(seed)):
            given.append(net(x).detach())
    assert torch.equal(given[0], given[1])
    assert not torch.equal(given[0], given[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "monai.networks.nets", None)
    message = r"EfficientNet.* needs MONAI.*pip install imbdeep\[vision\].*'squeezenet'"
    with pytest.raises(ImportError, match=message):
        EfficientNet(3, 2)
    net = NetClassifier("efficientnet_b4", **PLAIN)
    with pytest.raises(ImportError, match=message):
        net.fit(*striped(24, 1, (16, 16), 2))
    assert not hasattr(net, "module_")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": "b9"}, "version must be 'b0', .* got 'b9'"),
        ({"dropout": 1}, r"dropout must be in \[0, 1\) or None, got 1"),
        ({"stochastic_depth": 1.0}, r"stochastic_depth must be in \[0, 1\), got 1.0"),
        ({"momentum": 2}, r"momentum must be in \(0, 1\], got 2"),
        ({"image_size": 15}, "shrinks images 16 times.* side of 15.*module='conv'"),
        ({"image_size": 31, "stem_stride": 2}, "32 times, and got .* of 31"),
        ({"stem_stride": 0}, "stem_stride must be 1, 2 or 'auto', got 0"),
        ({"head": "round"}, "head must be 'cosine' or 'linear', got 'round'"),
    ],
)
def test_refuses_options(options, message):
    pytest.importorskip("monai")
    with pytest.raises(ValueError, match=message):
        EfficientNet(3, 2, **options)


def test_refuses_what_are_no_images(net_28):
    with pytest.raises(ValueError, match=r"images of shape \(n, 3, height, width\)"):
        net_28(images(5, 1, 28, 28))
    with pytest.raises(ValueError, match="16 times, and got some with a side of 15"):
        net_28(images(5, 3, 28, 15))


# --- In a classifier -----------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    pytest.importorskip("monai")
    X, y = striped(20, 10, (16, 20), 4)
    net = NetClassifier("efficientnet_b0", max_epochs=1, batch_size=-1, **PLAIN)
    return net.fit(X, y), X, y


def test_a_classifier_learns_classes_bands_and_size_from_the_data(fitted):
    net, X, _ = fitted
    assert type(net.module_) is MODULES["efficientnet_b0"] is EfficientNet
    assert net.module_.backbone._conv_stem.weight.shape == (32, 10, 3, 3)
    assert net.module_.backbone._conv_stem.stride == (1, 1)
    proba = net.predict_proba(X)
    assert proba.shape == (20, 4)
    np.testing.assert_allclose(proba.sum(1), 1, atol=1e-5)
    loaded = pickle.loads(pickle.dumps(net))
    assert np.array_equal(loaded.predict_proba(X), proba)


@pytest.mark.slow
def test_the_seed_decides(fitted):
    net, X, y = fitted
    again = NetClassifier("efficientnet_b0", max_epochs=1, batch_size=-1, **PLAIN)
    before = torch.get_rng_state()
    assert np.array_equal(again.fit(X, y).predict_proba(X), net.predict_proba(X))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow
def test_saved_parameters(fitted, tmp_path):
    net, X, _ = fitted
    net.save_params(f_params=tmp_path / "net.pt")
    other = pickle.loads(pickle.dumps(net))
    with torch.no_grad():
        for parameter in other.module_.parameters():
            parameter.mul_(0.5)
    assert not np.array_equal(other.predict_proba(X), net.predict_proba(X))
    other.load_params(f_params=tmp_path / "net.pt")
    assert np.array_equal(other.predict_proba(X), net.predict_proba(X))


@pytest.mark.slow
def test_members_of_a_stack_cannot_have_batch_norm():
    pytest.importorskip("monai")
    X, y = striped(24, 1, (16, 16), 2)
    net = NetClassifier("efficientnet_b0", n_members=2, max_epochs=1, **PLAIN)
    message = "EfficientNet has running statistics in backbone._bn0, .* n_members=1"
    with pytest.raises(ValueError, match=message):
        net.fit(X, y)


def test_digits_are_too_small():
    X, y = striped(24, 1, (8, 8), 2)
    net = NetClassifier("efficientnet_b4", max_epochs=1, **PLAIN)
    with pytest.raises(ValueError, match="EfficientNetB4 .* side of 8. .*16 x 16"):
        net.fit(X, y)
    assert not hasattr(net, "module_")


@pytest.mark.slow
def test_weight_averaging_recomputes_the_statistics_of_batch_norm():
    pytest.importorskip("monai")
    X, y = striped(32, 2, (16, 16), 2)
    net = LDAMClassifier(
        "efficientnet_b0",
        criterion="cross_entropy",
        weight_averaging="swa",
        max_epochs=4,
        batch_size=16,
        **PLAIN,
    ).fit(X, y)
    body = net.module_.backbone
    maps = F.conv2d(torch.from_numpy(X), body._conv_stem.weight.detach(), padding=1)
    torch.testing.assert_close(
        body._bn0.running_mean, maps.mean((0, 2, 3)), rtol=1e-3, atol=1e-4
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_b4_learns_in_an_epoch(seed):
    pytest.importorskip("monai")
    X, y = striped(320, 3, (16, 16), 2, seed)
    net = NetClassifier(
        "efficientnet_b4",
        max_epochs=2,
        batch_size=16,
        **PLAIN | {"random_state": seed},
    ).fit(X, y)
    assert isinstance(net.module_, EfficientNetB4)
    first, second = net.history_[:, "train_loss"]
    assert second < 0.9 * first
    # A guess costs log 2.
    assert second < 0.9 * math.log(2)
