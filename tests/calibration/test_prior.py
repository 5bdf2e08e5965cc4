"""Bayes' rule for other class shares, against densities."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from imbdeep.calibration import correct_prior
from imbdeep.calibration._prior import log_prior_ratio, read_prior

from .mixtures import MEANS, PRIORS, posterior

LABELS = np.array(["a", "b", "c"])


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.parametrize("kind", ["equal", "reversed", "steep"])
def test_the_rule_turns_one_posterior_into_the_other(name, kind):
    target = PRIORS[name]
    trained = {
        "equal": np.ones(len(target)) / len(target),
        "reversed": target[::-1],
        "steep": target**3 / (target**3).sum(),
    }[kind]
    X = np.random.default_rng(0).normal(scale=3, size=(200, 2))
    corrected = correct_prior(posterior(name, X, trained), trained, target)
    assert_allclose(corrected, posterior(name, X), rtol=1e-11)
    assert_allclose(corrected.sum(axis=1), 1, rtol=1e-14)


def test_corrections_follow_each_other_and_back():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(4), 50)
    a, b, c = rng.dirichlet(np.ones(4), 3)
    there = correct_prior(proba, a, b)
    assert_allclose(correct_prior(there, b, c), correct_prior(proba, a, c), rtol=1e-12)
    assert_allclose(correct_prior(there, b, a), proba, rtol=1e-12)


def test_equal_shares_change_nothing():
    proba = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    shares = [0.7, 0.2, 0.1]
    assert_array_equal(correct_prior(proba, shares, shares), proba)


def test_what_is_returned_is_no_view_of_what_was_given():
    proba = np.full((2, 2), 0.5)
    for target in ([1, 1], [9, 1]):
        correct_prior(proba, [1, 1], target)[:] = 7
        assert_array_equal(proba, np.full((2, 2), 0.5))


@pytest.mark.parametrize("target", [[0.5, 0.5], [0.9, 0.1]])
def test_rows_of_nan_stay_nan(target):
    proba = [[np.nan, 0.5], [0.5, 0.5], [np.nan, np.nan]]
    corrected = correct_prior(proba, [1, 1], target)
    assert_allclose(corrected[1], target)
    assert np.isnan(corrected[[0, 2]]).all()


@pytest.mark.parametrize("target", [[0.5, 0.5], [0.9, 0.1]])
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([-3.0, 4.0], r"^proba must lie in \[0, 1\], got values from -3 to 4"),
        ([2.0, -1.0], r"^proba must lie in \[0, 1\]"),
        ([np.inf, 0.5], r"^proba must lie in \[0, 1\]"),
        ([0.5, 0.7], r"rows of proba must sum to 1.*off by 0\.2"),
        ([0.0, 0.0], "rows of proba must sum to 1.*off by 1"),
    ],
)
def test_what_is_no_probability_is_refused(row, message, target):
    with pytest.raises(ValueError, match=message):
        correct_prior([[0.5, 0.5], [np.nan, 0.5], row], [1, 1], target)


@pytest.mark.parametrize("target", [[0.5, 0.5], [0.9, 0.1]])
def test_no_rows_and_rows_that_were_rounded(target):
    assert correct_prior(np.empty((0, 2)), [1, 1], target).shape == (0, 2)
    rounded = np.array([[1 + 2e-7, 0], [0.25, 0.7501]])
    assert_allclose(correct_prior(rounded, [1, 1], target).sum(axis=1), 1, atol=2e-4)


def test_numbers_of_rows_are_as_good_as_shares():
    proba = np.random.default_rng(0).dirichlet(np.ones(2), 20)
    by_counts = correct_prior(proba, [30, 30], [900, 100])
    assert_allclose(by_counts, correct_prior(proba, [0.5, 0.5], [0.9, 0.1]), rtol=1e-14)


def test_a_class_that_training_lacked_is_named():
    with pytest.raises(ValueError, match=r"Class \['b'\] had no share in training"):
        log_prior_ratio([0.5, 0, 0.5], [0.3, 0.3, 0.4], LABELS)
    with pytest.raises(ValueError, match=r"Class \[1\] had no share in training"):
        correct_prior([[0.5, 0.0, 0.5]], [1, 0, 1], [0.3, 0.3, 0.4])
    # Of several members, one is enough.
    with pytest.raises(ValueError, match=r"Class \[0\]"):
        log_prior_ratio([[0.5, 0.5], [0, 1]], [0.5, 0.5])


def test_a_class_that_the_target_lacks_gets_nothing():
    proba = np.array([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
    corrected = correct_prior(proba, [1, 1, 1], [0.5, 0, 0.5])
    assert_allclose(corrected[0], [2 / 7, 0, 5 / 7])
    # A row that can only be of that class says nothing about the others.
    assert_allclose(corrected[1], [0.5, 0, 0.5])
    # Neither has rows of the second.
    assert_allclose(correct_prior(proba[:1], [1, 0, 3], [1, 0, 1])[0, 1], 0)


def test_extreme_ratios_stay_finite():
    corrected = correct_prior([[0.5, 0.5], [1.0, 0.0]], [1e-300, 1], [1, 1e-300])
    assert_array_equal(corrected, [[1, 0], [1, 0]])


def test_a_series_goes_by_label():
    shares = pd.Series({"c": 0.1, "a": 0.6, "b": 0.3})
    assert_allclose(read_prior("target_prior", shares, LABELS), [0.6, 0.3, 0.1])


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ([0.5, 0.5], r"target_prior.*3 shares"),
        (pd.Series([0.5, 0.3, 0.2]), r"share of each class, \['a', 'b', 'c'\]"),
        (pd.Series([0.5, 0.3, 0.1, 0.1], list("abcc")), r"share of each class"),
        ([0.5, 0.3, 0.3], r"target_prior must sum to 1.*1\.1"),
        ([1.2, -0.1, -0.1], r"target_prior.*at least 0"),
        ([np.nan, 0.5, 0.5], r"target_prior.*finite"),
        ({"a": 0.5, "b": 0.5}, r"target_prior.*differs in \['c'\]"),
        ({"a": 0.5, "b": 0.3, "c": 0.1, "d": 0.1}, r"differs in \['d'\]"),
        ("balanced", r"target_prior.*cannot be used"),
    ],
)
def test_a_prior_that_is_none(prior, message):
    with pytest.raises(ValueError, match=message):
        read_prior("target_prior", prior, LABELS)


@pytest.mark.parametrize("proba", [[0.5, 0.5], [[0.5, 0.25, 0.25]]])
def test_probabilities_of_another_shape(proba):
    with pytest.raises(ValueError, match="one column for each"):
        correct_prior(proba, [1, 1], [1, 3])
    with pytest.raises(ValueError, match="one share for each"):
        correct_prior(proba, [1, 1], [1, 1, 2])
