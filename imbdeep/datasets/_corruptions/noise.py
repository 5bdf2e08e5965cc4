"""Noises, and changes of single values.

Images are float64 of shape (n, bands, height, width) with values in [0, 1]. What is
returned may lie beyond; it is clipped where all corruptions come together. The
constants are those of the authors' files for CIFAR, by severity.
"""

import io

import numpy as np


def gaussian_noise(X, severity, rng):
    """Noise of the same size everywhere, as in low light."""
    scale = (0.04, 0.06, 0.08, 0.09, 0.10)[severity - 1]
    return X + scale * rng.normal(size=X.shape)


def shot_noise(X, severity, rng):
    """Noise of counted photons, which grows with the light."""
    photons = (500, 250, 100, 75, 50)[severity - 1]
    return rng.poisson(X * photons) / photons


def impulse_noise(X, severity, rng):
    """Values that have fallen to one of the ends: salt and pepper."""
    share = (0.01, 0.02, 0.03, 0.05, 0.07)[severity - 1]
    is_hit = rng.uniform(size=X.shape) < share
    ends = (rng.uniform(size=X.shape) < 0.5).astype(X.dtype)
    return np.where(is_hit, ends, X)


def contrast(X, severity, rng):
    """Values nearer to the mean of their band in the image."""
    factor = (0.75, 0.5, 0.4, 0.3, 0.15)[severity - 1]
    mean = X.mean(axis=(2, 3), keepdims=True)
    return mean + factor * (X - mean)


def brightness_per_band(X, severity, rng):
    """Add a constant to each band."""
    return X + (0.05, 0.1, 0.15, 0.2, 0.3)[severity - 1]


def jpeg_per_band(X, severity, rng):
    """Write each band to a JPEG file of little quality, and read it again."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "corruption='jpeg_per_band' needs Pillow: pip install pillow."
        ) from error
    quality = (80, 65, 58, 50, 40)[severity - 1]

    def through_a_file(band):
        file = io.BytesIO()
        Image.fromarray(band).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    levels = np.rint(255 * X).astype(np.uint8)
    # A codec takes one picture at a time.
    bands = [through_a_file(band) for band in levels.reshape(-1, *X.shape[2:])]
    return np.reshape(bands, X.shape) / 255
