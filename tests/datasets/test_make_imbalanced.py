from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from imblearn.datasets import make_imbalance

from imbdeep.datasets import imbalanced_counts, make_imbalanced

KINDS = ["step", "exponential", "linear"]


def slow_share(kind, position, n_classes, ratio):
    """Share of the largest class, one class at a time."""
    if kind == "step":
        n_large = (n_classes + 1) // 2
        return Fraction(1) if position < n_large else 1 / Fraction(ratio)
    if kind == "linear":
        return 1 - Fraction(position, n_classes - 1) * (1 - 1 / Fraction(ratio))
    share = 1.0
    for _ in range(position):
        share /= ratio ** (1 / (n_classes - 1))
    return share


def slow_counts(counts, kind, ratio):
    """Try every size of the largest class, from large to small."""
    shares = [slow_share(kind, c, len(counts), ratio) for c in range(len(counts))]
    for n_max in range(max(counts), 0, -1):
        sizes = [n_max * share for share in shares]
        # Powers of roots are off by some 1e-13.
        if all(s <= n + 1e-9 for s, n in zip(sizes, counts, strict=True)):
            return [round(float(s)) for s in sizes]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ratio", [1, 2, 10, 7.5])
@pytest.mark.parametrize(
    "counts",
    [
        [5_000] * 10,
        [500] * 100,
        [100, 100],
        [30, 20, 25],
        [40, 200, 60, 90, 1_000],
        [9, 90, 50, 15],
    ],
)
def test_counts_are_the_largest_that_fit(counts, kind, ratio):
    sizes = imbalanced_counts(counts, kind, ratio)
    assert sizes.tolist() == slow_counts(counts, kind, ratio)
    assert (sizes <= counts).all()


# Table of the imbalanced CIFAR sets: 5000 and 500 rows a class, ratios of 10 and 100.
@pytest.mark.parametrize(
    ("n_classes", "n", "kind", "ratio", "n_rows"),
    [
        (10, 5_000, "step", 10, 27_500),
        (10, 5_000, "step", 100, 25_250),
        (100, 500, "step", 100, 25_250),
        # Sums of the geometric series, within half a row a class.
        (10, 5_000, "exponential", 10, 20_431),
        (10, 5_000, "exponential", 100, 12_406),
    ],
)
def test_sizes_of_the_published_sets(n_classes, n, kind, ratio, n_rows):
    sizes = imbalanced_counts([n] * n_classes, kind, ratio)
    assert abs(sizes.sum() - n_rows) <= n_classes / 2
    assert sizes.max() == n and sizes.min() == n // ratio


def test_exponential_is_the_papers_rule_for_equal_classes_only():
    tau = 100 ** (-1 / 9)
    paper = [5_000 * tau**i for i in range(10)]
    sizes = imbalanced_counts([5_000] * 10, "exponential", 100)
    np.testing.assert_allclose(sizes, paper, atol=0.5)
    unequal = [5_000, 5_000, 50]
    assert imbalanced_counts(unequal, "exponential", 10).tolist() == [500, 158, 50]


@pytest.mark.parametrize("kind", KINDS)
def test_ratio_one_is_balanced(kind):
    assert imbalanced_counts([30, 20, 25], kind, 1).tolist() == [20, 20, 20]


def test_a_bound_at_a_fraction_is_not_missed():
    # 1 / 3, 1 / 49 and others have quotients just below an integer in floating point.
    for ratio in range(2, 200):
        assert imbalanced_counts([10**6, 5], "step", ratio).tolist() == [5 * ratio, 5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([9, 9], "steps"), "kind must be 'step' or 'exponential' or 'linear', got"),
        (([9, 9], "step", 0.5), "ratio must be a number of at least 1, got 0.5"),
        (([9, 9], "step", np.nan), "ratio must be a number of at least 1, got nan"),
        (([9, 9], "step", np.inf), "ratio must be a number of at least 1, got inf"),
        (([9, 9], "step", "10"), "ratio must be a number of at least 1, got '10'"),
        (([9],), "at least two classes, got 1"),
        (([9, 0],), r"integers of at least 1, got \[9, 0\]"),
        (([9, 2.5],), r"integers of at least 1, got \[9.0, 2.5\]"),
        (
            ([9, 9], "step", 20),
            "ratio=20 leaves a class without rows: .* 9 rows.*at most 9",
        ),
    ],
)
def test_counts_refuse(arguments, message):
    with pytest.raises(ValueError, match=message):
        imbalanced_counts(*arguments)


