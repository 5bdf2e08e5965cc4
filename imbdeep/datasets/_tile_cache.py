"""Tiles kept as a mapped file, which is read as it is needed."""

import hashlib
import io
import json

import numpy as np

from imbdeep._files import replacing, write_files
from imbdeep.datasets._bounded import check_npy
from imbdeep.datasets._bunch import content_sha256


def paths_of(folder, name):
    """Files of a set of tiles: the tiles, their labels, and what both should be."""
    return (
        folder / f"{name}.npy",
        folder / f"{name}-target.npy",
        folder / f"{name}.json",
    )


def source_of(folders, files):
    """Folders and the files in them, by which a later change is noticed."""
    stats = [(path, path.stat()) for path in files]
    return {
        "folders": [str(folder.resolve()) for folder in folders],
        "files": [[path.name, info.st_size, info.st_mtime_ns] for path, info in stats],
    }


def is_kept_for(folder, name, source):
    """Whether tiles are kept that were read from such files.

    Parameters
    ----------
    folder : Path
    name : str
    source : dict
        See :func:`source_of`. Without files they are gone, which is no change.

    Raises
    ------
    ValueError
        If the description of the tiles cannot be read.
    """
    paths = paths_of(folder, name)
    if not all(path.is_file() for path in paths):
        return False
    kept = read_description(paths[-1])["source"]
    if not source["files"]:
        return kept["folders"] == source["folders"]
    return kept == source


def read_description(path):
    """Source and hash of the tiles that are kept."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        source = {key: list(kept["source"][key]) for key in ("folders", "files")}
        return {"source": source, "sha256": str(kept["sha256"])}
    # Damaged bytes raise many things.
    except Exception as error:
        raise damaged(path, error) from error


def damaged(path, error):
    return ValueError(
        f"{path} is no file that load_droughtwatch has kept, or is damaged "
        f"({type(error).__name__}: {error}); delete it, and it is written again."
    )


def keep_tiles(folder, name, source, n_tiles, shape, parts):
    """Write tiles into files, a part at a time.

    Parameters
    ----------
    folder : Path
        Made if need be.
    name : str
    source : dict
        See :func:`source_of`.
    n_tiles : int
    shape : tuple of int
        Of a tile.
    parts : iterable of tuple (pixels, labels)
        uint8 of shape (k, *shape), and int of shape (k,).

    Raises
    ------
    ValueError
        If there are more or fewer than ``n_tiles``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tiles_path, target_path, description_path = paths_of(folder, name)
    # Last to be written: without it nothing is kept.
    description_path.unlink(missing_ok=True)
    digest, targets = hashlib.sha256(), [np.zeros(0, np.int64)]
    header = {"descr": "|u1", "fortran_order": False, "shape": (n_tiles, *shape)}
    with replacing(tiles_path) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for pixels, labels in parts:
            block = np.ascontiguousarray(pixels)
            digest.update(block)
            file.write(block)
            targets.append(labels)
        target = np.concatenate(targets).astype(np.int64)
        if len(target) != n_tiles:
            raise ValueError(
                f"there are {len(target)} tiles where {n_tiles} were counted"
            )
    digest.update(target)
    buffer = io.BytesIO()
    np.save(buffer, target)
    description = {"source": source, "sha256": digest.hexdigest()}
    write_files(
        {
            target_path: buffer.getvalue(),
            description_path: json.dumps(description),
        }
    )


def map_tiles(folder, name, shape, most):
    """Tiles that are kept, as a read-only mapped file, and their labels.

    Parameters
    ----------
    folder : Path
    name : str
    shape : tuple of int
        Of a tile.
    most : int
        Most tiles there may be.

    Returns
    -------
    X : memmap of shape (n, *shape), uint8
    y : ndarray of shape (n,), int64
    sha256 : str
        Of both, see :func:`content_sha256`.

    Raises
    ------
    ValueError
        If a file is missing or damaged, or is not what was written.
    """
    tiles_path, target_path, description_path = paths_of(folder, name)
    kept = read_description(description_path)
    try:
        check_npy(tiles_path, most * int(np.prod(shape)))
        check_npy(target_path, most)
        X = np.load(tiles_path, mmap_mode="r", allow_pickle=False)
        y = np.load(target_path, allow_pickle=False)
        if X.shape != (len(y), *shape) or X.dtype != np.uint8 or y.dtype != np.int64:
            raise ValueError(f"tiles of shape {X.shape} with {len(y)} labels")
        if content_sha256(X, y) != kept["sha256"]:
            raise ValueError("its content is not what was written")
    # Damaged bytes make numpy raise nearly anything.
    except Exception as error:
        raise damaged(tiles_path, error) from error
    return X, y, kept["sha256"]
