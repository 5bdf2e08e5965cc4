"""Images scaled band by band, and back."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imbdeep._generative import BandCodec, as_pixels


def images(dtype, bands=3, seed=0):
    """Bands of different ranges."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(size=(6, bands, 4, 8))
    X *= np.linspace(60, 200, bands)[:, None, None]
    return (X > 50).astype(bool) if dtype is bool else X.astype(dtype)


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int16, np.float16, np.float32, np.float64, bool]
)
def test_agrees_with_bands_one_by_one(dtype):
    X = images(dtype)
    codec = BandCodec().fit(X)
    assert codec.encoded_shape_ == codec.shape_ == (3, 4, 8)
    rows = codec.encode(X[:4])
    assert rows.dtype == np.float32
    for band in range(3):
        own = X[:, band].astype(float)
        expected = 2 * (own[:4] - own.min()) / (own.max() - own.min()) - 1
        assert_allclose(rows[:, band], expected, atol=1e-6)
        # The ends are exact.
        assert codec.encode(X)[:, band].min() == -1
        assert codec.encode(X)[:, band].max() == 1
    back = codec.decode(rows)
    assert back.dtype == dtype
    assert_allclose(back.astype(float), X[:4].astype(float), rtol=1e-3, atol=1e-3)
    if np.dtype(dtype).kind in "iub":
        assert_array_equal(back, X[:4])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_decoded_images_stay_within_the_range_of_their_band(dtype):
    X = images(dtype)
    codec = BandCodec().fit(X)
    for value, end in ((1.0, X.max((0, 2, 3))), (-1.0, X.min((0, 2, 3)))):
        for beyond in (1, 1 + 1e-7, 3):
            rows = np.full((2, 3, 4, 8), value * beyond)
            made = codec.decode(rows)
            expected = np.broadcast_to(end[:, None, None], (2, 3, 4, 8))
            assert_array_equal(made, expected)


@pytest.mark.parametrize("constant", [0, 1, 2])
def test_a_band_that_does_not_vary_is_restored(constant):
    X = images(np.int64)
    # More digits than float64 holds.
    X[:, constant] = 2**53 + 1
    codec = BandCodec().fit(X)
    assert codec.encoded_shape_ == (2, 4, 8)
    varying = np.delete(np.arange(3), constant)
    assert_array_equal(
        codec.encode(X), BandCodec().fit(X[:, varying]).encode(X[:, varying])
    )
    assert_array_equal(codec.decode(codec.encode(X)), X)


def test_images_without_bands_have_one():
    X = images(np.float32, bands=1)
    grey, banded = BandCodec().fit(X[:, 0]), BandCodec().fit(X)
    assert grey.shape_ == (4, 8)
    assert grey.encoded_shape_ == banded.encoded_shape_ == (1, 4, 8)
    rows = grey.encode(X[:, 0])
    assert_array_equal(rows, banded.encode(X))
    assert_array_equal(grey.decode(rows), banded.decode(rows)[:, 0])


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (np.full((3, 2, 4, 4), 7), "All bands of X are constant, the first is 7"),
        (np.array([[[-1.7e308, 1.7e308]]]), "span more than float64"),
        (np.array([[[0.0, np.nan]]]), "missing or infinite"),
        (np.array([[[0.0, np.inf]]]), "missing or infinite"),
    ],
    ids=["constant", "wide", "nan", "inf"],
)
def test_images_that_cannot_be_scaled(X, match):
    with pytest.raises(ValueError, match=match):
        BandCodec().fit(X)


def test_images_of_another_shape():
    codec = BandCodec().fit(images(np.float32))
    with pytest.raises(ValueError, match=r"\(3, 4, 4\).*fitted on \(3, 4, 8\)"):
        codec.encode(np.zeros((1, 3, 4, 4)))


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.uint8, [0, 1, 254, 255]),
        (np.int8, [-3, 1, 127, 127]),
        (bool, [False, True, True, True]),
        (np.float32, np.float32([-3, 0.6, 254.4, 999])),
    ],
)
def test_numbers_become_pixels(dtype, expected):
    made = as_pixels(np.array([-3, 0.6, 254.4, 999]), np.dtype(dtype))
    assert made.dtype == dtype
    assert_array_equal(made, expected)
