"""Lemma 4.3.1 and Theorems 4.3.2 and 4.3.3: closed forms against drawn rows."""

import numpy as np
import pytest
from scipy.stats import norm

from imbdeep_bench.papers.robust.separability import (
    Mixture,
    class_errors,
    drawn_errors,
    error_gap,
    price_of_weighting,
    printed_test_errors,
    printed_threshold,
    threshold,
)
from imbdeep_bench.papers.robust.theory import COUNTER, MIXTURES, RATIO
from papers import main

RATIOS = (1.5, 10.0, 100.0, 1e4)
# From hardly apart to apart, of the same features or not.
DISTANCES = np.linspace(0.05, 4, 80)


def risk(mixture, ratio, weight, w, b):
    """Eq. (4.2) of any linear classifier, up to a factor."""
    scale = mixture.sigma * np.linalg.norm(w)
    middle = mixture.eta * np.sum(w)
    rare, frequent = norm.cdf(-(b + middle) / scale), norm.cdf((b - middle) / scale)
    return weight * rare + ratio * frequent


@pytest.mark.parametrize("mixture", MIXTURES)
@pytest.mark.parametrize("weight", [1, 10, RATIO])
@pytest.mark.parametrize("seed", range(3))
def test_drawn_errors_are_those_of_the_closed_form(mixture, weight, seed):
    b, n = threshold(mixture, RATIO, weight), 20_000
    drawn = drawn_errors(mixture, b, n, np.random.RandomState(seed))
    for share, error in zip(drawn, class_errors(mixture, b), strict=True):
        # Five standard errors, and a few rows where the error is next to 0.
        assert abs(share - error) < 5 * np.sqrt(error * (1 - error) / n) + 3 / n


@pytest.mark.parametrize("mixture", MIXTURES)
@pytest.mark.parametrize("weight", [1, 10, RATIO])
def test_no_other_linear_classifier_has_a_smaller_risk(mixture, weight):
    d, state = mixture.n_features, np.random.RandomState(0)
    b = threshold(mixture, RATIO, weight)
    least = risk(mixture, RATIO, weight, np.ones(d), b)
    for scale in (0.01, 0.1, 1.0):
        for _ in range(200):
            w = 1 + scale * state.normal(size=d)
            other = b + scale * mixture.sigma * state.normal()
            assert risk(mixture, RATIO, weight, w, other) >= least * (1 - 1e-12)
    point, step = np.append(np.ones(d), b), 1e-4
    for shift in step * np.eye(d + 1):
        values = [
            risk(mixture, RATIO, weight, p[:-1], p[-1])
            for p in (point - shift, point + shift)
        ]
        assert abs(values[1] - values[0]) / (2 * step) < 1e-5


def test_the_printed_threshold_is_right_of_one_feature_and_not_of_more():
    one, ten = Mixture(0.5, 1.0, 1), Mixture(0.5, 1.0, 10)
    assert printed_threshold(one, 100, 1) == threshold(one, 100, 1)
    ones = np.ones(10)
    ours, printed = (
        risk(ten, 100, 1, ones, b(ten, 100, 1)) for b in (threshold, printed_threshold)
    )
    assert printed > 1.5 * ours
    state = np.random.RandomState(0)
    drawn = [
        rare + 100 * frequent
        for b in (threshold, printed_threshold)
        for rare, frequent in [drawn_errors(ten, b(ten, 100, 1), 50_000, state)]
    ]
    assert drawn[1] == pytest.approx(1, abs=0.01)  # all rows are told to be frequent
    assert drawn[0] < 0.9


