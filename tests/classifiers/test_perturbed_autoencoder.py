"""Perturbations of an autoencoder: each against loops, and what they leave alone."""

import numpy as np
import pytest
import torch

from imbdeep.classifiers._robust.image_autoencoder import (
    ImageAutoencoder,
    perturb,
    reconstruct,
)
from imbdeep.classifiers._robust.perturbations import (
    PERTURBATIONS,
    flip_filters,
    mask_weights,
    negate_filters,
    negate_weights,
    scale_weights,
    turn_kernels,
    zero_filters,
)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def draw_layer():
    weight = torch.randn(7, 3, 3, 3, generator=seeded(0), dtype=torch.float64)
    return weight, torch.randn(7, generator=seeded(1), dtype=torch.float64)


def uniform(*shape, generator):
    return torch.rand(shape, generator=generator, dtype=torch.float64).numpy()


# --- Each, weight by weight in Python -------------------------------------------------


def slow_flip(weight, bias, generator):
    n = len(weight)
    return [weight[n - 1 - i] for i in range(n)], [bias[n - 1 - i] for i in range(n)]


def slow_factor(weight, bias, generator, factor):
    chosen = uniform(len(bias), generator=generator)
    factors = [factor if one < 0.2 else 1.0 for one in chosen]
    return [
        [f * one for f, one in zip(factors, part, strict=True)]
        for part in (weight, bias)
    ]


def slow_negate(weight, bias, generator):
    return slow_factor(weight, bias, generator, -1.0)


def slow_zero(weight, bias, generator):
    return slow_factor(weight, bias, generator, 0.0)


def slow_scale(weight, bias, generator):
    most = 2 * float(uniform(generator=generator))
    drawn = uniform(*weight.shape, generator=generator)
    made = np.empty_like(weight)
    for place in np.ndindex(weight.shape):
        made[place] = weight[place] * (1 + most * (2 * drawn[place] - 1))
    return made, bias


def slow_choice(weight, bias, generator, otherwise):
    drawn = uniform(*weight.shape, generator=generator)
    made = weight.copy()
    for place in np.ndindex(weight.shape):
        if not drawn[place] < 0.5:
            made[place] *= otherwise
    return made, bias


def slow_mask(weight, bias, generator):
    return slow_choice(weight, bias, generator, 0.0)


def slow_negate_weights(weight, bias, generator):
    return slow_choice(weight, bias, generator, -1.0)


def slow_turn(weight, bias, generator):
    turns = int(torch.randint(1, 4, (), generator=generator))
    made = weight.copy()
    for _ in range(turns):
        turned = made.copy()
        for row in range(3):
            for column in range(3):
                turned[:, :, 2 - column, row] = made[:, :, row, column]
        made = turned
    return made, bias


SLOW = {
    flip_filters: slow_flip,
    negate_filters: slow_negate,
    zero_filters: slow_zero,
    scale_weights: slow_scale,
    mask_weights: slow_mask,
    negate_weights: slow_negate_weights,
    turn_kernels: slow_turn,
}


@pytest.mark.parametrize("change", PERTURBATIONS, ids=lambda f: f.__name__)
def test_each_perturbation_is_that_of_a_loop(change):
    weight, bias = draw_layer()
    kept, n_changed = (weight.clone(), bias.clone()), 0
    for seed in range(8):
        made = change(weight, bias, seeded(seed))
        slow = SLOW[change](weight.numpy().copy(), bias.numpy().copy(), seeded(seed))
        for one, other in zip(made, slow, strict=True):
            np.testing.assert_allclose(one, np.stack(other), rtol=1e-12, atol=0)
        n_changed += not torch.equal(made[0], weight)
    # In one of five draws no filter of seven is chosen.
    assert n_changed > 1
    assert torch.equal(weight, kept[0])
    assert torch.equal(bias, kept[1])


# --- An autoencoder -------------------------------------------------------------------


def draw_autoencoder():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ImageAutoencoder(2)


AUTOENCODER = draw_autoencoder()
IMAGES = torch.rand(4, 2, 7, 6, generator=seeded(0))


def test_unperturbed_it_gives_its_reconstruction():
    with torch.no_grad():
        expected = AUTOENCODER(IMAGES)
    assert torch.equal(reconstruct(AUTOENCODER, IMAGES, {}), expected)


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (16, 3)])
def test_images_of_any_size_keep_it(size):
    images = torch.rand(3, 2, *size)
    made = reconstruct(AUTOENCODER, images, perturb(AUTOENCODER, None))
    assert made.shape == images.shape
    assert ((made >= 0) & (made <= 1)).all()


def test_three_convolutions_of_the_blocks_are_perturbed_and_no_others():
    own = {k: v.clone() for k, v in AUTOENCODER.named_parameters()}
    inner = {name for name in own if name.startswith("blocks")}
    seen = set()
    for seed in range(30):
        perturbed = perturb(AUTOENCODER, seeded(seed))
        assert len(perturbed) == 6
        assert perturbed.keys() <= inner
        changed = {n for n, new in perturbed.items() if not torch.equal(new, own[n])}
        seen |= changed
        # The reconstruction is that of a copy with these weights.
        copy = ImageAutoencoder(2)
        copy.load_state_dict(own | perturbed)
        with torch.no_grad():
            expected = copy(IMAGES)
        made = reconstruct(AUTOENCODER, IMAGES, perturbed)
        torch.testing.assert_close(made, expected)
        assert not made.requires_grad
    assert seen == inner
    assert all(torch.equal(v, own[k]) for k, v in AUTOENCODER.named_parameters())
    again = perturb(AUTOENCODER, seeded(29))
    assert all(torch.equal(again[name], perturbed[name]) for name in perturbed)
