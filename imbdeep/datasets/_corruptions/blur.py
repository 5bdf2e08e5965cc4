"""Blurs, and images that are made of fewer pixels.

Images are float64 of shape (n, bands, height, width). The constants are those of the
authors' files for CIFAR, by severity; lengths are in pixels.
"""

from itertools import product

import numpy as np
from scipy import ndimage


def _gaussian(x, sigma):
    return np.exp(-0.5 * (x / sigma) ** 2)


def _smoothed(X, sigma):
    return ndimage.gaussian_filter(X, (0, 0, sigma, sigma), mode="nearest")


def disk(radius, alias_blur):
    """Kernel of a lens out of focus: a disk, of which the edge is smoothed.

    Parameters
    ----------
    radius : float
    alias_blur : float
        Standard deviation of the Gaussian that smooths it, on 3 x 3 pixels.

    Returns
    -------
    ndarray of shape (k, k)
        Its sum is 1.

    Examples
    --------
    >>> from imbdeep.datasets._corruptions.blur import disk
    >>> disk(1, 0.2).round(2)[2]
    array([0. , 0.2, 0.2, 0.2, 0. ])
    """
    # A frame of a pixel for the smoothing.
    reach = int(radius) + 1
    x = np.arange(-reach, reach + 1)
    is_inside = x[:, None] ** 2 + x**2 <= radius**2
    weights = _gaussian(np.arange(-1, 2), alias_blur)
    weights /= weights.sum()
    return ndimage.convolve(
        is_inside / is_inside.sum(), np.outer(weights, weights), mode="constant"
    )


def defocus_blur(X, severity, rng):
    """A lens out of focus."""
    radius, alias_blur = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))[
        severity - 1
    ]
    return ndimage.convolve(X, disk(radius, alias_blur)[None, None], mode="mirror")


def glass_blur(X, severity, rng):
    """Frosted glass: neighbouring pixels change places, between two slight blurs."""
    sigma, turns = ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2))[severity - 1]
    blurred = _smoothed(X, sigma)
    images, (height, width) = np.arange(len(X)), X.shape[2:]
    places = list(product(range(height - 1, 1, -1), range(width - 1, 1, -1)))
    # One place after the other, as each exchange moves what the next one finds; of all
    # images at once.
    for row, column in places * turns:
        up, back = rng.randint(2, size=(2, len(X)))
        there = blurred[images, :, row - up, column - back]
        blurred[images, :, row - up, column - back] = blurred[:, :, row, column]
        blurred[:, :, row, column] = there
    return _smoothed(blurred, sigma)


def motion_blur(X, severity, rng):
    """A camera that moved in a straight line, in a direction of its own per image."""
    radius, sigma = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))[severity - 1]
    steps = np.arange(2 * radius + 1)
    weights = _gaussian(steps, sigma)
    weights /= weights.sum()
    angle = np.deg2rad(rng.uniform(-45, 45, size=len(X)))
    direction = np.cos(angle), np.sin(angle)
    images, height, width = np.arange(len(X))[:, None, None], *X.shape[2:]
    blurred = np.zeros_like(X)
    for step, weight in zip(steps, weights, strict=True):
        # Of the nearest pixels; the edge goes on outside.
        right, down = (np.rint(step * x).astype(int) for x in direction)
        rows = (np.arange(height) + down[:, None]).clip(0, height - 1)
        columns = (np.arange(width) + right[:, None]).clip(0, width - 1)
        moved = X[images, :, rows[:, :, None], columns[:, None, :]]
        blurred += weight * np.moveaxis(moved, -1, 1)
    return blurred


def _zoomed(X, factor):
    """Images enlarged about their centre, of the same size."""
    sizes = X.shape[2:]
    kept = [int(np.ceil(size / factor)) for size in sizes]
    starts = [(size - k) // 2 for size, k in zip(sizes, kept, strict=True)]
    rows, columns = (slice(s, s + k) for s, k in zip(starts, kept, strict=True))
    inner = X[:, :, rows, columns]
    large = ndimage.zoom(inner, (1, 1, factor, factor), order=1)
    top, left = (
        (big - size) // 2 for big, size in zip(large.shape[2:], sizes, strict=True)
    )
    return large[:, :, top : top + sizes[0], left : left + sizes[1]]


def zoom_blur(X, severity, rng):
    """A camera that moved towards the scene."""
    n_steps = (7, 12, 16, 21, 26)[severity - 1]
    total = X.copy()
    for step in range(n_steps):
        total += _zoomed(X, 1 + step / 100)
    return total / (n_steps + 1)


def box_weights(n_from, n_to):
    """Shares of old pixels in new ones that a box of the size of the larger covers.

    Parameters
    ----------
    n_from, n_to : int
        Pixels along an axis.

    Returns
    -------
    ndarray of shape (n_to, n_from)
        Rows sum to 1.

    Examples
    --------
    >>> from imbdeep.datasets._corruptions.blur import box_weights
    >>> box_weights(4, 2)
    array([[0.5, 0.5, 0. , 0. ],
           [0. , 0. , 0.5, 0.5]])
    """
    scale = n_from / n_to
    wide = max(scale, 1)
    x, centres = np.arange(n_from), (np.arange(n_to)[:, None] + 0.5) * scale
    # An old pixel on the border of two boxes belongs to one, and which one is a matter
    # of rounding: these are the steps that Pillow takes.
    distance = (x - centres + 0.5) * (1 / wide)
    is_covered = (distance > -0.5) & (distance <= 0.5)
    first, last = ((centres + side * wide / 2 + 0.5).astype(int) for side in (-1, 1))
    is_covered &= (x >= first) & (x < last)
    return is_covered / is_covered.sum(1, keepdims=True)


def pixelate(X, severity, rng):
    """Images of fewer pixels, brought back to their size."""
    share = (0.95, 0.9, 0.85, 0.75, 0.65)[severity - 1]
    vertical, horizontal = (
        box_weights(fewer, size) @ box_weights(size, fewer)
        for size in X.shape[2:]
        for fewer in [max(1, int(size * share))]
    )
    return vertical @ X @ horizontal.T