def test_the_largest_ratio_of_the_error_works():
    assert imbalanced_counts([9, 9], "step", 9).tolist() == [9, 1]


# --- Of one size ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ratio", [1, 7.5, 100])
@pytest.mark.parametrize("n_samples", [1_000, 1_003, 1_111])
def test_counts_add_up_to_what_is_asked_for(kind, ratio, n_samples):
    counts = [400] * 18
    sizes = imbalanced_counts(counts, kind, ratio, n_samples=n_samples)
    assert sizes.sum() == n_samples
    shares = [float(slow_share(kind, c, 18, ratio)) for c in range(18)]
    quotas = [n_samples * share / sum(shares) for share in shares]
    # No class is off by a row or more, as no rounding of quotas need be.
    assert (np.abs(sizes - quotas) < 1).all()
    assert (np.diff(sizes) <= 0).all()


def test_all_rows_that_fit_are_the_same_with_and_without_a_sum():
    free = imbalanced_counts([90, 50, 70], "linear", 4)
    asked = imbalanced_counts([90, 50, 70], "linear", 4, n_samples=int(free.sum()))
    assert np.abs(free - asked).max() <= 1


@pytest.mark.parametrize(
    ("n_samples", "message"),
    [
        (100, "n_samples=100 takes 50 rows of class number 0, which has 30.*most 40"),
        (0, "n_samples must be"),
        (2.5, "n_samples must be"),
        (True, "n_samples must be"),
        (1, "n_samples=1 leaves class number 1 without rows"),
    ],
)
def test_sums_that_cannot_be_are_refused(n_samples, message):
    with pytest.raises((ValueError, TypeError), match=message):
        imbalanced_counts([30, 20], ratio=1, n_samples=n_samples)


def test_a_balanced_set_of_the_size_of_an_imbalanced_one():
    y = np.repeat(list("abc"), 60)
    _, tail = make_imbalanced(y, y, "exponential", 10, random_state=0)
    _, even = make_imbalanced(y, y, ratio=1, n_samples=len(tail), random_state=0)
    assert len(even) == len(tail)
    sizes = np.unique(even, return_counts=True)[1]
    assert sizes.max() - sizes.min() <= 1


# --- Rows ----------------------------------------------------------------------------


def labelled(counts, labels=None):
    labels = range(len(counts)) if labels is None else labels
    return np.random.RandomState(0).permutation(np.repeat(list(labels), counts))


@pytest.mark.parametrize("shape", [(), (3,), (2, 4, 4)])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_any_shape_keep_their_order_and_labels(shape, kind):
    y = labelled([60, 50, 70])
    X = np.arange(len(y)).reshape(-1, *[1] * len(shape)) * np.ones(shape)
    X_kept, y_kept, rows = make_imbalanced(
        X, y, kind, 5, random_state=0, return_indices=True
    )
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(X_kept, X[rows])
    np.testing.assert_array_equal(y_kept, y[rows])
    expected = imbalanced_counts([60, 50, 70], kind, 5)
    assert np.bincount(y_kept).tolist() == expected.tolist()


@pytest.mark.slow
def test_every_row_of_a_class_is_kept_as_often():
    y = labelled([50, 50])
    first = make_imbalanced(y, y, random_state=0, return_indices=True)[2]
    again = make_imbalanced(y, y, random_state=0, return_indices=True)[2]
    other = make_imbalanced(y, y, random_state=1, return_indices=True)[2]
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
    # Every row of the smaller class is kept as often as any other: 5 of 50.
    counts = np.zeros(len(y))
    for seed in range(600):
        counts[make_imbalanced(y, y, random_state=seed, return_indices=True)[2]] += 1
    small = counts[y == 1] / 600
    assert abs(small - 0.1).max() < 5 * (0.1 * 0.9 / 600) ** 0.5


