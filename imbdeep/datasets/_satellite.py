"""Synthetic satellite tiles, graded by the forage that plants in them would give."""

import numpy as np
from sklearn.utils import check_random_state

from imbdeep._arguments import WholeNumber, check_arguments
from imbdeep._bands import find_bands
from imbdeep.datasets._bunch import (
    check_choice,
    content_sha256,
    make_bunch,
    scale_bytes,
)

DTYPES = ("uint8", "float32")
BAND_NAMES = tuple(f"B{number}" for number in range(1, 11))
TARGET_NAMES = ["0 cows", "1 cow", "2 cows", "3 or more cows"]
# Tiles made at a time.
CHUNK = 256
# Standard error of the person who judges, in the unit of forage, of which the tiles
# have a standard deviation of about 0.23.
OBSERVER = 0.08

# Typical reflectance of what covers the ground in B1 to B7. Dry grass differs from soil
# in short-wave infrared (B6) more than anywhere else.
REFLECTANCE = np.array(
    [
        [0.04, 0.045, 0.08, 0.05, 0.42, 0.21, 0.10],  # green plants
        [0.10, 0.115, 0.16, 0.22, 0.31, 0.28, 0.25],  # dry grass
        [0.11, 0.13, 0.18, 0.25, 0.31, 0.40, 0.33],  # soil
        [0.05, 0.05, 0.045, 0.035, 0.03, 0.02, 0.015],  # shade and water
    ],
    dtype=np.float32,
)
# Haze is blue.
HAZE = np.array([1.0, 0.8, 0.5, 0.3, 0.1, 0.03, 0.01], dtype=np.float32)

# Means and standard deviations of what the model below gives, and those published for
# the bands of the real tiles: tiles are scaled from the ones to the others. Constants,
# so that a tile does not depend on how many are made.
RAW_MEAN = np.array(
    [0.109, 0.121, 0.161, 0.206, 0.322, 0.321, 0.258, 0.184, 0.105, -0.039],
    dtype=np.float32,
)
RAW_STD = np.array(
    [0.0237, 0.0248, 0.0289, 0.0467, 0.0474, 0.0621, 0.0578, 0.0374, 0.344, 0.994],
    dtype=np.float32,
)
MEAN = np.array(
    [0.720, 0.675, 0.644, 0.654, 0.734, 0.718, 0.679, 0.640, 0.249, 0.969],
    dtype=np.float32,
)
STD = np.array(
    [0.197, 0.195, 0.186, 0.192, 0.168, 0.172, 0.183, 0.187, 0.417, 0.108],
    dtype=np.float32,
)


def smooth_fields(n, k, size, slope, rng):
    """Random fields with the power spectrum of landscapes, frequency ** -slope.

    Parameters
    ----------
    n, k : int
        Tiles, and fields of each.
    size : int
        Side of a tile.
    slope : float
        The larger, the smoother.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n, k, size, size), float32
        Each of mean 0 and standard deviation 1.
    """
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size))
    frequency[0, 0] = 1 / size
    noise = rng.standard_normal((n, k, size, size), dtype=np.float32)
    spectrum = np.fft.rfft2(noise) * (frequency ** (-slope / 2)).astype(np.float32)
    fields = np.fft.irfft2(spectrum, s=(size, size)).astype(np.float32)
    fields -= fields.mean((2, 3), keepdims=True)
    fields /= fields.std((2, 3), keepdims=True)
    return fields


def ground_cover(n, size, rng):
    """Shares of green plants, dry grass, soil and shade in each pixel.

    Returns
    -------
    ndarray of shape (n, 4, size, size), float32
        They sum to 1 over the second axis.
    """
    within = smooth_fields(n, 4, size, 2.6, rng)
    place = rng.standard_normal((n, 4, 1, 1), dtype=np.float32)
    # Greener places have more dry grass, too.
    place[:, 1] = 0.5 * place[:, 0] + 0.9 * place[:, 1]
    # Shade does not vary between places.
    place[:, 3], within[:, 3] = 0, 1.5 * within[:, 3]
    typical = np.array([-1.2, -0.3, 0.3, -3.5], dtype=np.float32)
    share = np.exp(within + place + typical[:, None, None])
    return share / share.sum(1, keepdims=True)


