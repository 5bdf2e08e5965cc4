"""The 27 sets of imbalanced-learn, with the provenance of each file."""

import hashlib
import io
import math
import os
import tarfile
import tempfile
import warnings
import zlib
from http.client import HTTPException
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from imblearn.datasets import fetch_datasets
from sklearn.datasets import get_data_home

from imbdeep.datasets._bounded import NUMBER_BYTES, read_at_most, read_npz
from imbdeep.datasets._bunch import check_names, make_bunch, read_path
from imbdeep.datasets._imblearn27_table import (
    IMBLEARN27,
    IMBLEARN27_SHARED_ROWS,
    REBUILT_FROM,
    SHA256,
)

# Errors of an unreachable host, a lost connection or a truncated archive, from urllib,
# gzip, tarfile and NumPy. URLError and timeouts are OSErrors.
DOWNLOAD_ERRORS = (
    OSError,
    HTTPException,
    tarfile.TarError,
    EOFError,
    zlib.error,
    BadZipFile,
    ValueError,
)


def _provenance(entry, sha256):
    """Return what a file's hash proves; `sha256` is None for a missing file."""
    if sha256 is None:
        return "missing"
    if sha256 != SHA256.get(entry.id):
        return "unverified"
    return "rebuilt" if entry.name in REBUILT_FROM else "original"


def _provenance_sentence(entry, provenance):
    if provenance == "original":
        return "The file is the collection's own: its hash is the recorded one."
    if provenance == "rebuilt":
        return (
            f"The file is not the collection's own. It was rebuilt from "
            f"{REBUILT_FROM[entry.name]}; equality with the collection's file has not "
            "been shown."
        )
    if entry.id not in SHA256:
        return "The file is unverified: no hash is recorded for this set."
    if entry.name in REBUILT_FROM:
        return (
            "The file is unverified: only the hash of a rebuilt file is recorded for "
            "this set, so the collection's own file cannot be told from another."
        )
    return "The file is unverified: its hash is not the recorded one."


def _partners(name):
    return tuple(
        other
        for pair in IMBLEARN27_SHARED_ROWS
        if name in pair
        for other in pair
        if other != name
    )


def _parse(content, entry):
    """Return the data and labels in the bytes of an npz file of the collection."""
    shape = entry.n_samples, entry.n_features
    arrays = read_npz(
        io.BytesIO(content), {"data": math.prod(shape), "label": entry.n_samples}
    )
    X, y = arrays["data"].astype(np.float64, copy=False), arrays["label"]
    if X.shape != shape or y.shape != shape[:1]:
        raise ValueError(
            f"data of shape {X.shape} with labels of shape {y.shape}, where the set "
            f"has {shape[0]} rows and {shape[1]} columns"
        )
    if n_odd := X.size - np.isfinite(X).sum():
        raise ValueError(f"{n_odd} values that are not finite, where the set has none")
    if set(np.unique(y).tolist()) != {-1, 1}:
        raise ValueError("labels other than -1 and 1, or only one of them")
    if not _has_minority(entry, n_minority := (y == 1).sum()):
        raise ValueError(
            f"{n_minority} rows of the minority, where the set has {entry.n_minority}"
        )
    return X, y


def _has_minority(entry, n_minority):
    """Return whether a set has as many minority rows as its entry says."""
    if entry.id in SHA256 and entry.name not in REBUILT_FROM:
        return n_minority == entry.n_minority
    # The entry's count is that of a file other than the collection's own.
    return abs(n_minority - entry.n_minority) <= 0.1 * entry.n_minority


def _load(entry, folder):
    n_numbers = entry.n_samples * (entry.n_features + 1)
    with (folder / entry.file_name).open("rb") as file:
        try:
            # The size of an uncompressed file, plus room for headers.
            content = read_at_most(file, NUMBER_BYTES * n_numbers + 4096)
            X, y = _parse(content, entry)
        # Damaged bytes make numpy and zipfile raise nearly anything: BadZipFile,
        # KeyError, zlib.error, TokenError, NotImplementedError, ...
        except Exception as error:
            raise ValueError(
                f"The file of {entry.name!r} is truncated or corrupt ({error}); delete "
                f"{folder / entry.file_name} and load the set again."
            ) from error
    sha256 = hashlib.sha256(content).hexdigest()
    provenance = _provenance(entry, sha256)
    return make_bunch(
        X,
        y,
        name=entry.name,
        id=entry.id,
        provenance=provenance,
        sha256=sha256,
        shares_rows_with=_partners(entry.name),
        DESCR=(
            f"{entry.name}, set {entry.id} of the imbalanced-learn collection "
            f"({entry.origin}). {_provenance_sentence(entry, provenance)}"
        ),
    )


def _folder_of(data_home):
    if data_home is not None:
        data_home = read_path("data_home", data_home)
    return Path(get_data_home(data_home)) / "zenodo"


def _missing(entries, folder):
    return [entry for entry in entries if not (folder / entry.file_name).is_file()]


def _required(missing, names):
    """Return the sets that a call requires: those named, or at least one of all."""
    return missing if names is not None or len(missing) == len(IMBLEARN27) else []


