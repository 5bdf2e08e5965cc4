"""CIFAR from small files in the format of the published ones."""

import hashlib
import io
import os
import pickle
import tarfile

import numpy as np
import pytest

from imbdeep.datasets import load_cifar10, load_cifar100
from imbdeep.datasets._cifar import CIFAR10, CIFAR100, HOMEPAGE
from tests.datasets.test_byte_pickles import Attack, python2_pickle

NAMES10 = [b"airplane", b"automobile", b"bird", b"cat", b"deer", b"dog", b"frog",
           b"horse", b"ship", b"truck"]  # fmt: skip
FINE = [f"fine_{i}".encode() for i in range(100)]
COARSE = [f"coarse_{i}".encode() for i in range(20)]
N_ROWS = 12


def pixels(seed):
    return np.random.RandomState(seed).randint(0, 256, (N_ROWS, 3072)).astype(np.uint8)


def files10():
    """Content of the files of CIFAR-10; file number i has images of seed i."""
    files = {"batches.meta": python2_pickle({b"label_names": NAMES10})}
    for i, name in enumerate([*CIFAR10.train, *CIFAR10.test]):
        labels = [(i + row) % 10 for row in range(N_ROWS)]
        images = [b"%d.png" % row for row in range(N_ROWS)]
        items = {b"data": pixels(i), b"labels": labels, b"filenames": images}
        files[name] = python2_pickle({b"batch_label": b"a batch", **items})
    return files


def files100():
    names = {b"fine_label_names": FINE, b"coarse_label_names": COARSE}
    files = {"meta": python2_pickle(names)}
    for i, name in enumerate(["train", "test"]):
        labels = {
            b"fine_labels": [(50 * i + 3 * row) % 100 for row in range(N_ROWS)],
            b"coarse_labels": [(i + row) % 20 for row in range(N_ROWS)],
        }
        files[name] = python2_pickle({b"data": pixels(i), **labels})
    return files


def write_folder(folder, source, files):
    inner = folder / source.folder
    inner.mkdir(parents=True)
    for name, content in files.items():
        (inner / name).write_bytes(content)
    return inner


def add(archive, name, content=b"", **fields):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for field, value in fields.items():
        setattr(member, field, value)
    archive.addfile(member, io.BytesIO(content))


def write_archive(folder, source, files):
    path = folder / source.archive
    with tarfile.open(path, "w:gz") as archive:
        add(archive, source.folder, type=tarfile.DIRTYPE)
        for name, content in files.items():
            add(archive, f"{source.folder}/{name}", content)
    return path


@pytest.fixture(params=["folder", "inner folder", "folder of archive", "archive"])
def places(request, tmp_path):
    """Paths that the sets may be loaded from, in all forms."""
    paths = {}
    for source, files in ((CIFAR10, files10()), (CIFAR100, files100())):
        if "archive" in request.param:
            path = write_archive(tmp_path, source, files)
        else:
            path = write_folder(tmp_path, source, files)
        paths[source.name] = tmp_path if request.param.startswith("folder") else path
    return paths


def image(content, row):
    """An image of a file, pixel by pixel as the format says."""
    expected = np.empty((3, 32, 32))
    for channel in range(3):
        for y in range(32):
            for x in range(32):
                expected[channel, y, x] = content[row, 1024 * channel + 32 * y + x]
    return expected


@pytest.mark.parametrize(
    ("subset", "numbers"),
    [("train", [0, 1, 2, 3, 4]), ("test", [5]), ("all", [0, 1, 2, 3, 4, 5])],
)
def test_cifar10_is_read(places, subset, numbers):
    cifar = load_cifar10(places["CIFAR-10"], subset=subset)
    assert cifar.data.shape == (N_ROWS * len(numbers), 3, 32, 32)
    assert cifar.data.dtype == np.float32
    for place, number in enumerate(numbers):
        row = N_ROWS * place + 7
        np.testing.assert_allclose(
            cifar.data[row], image(pixels(number), 7) / 255, rtol=1e-6
        )
        assert cifar.target[row] == (number + 7) % 10
    assert cifar.target.dtype == np.int64
    assert cifar.target_names == [name.decode() for name in NAMES10]
    assert (cifar.name, cifar.subset) == ("CIFAR-10", subset)
    assert cifar.n_features == 3 * 32 * 32
    assert cifar.provenance == "unverified"


@pytest.mark.parametrize("labels", ["fine", "coarse"])
def test_cifar100_is_read(places, labels):
    cifar = load_cifar100(places["CIFAR-100"], labels, subset="test")
    np.testing.assert_allclose(cifar.data[3], image(pixels(1), 3) / 255, rtol=1e-6)
    step, names = (3, FINE) if labels == "fine" else (1, COARSE)
    first = 50 if labels == "fine" else 1
    assert cifar.target.tolist() == [
        (first + step * row) % len(names) for row in range(N_ROWS)
    ]
    assert cifar.target_names == [name.decode() for name in names]
    assert len(load_cifar100(places["CIFAR-100"], labels, subset="all").data) == 24


def test_bytes_as_they_are(tmp_path):
    write_folder(tmp_path, CIFAR10, files10())
    cifar = load_cifar10(tmp_path, subset="test", dtype="uint8")
    assert cifar.data.dtype == np.uint8
    np.testing.assert_array_equal(cifar.data.reshape(N_ROWS, -1), pixels(5))
    floats = load_cifar10(str(tmp_path), subset="test")
    np.testing.assert_allclose(floats.data * 255, cifar.data, rtol=1e-6)
    assert floats.data.max() <= 1
    # The hash is that of the set, not of its form.
    assert floats.sha256 == cifar.sha256
    assert cifar.sha256 != load_cifar10(tmp_path, subset="train").sha256


