"""Classes, candidates and ratios of the GL-GAN experiment."""

from itertools import pairwise

import numpy as np
import pytest
from _gl_gan.data import (
    DATASETS,
    PUBLISHED_PAIRS,
    SMOKE_ROWS,
    Dataset,
    data_folder,
    make_task,
    n_candidates,
    n_kept,
    parse_pairs,
    read_dataset,
    shrink,
)

USPS_COUNTS = (1553, 1269, 929, 824, 852, 716, 834, 792, 708, 821)


def write_data(folder, n_class=40, seed=0):
    """Write both files, made small: ten and two classes, each around its own corner."""
    rng = np.random.RandomState(seed)
    folder.mkdir(parents=True, exist_ok=True)
    label = np.repeat(np.arange(10), n_class)
    data = rng.rand(len(label), 4, 4) / 2
    data[np.arange(len(label)), label // 4, label % 4] += 0.4
    np.savez(folder / "usps.npz", data=data.astype(np.float32), label=label)
    label = np.repeat([-1, 1], n_class)
    data = rng.randint(0, 100, (len(label), 6)) + 30 * (label == 1)[:, None]
    np.savez(folder / "madelon.npz", data=data.astype(np.int16), label=label)
    return folder


def numbered(counts, labels=None, name="usps"):
    """A data set of one column, in which a row holds its own number."""
    labels = range(len(counts)) if labels is None else labels
    y = np.random.RandomState(0).permutation(np.repeat(list(labels), counts))
    return Dataset(name, np.arange(len(y))[:, None], y, "hash")


def ids(X):
    return set(X[:, 0].astype(int).tolist())


def sizes(task):
    counts = task.row_counts()
    return tuple(
        counts[f"n_{part}_{side}"]
        for part in ("train", "test")
        for side in ("majority", "minority")
    )


# --- Files ---------------------------------------------------------------------------


def test_read_dataset_makes_rows_of_pictures(tmp_path):
    folder = write_data(tmp_path)
    usps = read_dataset("usps", folder)
    with np.load(folder / "usps.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(usps.X[7], file["data"][7].ravel())
        np.testing.assert_array_equal(usps.y, file["label"])
    other = read_dataset("usps", write_data(tmp_path / "other", seed=1))
    assert usps.sha256 != other.sha256
    assert usps.sha256 == read_dataset("usps", folder).sha256


def test_read_dataset_says_where_it_looked(tmp_path):
    with pytest.raises(ValueError, match=r"no .*usps\.npz.*Give as --data the folder"):
        read_dataset("usps", tmp_path)


def test_read_dataset_names_absent_arrays(tmp_path):
    np.savez(tmp_path / "usps.npz", data=np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"lacks the arrays \['label'\]"):
        read_dataset("usps", tmp_path)


def test_read_dataset_refuses_other_names(tmp_path):
    with pytest.raises(ValueError, match="'upsp', which is unknown.*Did you mean usps"):
        read_dataset("upsp", tmp_path)


def test_data_folder_is_scikit_learns_unless_given(tmp_path, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    assert data_folder(None) == tmp_path / "raw"
    assert data_folder(tmp_path / "here") == tmp_path / "here"


def test_shrink_keeps_some_rows_of_every_class():
    small = shrink(numbered((SMOKE_ROWS + 50, 30)))
    assert np.bincount(small.y).tolist() == [SMOKE_ROWS, 30]
    assert small.sha256 != "hash"


# --- Pairs ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["4", "4,7", "4-4", "a-b", "", "4-7-8"])
def test_pairs_that_are_none(text):
    with pytest.raises(ValueError, match="--pairs got .* write drawn, published, or"):
        parse_pairs(text)


def test_a_pair_of_another_data_set_is_refused():
    with pytest.raises(ValueError, match=r"'4-7', but madelon has no class 4"):
        make_task(
            numbered((20, 20), (-1, 1), "madelon"), parse_pairs("4-7"), 0.1, seed=0
        )


def test_drawn_pairs_follow_from_the_seed_and_reach_every_class():
    usps = numbered((10,) * 10)
    drawn = [
        make_task(usps, parse_pairs("drawn"), 0.3, seed).pair for seed in range(80)
    ]
    again = [
        make_task(usps, parse_pairs("drawn"), 0.3, seed).pair for seed in range(80)
    ]
    assert drawn == again
    assert all(majority != minority for majority, minority in drawn)
    assert {pair[0] for pair in drawn} == {pair[1] for pair in drawn} == set(range(10))


def test_a_fixed_pair_has_the_majority_first():
    usps = numbered((20,) * 10)
    task = make_task(usps, parse_pairs("4-7"), 0.25, seed=3)
    assert task.pair == (4, 7)
    assert set(usps.y[list(ids(task.X_train[task.y_train == 0]))]) == {4}
    assert set(usps.y[list(ids(task.X_train[task.y_train == 1]))]) == {7}
    assert set(usps.y[list(ids(task.X_test[task.y_test == 1]))]) == {7}


# --- Sizes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_class", "majority", "minority"),
    [(929, 744, 7), (5319, 4256, 42), (1936, 1549, 15), (1300, 1040, 10)]
    + [(3500, 2800, 28)],
)
def test_sizes_are_those_of_table_2_1(n_class, majority, minority):
    assert n_candidates(n_class) == majority
    assert n_kept(0.01, majority) == minority


def test_n_kept_is_at_least_two_and_not_fooled_by_floats():
    assert n_kept(0.01, 30) == 2
    assert n_kept(0.29, 100) == 29


def test_tasks_have_the_sizes_of_table_2_1():
    usps = numbered(USPS_COUNTS)
    assert sizes(make_task(usps, parse_pairs("2-0"), 0.01, 0)) == (744, 7, 185, 185)
    assert sizes(make_task(usps, parse_pairs("1-2"), 0.01, 0)) == (744, 7, 185, 185)
    published = make_task(usps, parse_pairs("published"), 0.01, 0)
    assert published.pair == PUBLISHED_PAIRS["usps"]
    assert sizes(published) == (744, 7, 185, 141)
    madelon = numbered((1300, 1300), (-1, 1), "madelon")
    assert sizes(make_task(madelon, parse_pairs("drawn"), 0.01, 0)) == (
        1040,
        10,
        260,
        260,
    )


def test_no_row_is_in_two_parts():
    usps = numbered((100, 60, 80))
    task = make_task(usps, parse_pairs("0-2"), 0.1, seed=1)
    parts = [task.X_train, task.X_test, task.X_withdrawn]
    assert len(set().union(*map(ids, parts))) == sum(map(len, parts)) == 160
    assert set(usps.y[list(ids(task.X_withdrawn))]) == {2}


def test_a_milder_ratio_has_the_same_tests_and_all_rows_of_a_harsher_one():
    usps = numbered((200,) * 3)
    tasks = [make_task(usps, parse_pairs("0-1"), r, 0) for r in (0.02, 0.1, 0.5)]
    for harsher, milder in pairwise(tasks):
        assert ids(harsher.X_train) < ids(milder.X_train)
        np.testing.assert_array_equal(harsher.X_test, milder.X_test)


def test_rows_are_drawn_anew_in_each_run():
    usps = numbered((100,) * 10)
    tasks = [make_task(usps, parse_pairs("4-7"), 0.1, seed) for seed in (0, 1)]
    assert ids(tasks[0].X_test) != ids(tasks[1].X_test)


def test_a_larger_class_is_cut_at_random():
    usps = numbered((300, 50))
    kept = [
        ids(task.X_train) | ids(task.X_test)
        for task in (make_task(usps, parse_pairs("0-1"), 0.5, s) for s in (0, 1))
    ]
    assert kept[0] != kept[1]


def test_a_ratio_that_the_minority_cannot_have():
    usps = numbered((100,) * 2 + (900,) + (100,) * 5 + (50,))
    with pytest.raises(ValueError, match=r"--r got 0.5: 360 rows of class 8.* 40 cand"):
        make_task(usps, parse_pairs("published"), 0.5, seed=0)


def test_rows_are_float_even_where_the_file_has_whole_numbers(tmp_path):
    madelon = read_dataset("madelon", write_data(tmp_path))
    assert madelon.X.dtype == np.int16
    assert make_task(madelon, parse_pairs("drawn"), 0.1, 0).X_train.dtype == np.float64
    assert set(DATASETS) == {"usps", "madelon"}
