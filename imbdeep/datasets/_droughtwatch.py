"""Satellite tiles of Northern Kenya, labelled by forage quality, from a folder."""

from contextlib import contextmanager

import numpy as np

from imbdeep._bands import band_name, find_bands
from imbdeep._mapped import image_blocks
from imbdeep.datasets._bounded import check_npy
from imbdeep.datasets._bunch import (
    check_choice,
    content_sha256,
    make_bunch,
    read_path,
    scale_bytes,
)
from imbdeep.datasets._tile_cache import is_kept_for, keep_tiles, map_tiles, source_of

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
    """Count records; raise a ValueError if one claims to be larger than a tile.

    The reader allocates the memory that a record claims before it reads the record.
    """
    n_bytes, place, n_records = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        while place < n_bytes:
            file.seek(place)
            length = int.from_bytes(file.read(8), "little")
            if length > RECORD_BYTES:
                raise ValueError(f"it has a record of {length} bytes")
            # A record is framed by its length and two checksums.
            place += 8 + 4 + length + 4
            n_records += 1
    return n_records


@contextmanager
def naming_part(path):
    """Name the file that is damaged."""
    try:
        yield
    # Damaged bytes make the reader raise nearly anything.
    except Exception as error:
        raise ValueError(
            f"{path} is truncated, corrupt or of another format "
            f"({type(error).__name__}: {error}); get it again, see {HOMEPAGE}."
        ) from error


def tiles_of_records(paths, bands):
    """Iterate over the tiles in TFRecord files: bytes of the bands, and the label."""
    load_examples = example_loader()
    description = {f"B{band}": "byte" for band in bands} | {"label": "int"}
    for path in paths:
        with naming_part(path):
            check_records(path)
            for example in load_examples(str(path), None, description):
                tile = bytearray()
                for band in bands:
                    pixels = example[f"B{band}"][: SIDE**2]
                    if len(pixels) < SIDE**2:
                        raise ValueError(f"band B{band} has {len(pixels)} bytes")
                    tile += pixels
                (label,) = example["label"]
                yield tile, label


def read_records(paths, bands):
    """Return the tiles and labels in TFRecord files."""
    # One growing buffer: the set takes gigabytes, and a list of tiles would exist
    # twice before it becomes an array.
    pixels, labels = bytearray(), []
    for tile, label in tiles_of_records(paths, bands):
        pixels += tile
        labels.append(label)
    X = np.frombuffer(pixels, np.uint8).reshape(-1, len(bands), SIDE, SIDE)
    return X, np.array(labels, dtype=np.int64)


def map_arrays(folder):
    """Return the tiles in X.npy, as a mapped file, and the labels in y.npy."""
    try:
        check_npy(folder / "X.npy", MOST_TILES * len(BANDS) * SIDE**2)
        check_npy(folder / "y.npy", MOST_TILES)
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
    return X, y.astype(np.int64)


def files_of(folder):
    """Return the files in the folder of a subset that tiles are read from."""
    arrays = [folder / name for name in ("X.npy", "y.npy")]
    if arrays[0].is_file():
        return [path for path in arrays if path.is_file()]
    # The published archive has remnants of its upload among the parts.
    return [path for path in sorted(folder.glob("part-*")) if path.suffix != ".gstmp"]


def check_has_files(folder, files):
    """Raise a FileNotFoundError if there is nothing to read tiles from."""
    if not files:
        raise FileNotFoundError(
            f"There are neither TFRecord files part-* nor X.npy and y.npy in {folder}. "
            f"Nothing is downloaded here; get the set, see {HOMEPAGE}, and pass the "
            "folder that its train and val lie in."
        )


def read_subset(folder, bands):
    """Return the tiles and labels in the folder of a subset."""
    files = files_of(folder)
    check_has_files(folder, files)
    if files[0].name != "X.npy":
        return read_records(files, bands)
    # Of the mapped file only the chosen bands are read.
    X, y = map_arrays(folder)
    return np.array(X) if bands == list(BANDS) else X[:, np.array(bands) - 1], y


def count_tiles(folder, files):
    """Return the number of tiles in the folder of a subset."""
    if files[0].name == "X.npy":
        return len(map_arrays(folder)[1])
    total = 0
    for path in files:
        with naming_part(path):
            total += check_records(path)
    return total


def parts_of_subset(folder, files, bands):
    """Iterate over the tiles and labels in the folder of a subset, a few at a time."""
    if files[0].name == "X.npy":
        X, y = map_arrays(folder)
        start = 0
        for block in image_blocks(X):
            yield block[:, np.array(bands) - 1], y[start : start + len(block)]
            start += len(block)
        return
    for tile, label in tiles_of_records(files, bands):
        shape = 1, len(bands), SIDE, SIDE
        yield np.frombuffer(tile, np.uint8).reshape(shape), np.array([label])


