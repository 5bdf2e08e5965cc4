"""Imbalanced data sets, images, and ways to make a set imbalanced.

The loaders of the 27 sets of imbalanced-learn and of a suite that needs no network
return a dict from name to :class:`sklearn.utils.Bunch`, whose fields are

* `data`, float64 of shape (n_samples, n_features), and `target`;
* `name`, `n_samples`, `n_features`, `n_minority` (rows of the rarest class) and `ratio`
  (rows of the most frequent class for each of the rarest);
* `provenance`, `sha256` and `DESCR`: where the data come from;
* `shares_rows_with`: the other sets made of the same rows, which are no independent
  evidence.

The loaders of images, which read a folder of yours and download nothing, return one
such Bunch. Its `data` have the shape (n_samples, n_channels, height, width), and it has
`target_names` besides.
"""

from imbdeep.datasets._cifar import load_cifar10, load_cifar100
from imbdeep.datasets._droughtwatch import load_droughtwatch
from imbdeep.datasets._duplicates import describe_duplicates
from imbdeep.datasets._embedded import load_embedded_suite
from imbdeep.datasets._imblearn27 import imblearn27_status, load_imblearn27
from imbdeep.datasets._imblearn27_table import (
    IMBLEARN27_NAMES,
    IMBLEARN27_SHARED_ROWS,
)
from imbdeep.datasets._make_imbalanced import imbalanced_counts, make_imbalanced
from imbdeep.datasets._usps import load_usps

__all__ = [
    "IMBLEARN27_NAMES",
    "IMBLEARN27_SHARED_ROWS",
    "describe_duplicates",
    "imbalanced_counts",
    "imblearn27_status",
    "load_cifar10",
    "load_cifar100",
    "load_droughtwatch",
    "load_embedded_suite",
    "load_imblearn27",
    "load_usps",
    "make_imbalanced",
]
