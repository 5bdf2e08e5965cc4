"""Rows in bins, and exact intervals of what comes true there."""

import numpy as np
import pytest
from scipy.stats import binom

from imbdeep.metrics._bins import bins_of_equal_mass, clopper_pearson, fill_bins


def bins_by_loops(proba, mass, n_bins):
    """Number of the bin in which the middle of equal probabilities lies, one by one."""
    found, below, total = {}, 0.0, sum(mass)
    for p in sorted(set(proba)):
        own = sum(m for q, m in zip(proba, mass, strict=True) if q == p)
        found[p] = int(n_bins * (below + own / 2) / total)
        below += own
    used = sorted(set(found.values()))
    return [used.index(found[p]) for p in proba]


@pytest.mark.parametrize("by", ["rows", "positives"])
@pytest.mark.parametrize("seed", range(3))
def test_bins_by_loops(by, seed):
    rng = np.random.RandomState(seed)
    proba, weight = rng.beta(0.5, 4, 200).round(2), rng.exponential(size=200)
    mass = weight if by == "rows" else weight * proba
    found = bins_of_equal_mass(proba, mass, 7)
    assert found.tolist() == bins_by_loops(proba.tolist(), mass.tolist(), 7)


def test_rows_that_weigh_next_to_nothing_make_no_bin_beyond_the_last():
    proba, mass = np.linspace(0, 1, 101), np.append(np.ones(100), 1e-12)
    assert bins_of_equal_mass(proba, mass, 10).max() == 9


def test_of_probabilities_of_zero_there_is_one_bin():
    assert bins_of_equal_mass(np.zeros(5), np.zeros(5), 4).tolist() == [0] * 5


def test_sums_of_bins_by_loops():
    rng = np.random.RandomState(0)
    proba, weight, place = (
        rng.rand(90),
        rng.exponential(size=90),
        rng.randint(3, size=90),
    )
    is_positive = rng.rand(90) < proba
    bins = fill_bins(is_positive, proba, weight, place, 4)
    for number in range(3):
        rows = [i for i in range(90) if place[i] == number]
        total = sum(weight[i] for i in rows)
        hits = sum(weight[i] for i in rows if is_positive[i])
        assert bins.count[number] == pytest.approx(total)
        assert bins.positives[number] == pytest.approx(hits)
        mean = sum(weight[i] * proba[i] for i in rows) / total
        assert bins.mean_predicted[number] == pytest.approx(mean)
        squares = sum(weight[i] ** 2 for i in rows)
        assert bins.n_rows[number] == pytest.approx(total**2 / squares)
    assert [part[3] for part in vars(bins).values()] == [0, 0, 0, 0]
    assert len(bins.without_empty().count) == 3


# --- Intervals -----------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("n", [1, 20, 150])
def test_intervals_are_where_tails_are_small(n, level):
    """At its ends the observed number of positive rows is just not surprising."""
    positives = np.arange(n + 1)
    lower, upper = clopper_pearson(positives, np.full(n + 1, n), level)
    tail = (1 - level) / 2
    np.testing.assert_allclose(binom.sf(positives[1:] - 1, n, lower[1:]), tail)
    np.testing.assert_allclose(binom.cdf(positives[:-1], n, upper[:-1]), tail)
    assert (lower[0], upper[-1]) == (0, 1)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.03, 0.2, 0.5])
def test_intervals_hold_the_share_as_often_as_they_say(share):
    positives = np.arange(101)
    lower, upper = clopper_pearson(positives, np.full(101, 100), 0.95)
    held = (lower <= share) & (share <= upper)
    assert binom.pmf(positives, 100, share)[held].sum() >= 0.95


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
@pytest.mark.parametrize("seed", range(2))
def test_weighted_intervals_hold_the_share(share, seed):
    """As often as they say, though weights differ much; by all weights they do not."""
    rng = np.random.RandomState(seed)
    held = {"effective": 0, "rows": 0}
    y = rng.uniform(size=(2000, 200)) < share
    weight = rng.lognormal(sigma=1, size=(2000, 200))
    shares = (weight * y).sum(1) / weight.sum(1)
    effective = weight.sum(1) ** 2 / (weight**2).sum(1)
    for name, count in {"effective": effective, "rows": np.full(2000, 200.0)}.items():
        lower, upper = clopper_pearson(shares * count, count, 0.95)
        held[name] = ((lower <= share) & (share <= upper)).mean()
    assert held["effective"] >= 0.94
    assert held["rows"] < 0.91
