"""Corruptions of images against slow derivations, PIL and their limit cases."""

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from imbdeep.datasets import IMAGE_CORRUPTIONS, corrupt_images
from imbdeep.datasets._corruptions import blur, noise, places

# These have exceptions of the authors' own.
NOT_MONOTONIC = ("elastic_transform", "glass_blur")
DRAWN = [
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "glass_blur",
    "motion_blur",
    "fog",
    "elastic_transform",
]
names = pytest.mark.parametrize("name", IMAGE_CORRUPTIONS)


def images(n=6, bands=2, height=32, width=32, seed=0):
    """Smooth fields with edges, in [0.1, 0.9]."""
    rng = np.random.RandomState(seed)
    X = ndimage.gaussian_filter(
        rng.normal(size=(n, bands, height, width)), (0, 0, 2, 2)
    )
    X = np.where(X > 0, X + 0.2, X)
    low, high = X.min((2, 3), keepdims=True), X.max((2, 3), keepdims=True)
    return 0.1 + 0.8 * (X - low) / (high - low)


def rng(seed=0):
    return np.random.RandomState(seed)


def distance(X, name, severity, seed=0):
    return np.abs(corrupt_images(X, name, severity, random_state=seed) - X).mean()


# --- What holds for all --------------------------------------------------------------


def test_eleven_of_the_authors_and_two_that_are_named_as_others():
    assert len(IMAGE_CORRUPTIONS) == 13
    theirs = [name for name in IMAGE_CORRUPTIONS if not name.endswith("per_band")]
    assert len(theirs) == 11


@names
def test_images_stay_images_and_a_seed_decides(name):
    X = images(3, 4, 20, 26).astype(np.float32)
    before = X.copy()
    made = corrupt_images(X, name, 4, random_state=1)
    assert made.shape == X.shape and made.dtype == np.float32
    assert made.min() >= 0 and made.max() <= 1
    assert_array_equal(corrupt_images(X, name, 4, random_state=1), made)
    assert_array_equal(X, before)
    other = corrupt_images(X, name, 4, random_state=2)
    assert (not np.array_equal(other, made)) == (name in DRAWN)


@names
def test_more_severity_is_more_damage(name):
    X = images(8)
    by_severity = np.array([distance(X, name, s) for s in range(1, 6)])
    assert by_severity[0] > 1e-4
    if name not in NOT_MONOTONIC:
        assert (np.diff(by_severity) > 0).all(), by_severity
    elif name == "elastic_transform":
        # Its largest move is that of the whole image, at severity 1.
        assert by_severity[0] > 1.2 * by_severity[4]
    else:
        assert by_severity[3] > 1.1 * by_severity[1]


@names
def test_images_have_draws_of_their_own_and_all_bands_one_geometry(name):
    X = np.repeat(np.repeat(images(1, 1), 3, axis=0), 2, axis=1)
    made = corrupt_images(X, name, 3, random_state=0)
    if name in DRAWN:
        assert not np.allclose(made[0], made[1], atol=1e-3)
    else:
        assert_allclose(made[0], made[1])
    if "noise" not in name:
        assert_allclose(made[:, 0], made[:, 1])


@names
def test_the_unit_of_the_images_makes_no_difference(name):
    X = images(2)
    made = corrupt_images(X, name, 3, random_state=0)
    low, high = np.array([-5, 100]), np.array([5, 300])
    scaled = (low + (high - low) * np.moveaxis(X, 1, -1)).transpose(0, 3, 1, 2)
    told = {"value_range": (low, high), "random_state": 0}
    moved = corrupt_images(scaled, name, 3, **told).transpose(0, 2, 3, 1)
    # A float may fall on the other side of a level in the file.
    tolerance = 0.05 if name == "jpeg_per_band" else 1e-9
    assert_allclose(
        (moved - low) / (high - low), made.transpose(0, 2, 3, 1), atol=tolerance
    )


def test_bytes_are_rounded_and_stay_bytes():
    X = np.rint(255 * images(2)).astype(np.uint8)
    for name in ("gaussian_noise", "zoom_blur", "fog"):
        made = corrupt_images(X, name, 5, random_state=0)
        exact = corrupt_images(X / 255, name, 5, random_state=0)
        assert made.dtype == np.uint8
        assert_allclose(made, 255 * exact, atol=0.5 + 1e-6)


