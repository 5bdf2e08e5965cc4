"""Fog, and images that are warped.

Images are float64 of shape (n, bands, height, width). The constants are those of the
authors' files for CIFAR, by severity; lengths are in pixels of 32 across.
"""

import numpy as np
from scipy import ndimage


def plasma(n, size, decay, rng):
    """Clouds by the diamond-square algorithm.

    Parameters
    ----------
    n : int
        Number of clouds.
    size : int
        Their side, a power of two. They go on at the opposite edge.
    decay : float
        How much smaller the random part becomes from each step to the next, in which
        lengths are halved; larger values give smoother clouds.
    rng : RandomState

    Returns
    -------
    ndarray of shape (n, size, size)
        Each from 0 to 1.
    """
    cloud = np.zeros((n, size, size))
    step, wobble = size, 1.0

    def between(total):
        return total / 4 + wobble * rng.uniform(-1, 1, size=total.shape)

    while step >= 2:
        half = step // 2
        corners = cloud[:, ::step, ::step]
        across = corners + np.roll(corners, -1, axis=1)
        cloud[:, half::step, half::step] = between(across + np.roll(across, -1, axis=2))
        middles = cloud[:, half::step, half::step]
        above, right = np.roll(middles, 1, axis=1), np.roll(corners, -1, axis=2)
        cloud[:, ::step, half::step] = between(middles + above + corners + right)
        left, below = np.roll(middles, 1, axis=2), np.roll(corners, -1, axis=1)
        cloud[:, half::step, ::step] = between(middles + left + corners + below)
        step, wobble = half, wobble / decay**2
    low, high = cloud.min((1, 2), keepdims=True), cloud.max((1, 2), keepdims=True)
    return (cloud - low) / np.where(high > low, high - low, 1)


def fog(X, severity, rng):
    """Clouds in front of the scene, which all bands see alike."""
    amount, decay = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))[severity - 1]
    height, width = X.shape[2:]
    size = 1 << (max(height, width) - 1).bit_length()
    clouds = plasma(len(X), size, decay, rng)[:, None, :height, :width]
    brightest = X.max(axis=(1, 2, 3), keepdims=True)
    return (X + amount * clouds) * brightest / (brightest + amount)


def _reflected(places, size):
    """Places within an axis of pixels, those outside mirrored at its edge."""
    period = 2 * size
    places = np.mod(places + 0.5, period)
    return (np.minimum(places, period - places) - 0.5).clip(0, size - 1)


def look_up(X, rows, columns):
    """Values of images at places between their pixels.

    Parameters
    ----------
    X : ndarray of shape (n, bands, height, width)
    rows, columns : ndarray of shape (n, height, width)
        What lies outside is mirrored.

    Returns
    -------
    ndarray of shape (n, bands, height, width)
        Bilinear interpolation.
    """
    images = np.arange(len(X))[:, None, None]
    sizes = X.shape[2:]
    rows, columns = (
        _reflected(p, size) for p, size in zip((rows, columns), sizes, strict=True)
    )
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    below, right = (
        np.minimum(p + 1, size - 1) for p, size in zip((top, left), sizes, strict=True)
    )
    down, across = (rows - top)[..., None], (columns - left)[..., None]
    upper = (1 - across) * X[images, :, top, left] + across * X[images, :, top, right]
    lower = (1 - across) * X[images, :, below, left]
    lower += across * X[images, :, below, right]
    return np.moveaxis((1 - down) * upper + down * lower, -1, 1)


def _random_affine(n, height, width, reach, rng):
    """Maps of (row, column) that take three points of an image some pixels away."""
    centre, arm = np.array([height // 2, width // 2]), min(height, width) // 3
    corners = centre + arm * np.array([[1, 1], [1, -1], [-1, -1]])
    moved = corners + rng.uniform(-reach, reach, size=(n, 3, 2))
    # From where pixels end up to where they come from.
    ends = np.concatenate([moved, np.ones((n, 3, 1))], axis=2)
    return np.linalg.solve(ends, np.broadcast_to(corners, (n, 3, 2)))


def elastic_transform(X, severity, rng):
    """Images that are stretched as a whole, and in places."""
    side = min(X.shape[2:])
    amount, sigma, reach = (
        (0, 0, 0.08),
        (0.05, 0.2, 0.07),
        (0.08, 0.06, 0.06),
        (0.1, 0.04, 0.05),
        (0.1, 0.03, 0.03),
    )[severity - 1]
    n, _, height, width = X.shape
    backwards = _random_affine(n, height, width, side * reach, rng)
    bent = rng.uniform(-1, 1, size=(2, n, height, width))
    smoothed = (0, 0, side * sigma, side * sigma)
    bent = side * amount * ndimage.gaussian_filter(bent, smoothed, truncate=3)
    rows, columns = np.indices((height, width))[:, None] + bent
    places = np.stack([rows, columns, np.ones_like(rows)], axis=-1)
    rows, columns = np.moveaxis(places @ backwards[:, None], -1, 0)
    return look_up(X, rows, columns)
