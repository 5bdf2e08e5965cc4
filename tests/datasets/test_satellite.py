"""Synthetic satellite tiles."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imbdeep._bands import PRESETS
from imbdeep.datasets import _satellite as satellite
from imbdeep.datasets import make_satellite_tiles


def test_what_is_made():
    tiles = make_satellite_tiles(50, size=16, random_state=0)
    assert tiles.data.shape == (50, 10, 16, 16)
    assert tiles.data.dtype == np.uint8
    assert np.bincount(tiles.target).tolist() == [30, 8, 7, 5]
    assert tiles.bands == list(range(1, 11))
    assert tiles.provenance == "synthetic"
    assert "by design" in tiles.DESCR
    assert len(tiles.target_names) == 4


def test_reproducible():
    tiles = make_satellite_tiles(20, size=8, random_state=0)
    again = make_satellite_tiles(20, size=8, random_state=np.random.RandomState(0))
    other = make_satellite_tiles(20, size=8, random_state=1)
    assert tiles.sha256 == again.sha256 != other.sha256
    np.testing.assert_array_equal(tiles.data, again.data)


def test_chunks_do_not_change_what_a_tile_looks_like(monkeypatch):
    few = make_satellite_tiles(4, size=8, random_state=0)
    monkeypatch.setattr(satellite, "CHUNK", 4)
    np.testing.assert_array_equal(
        make_satellite_tiles(9, size=8, random_state=0).data[:4], few.data
    )


@pytest.mark.parametrize("bands", ["agriculture", (6, 5, 2), ["B6", "B5", "B2"]])
def test_bands_are_of_the_same_tiles(bands):
    tiles = make_satellite_tiles(10, size=8, random_state=0)
    chosen = make_satellite_tiles(10, size=8, bands=bands, random_state=0)
    np.testing.assert_array_equal(chosen.data, tiles.data[:, [5, 4, 1]])
    np.testing.assert_array_equal(chosen.target, tiles.target)
    assert chosen.bands == [6, 5, 2]


def test_floats_are_the_bytes_scaled():
    tiles = make_satellite_tiles(5, size=8, random_state=0)
    floats = make_satellite_tiles(5, size=8, dtype="float32", random_state=0)
    assert floats.data.dtype == np.float32
    np.testing.assert_allclose(floats.data, tiles.data / 255, rtol=1e-6)


def test_moments_are_those_of_the_model_and_about_the_published_ones():
    rng = np.random.default_rng(7)
    raw = satellite.seen_by_satellite(satellite.ground_cover(256, 32, rng), rng)
    axes = (0, 2, 3)
    # Standard error of the mean over 256 tiles: 0.06 of the spread at most.
    off = np.abs(raw.mean(axes) - satellite.RAW_MEAN) / satellite.RAW_STD
    assert off.max() < 0.25
    assert np.abs(raw.std(axes) / satellite.RAW_STD - 1).max() < 0.25
    tiles = satellite.to_bytes(raw, list(range(10))) / 255
    assert np.abs(tiles.mean(axes) - satellite.MEAN).max() < 0.08
    # Clouds (B9) and temperature (B10) are cut off at 0 and 1.
    assert np.abs(tiles.std(axes) - satellite.STD)[:8].max() < 0.05


def test_shares_sum_to_one_and_fields_are_standard():
    rng = np.random.default_rng(0)
    cover = satellite.ground_cover(5, 16, rng)
    assert (cover >= 0).all()
    np.testing.assert_allclose(cover.sum(1), 1, rtol=1e-5)
    fields = satellite.smooth_fields(3, 2, 16, 2.6, rng)
    np.testing.assert_allclose(fields.mean((2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(fields.std((2, 3)), 1, rtol=1e-4)
    # Neighbouring pixels are alike, the more the larger the slope.
    rough = satellite.smooth_fields(3, 2, 16, 0.0, rng)
    steps = [np.abs(np.diff(f, axis=-1)).mean() for f in (fields, rough)]
    assert steps[0] < 0.7 * steps[1]


def test_forage_looks_at_the_centre():
    cover = np.zeros((3, 4, 33, 33), np.float32)
    cover[:, 2] = 1
    cover[0, :, 16, 16] = [1, 0, 0, 0]
    cover[1, :, 16, 16] = [0, 1, 0, 0]
    cover[2, :, 0, 0] = [1, 0, 0, 0]
    green, dry, corner = satellite.forage(cover)
    # Nine pixels are near, the tail of the wider weights is cut off by the border.
    wide = 0.3 / (2 * np.pi * 36)
    assert green == pytest.approx(0.7 / 9 + wide, rel=0.01)
    assert dry == pytest.approx(0.8 * green, rel=1e-6)
    assert 0 < corner < green / 1000


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_agriculture_wins_by_design(seed):
    tiles = make_satellite_tiles(800, size=16, random_state=seed)
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    scores = {}
    for name, bands in PRESETS.items():
        chosen = tiles.data[:, [int(band[1:]) - 1 for band in bands]].astype(float)
        centre = chosen[:, :, 7:10, 7:10].mean((2, 3))
        X = np.hstack([centre, chosen.mean((2, 3))])
        scores[name] = cross_val_score(
            model, X, tiles.target, scoring="balanced_accuracy"
        ).mean()
    # Over four seeds ahead by 0.11 at least; chance is 0.25.
    assert scores["agriculture"] > 0.5
    others = scores["near_infrared"], scores["natural"]
    assert scores["agriculture"] > max(others) + 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 0}, "n_samples must be a whole number of at least 1, got 0"),
        ({"size": 3}, "size must be a whole number of at least 4, got 3"),
        ({"bands": 11}, "got 11; there are B1, .*, B10"),
        ({"dtype": "int8"}, "dtype must be 'uint8' or 'float32', got 'int8'"),
        ({"weights": (0.5, 0.5)}, "weights must be four numbers"),
        ({"weights": (0.5, 0.5, 0, 0)}, "weights must be four numbers greater than 0"),
        ({"weights": (1, 1, 1, 1)}, r"sum to 1.*got \(1, 1, 1, 1\)"),
        ({"weights": "equal"}, "weights must be four .*got 'equal'"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        make_satellite_tiles(**options)