def test_blocks_of_a_mapped_file_are_corrupted_one_by_one(tmp_path, monkeypatch):
    X = images(5)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    whole = corrupt_images(X, "zoom_blur", 2)
    monkeypatch.setattr("imbdeep._mapped.BLOCK_SIZE", 2 * X[0].size)
    assert_allclose(corrupt_images(mapped, "zoom_blur", 2), whole)
    noisy = corrupt_images(mapped, "gaussian_noise", 2, random_state=0) - X
    assert not np.allclose(noisy[:2], noisy[2:4], atol=1e-3)


def test_no_image_and_a_band_of_one_value():
    assert corrupt_images(np.zeros((0, 2, 8, 8)), "fog").shape == (0, 2, 8, 8)
    flat = np.full((2, 1, 8, 8), 3.0)
    assert_array_equal(corrupt_images(flat, "gaussian_noise", value_range=(3, 3)), flat)


# --- Each one ------------------------------------------------------------------------


def test_noises_are_those_derived_slowly():
    X = images(2)
    assert_allclose(
        noise.gaussian_noise(X, 2, rng()), X + 0.06 * rng().normal(size=X.shape)
    )
    made = noise.shot_noise(X, 5, rng())
    assert_allclose(50 * made, np.rint(50 * made), atol=1e-9)
    flat = np.full((40, 1, 32, 32), 0.5)
    made = noise.shot_noise(flat, 3, rng())
    assert_allclose(made.mean(), 0.5, atol=0.005)
    assert_allclose(made.var(), 0.5 / 100, rtol=0.05)
    made = noise.impulse_noise(flat, 5, rng())
    assert_allclose((made == 0).mean(), 0.035, atol=0.004)
    assert_allclose((made == 1).mean(), 0.035, atol=0.004)
    assert ((made == 0.5) | (made == 0) | (made == 1)).all()


def test_contrast_and_brightness_are_those_derived_slowly():
    X = images(2)
    for image, made in zip(X, noise.contrast(X, 4, rng()), strict=True):
        for band, own in zip(image, made, strict=True):
            assert_allclose(own, band.mean() + 0.3 * (band - band.mean()))
    assert_allclose(noise.brightness_per_band(X, 5, rng()) - X, 0.3)


def test_a_band_goes_through_a_file_of_its_own():
    Image = pytest.importorskip("PIL.Image")
    X = images(2)
    made = noise.jpeg_per_band(X, 5, rng())
    file = io.BytesIO()
    Image.fromarray(np.rint(255 * X[1, 1]).astype(np.uint8)).save(
        file, "JPEG", quality=40
    )
    assert_array_equal(255 * made[1, 1], np.asarray(Image.open(file)))


@pytest.mark.parametrize("severity", range(1, 6))
def test_disks_are_those_derived_slowly(severity):
    radius, sigma = [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)][
        severity - 1
    ]
    big = np.zeros((17, 17))
    inside = [
        (i, j)
        for i in range(17)
        for j in range(17)
        if (i - 8) ** 2 + (j - 8) ** 2 <= radius**2
    ]
    for i, j in inside:
        for di in (-1, 0, 1):
            for dj in (-1, 0, 1):
                weight = np.exp(-(di**2 + dj**2) / (2 * sigma**2))
                big[i + di, j + dj] += weight / len(inside)
    big /= (1 + 2 * np.exp(-1 / (2 * sigma**2))) ** 2
    X = images(1)
    made = blur.defocus_blur(X, severity, rng())
    for band, own in zip(X[0], made[0], strict=True):
        padded = np.pad(band, 8, mode="reflect")
        for row, column in ((0, 0), (5, 30), (17, 9)):
            patch = padded[row : row + 17, column : column + 17]
            assert_allclose(own[row, column], (patch * big).sum(), atol=1e-12)


