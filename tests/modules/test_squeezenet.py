import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from imbdeep.classifiers import LDAMClassifier, NetClassifier
from imbdeep.modules import CosineHead, SqueezeNet
from imbdeep.modules._penultimate import penultimate
from imbdeep.modules._registry import MODULES

from .images import PLAIN, images, n_parameters, striped, with_statistics


def seeded(*args, **kwargs):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SqueezeNet(*args, **kwargs)


# Squeezed and expanded channels of fire modules 2 to 9, the paper's table 1, and what
# each of them has in parameters: the table's column before pruning.
PAPER = {
    "fire2": (64, 16, 64, 11_408),
    "fire3": (128, 16, 64, 12_432),
    "fire4": (128, 32, 128, 45_344),
    "fire5": (256, 32, 128, 49_440),
    "fire6": (256, 48, 192, 104_880),
    "fire7": (384, 48, 192, 111_024),
    "fire8": (384, 64, 256, 188_992),
    "fire9": (512, 64, 256, 197_184),
}


def fires(net):
    return [m for m in net.modules() if type(m).__name__ == "Fire"]


def test_fire_modules_have_the_parameters_of_the_papers_table():
    net = seeded(3, 10, batch_norm=False)
    assert len(fires(net)) == len(PAPER)
    for fire, (name, (n_in, squeezed, expanded, in_table)) in zip(
        fires(net), PAPER.items(), strict=True
    ):
        layers = [(n_in, squeezed, 1), (squeezed, expanded, 1), (squeezed, expanded, 3)]
        total = sum(n_out * (n_in * size**2 + 1) for n_in, n_out, size in layers)
        # In the paper fire2 stands behind 96 filters, not 64, and makes 11,920.
        assert n_parameters(fire) == total, name
        if name == "fire2":
            assert total + 16 * (96 - 64) == 11_920
        assert total == in_table, name


@pytest.mark.parametrize("n_features", [1, 3, 10])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_number_of_parameters(n_features, batch_norm):
    net = seeded(n_features, 4, batch_norm=batch_norm)
    total = 64 * (9 * n_features + 1) + sum(row[-1] for row in PAPER.values())
    if batch_norm:
        # A scale and an offset for each filter, in place of its bias.
        total += 64 + sum(row[1] + 2 * row[2] for row in PAPER.values())
    assert n_parameters(net) == total + 4 * (512 + 1)
    assert round(total / 1e6, 2) in (0.72, 0.73)


