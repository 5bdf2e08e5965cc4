"""Noise2Net: nets of random weights, against loops over images."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from imbdeep.classifiers._robust.noise2net import (
    N_BLOCKS,
    N_HIDDEN,
    N_PARTS,
    conv_per_image,
    draw_noise_net,
    noise2net,
)


def draw_images(*shape, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def slow_block(image, spread, steps, gather):
    """A Res2Net block on one image, with batch norm on a batch of it."""

    def normed(image):
        return nn.BatchNorm2d(image.shape[1]).double()(image)

    hidden = normed(conv2d(image, spread)).relu()
    parts = hidden.split(N_HIDDEN, 1)
    made = []
    for i, (weight, dilation) in enumerate(steps):
        given = parts[0] if i == 0 else made[-1] + parts[i]
        reach = dilation * (weight.shape[-1] - 1) // 2
        made.append(
            normed(conv2d(given, weight, padding=reach, dilation=dilation)).relu()
        )
    return normed(conv2d(torch.cat([*made, parts[-1]], 1), gather))


def slow_noise2net(image, blocks, eps, i):
    for spread, steps, gather in blocks:
        own = [(weight[i], dilation) for weight, dilation in steps]
        image = image + eps * slow_block(image, spread[i], own, gather[i])
    return image


@pytest.mark.parametrize("bands", [1, 3, 10])
def test_a_net_per_image_is_that_of_a_loop_over_images(bands):
    images = draw_images(3, bands, 7, 5)
    blocks = draw_noise_net(images, seeded(bands))
    made = noise2net(images, blocks, 0.6)
    for i, image in enumerate(images):
        expected = slow_noise2net(image[None], blocks, 0.6, i)[0]
        torch.testing.assert_close(made[i], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("side", "dilation"), [(1, 1), (1, 3), (3, 1), (3, 2), (3, 3)])
def test_kernels_of_each_image_convolve_it_alone(side, dilation):
    images = draw_images(4, 2, 6, 3)
    weight = draw_images(4, 5, 2, side, side)
    made = conv_per_image(images, weight, dilation)
    expected = [
        conv2d(image[None], own, padding=side // 2 * dilation, dilation=dilation)
        for image, own in zip(images, weight, strict=True)
    ]
    torch.testing.assert_close(made, torch.cat(expected), rtol=1e-10, atol=1e-10)


def test_what_is_drawn_has_the_sizes_and_the_spread_of_the_paper():
    images = draw_images(6, 3, 4, 4)
    kinds = set()
    for seed in range(8):
        blocks = draw_noise_net(images, seeded(seed))
        assert len(blocks) == N_BLOCKS == 4
        for spread, steps, gather in blocks:
            assert spread.shape == (6, 64, 3, 1, 1)
            assert gather.shape == (6, 3, 64, 1, 1)
            assert len(steps) == N_PARTS - 1
            assert spread.dtype == torch.float64
            for weight, dilation in steps:
                side = weight.shape[-1]
                kinds.add((side, dilation))
                assert weight.shape == (6, N_HIDDEN, N_HIDDEN, side, side)
                bound = (N_HIDDEN * side**2) ** -0.5
                assert weight.abs().max() <= bound
                # Uniform.
                assert abs(float(weight.std()) / bound - 3**-0.5) < 0.02
            # Other weights for each image.
            assert not torch.equal(spread[0], spread[1])
    assert kinds == {(side, dilation) for side in (1, 3) for dilation in (1, 2, 3)}
    again = draw_noise_net(images, seeded(7))
    for one, other in zip(blocks, again, strict=True):
        assert torch.equal(one.spread, other.spread)
        assert torch.equal(one.steps[-1][0], other.steps[-1][0])


def test_eps_0_is_the_identity_and_a_block_adds_eps_in_each_band():
    images = draw_images(4, 3, 8, 8, dtype=torch.float32)
    blocks = draw_noise_net(images, seeded())
    assert torch.equal(noise2net(images, blocks, 0.0), images)
    added = noise2net(images, blocks[:1], 0.5) - images
    std = added.std((2, 3), unbiased=False)
    torch.testing.assert_close(std, torch.full((4, 3), 0.5), rtol=0.01, atol=0)
    torch.testing.assert_close(added.mean((2, 3)), torch.zeros(4, 3), rtol=0, atol=1e-5)


def test_single_pixels_have_no_noise():
    images = draw_images(4, 3, 1, 1)
    made = noise2net(images, draw_noise_net(images, seeded()), 0.7)
    assert torch.equal(made, images)


def test_gradients_pass():
    images = draw_images(2, 2, 4, 3).requires_grad_()
    blocks = draw_noise_net(images, seeded(3))
    # Of a block, as a ReLU somewhere near 0 fails differences.
    assert torch.autograd.gradcheck(
        lambda images: noise2net(images, blocks[:1], 0.5), images, eps=1e-8, atol=1e-4
    )