@pytest.mark.parametrize("severity", [1, 4])
def test_glass_exchanges_neighbours_one_after_the_other(severity):
    X = images(3, 2, 9, 12)
    sigma, turns = {1: (0.05, 1), 4: (0.25, 2)}[severity]
    expected, source = blur._smoothed(X, sigma), rng()
    for _ in range(turns):
        for row in range(8, 1, -1):
            for column in range(11, 1, -1):
                up, back = source.randint(2, size=(2, 3))
                for i in range(3):
                    place = row - up[i], column - back[i]
                    here = expected[i, :, row, column].copy()
                    expected[i, :, row, column] = expected[i, :, place[0], place[1]]
                    expected[i, :, place[0], place[1]] = here
    assert_allclose(
        blur.glass_blur(X, severity, rng()), blur._smoothed(expected, sigma)
    )
    # Nothing is lost: the values are those before.
    made = blur.glass_blur(X, 1, rng())
    assert_allclose(np.sort(made.ravel()), np.sort(X.ravel()), atol=1e-6)


def test_motion_is_a_mean_of_moved_images():
    X = images(3, 2, 12, 15)
    angles = np.deg2rad(rng().uniform(-45, 45, size=3))
    weights = np.exp(-0.5 * (np.arange(17) / 2) ** 2)
    weights /= weights.sum()
    expected = np.zeros_like(X)
    for i, angle in enumerate(angles):
        for step, weight in enumerate(weights):
            down, right = round(step * np.sin(angle)), round(step * np.cos(angle))
            for row in range(12):
                for column in range(15):
                    there = min(max(row + down, 0), 11), min(max(column + right, 0), 14)
                    expected[i, :, row, column] += weight * X[i, :, there[0], there[1]]
    assert_allclose(blur.motion_blur(X, 4, rng()), expected)