def test_global_generator_is_left_alone():
    y = labelled([50, 50])
    before = np.random.get_state()[1].copy()
    make_imbalanced(y, y, random_state=0)
    assert (np.random.get_state()[1] == before).all()


def test_class_order_says_who_gets_rare():
    y = labelled([40, 40, 40], ["a", "b", "c"])
    _, kept = make_imbalanced(y, y, "exponential", 4, class_order=["c", "a", "b"])
    assert dict(zip(*np.unique(kept, return_counts=True), strict=True)) == {
        "c": 40,
        "a": 20,
        "b": 10,
    }


def test_agrees_with_imblearn_given_its_sizes():
    y = labelled([60, 50, 70])
    X = np.arange(len(y))[:, None]
    ours, label = make_imbalanced(X, y, "linear", 5, random_state=3)
    sizes = dict(enumerate(imbalanced_counts([60, 50, 70], "linear", 5).tolist()))
    theirs, _ = make_imbalance(X, y, sampling_strategy=sizes, random_state=3)
    assert sorted(theirs.ravel()) == ours.ravel().tolist()
    np.testing.assert_array_equal(label, y[ours.ravel()])


@pytest.mark.parametrize(
    "labels",
    [
        ["x", "yy"],
        [3, 7],
        [-1.0, 1.0],
        [False, True],
        [0.25, 0.5],
        np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]"),
    ],
)
def test_labels_of_any_sortable_type(labels):
    y = np.repeat(np.asarray(labels), [20, 20])
    for given in (y, list(y)):
        _, kept = make_imbalanced(np.zeros((40, 2)), given)
        assert type(kept) is type(given)
        values, counts = np.unique(np.asarray(kept), return_counts=True)
        assert values.tolist() == np.asarray(labels).tolist()
        assert counts.tolist() == [20, 2]


def test_containers_stay():
    y = pd.Series(["no", "yes"] * 20, name="churn", index=range(100, 140))
    X = pd.DataFrame({"age": range(40), "city": ["Ulm"] * 40}, index=y.index)
    X_kept, y_kept, rows = make_imbalanced(X, y, random_state=0, return_indices=True)
    pd.testing.assert_frame_equal(X_kept, X.iloc[rows])
    pd.testing.assert_series_equal(y_kept, y.iloc[rows])
    texts = [f"text {i}" for i in range(40)]
    kept, _ = make_imbalanced(texts, y, random_state=0)
    assert kept == [texts[i] for i in rows]


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        ([0] * 6, {}, r"at least two classes, got \[0\]"),
        ([0, 1, 0], {}, "inconsistent numbers of samples"),
        ([0, 0, 0, 1, None, "a"], {}, "cannot be sorted"),
        ([0, 0, 0, 1, 1, 1], {"class_order": [0]}, r"each class once, got \[0\]"),
        ([0, 0, 0, 1, 1, 1], {"class_order": [0, 0]}, r"each class once.*\[0, 1\]"),
        ([0, 0, 0, 1, 1, 1], {"class_order": [0, 1, 1]}, "each class once"),
        ([0, 0, 0, 1, 1, 1], {"class_order": [0, 2]}, "each class once"),
        ([0, 0, 0, 1, 1, 1], {"class_order": 1}, "each class once, got 1"),
        ([0, 0, 0, 1, 1, 1], {"kind": "long"}, "kind must be .*got 'long'"),
        ([0, 0, 0, 1, 1, 1], {"ratio": 0}, "ratio must be .*got 0"),
        ([0, 0, 0, 1, 1, 1], {"ratio": 10}, "ratio=10 leaves a class without rows"),
    ],
)
def test_refuses(y, options, message):
    with pytest.raises(ValueError, match=message):
        make_imbalanced(np.zeros((6, 2)), y, **options)
