"""Imbalanced data sets, images, and functions that make a set imbalanced.

The loaders of the 27 imbalanced-learn sets and of a suite that needs no network return
a dict from name to :class:`sklearn.utils.Bunch`, with the fields

* `data`, float64 of shape (n_samples, n_features), and `target`;
* `name`, `n_samples`, `n_features`, `n_minority` (rows of the rarest class) and `ratio`
  (rows of the most frequent class per row of the rarest);
* `provenance`, `sha256` and `DESCR`: the origin of the data;
* `shares_rows_with`: other sets with the same rows, which are not independent evidence.

The image loaders read a local folder, or photos that are installed, download nothing,
and return one such Bunch. Its `data` have shape (n_samples, n_channels, height, width),
and it also has `target_names`. Satellite tiles can be made, too, and images and tables
corrupted.
"""

from imbdeep.datasets._cifar import load_cifar10, load_cifar100
from imbdeep.datasets._cifar_c import load_cifar_c
from imbdeep.datasets._corruptions.images import IMAGE_CORRUPTIONS, corrupt_images
from imbdeep.datasets._corruptions.tables import TABLE_CORRUPTIONS, corrupt_table
from imbdeep.datasets._droughtwatch import load_droughtwatch
from imbdeep.datasets._duplicates import describe_duplicates
from imbdeep.datasets._embedded import load_embedded_suite
from imbdeep.datasets._imblearn27 import imblearn27_status, load_imblearn27
from imbdeep.datasets._imblearn27_table import (
    IMBLEARN27_NAMES,
    IMBLEARN27_SHARED_ROWS,
)
from imbdeep.datasets._keel import load_keel
from imbdeep.datasets._make_imbalanced import imbalanced_counts, make_imbalanced
from imbdeep.datasets._photo_tiles import load_photo_tiles
from imbdeep.datasets._satellite import make_satellite_tiles
from imbdeep.datasets._usps import load_usps

__all__ = [
    "IMAGE_CORRUPTIONS",
    "IMBLEARN27_NAMES",
    "IMBLEARN27_SHARED_ROWS",
    "TABLE_CORRUPTIONS",
    "corrupt_images",
    "corrupt_table",
    "describe_duplicates",
    "imbalanced_counts",
    "imblearn27_status",
    "load_cifar10",
    "load_cifar100",
    "load_cifar_c",
    "load_droughtwatch",
    "load_embedded_suite",
    "load_imblearn27",
    "load_keel",
    "load_photo_tiles",
    "load_usps",
    "make_imbalanced",
    "make_satellite_tiles",
]
