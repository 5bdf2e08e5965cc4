import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from imbdeep.datasets import load_usps

N_ROWS = 30


def arrays(seed=0, **other):
    rng = np.random.RandomState(seed)
    data = rng.rand(N_ROWS, 16, 16).astype(np.float32)
    return {"data": data, "label": np.arange(N_ROWS) % 10, "n_train": 20, **other}


def write(folder, **other):
    found = {name: a for name, a in arrays(**other).items() if a is not None}
    np.savez(folder / "usps.npz", **found)
    return folder / "usps.npz"


@pytest.mark.parametrize(
    ("subset", "rows"),
    [("train", range(20)), ("test", range(20, 30)), ("all", range(30))],
)
def test_is_read(tmp_path, subset, rows):
    path = write(tmp_path)
    for place in (tmp_path, path, str(tmp_path)):
        usps = load_usps(place, subset=subset)
        np.testing.assert_array_equal(usps.data[:, 0], arrays()["data"][list(rows)])
        assert usps.data.shape == (len(rows), 1, 16, 16)
        assert usps.data.dtype == np.float32
        assert usps.target.tolist() == [row % 10 for row in rows]
        assert usps.target_names == list("0123456789")
        assert (usps.n_features, usps.subset) == (256, subset)


@pytest.mark.parametrize("shape", [(N_ROWS, 256), (N_ROWS, 1, 16, 16)])
def test_images_as_rows_or_with_their_channel(tmp_path, shape):
    expected = load_usps(write(tmp_path)).data
    write(tmp_path, data=arrays()["data"].reshape(shape))
    np.testing.assert_array_equal(load_usps(tmp_path).data, expected)


def test_the_hash_is_of_rows_and_labels(tmp_path):
    write(tmp_path)
    usps = load_usps(tmp_path, subset="all")
    content = usps.data.tobytes() + usps.target.tobytes()
    assert usps.sha256 == hashlib.sha256(content).hexdigest()


def test_no_training_part_is_made_up(tmp_path):
    write(tmp_path, n_train=None)
    assert len(load_usps(tmp_path, subset="all").data) == N_ROWS
    with pytest.raises(ValueError, match=r"which rows are to train on.*subset='all'"):
        load_usps(tmp_path)


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"no {tmp_path}.*usps\.npz.*make"):
        load_usps(tmp_path)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"label": None}, "label"),
        ({"data": np.zeros((N_ROWS, 4, 4))}, r"shape \(30, 4, 4\)"),
        ({"label": np.arange(10)}, r"labels of shape \(10,\)"),
        ({"data": 2 * arrays()["data"]}, "not numbers from 0 to 1"),
        ({"data": arrays()["data"] - 0.5}, "not numbers from 0 to 1"),
        ({"data": np.full((N_ROWS, 16, 16), np.nan)}, "not numbers from 0 to 1"),
        ({"data": np.zeros((N_ROWS, 16, 16), int)}, "not numbers from 0 to 1"),
        ({"label": np.arange(N_ROWS)}, "labels that are not 0 to 9"),
        ({"label": np.full(N_ROWS, 0.5)}, "labels that are not 0 to 9"),
        ({"label": np.full(N_ROWS, "a", dtype=object)}, "allow_pickle=False"),
        ({"n_train": 0}, "n_train=0 of 30 rows"),
        ({"n_train": 31}, "n_train=31 of 30 rows"),
    ],
)
def test_odd_files_are_refused(tmp_path, other, message):
    write(tmp_path, **other)
    with pytest.raises(ValueError, match=rf"usps\.npz cannot be read.*{message}"):
        load_usps(tmp_path)


def test_a_cut_file(tmp_path):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ValueError, match=r"usps\.npz cannot be read.*copy it again"):
        load_usps(tmp_path)


def test_refuses_a_subset(tmp_path):
    with pytest.raises(ValueError, match="subset must be .*got 'valid'"):
        load_usps(tmp_path, subset="valid")


def test_the_real_set():
    folder = Path(os.environ.get("SCIKIT_LEARN_DATA", "nowhere"), "raw")
    if not (folder / "usps.npz").is_file():
        pytest.skip("needs raw/usps.npz of SCIKIT_LEARN_DATA")
    # The published counts of 0 to 9.
    train = [1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644]
    test = [359, 264, 198, 166, 200, 160, 170, 147, 166, 177]
    assert np.bincount(load_usps(folder).target).tolist() == train
    assert np.bincount(load_usps(folder, subset="test").target).tolist() == test
