"""The census table (adult), made as imbalanced as the paper makes it."""

import bz2
import gzip
import hashlib
import io
import lzma
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from imbdeep_bench.engine.protocol import Split, derive_seed

CONTINUOUS = (
    *("age", "fnlwgt", "education_num"),
    *("capital_gain", "capital_loss", "hours_per_week"),
)
CATEGORICAL = (
    *("workclass", "education", "marital_status", "occupation"),
    *("relationship", "race", "sex", "native_country"),
)
FEATURES = CONTINUOUS + CATEGORICAL
TARGET = "income"
MAJORITY, MINORITY = "<=50K", ">50K"

RATIOS = (50, 100, 200)
N_SPLITS = 4
N_COMPONENTS = 64


# The table has 48,842 rows, its columns in a line of 160 bytes, and 5.3 MB.
MOST_ROWS = 50_000
MOST_HEADER_BYTES = 4096
MOST_BYTES = 16 * 1024**2
OPEN_BY_SUFFIX = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def read_unpacked(path):
    """Return the bytes of a CSV file, unpacked, if it can be the census table."""
    path = Path(path)
    with OPEN_BY_SUFFIX.get(path.suffix, open)(path, "rb") as file:
        header = file.readline(MOST_HEADER_BYTES)
        if len(header) == MOST_HEADER_BYTES:
            raise ValueError(
                f"--data got {path}, whose first line has {MOST_HEADER_BYTES} bytes or "
                "more; it should have the names of 15 columns."
            )
        content = header + file.read(MOST_BYTES)
    if len(content) > MOST_BYTES:
        raise ValueError(
            f"--data got {path}, which is unpacked larger than {MOST_BYTES} bytes; the "
            "census table has 5.3 MB."
        )
    return content


def read_adult(path):
    """Read the rows without a missing value of a CSV, as it is or packed.

    It has the columns of ``FEATURES`` and ``TARGET``; a missing value is empty. A
    ValueError says that columns are missing, the target has other labels than it
    should, or the table is larger than the census table can be.
    """
    wanted = [*FEATURES, TARGET]
    frame = pd.read_csv(
        io.BytesIO(read_unpacked(path)),
        skipinitialspace=True,
        usecols=lambda name: name in wanted,
        index_col=False,
        nrows=MOST_ROWS + 1,
    )
    if len(frame) > MOST_ROWS:
        raise ValueError(
            f"--data got {path}, which has more than {MOST_ROWS} rows; the census "
            "table has 48,842."
        )
    if absent := [name for name in wanted if name not in frame]:
        raise ValueError(
            f"--data got {path}, which lacks the columns {absent}. It needs "
            f"{', '.join(FEATURES)} and {TARGET}."
        )
    frame = frame[wanted].dropna()
    labels = sorted(frame[TARGET].astype(str).unique())
    if labels != sorted([MAJORITY, MINORITY]):
        raise ValueError(
            f"--data got {path}, whose {TARGET} has the labels {labels}; they should "
            f"be {MAJORITY} and {MINORITY}."
        )
    return frame.reset_index(drop=True)


def fingerprint(frame):
    """Hash of a table's contents, whatever file it was read from."""
    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()


@dataclass(frozen=True)
class Adult:
    """A balanced table, and the order in which its minority is withdrawn.

    Rows are in random order, 14 objects each, as many of either class. A ratio keeps
    the first rows of the minority, so that a milder ratio has all rows of a harsher
    one.
    """

    majority: np.ndarray
    minority: np.ndarray
    sha256: str  # of the table that they were drawn from
    name = "adult"

    def n_kept(self, ratio):
        """Rows of the minority that a ratio leaves."""
        return round(len(self.majority) / ratio)

    def imbalanced(self, ratio):
        """Return all rows of the majority, and those of the minority, 1, left over."""
        kept = self.minority[: self.n_kept(ratio)]
        y = np.repeat([0, 1], [len(self.majority), len(kept)])
        return np.concatenate([self.majority, kept]), y

    def withdrawn(self, ratio):
        """Rows of the minority that a ratio does not leave."""
        return self.minority[self.n_kept(ratio) :]


def balance(frame, seed):
    """Drop rows of the majority at random until there are as many of either class."""
    is_minority = (frame[TARGET] == MINORITY).to_numpy()
    rows = frame[[*FEATURES]].to_numpy(dtype=object)
    random_state = np.random.RandomState(derive_seed(seed, "adult", "balance"))
    minority = random_state.permutation(np.flatnonzero(is_minority))
    majority = random_state.permutation(np.flatnonzero(~is_minority))[: len(minority)]
    return Adult(rows[majority], rows[minority], fingerprint(frame))


def split(y, ratio, fold, seed):
    """Draw a stratified split: 64 % to fit, 16 % to validate, 20 % to test.

    NOTE: "4-fold" and "80%-20%" exclude each other for folds; these are four random
    splits. A fifth of the 80 % validates, as section 5 says; section 6 takes a quarter.
    """

    def cut(rows, part):
        return train_test_split(
            rows,
            test_size=0.2,
            stratify=y[rows],
            random_state=derive_seed(seed, "adult", ratio, part, fold),
        )

    train, test = cut(np.arange(len(y)), "test")
    fit, valid = cut(train, "valid")
    return Split(np.sort(fit), np.sort(valid), np.sort(test))


def preprocessing():
    """Standardised and one-hot columns, reduced to 64 principal components.

    NOTE[DIFF]: it learns from the rows that a net is trained on, and from no other; the
    paper does not say. A level that these lack is all zeros.
    """
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (StandardScaler(), slice(0, len(CONTINUOUS))),
        (one_hot, slice(len(CONTINUOUS), len(FEATURES))),
    )
    # What is the default of so many rows, and on fewer draws nothing at random.
    return make_pipeline(columns, PCA(N_COMPONENTS, svd_solver="covariance_eigh"))