def slow_features(net, x):
    """The net of version 1.1 from its weights alone, layer by layer, in evaluation."""
    weights = iter(net.backbone.state_dict().items())

    def convolve(x, size, stride=1):
        name, weight = next(weights)
        assert weight.shape[-1] == size, name
        _, second = next(weights)
        bias = None if net_has_norm else second
        x = F.conv2d(x, weight, bias, stride, padding=(size - 1) // 2)
        if net_has_norm:
            beta, mean, variance, _ = (next(weights)[1] for _ in range(4))
            mean, variance, gamma, beta = (
                part[:, None, None] for part in (mean, variance, second, beta)
            )
            x = gamma * (x - mean) / (variance + 1e-5).sqrt() + beta
        return x.clamp_min(0)

    def pool(x):
        # Windows that begin inside; what hangs over the far border is cut.
        height, width = (-(-(side - 3) // 2) + 1 for side in x.shape[2:])
        rows = [
            [x[..., 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].amax((2, 3))]
            for i in range(height)
            for j in range(width)
        ]
        maps = torch.stack([row[0] for row in rows], -1)
        return maps.reshape(*x.shape[:2], height, width)

    def fire(x):
        squeezed = convolve(x, 1)
        return torch.cat([convolve(squeezed, 1), convolve(squeezed, 3)], 1)

    net_has_norm = any(isinstance(m, nn.BatchNorm2d) for m in net.modules())
    x = convolve(x, 3, stride=2 if min(x.shape[2:]) >= 64 else 1)
    x = fire(fire(pool(x)))
    x = fire(fire(pool(x)))
    x = fire(fire(fire(fire(pool(x)))))
    assert next(weights, None) is None
    return x.mean((2, 3))


@pytest.mark.parametrize("size", [28, 65])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_agrees_with_the_layers_written_out(size, batch_norm):
    net = seeded(2, 3, image_size=size, batch_norm=batch_norm).double()
    net = with_statistics(net)
    x = images(2, 2, size, size).double()
    features = slow_features(net, x)
    torch.testing.assert_close(net.features(x), features)
    torch.testing.assert_close(net(x), features @ net.head.weight.T + net.head.bias)


def test_head_behind_the_average_is_the_1x1_convolution_of_the_paper():
    net = with_statistics(seeded(2, 3).double())
    x = images(2, 2, 64, 64).double()
    maps = net.backbone[:-3](x)
    assert maps.shape == (2, 512, 4, 4)
    weight = net.head.weight[..., None, None]
    logits = F.conv2d(maps, weight, net.head.bias).mean((2, 3))
    torch.testing.assert_close(net(x), logits)
    # Without the last ReLU some are negative.
    assert logits.min() < 0 < logits.max()


@pytest.mark.parametrize("size", [28, 32, 64, 65])
def test_maps(size):
    """The first convolution halves images from 64 pixels on; poolings halve thrice."""
    net = seeded(1, 2, image_size=size).eval()
    seen = []
    for part in net.backbone:
        if isinstance(part, nn.Sequential | nn.MaxPool2d):
            part.register_forward_hook(lambda *call: seen.append(call[2].shape[-1]))
    net(images(1, 1, size, size))
    assert (
        seen
        == {
            28: [28, 14, 7, 3],
            32: [32, 16, 8, 4],
            64: [32, 16, 8, 4],
            65: [33, 16, 8, 4],
        }[size]
    )


@pytest.mark.parametrize("size", [(8, 8), (9, 40), (15, 12)])
def test_small_images_with_stride_1(size):
    net = seeded(1, 2, image_size=min(size)).eval()
    assert net(images(3, 1, *size)).shape == (3, 2)
    assert net(images(0, 1, *size)).shape == (0, 2)


def test_small_images_with_stride_2():
    net = seeded(1, 2, image_size=16, stem_stride=2).eval()
    assert net.backbone[0][0].stride == (2, 2)
    assert net(images(3, 1, 16, 20)).shape == (3, 2)
    assert seeded(1, 2, image_size=64, stem_stride=1).backbone[0][0].stride == (1, 1)


@pytest.mark.parametrize("head", ["linear", "cosine"])
def test_features_and_head(head):
    net = with_statistics(seeded(3, 4, image_size=16, head=head))
    x = images(5, 3, 16, 16)
    features = penultimate(net, x)
    assert features.shape == (5, 512)
    torch.testing.assert_close(features, net.features(x))
    torch.testing.assert_close(net(x), net.head(features))
    assert isinstance(net.head, CosineHead if head == "cosine" else nn.Linear)


def test_dropout_leaves_out_its_share_of_features_in_training_only():
    net = with_statistics(seeded(1, 2, image_size=8, dropout=0.25))
    x = images(16, 1, 8, 8)
    for norm in net.modules():
        norm.training = False
    plain = net.features(x)
    net.backbone[-1].train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        dropped = net.features(x)
    active = plain != 0
    left_out = (dropped[active] == 0).double().mean().item()
    # Six standard deviations of a binomial share.
    assert abs(left_out - 0.25) < 6 * (0.25 * 0.75 / active.sum().item()) ** 0.5
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], plain[kept] / 0.75)
    assert not any(
        isinstance(m, nn.Dropout) for m in seeded(1, 2, dropout=0.0).modules()
    )


@pytest.mark.parametrize("momentum", [0.1, 0.5, 1.0])
def test_momentum_of_batch_norm(momentum):
    net = seeded(1, 2, image_size=8, momentum=momentum).double().train()
    x = images(6, 1, 8, 8).double()
    mean = F.conv2d(x, net.backbone[0][0].weight, padding=1).mean((0, 2, 3))
    net(x)
    torch.testing.assert_close(net.backbone[0][1].running_mean, momentum * mean)
    assert {m.momentum for m in net.modules() if isinstance(m, nn.BatchNorm2d)} == {
        momentum
    }


def test_double_precision_and_gradients():
    net = seeded(2, 3, image_size=16, dropout=0.0).double()
    x = images(6, 2, 16, 16).double().requires_grad_()
    logits = net(x)
    assert logits.dtype == torch.float64
    logits[:, 0].square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
    assert x.grad.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dropout": 1}, r"dropout must be in \[0, 1\), got 1"),
        ({"batch_norm": "no"}, "batch_norm must be .*got 'no'"),
        ({"momentum": 0}, r"momentum must be in \(0, 1\], got 0"),
        ({"image_size": 7.5}, "image_size must be a whole number .* got 7.5"),
        ({"image_size": 7}, "SqueezeNet shrinks images 8 times.* side of 7.*8 x 8"),
        ({"image_size": 15, "stem_stride": 2}, "16 times.*side of 15.*module='conv'"),
        ({"stem_stride": 3}, "stem_stride must be 1, 2 or 'auto', got 3"),
        ({"stem_stride": True}, "stem_stride must be 1, 2 or 'auto', got True"),
        ({"stem_stride": "2"}, "stem_stride must be 1, 2 or 'auto', got '2'"),
        ({"head": "round"}, "head must be 'cosine' or 'linear', got 'round'"),
    ],
)
def test_refuses_options(options, message):
    with pytest.raises(ValueError, match=message):
        SqueezeNet(3, 2, **options)


@pytest.mark.parametrize("shape", [(5, 3), (5, 16, 16), (5, 1, 16, 16)])
def test_refuses_what_are_no_images(shape):
    with pytest.raises(ValueError, match=r"images of shape \(n, 3, height, width\)"):
        seeded(3, 2)(images(*shape))


