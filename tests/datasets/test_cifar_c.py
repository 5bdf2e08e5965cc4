"""The reader of CIFAR-10-C, with small files of its format."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from imbdeep.datasets import load_cifar_c


@pytest.fixture
def files(tmp_path):
    """Ten images in each of five severities."""
    rng = np.random.RandomState(0)
    folder = tmp_path / "CIFAR-10-C"
    folder.mkdir()
    fog = rng.randint(256, size=(50, 32, 32, 3)).astype(np.uint8)
    np.save(folder / "fog.npy", fog)
    np.save(folder / "labels.npy", np.tile(np.arange(10) % 4, 5).astype(np.uint8))
    return folder, fog


@pytest.mark.parametrize("severity", [1, 5])
def test_a_severity_is_its_rows(files, severity):
    folder, fog = files
    rows = slice(10 * (severity - 1), 10 * severity)
    for given in (folder, str(folder), folder.parent):
        loaded = load_cifar_c(given, "fog", severity)
        assert_array_equal(loaded.data, fog[rows].transpose(0, 3, 1, 2))
        assert_array_equal(loaded.target, np.arange(10) % 4)
    assert loaded.data.dtype == np.uint8 and loaded.target.dtype == np.int64
    assert isinstance(loaded.data, np.memmap)
    assert (loaded.name, loaded.n_samples, loaded.severity) == (
        "CIFAR-10-C",
        10,
        severity,
    )


def test_more_labels_are_those_of_the_larger_set(files):
    folder, _ = files
    np.save(folder / "labels.npy", np.tile(np.arange(10) * 7, 5).astype(np.uint8))
    assert load_cifar_c(folder, "fog").name == "CIFAR-100-C"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (("snow", 1), r"corruption must be one of \['fog'\], got 'snow'"),
        (("labels", 1), "corruption must be"),
        (("../fog", 1), "corruption must be"),
        (("fog", 6), "severity must be"),
    ],
)
def test_what_there_is_none_of(files, told, message):
    with pytest.raises(ValueError, match=message):
        load_cifar_c(files[0], *told)


def test_a_folder_without_the_files_says_where_to_get_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no labels.npy in .*zenodo.org"):
        load_cifar_c(tmp_path, "fog")


def test_two_sets_in_a_folder(files):
    other = files[0].parent / "CIFAR-100-C"
    other.mkdir()
    np.save(other / "labels.npy", np.zeros(50, np.uint8))
    with pytest.raises(
        ValueError, match=r"several sets: \['CIFAR-10-C', 'CIFAR-100-C'\]"
    ):
        load_cifar_c(files[0].parent, "fog")


def pickled(path):
    np.save(path, np.array([{"a": 1}] * 50, dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (pickled, r"fog.npy cannot be read \(.*objects.*unpack"),
        (lambda path: path.write_bytes(b"\x93NUMPY"), "fog.npy cannot be read"),
        (lambda path: path.write_bytes(b""), "fog.npy cannot be read"),
        (lambda path: np.save(path, np.zeros((50, 32, 32, 3))), "float64 of shape"),
        (lambda path: np.save(path, np.zeros((50, 32), np.uint8)), "with 4 axes"),
        (
            lambda path: np.save(path, np.zeros((49, 32, 32, 3), np.uint8)),
            "images of shape .*49.* 50 labels",
        ),
        (
            lambda path: np.save(path, np.zeros((50, 3, 32, 32), np.uint8)),
            "images of shape .* 50 labels",
        ),
    ],
    ids=["pickled", "cut", "empty", "floats", "flat", "fewer", "bands first"],
)
def test_files_that_are_damaged_or_of_another_kind(files, write, message):
    path = files[0] / "fog.npy"
    path.unlink()
    write(path)
    with pytest.raises(ValueError, match=message):
        load_cifar_c(files[0], "fog")