@pytest.mark.parametrize("weight", [1, 10, 100])
def test_the_printed_test_error_exchanges_eta_and_sigma(weight):
    mixture = Mixture(1.0, 0.5, 1)
    half, inverse = 0.5 * np.log(weight / 100), mixture.sigma / mixture.eta
    by_algebra = norm.cdf([-half * inverse - 1 / inverse, half * inverse - 1 / inverse])
    b = threshold(mixture, 100, weight)
    assert class_errors(mixture, b) == pytest.approx(by_algebra, rel=1e-12)
    printed = printed_test_errors(mixture, 100, weight)
    drawn = drawn_errors(mixture, b, 50_000, np.random.RandomState(0))
    assert np.abs(np.subtract(drawn, by_algebra)).max() < 0.01
    assert np.abs(np.subtract(drawn, printed)).max() > 0.1


def test_by_the_printed_test_error_classes_further_apart_are_told_apart_less():
    near, far = Mixture(1.0, 2.0, 1), Mixture(1.0, 0.5, 1)
    for errors in (
        lambda m: sum(printed_test_errors(m, 100, 100)),
        lambda m: -sum(class_errors(m, threshold(m, 100, 100))),
    ):
        assert errors(far) > errors(near)


@pytest.mark.parametrize("mixture", MIXTURES)
def test_the_ratio_is_the_best_weight_for_balanced_test_rows(mixture):
    weights = np.geomspace(1, 1e4, 401)
    errors = [sum(class_errors(mixture, threshold(mixture, 100, w))) for w in weights]
    assert weights[np.argmin(errors)] == pytest.approx(100, rel=0.03)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("side", [error_gap, price_of_weighting])
@pytest.mark.parametrize("n_features", [1, 7])
def test_theorems_hold_by_the_distance_for_every_ratio(ratio, side, n_features):
    root = np.sqrt(n_features)
    values = [side(Mixture(t / root, 1.0, n_features), ratio) for t in DISTANCES]
    # Where both errors are 0 or 1 in floating point there is nothing to tell apart.
    differences = np.diff(values)
    assert (differences <= 1e-12).all()
    assert values[0] > values[-1] + 1e-3


@pytest.mark.parametrize("side", [error_gap, price_of_weighting])
def test_theorems_do_not_hold_by_the_separability(side):
    first, second = COUNTER
    assert first.separability > second.separability
    assert first.distance < second.distance
    for ratio in (10.0, 100.0):
        assert side(first, ratio) > side(second, ratio)
    # Rows in another unit are the same problem, and have another S.
    rescaled = Mixture(10 * first.eta, 10 * first.sigma, first.n_features)
    assert side(rescaled, 100) == pytest.approx(side(first, 100), rel=1e-12)
    assert rescaled.separability == pytest.approx(first.separability / 10)


@pytest.mark.parametrize("side", [error_gap, price_of_weighting])
def test_drawn_rows_order_the_sides_as_the_theorems_do(side):
    drawn = []
    for mixture in (Mixture(1.0, 0.5, 1), Mixture(1.0, 1.0, 1), Mixture(1.0, 2.0, 1)):
        state = np.random.RandomState(0)
        plain, weighted = (
            drawn_errors(mixture, threshold(mixture, 100, weight), 50_000, state)
            for weight in (1, 100)
        )
        gap, price = plain[0] - plain[1], weighted[1] - plain[1]
        drawn.append(gap if side is error_gap else price)
        assert drawn[-1] == pytest.approx(side(mixture, 100), abs=0.01)
    assert drawn == sorted(drawn)


def test_the_command_writes_the_tables(tmp_path):
    assert main(["robust", "theory", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "theory.md").read_text()
    cells = [[c.strip() for c in s.split("|")[1:-1]] for s in text.splitlines()]
    plain = next(c for c in cells if c[:4] == ["0.5", "1.0000", "10", "1"])
    b, printed = (
        threshold(MIXTURES[3], RATIO, 1),
        printed_threshold(MIXTURES[3], 100, 1),
    )
    assert plain[4:6] == [f"{b:.4f}", f"{printed:.4f}"]
    rare, _ = class_errors(MIXTURES[3], b)
    assert float(plain[6]) == pytest.approx(rare, abs=0.01)
    assert plain[7] == f"{rare:.4f}"
