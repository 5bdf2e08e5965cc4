import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from imbdeep.classifiers import NetClassifier, ReMixClassifier
from imbdeep.modules import ConvNet, CosineHead
from imbdeep.modules._penultimate import penultimate
from imbdeep.modules._registry import MODULES


def seeded(*args, **kwargs):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ConvNet(*args, **kwargs)


def images(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 8), (9, 25), (16, 16), (33, 64)])
@pytest.mark.parametrize("head", ["linear", "cosine"])
@pytest.mark.parametrize("n_filters", [(4,), (4, 8), [4, 6, 8]])
def test_shapes(size, head, n_filters):
    net = ConvNet(3, 5, n_filters=n_filters, n_hidden=7, head=head)
    x = images(2, 3, *size)
    assert net(x).shape == (2, 5)
    assert net.features(x).shape == (2, 7)
    assert net(x[:1]).shape == (1, 5)
    assert net(x[:0]).shape == (0, 5)


def slow_convolution(x, weight, bias):
    """A 3 x 3 convolution of one image with a border of zeros, in plain loops."""
    n_out, _, height, width = len(weight), *x.shape
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1)])
    out = np.empty((n_out, height, width))
    for k in range(n_out):
        for i in range(height):
            for j in range(width):
                window = padded[:, i : i + 3, j : j + 3]
                out[k, i, j] = (window * weight[k]).sum() + bias[k]
    return out


