"""Where tiles come from: made, or read from the folder of the real set."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from imbdeep.datasets import load_droughtwatch, make_satellite_tiles
from imbdeep.preprocessing._band_scaler import band_moments
from imbdeep_bench.engine.experiment import Rows
from imbdeep_bench.engine.protocol import derive_seed

BANDS = range(1, 11)
# NOTE[DIFF]: real tiles have 65 x 65 pixels. Table 7 has 64 x 64, so the last line and
# column of each are dropped, for all methods.
SIDE = 64
# Tiles by which a change of what makes them is known.
N_PROBED = 16


def make_rows(train, test):
    """Return the rows of a run, of pairs of tiles and labels.

    ``more`` has mean and standard deviation of each band over the training tiles.
    """
    (X, y), (X_test, y_test) = train, test
    mean, std = band_moments(X)
    told = {
        "class_counts": np.bincount(y).tolist(),
        "n_train": len(y),
        "n_test": len(y_test),
    }
    moments = tuple(mean.tolist()), tuple(std.tolist())
    return Rows(X, y, X_test, y_test, told, moments)


def draw_share(X, y, n, seed):
    """Draw tiles, each class in its share; None takes all of them, without a copy."""
    if n is None or n >= len(y):
        return X, y
    shuffled = np.random.RandomState(seed).permutation(len(y))
    # Classes one after the other, and every so many of their tiles.
    ordered = shuffled[np.argsort(y[shuffled], kind="stable")]
    rows = np.sort(ordered[np.arange(n) * len(y) // n])
    return X[rows], y[rows]


# --- Made ----------------------------------------------------------------------------


# The methods of a run come one after the other, and a tile takes milliseconds to make.
@lru_cache(maxsize=1)
def draw_synthetic(n_train, n_test, size, seed):
    """Make the tiles of a run, no two runs having one in common."""
    seed = derive_seed(seed, "synthetic", "tiles")
    tiles = make_satellite_tiles(n_train + n_test, size=size, random_state=seed)
    X, y = tiles.data, tiles.target
    return make_rows((X[:n_train], y[:n_train]), (X[n_train:], y[n_train:]))


@dataclass(frozen=True)
class Synthetic:
    """Tiles that are made, other ones in each run."""

    n_train: int = 3000
    n_test: int = 1500
    size: int = SIDE

    name = "synthetic"

    @property
    def sha256(self):
        """Hash of some tiles."""
        return make_satellite_tiles(N_PROBED, size=self.size, random_state=0).sha256

    def draw(self, seed):
        """Return the rows of a run."""
        return draw_synthetic(self.n_train, self.n_test, self.size, seed)


# --- Read ----------------------------------------------------------------------------


# Tiles are mapped files; kept, so that they are not hashed anew for each method.
@lru_cache(maxsize=1)
def read_droughtwatch(folder, cache):
    """Read the tiles that the authors train and validate on."""
    parts = [
        load_droughtwatch(folder, subset=subset, bands=list(BANDS), cache=cache)
        for subset in ("train", "val")
    ]
    return [(part.data[..., :SIDE, :SIDE], part.target, part.sha256) for part in parts]


@dataclass(frozen=True)
class Droughtwatch:
    """The real tiles, or a share of them that each run draws."""

    folder: Path
    cache: Path
    n_train: int | None = None
    n_test: int | None = None

    name = "droughtwatch"

    @property
    def sha256(self):
        """Hash of all tiles."""
        return "".join(sha256 for *_, sha256 in self._read())

    def _read(self):
        return read_droughtwatch(self.folder, self.cache)

    def draw(self, seed):
        """Return the rows of a run; tests are of the authors' validation tiles."""
        sizes = {"train": self.n_train, "test": self.n_test}
        parts = zip(sizes.items(), self._read(), strict=True)
        return make_rows(
            *(
                draw_share(X, y, n, derive_seed(seed, self.name, part))
                for (part, n), (X, y, _) in parts
            )
        )
