"""Calibration: what is right stays, what is bent is mended."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import expit, logit, softmax
from sklearn.metrics import brier_score_loss, log_loss

from imbdeep.classifiers._imbalanced.calibrating import METHODS, Beta, fit_calibrator


def drawn(seed, n=4_000):
    rng = np.random.RandomState(seed)
    z = 2 * rng.randn(n) - 2
    return z, (rng.rand(n) < expit(z)).astype(int)


def pairs(z):
    return np.c_[expit(-z), expit(z)]


BENT = {
    "too sure": lambda z: 2.5 * z,
    "too careful": lambda z: 0.4 * z,
    "shifted": lambda z: z + 2,
    "rare only": lambda z: np.where(z < 0, z, 3 * z),
}
# Temperature does not shift; of two slopes a sigmoid has one.
MENDS = [
    (method, bent)
    for method in METHODS
    for bent in BENT
    if bent in ("too sure", "too careful") or method in ("beta", "isotonic")
] + [("sigmoid", "shifted")]


@pytest.mark.parametrize(("method", "bent"), MENDS)
@pytest.mark.parametrize("seed", range(3))
def test_bent_probabilities_are_mended_on_new_rows(method, bent, seed):
    z, y = drawn(seed)
    new, labels = drawn(seed + 50)
    calibrator = fit_calibrator(method, pairs(BENT[bent](z)), y)
    mended = calibrator.predict_proba(pairs(BENT[bent](new)))
    assert_allclose(mended.sum(axis=1), 1)
    # Isotonic calibration gives zeros and ones, which a log loss does not forgive.
    before, after, best = (
        brier_score_loss(labels, proba[:, 1])
        for proba in (pairs(BENT[bent](new)), mended, pairs(new))
    )
    assert after - best < 0.5 * (before - best)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_right_probabilities_stay(method, seed):
    z, y = drawn(seed)
    calibrator = fit_calibrator(method, pairs(z), y)
    grid = pairs(np.linspace(-5, 2, 30))
    assert np.abs(calibrator.predict_proba(grid) - grid).max() < 0.12
    assert np.abs(calibrator.predict_proba(grid) - grid).mean() < 0.03


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_three_classes(method):
    rng = np.random.RandomState(0)
    true = rng.dirichlet([4, 1, 1], 3_000)
    y = (true.cumsum(1) < rng.rand(3_000, 1)).sum(1)
    bent = true**2.5 / (true**2.5).sum(1, keepdims=True)
    mended = fit_calibrator(method, bent, y).predict_proba(bent)
    worse, best = log_loss(y, bent) - log_loss(y, true), log_loss(y, true)
    assert log_loss(y, mended) - best < 0.1 * worse


def test_beta_is_the_maximum_of_its_likelihood():
    z, y = drawn(0, 500)
    weight = np.random.RandomState(1).uniform(0, 2, 500)
    proba = pairs(1.5 * z + 0.5)
    found = Beta().fit(proba, y, weight).predict_proba(proba)[:, 1]

    def loss(abc):
        a, b, c = abc
        q = expit(a * np.log(proba[:, 1]) - b * np.log(proba[:, 0]) + c)
        return -weight @ np.where(y == 1, np.log(q), np.log1p(-q))

    a, b, c = minimize(loss, [1, 1, 0], method="Nelder-Mead", tol=1e-10).x
    expected = a * np.log(proba[:, 1]) - b * np.log(proba[:, 0]) + c
    assert_allclose(logit(found), expected, atol=2e-3)


@pytest.mark.parametrize("seed", range(5))
def test_beta_keeps_the_order_of_rows(seed):
    rng = np.random.RandomState(seed)
    # Few rows, which pull one of the powers below 0.
    p = rng.beta(0.3, 0.3, 12)
    y = np.append(rng.randint(0, 2, 10), [0, 1])
    grid = np.linspace(0.01, 0.99, 50)
    calibrated = Beta().fit(np.c_[1 - p, p], y).predict_proba(np.c_[1 - grid, grid])
    assert (np.diff(calibrated[:, 1]) >= -1e-12).all()


def test_beta_gives_the_share_where_the_order_is_upside_down():
    p = np.linspace(0.1, 0.9, 40)
    proba, y = np.c_[1 - p, p], (p < 0.35).astype(int)
    calibrated = Beta().fit(proba, y).predict_proba(proba)
    assert_allclose(calibrated[:, 1], y.mean())


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
@pytest.mark.parametrize("seed", range(3))
def test_no_map_turns_the_order_around(method, seed):
    rng = np.random.RandomState(seed)
    p = rng.uniform(0.05, 0.3, 200)
    weight = rng.uniform(0.5, 1.5, 200)
    # What is called likely is so less often than the rest.
    y = (rng.rand(200) < 0.6 - 1.8 * p).astype(int)
    grid = np.linspace(0.01, 0.99, 50)
    calibrator = fit_calibrator(method, np.c_[1 - p, p], y, weight)
    calibrated = calibrator.predict_proba(np.c_[1 - grid, grid])[:, 1]
    assert (np.diff(calibrated) >= 0).all()
    if method == "sigmoid":
        assert_allclose(calibrated, np.average(y, weights=weight))


def test_a_sigmoid_of_three_classes_levels_those_that_would_fall():
    rng = np.random.RandomState(0)
    z = rng.randn(600, 3)
    y = np.argmax(z * [1, 1, -1] + rng.gumbel(size=z.shape), axis=1)
    fall = fit_calibrator("sigmoid", softmax(z, axis=1), y)
    (fitted,) = fall.calibrated_classifiers_
    # Of each class before they are made to add up to 1.
    low, high = (
        [one.predict(np.array([at]))[0] for one in fitted.calibrators]
        for at in (-3.0, -0.1)
    )
    assert (np.subtract(high, low)[:2] > 0.1).all()
    assert_allclose([low[2], high[2]], (y == 2).mean())
    assert_allclose(fall.predict_proba(softmax(z, axis=1)).sum(axis=1), 1)


def test_a_class_of_weight_0_is_never_predicted():
    p = np.linspace(0.1, 0.9, 40)
    y, proba = (p > 0.35).astype(int), np.c_[1 - p, p]
    calibrator = fit_calibrator("sigmoid", proba, y, 1.0 - y)
    assert (calibrator.predict_proba(proba)[:, 1] < 0.2).all()


def test_certain_probabilities_are_finite():
    proba = np.array([[0.0, 1.0], [1.0, 0.0]] * 20)
    y = np.array([1, 0] * 19 + [0, 1])
    for method in METHODS:
        assert np.isfinite(fit_calibrator(method, proba, y).predict_proba(proba)).all()


@pytest.mark.parametrize("method", METHODS)
def test_weights_are_used_without_a_false_alarm(method):
    z, y = drawn(0, 400)
    weight = np.where(y == 1, 3.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weighted = fit_calibrator(method, pairs(z), y, weight).predict_proba(pairs(z))
    plain = fit_calibrator(method, pairs(z), y).predict_proba(pairs(z))
    assert weighted[:, 1].mean() > plain[:, 1].mean() + 0.02
