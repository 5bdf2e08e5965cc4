"""Which rows each member trains on and holds out, and what they say about rows."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.random import RandomState
from numpy.testing import assert_allclose, assert_array_equal

from imbdeep._nets.holding_out import mean_over_rows, rows_of_each, scores_of_epochs
from imbdeep._nets.member_rows import (
    HOLD_OUTS,
    hold_out_bags,
    hold_out_folds,
    read_groups,
    sample_of_classes,
    under_sample,
)

SEEDS = range(5)


def classes(*counts, seed=0):
    return RandomState(seed).permutation(np.repeat(np.arange(len(counts)), counts))


def n_held(rows):
    return rows.held_out.sum(axis=1)


def assert_are_apart(rows, y):
    """What a member trains on it does not hold out, and it has all classes."""
    assert len({len(own) for own in rows.train}) == 1
    for i, own in enumerate(rows.train):
        assert not rows.held_out[own, i].any()
        assert set(y[own]) == set(y)


# --- Folds ---------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [(60, 11), (40, 9, 5), (5,) * 26], ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_each_row_is_in_one_fold_of_each_repeat(counts, seed):
    y = classes(*counts, seed=seed)
    rows = hold_out_folds(y, 10, RandomState(seed))
    assert_are_apart(rows, y)
    for repeat in (rows.held_out[:, :5], rows.held_out[:, 5:]):
        assert_array_equal(repeat.sum(axis=1), 1)
        for fold in repeat.T:
            assert set(y[fold]) == set(y)
    for i, own in enumerate(rows.train):
        assert_array_equal(np.unique(own), np.flatnonzero(~rows.held_out[:, i]))
        # As equal as can be, but for the classes whose sizes five does not divide.
        assert len(own) - len(np.unique(own)) <= len(counts)
    assert (rows.held_out[:, :5] != rows.held_out[:, 5:]).any()


@pytest.mark.parametrize(
    "n_rare, n_folds", [(7, 5), (5, 5), (4, 4), (3, 3), (2, 2)], ids=str
)
@pytest.mark.parametrize("seed", SEEDS)
def test_as_many_folds_as_rare_rows(n_rare, n_folds, seed):
    y = classes(50, n_rare, seed=seed)
    rows = hold_out_folds(y, 2 * n_folds, RandomState(seed))
    assert_are_apart(rows, y)
    assert_array_equal(n_held(rows), 2)
    assert_array_equal(rows.held_out[:, :n_folds].sum(axis=1), 1)
    assert (rows.held_out[y == 1].sum(axis=0) >= 1).all()


def test_a_lone_row_stays_in_training():
    y = classes(50, 6, 1)
    rows = hold_out_folds(y, 5, RandomState(0))
    assert_are_apart(rows, y)
    assert_array_equal(n_held(rows), y != 2)


def test_lone_rows_only():
    rows = hold_out_folds(np.arange(4), 3, RandomState(0))
    assert not rows.held_out.any()
    assert [own.tolist() for own in rows.train] == [[0, 1, 2, 3]] * 3


@pytest.mark.parametrize("n_members", [2, 3, 4, 7, 11])
def test_a_number_of_members_that_is_no_multiple_of_five(n_members):
    y = classes(40, 10)
    rows = hold_out_folds(y, n_members, RandomState(0))
    assert_are_apart(rows, y)
    n_folds = min(5, n_members)
    whole = n_members // n_folds
    assert (n_held(rows) >= whole).all() and (n_held(rows) <= whole + 1).all()
    # Every member has a fold of about the same size, the last ones too.
    assert (abs(rows.held_out.sum(axis=0) - len(y) / n_folds) <= 1).all()


def test_another_seed_draws_other_folds():
    y = classes(40, 10)
    first, again, other = (hold_out_folds(y, 5, RandomState(s)) for s in (0, 0, 1))
    assert_array_equal(first.held_out, again.held_out)
    assert (first.held_out != other.held_out).any()


# --- Groups --------------------------------------------------------------------------


def split_groups(rows, groups):
    """Groups of which a member holds out a part, or trains on a part."""
    return [
        (i, g)
        for i in range(rows.held_out.shape[1])
        for g in np.unique(groups)
        if len(set(rows.held_out[groups == g, i])) > 1
        or (rows.held_out[groups == g, i].any() and (groups[rows.train[i]] == g).any())
    ]


@pytest.mark.parametrize("hold_out", HOLD_OUTS.values(), ids=HOLD_OUTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_groups_stay_together(hold_out, seed):
    y = classes(80, 20, seed=seed)
    groups = RandomState(seed).randint(25, size=100)
    rows = hold_out(y, 10, RandomState(seed), groups)
    assert_are_apart(rows, y)
    assert not split_groups(rows, groups)
    assert rows.held_out.any(axis=0).all()
    # Without groups they would be torn apart.
    assert split_groups(hold_out(y, 10, RandomState(seed)), groups)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_group_is_in_one_fold_of_each_repeat(seed):
    y = classes(80, 20, seed=seed)
    groups = RandomState(seed).randint(25, size=100)
    rows = hold_out_folds(y, 10, RandomState(seed), groups)
    assert_array_equal(n_held(rows), 2)
    assert_array_equal(rows.held_out[:, :5].sum(axis=1), 1)


@pytest.mark.parametrize("hold_out", HOLD_OUTS.values(), ids=HOLD_OUTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_only_group_of_a_class_stays_in_training(hold_out, seed):
    groups = np.repeat(np.arange(20), 5)
    y = RandomState(seed).randint(2, size=100)
    y[groups == 7] = 2
    # The second class of this group has one more, which the first rule leaves alone.
    y[(groups == 7) & (np.arange(100) % 5 == 0)] = 3
    y[groups == 8] = 3
    rows = hold_out(y, 10, RandomState(seed), groups)
    assert_are_apart(rows, y)
    assert not split_groups(rows, groups)
    never = np.isin(groups, [7, 8]) if hold_out is hold_out_folds else groups == 7
    assert not rows.held_out[never].any()
    if hold_out is hold_out_folds:
        assert_array_equal(n_held(rows), np.where(never, 0, 2))


@pytest.mark.parametrize("n_rare_groups", [2, 3, 4])
def test_as_many_folds_as_groups_of_the_rarest_class(n_rare_groups):
    groups = np.repeat(np.arange(30), 4)
    y = (groups < n_rare_groups).astype(int)
    rows = hold_out_folds(y, n_rare_groups, RandomState(0), groups)
    assert_are_apart(rows, y)
    assert_array_equal(n_held(rows), 1)
    assert (rows.held_out[y == 1].sum(axis=0) == 4).all()


def in_a_ring():
    """Three classes, each in two groups that it shares with the others."""
    groups = np.repeat(np.arange(3), 4)
    y = np.array([0, 0, 2, 2, 0, 0, 1, 1, 1, 1, 2, 2])
    return y, groups


@pytest.mark.parametrize("seed", SEEDS)
def test_more_folds_where_two_would_hold_out_a_class(seed):
    y, groups = in_a_ring()
    rows = hold_out_folds(y, 6, RandomState(seed), groups)
    assert_are_apart(rows, y)
    assert not split_groups(rows, groups)
    assert_array_equal(n_held(rows), 2)
    # Each member holds out one; none is left without.
    assert_array_equal(rows.held_out.sum(axis=0), 4)


def test_groups_that_cannot_be_held_out():
    y, groups = in_a_ring()
    with pytest.raises(ValueError, match="classes share too few groups. Pass more"):
        hold_out_folds(y, 2, RandomState(0), groups)
    rows = hold_out_bags(y, 2, RandomState(0), groups)
    assert_are_apart(rows, y)


@pytest.mark.parametrize(
    "groups",
    [
        ["b", "a", "b"],
        np.array([2.5, 1.0, 2.5]),
        pd.Series(["x", "a", "x"]),
        [7, -1, 7],
    ],
    ids=["text", "numbers", "series", "whole"],
)
def test_groups_of_any_kind(groups):
    assert read_groups(groups, np.zeros((3, 2))).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "groups, message",
    [
        ([1, 2], r"inconsistent numbers of samples: \[3, 2\]"),
        ([[1, 2], [1, 2], [1, 2]], "1d array"),
        ([1.0, np.nan, 2.0], "no value in row 1"),
        (["a", "b", None], "no value in row 2"),
        (pd.Series([1, None, 3], dtype="Int64"), "no value in row 1"),
        (np.array(["a", 1, "b"], dtype=object), "groups=.* cannot be used"),
        ("patient", "groups='patient' cannot be used"),
    ],
    ids=["short", "2d", "nan", "none", "nullable", "mixed", "name"],
)
def test_groups_that_are_none(groups, message):
    with pytest.raises(ValueError, match=message) as error:
        read_groups(groups, np.zeros((3, 2)))
    assert "groups" in str(error.value)


# --- Bags ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bag_has_as_many_rows_of_each_class(seed):
    y = classes(200, 12, 3, 1, seed=seed)
    rows = hold_out_bags(y, 8, RandomState(seed))
    assert_are_apart(rows, y)
    for i, own in enumerate(rows.train):
        assert_array_equal(np.bincount(y[own]), np.bincount(y))
        assert_array_equal(np.flatnonzero(~rows.held_out[:, i]), np.unique(own))
    # (1 - 1/n)^n is next to 1/e.
    assert abs(rows.held_out[y == 0].mean() - np.exp(-1)) < 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bag_of_groups(seed):
    groups = np.repeat(np.arange(40), 5)
    y = (RandomState(seed).random(200) < 0.2).astype(int)
    rows = hold_out_bags(y, 8, RandomState(seed), groups)
    for own in rows.train:
        assert_array_equal(np.bincount(y[own]), np.bincount(y))
    assert abs(rows.held_out.mean() - np.exp(-1)) < 0.08


# --- Samples -------------------------------------------------------------------------

LABELS = np.array(["common", "medium", "rare"])


@pytest.mark.parametrize(
    "strategy, counts",
    [
        ("auto", [6, 6, 6]),
        ("majority", [6, 20, 6]),
        ({"common": 10}, [10, 20, 6]),
        ({"common": 30, "rare": 4}, [30, 20, 4]),
        (lambda y: {"common": int(np.sum(y == "medium"))}, [20, 20, 6]),
    ],
    ids=["auto", "majority", "dict", "two", "callable"],
)
def test_how_many_rows_of_each_class_are_left(strategy, counts):
    y = classes(60, 20, 6)
    rows = [np.arange(len(y))] * 4
    kept = under_sample(rows, y, LABELS, strategy, RandomState(0))
    for own in kept:
        assert np.bincount(y[own]).tolist() == counts
        assert len(np.unique(own)) == len(own)
    # A sample of its own; none of the classes that are not sampled is lost.
    assert len({tuple(own) for own in kept}) == 4
    whole = [c for c in range(3) if counts[c] == np.sum(y == c)]
    for own in kept:
        assert set(np.flatnonzero(np.isin(y, whole))) <= set(own)


def test_every_frequent_row_is_as_likely():
    y = classes(30, 10)
    rows = [np.arange(len(y))] * 300
    kept = under_sample(rows, y, np.array([0, 1]), 0.5, RandomState(0))
    drawn = np.bincount(np.concatenate(kept), minlength=len(y))
    assert_array_equal(drawn[y == 1], 300)
    # 200 expected, with a standard deviation of 8.
    assert np.abs(drawn[y == 0] - 200).max() < 40


def test_members_keep_to_their_rows_and_are_of_one_length():
    y = classes(50, 7)
    rows = hold_out_folds(y, 5, RandomState(0))
    kept = under_sample(rows.train, y, np.array([0, 1]), "auto", RandomState(0))
    assert {len(own) for own in kept} == {12}
    for i, own in enumerate(kept):
        assert set(own) <= set(rows.train[i])
        assert np.sum(y[np.unique(own)] == 1) == np.sum(~rows.held_out[y == 1, i])


def test_labels_that_are_numbers_with_a_fraction():
    y, labels = classes(20, 5), np.array([0.5, 1.5])
    kept = under_sample([np.arange(25)], y, labels, {0.5: 9}, RandomState(0))
    assert np.bincount(y[kept[0]]).tolist() == [9, 5]


@pytest.mark.parametrize(
    "strategy, reason",
    [
        ({"commn": 3}, r"\['commn'\] are not among the classes \['common'"),
        ({"common": 61}, "61 samples are asked"),
        ({"common": -1}, "cannot be negative"),
        ("most", "one of"),
        (0.5, "binary"),
        (lambda y: None, "cannot be used"),
    ],
    ids=["unknown", "too many", "negative", "name", "share", "callable"],
)
def test_strategies_that_cannot_be_used(strategy, reason):
    y = classes(60, 20, 6)
    with pytest.raises(ValueError, match=reason) as error:
        under_sample([np.arange(len(y))], y, LABELS, strategy, RandomState(0))
    assert str(error.value).startswith("member_sampling=")


def test_a_sample_has_classes_in_proportion_and_enough_of_each():
    y = RandomState(1).permutation(classes(7000, 2500, 350, 40))
    rows = sample_of_classes(y, 1000, RandomState(0))
    expected = []
    for n in (7000, 2500, 350, 40):
        expected.append(min(n, max(100, round(1000 * n / 9890))))
    assert expected[2:] == [100, 40]
    assert np.bincount(y[rows]).tolist() == expected
    assert_array_equal(rows, np.unique(rows))


def test_every_row_of_a_class_is_as_likely_in_a_sample():
    y = classes(900, 600)
    drawn = np.zeros(1500)
    for seed in range(200):
        drawn[sample_of_classes(y, 500, RandomState(seed))] += 1
    # 67 expected, with a standard deviation of 7.
    assert np.abs(drawn - 200 / 3).max() < 30


# --- What members say about rows -----------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_the_mean_of_what_is_said_about_a_row(seed):
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(13, 4, generator=generator) < 0.3
    mask[2] = False
    said = torch.rand(13, 4, 3, dtype=torch.float64, generator=generator)
    rows, is_own = rows_of_each(mask)
    outputs = torch.stack([said[rows[:, i], i] for i in range(4)], dim=1)
    # What fills a gap does not count.
    outputs[~is_own] = torch.nan
    mean = mean_over_rows(outputs, rows, is_own, 13)
    for row in range(13):
        members = [said[row, i].numpy() for i in range(4) if mask[row, i]]
        if members:
            assert_allclose(mean[row], np.mean(members, axis=0))
        else:
            assert mean[row].isnan().all()
    assert len(rows) == mask.sum(0).max()


def test_scores_of_epochs_that_were_cut_short():
    epochs = [
        {"valid_loss": 1.0, "valid_loss_best": True, "train_loss": 2.0, "epoch": 1},
        {"valid_loss": 0.5, "valid_f1": 0.25, "valid_batch_count": 3},
        {"valid_f1": np.float32(0.5), "valid_curve": [1, 2]},
    ]
    scores = scores_of_epochs(epochs)
    assert set(scores) == {"valid_loss", "valid_f1"}
    assert_array_equal(scores["valid_loss"], [1.0, 0.5, np.nan])
    assert_array_equal(scores["valid_f1"], [np.nan, 0.25, 0.5])
    assert scores_of_epochs([]) == {}
