"""Flips and quarter turns against NumPy's, bit for bit."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from imbdeep.augmentations import flips, random_flips, random_quarter_turns

from .images import generator, images

N = 4_000


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.2, 0.0), (0.0, 0.7), (1, 1)])
def test_flips_are_those_of_numpy(shares):
    batch = images(40, 2, 5, 7)
    horizontal, vertical = shares
    source, expected = generator(), batch.numpy()
    for share, axis in ((horizontal, -1), (vertical, -2)):
        if share:
            chosen = torch.rand(40, generator=source).numpy() < share
            pairs = zip(expected, chosen, strict=True)
            expected = np.stack([np.flip(x, axis) if c else x for x, c in pairs])
    made = random_flips(batch, generator(), horizontal=horizontal, vertical=vertical)
    assert_array_equal(made, expected)


def test_turns_are_those_of_numpy():
    batch = images(40, 2, 6, 6)
    quarters = (4 * torch.rand(40, generator=generator())).long()
    assert set(quarters.tolist()) == {0, 1, 2, 3}
    pairs = zip(batch.numpy(), quarters.tolist(), strict=True)
    expected = [np.rot90(x, k, axes=(1, 2)) for x, k in pairs]
    assert_array_equal(random_quarter_turns(batch, generator()), np.stack(expected))


def symmetries(image):
    turned = [np.rot90(image, k, axes=(1, 2)) for k in range(4)]
    all_eight = turned + [np.flip(x, 2) for x in turned]
    return np.stack([x for x in all_eight if x.shape == image.shape])


@pytest.mark.parametrize(("side", "n_symmetries"), [(4, 8), (3, 4)])
def test_flips_gives_each_symmetry_its_share(side, n_symmetries):
    image = images(1, 2, 4, side)
    made = flips(image.repeat(N, 1, 1, 1), generator()).numpy()
    expected = symmetries(image[0].numpy())
    assert len(expected) == n_symmetries
    is_one = (made[:, None] == expected).all((2, 3, 4))
    assert (is_one.sum(1) == 1).all()
    share = 1 / n_symmetries
    # Five standard errors.
    margin = 5 * np.sqrt(share * (1 - share) / N)
    assert np.abs(is_one.mean(0) - share).max() < margin


@pytest.mark.parametrize(
    ("augment", "n_symmetries"), [(random_quarter_turns, 2), (random_flips, 4)]
)
def test_images_that_are_not_square_keep_their_shape(augment, n_symmetries):
    image = images(1, 1, 2, 3)
    made = augment(image.repeat(200, 1, 1, 1), generator())
    assert len(torch.unique(made, dim=0)) == n_symmetries


def test_no_chance_is_the_identity():
    batch = images(9, 2, 5, 5)
    made = random_flips(batch, generator(), horizontal=0, vertical=0)
    assert torch.equal(made, batch)
