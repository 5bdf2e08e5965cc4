"""Crowds made of tables: sizes, annotations, difficulty."""

import numpy as np
import pytest
from _crowds.data import (
    ENOUGH_ACCURACY,
    MOST_EPOCHS,
    N_WORKERS,
    Crowd,
    CutPair,
    draw_half,
    learn_difficulty,
)
from _paper_data import Dataset, draw_classes, parse_pairs

from tests.benchmarks.test_paper_data import numbered

ALIKE = Crowd("alike", 5)


def ids(X):
    return X[:, 0].astype(int).tolist()


def draw(dataset, seed=0, crowd=ALIKE, pairs="drawn"):
    return CutPair(parse_pairs(pairs))(dataset, crowd, seed)


def blobs(n_class, seed=0, shift=3.0, name="usps"):
    """Two classes whose first column numbers the rows."""
    rng = np.random.RandomState(seed)
    y = np.repeat([0, 1], n_class)
    X = rng.normal(size=(2 * n_class, 5)) + shift * y[:, None]
    X[:, 0] = rng.permutation(2 * n_class)
    return Dataset(name, X, y, "hash")


# --- Crowds --------------------------------------------------------------------------


def test_error_rates_of_both_kinds():
    assert Crowd("alike", 4).error_rates.tolist() == [0.3] * 4
    unlike = Crowd("unlike", 4).error_rates
    assert unlike == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert N_WORKERS == {"usps": 9, "madelon": 7}


def test_the_difficulty_net_stops_as_soon_as_it_knows_enough():
    data = blobs(100)
    proba, told = learn_difficulty(data.X, data.y, np.random.RandomState(0))
    assert told["difficulty_accuracy"] > ENOUGH_ACCURACY
    assert 1 < told["difficulty_epochs"] < MOST_EPOCHS
    assert (proba.argmax(1) == data.y).mean() == told["difficulty_accuracy"]


def test_the_difficulty_net_gives_up_on_labels_that_contradict_each_other():
    X = np.repeat(np.random.RandomState(0).normal(size=(10, 2)), 2, axis=0)
    _, told = learn_difficulty(X, np.tile([0, 1], 10), np.random.RandomState(0))
    assert told == {"difficulty_epochs": MOST_EPOCHS, "difficulty_accuracy": 0.5}


@pytest.mark.slow
def test_workers_err_as_often_as_they_should_and_more_on_hard_rows():
    data = blobs(2000, shift=0.8)
    task = draw(data, crowd=Crowd("unlike", 4))
    wrong = task.annotations != task.truth[:, None]
    assert wrong.mean(0) == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.03)
    # Whoever errs, errs on the same rows: errors of two workers go together.
    both = wrong[:, 2] & wrong[:, 3]
    assert both.mean() > wrong[:, 2].mean() * wrong[:, 3].mean() + 0.02


def test_nets_and_draws_are_the_same_for_both_kinds_of_crowds():
    data = blobs(200)
    alike, unlike = (draw(data, crowd=Crowd(kind, 5)) for kind in ("alike", "unlike"))
    np.testing.assert_array_equal(alike.X_train, unlike.X_train)
    assert alike.told == unlike.told
    # The middle worker of five unlike ones errs in 25 %, the last in 40 %.
    wrong, more = (t.annotations != t.truth[:, None] for t in (alike, unlike))
    assert not (more[:, 2] & ~wrong[:, 2]).any()
    assert not (wrong[:, 4] & ~more[:, 4]).any()


# --- One run -------------------------------------------------------------------------


def test_sizes_are_those_of_table_3_1():
    task = draw(numbered((834, 1200)), crowd=Crowd("alike", 9))
    record = task.record()
    assert (record["n_train_majority"], record["n_train_minority"]) == (668, 66)
    assert (record["n_test_majority"], record["n_test_minority"]) == (166, 166)
    assert len(task.X_train) == 734
    assert len(task.X_test) == 332
    assert task.annotations.shape == (734, 9)


def test_no_test_row_is_trained_on():
    task = draw(numbered((100, 80, 90)))
    train, test = set(ids(task.X_train)), set(ids(task.X_test))
    assert not train & test
    assert len(train) == len(task.X_train)
    assert len(test) == len(task.X_test)


def test_labels_belong_to_their_rows():
    usps = numbered((60, 80))
    task = draw(usps, pairs="1-0")
    assert (task.told["majority"], task.told["minority"]) == (1, 0)
    assert usps.y[ids(task.X_train)].tolist() == [1 - t for t in task.truth]
    assert usps.y[ids(task.X_test)].tolist() == [1 - t for t in task.y_test]


def test_rows_are_annotated_before_the_minority_is_cut():
    data = numbered((60, 60))
    _, candidates, _ = draw_classes(data, parse_pairs("drawn"), 0)
    task = draw(data)
    assert set(ids(task.X_train)) < set(np.concatenate(candidates).tolist())
    # A net that had seen the rows that are left alone would have fewer of them.
    assert len(np.concatenate(candidates)) == 96
    assert len(task.X_train) == 48 + 4


@pytest.mark.slow
def test_a_run_follows_from_its_seed_alone():
    data = numbered((60, 80, 70))
    first, again, other = (draw(data, seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.X_train, again.X_train)
    np.testing.assert_array_equal(first.annotations, again.annotations)
    assert ids(first.X_test) != ids(other.X_test)
    assert first.annotations.tolist() != other.annotations.tolist()


def test_halves_are_as_imbalanced_as_the_set():
    y = np.repeat([0, 1], [160, 40])
    data = Dataset("oil", np.arange(200)[:, None], y, "hash")
    task = draw_half(data, Crowd("unlike", 7), seed=0)
    record = task.record()
    assert [record[f"n_{p}_{c}"] for p in ("train", "test") for c in task_sides()] == [
        80,
        20,
        80,
        20,
    ]
    assert sorted(ids(task.X_train) + ids(task.X_test)) == list(range(200))
    assert y[ids(task.X_train)].tolist() == task.truth.tolist()
    assert task.annotations.shape == (100, 7)
    assert ids(draw_half(data, ALIKE, seed=1).X_train) != ids(task.X_train)


def task_sides():
    return ("majority", "minority")
