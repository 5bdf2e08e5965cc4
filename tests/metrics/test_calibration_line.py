import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from imbdeep.metrics import calibration_intercept, calibration_slope
from imbdeep.metrics._calibration_line import fit_line, slope_interval


def draw(n=400, seed=0, mean=-2.0, slope=1.0):
    """Labels, and probabilities whose logits are the true ones divided by a slope."""
    rng = np.random.RandomState(seed)
    true = rng.normal(mean, 1.5, n)
    y = (rng.uniform(size=n) < expit(true)).astype(int)
    return y, expit(true / slope), rng.uniform(0.1, 3, n)


def likeliest_line(y, proba, weight, *, slope=None):
    """Intercept and slope by a search that knows no derivatives."""

    def loss(line):
        total = 0.0
        b = line[1] if slope is None else slope
        for truth, p, w in zip(y, proba, weight, strict=True):
            eta = line[0] + b * np.log(p / (1 - p))
            total += w * (np.log1p(np.exp(-abs(eta))) + max(eta, 0) - truth * eta)
        return total

    start = [0.0, 1.0] if slope is None else [0.0]
    found = minimize(
        loss,
        start,
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-10, "maxfev": 2000},
    )
    assert found.success
    return found.x


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighted", [False, True])
def test_against_a_search(seed, weighted):
    y, proba, weight = draw(80, seed, slope=0.6)
    weight = weight if weighted else np.ones(80)
    told = {"sample_weight": weight if weighted else None}
    _, slope = likeliest_line(y, proba, weight)
    (intercept,) = likeliest_line(y, proba, weight, slope=1)
    assert calibration_slope(y, proba, **told) == pytest.approx(slope, abs=1e-5)
    found = calibration_intercept(y, proba, **told)
    assert found == pytest.approx(intercept, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("mean", [-5.0, 0.0, 3.0])
def test_slope_against_logistic_regression(seed, mean):
    y, proba, weight = draw(3000, seed, mean, slope=1.7)
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
    model.fit(logit(proba)[:, None], y, sample_weight=weight)
    slope = calibration_slope(y, proba, sample_weight=weight)
    assert slope == pytest.approx(model.coef_[0, 0], rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_intercept_makes_the_sum_right(seed):
    y, proba, weight = draw(500, seed)
    intercept = calibration_intercept(y, proba, sample_weight=weight)
    moved = expit(logit(proba) + intercept)
    assert weight @ moved == pytest.approx(weight @ y, abs=1e-8)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("stretch", "shift"), [(0.5, 0.0), (3.0, -2.0), (1.0, 1.0)])
def test_they_find_what_was_done_to_probabilities(seed, stretch, shift):
    y, proba, _ = draw(10_000, seed)
    changed = expit(stretch * logit(proba) + shift)
    assert stretch * calibration_slope(y, changed) == pytest.approx(1, abs=0.1)
    if stretch == 1:
        assert calibration_intercept(y, changed) == pytest.approx(-shift, abs=0.15)


def test_the_other_class():
    y, proba, weight = draw()
    told = {"sample_weight": weight}
    names = np.array(["no", "yes"])[y]
    slope = calibration_slope(y, proba, **told)
    intercept = calibration_intercept(y, proba, **told)
    assert calibration_slope(names, proba, **told) == slope
    other = {"pos_label": "no", **told}
    assert calibration_slope(names, 1 - proba, **other) == pytest.approx(slope)
    found = calibration_intercept(names, 1 - proba, **other)
    assert found == pytest.approx(-intercept)


def test_whole_weights_are_copies():
    y, proba, _ = draw(200)
    times = np.random.RandomState(1).randint(4, size=200)
    rows = np.repeat(np.arange(200), times)
    for metric in (calibration_slope, calibration_intercept):
        weighted = metric(y, proba, sample_weight=times)
        assert weighted == pytest.approx(metric(y[rows], proba[rows]), rel=1e-9)


# --- Classes that a threshold separates ----------------------------------------------


def test_separable_classes():
    y, proba = [0, 0, 1, 1], np.array([0.1, 0.2, 0.4, 0.9])
    assert calibration_slope(y, proba) == np.inf
    assert calibration_slope(y, 1 - proba) == -np.inf
    # Both classes on the border leave the slope without bounds as well.
    assert calibration_slope([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.9]) == np.inf
    assert np.isfinite(calibration_intercept(y, proba))


@pytest.mark.parametrize("overlap", [1e-1, 1e-4, 1e-8, 1e-12])
def test_classes_that_hardly_overlap(overlap):
    """By symmetry the odds are even halfway, and one equation remains."""
    x = np.array([-2.0, overlap, 0.0, 2.0 + overlap])
    slope = calibration_slope([0, 0, 1, 1], expit(x))
    far, near = x[3] - overlap / 2, overlap / 2

    def loss_falls(b):
        return far * expit(-far * b) - near * expit(near * b)

    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if loss_falls(middle) > 0 else (low, middle)
    assert slope == pytest.approx(low, rel=1e-3)


def test_extreme_probabilities():
    proba = np.array([1e-300, 1e-300, 1e-12, 0.3, 0.3, 1 - 1e-16])
    y = np.array([0, 0, 0, 0, 1, 1])
    slope = calibration_slope(y, proba)
    assert slope == np.inf
    y = np.array([0, 0, 1, 1, 0, 1])
    slope = calibration_slope(y, proba)
    model = fit_line(logit(proba) / 100, y == 1, np.ones(6))[0] / 100
    assert 0 < slope < 0.1
    assert slope == pytest.approx(model)


# --- How sure the slope is -----------------------------------------------------------


def information_by_differences(x, y, weight, line, step=1e-4):
    """Curvature of the weighted loss, by finite differences."""

    def loss(a, b):
        eta = a + b * x
        return sum(weight * (np.log1p(np.exp(eta)) - y * eta))

    found, steps = np.zeros((2, 2)), np.eye(2) * step
    for i, j in np.ndindex(2, 2):
        for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            found[i, j] += s * t * loss(*(line + s * steps[i] + t * steps[j]))
    found /= 4 * step**2
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_error_is_that_of_the_information(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(-1, 1.5, 300)
    y = rng.random(300) < expit(0.7 * x)
    slope, error = fit_line(x, y, np.ones(300))
    intercept = calibration_intercept(y, expit(slope * x))
    information = information_by_differences(
        x, y, np.ones(300), np.array([intercept, slope])
    )
    assert error == pytest.approx(np.linalg.inv(information)[1, 1] ** 0.5, rel=1e-4)
    assert fit_line(x, y, np.full(300, 7.0))[1] == pytest.approx(error)


@pytest.mark.parametrize("n", [300, 1200])
def test_weighted_slopes_spread_as_much_as_the_error_says(n):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(120):
        x, weight = rng.normal(-1, 1.5, n), rng.exponential(size=n)
        y = rng.random(n) < expit(x)
        found.append([*fit_line(x, y, weight), *fit_line(x, y, np.ones(n))])
    slopes, errors, _, plain = np.array(found).T
    assert np.std(slopes) == pytest.approx(np.mean(errors), rel=0.2)
    # Rows that weigh differently tell less than as many equal ones.
    assert np.mean(errors) > 1.2 * np.mean(plain)


def test_the_interval_is_as_wide_as_the_normal_distribution_is():
    rng = np.random.default_rng(0)
    proba, weight = rng.uniform(0.05, 0.6, 400), rng.exponential(size=400)
    y = rng.random(400) < proba
    slope, error = fit_line(logit(proba), y, weight)
    found = slope_interval(y, proba, weight, 0.95)
    assert found == pytest.approx((slope - 1.959964 * error, slope + 1.959964 * error))
    narrow = slope_interval(y, proba, weight, 0.5)
    assert found[0] < narrow[0] < slope < narrow[1] < found[1]


def test_of_separated_classes_the_slope_may_be_anything():
    y, proba = np.array([False, False, True]), np.array([0.1, 0.2, 0.3])
    assert slope_interval(y, proba, np.ones(3)) == (-np.inf, np.inf)
    assert slope_interval(~y, proba, np.ones(3)) == (-np.inf, -np.inf)


def test_classes_that_hardly_overlap_tell_next_to_nothing():
    x = np.array([-2.0, 1e-9, 0.0, 2.0])
    is_positive = np.array([False, False, True, True])
    lower, upper = slope_interval(is_positive, expit(x), np.ones(4))
    assert lower < 0
    assert upper > 10


# --- Probabilities of 0 and 1 --------------------------------------------------------


def certain(y, proba, rows):
    proba = proba.copy()
    for row, value in rows.items():
        proba[row] = value
    return proba


@pytest.fixture
def told():
    y, proba, _ = draw(300)
    return y, proba, np.flatnonzero(y == 0)[:3], np.flatnonzero(y == 1)[:3]


def test_certain_and_right_has_no_influence(told):
    y, proba, negative, positive = told
    proba[negative], proba[positive] = 0.0, 1.0
    others = (proba > 0) & (proba < 1)
    for metric in (calibration_slope, calibration_intercept):
        expected = metric(y[others], proba[others])
        assert metric(y, proba) == pytest.approx(expected)
    # So it is in the limit.
    near = np.clip(proba, 1e-15, 1 - 1e-15)
    for metric in (calibration_slope, calibration_intercept):
        assert metric(y, near) == pytest.approx(metric(y, proba), abs=1e-6)


def test_certain_and_right_rules_out_a_negative_slope():
    y, proba = [0, 1, 0, 1, 0, 1], np.array([0.7, 0.6, 0.4, 0.3, 0.8, 0.2])
    assert calibration_slope(y, proba) < 0
    y, proba = [*y, 0], [*proba, 0.0]
    assert calibration_slope(y, proba) == 0
    limits = [calibration_slope(y, proba, clip=10.0**-k) for k in (20, 60, 240)]
    assert np.abs(limits).max() < 0.1
    assert abs(limits[2]) < abs(limits[1]) < abs(limits[0])


def test_certain_and_wrong_makes_the_slope_zero(told):
    y, proba, _, positive = told
    proba[positive[0]] = 0.0
    with pytest.warns(UserWarning, match="^1 probabilities of exactly .* Pass clip"):
        assert calibration_slope(y, proba) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        limits = [calibration_slope(y, proba, clip=10.0**-k) for k in (5, 20, 80, 300)]
    sizes = np.abs(limits)
    assert sizes[0] > 0.5
    assert (np.diff(sizes) < 0).all()
    assert sizes[3] < 0.01


def test_certain_and_wrong_shifts_the_others(told):
    y, proba, negative, positive = told
    proba[positive] = 0.0
    proba[negative[0]] = 1.0
    found = calibration_intercept(y, proba)
    moved = expit(logit(np.clip(proba, 1e-300, 1 - 1e-16)) + found)
    assert moved.sum() == pytest.approx(y.sum())
    near = np.clip(proba, 1e-15, 1 - 1e-15)
    assert calibration_intercept(y, near) == pytest.approx(found, abs=1e-6)


def test_intercepts_without_bounds():
    # No shift of 0.5 makes up for what 0 or 1 get wrong.
    assert calibration_intercept([1, 1, 0], [0.0, 0.5, 1.0]) == np.inf
    assert calibration_intercept([1, 1, 0], [0.0, 0.5, 0.0]) == np.inf
    assert calibration_intercept([0, 0, 1], [1.0, 0.5, 1.0]) == -np.inf
    assert calibration_intercept([1, 0, 0], [1.0, 0.5, 0.0]) == -np.inf
    assert calibration_intercept([1, 0, 0], [0.0, 0.0, 0.0]) == np.inf
    assert calibration_intercept([1, 0, 1], [1.0, 1.0, 1.0]) == -np.inf


def test_perfect_probabilities():
    y = [0, 1, 1]
    assert calibration_intercept(y, [0.0, 1.0, 1.0]) == 0
    assert calibration_slope(y, [0.0, 1.0, 1.0]) == np.inf
    assert calibration_slope(y, [1.0, 0.0, 0.0], clip=0.01) == -np.inf


def test_clip_takes_the_distance_for_the_least():
    y, proba, _ = draw(300)
    found = calibration_slope(y, proba, clip=0.2)
    assert found == pytest.approx(calibration_slope(y, np.clip(proba, 0.2, 0.8)))


# --- What has no value ---------------------------------------------------------------


@pytest.mark.parametrize("metric", [calibration_slope, calibration_intercept])
@pytest.mark.parametrize(
    ("y", "proba", "options", "message"),
    [
        ([0, 0], [0.1, 0.2], {}, "one class only"),
        ([0, 1], [0.1, 0.2], {"sample_weight": [1, 0]}, "one class only"),
        ([0, 1, 2], [0.1, 0.2, 0.3], {}, "two classes, got 3"),
        ([0, 1], [0.1, 1.2], {}, r"must lie in \[0, 1\]"),
        ([0, 1], [[0.9, 0.1], [0.8, 0.2]], {}, "1-D"),
        ([0, 1], [0.1, 0.2, 0.3], {}, "inconsistent"),
    ],
)
def test_refused(metric, y, proba, options, message):
    with pytest.raises(ValueError, match=message):
        metric(y, proba, **options)


@pytest.mark.parametrize("clip", [0, 0.5, -1, "much", np.nan, True])
def test_clip_is_checked(clip):
    with pytest.raises(ValueError, match="clip must be"):
        calibration_slope([0, 1], [0.1, 0.2], clip=clip)


def test_a_clip_that_leaves_no_slope_is_named():
    y, proba = [0, 1, 1], [0.001, 0.002, 0.001]
    with pytest.raises(ValueError, match=r"in \[0.001, 0.002\].* clip=0.01 .*smaller"):
        calibration_slope(y, proba, clip=0.01)
    assert calibration_slope(y, proba, clip=0.0011) == np.inf
    # Of probabilities that are the same anyway it is not to blame.
    with pytest.raises(ValueError, match="is 0.001 for all rows.*how far off it is.$"):
        calibration_slope(y, [0.001] * 3, clip=0.01)
    # A row without weight has no say.
    with pytest.raises(ValueError, match="is 0.3 for all rows"):
        calibration_slope([0, 0, 1], [0.1, 0.3, 0.3], sample_weight=[0, 1, 1])


@pytest.mark.parametrize("clip", [None, 1e-6, 0.01, 0.2, 0.45])
def test_no_clip_makes_a_separable_slope_finite(clip):
    proba = np.array([1e-9, 1e-4, 0.3, 0.6, 0.9, 1 - 1e-7])
    y = np.array([0, 0, 0, 1, 1, 1])
    assert calibration_slope(y, proba, clip=clip) == np.inf


@pytest.mark.parametrize("value", [0.2, 0.0])
def test_equal_probabilities_have_no_slope(value):
    with pytest.raises(ValueError, match=f"{value:g} for all rows.*no slope"):
        calibration_slope([0, 1], [value, value])
