import hashlib

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imbdeep.datasets import load_embedded_suite

SUITE = load_embedded_suite(task="all")
BINARY = [name for name, bunch in SUITE.items() if bunch.task == "binary"]
MULTICLASS = [name for name, bunch in SUITE.items() if bunch.task == "multiclass"]


@pytest.mark.parametrize("name", SUITE)
def test_sizes_and_description(name):
    bunch = SUITE[name]
    X, y = bunch.data, bunch.target
    counts = [int((y == label).sum()) for label in sorted(set(y.tolist()))]
    assert bunch.name == name
    assert bunch.provenance == "embedded"
    assert X.dtype == np.float64
    assert np.isfinite(X).all()
    assert X.shape == (bunch.n_samples, bunch.n_features) == (len(y), X.shape[1])
    assert 300 <= len(y) <= 2000
    assert bunch.n_minority == min(counts)
    assert bunch.ratio == max(counts) / min(counts)
    assert 5 <= bunch.ratio <= 40
    assert bunch.DESCR.startswith(f"{name}: ")


@pytest.mark.parametrize("name", BINARY)
def test_binary_labels_are_those_of_the_27_sets(name):
    y = SUITE[name].target
    assert set(y.tolist()) == {-1, 1}
    assert (y == 1).sum() == SUITE[name].n_minority


@pytest.mark.parametrize("name", MULTICLASS)
def test_multiclass_labels(name):
    y = SUITE[name].target
    assert sorted(set(y.tolist())) == list(range(y.max() + 1))
    assert y.max() >= 2


def test_same_on_every_call_without_touching_the_global_generator():
    before = np.random.get_state()[1].copy()
    again = load_embedded_suite(task="all")
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    for name, bunch in SUITE.items():
        np.testing.assert_array_equal(bunch.data, again[name].data)
        np.testing.assert_array_equal(bunch.target, again[name].target)
        assert bunch.sha256 == again[name].sha256


def test_callers_cannot_change_each_others_data():
    load_embedded_suite("digits_8")["digits_8"].data[:] = -1
    np.testing.assert_array_equal(
        load_embedded_suite("digits_8")["digits_8"].data, SUITE["digits_8"].data
    )


def test_hash_is_of_data_then_target():
    moons = SUITE["moons"]
    hasher = hashlib.sha256(moons.data.tobytes())
    hasher.update(moons.target.tobytes())
    assert moons.sha256 == hasher.hexdigest()
    assert len({bunch.sha256 for bunch in SUITE.values()}) == len(SUITE)


def rows_as_multiset(X):
    return sorted(map(tuple, X))


def test_digits_8_is_every_image_pooled():
    images, digit = load_digits().images, load_digits().target
    pooled = np.empty((len(images), 4, 4))
    for r in range(4):
        for c in range(4):
            pooled[:, r, c] = images[:, 2 * r : 2 * r + 2, 2 * c : 2 * c + 2].mean(
                axis=(1, 2)
            )
    bunch = SUITE["digits_8"]
    np.testing.assert_allclose(bunch.data, pooled.reshape(-1, 16))
    np.testing.assert_array_equal(bunch.target, np.where(digit == 8, 1, -1))


def test_cut_leaves_the_majority_and_part_of_the_minority():
    X, digit = load_digits(return_X_y=True)
    bunch = SUITE["digits_3_rare"]
    majority = bunch.data[bunch.target == -1]
    minority = bunch.data[bunch.target == 1]
    assert rows_as_multiset(majority) == rows_as_multiset(X[digit != 3])
    assert len(minority) == 45
    assert set(map(tuple, minority)) <= set(map(tuple, X[digit == 3]))


def test_breast_cancer_keeps_the_mean_features():
    cancer = load_breast_cancer()
    bunch = SUITE["breast_cancer_rare"]
    assert list(cancer.feature_names[:10])[-1] == "mean fractal dimension"
    benign = cancer.data[cancer.target == 1][:, :10]
    assert rows_as_multiset(bunch.data[bunch.target == -1]) == rows_as_multiset(benign)


def test_diabetes_has_every_row():
    X, progression = load_diabetes(return_X_y=True, scaled=False)
    np.testing.assert_array_equal(SUITE["diabetes_severe"].data, X)
    np.testing.assert_array_equal(
        SUITE["diabetes_severe"].target, np.where(progression > 260, 1, -1)
    )


def test_long_tail_falls_evenly():
    counts = np.bincount(SUITE["digits_long_tail"].target)
    steps = counts[:-1] / counts[1:]
    assert counts[0] == 10 * counts[-1]
    np.testing.assert_allclose(steps, 10 ** (1 / 9), rtol=0.07)


def test_shared_rows_are_declared_both_ways():
    for name, bunch in SUITE.items():
        for other in bunch.shares_rows_with:
            assert name in SUITE[other].shares_rows_with
    assert set(SUITE["digits_8"].shares_rows_with) == {
        "digits_3_rare",
        "digits_long_tail",
    }
    assert SUITE["rings"].shares_rows_with == ()


def test_task_and_names():
    assert list(load_embedded_suite()) == BINARY
    assert list(load_embedded_suite(task="multiclass")) == MULTICLASS
    assert 8 <= len(BINARY) <= 10
    assert len(MULTICLASS) == 2
    assert list(load_embedded_suite("three_classes")) == ["three_classes"]
    assert list(load_embedded_suite(["rings", "moons"])) == ["rings", "moons"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "regression"}, "task must be one of binary, .* got 'regression'"),
        ({"names": "digit_8"}, "'digit_8'.*did you mean 'digits_8'"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_embedded_suite(**arguments)


def mean_score(model, bunch, scoring):
    folds = StratifiedKFold(2, shuffle=True, random_state=0)
    return cross_val_score(
        model, bunch.data, bunch.target, cv=folds, scoring=scoring
    ).mean()


@pytest.mark.slow
@pytest.mark.parametrize("name", BINARY)
def test_binary_problems_are_neither_trivial_nor_hopeless(name):
    boosting = HistGradientBoostingClassifier(max_iter=60, random_state=0)
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    boosted_score = mean_score(boosting, SUITE[name], "average_precision")
    linear_score = mean_score(linear, SUITE[name], "average_precision")
    assert 0.4 < boosted_score < 0.97
    assert linear_score < 0.97
    if name in ("rings", "small_disjuncts"):
        assert linear_score < 0.15
    else:
        assert linear_score > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("name", MULTICLASS)
def test_multiclass_problems_are_neither_trivial_nor_hopeless(name):
    boosting = HistGradientBoostingClassifier(max_iter=60, random_state=0)
    chance = 1 / len(set(SUITE[name].target))
    score = mean_score(boosting, SUITE[name], "balanced_accuracy")
    assert 1.5 * chance < score < 0.97
