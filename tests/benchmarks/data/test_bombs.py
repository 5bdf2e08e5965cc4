"""Files of the experiments that ask for much memory are refused, and get none."""

import bz2
import gzip
import lzma
from pathlib import Path

import pytest
from sklearn.datasets import get_data_home

from imbdeep_bench.data.adult import FEATURES, TARGET, read_adult
from imbdeep_bench.data.pairs import SHAPES, read_dataset
from tests.datasets.bombs import (
    LARGE,
    MOST_BYTES,
    NPY_BOMBS,
    peak_bytes,
    write_hole,
    write_npz_bomb,
)

HEADER = ",".join([*FEATURES, TARGET]).encode() + b"\n"
ROW = b",".join([b"1"] * 6 + [b"a"] * 8 + [b"<=50K\n"])


def assert_refused_at_once(read, match):
    def refused():
        with pytest.raises(ValueError, match=match):
            read()

    assert peak_bytes(refused) < MOST_BYTES


@pytest.mark.parametrize("bomb", NPY_BOMBS.values(), ids=NPY_BOMBS)
@pytest.mark.parametrize("name", SHAPES)
def test_npz_of_the_dissertation(tmp_path, name, bomb):
    write_npz_bomb(tmp_path / f"{name}.npz", bomb)
    assert_refused_at_once(lambda: read_dataset(name, tmp_path), "npz cannot be read")


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "opened"), [(".gz", gzip.open), (".xz", lzma.open)])
@pytest.mark.parametrize(
    ("head", "repeated", "message"),
    [
        (HEADER, ROW, "unpacked larger than"),
        (b"", b"a,", "first line has 4096 bytes or more"),
    ],
    ids=["rows", "columns"],
)
def test_packed_census(tmp_path, suffix, opened, head, repeated, message):
    path = tmp_path / f"adult.csv{suffix}"
    block = repeated * (2**20 // len(repeated))
    with opened(path, "wb") as file:
        file.write(head)
        for _ in range(LARGE // 2**21):
            file.write(block)
    assert_refused_at_once(lambda: read_adult(path), message)


@pytest.mark.parametrize(
    ("suffix", "opened"),
    [(".csv", open), (".gz", gzip.open), (".bz2", bz2.open), (".xz", lzma.open)],
)
def test_packed_or_not(tmp_path, suffix, opened):
    path = tmp_path / f"adult{suffix}"
    with opened(path, "wb") as file:
        file.write(HEADER + ROW * 3 + ROW.replace(b"<=", b">"))
    assert read_adult(path)[TARGET].tolist() == ["<=50K"] * 3 + [">50K"]


def test_more_rows_than_the_census_has(tmp_path):
    (tmp_path / "adult.csv").write_bytes(HEADER + ROW * 50_001)
    with pytest.raises(ValueError, match="has more than 50000 rows"):
        read_adult(tmp_path / "adult.csv")


def test_hole_in_place_of_the_census(tmp_path):
    path = write_hole(tmp_path / "adult.csv", 16 * LARGE, HEADER)
    assert_refused_at_once(lambda: read_adult(path), "unpacked larger than")


def test_files_of_their_real_size_are_read():
    raw = Path(get_data_home(), "raw")
    if not raw.is_dir():
        pytest.skip("the files are not in scikit-learn's data folder")
    for name, shape in SHAPES.items():
        assert read_dataset(name, raw).X.shape == shape
    frame = read_adult(raw / "adult.csv.gz")
    assert 45_000 < len(frame) < 48_842
