"""AugMix against a slow derivation, its limit cases and its draws."""

from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from imbdeep.augmentations import augmix
from imbdeep.augmentations._augmix import (
    AugMixDraws,
    draw_augmix,
    mix_chains,
    named_operations,
)
from imbdeep.augmentations._operations import OPERATIONS
from imbdeep.classifiers import NetClassifier

from .images import generator, images

LOW, HIGH = np.array([-2.0, 10.0]), np.array([3.0, 200.0])
EVERY = list(OPERATIONS.values())


def bands_between(low, high, *shape):
    low, high = torch.tensor(low), torch.tensor(high)
    return low[:, None, None] + (high - low)[:, None, None] * images(*shape)


def drawn(n, seed=0, **told):
    params = {"severity": 3.0, "width": 3, "depth": None, "alpha": 1.0} | told
    return draw_augmix(images(n, 1, 1, 1), generator(seed), len(EVERY), **params)


def slowly(batch, draws, low, high):
    """Image by image, chain by chain, step by step, in double precision."""
    mixed = []
    for i, image in enumerate(batch):
        scale = high - low
        total = np.zeros(image.shape)
        for j, weight in enumerate(draws.weights[:, i]):
            chain = (image.numpy() - low[:, None, None]) / scale[:, None, None]
            for step in range(len(draws.chosen)):
                which = int(draws.chosen[step, j, i])
                if which < len(EVERY):
                    one = torch.as_tensor(chain)[None]
                    strength = draws.strength[step, j, i][None]
                    chain = EVERY[which](one, strength)[0].numpy()
            total += float(weight) * (low[:, None, None] + scale[:, None, None] * chain)
        m = float(draws.share[i])
        mixed.append((1 - m) * image.numpy() + m * total)
    return np.stack(mixed)


@pytest.mark.parametrize(
    "told", [{}, {"width": 1, "depth": 5}, {"alpha": 0.2}], ids=str
)
def test_mixtures_are_those_derived_slowly(told):
    batch, draws = bands_between(LOW, HIGH, 30, 2, 17, 20), drawn(30, **told)
    made = mix_chains(batch, draws, EVERY, LOW, HIGH)
    assert_allclose(made, slowly(batch, draws, LOW, HIGH), atol=1e-9)
    assert (made - batch).abs().mean() > 0.5


def test_without_a_share_of_the_chains_images_stay_as_they_are():
    batch, draws = bands_between(LOW, HIGH, 12, 2, 16, 16), drawn(12)
    without = draws._replace(share=torch.zeros(12))
    assert torch.equal(mix_chains(batch, without, EVERY, LOW, HIGH), batch)


def test_a_whole_share_of_one_operation_is_that_operation():
    batch, one = images(5, 3, 20, 20), torch.ones(5, dtype=torch.float64)
    draws = AugMixDraws(
        one, one[None], torch.zeros(1, 1, 5).long(), 2 * one[None, None]
    )
    low, high = np.zeros(3), np.ones(3)
    for operation in EVERY:
        made = mix_chains(batch, draws, [operation], low, high)
        torch.testing.assert_close(made, operation(batch, 2 * one))


def test_a_call_is_its_draws_and_their_mixture():
    batch = bands_between(LOW, HIGH, 6, 2, 16, 16)
    told = {"severity": 5.0, "width": 2, "depth": 2, "alpha": 0.5}
    made = augmix(batch, generator(4), value_range=(LOW, HIGH), **told)
    draws = draw_augmix(batch, generator(4), len(EVERY), **told)
    assert torch.equal(made, mix_chains(batch, draws, EVERY, LOW, HIGH))


# --- Draws ---------------------------------------------------------------------------


def test_what_is_drawn_has_its_distribution():
    n = 20_000
    draws = drawn(n, alpha=2.0)
    assert draws.weights.shape == (3, n)
    assert_allclose(draws.weights.sum(0), 1, atol=1e-5)
    # Dirichlet(2, 2, 2) and Beta(2, 2).
    assert_allclose(draws.weights.mean(1), 1 / 3, atol=0.01)
    assert_allclose(draws.weights.var(1), 2 / 63, atol=0.002)
    assert_allclose(draws.share.mean(), 0.5, atol=0.01)
    assert_allclose(draws.share.var(), 0.05, atol=0.002)
    is_done = draws.chosen < len(EVERY)
    depths = is_done.sum(0)
    assert_allclose(depths.flatten().bincount() / (3 * n), [0, *[1 / 3] * 3], atol=0.01)
    # Operations come first, then none.
    assert not (is_done[1:] & ~is_done[:-1]).any()
    shares = draws.chosen[is_done].bincount() / is_done.sum()
    assert_allclose(shares, 1 / 9, atol=0.01)
    size = draws.strength.abs()
    assert 0.1 <= size.min() < 0.11 and 2.99 < size.max() <= 3
    assert_allclose(size.mean(), 1.55, atol=0.01)
    assert_allclose((draws.strength > 0).double().mean(), 0.5, atol=0.01)


def test_a_depth_that_is_given_is_that_of_every_chain():
    draws = drawn(50, depth=5, width=2)
    assert draws.chosen.shape == (5, 2, 50)
    assert (draws.chosen < len(EVERY)).all()


