import numpy as np
import pytest
from scipy.special import expit

from imbdeep.metrics import (
    calibration_bins,
    calibration_error_of_bins,
    expected_calibration_error,
)


def draw(n=300, seed=0, levels=None):
    rng = np.random.RandomState(seed)
    proba = expit(rng.normal(-2, 1.5, n))
    if levels is not None:
        proba = np.round(proba * levels) / levels
    return (rng.uniform(size=n) < proba).astype(int), proba, rng.uniform(0.1, 3, n)


def error_by_loops(y, proba, weight, bin_of_row):
    error = 0.0
    for b in set(bin_of_row):
        rows = [i for i in range(len(y)) if bin_of_row[i] == b]
        mass = sum(weight[i] for i in rows)
        predicted = sum(weight[i] * proba[i] for i in rows) / mass
        observed = sum(weight[i] * y[i] for i in rows) / mass
        error += mass / sum(weight) * abs(predicted - observed)
    return error


def equal_mass_by_loops(proba, weight, n_bins):
    """Each distinct probability goes where the middle of its mass lies."""
    middle_of, below = {}, 0.0
    for value in sorted(set(proba)):
        mass = sum(w for p, w in zip(proba, weight, strict=True) if p == value)
        middle_of[value] = (below + mass / 2) / sum(weight)
        below += mass
    return [int(n_bins * middle_of[value]) for value in proba]


# --- Bins of equal width -------------------------------------------------------------


@pytest.mark.parametrize("n_bins", [1, 7, 10])
def test_equal_width_against_a_loop(n_bins):
    y, proba, _ = draw()
    bins = calibration_bins(y, proba, n_bins=n_bins, strategy="uniform")
    for k in range(n_bins):
        inside = [i for i in range(300) if int(proba[i] * n_bins) == k]
        assert bins["count"][k] == len(inside)
        assert bins["positives"][k] == sum(y[inside])
        expected = np.mean(proba[inside]) if inside else 0
        assert bins["mean_predicted"][k] == pytest.approx(expected)


def test_edges_of_equal_width():
    proba = [0.0, 0.1, 0.3, 0.6, 0.7, 0.9, 1.0]
    bins = calibration_bins([1] * 7, proba, strategy="uniform")
    assert bins["count"] == [1, 1, 0, 1, 0, 0, 1, 1, 0, 2]
    assert bins["positives"] == bins["count"]


def test_an_empty_bin_has_a_mean_of_zero():
    bins = calibration_bins([0, 1], [0.95, 0.95], strategy="uniform")
    assert bins["mean_predicted"][:9] == [0] * 9


# --- Bins of equal mass --------------------------------------------------------------


@pytest.mark.parametrize("n", [10, 97, 300, 1003])
def test_equal_mass_without_ties(n):
    y, proba, _ = draw(n)
    bins = calibration_bins(y, proba)
    assert sum(bins["count"]) == n
    assert len(bins["count"]) == 10
    assert max(bins["count"]) - min(bins["count"]) <= 1
    assert bins["mean_predicted"] == sorted(bins["mean_predicted"])