def seen_by_satellite(cover, rng):
    """Bands B1 to B10 of a landscape, unscaled.

    Parameters
    ----------
    cover : ndarray of shape (n, 4, size, size)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n, 10, size, size), float32
    """
    n, _, size, _ = cover.shape

    def noise(scale, k=1, side=1):
        draws = rng.standard_normal((n, k, side, side), dtype=np.float32)
        return np.float32(scale) * draws

    ground = np.einsum("nkhw,kb->nbhw", cover, REFLECTANCE, optimize=True)
    ground *= np.exp(noise(0.06)) * (1 + 0.1 * smooth_fields(n, 1, size, 2.2, rng))
    haze = 0.015 * rng.standard_exponential((n, 1, 1, 1), dtype=np.float32)
    ground += haze * HAZE[:, None, None] + noise(0.006, 7, size)
    panchromatic = ground[:, 2:4].mean(1, keepdims=True) + noise(0.004, 1, size)
    # A quarter of the tiles have thin clouds, which this band alone shows.
    has_clouds = rng.random((n, 1, 1, 1), dtype=np.float32) < 0.25
    cirrus = has_clouds * smooth_fields(n, 1, size, 3.0, rng).clip(0)
    # Plants cool the ground.
    thermal = -0.15 * smooth_fields(n, 1, size, 3.0, rng) - 0.3 * cover[:, :1]
    thermal = thermal + noise(1.0)
    return np.concatenate([ground, panchromatic, cirrus, thermal], axis=1)


def forage(cover):
    """Forage around the centre of each tile, the place that was judged.

    Parameters
    ----------
    cover : ndarray of shape (n, 4, size, size)

    Returns
    -------
    ndarray of shape (n,)
        Plants in the middle count .7, those of the neighbourhood .3; dry grass .8 of
        green plants.
    """
    size = cover.shape[-1]
    axis = np.arange(size) - size // 2
    distance = np.hypot(axis[:, None], axis)
    near = (distance <= 1.5).astype(float)
    far = np.exp(-0.5 * (distance / 6) ** 2)
    weight = 0.7 * near / near.sum() + 0.3 * far / far.sum()
    return np.einsum("nhw,hw->n", cover[:, 0] + 0.8 * cover[:, 1], weight)


def grade(values, weights):
    """Cut values into classes of given shares, the lowest first.

    Examples
    --------
    >>> import numpy as np
    >>> from imbdeep.datasets._satellite import grade
    >>> grade(np.array([3.0, 1.0, 2.0, 4.0]), (0.5, 0.25, 0.25))
    array([1, 0, 0, 2])
    """
    ends = np.round(np.cumsum(weights)[:-1] * len(values)).astype(int)
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.searchsorted(ends, rank, side="right")


def check_weights(weights):
    """Return the shares of the classes as an array, or raise a ValueError."""
    try:
        shares = np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        shares = np.zeros(0)
    is_valid = shares.shape == (len(TARGET_NAMES),) and (shares > 0).all()
    if not is_valid or not np.isclose(shares.sum(), 1):
        raise ValueError(
            "weights must be four numbers greater than 0 that sum to 1, the shares of "
            f"the classes, got {weights!r}."
        )
    return shares


