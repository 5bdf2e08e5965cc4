"""ReMix as a sampler."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from imbdeep.over_sampling import ReMix
from tests.common.slow import half_of


@pytest.fixture(scope="module")
def data():
    return make_classification(
        200,
        n_features=5,
        n_informative=4,
        n_redundant=0,
        n_classes=3,
        n_clusters_per_class=1,
        weights=[0.7, 0.2, 0.1],
        flip_y=0,
        random_state=0,
    )


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("auto", {0: 140, 1: 140, 2: 140}),
        ("not majority", {0: 140, 1: 140, 2: 140}),
        ("minority", {0: 140, 1: 40, 2: 140}),
        ({2: 50}, {0: 140, 1: 40, 2: 50}),
        (lambda y: {1: 60, 2: 60}, {0: 140, 1: 60, 2: 60}),
        ({0: 150, 1: 45, 2: 20}, {0: 150, 1: 45, 2: 20}),
    ],
)
def test_counts_follow_the_sampling_strategy(data, strategy, expected):
    X, y = data
    counts = Counter(y.tolist())
    assert counts == {0: 140, 1: 40, 2: 20}
    _, resampled = ReMix(sampling_strategy=strategy, random_state=0).fit_resample(X, y)
    assert Counter(resampled.tolist()) == expected


def test_a_float_is_the_ratio_of_two_classes(data):
    X, y = data
    X, y = X[y != 2], y[y != 2]
    _, resampled = ReMix(sampling_strategy=0.5, random_state=0).fit_resample(X, y)
    assert Counter(resampled.tolist()) == {0: 140, 1: 70}


@pytest.mark.parametrize("label", ["argmax", "sample"])
def test_attributes_tell_how_each_row_came_about(data, label):
    X, y = data
    sampler = ReMix(label=label, random_state=0)
    X_new, y_new = sampler.fit_resample(X, y)
    n = len(X)
    assert_array_equal(X_new[:n], X)
    assert_array_equal(y_new[:n], y)
    assert_array_equal(sampler.is_synthetic_, np.arange(len(X_new)) >= n)
    assert_array_equal(sampler.parents_[:n], np.c_[np.arange(n), np.arange(n)])
    for i in range(len(X_new)):
        a, b = sampler.parents_[i]
        share = sampler.mixing_[i]
        assert_allclose(X_new[i], share * X[a] + (1 - share) * X[b], atol=1e-12)
        soft = np.zeros(3)
        soft[y[a]] += share
        soft[y[b]] += 1 - share
        assert_allclose(sampler.soft_targets_[i], soft, atol=1e-12)
        assert y_new[i] == y[a]
        if label == "argmax":
            assert soft[y_new[i]] == soft.max()
    assert_allclose(sampler.soft_targets_.sum(1), 1)


@half_of(alpha=[0.2, 1.0], label=["argmax", "sample"])
def test_mixing_is_that_of_labelled_remix_batches(data, label, alpha):
    """Against ReMix played row by row: mix, label, keep the rows of one class."""
    X, y = data
    rng = np.random.default_rng(0)
    by_class = [np.flatnonzero(y == c) for c in range(3)]
    wanted, expected = 2, []
    while len(expected) < 4000:
        a, b = (rng.choice(by_class[rng.integers(3)]) for _ in "ab")
        share = rng.beta(alpha, alpha)
        if label == "argmax":
            given = a if share >= 0.5 else b
        else:
            given = a if rng.uniform() < share else b
        if y[given] == wanted:
            expected.append(share if given == a else 1 - share)
    sampler = ReMix(
        sampling_strategy={2: 5020}, alpha=alpha, label=label, random_state=0
    )
    sampler.fit_resample(X, y)
    drawn = sampler.mixing_[sampler.is_synthetic_]
    assert len(drawn) == 5000
    assert stats.ks_2samp(drawn, expected).pvalue > 1e-6


def test_partners_come_from_balanced_data(data):
    X, y = data
    sampler = ReMix(sampling_strategy={2: 9020}, random_state=0)
    sampler.fit_resample(X, y)
    made = sampler.parents_[sampler.is_synthetic_]
    partners = np.bincount(y[made[:, 1]], minlength=3)
    # 5 standard deviations of a binomial(9000, 1/3) count.
    assert np.abs(partners - 3000).max() < 5 * np.sqrt(9000 * 2 / 9)
    assert set(y[made[:, 0]]) == {2}
    seeds = np.bincount(made[:, 0])[np.flatnonzero(y == 2)]
    assert stats.chisquare(seeds).pvalue > 1e-6


def test_sampled_labels_are_unbiased(data):
    """The mean soft target of rows given a class is what Bayes says of it."""
    X, y = data
    sampler = ReMix(
        sampling_strategy=dict.fromkeys(range(3), 4000),
        alpha=1.0,
        label="sample",
        random_state=0,
    )
    _, labels = sampler.fit_resample(X, y)
    new = sampler.is_synthetic_
    soft, labels = sampler.soft_targets_[new], labels[new]
    # Weigh the classes back to equal shares of the synthetic rows.
    weight = 1 / np.bincount(labels)[labels]
    for c in range(3):
        for low, high in [(0.2, 0.4), (0.4, 0.6), (0.6, 0.8)]:
            inside = (soft[:, c] > low) & (soft[:, c] < high)
            share = np.average(labels[inside] == c, weights=weight[inside])
            assert abs(share - np.average(soft[inside, c], weights=weight[inside])) < (
                5 * 0.5 / np.sqrt(inside.sum())
            )


def test_small_alpha_repeats_rows(data):
    X, y = data
    X_new, _ = ReMix(alpha=1e-4, random_state=0).fit_resample(X, y)
    distance = np.abs(X_new[200:, None] - X[None]).max(-1).min(1)
    assert np.mean(distance < 1e-6) > 0.98


def test_frames_dtypes_and_sparse(data):
    X, y = data
    X = X.astype(np.float32)
    expected, target = ReMix(random_state=0).fit_resample(X, y)
    assert expected.dtype == np.float32
    frame = pd.DataFrame(X, columns=list("abcde"))
    got, got_y = ReMix(random_state=0).fit_resample(frame, pd.Series(y, name="label"))
    assert list(got.columns) == list("abcde")
    assert (got.dtypes == np.float32).all()
    assert got_y.name == "label"
    assert_array_equal(got, expected)
    for matrix in (sparse.csr_matrix(X), sparse.csc_matrix(X)):
        got, got_y = ReMix(random_state=0).fit_resample(matrix, y)
        assert got.format == matrix.format
        assert_allclose(got.toarray(), expected, atol=1e-6)
        assert_array_equal(got_y, target)


def test_integers_are_mixed_in_floating_point(data):
    X, y = data
    X = (10 * X).astype(int)
    X_new, _ = ReMix(random_state=0).fit_resample(X, y)
    assert X_new.dtype.kind == "f"
    assert_array_equal(X_new[:200], X)
    assert (X_new % 1 != 0).any()


@pytest.mark.parametrize(
    "labels",
    [np.array([-1, 0, 1]), np.array(["x", "y", "z"]), np.array([5, 3, 9], np.int32)],
)
def test_labels_of_any_type(data, labels):
    X, y = data
    sampler = ReMix(random_state=0)
    _, resampled = sampler.fit_resample(X, labels[y])
    assert resampled.dtype == labels.dtype
    assert set(Counter(resampled.tolist()).values()) == {140}
    assert_array_equal(sampler.classes_, np.unique(labels))


def test_a_class_of_one_row_can_be_grown(data):
    X, y = data
    keep = np.r_[np.flatnonzero(y != 2), np.flatnonzero(y == 2)[:1]]
    _, resampled = ReMix(random_state=0).fit_resample(X[keep], y[keep])
    assert Counter(resampled.tolist()) == {0: 140, 1: 140, 2: 140}


def test_one_seed_one_result_and_global_state_untouched(data):
    X, y = data
    state = np.random.get_state()[1].copy()
    first, second = (ReMix(random_state=3).fit_resample(X, y)[0] for _ in "ab")
    assert_array_equal(first, second)
    assert_array_equal(np.random.get_state()[1], state)
    assert not np.array_equal(first, ReMix(random_state=4).fit_resample(X, y)[0])


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (np.array([[np.inf], [0.0], [1.0], [2.0]]), "infinite values: 1 in column 0"),
        (pd.DataFrame({"day": pd.date_range("2024", periods=4)}), r"\['day'\] hold"),
    ],
)
def test_refuses_bad_rows(X, match):
    with pytest.raises(ValueError, match=match):
        ReMix().fit_resample(X, [0, 0, 0, 1])


@pytest.mark.parametrize("params", [{"alpha": 0}, {"label": "soft"}])
def test_refuses_bad_parameters(data, params):
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter of ReMix"):
        ReMix(**params).fit_resample(*data)


def test_it_helps_a_linear_model_find_the_rare_class():
    gains = []
    for seed in range(8):
        X, y = make_classification(
            800, n_informative=4, weights=[0.95], class_sep=0.8, random_state=seed
        )
        X_new, y_new = ReMix(random_state=seed).fit_resample(X[:400], y[:400])
        scores = [
            balanced_accuracy_score(
                y[400:], LogisticRegression().fit(a, b).predict(X[400:])
            )
            for a, b in ((X[:400], y[:400]), (X_new, y_new))
        ]
        gains.append(scores[1] - scores[0])
    assert np.mean(gains) > 0.05


def test_discrete_columns_of_frames_keep_their_meaning(data):
    X, y = data
    rng = np.random.RandomState(0)
    category = rng.choice(list("uvw"), len(y))
    frame = pd.get_dummies(pd.Series(category))
    frame["count"] = rng.randint(-5, 5, len(y))
    frame["nullable"] = pd.array(rng.randint(0, 9, len(y)), dtype="Int64")
    frame["x"] = X[:, 0]
    sampler = ReMix(alpha=1.0, random_state=0)
    new, _ = sampler.fit_resample(frame, y)
    assert (new.dtypes == frame.dtypes).all()
    assert (new[list("uvw")].sum(axis=1) == 1).all()
    first, second = sampler.parents_.T
    share = sampler.mixing_
    for name in ("count", "nullable"):
        column = frame[name].to_numpy(float)
        mixed = share * column[first] + (1 - share) * column[second]
        assert_array_equal(new[name].to_numpy(float), np.rint(mixed))
