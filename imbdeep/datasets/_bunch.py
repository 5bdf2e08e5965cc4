"""Bunches that the loaders return, and checks of what they take."""

import difflib
import hashlib
import math
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from imbdeep._mapped import image_blocks


def make_bunch(X, y, **description):
    """Make a Bunch of a set and the sizes that follow from it."""
    counts = np.unique(y, return_counts=True)[1]
    return Bunch(
        data=X,
        target=y,
        n_samples=X.shape[0],
        n_features=math.prod(X.shape[1:]),
        n_minority=int(counts.min()),
        ratio=float(counts.max() / counts.min()),
        **description,
    )


def check_names(names, available):
    """Return `names`, one name or several, as a list of names from `available`."""
    if isinstance(names, str):
        names = [names]
    try:
        names = list(names)
    except TypeError:
        raise ValueError(
            f"names must be a name or a list of names, got {names!r}; None loads all."
        ) from None
    if not names:
        raise ValueError("names is empty; name at least one set, or pass None for all.")
    for name in names:
        if name not in available:
            close = difflib.get_close_matches(str(name), available)
            remedy = f"did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise ValueError(
                f"names holds {name!r}, which is no set of this collection; "
                f"{remedy or 'it has ' + ', '.join(available) + '.'}"
            )
    return names


def check_choice(parameter, value, choices):
    """Refuse a value that is not among the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"{parameter} must be {' or '.join(map(repr, choices))}, got {value!r}."
        )


def read_path(parameter, value):
    """Return a path, or an error that names the parameter."""
    try:
        path = Path(value)
    except TypeError:
        path = None
    # Path makes the working directory of nothing.
    if path is None or value == "":
        raise ValueError(
            f"{parameter} must be a path, as a str or path-like, got {value!r}; '.' is "
            "the working directory."
        )
    return path


def content_sha256(X, y):
    """Hash the bytes of rows and labels, as in the file."""
    digest = hashlib.sha256()
    for block in image_blocks(X):
        digest.update(np.ascontiguousarray(block))
    # One dtype, so that a set has the same hash on every platform.
    digest.update(np.ascontiguousarray(y, dtype=np.int64))
    return digest.hexdigest()


def scale_bytes(pixels, dtype):
    """Return bytes as they are, or as float32 in [0, 1]."""
    if dtype == "uint8":
        return pixels
    # In place: images take gigabytes, and pixels / 255 would be float64 first.
    scaled = pixels.astype(np.float32)
    scaled /= 255
    return scaled
