"""Reader of CIFAR-10-C and CIFAR-100-C, the authors' corrupted test images."""

from pathlib import Path

import numpy as np

from imbdeep.datasets._bunch import content_sha256, make_bunch
from imbdeep.datasets._corruptions.images import check_corruption

_N_SEVERITIES = 5
_HOMEPAGE = "https://zenodo.org/records/2535967 (10 classes), /3555552 (100)"
_FOLDERS = ("CIFAR-10-C", "CIFAR-100-C")
_LABELS = "labels.npy"


def load_cifar_c(folder, corruption, severity=3):
    """Load corrupted test images of CIFAR-10-C or CIFAR-100-C [1]_ from a folder.

    Nothing is downloaded: get ``CIFAR-10-C.tar`` from
    https://zenodo.org/records/2535967 or ``CIFAR-100-C.tar`` from
    https://zenodo.org/records/3555552, and unpack it.

    Parameters
    ----------
    folder : str or path-like
        Holds ``labels.npy`` and a file for each corruption, such as
        ``gaussian_noise.npy``; or one of the folders 'CIFAR-10-C' and 'CIFAR-100-C',
        which do.
    corruption : str
        Name of a file, such as 'fog' or 'jpeg_compression'.
    severity : {1, 2, 3, 4, 5}, default=3

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        With

        - `data` : ndarray of shape (n_samples, 3, 32, 32), bytes, in a mapped file of
          which only what is asked for comes into memory; channels red, green, blue
        - `target` : ndarray of shape (n_samples,), int64, in the order of
          :func:`load_cifar10` or the fine labels of :func:`load_cifar100` with
          ``subset='test'``
        - `name`, `corruption`, `severity`
        - `n_samples`, `n_features`, `n_minority`, `ratio` : sizes
        - `sha256` : hash of the bytes of the pixels followed by those of `target`
        - `DESCR` : a description

    Raises
    ------
    ValueError
        If there is no such corruption or severity, or a file is truncated or wrong.
    FileNotFoundError
        If the folder holds no such files.

    See Also
    --------
    corrupt_images : Such corruptions of other images.

    Notes
    -----
    A file holds the five severities one after the other, each of all images in the same
    order. Files of pickled objects, which can call any function when they are read, are
    refused.

    References
    ----------
    .. [1] D. Hendrycks, T. Dietterich. "Benchmarking neural network robustness to
       common corruptions and perturbations". ICLR 2019.

    Examples
    --------
    >>> from imbdeep.datasets import load_cifar_c
    >>> foggy = load_cifar_c("data/CIFAR-10-C", "fog", 5)  # doctest: +SKIP
    >>> foggy.data.shape  # doctest: +SKIP
    (10000, 3, 32, 32)
    """
    folder = _find(Path(folder))
    available = sorted(
        path.stem for path in folder.glob("*.npy") if path.name != _LABELS
    )
    check_corruption(corruption, severity, available)
    labels = _read(folder / _LABELS, ndim=1)
    images = _read(folder / f"{corruption}.npy", ndim=4)
    n, is_uneven = divmod(len(labels), _N_SEVERITIES)
    if images.shape[1:] != (32, 32, 3) or len(images) != len(labels) or is_uneven:
        raise ValueError(
            f"{corruption}.npy in {folder} holds images of shape {images.shape}, and "
            f"{_LABELS} {len(labels)} labels. There must be as many of both, of five "
            "severities, and images of 32 x 32 pixels in three colours; unpack the "
            "archive again."
        )
    rows = slice(n * (severity - 1), n * severity)
    # Bands last in the file; a view, of which a batch is copied.
    data = images[rows].transpose(0, 3, 1, 2)
    target = np.array(labels[rows], dtype=np.int64)
    name = "CIFAR-100-C" if int(labels.max()) > 9 else "CIFAR-10-C"
    return make_bunch(
        data,
        target,
        name=name,
        corruption=corruption,
        severity=severity,
        sha256=content_sha256(data, target),
        DESCR=(
            f"{name}, {corruption} of severity {severity}: corrupted colour "
            "photographs of 32 x 32 pixels. D. Hendrycks and T. Dietterich, "
            f"{_HOMEPAGE}."
        ),
    )


def _find(folder):
    """The folder that holds the labels: the one given, or one in it."""
    candidates = [folder, *(folder / name for name in _FOLDERS)]
    found = [one for one in candidates if (one / _LABELS).is_file()]
    if not found:
        raise FileNotFoundError(
            f"There is no {_LABELS} in {folder}, nor in a folder "
            f"{' or '.join(_FOLDERS)} there. Nothing is downloaded here; get the "
            f"archive from {_HOMEPAGE}, unpack it, and pass its folder."
        )
    if len(found) > 1:
        raise ValueError(
            f"{folder} holds several sets: {[one.name for one in found]}. Pass the "
            "folder of one."
        )
    return found[0]


def _read(path, ndim):
    """An array of bytes in a mapped file, which is read as nothing else."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    # Damaged headers make NumPy raise nearly anything.
    except Exception as error:
        raise ValueError(
            f"{path} cannot be read ({error}); unpack the archive again."
        ) from error
    if array.dtype != np.uint8 or array.ndim != ndim:
        raise ValueError(
            f"{path} holds {array.dtype} of shape {array.shape}, not bytes with {ndim} "
            "axes; unpack the archive again."
        )
    return array
