"""Tiles from small files in the format of the published ones."""

import os
import shutil
import sys

import numpy as np
import pytest

from imbdeep.datasets import load_droughtwatch

N_ROWS = 6


def tiles(seed):
    rng = np.random.RandomState(seed)
    return rng.randint(0, 256, (N_ROWS, 11, 65, 65)).astype(np.uint8)


def labels(seed):
    return (np.arange(N_ROWS) + seed) % 4


def example(tile, label):
    """Features of a tile, with bytes after its end as the published files have."""
    bands = {f"B{b + 1}": (tile[b].tobytes() + b"end", "byte") for b in range(11)}
    return {**bands, "label": (int(label), "int")}


def write_records(path, examples):
    writer = pytest.importorskip("tfrecord").TFRecordWriter(str(path))
    for one in examples:
        writer.write(one)
    writer.close()


def write_part(folder, seed, name):
    folder.mkdir(parents=True, exist_ok=True)
    rows = zip(tiles(seed), labels(seed), strict=True)
    write_records(folder / name, [example(*row) for row in rows])


def write_arrays(folder, X, y):
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", y)


@pytest.fixture
def records(tmp_path):
    """A folder with two parts to train on and one to validate with."""
    write_part(tmp_path / "train", 1, "part-r-00001")
    write_part(tmp_path / "train", 0, "part-r-00000")
    write_part(tmp_path / "val", 2, "part-r-00000")
    (tmp_path / "train" / "part-r-00002.gstmp").write_bytes(b"half an upload")
    (tmp_path / "train" / "_SUCCESS").write_bytes(b"")
    return tmp_path


@pytest.fixture
def arrays(tmp_path):
    """The same as arrays."""
    X, y = np.concatenate([tiles(0), tiles(1)]), np.concatenate([labels(0), labels(1)])
    write_arrays(tmp_path / "train", X, y)
    write_arrays(tmp_path / "val", tiles(2), labels(2))
    return tmp_path


@pytest.fixture(params=["records", "arrays"])
def folder(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(
    ("subset", "seeds"), [("train", [0, 1]), ("val", [2]), ("all", [0, 1, 2])]
)
def test_is_read(folder, subset, seeds):
    drought = load_droughtwatch(folder, subset=subset)
    expected = np.concatenate([tiles(seed) for seed in seeds])
    np.testing.assert_array_equal(drought.data, expected)
    assert drought.data.dtype == np.uint8
    assert drought.data.flags.writeable
    np.testing.assert_array_equal(
        drought.target, np.concatenate([labels(seed) for seed in seeds])
    )
    assert drought.target.dtype == np.int64
    assert drought.bands == list(range(1, 12))
    assert len(drought.target_names) == 4
    assert drought.n_features == 11 * 65 * 65
    assert drought.subset == subset


@pytest.mark.parametrize("bands", [(6, 5, 2), [4, 3, 2], 11, (1,), range(1, 12)])
def test_bands_in_the_order_asked_for(folder, bands):
    drought = load_droughtwatch(folder, subset="val", bands=bands)
    chosen = [bands] if bands == 11 else list(bands)
    expected = np.stack([tiles(2)[:, band - 1] for band in chosen], axis=1)
    np.testing.assert_array_equal(drought.data, expected)
    assert drought.bands == chosen


def test_floats(folder):
    drought = load_droughtwatch(folder, subset="val", bands=3, dtype="float32")
    assert drought.data.dtype == np.float32
    np.testing.assert_allclose(drought.data[:, 0], tiles(2)[:, 2] / 255, rtol=1e-6)


def test_what_is_kept_is_read_again(records, tmp_path):
    first = load_droughtwatch(records)
    write_arrays(tmp_path / "kept" / "train", first.data, first.target)
    again = load_droughtwatch(tmp_path / "kept")
    assert again.sha256 == first.sha256
    np.testing.assert_array_equal(again.data, first.data)


def test_arrays_need_no_reader(arrays, monkeypatch):
    monkeypatch.setitem(sys.modules, "tfrecord.reader", None)
    assert len(load_droughtwatch(arrays).data) == 2 * N_ROWS


def test_says_what_to_install(records, monkeypatch):
    monkeypatch.setitem(sys.modules, "tfrecord.reader", None)
    with pytest.raises(ImportError, match=r"pip install imbdeep\[vision\].*X\.npy"):
        load_droughtwatch(records)


# --- What is refused -----------------------------------------------------------------


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"part-\* nor X\.npy.*train.*get the"):
        load_droughtwatch(tmp_path)


