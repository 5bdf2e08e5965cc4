import numpy as np
import pytest

from imbdeep.displays._bootstrap import pointwise_band, resampled_counts, thinned
from imbdeep.metrics._thresholds import count_at_thresholds


def draw(n=60, levels=15, seed=0):
    rng = np.random.RandomState(seed)
    is_positive = rng.uniform(size=n) < 0.3
    score = rng.randint(1 + levels, size=n) / levels
    return is_positive, score, rng.uniform(0.5, 2, n)


def counted(is_positive, score, weight, thresholds):
    """Weights of positive and of negative rows at or above each threshold, by loops."""
    rows = list(zip(is_positive, score, weight, strict=True))
    return [
        [sum(w for p, s, w in rows if p == of and s >= t) for of in (True, False)]
        for t in thresholds
    ]


@pytest.mark.parametrize("seed", range(3))
def test_counts_of_each_draw(seed):
    is_positive, score, weight = draw(seed=seed)
    counts, resampled = resampled_counts(
        is_positive, score, weight, n_bootstraps=5, random_state=seed
    )
    state = np.random.RandomState(seed)
    drawn = [
        [state.choice(np.flatnonzero(is_positive == of), sum(is_positive == of))
         for _ in range(5)]
        for of in (True, False)
    ]  # fmt: skip
    for number in range(5):
        rows = np.concatenate([own[number] for own in drawn])
        told = is_positive[rows], score[rows], weight[rows]
        expected = np.array(counted(*told, counts.thresholds))
        np.testing.assert_allclose(resampled.tp[number], expected[:, 0], atol=1e-9)
        np.testing.assert_allclose(resampled.fp[number], expected[:, 1], atol=1e-9)
        total = resampled.tp[number] + resampled.fn[number]
        np.testing.assert_allclose(total, weight[drawn[0][number]].sum())
        total = resampled.fp[number] + resampled.tn[number]
        np.testing.assert_allclose(total, weight[drawn[1][number]].sum())


def test_thinned_counts_are_right_and_keep_rare_rows():
    rng = np.random.RandomState(0)
    score = rng.uniform(size=20_000)
    is_positive = np.zeros(20_000, dtype=bool)
    is_positive[rng.choice(20_000, 30, replace=False)] = True
    counts, resampled = resampled_counts(
        is_positive, score, np.ones(20_000), n_bootstraps=2, random_state=0, most=300
    )
    assert len(counts.thresholds) <= 310
    assert (counts.tp[0], counts.tp[-1], counts.fp[-1]) == (0, 30, 19_970)
    # Each rare row is the first beyond some threshold.
    assert len(set(counts.tp)) == 31
    for place in (0, 1, len(counts.tp) // 2, -2, -1):
        above = score >= counts.thresholds[place]
        assert counts.tp[place] == sum(above & is_positive)
        assert counts.fp[place] == sum(above & ~is_positive)
    assert (resampled.tp[:, -1] == 30).all()


def test_few_thresholds_stay():
    is_positive, score, weight = draw()
    counts = count_at_thresholds(is_positive, score, weight)
    assert thinned(counts, 100) is counts


@pytest.mark.parametrize("seed", range(3))
def test_the_spread_is_that_of_shares(seed):
    """Recall at a threshold is a share of independent rows."""
    rng = np.random.RandomState(seed)
    is_positive = np.arange(4000) < 100
    score = rng.uniform(size=4000)
    counts, resampled = resampled_counts(
        is_positive, score, np.ones(4000), n_bootstraps=1000, random_state=seed
    )
    recall = resampled.tp / 100
    for place in np.searchsorted(counts.tp, [20, 50, 80]):
        share = counts.tp[place] / 100
        expected = np.sqrt(share * (1 - share) / 100)
        assert recall[:, place].mean() == pytest.approx(share, abs=0.01)
        assert recall[:, place].std() == pytest.approx(expected, rel=0.15)


def test_bands_leave_out_what_has_no_value():
    curves = np.array([[np.nan, np.nan, 1.0], [np.nan, 2.0, 3.0], [np.nan, 4.0, 5.0]])
    lower, upper = pointwise_band(curves, 0.5)
    np.testing.assert_allclose(lower, [np.nan, 2.5, 2.0])
    np.testing.assert_allclose(upper, [np.nan, 3.5, 4.0])
    assert pointwise_band(np.empty((0, 3)), 0.5) == (None, None)
