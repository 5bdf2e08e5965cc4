"""Warps against SciPy's, image by image and band by band, in double precision."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from imbdeep.augmentations import (
    random_crop,
    random_rotation,
    random_shear,
    random_shift,
    standard,
)
from imbdeep.augmentations._affine import rotations, shifts, warp

from .images import generator, images

# SciPy's names of what lies outside.
MODES = {"edge": "nearest", "constant": "grid-constant"}
SHAPES = [(9, 2, 8, 8), (9, 1, 7, 12), (9, 3, 12, 5)]
fills = pytest.mark.parametrize("fill", MODES)
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def drawn(source, low, high, n=9):
    return low + (high - low) * torch.rand(n, generator=source).double().numpy()


def by_band(batch, warp_one, *parameters):
    """Images that ``warp_one(band, *own parameters)`` makes, one band at a time."""
    return np.stack(
        [
            np.stack([warp_one(band, *own) for band in image])
            for image, *own in zip(batch.numpy(), *parameters, strict=True)
        ]
    )


def about_the_centre(band, matrix, offset, mode):
    """SciPy's affine map of (row, column), with its offset from the centre."""
    centre = (np.array(band.shape) - 1) / 2
    return ndimage.affine_transform(
        band, matrix, centre - matrix @ centre + offset, order=1, mode=mode, cval=0.5
    )


@fills
@shapes
@pytest.mark.parametrize("degrees", [20.0, 180.0])
def test_rotations_are_those_of_scipy(shape, fill, degrees):
    batch = images(*shape)
    angles = drawn(generator(), -degrees, degrees)

    def rotate(band, angle):
        told = {"reshape": False, "order": 1, "mode": MODES[fill], "cval": 0.5}
        return ndimage.rotate(band, angle, **told)

    made = random_rotation(batch, generator(), degrees=degrees, fill=fill, value=0.5)
    assert_allclose(made, by_band(batch, rotate, angles), atol=1e-10)


@fills
@shapes
def test_shifts_are_those_of_scipy(shape, fill):
    batch, source = images(*shape), generator()
    right = drawn(source, -0.3 * shape[3], 0.3 * shape[3])
    down = drawn(source, -0.1 * shape[2], 0.1 * shape[2])

    def shift(band, right, down):
        return ndimage.shift(band, (down, right), order=1, mode=MODES[fill], cval=0.5)

    told = {"horizontal": 0.3, "vertical": 0.1, "fill": fill, "value": 0.5}
    made = random_shift(batch, generator(), **told)
    assert_allclose(made, by_band(batch, shift, right, down), atol=1e-10)


@fills
@shapes
def test_shears_are_those_of_scipy(shape, fill):
    batch, source = images(*shape), generator()
    horizontal, vertical = drawn(source, -0.4, 0.4), drawn(source, -0.2, 0.2)

    def shear(band, horizontal, vertical):
        # SciPy's places are (row, column).
        matrix = np.array([[1, vertical], [horizontal, 1]])
        return about_the_centre(band, matrix, np.zeros(2), MODES[fill])

    told = {"horizontal": 0.4, "vertical": 0.2, "fill": fill, "value": 0.5}
    made = random_shear(batch, generator(), **told)
    assert_allclose(made, by_band(batch, shear, horizontal, vertical), atol=1e-10)


@fills
@shapes
def test_standard_is_a_shift_and_a_rotation_at_once(shape, fill):
    batch, source = images(*shape), generator()
    angle = np.deg2rad(drawn(source, -20, 20))
    right = drawn(source, -0.2 * shape[3], 0.2 * shape[3])
    down = drawn(source, -0.2 * shape[2], 0.2 * shape[2])

    def change(band, angle, right, down):
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, sin], [-sin, cos]])
        offset = -turn @ np.array([down, right])
        return about_the_centre(band, turn, offset, MODES[fill])

    made = standard(batch, generator(), fill=fill, value=0.5)
    assert_allclose(made, by_band(batch, change, angle, right, down), atol=1e-10)


@fills
@shapes
@pytest.mark.parametrize("padding", [1, 4, 20])
def test_crops_are_pieces_of_padded_images(shape, fill, padding):
    batch, source = images(*shape, dtype=torch.float32), generator()
    right, down = (
        (torch.rand(9, generator=source) * (2 * padding + 1)).long().numpy() - padding
        for _ in range(2)
    )

    def crop(band, right, down):
        told = {"mode": "edge"} if fill == "edge" else {"constant_values": 0.5}
        padded = np.pad(band, padding, **told)
        top, left = padding - down, padding - right
        return padded[top : top + shape[2], left : left + shape[3]]

    made = random_crop(batch, generator(), padding=padding, fill=fill, value=0.5)
    assert_array_equal(made, by_band(batch, crop, right, down))


def test_all_places_of_a_crop_have_their_share():
    # The pixel at the centre of the crop says where it was taken.
    places = torch.arange(25.0).view(1, 1, 5, 5).repeat(5_000, 1, 1, 1)
    made = random_crop(places, generator(), padding=2)[:, 0, 2, 2].long()
    share = made.bincount(minlength=25) / 5_000
    assert (share - 1 / 25).abs().max() < 5 * (0.04 * 0.96 / 5_000) ** 0.5


@fills
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(
    ("augment", "zero"),
    [
        (random_rotation, {"degrees": 0}),
        (random_shift, {"horizontal": 0, "vertical": 0}),
        (random_shear, {"horizontal": 0, "vertical": 0}),
        (random_crop, {"padding": 0}),
        (standard, {"degrees": 0, "shift": 0}),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_no_strength_is_the_identity(augment, zero, dtype, fill):
    batch = images(5, 3, 9, 7, dtype=dtype)
    assert torch.equal(augment(batch, generator(), fill=fill, **zero), batch)


@fills
def test_a_little_strength_changes_little(fill):
    batch = images(5, 3, 9, 7, dtype=torch.float32)
    for augment, little in (
        (random_rotation, {"degrees": 1e-4}),
        (random_shift, {"horizontal": 1e-6, "vertical": 0}),
        (random_shear, {"horizontal": 0, "vertical": 1e-6}),
        (standard, {"degrees": 1e-4, "shift": 0}),
    ):
        made = augment(batch, generator(), fill=fill, **little)
        assert_allclose(made, batch, atol=1e-4)


def test_one_axis_alone_moves():
    batch = torch.arange(5.0).expand(8, 1, 6, 5)
    made = random_shift(batch, generator(), horizontal=0, vertical=0.5)
    assert_allclose(made, batch, atol=1e-5)
    made = random_shear(batch.mT, generator(), horizontal=0.5, vertical=0)
    assert_allclose(made, batch.mT, atol=1e-5)


def test_a_constant_band_stays_constant():
    batch = torch.full((6, 2, 11, 11), 0.3, dtype=torch.float64)
    made = standard(batch, generator(), degrees=180, shift=1)
    assert_allclose(made, batch, rtol=1e-12)


def test_whole_turns_and_shifts_of_the_warp():
    batch = images(4, 2, 6, 6)
    quarter = torch.full((4,), 90.0, dtype=torch.float64)
    made = warp(batch, rotations(quarter))
    assert_allclose(made, torch.rot90(batch, 1, (-2, -1)), atol=1e-10)
    right, down = torch.full((4,), 2.0), torch.full((4,), -1.0)
    made = warp(batch, shifts(right, down).double(), fill="constant", value=9)
    expected = torch.full_like(batch, 9)
    expected[..., :-1, 2:] = batch[..., 1:, :-2]
    assert_allclose(made, expected, atol=1e-10)
