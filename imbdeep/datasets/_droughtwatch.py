"""Satellite tiles of Northern Kenya, labelled by forage quality, from a folder."""

from pathlib import Path

import numpy as np

from imbdeep.datasets._bounded import check_npy
from imbdeep.datasets._bunch import (
    check_choice,
    content_sha256,
    make_bunch,
    scale_bytes,
)

HOMEPAGE = "https://github.com/wandb/droughtwatch"
SUBSETS = ("train", "val", "all")
DTYPES = ("float32", "uint8")
BANDS = tuple(range(1, 12))
TARGET_NAMES = ["0 cows", "1 cow", "2 cows", "3 or more cows"]
# Height and width of a tile.
SIDE = 65
# Most tiles in a folder; the training part has 86,317.
MOST_TILES = 100_000
# Most bytes of a record; eleven bands and a label take 50 KB.
RECORD_BYTES = 1024**2


def check_bands(bands):
    """Return the chosen bands as a list."""
    chosen = list(BANDS) if bands is None else np.atleast_1d(bands).tolist()
    if not chosen or any(band not in BANDS for band in chosen):
        raise ValueError(
            f"bands must hold numbers of bands from 1 to {BANDS[-1]}, got {bands!r}; "
            "None takes all."
        )
    return chosen


def example_loader():
    """Return the reader of TFRecord files, which is optional."""
    try:
        from tfrecord.reader import example_loader as loader
    except ImportError as error:
        raise ImportError(
            "Reading TFRecord files needs tfrecord, which is not installed. Run pip "
            "install imbdeep[vision], or put X.npy and y.npy in their place."
        ) from error
    return loader


# --- Files ---------------------------------------------------------------------------


def check_records(path):
    """Raise a ValueError if a record claims to be larger than a tile.

    The reader allocates the memory that a record claims before it reads the record.
    """
    n_bytes, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place < n_bytes:
            file.seek(place)
            length = int.from_bytes(file.read(8), "little")
            if length > RECORD_BYTES:
                raise ValueError(f"it has a record of {length} bytes")
            # A record is framed by its length and two checksums.
            place += 8 + 4 + length + 4


def read_records(paths, bands):
    """Return the tiles and labels in TFRecord files."""
    load_examples = example_loader()
    description = {f"B{band}": "byte" for band in bands} | {"label": "int"}
    # One growing buffer: the set takes gigabytes, and a list of tiles would exist
    # twice before it becomes an array.
    pixels, labels = bytearray(), []
    for path in paths:
        try:
            check_records(path)
            for example in load_examples(str(path), None, description):
                for band in bands:
                    tile = example[f"B{band}"][: SIDE**2]
                    if len(tile) < SIDE**2:
                        raise ValueError(f"band B{band} has {len(tile)} bytes")
                    pixels += tile
                (label,) = example["label"]
                labels.append(label)
        # Damaged bytes make the reader raise nearly anything.
        except Exception as error:
            raise ValueError(
                f"{path} is truncated, corrupt or of another format "
                f"({type(error).__name__}: {error}); get it again, see {HOMEPAGE}."
            ) from error
    X = np.frombuffer(pixels, np.uint8).reshape(-1, len(bands), SIDE, SIDE)
    return X, np.array(labels, dtype=np.int64)


def read_arrays(folder, bands):
    """Return the tiles and labels in X.npy and y.npy."""
    try:
        check_npy(folder / "X.npy", MOST_TILES * len(BANDS) * SIDE**2)
        check_npy(folder / "y.npy", MOST_TILES)
        # Memory-mapped, so that only the chosen bands are read.
        X = np.load(folder / "X.npy", mmap_mode="r", allow_pickle=False)
        y = np.load(folder / "y.npy", allow_pickle=False)
    # Damaged bytes make numpy raise nearly anything.
    except Exception as error:
        raise ValueError(
            f"{folder} has no readable pair of X.npy and y.npy "
            f"({type(error).__name__}: {error}); make both of them again."
        ) from error
    expected = (len(y) if y.ndim == 1 else "n_samples", len(BANDS), SIDE, SIDE)
    if X.shape != expected or X.dtype != np.uint8 or y.dtype.kind not in "iu":
        raise ValueError(
            f"{folder / 'X.npy'} must be of shape {expected} and dtype uint8, with "
            f"integers in y.npy, got {X.shape}, {X.dtype} and {y.dtype}."
        )
    X = np.array(X) if bands == list(BANDS) else X[:, np.array(bands) - 1]
    return X, y.astype(np.int64)


