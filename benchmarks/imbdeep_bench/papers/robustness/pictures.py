"""The images of the study, and the levels of imbalance that they are brought to."""

import numpy as np

from imbdeep.datasets import (
    imbalanced_counts,
    load_droughtwatch,
    make_imbalanced,
    make_satellite_tiles,
)
from imbdeep_bench.data.pairs import keep_found
from imbdeep_bench.data.pictures import READERS as ALL_READERS
from imbdeep_bench.data.pictures import (
    as_floats,
    first_of_each_class,
    join_parts,
    read_all,
    read_photo_tiles,
    split_rows,
)
from imbdeep_bench.engine.experiment import Rows
from imbdeep_bench.engine.names import check_names
from imbdeep_bench.engine.protocol import derive_seed

# NOTE[DIFF]: the paper does not say how far its two levels go; 100 rows of the most
# frequent class for each of the rarest are what others take.
RATIO = 100
# Shape and ratio of each level of Figure 1, for make_imbalanced.
LEVELS = {
    "balanced": ("linear", 1),
    "linear": ("linear", RATIO),
    "long_tailed": ("exponential", RATIO),
}
# Sets whose classes are imbalanced as they come have this level alone.
NATURAL = "natural"
# Tiles of a photo, or digits of a class, to train on at most and to test on.
TRAIN_TILES, TEST_TILES, TEST_DIGITS = 400, 50, 100
SATELLITE_TRAIN, SATELLITE_TEST, SATELLITE_SIDE = 3000, 1000, 32
DROUGHTWATCH_SIDE = 64
# What --smoke leaves of a class, enough for every level, and how many it tests on.
SMOKE_TRAIN, SMOKE_TEST = 200, 4


# --- Files ---------------------------------------------------------------------------


def _read_tiles(folder):
    return read_photo_tiles(TRAIN_TILES, TEST_TILES)


def _read_satellite(folder):
    # One call cuts the classes of all of them at the same shares.
    n_tiles = SATELLITE_TRAIN + SATELLITE_TEST
    tiles = make_satellite_tiles(n_tiles, size=SATELLITE_SIDE, random_state=0)
    return tiles.data, tiles.target, np.arange(n_tiles) >= SATELLITE_TRAIN


def _read_droughtwatch(folder):
    bands = list(range(1, 11))
    X, y, is_test = join_parts(
        *(load_droughtwatch(folder, subset=s, bands=bands) for s in ("train", "val"))
    )
    return X[..., :DROUGHTWATCH_SIDE, :DROUGHTWATCH_SIDE], y, is_test


READERS = {
    "photo_tiles": _read_tiles,
    "usps": ALL_READERS["usps"],
    "satellite": _read_satellite,
    "cifar100": ALL_READERS["cifar100"],
    "droughtwatch": _read_droughtwatch,
}
# The paper's two sets are run when they are asked for: each takes days of a processor.
DEFAULT = ("photo_tiles", "usps", "satellite")
IMBALANCED_AS_THEY_COME = ("satellite", "droughtwatch")


def read_images(names, folder):
    """Read sets by name; None reads those that are at hand, and says what is not."""
    asked = DEFAULT if names is None else names
    check_names(asked, READERS, "--datasets")
    found = read_all(READERS, asked, folder)
    where = (
        "Give as --data the folder of usps.npz, of CIFAR's python archives or of "
        "drought-watch's train/ and val/; photo tiles need scikit-image: pip install "
        '"imbdeep[vision]".'
    )
    return keep_found(found, were_asked=names is not None, where=where)


# --- Levels --------------------------------------------------------------------------


def levels_of(name, asked):
    """Return the levels that a set is run at.

    Examples
    --------
    >>> levels_of("usps", ["balanced"]), levels_of("satellite", ["balanced"])
    (['balanced'], ['natural'])
    """
    return [NATURAL] if name in IMBALANCED_AS_THEY_COME else list(asked)


def rows_of_level(y, level, seed):
    """Return the rows that a level keeps.

    All levels of a set keep the same number of rows, that of the long-tailed one, so
    that what differs between them is the imbalance, not how much there is to learn
    from. Classes get rarer in the order 0, 1, ...
    """
    if level == NATURAL:
        return np.arange(len(y))
    counts = np.bincount(y)
    n_rows = min(int(imbalanced_counts(counts, *of).sum()) for of in LEVELS.values())
    kind, ratio = LEVELS[level]
    where = {"n_samples": n_rows, "random_state": seed, "return_indices": True}
    return make_imbalanced(y, y, kind, ratio, **where)[2]


def draw_images(pictures, level, seed, is_smoke=False):
    """Draw the rows of one run, in [0, 1].

    The test rows do not depend on the level. A smoke run has few of them.
    """
    state = np.random.RandomState(derive_seed(seed, pictures.name, "test"))
    n_test = SMOKE_TEST if is_smoke else TEST_DIGITS
    train, test = split_rows(pictures, n_test, state)
    if is_smoke:
        train = train[first_of_each_class(pictures.y[train], SMOKE_TRAIN)]
        test = test[first_of_each_class(pictures.y[test], SMOKE_TEST)]
    own = derive_seed(seed, pictures.name, level, "rows")
    kept = train[rows_of_level(pictures.y[train], level, own)]
    X_train, X_test = (as_floats(pictures.X[part]) for part in (kept, test))
    y_train = pictures.y[kept]
    told = {"class_counts": np.bincount(y_train).tolist(), "n_test": len(test)}
    return Rows(X_train, y_train, X_test, pictures.y[test], told)