def make_satellite_tiles(
    n_samples=2000,
    *,
    size=64,
    bands=None,
    weights=(0.6, 0.15, 0.15, 0.1),
    dtype="uint8",
    random_state=None,
):
    """Make synthetic satellite tiles of ten bands, graded by the forage in them.

    A stand-in for :func:`load_droughtwatch` where there are no such tiles: to try code
    and settings on. **It says nothing about real places.** That the bands 6-5-2 tell
    the classes best is built in, see Notes.

    Parameters
    ----------
    n_samples : int, at least 1, default=2000

    size : int, at least 4, default=64
        Height and width of a tile, in pixels.

    bands : {'natural', 'near_infrared', 'agriculture'}, sequence of int or str, or \
            None, default=None
        Bands to return, in this order: a preset, or numbers 1 to 10 or names 'B1' to
        'B10'; see :func:`load_droughtwatch`. None returns all ten. The tiles are the
        same whatever is chosen.

    weights : sequence of four floats, default=(0.6, 0.15, 0.15, 0.1)
        Shares of the classes, which the classes have up to one tile.

    dtype : {'uint8', 'float32'}, default='uint8'
        'uint8' gives 0 to 255, 'float32' the same as numbers in [0, 1], which take four
        times the memory.

    random_state : int, RandomState instance or None, default=None
        Determines the tiles. Pass an int for the same ones in each call.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        With

        - `data` : ndarray of shape (n_samples, n_bands, size, size)
        - `target` : ndarray of shape (n_samples,), 0 to 3
        - `target_names` : list of class names, as in the real set
        - `bands` : list of the bands, in the order of the channels
        - `name` : 'satellite_tiles'
        - `n_samples`, `n_features`, `n_minority`, `ratio` : sizes
        - `provenance` : 'synthetic'
        - `sha256` : hash of the bytes of the pixels followed by those of `target`
        - `DESCR` : a description

    Raises
    ------
    ValueError
        If a parameter is not as above.

    See Also
    --------
    load_droughtwatch : The real tiles.

    Notes
    -----
    Smooth random fields give the shares of green plants, dry grass, soil and shade in
    each pixel. A pixel reflects the mean of what it holds; gain, shading, haze and
    noise are added, B8 is the mean of green and red, B9 shows clouds, and B10 the
    temperature. The bands have about the means and standard deviations of the real
    ones, B9 and B10 less spread. There is no B11, which nearly equals B10 in the real
    tiles.

    The label grades the green plants, and .8 of the dry grass, at the centre (weight
    .7) and around it (.3), with an observer's error. Dry grass and soil differ in
    short-wave infrared (B6) more than in any other band: 6-5-2 wins over 5-4-3 and
    4-3-2 by design.

    Examples
    --------
    >>> from imbdeep.datasets import make_satellite_tiles
    >>> tiles = make_satellite_tiles(20, bands="agriculture", random_state=0)
    >>> tiles.data.shape, tiles.provenance
    ((20, 3, 64, 64), 'synthetic')
    >>> tiles.target
    array([...])
    """
    sizes = {"n_samples": n_samples, "size": size}
    check_arguments({"n_samples": [WholeNumber(1)], "size": [WholeNumber(4)]}, sizes)
    check_choice("dtype", dtype, DTYPES)
    chosen = find_bands(bands, BAND_NAMES)
    weights = check_weights(weights)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    rng = np.random.default_rng(seed)
    pixels = np.empty((n_samples, len(chosen), size, size), dtype=np.uint8)
    values = np.empty(n_samples)
    for start in range(0, n_samples, CHUNK):
        rows = slice(start, min(start + CHUNK, n_samples))
        cover = ground_cover(rows.stop - start, size, rng)
        values[rows] = forage(cover)
        pixels[rows] = to_bytes(seen_by_satellite(cover, rng)[:, chosen], chosen)
    target = grade(values + OBSERVER * rng.standard_normal(n_samples), weights)
    numbers = [position + 1 for position in chosen]
    return make_bunch(
        scale_bytes(pixels, dtype),
        target,
        target_names=list(TARGET_NAMES),
        bands=numbers,
        name="satellite_tiles",
        provenance="synthetic",
        sha256=content_sha256(pixels, target),
        DESCR=(
            f"Synthetic satellite tiles of {size} x {size} pixels, bands "
            f"{', '.join(map(str, numbers))}. Bands 6-5-2 win by design; nothing "
            "follows for real places."
        ),
    )


def to_bytes(raw, bands):
    """Scale unscaled bands to the range of the published tiles, 0 to 255."""
    mean, std, own_mean, own_std = (
        part[bands][:, None, None] for part in (MEAN, STD, RAW_MEAN, RAW_STD)
    )
    scaled = (raw - own_mean) / own_std * std + mean
    return (scaled.clip(0, 1) * 255).round().astype(np.uint8)
