"""Imbalanced data sets: the 27 of imbalanced-learn, and a suite that needs no network.

A loader returns a dict from name to :class:`sklearn.utils.Bunch`, whose fields are

* `data`, float64 of shape (n_samples, n_features), and `target`;
* `name`, `n_samples`, `n_features`, `n_minority` (rows of the rarest class) and `ratio`
  (rows of the most frequent class for each of the rarest);
* `provenance`, `sha256` and `DESCR`: where the data come from;
* `shares_rows_with`: the other sets made of the same rows, which are no independent
  evidence.
"""

from imbdeep.datasets._duplicates import describe_duplicates
from imbdeep.datasets._embedded import load_embedded_suite
from imbdeep.datasets._imblearn27 import imblearn27_status, load_imblearn27
from imbdeep.datasets._imblearn27_table import (
    IMBLEARN27_NAMES,
    IMBLEARN27_SHARED_ROWS,
)

__all__ = [
    "IMBLEARN27_NAMES",
    "IMBLEARN27_SHARED_ROWS",
    "describe_duplicates",
    "imblearn27_status",
    "load_embedded_suite",
    "load_imblearn27",
]