def slow_pooling(x):
    """Largest number of each 2 x 2 block; those at the far border may be cut."""
    n_channels, height, width = x.shape
    out = np.empty((n_channels, -(-height // 2), -(-width // 2)))
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            block = x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            out[:, i, j] = block.max((1, 2))
    return out


def slow_grid(x, side):
    """Mean of the pixels that each cell of a grid touches."""
    n_channels, height, width = x.shape
    out = np.empty((n_channels, side, side))
    for i in range(side):
        for j in range(side):
            rows = slice(i * height // side, -(-(i + 1) * height // side))
            columns = slice(j * width // side, -(-(j + 1) * width // side))
            out[:, i, j] = x[:, rows, columns].mean((1, 2))
    return out


@pytest.mark.parametrize("size", [(16, 16), (7, 10), (2, 3)])
@pytest.mark.parametrize("grid", [4, 3, 1])
def test_agrees_with_loops(size, grid):
    net = seeded(2, 3, n_filters=(4, 5), grid=grid, n_hidden=6).double()
    x = images(2, 2, *size).double()
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    hidden = next(m for m in net.hidden.modules() if isinstance(m, nn.Linear))
    for image, features, logits in zip(x, net.features(x), net(x), strict=True):
        expected = image.numpy()
        for layer in convolutions:
            weight, bias = (p.detach().numpy() for p in layer.parameters())
            expected = slow_convolution(expected, weight, bias)
            expected = slow_pooling(np.maximum(expected, 0))
        expected = torch.from_numpy(slow_grid(expected, grid).ravel())
        expected = (hidden.weight @ expected + hidden.bias).clamp_min(0)
        torch.testing.assert_close(features, expected)
        expected = net.head.weight @ expected + net.head.bias
        torch.testing.assert_close(logits, expected)


def test_number_of_parameters():
    net = ConvNet(3, 10, n_filters=(16, 32), n_hidden=128)
    convolutions = 16 * (3 * 9 + 1) + 32 * (16 * 9 + 1)
    expected = convolutions + 128 * (32 * 16 + 1) + 10 * (128 + 1)
    assert sum(p.numel() for p in net.parameters()) == expected


def test_the_net_of_the_remix_paper():
    """Convolution, pooling, convolution, pooling, one dense layer; nothing averaged."""
    net = seeded(3, 10, n_filters=(6, 9), grid=8, n_hidden=None).double()
    layers = [type(m).__name__ for m in net.modules() if not [*m.children()]]
    block = ["Conv2d", "ReLU", "MaxPool2d"]
    assert layers == [*block, *block, "AdaptiveAvgPool2d", "Flatten", "Linear"]
    assert sum(p.numel() for p in net.parameters()) == (
        6 * (3 * 9 + 1) + 9 * (6 * 9 + 1) + 10 * (9 * 8 * 8 + 1)
    )
    x = images(4, 3, 32, 32).double()
    (w1, b1), (w2, b2), (w3, b3) = zip(*[iter(net.parameters())] * 2, strict=True)
    maps = F.max_pool2d(F.conv2d(x, w1, b1, padding=1).relu(), 2)
    maps = F.max_pool2d(F.conv2d(maps, w2, b2, padding=1).relu(), 2)
    assert maps.shape == (4, 9, 8, 8)
    torch.testing.assert_close(net.features(x), maps.flatten(1))
    torch.testing.assert_close(net(x), maps.flatten(1) @ w3.T + b3)


@pytest.mark.parametrize("head", ["linear", "cosine"])
def test_without_a_hidden_layer_the_head_sees_the_grid(head):
    net = seeded(1, 2, n_filters=(3, 5), grid=2, n_hidden=None, dropout=0.5, head=head)
    x = images(6, 1, 12, 20)
    assert net.features(x).shape == (6, 5 * 2 * 2)
    assert net(x).shape == (6, 2)
    torch.testing.assert_close(penultimate(net.eval(), x), net.features(x))
    assert (net.train().features(x) == 0).any()


def test_the_head_sees_where_things_are():
    net = seeded(1, 2, n_hidden=32)
    x = torch.zeros(1, 1, 16, 16)
    x[..., 2, 2] = 1
    moved = x.roll((8, 8), (2, 3))
    assert (net(x) - net(moved)).abs().max() > 1e-4


def test_penultimate_features_are_those_of_the_head():
    net = seeded(3, 4, dropout=0.5).eval()
    x = images(5, 3, 16, 16)
    torch.testing.assert_close(penultimate(net, x), net.features(x))
    torch.testing.assert_close(net(x), net.head(net.features(x)))
    assert net.features(x).shape == (5, 128)


def test_cosine_head():
    net = seeded(3, 4, head="cosine")
    assert isinstance(net.head, CosineHead)
    assert net(100 * images(50, 3, 8, 8)).abs().max() <= 1 + 1e-6


def test_every_parameter_and_pixel_gets_a_gradient():
    net = seeded(2, 3, n_filters=(4, 4), n_hidden=8)
    x = images(20, 2, 9, 7).requires_grad_()
    net(x)[:, 0].sum().backward()
    # The other classes are not in the first logit; the rest is.
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
    assert x.grad.abs().sum((0, 1)).min() > 0


def test_gradient_of_the_input_is_that_of_differences():
    net = seeded(1, 3, n_filters=(2,), n_hidden=4).double()
    x = images(1, 1, 4, 5).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: F.log_softmax(net(x), -1), x)


def test_rows_do_not_depend_on_each_other_even_in_training():
    net = seeded(3, 4).train()
    x = images(5, 3, 12, 12)
    together = net(x)
    alone = torch.cat([net(row[None]) for row in x])
    torch.testing.assert_close(together, alone)
    assert torch.equal(together, net.eval()(x))


def test_dropout_leaves_out_its_share_in_training_only():
    net = seeded(1, 2, n_hidden=4_000, dropout=0.3)
    x = images(1, 1, 8, 8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        active = net.eval().features(x) != 0
        left_out = (net.train().features(x)[active] == 0).float().mean().item()
    # Six standard deviations of a binomial share.
    assert abs(left_out - 0.3) < 6 * (0.3 * 0.7 / active.sum().item()) ** 0.5


@pytest.mark.parametrize("shape", [(5, 3), (5, 8, 8), (5, 1, 8, 8), (5, 8, 8, 3)])
def test_refuses_what_are_no_images(shape):
    message = r"images of shape \(n, 3, height, width\), got \(5, .*X\[:, None\]"
    with pytest.raises(ValueError, match=message):
        ConvNet(3, 2)(images(*shape))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_filters": ()}, r"n_filters must hold whole numbers .* got \(\)"),
        ({"n_filters": (4, 0)}, r"n_filters must hold .*got \(4, 0\)"),
        (
            {"n_hidden": 0},
            "n_hidden must be a whole .* or None, got 0",
        ),
        ({"grid": 0}, "grid must be a whole number of at least 1, got 0"),
        ({"dropout": 1}, r"dropout must be in \[0, 1\), got 1"),
        ({"dropout": -0.1}, r"dropout must be in \[0, 1\), got -0.1"),
        ({"head": "round"}, "head must be 'linear' or 'cosine', got 'round'"),
    ],
)
def test_refuses_options(options, message):
    with pytest.raises(ValueError, match=message):
        ConvNet(3, 2, **options)


# --- In a classifier -----------------------------------------------------------------


def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32).reshape(-1, 1, 8, 8), np.array(
        list("abcdefghij")
    )[y]


@pytest.mark.slow
@pytest.mark.parametrize("criterion", ["cross_entropy", "focal", "ldam"])
def test_a_classifier_learns_digits(criterion):
    X, y = digits()
    net = NetClassifier(
        "conv", criterion=criterion, max_epochs=12, batch_size=64, random_state=0
    )
    net.fit(X[:1200], y[:1200])
    assert isinstance(net.module_, MODULES["conv"])
    cosine = isinstance(net.module_.head, CosineHead)
    assert cosine == (criterion == "ldam")
    # A guess is right once in ten times.
    assert net.score(X[1200:], y[1200:]) > 0.85
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict(X[1200:]), net.predict(X[1200:]))


@pytest.mark.parametrize("seed", range(3))
def test_a_classifier_with_the_net_of_the_remix_paper(seed):
    X, y = digits()
    net = ReMixClassifier(
        "conv",
        module__grid=2,
        module__n_hidden=None,
        max_epochs=8,
        batch_size=64,
        random_state=seed,
    )
    net.fit(X[:1200], y[:1200])
    assert net.module_.head.in_features == 32 * 2 * 2
    assert net.score(X[1200:], y[1200:]) > 0.75


def test_a_classifier_refuses_images_of_other_channels():
    X, y = digits()
    net = NetClassifier("conv", max_epochs=1, random_state=0).fit(X[:100], y[:100])
    with pytest.raises(ValueError, match=r"X has shape \(5, 3, 8, 8\), and Net.*bands"):
        net.predict(X[:5].repeat(3, axis=1))
    with pytest.raises(ValueError, match=r"takes images of .*X of shape \(100, 8, 8\)"):
        NetClassifier("conv", max_epochs=1).fit(X[:100, 0], y[:100])