@pytest.mark.parametrize("n_bytes", [1, 13, 40_000, 60_000])
def test_a_cut_part(records, n_bytes):
    path = records / "val" / "part-r-00000"
    path.write_bytes(path.read_bytes()[:-n_bytes])
    with pytest.raises(ValueError, match=f"{path} is truncated.*get it again"):
        load_droughtwatch(records, subset="val")


def test_another_file(records):
    (records / "val" / "part-r-00001").write_bytes(b"\x03" + bytes(7 + 4 + 3 + 4))
    with pytest.raises(ValueError, match="part-r-00001 is truncated, corrupt or of"):
        load_droughtwatch(records, subset="val")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"B3": (b"short", "byte")}, "band B3 has 5 bytes"),
        ({"B3": (1, "int")}, "B3"),
        ({"label": (b"1", "byte")}, "label"),
        ({"label": ([1, 2], "int")}, "too many values"),
        ({"label": None}, "label"),
    ],
)
def test_odd_records_are_refused(tmp_path, change, message):
    (tmp_path / "val").mkdir()
    odd = {**example(tiles(0)[0], 1), **change}
    odd = {name: value for name, value in odd.items() if value is not None}
    write_records(tmp_path / "val" / "part-0", [odd])
    with pytest.raises(ValueError, match=f"part-0 is truncated.*{message}"):
        load_droughtwatch(tmp_path, subset="val")


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (tiles(0)[:, :10], labels(0)),
        (tiles(0)[:-1], labels(0)),
        (tiles(0) / 255, labels(0)),
        (tiles(0), labels(0) / 2),
        (tiles(0), labels(0)[:, None]),
    ],
)
def test_odd_arrays_are_refused(tmp_path, X, y):
    write_arrays(tmp_path / "val", X, y)
    with pytest.raises(ValueError, match=r"X\.npy must be of shape .*uint8.*got"):
        load_droughtwatch(tmp_path, subset="val")


def test_arrays_of_objects_are_not_unpickled(tmp_path):
    write_arrays(tmp_path / "val", tiles(0), np.array([{}] * N_ROWS, dtype=object))
    with pytest.raises(ValueError, match="no readable pair of .*allow_pickle=False"):
        load_droughtwatch(tmp_path, subset="val")
    (tmp_path / "val" / "y.npy").unlink()
    with pytest.raises(ValueError, match=r"no readable pair of .*y\.npy"):
        load_droughtwatch(tmp_path, subset="val")


@pytest.mark.parametrize(
    ("y", "message"),
    [(labels(0) + 1, "labels from 1 to 4"), (labels(0) - 1, "labels from -1 to 2")],
)
def test_labels_outside_the_classes(tmp_path, y, message):
    write_arrays(tmp_path / "val", tiles(0), y)
    with pytest.raises(ValueError, match=message):
        load_droughtwatch(tmp_path, subset="val")