def test_published_files_are_known_by_their_hashes(tmp_path, monkeypatch):
    files = files100()
    write_folder(tmp_path, CIFAR100, files)
    for name, content in files.items():
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        monkeypatch.setitem(CIFAR100.md5, name, digest)
    assert load_cifar100(tmp_path).provenance == "original"
    monkeypatch.setitem(CIFAR100.md5, "meta", "0" * 32)
    assert load_cifar100(tmp_path).provenance == "unverified"


# --- What is refused -----------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("write", [write_folder, write_archive])
@pytest.mark.parametrize("name", ["data_batch_3", "batches.meta"])
def test_a_malicious_file_is_refused_and_runs_nothing(tmp_path, protocol, write, name):
    made = tmp_path / "made"
    attack = pickle.dumps({1: Attack(made)}, protocol)
    write(tmp_path, CIFAR10, {**files10(), name: attack})
    with pytest.raises(ValueError, match=rf"file {name} .*asks for (posix|nt)\.mkdir"):
        load_cifar10(tmp_path)
    assert not made.exists()


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_nothing_of_an_archive_is_written_to_disk(tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = write_archive(folder, CIFAR100, files100())
    with tarfile.open(folder / "other.tar.gz", "w:gz") as archive:
        add(archive, "../../evil", b"evil")
        add(archive, str(tmp_path / "evil"), b"evil")
        for name, content in files100().items():
            add(archive, f"{CIFAR100.folder}/{name}", content)
    os.replace(folder / "other.tar.gz", path)
    before = tree(tmp_path)
    assert len(load_cifar100(folder).data) == N_ROWS
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_an_archive_are_not_followed(tmp_path, kind):
    secret = tmp_path / "secret"
    secret.write_bytes(files100()["train"])
    with tarfile.open(tmp_path / CIFAR100.archive, "w:gz") as archive:
        add(archive, f"{CIFAR100.folder}/meta", files100()["meta"])
        add(archive, "copy", files100()["train"])
        for target in (str(secret), "copy"):
            name = f"{CIFAR100.folder}/train"
            add(archive, name, type=kind, linkname=target)
    with pytest.raises(ValueError, match=r"lacks the files \['train'\]"):
        load_cifar100(tmp_path)


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        load_cifar10(tmp_path)
    message = str(error.value)
    for part in (str(tmp_path), "cifar-10-python.tar.gz", "downloaded", HOMEPAGE):
        assert part in message
    with pytest.raises(FileNotFoundError, match="no CIFAR-100 in .*nowhere"):
        load_cifar100(tmp_path / "nowhere")


def test_a_file_is_missing(tmp_path):
    files = files10()
    del files["data_batch_4"]
    inner = write_folder(tmp_path, CIFAR10, files)
    with pytest.raises(FileNotFoundError, match=r"lacks the files \['data_batch_4'\]"):
        load_cifar10(tmp_path)
    with pytest.raises(FileNotFoundError, match=f"{inner}.*unpack cifar-10-python"):
        load_cifar10(inner)
    assert len(load_cifar10(tmp_path, subset="test").data) == N_ROWS
    (tmp_path / "more").mkdir()
    write_archive(tmp_path / "more", CIFAR10, files)
    with pytest.raises(ValueError, match=r"tar.gz lacks .*data_batch_4.*download it"):
        load_cifar10(tmp_path / "more")


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.999])
def test_a_cut_archive(tmp_path, share):
    path = write_archive(tmp_path, CIFAR10, files10())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(
        ValueError, match=r"cifar-10-python\.tar\.gz.*download it again"
    ):
        load_cifar10(tmp_path, subset="all")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "exhausted"),
        (files10()["test_batch"][:-400], "remain"),
        (b"no pickle at all", "unknown"),
        (python2_pickle({b"data": pixels(0)}), "KeyError: b'labels'"),
        (python2_pickle({b"data": pixels(0), b"labels": [1]}), "not 12 integers"),
        (
            python2_pickle({b"data": pixels(0), b"labels": [b"a"] * N_ROWS}),
            "not 12 integers",
        ),
        (
            python2_pickle({b"data": pixels(0), b"labels": [10] * N_ROWS}),
            "not among the 10 names",
        ),
        (
            python2_pickle({b"data": pixels(0), b"labels": [-1] * N_ROWS}),
            "not among the 10 names",
        ),
        (
            python2_pickle({b"data": pixels(0)[:, :99], b"labels": [1] * N_ROWS}),
            r"shape \(12, 99\)",
        ),
        (python2_pickle({b"data": [1, 2], b"labels": [1, 2]}), "AttributeError"),
    ],
)
def test_odd_files_are_refused(tmp_path, content, message):
    write_folder(tmp_path, CIFAR10, {**files10(), "test_batch": content})
    with pytest.raises(ValueError, match=f"file test_batch .*{message}.*get cifar-10"):
        load_cifar10(tmp_path, subset="test")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subset": "valid"}, "subset must be 'train' or 'test' or 'all', got 'valid'"),
        ({"dtype": "float64"}, "dtype must be 'float32' or 'uint8', got 'float64'"),
        ({"labels": "super"}, "labels must be 'fine' or 'coarse', got 'super'"),
        ({"labels": 20}, "labels must be 'fine' or 'coarse', got 20"),
    ],
)
def test_refuses_options(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        load_cifar100(tmp_path, **options)
