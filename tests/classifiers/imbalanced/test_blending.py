"""The weights of learners: likelihood, prior, limit cases."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from imbdeep.classifiers._imbalanced.blending import blend_weights


def drawn(seed, n=80, n_learners=3):
    return np.random.RandomState(seed).uniform(0.05, 1, (n, n_learners))


def objective(weights, likelihood, sample_weight, prior):
    mixed = np.log(likelihood @ weights)
    return sample_weight @ mixed + prior * np.log(weights).sum()


@pytest.mark.parametrize("prior", [0.5, 2.0, 10.0])
@pytest.mark.parametrize("seed", range(3))
def test_weights_are_the_maximum(seed, prior):
    likelihood = drawn(seed)
    sample_weight = np.random.RandomState(seed + 9).uniform(0, 3, len(likelihood))
    found = blend_weights(likelihood, sample_weight, prior=prior)

    def loss(z):
        weights = np.exp(z - z.max())
        weights /= weights.sum()
        return -objective(weights, likelihood, sample_weight, prior)

    best = minimize(loss, np.zeros(3), tol=1e-12)
    expected = np.exp(best.x - best.x.max())
    assert_allclose(found, expected / expected.sum(), atol=1e-4)
    assert -objective(found, likelihood, sample_weight, prior) <= best.fun + 1e-4


@pytest.mark.parametrize("seed", range(3))
def test_similar_learners_and_many_rows(seed):
    """Where expectation maximisation would need tens of thousands of steps."""
    rng = np.random.RandomState(seed)
    truth = rng.uniform(0.1, 0.9, (20_000, 1))
    bent = np.clip(truth + [0.0, 0.02, -0.02] * rng.randn(20_000, 3), 0.01, 0.99)
    happens = rng.rand(20_000, 1) < truth
    likelihood = np.where(happens, bent, 1 - bent)
    weights = blend_weights(likelihood)
    # At the maximum no learner has a larger slope than another.
    slopes = (likelihood / (likelihood @ weights)[:, None]).sum(0) + 2 / weights
    assert_allclose(slopes, slopes.mean(), rtol=1e-4)
    assert weights.argmax() == 0


def test_a_weight_of_two_is_a_row_twice():
    likelihood = drawn(0, 10)
    twice = np.repeat(likelihood, 2, axis=0)
    assert_allclose(
        blend_weights(likelihood, np.full(10, 2.0)), blend_weights(twice), rtol=1e-5
    )


def test_equal_learners_share_and_one_has_all():
    assert_allclose(blend_weights(np.full((20, 4), 0.3)), np.full(4, 0.25))
    assert_allclose(blend_weights(drawn(0, 20, 1)), [1.0])


def test_the_better_learner_counts_more_with_more_rows():
    row = np.array([[0.9, 0.6]])
    few, many = (blend_weights(np.repeat(row, n, axis=0)) for n in (5, 500))
    assert 0.5 < few[0] < many[0]
    assert many[0] > 0.98


def test_one_row_does_not_rule_a_learner_out():
    likelihood = np.array([[0.9, 0.5]] * 200 + [[0.0, 0.5]])
    assert blend_weights(likelihood)[0] > 0.9


def test_without_rows_all_count_the_same():
    assert_allclose(blend_weights(np.empty((0, 2))), [0.5, 0.5])
