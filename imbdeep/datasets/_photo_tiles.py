"""Tiles of the photos that come with scikit-image and scikit-learn."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.datasets import load_sample_images
from sklearn.utils import check_random_state

from imbdeep._arguments import WholeNumber, check_arguments
from imbdeep._bands import band_name, find_bands
from imbdeep.datasets._bunch import (
    check_choice,
    content_sha256,
    make_bunch,
    scale_bytes,
)

SUBSETS = ("train", "test")
DTYPES = ("uint8", "float32")
SIDE = 32
# Share of the width of a photo, from the left, that tiles for training come from.
TRAIN_SHARE = 0.65
# Red, green and blue, as Landsat 8 numbers them.
BANDS = (4, 3, 2)
# Least standard deviation of the grey values of a tile: less is sky, or the dark of
# space, which looks alike in every photo.
TEXTURE = 4.0

# Of those that scikit-image installs and does not download: photos, large enough, and
# with texture all over.
SKIMAGE_PHOTOS = (
    "astronaut",
    "brick",
    "camera",
    "chelsea",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "hubble_deep_field",
    "immunohistochemistry",
    "moon",
    "page",
    "retina",
    "rocket",
    "stereo_motorcycle",
    "text",
)
SKLEARN_PHOTOS = ("china", "flower")
TARGET_NAMES = [*SKIMAGE_PHOTOS, *SKLEARN_PHOTOS]


def read_photos():
    """Photos by name, as uint8 of shape (height, width, 3); grey ones have equal bands.

    Raises
    ------
    ImportError
        If scikit-image is not installed.
    """
    try:
        from skimage import data
    except ImportError as error:
        raise ImportError(
            "The photos need scikit-image, which is not installed. Run pip install "
            "imbdeep[vision]."
        ) from error
    photos = {name: getattr(data, name)() for name in SKIMAGE_PHOTOS}
    # The left one of a stereo pair.
    photos["stereo_motorcycle"] = photos["stereo_motorcycle"][0]
    photos |= dict(zip(SKLEARN_PHOTOS, load_sample_images().images, strict=True))
    return {name: in_colour(photo) for name, photo in photos.items()}


def in_colour(photo):
    """Repeat the values of a grey photo, and drop what is no colour."""
    return np.repeat(photo[..., None], 3, -1) if photo.ndim == 2 else photo[..., :3]


def part_of(photo, subset):
    """The left part of a photo, for training, or the rest of it."""
    cut = int(TRAIN_SHARE * photo.shape[1])
    return photo[:, :cut] if subset == "train" else photo[:, cut:]


def window_sums(values):
    """Sums over all windows of ``SIDE`` x ``SIDE``.

    Parameters
    ----------
    values : ndarray of shape (height, width)

    Returns
    -------
    ndarray of shape (height - SIDE + 1, width - SIDE + 1), float64
    """
    summed = np.zeros(np.add(values.shape, 1))
    summed[1:, 1:] = values.astype(float).cumsum(0).cumsum(1)
    below, above = summed[SIDE:], summed[:-SIDE]
    return below[:, SIDE:] - below[:, :-SIDE] - above[:, SIDE:] + above[:, :-SIDE]


def places_with_texture(photo):
    """Top left corners of the tiles of a photo that have texture.

    Parameters
    ----------
    photo : ndarray of shape (height, width, 3)

    Returns
    -------
    ndarray of shape (n, 2), int
    """
    grey = photo.mean(-1)
    mean = window_sums(grey) / SIDE**2
    variance = window_sums(grey**2) / SIDE**2 - mean**2
    return np.argwhere(variance >= TEXTURE**2)


def draw_tiles(photo, n_tiles, state):
    """Draw different tiles of a photo.

    Returns
    -------
    ndarray of shape (n_tiles, 3, SIDE, SIDE)
    """
    places = places_with_texture(photo)
    if len(places) < n_tiles:
        raise ValueError(
            f"n_per_class must be at most {len(places)}, the tiles with texture in the "
            f"part of a photo, got {n_tiles}."
        )
    chosen = places[state.choice(len(places), n_tiles, replace=False)]
    tiles = sliding_window_view(photo, (SIDE, SIDE), axis=(0, 1))
    return tiles[chosen[:, 0], chosen[:, 1]]


def load_photo_tiles(
    *, subset="train", n_per_class=200, bands=None, dtype="uint8", random_state=0
):
    """Load tiles of 18 photos that come with scikit-image and scikit-learn.

    Small images of balanced classes without a download: the task is to tell which photo
    a tile is from. Tiles for training are from the left 65 % of each photo and tiles
    for testing from the rest, so that no pixel is in both.

    Parameters
    ----------
    subset : {'train', 'test'}, default='train'

    n_per_class : int, at least 1, default=200
        Tiles of each photo. They are different, but may overlap. To make the classes
        imbalanced, see :func:`make_imbalanced`.

    bands : sequence of int or str, 'natural' or None, default=None
        Bands to return, in this order: 4 (or 'B4') is red, 3 is green and 2 blue, the
        numbers of Landsat 8 as in :func:`load_droughtwatch`. None and 'natural' return
        all three.

    dtype : {'uint8', 'float32'}, default='uint8'
        'uint8' gives 0 to 255, 'float32' numbers in [0, 1].

    random_state : int, RandomState instance or None, default=0
        Where the tiles are.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        With

        - `data` : ndarray of shape (18 * n_per_class, n_bands, 32, 32)
        - `target` : ndarray of shape (18 * n_per_class,), 0 to 17
        - `target_names` : list of the names of the photos
        - `bands` : list of the bands, in the order of the channels
        - `name`, `subset` : the set and the subset
        - `n_samples`, `n_features`, `n_minority`, `ratio` : sizes
        - `provenance` : 'installed', with scikit-image and scikit-learn
        - `sha256` : hash of the bytes of the pixels followed by those of `target`
        - `DESCR` : a description

    Raises
    ------
    ValueError
        If a parameter is not as above.
    ImportError
        If scikit-image is not installed: ``pip install imbdeep[vision]``.

    See Also
    --------
    load_cifar10 : Photographs of things, from a folder.

    Notes
    -----
    Grey photos, eight of the 18, have three equal bands. Tiles whose grey values have a
    standard deviation below 4 (of 255) are left out: sky and darkness look alike in
    every photo. Tiles of one photo have more in common than photographs of one kind of
    thing: scores are no measure of what a net would reach on those.

    Examples
    --------
    >>> from imbdeep.datasets import load_photo_tiles
    >>> tiles = load_photo_tiles(n_per_class=5)
    >>> tiles.data.shape, tiles.ratio
    ((90, 3, 32, 32), 1.0)
    """
    check_choice("subset", subset, SUBSETS)
    check_choice("dtype", dtype, DTYPES)
    check_arguments({"n_per_class": [WholeNumber(1)]}, {"n_per_class": n_per_class})
    chosen = find_bands(bands, [band_name(band) for band in BANDS])
    state = check_random_state(random_state)
    pixels = np.concatenate(
        [
            draw_tiles(part_of(photo, subset), n_per_class, state)
            for photo in read_photos().values()
        ]
    )
    pixels = np.ascontiguousarray(pixels[:, chosen])
    target = np.repeat(np.arange(len(TARGET_NAMES)), n_per_class)
    return make_bunch(
        scale_bytes(pixels, dtype),
        target,
        target_names=list(TARGET_NAMES),
        bands=[BANDS[position] for position in chosen],
        name="photo_tiles",
        subset=subset,
        provenance="installed",
        sha256=content_sha256(pixels, target),
        DESCR=(
            f"photo_tiles, {subset}: tiles of {SIDE} x {SIDE} pixels of the photos of "
            "scikit-image and scikit-learn, labelled by the photo."
        ),
    )