def test_no_rows(tmp_path):
    write_arrays(tmp_path / "val", tiles(0)[:0], labels(0)[:0])
    with pytest.raises(ValueError, match="holds no tile in val"):
        load_droughtwatch(tmp_path, subset="val")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subset": "test"}, "subset must be 'train' or 'val' or 'all', got 'test'"),
        ({"dtype": "int"}, "dtype must be 'float32' or 'uint8', got 'int'"),
        ({"bands": (0, 1)}, r"bands must hold .* got \(0, 1\); there are B1, .* B11"),
        ({"bands": 12}, "bands must hold .*got 12"),
        ({"bands": ()}, r"bands must hold .*got \(\)"),
        ({"bands": ["B4", "B12"]}, r"bands must hold .*got \['B4', 'B12'\]"),
        ({"bands": "urban"}, "one of 'natural', .*'agriculture', got 'urban'"),
        ({"bands": 2.5}, "bands must hold .*got 2.5"),
        ({"bands": (True, 2)}, r"bands must hold .*got \(True, 2\)"),
        ({"cache": "kept", "dtype": "float32"}, "cache keeps bytes.*dtype='float32'"),
    ],
)
def test_refuses_options(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        load_droughtwatch(tmp_path, **options)


# --- Kept as a mapped file -----------------------------------------------------------


@pytest.mark.parametrize(
    ("subset", "bands"), [("train", None), ("all", "agriculture"), ("val", ["B1"])]
)
def test_a_mapped_file_holds_the_same(folder, tmp_path, subset, bands):
    expected = load_droughtwatch(folder, subset=subset, bands=bands)
    for _ in range(2):
        kept = load_droughtwatch(
            folder, subset=subset, bands=bands, cache=tmp_path / "kept"
        )
        assert isinstance(kept.data, np.memmap)
        assert not kept.data.flags.writeable
        np.testing.assert_array_equal(kept.data, expected.data)
        np.testing.assert_array_equal(kept.target, expected.target)
        assert kept.bands == expected.bands
        assert kept.sha256 == expected.sha256
    assert not list((tmp_path / "kept").glob(".*"))


def test_tiles_are_read_from_the_cache(arrays, tmp_path):
    cache = tmp_path / "kept"
    first = load_droughtwatch(arrays, bands="natural", cache=cache)
    # Bands of their own.
    load_droughtwatch(arrays, bands="agriculture", cache=cache)
    for name in ("X.npy", "y.npy"):
        (arrays / "train" / name).unlink()
    again = load_droughtwatch(arrays, bands="natural", cache=cache)
    assert again.sha256 == first.sha256
    with pytest.raises(FileNotFoundError, match="neither TFRecord files"):
        load_droughtwatch(arrays, bands="near_infrared", cache=cache)


def test_other_files_are_read_anew(arrays, tmp_path):
    cache = tmp_path / "kept"
    load_droughtwatch(arrays, subset="val", cache=cache)
    write_arrays(arrays / "val", tiles(3)[:4], labels(3)[:4])
    again = load_droughtwatch(arrays, subset="val", cache=cache)
    np.testing.assert_array_equal(again.data, tiles(3)[:4])


def test_corrected_labels_are_read_anew(arrays, tmp_path):
    cache = tmp_path / "kept"
    load_droughtwatch(arrays, subset="val", cache=cache)
    corrected = labels(2)[::-1].copy()
    path = arrays / "val" / "y.npy"
    written = path.stat().st_mtime_ns
    np.save(path, corrected)
    # Whatever the resolution of the clock of files.
    os.utime(path, ns=(written + 10**9, written + 10**9))
    again = load_droughtwatch(arrays, subset="val", cache=cache)
    np.testing.assert_array_equal(again.target, corrected)


def test_tiles_of_another_folder_are_read_anew(arrays, tmp_path):
    cache, other = tmp_path / "kept", tmp_path / "other"
    load_droughtwatch(arrays, subset="val", cache=cache)
    with pytest.raises(FileNotFoundError, match="neither TFRecord files"):
        load_droughtwatch(other, subset="val", cache=cache)
    write_arrays(other / "val", tiles(7), labels(7))
    # As old as the first, to the nanosecond.
    for name in ("X.npy", "y.npy"):
        shutil.copystat(arrays / "val" / name, other / "val" / name)
    for folder, seed in ((other, 7), (arrays, 2)):
        found = load_droughtwatch(folder, subset="val", cache=cache)
        np.testing.assert_array_equal(found.data, tiles(seed))


@pytest.mark.parametrize("suffix", [".npy", "-target.npy", ".json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_cache(arrays, tmp_path, suffix, damage):
    cache = tmp_path / "kept"
    load_droughtwatch(arrays, subset="val", bands=3, cache=cache)
    path = cache / f"droughtwatch-val-3{suffix}"
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[:-9])
    elif damage == "changed":
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    else:
        path.unlink()
        # Written anew, as if nothing were kept.
        kept = load_droughtwatch(arrays, subset="val", bands=3, cache=cache)
        np.testing.assert_array_equal(kept.data, tiles(2)[:, [2]])
        return
    with pytest.raises(ValueError, match="droughtwatch-val-3.* delete it"):
        load_droughtwatch(arrays, subset="val", bands=3, cache=cache)


def test_a_failure_keeps_nothing(records, tmp_path):
    path = records / "train" / "part-r-00001"
    path.write_bytes(path.read_bytes()[:-40_000])
    cache = tmp_path / "kept"
    with pytest.raises(ValueError, match="part-r-00001 is truncated"):
        load_droughtwatch(records, cache=cache)
    assert not [path for path in cache.glob("**/*") if path.is_file()]