@pytest.mark.parametrize("levels", [None, 20, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_equal_mass_against_loops(levels, weighted):
    y, proba, weight = draw(levels=levels)
    weight = weight if weighted else np.ones(300)
    place = np.array(equal_mass_by_loops(proba, weight, 10))
    bins = calibration_bins(y, proba, sample_weight=weight)
    numbers = sorted(set(place))
    assert bins["count"] == pytest.approx([weight[place == b].sum() for b in numbers])
    expected = [(weight * y)[place == b].sum() for b in numbers]
    assert bins["positives"] == pytest.approx(expected)


def test_equal_probabilities_share_a_bin_in_any_order():
    y, proba, _ = draw(levels=20)
    proba[:200] = 0.0
    bins = calibration_bins(y, proba)
    assert bins["count"][0] >= 200
    assert 0 < len(bins["count"]) < 10
    order = np.random.RandomState(1).permutation(len(y))
    assert calibration_bins(y[order], proba[order])["count"] == bins["count"]


def test_whole_weights_are_copies():
    y, proba, _ = draw(80, levels=30)
    times = np.random.RandomState(2).randint(4, size=80)
    copies = np.repeat(np.arange(80), times)
    weighted = calibration_bins(y, proba, sample_weight=times)
    repeated = calibration_bins(y[copies], proba[copies])
    for part in weighted:
        assert weighted[part] == pytest.approx(repeated[part])


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
@pytest.mark.parametrize("scale", [0.1, 1 / 3, 1e6])
def test_only_ratios_of_weights_count(strategy, scale):
    y, proba, _ = draw(100)
    plain = expected_calibration_error(y, proba, strategy=strategy)
    weight = np.full(100, scale)
    assert expected_calibration_error(
        y, proba, strategy=strategy, sample_weight=weight
    ) == pytest.approx(plain, abs=1e-12)


# --- The error -----------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_bins", [1, 6, 10])
def test_error_against_loops(strategy, weighted, n_bins):
    y, proba, weight = draw(levels=40)
    weight = weight if weighted else np.ones(300)
    if strategy == "quantile":
        place = equal_mass_by_loops(proba, weight, n_bins)
    else:
        place = np.minimum((proba * n_bins + 1e-12).astype(int), n_bins - 1).tolist()
    error = expected_calibration_error(
        y,
        proba,
        n_bins=n_bins,
        strategy=strategy,
        sample_weight=weight if weighted else None,
    )
    assert error == pytest.approx(error_by_loops(y, proba, weight, place))


@pytest.mark.parametrize("seed", range(4))
def test_widths_hide_what_masses_show(seed):
    """Rare rows whose probabilities are drawn towards the mean, within one bin."""
    rng = np.random.RandomState(seed)
    true = rng.uniform(0, 0.09, 20_000)
    y = rng.uniform(size=20_000) < true
    stated = np.full(20_000, 0.045) + (true - 0.045) / 10
    by_width = expected_calibration_error(y, stated, strategy="uniform")
    by_mass = expected_calibration_error(y, stated)
    assert by_width < 0.004
    assert by_mass > 4 * by_width


def test_the_positive_class():
    y, proba, _ = draw()
    named = np.array(["no", "yes"])[y]
    expected = expected_calibration_error(y, proba)
    assert expected_calibration_error(named, proba) == expected
    other = expected_calibration_error(named, 1 - proba, pos_label="no")
    assert other == pytest.approx(expected)


def test_error_of_bins_at_its_limits():
    assert calibration_error_of_bins([10, 10], [0.2, 0.7], [2, 7]) == pytest.approx(0)
    assert calibration_error_of_bins([10], [1.0], [0]) == 1.0
    assert np.isnan(calibration_error_of_bins([0, 0], [None, 0.0], [0, 0]))
    assert calibration_error_of_bins([10, 0], [0.5, np.nan], [2, 0]) == 0.3
    assert expected_calibration_error([0, 1], [1.0, 0.0]) == 1.0
    assert expected_calibration_error([0, 1], [0.0, 1.0]) == 0.0


@pytest.mark.parametrize(
    ("bins", "message"),
    [
        (([1, 2], [0.1], [1, 1]), r"shapes \(2,\), \(1,\) and \(2,\)"),
        (([1], [0.1], [2]), "0 <= positives <= count"),
        (([-1], [0.1], [-1]), "0 <= positives <= count"),
    ],
)
def test_error_of_bins_refuses(bins, message):
    with pytest.raises(ValueError, match=message):
        calibration_error_of_bins(*bins)


@pytest.mark.parametrize(
    ("y", "proba", "options", "message"),
    [
        ([0, 1], [0.1, 0.2], {"n_bins": 0}, "n_bins must be .* at least 1, got 0"),
        ([0, 1], [0.1, 0.2], {"n_bins": True}, "n_bins must be"),
        ([0, 1], [0.1, 0.2], {"strategy": "mass"}, "strategy must be .* got 'mass'"),
        ([0, 1], [0.1, 1.2], {}, r"must lie in \[0, 1\]"),
        ([0, 1], [0.1, np.nan], {}, "NaN"),
        ([0, 1], [[0.9, 0.1], [0.8, 0.2]], {}, r"1-D.*predict_proba\(X\)\[:, 1\]"),
        ([0, 1, 2], [0.1, 0.2, 0.3], {}, "two classes, got 3"),
        ([0, 1], [0.1, 0.2], {"pos_label": 5}, "pos_label=5 is not a class"),
        ([0, 1], [0.1, 0.2], {"sample_weight": [1, -1]}, "non-negative"),
    ],
)
def test_bins_refuse(y, proba, options, message):
    for metric in (calibration_bins, expected_calibration_error):
        with pytest.raises(ValueError, match=message):
            metric(y, proba, **options)
