"""CIFAR-10 and CIFAR-100 from a folder."""

import hashlib
from typing import NamedTuple

import numpy as np

from imbdeep.datasets._bunch import (
    check_choice,
    content_sha256,
    make_bunch,
    scale_bytes,
)
from imbdeep.datasets._byte_pickles import read_pickled_dict
from imbdeep.datasets._cifar_files import HOMEPAGE, parse, read_files

SUBSETS = ("train", "test", "all")
DTYPES = ("float32", "uint8")


class Source(NamedTuple):
    """Layout of a set, in its archive and in the folder that it unpacks to."""

    name: str
    archive: str
    folder: str
    train: tuple
    test: tuple
    meta: str
    n_rows: dict
    md5: dict

    def parts(self, subset):
        """Return the names of the files of a subset."""
        return {"train": self.train, "test": self.test, "all": self.train + self.test}[
            subset
        ]

    def most_bytes(self, name):
        """Return the most bytes of a file: pixels, labels, name take 3106 per row."""
        return 3200 * self.n_rows.get(name, 0) + 16_384

    def most_opcodes(self, name):
        """Return the most opcodes of a file: labels and name take five per row."""
        return 10 * self.n_rows.get(name, 0) + 4096


CIFAR10 = Source(
    name="CIFAR-10",
    archive="cifar-10-python.tar.gz",
    folder="cifar-10-batches-py",
    train=tuple(f"data_batch_{i}" for i in range(1, 6)),
    test=("test_batch",),
    meta="batches.meta",
    n_rows=dict.fromkeys([f"data_batch_{i}" for i in range(1, 6)], 10_000)
    | {"test_batch": 10_000},
    md5={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
        "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    },
)

CIFAR100 = Source(
    name="CIFAR-100",
    archive="cifar-100-python.tar.gz",
    folder="cifar-100-python",
    train=("train",),
    test=("test",),
    meta="meta",
    n_rows={"train": 50_000, "test": 10_000},
    md5={
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
        "meta": "7973b15100ade9c7d40fb424638fde48",
    },
)


def parse_part(content, most, label_key, n_classes):
    """Return the images and labels in a file."""
    batch = read_pickled_dict(content, most)
    rows, labels = batch[b"data"], batch[label_key]
    if rows.ndim != 2 or rows.shape[1] != 3 * 32 * 32:
        raise ValueError(f"data of shape {rows.shape}")
    # A short pickle can hold the same list many times over, which is large as an array.
    if not all(isinstance(label, int) for label in labels):
        raise ValueError(f"labels that are not {len(rows)} integers")
    labels = np.array(labels)
    if labels.shape != (len(rows),) or labels.dtype.kind != "i":
        raise ValueError(f"labels that are not {len(rows)} integers")
    if len(labels) and not 0 <= labels.min() <= labels.max() < n_classes:
        raise ValueError(f"labels that are not among the {n_classes} names")
    return rows.reshape(-1, 3, 32, 32), labels.astype(np.int64)


def parse_names(content, most, names_key):
    """Return the names of the classes."""
    names = read_pickled_dict(content, most)[names_key]
    return [name.decode("ascii") for name in names]


def load_cifar(folder, source, kind, subset, dtype):
    """Load a set whose keys start with the kind of label."""
    check_choice("subset", subset, SUBSETS)
    check_choice("dtype", dtype, DTYPES)
    names = source.parts(subset)
    contents = read_files(folder, source, [*names, source.meta])
    names_key = f"{kind}label_names".encode()
    target_names = parse(
        parse_names,
        folder,
        source,
        source.meta,
        contents[source.meta],
        source.most_opcodes(source.meta),
        names_key,
    )
    label_key, n_classes = f"{kind}labels".encode(), len(target_names)
    parts = [
        parse(
            parse_part,
            folder,
            source,
            name,
            contents[name],
            source.most_opcodes(name),
            label_key,
            n_classes,
        )
        for name in names
    ]
    pixels, target = map(np.concatenate, zip(*parts, strict=True))
    is_original = all(
        # Without usedforsecurity=False, Python in FIPS mode refuses MD5.
        hashlib.md5(content, usedforsecurity=False).hexdigest() == source.md5[name]
        for name, content in contents.items()
    )
    return make_bunch(
        scale_bytes(pixels, dtype),
        target,
        target_names=target_names,
        name=source.name,
        subset=subset,
        provenance="original" if is_original else "unverified",
        sha256=content_sha256(pixels, target),
        DESCR=(
            f"{source.name}, {subset}: colour photographs of 32 x 32 pixels in "
            f"{n_classes} classes. A. Krizhevsky, {HOMEPAGE}."
        ),
    )


def load_cifar10(folder, *, subset="train", dtype="float32"):
    """Load CIFAR-10 [1]_ from a folder.

    Nothing is downloaded: get ``cifar-10-python.tar.gz`` from
    https://www.cs.toronto.edu/~kriz/cifar.html.

    Parameters
    ----------
    folder : str or path-like
        Holds ``cifar-10-python.tar.gz`` or the folder ``cifar-10-batches-py`` that it
        unpacks to; or the path of either.

    subset : {'train', 'test', 'all'}, default='train'
        Rows to load: the 50 000 training rows, the 10 000 test rows, or the former
        followed by the latter.

    dtype : {'float32', 'uint8'}, default='float32'
        'float32' gives pixels in [0, 1], 'uint8' the original 0 to 255, which take a
        quarter of the memory.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        With

        - `data` : ndarray of shape (n_samples, 3, 32, 32); channels red, green, blue
        - `target` : ndarray of shape (n_samples,), 0 to 9
        - `target_names` : list of class names
        - `name`, `subset` : the set and the subset
        - `n_samples`, `n_features`, `n_minority`, `ratio` : sizes
        - `provenance` : 'original' if the hashes of the files match the published
          ones, else 'unverified'
        - `sha256` : hash of the bytes of the pixels followed by those of `target`
        - `DESCR` : a description

    Raises
    ------
    ValueError
        If `subset` or `dtype` is unknown, or a file is truncated, corrupt or wrong.
    FileNotFoundError
        If the archive or a file does not exist.

    See Also
    --------
    load_cifar100 : The same with 100 classes.
    make_imbalanced : Make it imbalanced.

    Notes
    -----
    The files are pickles, which can call any Python function when they are read. The
    reader used here knows only three names, those in the pickle of an array of bytes,
    and replaces them by classes that only keep their arguments. It refuses a file that
    asks for anything else before anything is called. From an archive, it reads the
    files of the set in memory, by their full names, and writes nothing to disk, so
    malicious paths have no effect.

    References
    ----------
    .. [1] A. Krizhevsky. "Learning multiple layers of features from tiny images".
       Technical report, University of Toronto, 2009.

    Examples
    --------
    >>> from imbdeep.datasets import load_cifar10, make_imbalanced
    >>> cifar = load_cifar10("data")  # doctest: +SKIP
    >>> X, y = make_imbalanced(
    ...     cifar.data, cifar.target, "step", 100, random_state=0
    ... )  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (25250, 3, 32, 32)
    """
    return load_cifar(folder, CIFAR10, "", subset, dtype)


def load_cifar100(folder, labels="fine", *, subset="train", dtype="float32"):
    """Load CIFAR-100 [1]_ from a folder.

    Nothing is downloaded: get ``cifar-100-python.tar.gz`` from
    https://www.cs.toronto.edu/~kriz/cifar.html.

    Parameters
    ----------
    folder : str or path-like
        Holds ``cifar-100-python.tar.gz`` or the folder ``cifar-100-python`` that it
        unpacks to; or the path of either.

    labels : {'fine', 'coarse'}, default='fine'
        The 100 classes, or the 20 groups of five that they form.

    subset : {'train', 'test', 'all'}, default='train'
        Rows to load: the 50 000 training rows, the 10 000 test rows, or the former
        followed by the latter.

    dtype : {'float32', 'uint8'}, default='float32'
        'float32' gives pixels in [0, 1], 'uint8' the original 0 to 255, which take a
        quarter of the memory.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        With the fields of :func:`load_cifar10`.

    Raises
    ------
    ValueError
        If `labels`, `subset` or `dtype` is unknown, or a file is truncated, corrupt or
        wrong.
    FileNotFoundError
        If the archive or a file does not exist.

    See Also
    --------
    load_cifar10 : The same with ten classes, and why reading it is safe.
    make_imbalanced : Make it imbalanced.

    References
    ----------
    .. [1] A. Krizhevsky. "Learning multiple layers of features from tiny images".
       Technical report, University of Toronto, 2009.

    Examples
    --------
    >>> from imbdeep.datasets import load_cifar100
    >>> cifar = load_cifar100("data", subset="test")  # doctest: +SKIP
    >>> cifar.data.shape, cifar.target_names[:3]  # doctest: +SKIP
    ((10000, 3, 32, 32), ['apple', 'aquarium_fish', 'baby'])
    """
    check_choice("labels", labels, ("fine", "coarse"))
    return load_cifar(folder, CIFAR100, f"{labels}_", subset, dtype)
