"""Pictures of the robust experiments, and how they are made imbalanced."""

import numpy as np
import pytest

from imbdeep.datasets._cifar import CIFAR10
from imbdeep_bench.data.pictures import (
    SMOKE_ROWS,
    SMOKE_TEST_ROWS,
    Imbalance,
    Pictures,
    as_floats,
    draw_pictures,
    parse_imbalance,
    read_pictures,
    shrink_pictures,
)
from tests.datasets.test_cifar import files10, write_folder


def write_usps(folder, n_class=160, seed=0):
    """Write digits, made few: ten classes, each a bright square in its own place."""
    rng = np.random.RandomState(seed)
    folder.mkdir(parents=True, exist_ok=True)
    label = np.repeat(np.arange(10), n_class)
    data = rng.rand(len(label), 16, 16) / 2
    for c in range(10):
        row, column = divmod(c, 4)
        data[label == c, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 0.4
    np.savez(folder / "usps.npz", data=data.astype(np.float32), label=label)
    return folder


def numbered(counts, is_test=None):
    """Pictures of one pixel, which holds the row's own number."""
    y = np.random.RandomState(0).permutation(np.repeat(range(len(counts)), counts))
    X = np.arange(len(y), dtype=np.float64).reshape(-1, 1, 1, 1)
    return Pictures("usps", X, y, is_test, "hash")


def ids(X):
    return X.ravel().astype(int).tolist()


# --- Files ---------------------------------------------------------------------------


def test_usps_is_all_of_its_file(tmp_path):
    usps = read_pictures("usps", write_usps(tmp_path))
    assert usps.X.shape == (1600, 1, 16, 16)
    assert usps.is_test is None
    with np.load(tmp_path / "usps.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(usps.X[7, 0], file["data"][7])
        np.testing.assert_array_equal(usps.y, file["label"])
    other = read_pictures("usps", write_usps(tmp_path / "other", seed=1))
    assert usps.sha256 != other.sha256


def test_cifar_keeps_its_own_test_part(tmp_path):
    write_folder(tmp_path, CIFAR10, files10())
    cifar = read_pictures("cifar10", tmp_path)
    assert cifar.X.shape == (72, 3, 32, 32)
    assert cifar.X.dtype == np.uint8
    assert cifar.is_test.tolist() == [False] * 60 + [True] * 12
    # Five rows of the training part of each class, at least.
    task = draw_pictures(cifar, Imbalance("step", 1), 0)
    assert len(task.X_test) == 12
    np.testing.assert_allclose(task.X_test, cifar.X[60:] / 255, rtol=1e-6)
    np.testing.assert_array_equal(task.y_test, cifar.y[60:])


def test_pixels_are_from_0_to_1():
    given = np.array([[0, 51], [255, 102]], dtype=np.uint8)
    np.testing.assert_allclose(as_floats(given), [[0, 0.2], [1, 0.4]], rtol=1e-6)
    assert as_floats(given).dtype == np.float32
    np.testing.assert_array_equal(as_floats(np.array([0.25])), [0.25])


def test_smoke_keeps_some_of_every_class_of_both_parts():
    usps = numbered([300, 250])
    small = shrink_pictures(usps)
    assert np.bincount(small.y).tolist() == [SMOKE_ROWS] * 2
    assert small.sha256 != usps.sha256
    is_test = np.arange(550) >= 400
    parts = shrink_pictures(numbered([300, 250], is_test))
    assert set(parts.y[parts.is_test]) == {0, 1}
    # A ratio of 100 is possible in it.
    task = draw_pictures(small, Imbalance("step", 100), 0, SMOKE_TEST_ROWS)
    assert task.told["class_counts"] == [150, 2]


# --- Imbalance -----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["step", "linear-10", "step-0", "exp-1.5", "10-step"])
def test_an_imbalance_of_another_form(text):
    with pytest.raises(ValueError, match=f"--imbalances got '{text}'; write step or"):
        parse_imbalance(text)


def test_step_cuts_the_last_half_of_the_classes():
    # 40 tests of each class; 60 is the least of what is left in the first half.
    counts = [200, 100, 150, 170, 140, 100]
    task = draw_pictures(numbered(counts), Imbalance("step", 10), 0, n_test=40)
    assert task.told["class_counts"] == [60, 60, 60, 6, 6, 6]
    assert task.told == {"class_counts": [60, 60, 60, 6, 6, 6], "n_test": 240}


def test_exp_lets_classes_get_rarer_by_a_factor():
    counts = [110, 110, 110, 110, 110]
    task = draw_pictures(numbered(counts), Imbalance("exp", 16), 0, n_test=10)
    assert task.told["class_counts"] == [100, 50, 25, 12, 6]


# --- One run -------------------------------------------------------------------------


def test_no_test_row_is_trained_on_and_tests_are_balanced():
    task = draw_pictures(numbered([90, 70, 80]), Imbalance("step", 5), 0, n_test=20)
    train, test = set(ids(task.X_train)), set(ids(task.X_test))
    assert not train & test
    assert len(train) == len(task.X_train)
    assert len(test) == len(task.X_test)
    assert np.bincount(task.y_test).tolist() == [20, 20, 20]


def test_labels_belong_to_their_rows():
    data = numbered([90, 70, 80])
    task = draw_pictures(data, Imbalance("exp", 5), 0, n_test=20)
    assert data.y[ids(task.X_train)].tolist() == task.y_train.tolist()
    assert data.y[ids(task.X_test)].tolist() == task.y_test.tolist()


def test_all_imbalances_of_a_seed_are_tested_on_the_same_rows():
    data = numbered([90, 70, 80])
    first, other = (
        draw_pictures(data, Imbalance(*i), 3, 20) for i in (("step", 2), ("exp", 9))
    )
    assert ids(first.X_test) == ids(other.X_test)


def test_a_run_follows_from_its_seed_alone():
    data, imbalance = numbered([90, 70, 80]), Imbalance("step", 4)
    first, again, other = (
        draw_pictures(data, imbalance, seed, 20) for seed in (4, 4, 5)
    )
    assert ids(first.X_train) == ids(again.X_train)
    assert ids(first.X_test) == ids(again.X_test)
    assert ids(first.X_test) != ids(other.X_test)
    assert ids(first.X_train) != ids(other.X_train)