def test_refuses_images_that_are_too_small_for_its_stem():
    with pytest.raises(ValueError, match="16 times, and got some with a side of 12"):
        seeded(3, 2)(images(2, 3, 40, 12))


# --- In a classifier -----------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    X, y = striped(20, 10, (8, 12), 4)
    net = NetClassifier("squeezenet", max_epochs=1, batch_size=-1, **PLAIN)
    return net.fit(X, y), X, y


def test_a_classifier_learns_classes_bands_and_size_from_the_data(fitted):
    net, X, _ = fitted
    assert isinstance(net.module_, MODULES["squeezenet"])
    assert net.module_.backbone[0][0].weight.shape == (64, 10, 3, 3)
    assert net.module_.backbone[0][0].stride == (1, 1)
    proba = net.predict_proba(X)
    assert proba.shape == (20, 4)
    np.testing.assert_allclose(proba.sum(1), 1, atol=1e-5)
    loaded = pickle.loads(pickle.dumps(net))
    assert np.array_equal(loaded.predict_proba(X), proba)


def test_the_seed_decides(fitted):
    net, X, y = fitted
    again = NetClassifier("squeezenet", max_epochs=1, batch_size=-1, **PLAIN)
    before = torch.get_rng_state()
    assert np.array_equal(again.fit(X, y).predict_proba(X), net.predict_proba(X))
    assert torch.equal(torch.get_rng_state(), before)
    again.set_params(random_state=1).fit(X, y)
    assert not np.array_equal(again.predict_proba(X), net.predict_proba(X))


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


def test_the_stem_is_that_of_the_images():
    X, y = striped(8, 1, (64, 66), 2)
    net = NetClassifier("squeezenet", max_epochs=1, **PLAIN).fit(X, y)
    assert net.module_.backbone[0][0].stride == (2, 2)
    net.set_params(module__stem_stride=1)
    with pytest.raises(ValueError, match="stem_stride"):
        net.partial_fit(X, y)


def test_images_that_are_too_small_are_refused_before_training():
    X, y = striped(24, 2, (7, 30), 2)
    net = NetClassifier("squeezenet", max_epochs=1, **PLAIN)
    with pytest.raises(ValueError, match="side of 7.*8 x 8 pixels"):
        net.fit(X, y)
    assert not hasattr(net, "module_")


def test_members_of_a_stack_cannot_have_batch_norm():
    X, y = striped(24, 2, (8, 8), 2)
    net = NetClassifier("squeezenet", n_members=2, max_epochs=1, **PLAIN)
    message = "SqueezeNet has running statistics in .*, which members .* n_members=1"
    with pytest.raises(ValueError, match=message):
        net.fit(X, y)
    assert not hasattr(net, "module_")


def test_without_batch_norm_members_are_the_nets_that_they_would_be_alone():
    X, y = striped(24, 2, (8, 8), 2)
    net = NetClassifier("squeezenet", module__batch_norm=False, max_epochs=1, **PLAIN)
    pair = net.set_params(n_members=2).fit(X, y)
    first, second = (member.eval() for member in pair.members_)
    x = torch.from_numpy(X)
    with torch.no_grad():
        alone = torch.stack([first(x).softmax(1), second(x).softmax(1)]).mean(0)
        assert (first(x) - second(x)).abs().max() > 1e-3
    np.testing.assert_allclose(pair.predict_proba(X), alone.numpy(), atol=1e-5)


def test_weight_averaging_recomputes_the_statistics_of_batch_norm():
    X, y = striped(32, 2, (8, 8), 2)
    net = LDAMClassifier(
        "squeezenet",
        criterion="cross_entropy",
        module__dropout=0.0,
        weight_averaging="swa",
        max_epochs=4,
        batch_size=16,
        **PLAIN,
    ).fit(X, y)
    first = net.module_.backbone[0]
    assert dict(net.callbacks_)["weight_averaging"].epochs_ == [4]
    # Of the averaged filters, over batches of equal size: the mean over all rows.
    maps = F.conv2d(torch.from_numpy(X), first[0].weight.detach(), padding=1)
    torch.testing.assert_close(
        first[1].running_mean, maps.mean((0, 2, 3)), rtol=1e-3, atol=1e-4
    )
    for norm in net.module_.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.momentum == 0.1
            assert norm.running_var.isfinite().all()
    assert net.score(X, y) > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("criterion", ["cross_entropy", "ldam"])
def test_a_classifier_learns_stripes(criterion, seed):
    X, y = striped(256, 3, (32, 32), 4, seed)
    net = NetClassifier(
        "squeezenet",
        criterion=criterion,
        max_epochs=6,
        batch_size=16,
        train_split=None,
        early_stopping=False,
        random_state=seed,
    ).fit(X[:192], y[:192])
    losses = net.history_[:, "train_loss"]
    assert losses[-1] < 0.8 * losses[0]
    assert net.score(X[192:], y[192:]) > 0.6
    assert isinstance(net.module_.head, CosineHead) == (criterion == "ldam")
