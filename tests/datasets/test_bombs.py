"""Files that ask for more memory than their format needs are refused, and get none."""

import pickle
import struct
import tarfile
import zipfile

import numpy as np
import pytest

from imbdeep.datasets import (
    load_cifar10,
    load_cifar100,
    load_droughtwatch,
    load_imblearn27,
    load_usps,
)
from imbdeep.datasets._bounded import read_npz
from imbdeep.datasets._cifar import CIFAR10, CIFAR100
from imbdeep.datasets._imblearn27_table import IMBLEARN27

from .bombs import (
    LARGE,
    MOST_BYTES,
    NPY_BOMBS,
    large_member,
    npy_header,
    peak_bytes,
    sparse_member,
    write_archive_bomb,
    write_hole,
    write_npz_bomb,
)
from .test_byte_pickles import (
    integer,
    python2_pickle,
    read_pickled_dict,
    text,
    with_value,
)
from .test_cifar import N_ROWS, files10, pixels, write_folder
from .test_droughtwatch import labels, tiles, write_arrays


def assert_refused_at_once(read, match):
    def refused():
        with pytest.raises(ValueError, match=match):
            read()

    assert peak_bytes(refused) < MOST_BYTES


# --- Arrays --------------------------------------------------------------------------


@pytest.mark.parametrize("bomb", NPY_BOMBS.values(), ids=NPY_BOMBS)
def test_npz_of_the_27_sets(tmp_path, bomb):
    write_npz_bomb(tmp_path / "zenodo" / "x1data.npz", bomb)
    assert_refused_at_once(
        lambda: load_imblearn27("ecoli", tmp_path), "'ecoli' is truncated or corrupt"
    )


@pytest.mark.parametrize("bomb", NPY_BOMBS.values(), ids=NPY_BOMBS)
def test_npz_of_usps(tmp_path, bomb):
    write_npz_bomb(tmp_path / "usps.npz", bomb)
    assert_refused_at_once(lambda: load_usps(tmp_path), "cannot be read")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_have_no_bounds(tmp_path, compression):
    path = write_npz_bomb(tmp_path / "a.npz", NPY_BOMBS["claim"], compression)
    with pytest.raises(ValueError, match="array data is compressed in an unusual way"):
        read_npz(path, {"data": 10})


@pytest.mark.parametrize("compress", [np.savez, np.savez_compressed])
def test_arrays_within_their_bounds_are_read(tmp_path, compress):
    arrays = {"data": np.arange(6.0).reshape(2, 3), "n": np.array(7)}
    compress(tmp_path / "a.npz", other=np.ones(9), **arrays)
    read = read_npz(tmp_path / "a.npz", {"data": 6, "n": 1, "absent": 1})
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array, strict=True)
    with pytest.raises(ValueError, match=r"shape \(2, 3\).*should have 5 numbers"):
        read_npz(tmp_path / "a.npz", {"data": 5})


def test_hole_in_place_of_one_of_the_27_sets(tmp_path):
    write_hole(tmp_path / "zenodo" / "x1data.npz", 16 * LARGE)
    assert_refused_at_once(
        lambda: load_imblearn27("ecoli", tmp_path), r"bytes, and should have .* at most"
    )


@pytest.mark.parametrize(
    ("name", "n_bytes", "head"),
    [
        # X.npy is mapped, and its shape is compared before it is read.
        ("y.npy", 16 * LARGE, npy_header((2 * LARGE - 16,), "<i8")),
        ("y.npy", LARGE + 12, NPY_BOMBS["long_header"][0]),
        ("X.npy", LARGE + 12, NPY_BOMBS["long_header"][0]),
    ],
)
def test_holes_in_arrays_of_tiles(tmp_path, name, n_bytes, head):
    write_arrays(tmp_path / "train", tiles(0), labels(0))
    write_hole(tmp_path / "train" / name, n_bytes, head)
    assert_refused_at_once(lambda: load_droughtwatch(tmp_path), "no readable pair")


def test_record_that_claims_to_be_long(tmp_path):
    pytest.importorskip("tfrecord.reader")
    part = tmp_path / "train" / "part-r-00000"
    write_hole(part, 100, struct.pack("<Q", LARGE))
    assert_refused_at_once(
        lambda: load_droughtwatch(tmp_path), f"it has a record of {LARGE} bytes"
    )


# --- CIFAR ---------------------------------------------------------------------------

TRAIN = f"{CIFAR100.folder}/train"