def read_through(cache, folders, subset, bands):
    """Return the tiles, as a mapped file written if need be, labels, and a hash."""
    name = f"droughtwatch-{subset}-{'-'.join(map(str, bands))}"
    files = [files_of(folder) for folder in folders]
    source = source_of(folders, [path for own in files for path in own])
    shape = len(bands), SIDE, SIDE
    if not is_kept_for(cache, name, source):
        for folder, own in zip(folders, files, strict=True):
            check_has_files(folder, own)
        pairs = list(zip(folders, files, strict=True))
        n_tiles = sum(count_tiles(*pair) for pair in pairs)
        parts = (part for pair in pairs for part in parts_of_subset(*pair, bands))
        keep_tiles(cache, name, source, n_tiles, shape, parts)
    return map_tiles(cache, name, shape, len(folders) * MOST_TILES)


def load_droughtwatch(folder, *, subset="train", bands=None, dtype="uint8", cache=None):
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

    bands : {'natural', 'near_infrared', 'agriculture'}, sequence of int or str, or \
            None, default=None
        Bands to read, in this order: numbers from 1 to 11 or names 'B1' to 'B11', as
        Landsat 8 counts them; or 'natural', the bands 4, 3 and 2, red, green and blue;
        'near_infrared', 5, 4 and 3; or 'agriculture', 6, 5 and 2. None reads all.

    dtype : {'uint8', 'float32'}, default='uint8'
        'uint8' gives the original 0 to 255, 'float32' numbers in [0, 1], which take
        four times the memory: 15 GB for all bands of the training part.

    cache : str or path-like, or None, default=None
        Folder to keep the tiles in, for each subset and choice of bands in a file of
        its own, which is written in the first call. `data` is then a read-only mapped
        file: pixels are read when they are used, and take no memory before. Needs
        dtype='uint8'.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        With

        - `data` : ndarray of shape (n_samples, n_bands, 65, 65); with `cache` a
          :class:`numpy.memmap`
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
        of another format, also one in `cache`.
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
    The bands of Landsat 8: 1 coastal aerosol, 2 blue, 3 green, 4 red, 5 near infrared,
    6 and 7 short-wave infrared, 8 panchromatic, 9 cirrus, 10 and 11 thermal infrared.

    TFRecord files are slow to read. `cache` reads them once. Each later call compares a
    hash of what is in the cache with what was written, and reads the files again if
    their folder, names, sizes or times have changed; they may also be gone. To make a
    folder without TFRecord files, load each subset with all bands and save ``data`` and
    ``target`` as ``X.npy`` and ``y.npy`` with :func:`numpy.save`.

    Nets train on a mapped file batch by batch. What splits rows, such as
    :func:`~sklearn.model_selection.cross_val_score`, copies the bytes of its training
    rows into memory.

    References
    ----------
    .. [1] A. Hobbs, S. Svetlichnaya. "Satellite-based prediction of forage conditions
       for livestock in Northern Kenya". ICLR workshop on computer vision for
       agriculture, 2020.

    Examples
    --------
    >>> from imbdeep.datasets import load_droughtwatch
    >>> tiles = load_droughtwatch("data", bands="agriculture")  # doctest: +SKIP
    >>> tiles.data.shape[1:]  # doctest: +SKIP
    (3, 65, 65)
    """
    check_choice("subset", subset, SUBSETS)
    check_choice("dtype", dtype, DTYPES)
    positions = find_bands(bands, [band_name(band) for band in BANDS])
    bands = [BANDS[position] for position in positions]
    names = SUBSETS[:2] if subset == "all" else (subset,)
    folder = read_path("folder", folder)
    cache = None if cache is None else read_path("cache", cache)
    folders = [folder / name for name in names]
    if cache is None:
        parts = [read_subset(one, bands) for one in folders]
        pixels, target = (
            parts[0]
            if len(parts) == 1
            else map(np.concatenate, zip(*parts, strict=True))
        )
        sha256 = content_sha256(pixels, target)
    elif dtype != "uint8":
        raise ValueError(
            f"cache keeps bytes, and dtype={dtype!r} would be a copy of all in memory. "
            "Pass dtype='uint8': nets make batches of floats of them."
        )
    else:
        pixels, target, sha256 = read_through(cache, folders, subset, bands)
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
        sha256=sha256,
        DESCR=(
            f"droughtwatch, {subset}: Landsat 8 tiles of 65 x 65 pixels, bands "
            f"{', '.join(map(str, bands))}, labelled by the cows they can feed. "
            f"{HOMEPAGE}."
        ),
    )