@pytest.mark.parametrize("alpha", [1e-300, 1e-6, 1e-3, 1e6, 1e300])
def test_weights_of_any_alpha_are_weights(alpha):
    draws = drawn(200, alpha=alpha)
    assert_allclose(draws.weights.sum(0), 1, atol=1e-5)
    assert ((draws.share >= 0) & (draws.share <= 1)).all()
    if alpha < 1:
        # One chain is all of the mixture, and that all of the image or nothing.
        assert (draws.weights.amax(0) > 0.9).double().mean() > 0.9
        assert ((draws.share - 0.5).abs() > 0.4).double().mean() > 0.9
        assert_allclose(draws.weights.mean(1), 1 / 3, atol=0.12)
    else:
        assert_allclose(draws.weights, 1 / 3, atol=0.01)


def test_only_the_generator_is_drawn_from():
    before = torch.get_rng_state()
    augmix(images(4, 2, 16, 16), generator())
    assert torch.equal(torch.get_rng_state(), before)


# --- Ranges and operations -----------------------------------------------------------


def test_mixtures_stay_in_the_range_of_their_band():
    batch = bands_between(LOW, HIGH, 60, 2, 20, 20)
    made = augmix(batch, generator(), value_range=(LOW, HIGH), severity=10)
    low, high = torch.tensor(LOW)[:, None, None], torch.tensor(HIGH)[:, None, None]
    assert (made >= low - 1e-9).all() and (made <= high + 1e-9).all()


def test_the_unit_of_the_images_makes_no_difference():
    batch = images(9, 2, 20, 20)
    made = augmix(batch, generator())
    moved = augmix(50 + 200 * batch, generator(), value_range=(50, 250))
    torch.testing.assert_close(moved, 50 + 200 * made)


def test_a_band_of_one_value_stays_as_it_is():
    batch = images(9, 2, 20, 20)
    batch[:, 1] = 0.3
    made = augmix(batch, generator(), value_range=([0, 0.3], [1, 0.3]), severity=10)
    torch.testing.assert_close(made[:, 1], batch[:, 1])
    assert not torch.allclose(made[:, 0], batch[:, 0], atol=0.05)


def test_operations_that_are_left_out_are_not_used():
    # A flat image shows nothing but what comes in from outside.
    batch = torch.full((200, 1, 16, 16), 0.5)
    still = augmix(batch, generator(), ops=["autocontrast", "equalize"])
    torch.testing.assert_close(still, batch)
    moved = augmix(batch, generator(), ops=("translate_x",), severity=10)
    columns = moved[:, 0].amax(1) - moved[:, 0].amin(1)
    assert columns.max() < 1e-6 and (moved < 0.4).any()


def test_all_is_all_nine():
    assert named_operations("all") == named_operations(list(OPERATIONS)) == EVERY
    assert len(EVERY) == 9


@pytest.mark.parametrize(
    "ops", ["rotate", [], ["blur"], 3, None, ["rotate", 1]], ids=str
)
def test_operations_that_there_are_none_of(ops):
    with pytest.raises(ValueError, match=r"ops must be 'all' or some of \['autoc.*got"):
        augmix(images(2, 1, 4, 4), generator(), ops=ops)


@pytest.mark.parametrize(
    ("value_range", "message"),
    [
        (1.0, "a pair .* each of the 2 bands, got 1.0"),
        ((0, 1, 2), "a pair"),
        ((0, [1, 2, 3]), "a pair"),
        (("dark", "bright"), "a pair"),
        ((1, 0), "low at most high, got"),
        ((0, float("nan")), "low at most high, got"),
        ((0, float("inf")), "too wide for float32"),
        ((-3e38, 3e38), "Band 0 goes from -3e"),
        (
            (0, 0.5),
            r"Band 0 of the images goes from 0.0.* to 0.9.*value_range 0 to 0.5",
        ),
        ((0, [1, 0.5]), r"Band 1 of the images"),
    ],
    ids=str,
)
def test_ranges_that_cannot_be_used(value_range, message):
    with pytest.raises(ValueError, match=message):
        augmix(images(4, 2, 16, 16), generator(), value_range=value_range)


def test_missing_values_are_in_no_range():
    batch = images(4, 2, 16, 16)
    batch[2, 1, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="Band 1 of the images has pixels that"):
        augmix(batch, generator())


def test_nets_take_it_with_other_parameters():
    X, y = (4 * images(24, 2, 16, 16)).numpy(), np.arange(24) % 2
    small = {"module__n_filters": (4,), "module__n_hidden": 4, "max_epochs": 1}
    augment = partial(augmix, value_range=(0, 4))
    net = NetClassifier("conv", augment=augment, random_state=0, **small).fit(X, y)
    plain = NetClassifier("conv", random_state=0, **small).fit(X, y)
    assert not np.allclose(net.predict_proba(X), plain.predict_proba(X))
    with pytest.raises(ValueError, match="outside of value_range 0 to 1"):
        NetClassifier("conv", augment=augmix, random_state=0, **small).fit(X, y)