def read_subset(folder, bands):
    """Return the tiles and labels in the folder of a subset."""
    if (folder / "X.npy").is_file():
        return read_arrays(folder, bands)
    # The published archive has remnants of its upload among the parts.
    parts = [path for path in sorted(folder.glob("part-*")) if path.suffix != ".gstmp"]
    if not parts:
        raise FileNotFoundError(
            f"There are neither TFRecord files part-* nor X.npy and y.npy in {folder}. "
            f"Nothing is downloaded here; get the set, see {HOMEPAGE}, and pass the "
            "folder that its train and val lie in."
        )
    return read_records(parts, bands)


def load_droughtwatch(folder, *, subset="train", bands=None, dtype="uint8"):
    """Load satellite tiles labelled by forage quality [1]_ from a folder.

    Landsat 8 tiles of Northern Kenya. The label is the number of cows that the land
    around the centre of the tile can feed, as judged by a herder on site: 0 (three of
    five tiles), 1, 2, or 3 and more (one of ten). Nothing is downloaded: get the set
    from https://github.com/wandb/droughtwatch.

    Parameters
    ----------
    folder : str or path-like
        Holds the folders ``train`` and ``val``, each with the published TFRecord files
        ``part-*``; or with ``X.npy``, uint8 of shape (n_samples, 11, 65, 65), and
        ``y.npy``, which take precedence.

    subset : {'train', 'val', 'all'}, default='train'
        Folder to read; 'all' is 'train' followed by 'val'.

    bands : sequence of int from 1 to 11, or None, default=None
        Bands to read, in this order: (4, 3, 2) is natural colour. None reads all.

    dtype : {'uint8', 'float32'}, default='uint8'
        'uint8' gives the original 0 to 255, 'float32' numbers in [0, 1], which take
        four times the memory: 15 GB for all bands of the training part.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        With

        - `data` : ndarray of shape (n_samples, n_bands, 65, 65)
        - `target` : ndarray of shape (n_samples,), 0 to 3
        - `target_names` : list of class names
        - `bands` : list of the bands, in the order of the channels
        - `name`, `subset` : the set and the subset
        - `n_samples`, `n_features`, `n_minority`, `ratio` : sizes
        - `provenance` : 'unverified', since no hashes are published
        - `sha256` : hash of the bytes of the pixels followed by those of `target`
        - `DESCR` : a description

    Raises
    ------
    ValueError
        If `subset`, `bands` or `dtype` is unknown, or a file is truncated, corrupt or
        of another format.
    FileNotFoundError
        If the files do not exist.
    ImportError
        If TFRecord files are to be read and tfrecord is not installed: ``pip install
        imbdeep[vision]``.

    See Also
    --------
    load_cifar10 : Colour photographs.

    Notes
    -----
    TFRecord files are slow to read. To read them only once, load each subset with all
    bands and save ``data`` and ``target`` as ``X.npy`` and ``y.npy`` with
    :func:`numpy.save`.

    References
    ----------
    .. [1] A. Hobbs, S. Svetlichnaya. "Satellite-based prediction of forage conditions
       for livestock in Northern Kenya". ICLR workshop on computer vision for
       agriculture, 2020.

    Examples
    --------
    >>> from imbdeep.datasets import load_droughtwatch
    >>> tiles = load_droughtwatch("data", bands=(6, 5, 2))  # doctest: +SKIP
    >>> tiles.data.shape[1:]  # doctest: +SKIP
    (3, 65, 65)
    """
    check_choice("subset", subset, SUBSETS)
    check_choice("dtype", dtype, DTYPES)
    bands = check_bands(bands)
    names = SUBSETS[:2] if subset == "all" else (subset,)
    parts = [read_subset(Path(folder) / name, bands) for name in names]
    pixels, target = (
        parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    )
    if not len(target):
        raise ValueError(f"{folder} holds no tile in {', '.join(names)}.")
    if not 0 <= target.min() <= target.max() < len(TARGET_NAMES):
        raise ValueError(
            f"{folder} holds labels from {target.min()} to {target.max()}; those of "
            f"this set are 0 to 3. Get it again, see {HOMEPAGE}."
        )
    return make_bunch(
        scale_bytes(pixels, dtype),
        target,
        target_names=list(TARGET_NAMES),
        bands=bands,
        name="droughtwatch",
        subset=subset,
        provenance="unverified",
        sha256=content_sha256(pixels, target),
        DESCR=(
            f"droughtwatch, {subset}: Landsat 8 tiles of 65 x 65 pixels, bands "
            f"{', '.join(map(str, bands))}, labelled by the cows they can feed. "
            f"{HOMEPAGE}."
        ),
    )
