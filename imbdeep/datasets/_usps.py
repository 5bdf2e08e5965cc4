"""USPS digits from a folder."""

import numpy as np

from imbdeep.datasets._bounded import read_npz
from imbdeep.datasets._bunch import (
    check_choice,
    content_sha256,
    make_bunch,
    read_path,
)

SUBSETS = ("train", "test", "all")
# Number of digits in both published parts.
N_ROWS = 9298


def parse(path):
    """Return the images, the labels and the size of the training part, or None."""
    most = {"data": N_ROWS * 16 * 16, "label": N_ROWS, "n_train": 1}
    arrays = read_npz(path, most)
    X, y = arrays["data"], arrays["label"]
    n_train = int(arrays["n_train"]) if "n_train" in arrays else None
    if X.shape[1:] not in {(16, 16), (256,), (1, 16, 16)} or y.shape != (len(X),):
        raise ValueError(f"data of shape {X.shape} with labels of shape {y.shape}")
    if X.dtype.kind != "f" or not (X.min() >= 0 and X.max() <= 1):
        raise ValueError("data that are not numbers from 0 to 1")
    if y.dtype.kind not in "iu" or not 0 <= y.min() <= y.max() <= 9:
        raise ValueError("labels that are not 0 to 9")
    if n_train is not None and not 0 < n_train < len(X):
        raise ValueError(f"n_train={n_train} of {len(X)} rows")
    return X.astype(np.float32).reshape(-1, 1, 16, 16), y.astype(np.int64), n_train


def load_usps(folder, *, subset="train"):
    """Load the USPS digits [1]_, scanned from envelopes, from a folder.

    Nothing is downloaded. Make the file ``usps.npz`` yourself: 9298 digits, with the
    grey values, often published as -1 to 1, scaled to [0, 1].

    Parameters
    ----------
    folder : str or path-like
        Holds ``usps.npz``, or the path of that file. It has the arrays ``data``,
        images of 16 x 16 floats in [0, 1], and ``label``, 0 to 9; for subsets also
        ``n_train``, the number of training rows, which come first.

    subset : {'train', 'test', 'all'}, default='train'
        Rows to load: the 7291 training rows, the 2007 test rows, which are harder, or
        all in the order of the file.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        With

        - `data` : ndarray of shape (n_samples, 1, 16, 16), float32 in [0, 1]; 0 is
          paper and 1 is ink
        - `target` : ndarray of shape (n_samples,), 0 to 9
        - `target_names` : list of class names
        - `name`, `subset` : the set and the subset
        - `n_samples`, `n_features`, `n_minority`, `ratio` : sizes
        - `provenance` : 'unverified', since the file is not a published one
        - `sha256` : hash of the bytes of `data` followed by those of `target`
        - `DESCR` : a description

    Raises
    ------
    ValueError
        If `subset` is unknown or not marked in the file, or the file is truncated,
        corrupt or wrong.
    FileNotFoundError
        If the file does not exist.

    See Also
    --------
    load_cifar10 : Colour photographs.
    make_imbalanced : Make it more imbalanced than it is.

    References
    ----------
    .. [1] J. J. Hull. "A database for handwritten text recognition research". IEEE
       Transactions on Pattern Analysis and Machine Intelligence 16, 1994.

    Examples
    --------
    >>> from imbdeep.datasets import load_usps
    >>> usps = load_usps("data")  # doctest: +SKIP
    >>> usps.data.shape, usps.n_minority, round(usps.ratio, 1)  # doctest: +SKIP
    ((7291, 1, 16, 16), 542, 2.2)
    """
    check_choice("subset", subset, SUBSETS)
    path = read_path("folder", folder)
    path = path if path.is_file() else path / "usps.npz"
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no {path}. Nothing is downloaded here; make usps.npz of the "
            "arrays data (images of 16 x 16 floats from 0 to 1) and label (0 to 9), "
            "and pass the folder that it lies in."
        )
    try:
        X, y, n_train = parse(path)
    # Damaged bytes make numpy and zipfile raise nearly anything.
    except Exception as error:
        raise ValueError(
            f"{path} cannot be read ({type(error).__name__}: {error}); it must have "
            "the arrays data (images of 16 x 16 floats from 0 to 1) and label (0 to "
            "9). Make or copy it again."
        ) from error
    if subset != "all" and n_train is None:
        raise ValueError(
            f"{path} does not say which rows are to train on. Add the number n_train "
            "of rows that come first, or pass subset='all'."
        )
    rows = {
        "train": slice(n_train),
        "test": slice(n_train, None),
        "all": slice(None),
    }[subset]
    X, y = X[rows], y[rows]
    return make_bunch(
        X,
        y,
        target_names=[str(digit) for digit in range(10)],
        name="USPS",
        subset=subset,
        provenance="unverified",
        sha256=content_sha256(X, y),
        DESCR=f"USPS, {subset}: scanned digits of 16 x 16 grey values.",
    )
