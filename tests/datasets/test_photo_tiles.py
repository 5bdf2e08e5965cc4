"""Tiles of photos that are installed."""

import sys

import numpy as np
import pytest

from imbdeep.datasets import _photo_tiles as photos
from imbdeep.datasets import load_photo_tiles


@pytest.fixture(scope="module")
def photos_read():
    pytest.importorskip("skimage")
    return photos.read_photos()


@pytest.fixture
def whole(photos_read, monkeypatch):
    """The photos, which are read once for all tests."""
    monkeypatch.setattr(photos, "read_photos", lambda: photos_read)
    return photos_read


def test_photos_are_large_and_in_colour(whole):
    assert list(whole) == load_photo_tiles(n_per_class=1).target_names
    assert len(whole) == 18
    for photo in whole.values():
        assert photo.dtype == np.uint8
        assert photo.shape[2] == 3
        assert min(photo.shape[:2]) >= 172
    grey = [name for name, p in whole.items() if (p == p[..., :1]).all()]
    assert len(grey) == 8


def test_what_is_loaded(whole):
    tiles = load_photo_tiles(n_per_class=7)
    assert tiles.data.shape == (18 * 7, 3, 32, 32)
    assert tiles.data.dtype == np.uint8
    assert (np.bincount(tiles.target) == 7).all()
    assert tiles.bands == [4, 3, 2]
    assert tiles.sha256 == load_photo_tiles(n_per_class=7).sha256
    assert tiles.sha256 != load_photo_tiles(n_per_class=7, random_state=1).sha256
    floats = load_photo_tiles(n_per_class=7, dtype="float32")
    np.testing.assert_allclose(floats.data, tiles.data / 255, rtol=1e-6)


def test_bands(whole):
    tiles = load_photo_tiles(n_per_class=3)
    natural = load_photo_tiles(n_per_class=3, bands="natural")
    np.testing.assert_array_equal(natural.data, tiles.data)
    blue = load_photo_tiles(n_per_class=3, bands=(2, 4))
    np.testing.assert_array_equal(blue.data, tiles.data[:, [2, 0]])
    assert blue.bands == [2, 4]


@pytest.mark.parametrize("subset", ["train", "test"])
def test_tiles_lie_in_their_part_of_their_photo(monkeypatch, subset):
    # Each pixel knows its row, its column, and its photo.
    rng = np.random.RandomState(0)

    def photo(number, height=60, width=200):
        pixels = np.empty((height, width, 3), np.uint8)
        pixels[..., 0] = np.arange(height)[:, None]
        pixels[..., 1] = np.arange(width)
        pixels[..., 2] = number + 20 * rng.randint(0, 2, (height, width))
        return pixels

    whole = {name: photo(number) for number, name in enumerate(photos.TARGET_NAMES)}
    monkeypatch.setattr(photos, "read_photos", lambda: whole)
    tiles = load_photo_tiles(subset=subset, n_per_class=30)
    columns = tiles.data[:, 1].reshape(len(tiles.data), -1)
    # 65 % of 200 columns.
    low, high = (0, 129) if subset == "train" else (130, 199)
    assert columns.min() == low
    assert columns.max() == high
    assert (tiles.data[:, 2] % 20 == tiles.target[:, None, None]).all()
    corners = tiles.data[:, :2, 0, 0].astype(int)
    keys = np.column_stack([tiles.target, corners])
    assert len(np.unique(keys, axis=0)) == len(keys)
    # A tile is an undistorted window.
    offsets = tiles.data[:, :2].astype(int) - corners[:, :, None, None]
    assert (offsets[:, 0] == np.arange(32)[:, None]).all()
    assert (offsets[:, 1] == np.arange(32)).all()


def test_places_with_texture_are_those_of_a_loop():
    photo = np.random.RandomState(0).randint(80, 120, (40, 45, 3)).astype(np.uint8)
    photo[:, :20] = 100
    photo[:34, :36] = 100
    found = {tuple(place) for place in photos.places_with_texture(photo).tolist()}
    expected = {
        (i, j)
        for i in range(40 - 31)
        for j in range(45 - 31)
        if photo[i : i + 32, j : j + 32].mean(-1).std() >= 4
    }
    assert found == expected
    assert 0 < len(found) < 9 * 14


def test_too_many_tiles(monkeypatch):
    photo = np.random.RandomState(0).randint(0, 255, (33, 100, 3)).astype(np.uint8)
    monkeypatch.setattr(photos, "read_photos", lambda: {"noise": photo})
    # Left of column 65: 34 columns to start at, two rows.
    with pytest.raises(ValueError, match="n_per_class must be at most 68, .*got 69"):
        load_photo_tiles(n_per_class=69)


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(ImportError, match=r"pip install imbdeep\[vision\]"):
        load_photo_tiles()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subset": "all"}, "subset must be 'train' or 'test', got 'all'"),
        ({"dtype": "float"}, "dtype must be 'uint8' or 'float32', got 'float'"),
        ({"n_per_class": 0}, "n_per_class must be a whole number of at least 1, got 0"),
        (
            {"bands": "agriculture"},
            "bands='agriculture' are .* and B6, B5 do not exist; there are B4, B3, B2",
        ),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        load_photo_tiles(**options)