def _download(entry, folder):
    """Fetch the archive of all sets, and add the files that `folder` lacks.

    The archive is unpacked beside the cache: an interrupted download leaves no partial
    file there, and existing files are not replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        fetch_datasets(data_home=fresh, filter_data=(entry.name,))
        for missing in _missing(IMBLEARN27.values(), folder):
            arrived = Path(fresh, "zenodo", missing.file_name)
            if arrived.is_file():
                os.replace(arrived, folder / missing.file_name)


def _cannot_load(entries, folder, reason):
    names = ", ".join(entry.name for entry in entries)
    files = ", ".join(entry.file_name for entry in entries)
    return OSError(
        f"Cannot load {names}: not in the cache {folder} and {reason}; put {files} "
        "there, try again with a connection, or name other sets."
    )


def load_imblearn27(names=None, data_home=None, *, download_if_missing=True):
    """Load the 27 imbalanced sets of imbalanced-learn, with their provenance.

    The files are those of :func:`imblearn.datasets.fetch_datasets`, in the same place:
    each function finds what the other has downloaded.

    Parameters
    ----------
    names : str or list of str, default=None
        The sets to load, see `IMBLEARN27_NAMES`. None loads all sets in the cache.

    data_home : str or path-like, default=None
        Folder whose sub-folder `zenodo` holds the files. None takes scikit-learn's:
        the environment variable `SCIKIT_LEARN_DATA`, else `~/scikit_learn_data`.

    download_if_missing : bool, default=True
        Whether to download the collection, a single archive of all sets, if a named set
        is missing or the cache has no set at all. With ``names=None``, a cache with
        only some of the sets is used as it is. A call tries at most once. Files already
        in the cache are kept.

    Returns
    -------
    datasets : dict of str to :class:`~sklearn.utils.Bunch`
        In the order of `names`, each with

        - `data` : ndarray of shape (n_samples, n_features), float64
        - `target` : ndarray of shape (n_samples,), -1 and 1 (the minority)
        - `name`, `id` : the set's name and its number in the collection
        - `n_samples`, `n_features`, `n_minority`, `ratio` : sizes of the loaded data
        - `provenance` : 'original' if the file's hash is that of the collection's own
          file, 'rebuilt' if it is that of a file rebuilt from the original sources,
          else 'unverified'
        - `sha256` : hash of the file
        - `shares_rows_with` : tuple of the names of sets with the same rows
        - `DESCR` : a description

    Raises
    ------
    ValueError
        If a name is unknown, or a file is truncated or corrupt: if it has the wrong
        number of rows, columns or labels, or a value is not finite.
    OSError
        If a named set is missing and cannot be downloaded, or if there is no set at
        all.

    Warns
    -----
    UserWarning
        With ``names=None``, if sets are left out because they are missing.

    See Also
    --------
    imblearn27_status : The state of the cache, without loading or downloading.
    load_embedded_suite : Small sets that need no download.
    describe_duplicates : Counts copies of rows; some of these sets have many.

    Notes
    -----
    For isolet, scene, coil_2000 and webpage, only the hash of a rebuilt file is
    recorded, and for protein_homo none: for these five, the collection's own file is
    reported as 'unverified'.

    abalone and abalone_19 have the same rows, and so do car_eval_34 and car_eval_4: the
    27 sets have 25 sources.

    Examples
    --------
    >>> from imbdeep.datasets import load_imblearn27
    >>> ecoli = load_imblearn27("ecoli")["ecoli"]  # doctest: +SKIP
    >>> ecoli.data.shape, ecoli.n_minority, ecoli.provenance  # doctest: +SKIP
    ((336, 7), 35, 'original')
    """
    chosen = IMBLEARN27 if names is None else check_names(names, IMBLEARN27)
    entries = [IMBLEARN27[name] for name in chosen]
    folder = _folder_of(data_home)
    missing = _missing(entries, folder)
    required = _required(missing, names)

    if required and not download_if_missing:
        raise _cannot_load(required, folder, "download_if_missing=False")
    if required:
        try:
            _download(required[0], folder)
        except DOWNLOAD_ERRORS as error:
            reason = f"the download failed ({type(error).__name__}: {error})"
            raise _cannot_load(required, folder, reason) from error
        missing = _missing(entries, folder)
        required = _required(missing, names)
    if required:
        raise _cannot_load(required, folder, "not in the download either")
    if missing:
        warnings.warn(
            f"Left out {len(missing)} of the {len(entries)} sets, missing from the "
            f"cache: {', '.join(entry.name for entry in missing)}. Name them to "
            "download them, or name the others to go without.",
            UserWarning,
            stacklevel=2,
        )
    return {
        entry.name: _load(entry, folder) for entry in entries if entry not in missing
    }


def _file_sha256(path):
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def imblearn27_status(data_home=None):
    """List which of the 27 sets are in the cache, and the provenance of their files.

    Nothing is downloaded, and of each file only its hash is used.

    Parameters
    ----------
    data_home : str or path-like, default=None
        As in :func:`load_imblearn27`.

    Returns
    -------
    status : DataFrame
        Indexed by `name`, in the order of the collection, with columns `id`,
        `n_samples`, `n_features`, `n_minority`, `ratio` (the recorded sizes, even for a
        missing or unverified file), `provenance` ('original', 'rebuilt', 'unverified'
        or 'missing') and `sha256` (None if missing).

    See Also
    --------
    load_imblearn27 : Load the sets.

    Examples
    --------
    >>> from imbdeep.datasets import imblearn27_status
    >>> status = imblearn27_status()
    >>> len(status)
    27
    >>> status.loc["ecoli", ["n_samples", "n_minority"]].tolist()
    [336, 35]
    """
    folder = _folder_of(data_home)
    rows = []
    for entry in IMBLEARN27.values():
        sha256 = _file_sha256(folder / entry.file_name)
        rows.append(
            {
                "name": entry.name,
                "id": entry.id,
                "n_samples": entry.n_samples,
                "n_features": entry.n_features,
                "n_minority": entry.n_minority,
                "ratio": entry.ratio,
                "provenance": _provenance(entry, sha256),
                "sha256": sha256,
            }
        )
    return pd.DataFrame(rows).set_index("name")
