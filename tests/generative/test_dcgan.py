"""Nets that make and judge images: layers, weights and their sizes."""

import numpy as np
import pytest
import torch
from torch import nn

from imbdeep._generative.dcgan import (
    ImageDiscriminator,
    ImageGenerator,
    check_sides,
    n_halvings,
    spread_over_images,
)


def shapes_through(net, x):
    """Shapes after each convolution of a net."""
    shapes = []
    for layer in net:
        x = layer(x)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            shapes.append(tuple(x.shape[1:]))
    return shapes


def n_weights(net):
    return sum(p.numel() for p in net.parameters())


def test_the_nets_of_the_paper():
    G, D = ImageGenerator(100, (3, 64, 64), 64), ImageDiscriminator((3, 64, 64), 64)
    grids = [(512, 4, 4), (256, 8, 8), (128, 16, 16), (64, 32, 32)]
    assert shapes_through(G, torch.randn(2, 100)) == [*grids, (3, 64, 64)]
    assert shapes_through(D, torch.randn(2, 3, 64, 64)) == [*grids[::-1], (1, 1, 1)]
    assert n_weights(G) == 3_576_704
    assert n_weights(D) == 2_765_568
    for net in (G, D):
        for layer in net:
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                assert layer.kernel_size == (4, 4)
                assert layer.bias is None


def test_layers_between_the_convolutions():
    G, D = ImageGenerator(5, (2, 16, 16), 3), ImageDiscriminator((2, 16, 16), 3)
    # Batch normalisation everywhere but in G's output and in D's input and output.
    up = [nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU]
    assert [type(m) for m in G] == [
        nn.Unflatten, *up, *up, nn.ConvTranspose2d, nn.Tanh
    ]  # fmt: skip
    assert [type(m) for m in D] == [
        nn.Conv2d, nn.LeakyReLU, nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU, nn.Conv2d,
        nn.Flatten,
    ]  # fmt: skip
    assert {m.negative_slope for m in D if isinstance(m, nn.LeakyReLU)} == {0.2}


@pytest.mark.parametrize(
    ("sides", "grid", "filters"),
    [
        ((4, 4), (2, 2), [2]),
        ((8, 8), (4, 4), [2]),
        ((12, 20), (6, 10), [2]),
        ((16, 16), (4, 4), [2, 4]),
        ((28, 28), (7, 7), [2, 4]),
        ((32, 32), (4, 4), [2, 4, 8]),
        ((48, 48), (6, 6), [2, 4, 8]),
        ((64, 32), (8, 4), [2, 4, 8]),
        ((64, 64), (4, 4), [2, 4, 8, 16]),
        ((96, 96), (6, 6), [2, 4, 8, 16]),
        # Not wider than eight times.
        ((128, 128), (4, 4), [2, 4, 8, 16, 16]),
    ],
    ids=str,
)
@pytest.mark.parametrize("bands", [1, 2, 11])
def test_images_of_other_sizes(sides, grid, filters, bands):
    check_sides(*sides)
    assert n_halvings(*sides) == len(filters)
    G, D = ImageGenerator(5, (bands, *sides), 2), ImageDiscriminator((bands, *sides), 2)
    through = []
    height, width = sides
    for n in filters:
        height, width = height // 2, width // 2
        through.append((n, height, width))
    assert through[-1][1:] == grid
    assert shapes_through(D, torch.randn(2, bands, *sides)) == [*through, (1, 1, 1)]
    assert shapes_through(G, torch.randn(2, 5)) == [*through[::-1], (bands, *sides)]
    made = G(torch.randn(3, 5))
    assert made.abs().max() <= 1
    assert D(made).shape == (3, 1)


@pytest.mark.parametrize(
    ("sides", "match"),
    [
        ((65, 65), r"65 x 65.*X\[..., :64, :64\], which drops the last row and the "
         r"last column"),
        ((64, 66), r"64 x 66.*X\[..., :64, :64\], which drops the last 2 columns,"),
        ((31, 28), r"31 x 28.*X\[..., :28, :28\], which drops the last 3 rows,"),
        ((64, 3), r"64 x 3 pixels.*at least 4 x 4.*bands in front"),
    ],
)  # fmt: skip
def test_sides_that_no_net_has(sides, match):
    with pytest.raises(ValueError, match=match):
        check_sides(*sides)


def test_initial_weights():
    torch.manual_seed(0)
    nets = ImageGenerator(100, (3, 32, 32), 16), ImageDiscriminator((3, 32, 32), 16)
    for net in nets:
        for layer in net:
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
                weight = layer.weight.detach().double()
                centre = 1 if isinstance(layer, nn.BatchNorm2d) else 0
                n = weight.numel()
                # Five standard deviations of a mean and of a standard deviation.
                assert abs(weight.mean() - centre) < 5 * 0.02 / n**0.5
                assert abs(weight.std() - 0.02) < 5 * 0.02 / (2 * n) ** 0.5
            if isinstance(layer, nn.BatchNorm2d):
                assert not layer.bias.any()


@pytest.mark.parametrize("size", [1, 3, 100])
def test_spread_agrees_with_pixels_written_out(size):
    images = np.random.RandomState(0).randn(10, 2, 3, 4) + 50
    images[:, 0, 0, 0] = 1 / 3
    expected = []
    for pixel in images.reshape(10, -1).T:
        mean = sum(pixel) / 10
        expected.append((sum((v - mean) ** 2 for v in pixel) / 9) ** 0.5)
    got = spread_over_images(torch.from_numpy(images).split(size))
    assert got == pytest.approx(sum(expected) / len(expected), rel=1e-9)


def test_spread_of_images_all_alike_is_none():
    images = torch.full((7, 1, 2, 2), 1 / 3)
    assert spread_over_images(images.split(2)) == pytest.approx(0, abs=1e-8)
