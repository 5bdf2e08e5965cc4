import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from imbdeep_bench.engine.protocol import derive_seed, minority_label, parse_protocol

LABELS = np.where(np.arange(203) % 9 == 0, 1, -1)  # 23 rows of the minority


def split(protocol, fold, seed=0, dataset="ecoli"):
    return parse_protocol(protocol).split(LABELS, fold, seed=seed, dataset=dataset)


def test_minority_label():
    assert minority_label(np.array([-1, 1, -1])) == 1
    assert minority_label(np.array(["a", "a", "b", "a"])) == "b"


def test_seed_is_a_valid_random_state():
    seeds = {derive_seed(0, "ecoli", fold) for fold in range(200)}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_seed_tells_apart_parts_that_join_to_the_same_text():
    assert derive_seed("ab", "c") != derive_seed("a", "bc")
    assert derive_seed(1, 2) != derive_seed(12)


@pytest.mark.parametrize(
    ("name", "n_repeats", "n_folds"),
    [("10x2", 10, 20), ("1x2", 1, 2), ("4x60-20-20", 4, 4), ("4x80-20", 4, 4)],
)
def test_parse(name, n_repeats, n_folds):
    protocol = parse_protocol(name)
    assert (protocol.n_repeats, protocol.n_folds) == (n_repeats, n_folds)


@pytest.mark.parametrize(
    "name", ["", "0x2", "10", "10x3", "10x2x", "4x60-20-10", "4x80"]
)
def test_parse_error(name):
    with pytest.raises(ValueError, match=f"--protocol got '{name}'.*10x2"):
        parse_protocol(name)


@pytest.mark.parametrize("protocol", ["2x2", "3x60-20-20", "3x80-20"])
@pytest.mark.parametrize("fold", [0, 1, 2])
def test_parts_are_disjoint_complete_and_sorted(protocol, fold):
    parts = split(protocol, fold)
    together = np.concatenate([parts.fit, parts.valid, parts.test])
    assert sorted(together) == list(range(len(LABELS)))
    for part in (parts.fit, parts.valid, parts.test, parts.train):
        assert (np.diff(part) > 0).all()
    assert sorted([*parts.fit, *parts.valid]) == parts.train.tolist()


@pytest.mark.parametrize(
    ("protocol", "shares"),
    [
        ("2x2", (0.35, 0.15, 0.5)),
        ("2x60-20-20", (0.6, 0.2, 0.2)),
        ("2x80-20", (0.64, 0.16, 0.2)),
    ],
)
@pytest.mark.parametrize("label", [-1, 1])
def test_each_class_is_shared_out_alike(protocol, shares, label):
    parts = split(protocol, 0)
    total = (label == LABELS).sum()
    for rows, share in zip((parts.fit, parts.valid, parts.test), shares, strict=True):
        assert abs((LABELS[rows] == label).sum() - share * total) <= 1.5


def test_two_folds_of_a_repeat_test_every_row_once():
    for repeat in range(3):
        halves = [split("3x2", 2 * repeat + half).test for half in (0, 1)]
        assert sorted(np.concatenate(halves)) == list(range(len(LABELS)))


@pytest.mark.parametrize("protocol", ["4x2", "4x60-20-20"])
def test_repeats_seeds_and_datasets_each_give_other_splits(protocol):
    tests = [split(protocol, fold).test for fold in range(4)]
    tests.append(split(protocol, 0, seed=1).test)
    tests.append(split(protocol, 0, dataset="oil").test)
    assert len({test.tobytes() for test in tests}) == len(tests)


@pytest.mark.parametrize("fold", range(4))
def test_plain_splits_are_those_of_the_seeds_from_100_on(fold):
    told = {"test_size": 0.2, "stratify": LABELS, "random_state": 100 + fold}
    train, test = train_test_split(np.arange(len(LABELS)), **told)
    for dataset in ("ecoli", "oil"):
        parts = split("4x80-20", fold, dataset=dataset)
        assert parts.test.tolist() == sorted(test)
        assert parts.train.tolist() == sorted(train)
    other = split("4x80-20", fold, seed=1).test.tolist()
    assert other not in [split("4x80-20", k).test.tolist() for k in range(4)]


def test_a_longer_protocol_begins_with_the_shorter_one():
    np.testing.assert_array_equal(split("1x2", 1).fit, split("10x2", 1).fit)


def test_seeds_and_splits_are_what_they_were():
    # In every process and on every machine, or no run could be gone on with.
    assert derive_seed(0, "ecoli", "two-fold", 0) == 2710030605
    assert split("2x2", 1, 5, "oil").valid[:5].tolist() == [10, 19, 22, 25, 35]
    assert split("2x60-20-20", 1, 5, "oil").valid[:5].tolist() == [2, 3, 4, 8, 10]