@pytest.mark.parametrize("size", [(32, 32), (20, 33)])
def test_zoom_is_a_mean_of_enlarged_images(size):
    X = images(1, 1, *size)
    total = X[0, 0].copy()
    for step in range(12):
        factor = 1 + step / 100
        kept = [int(np.ceil(s / factor)) for s in size]
        top, left = ((s - k) // 2 for s, k in zip(size, kept, strict=True))
        inner = X[0, 0, top : top + kept[0], left : left + kept[1]]
        large = ndimage.zoom(inner, factor, order=1)
        top, left = ((b - s) // 2 for b, s in zip(large.shape, size, strict=True))
        total += large[top : top + size[0], left : left + size[1]]
    assert_allclose(blur.zoom_blur(X, 2, rng())[0, 0], total / 13)


@pytest.mark.parametrize("severity", range(1, 6))
def test_pixels_are_those_of_pil(severity):
    Image = pytest.importorskip("PIL.Image")
    X = images(1, 1, 32, 27)
    share = [0.95, 0.9, 0.85, 0.75, 0.65][severity - 1]
    picture = Image.fromarray(X[0, 0].astype(np.float32))
    few = picture.resize((int(27 * share), int(32 * share)), Image.Resampling.BOX)
    expected = np.asarray(few.resize((27, 32), Image.Resampling.BOX))
    assert_allclose(blur.pixelate(X, severity, rng())[0, 0], expected, atol=1e-5)


def slow_plasma(size, decay, source):
    """Diamonds and squares, place by place; draws in the order of the fast one."""
    cloud, step, wobble = np.zeros((size, size)), size, 1.0
    while step >= 2:
        half, cells = step // 2, range(0, size, step)
        draws = source.uniform(-1, 1, size=(1, size // step, size // step))[0]
        for i in cells:
            for j in cells:
                far = (i + step) % size, (j + step) % size
                total = cloud[i, j] + cloud[far[0], j] + cloud[i, far[1]] + cloud[far]
                cloud[i + half, j + half] = (
                    total / 4 + wobble * draws[i // step, j // step]
                )
        for rows, columns in ((0, half), (half, 0)):
            draws = source.uniform(-1, 1, size=(1, size // step, size // step))[0]
            for i in cells:
                for j in cells:
                    r, c = i + rows, j + columns
                    around = (
                        (r - half, c),
                        (r + half, c),
                        (r, c - half),
                        (r, c + half),
                    )
                    total = sum(cloud[p % size, q % size] for p, q in around)
                    cloud[r, c] = total / 4 + wobble * draws[i // step, j // step]
        step, wobble = half, wobble / decay**2
    return (cloud - cloud.min()) / (cloud.max() - cloud.min())


@pytest.mark.parametrize("decay", [1.75, 3])
def test_clouds_are_those_made_place_by_place(decay):
    made = places.plasma(1, 16, decay, rng())[0]
    assert_allclose(made, slow_plasma(16, decay, rng()), atol=1e-12)
    assert made.min() == 0 and made.max() == 1


def test_fog_lies_over_the_scene():
    X = images(2, 3, 20, 24)
    made = places.fog(X, 3, rng())
    clouds = places.plasma(2, 32, 2.5, rng())[:, :20, :24]
    for image, cloud, own in zip(X, clouds, made, strict=True):
        for band, one in zip(image, own, strict=True):
            expected = (band + 0.75 * cloud) * image.max() / (image.max() + 0.75)
            assert_allclose(one, expected)


def test_places_are_looked_up_as_scipy_does():
    X = images(3, 2, 9, 13)
    rows, columns = rng().uniform(-15, 25, size=(2, 3, 9, 13))
    made = places.look_up(X, rows, columns)
    for i in range(3):
        for band in range(2):
            told = {"order": 1, "mode": "reflect"}
            expected = ndimage.map_coordinates(
                X[i, band], (rows[i], columns[i]), **told
            )
            assert_allclose(made[i, band], expected, atol=1e-9)


def test_the_map_takes_the_points_where_they_are_to_be():
    backwards = places._random_affine(4, 32, 30, 2.5, rng())
    moves = rng().uniform(-2.5, 2.5, size=(4, 3, 2))
    points = np.array([[16, 15]]) + 10 * np.array([[1, 1], [1, -1], [-1, -1]])
    for matrix, move in zip(backwards, moves, strict=True):
        for point, own in zip(points, move, strict=True):
            assert_allclose(np.append(point + own, 1) @ matrix, point, atol=1e-9)


def test_the_whole_moves_first_and_then_its_places():
    X = images(2, 1, 32, 32)
    source = rng()
    backwards = places._random_affine(2, 32, 32, 32 * 0.07, source)
    bent = source.uniform(-1, 1, size=(2, 2, 32, 32))
    made = places.elastic_transform(X, 2, rng())
    for i in range(2):
        down, right = (
            32 * 0.05 * ndimage.gaussian_filter(side[i], 32 * 0.2, truncate=3)
            for side in bent
        )
        rows, columns = np.indices((32, 32)) + np.stack([down, right])
        ends = np.stack([rows, columns, np.ones((32, 32))], -1) @ backwards[i]
        told = {"order": 1, "mode": "reflect"}
        expected = ndimage.map_coordinates(X[i, 0], ends.transpose(2, 0, 1), **told)
        assert_allclose(made[i, 0], expected, atol=1e-9)


# --- What is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            {"corruption": "snow"},
            r"corruption must be one of \['gaussian_noise', .*'snow'",
        ),
        ({"corruption": None}, "corruption must be one of"),
        ({"severity": 0}, "severity must be 1, 2, 3, 4 or 5, got 0"),
        ({"severity": 2.0}, "severity must be"),
        ({"severity": True}, "severity must be"),
        ({"X": 255 * images(1)}, r"Band 0 .*outside of value_range 0 to 1"),
        ({"X": images(1)[0]}, r"shape \(2, 32, 32\)\. Give images without bands one"),
        ({"X": images(1).reshape(1, -1)}, "for tables take corrupt_table"),
        ({"X": images(1).astype(str)}, "takes images of numbers, got <U"),
        ({"X": images(1) > 0.5}, r"got bool\. Turn .* X\.astype\(np\.float32\)"),
        ({"X": np.zeros((1, 1, 4, 4), np.int16)}, "value_range must be given .* int16"),
        ({"X": np.full((1, 1, 4, 4), np.nan)}, "Band 0 .* missing or infinite"),
        ({"X": np.full((1, 1, 4, 4), np.inf)}, "Band 0 .* missing or infinite"),
        ({"value_range": 3}, "value_range must be a pair"),
    ],
    ids=lambda told: "-".join(told) if isinstance(told, dict) else "",
)
def test_what_cannot_be_corrupted(told, message):
    told = {"X": images(1), "corruption": "fog"} | told
    with pytest.raises(ValueError, match=message):
        corrupt_images(**told)
