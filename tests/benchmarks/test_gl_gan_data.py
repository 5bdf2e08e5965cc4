"""Classes, candidates and ratios of the GL-GAN experiment."""

from itertools import pairwise

import numpy as np
import pytest
from _gl_gan.data import PUBLISHED_PAIRS, make_task, n_kept
from _paper_data import DATASETS, n_candidates, parse_pairs, read_dataset

from tests.benchmarks.test_paper_data import numbered, write_data

USPS_COUNTS = (1553, 1269, 929, 824, 852, 716, 834, 792, 708, 821)


def ids(X):
    return set(X[:, 0].astype(int).tolist())


def sizes(task):
    counts = task.row_counts()
    return tuple(
        counts[f"n_{part}_{side}"]
        for part in ("train", "test")
        for side in ("majority", "minority")
    )


# --- Pairs ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["4", "4,7", "4-4", "a-b", "", "4-7-8"])
def test_pairs_that_are_none(text):
    with pytest.raises(ValueError, match="--pairs got .* write drawn, published, or"):
        parse_pairs(text, PUBLISHED_PAIRS)


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
    published = make_task(usps, parse_pairs("published", PUBLISHED_PAIRS), 0.01, 0)
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
        make_task(usps, parse_pairs("published", PUBLISHED_PAIRS), 0.5, seed=0)


def test_rows_are_float_even_where_the_file_has_whole_numbers(tmp_path):
    madelon = read_dataset("madelon", write_data(tmp_path))
    assert madelon.X.dtype == np.int16
    assert make_task(madelon, parse_pairs("drawn"), 0.1, 0).X_train.dtype == np.float64
    assert set(DATASETS) == {"usps", "madelon"}
