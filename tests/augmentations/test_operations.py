"""The operations of AugMix against PIL's, image by image and band by band."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from imbdeep.augmentations._operations import OPERATIONS, apply_chosen

from .images import generator, images

Image = pytest.importorskip("PIL.Image")
ImageOps = pytest.importorskip("PIL.ImageOps")

STRENGTHS = torch.tensor([0.1, -0.9, 1.7, -2.4, 2.6, 2.9, -5.3, 7.6, 9.9])
SHAPES = [(9, 2, 24, 24), (9, 3, 17, 30), (9, 1, 31, 16)]
GEOMETRIC = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
floats = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def affine(image, *coefficients):
    kind = Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR
    return image.transform(image.size, *kind)


def whole(strength, unit):
    """The authors' int_parameter, with the random sign of the strength."""
    return int(np.sign(strength)) * int(abs(strength) * unit / 10)


# As the authors' code calls PIL, for a strength with a sign.
PIL_OPERATIONS = {
    "autocontrast": lambda x, s: ImageOps.autocontrast(x),
    "equalize": lambda x, s: ImageOps.equalize(x),
    "posterize": lambda x, s: ImageOps.posterize(x, max(1, 4 - whole(abs(s), 4))),
    "rotate": lambda x, s: x.rotate(whole(s, 30), Image.Resampling.BILINEAR),
    "solarize": lambda x, s: ImageOps.solarize(x, 256 - whole(abs(s), 256)),
    "shear_x": lambda x, s: affine(x, 1, s * 0.03, 0, 0, 1, 0),
    "shear_y": lambda x, s: affine(x, 1, 0, 0, s * 0.03, 1, 0),
    "translate_x": lambda x, s: affine(x, 1, 0, whole(s, x.size[0] / 3), 0, 1, 0),
    "translate_y": lambda x, s: affine(x, 1, 0, 0, 0, 1, whole(s, x.size[1] / 3)),
}


def pictures(*shape):
    """Bytes with structure: few levels, a flat band, dark and bright bands, noise."""
    levels = images(*shape) * torch.linspace(30, 250, shape[0])[:, None, None, None]
    levels[1] = 77.0
    levels[2] = (levels[2] / 25).round() * 25
    levels[3:5] = 4 * torch.linspace(0, 60, shape[3]) + levels[3:5] / 40
    return levels.round().clamp(0, 255)


def by_pil(name, levels):
    def one(band, strength):
        picture = Image.fromarray(band.astype(np.uint8))
        return np.asarray(PIL_OPERATIONS[name](picture, float(strength)))

    pairs = zip(levels.numpy(), STRENGTHS, strict=True)
    return np.stack([[one(band, s) for band in image] for image, s in pairs])


def in_levels(name, levels, dtype=torch.float32):
    images = (levels / 255).to(dtype)
    made = OPERATIONS[name](images, STRENGTHS.to(dtype))
    assert made.dtype == dtype
    return 255 * made.double().numpy()


@floats
@shapes
@pytest.mark.parametrize(
    "name", ["posterize", "solarize", "equalize", "translate_x", "translate_y"]
)
def test_levels_are_those_of_pil(name, shape, dtype):
    levels = pictures(*shape)
    made = in_levels(name, levels, dtype)
    assert np.abs(made - made.round()).max() < 1e-3
    assert_array_equal(made.round(), by_pil(name, levels))
    # Something happens to most of them, or PIL would agree with no operation at all.
    changed = (made.round() != levels.numpy()).any((1, 2, 3))
    assert changed.sum() >= 5