@pytest.mark.parametrize(
    ("header", "n_zeros", "message"),
    [
        (sparse_member(TRAIN, 4 * 1024**3), 0, "lacks the files"),
        (large_member(f"{CIFAR100.folder}/meta"), LARGE, "its meta has"),
        (large_member("long", tarfile.GNUTYPE_LONGNAME), LARGE, "headers are too long"),
        (large_member("pax", tarfile.XHDTYPE), LARGE, "headers are too long"),
    ],
    ids=["hole", "zeros", "name", "pax"],
)
def test_archives(tmp_path, header, n_zeros, message):
    path = write_archive_bomb(tmp_path / CIFAR100.archive, header, n_zeros)
    assert path.stat().st_size < 2**20
    assert_refused_at_once(lambda: load_cifar100(tmp_path), message)


def test_hole_in_the_folder(tmp_path):
    inner = write_folder(tmp_path, CIFAR10, files10())
    write_hole(inner / "data_batch_2", 16 * LARGE)
    assert_refused_at_once(
        lambda: load_cifar10(tmp_path), r"file data_batch_2 .*should have .* at most"
    )


def nested_labels():
    """Three short lists, each of them many times in the next: 200 million labels."""
    nested = [0] * 1000
    for n_times in (1000, 200):
        nested = [nested] * n_times
    labels = text(b"labels") + pickle.dumps(nested, 2)[2:-1]
    return python2_pickle({b"data": pixels(0)}).removesuffix(b"u.") + labels + b"u."


PICKLES = {
    "a place in the memo": (
        with_value(integer(1) + b"r" + struct.pack("<I", LARGE)),
        f"skips to place {LARGE}",
    ),
    "a place in the memo, as text": (
        with_value(integer(1) + b"p%d\n" % LARGE),
        f"skips to place {LARGE}",
    ),
    "empty lists": (b"\x80\x02" + b"]" * 3_000_000 + b".", "more than 104096 opcodes"),
    "labels in lists in lists": (nested_labels(), "not 12 integers"),
}


@pytest.mark.parametrize(("content", "message"), PICKLES.values(), ids=PICKLES)
def test_pickles(tmp_path, content, message):
    write_folder(tmp_path, CIFAR10, {**files10(), "test_batch": content})
    assert_refused_at_once(
        lambda: load_cifar10(tmp_path, subset="test"), f"file test_batch .*{message}"
    )


def test_memo_as_python_2_counts_it():
    # cPickle begins at place 1, pickle at 0.
    for first in (0, 1):
        rows = b"".join(
            text(b"%d.png" % row) + b"q" + bytes([first + row]) for row in range(N_ROWS)
        )
        content = with_value(b"](" + rows + b"e")
        assert read_pickled_dict(content) == {
            b"data": [b"%d.png" % row for row in range(N_ROWS)]
        }


# --- The 27 sets by their own table --------------------------------------------------


def write_ecoli(folder, n_rows=336, n_columns=7, n_minority=35, odd=None):
    data = np.random.RandomState(0).rand(n_rows, n_columns)
    if odd is not None:
        data[3, 1] = odd
    label = np.repeat([1, -1], [n_minority, n_rows - n_minority])
    (folder / "zenodo").mkdir()
    np.savez(folder / "zenodo" / "x1data.npz", data=data, label=label)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_rows": 25, "n_columns": 4, "n_minority": 4}, r"\(25, 4\).*336 rows and 7"),
        ({"n_columns": 6}, r"shape \(336, 6\)"),
        ({"odd": np.nan}, "1 values that are not finite"),
        ({"odd": np.inf}, "1 values that are not finite"),
        ({"n_minority": 34}, "34 rows of the minority, where the set has 35"),
        ({"n_minority": 301}, "301 rows of the minority, where the set has 35"),
    ],
)
def test_another_table_does_not_load_as_ecoli(tmp_path, changes, message):
    write_ecoli(tmp_path, **changes)
    with pytest.raises(ValueError, match=f"'ecoli' is truncated or corrupt.*{message}"):
        load_imblearn27("ecoli", tmp_path)


def test_a_table_like_ecoli_loads_unverified(tmp_path):
    write_ecoli(tmp_path)
    ecoli = load_imblearn27("ecoli", tmp_path)["ecoli"]
    assert (ecoli.provenance, ecoli.data.shape) == ("unverified", (336, 7))


@pytest.mark.parametrize(("n_minority", "loads"), [(170, True), (150, False)])
def test_sets_whose_own_file_was_not_at_hand_may_have_other_labels(
    tmp_path, n_minority, loads
):
    scene = IMBLEARN27["scene"]
    label = np.repeat([1, -1], [n_minority, scene.n_samples - n_minority])
    data = np.zeros((scene.n_samples, scene.n_features))
    (tmp_path / "zenodo").mkdir()
    np.savez(tmp_path / "zenodo" / scene.file_name, data=data, label=label)
    if loads:
        bunch = load_imblearn27("scene", tmp_path)["scene"]
        assert bunch.n_minority == n_minority
    else:
        with pytest.raises(ValueError, match=r"150 rows of the minority, where .* 177"):
            load_imblearn27("scene", tmp_path)