@floats
@shapes
def test_autocontrast_is_that_of_pil_before_it_rounds(shape, dtype):
    levels = pictures(*shape)
    made = in_levels("autocontrast", levels, dtype)
    assert np.abs(made - by_pil("autocontrast", levels)).max() <= 1 + 1e-3
    np.testing.assert_allclose(made[1], levels[1], atol=1e-4)
    others = np.delete(made, 1, axis=0)
    np.testing.assert_allclose(others.min((2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(others.max((2, 3)), 255, atol=1e-4)


@floats
@shapes
@pytest.mark.parametrize("name", ["rotate", "shear_x", "shear_y"])
def test_warps_are_those_of_pil_away_from_what_comes_in(name, shape, dtype):
    levels = pictures(*shape)
    made, expected = in_levels(name, levels, dtype), by_pil(name, levels)
    # PIL does not blend the outermost pixels with what lies outside: where its warp of
    # a white picture, or a neighbour, is not white.
    white = by_pil(name, torch.full(shape, 255.0)) == 255
    inside = white.copy()
    for axis in (2, 3):
        for step in (-1, 1):
            inside &= np.roll(white, step, axis)
    inside[..., [0, -1], :] = inside[..., [0, -1]] = False
    assert inside.mean() > 0.5
    assert np.abs(made - expected)[inside].max() <= 1 + 1e-3
    assert np.abs(expected - levels.numpy())[inside].max() > 50


def test_the_maximum_strength_leaves_a_bit():
    made = OPERATIONS["posterize"](images(1, 1, 9, 9), torch.tensor([10.0]))
    assert set((255 * made).round().flatten().tolist()) == {0, 128}


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_strength_is_the_identity_or_depends_on_the_image_alone(name):
    batch, none = images(4, 2, 20, 20), torch.zeros(4, dtype=torch.float64)
    made = OPERATIONS[name](batch, none)
    if name in ("autocontrast", "equalize", "posterize"):
        # Four bits are left.
        other = OPERATIONS[name](batch, none + 0.1)
    else:
        other = batch
    torch.testing.assert_close(made, other)


@pytest.mark.parametrize("name", GEOMETRIC)
def test_signs_are_directions(name):
    batch = images(1, 1, 30, 30)
    there = OPERATIONS[name](batch, torch.tensor([4.0], dtype=torch.float64))
    back = OPERATIONS[name](batch, torch.tensor([-4.0], dtype=torch.float64))
    assert not torch.allclose(there, back, atol=0.1)


@pytest.mark.parametrize("name", OPERATIONS)
def test_images_have_strengths_of_their_own_and_bands_have_none(name):
    batch = pictures(9, 3, 20, 20) / 255
    strength = STRENGTHS.double()
    made = OPERATIONS[name](batch, strength)
    pairs = zip(batch.split(1), strength.split(1), strict=True)
    alone = [OPERATIONS[name](*pair) for pair in pairs]
    torch.testing.assert_close(made, torch.cat(alone))
    order = [2, 0, 1]
    assert torch.equal(OPERATIONS[name](batch[:, order], strength), made[:, order])


def test_values_between_levels_keep_their_digits():
    batch, strength = images(9, 2, 16, 16), STRENGTHS.double()
    for name in ("solarize", "autocontrast"):
        made = 255 * OPERATIONS[name](batch, strength)
        assert (made - made.round()).abs().mean() > 0.2


def test_a_band_of_rounding_errors_is_flat():
    batch = torch.full((1, 1, 16, 16), 0.3) + 1e-7 * images(1, 1, 16, 16).float()
    for name in ("autocontrast", "equalize"):
        assert torch.equal(OPERATIONS[name](batch, torch.ones(1)), batch)


def test_each_image_gets_the_operation_that_was_chosen_for_it():
    names = list(OPERATIONS)
    batch = images(40, 2, 20, 20)
    chosen = torch.randint(len(names) + 1, (40,), generator=generator())
    assert set(chosen.tolist()) == set(range(len(names) + 1))
    strength = 3 * images(40)
    made = apply_chosen(batch, chosen, strength, list(OPERATIONS.values()))
    for i, which in enumerate(chosen.tolist()):
        one, s = batch[i : i + 1], strength[i : i + 1]
        expected = one if which == len(names) else OPERATIONS[names[which]](one, s)
        torch.testing.assert_close(made[i : i + 1], expected)
