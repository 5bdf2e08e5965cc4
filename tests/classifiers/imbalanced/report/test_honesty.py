"""Whether probabilities come true, and whether chance is taken for an error."""

import numpy as np
import pytest
from scipy.special import expit

from imbdeep.classifiers._imbalanced.report.cautions import (
    about_level,
    about_probabilities,
)
from imbdeep.classifiers._imbalanced.report.honesty import (
    calibration_scores,
    judge_level,
    judge_slope,
    least_sure,
    share_too_sure,
)
from imbdeep.classifiers._imbalanced.report.judged import judged_rows
from imbdeep.metrics import calibration_intercept, calibration_slope


def about_slope(rows, calibration=None):
    slope = calibration_scores(rows)["calibration slope"]
    return about_probabilities(slope, judge_slope(rows), calibration)


@pytest.mark.parametrize("seed", range(3))
def test_true_probabilities_of_a_very_rare_class_are_called_true(seed):
    rng = np.random.RandomState(seed)
    said = expit(-8 + rng.randn(120_000))
    y = (rng.rand(len(said)) < said).astype(int)
    rows = judged_rows(np.column_stack([1 - said, said]), y)
    found = calibration_scores(rows)
    # They are out of reach of what is clipped.
    assert found["calibration slope"] == pytest.approx(
        calibration_slope(y, said), abs=0.02
    )
    assert found["calibration intercept"] == pytest.approx(
        calibration_intercept(y, said), abs=0.02
    )
    assert about_slope(rows) == []


def test_many_rows_that_are_clipped_are_counted():
    said = np.repeat([0.0, 1e-5, 2e-3, 0.5, 1.0], [100, 60, 400, 400, 40])
    y = (np.arange(1_000) % 3 == 0).astype(int)
    rows = judged_rows(np.column_stack([1 - said, said]), y)
    assert least_sure(rows) == 5e-4
    assert share_too_sure(rows) == 0.2
    clipped = np.clip(said, 5e-4, 1 - 5e-4)
    found = calibration_scores(rows)
    assert found["calibration slope"] == pytest.approx(calibration_slope(y, clipped))


# --- Too extreme or too timid --------------------------------------------------------


def bent(seed, level, n, slope, spread=1.3, weight=None):
    """Rows whose slope of calibration is known."""
    rng = np.random.RandomState(seed)
    logits = level + spread * rng.randn(n)
    y = (rng.rand(n) < expit(slope * logits)).astype(int)
    said = expit(logits)
    return judged_rows(np.column_stack([1 - said, said]), y, weight)


def warnings_of(*how, n_samples, **more):
    """Whether rows are warned of, of many samples."""
    found = []
    for seed in range(n_samples):
        rows = bent(seed, *how, **more)
        if len(rows.classes) == 2:
            slope = calibration_slope(rows.y, rows.proba[:, 1], clip=least_sure(rows))
            found.append(len(about_probabilities(slope, judge_slope(rows), None)))
    return found


def test_honest_probabilities_are_hardly_ever_warned_of():
    weight = np.random.RandomState(0).lognormal(sigma=0.8, size=300)
    found = [
        *warnings_of(-2, 60, 1.0, n_samples=100),
        *warnings_of(-2, 100, 1.0, n_samples=100),
        *warnings_of(-4, 300, 1.0, n_samples=100),
        *warnings_of(0, 100, 1.0, n_samples=100),
        *warnings_of(-5, 2_000, 1.0, n_samples=50),
        *warnings_of(-2, 300, 1.0, n_samples=100, weight=weight),
    ]
    assert np.mean(found) <= 0.07


@pytest.mark.parametrize("level", [-4, -2, 0])
def test_probabilities_that_are_bent_are_found(level):
    assert np.mean(warnings_of(level, 2_000, 0.5, n_samples=25)) >= 0.95


def test_the_caution_says_how_sure_the_slope_is():
    rows = bent(0, -2, 2_000, 0.5)
    slope = calibration_slope(rows.y, rows.proba[:, 1], clip=2.5e-4)
    low, high = judge_slope(rows)
    (found,) = about_slope(rows)
    assert found.what == (
        f"Probabilities are too extreme: the slope of calibration is {slope:.2f} (95% "
        f"interval {low:.2f} to {high:.2f})."
    )
    assert 0.3 < low < slope < high < 0.7
    assert "Pass calibration='sigmoid'" in found.remedy
    assert "Pass another map" in about_slope(rows, "sigmoid")[0].remedy
    timid = bent(0, -1, 2_000, 2.0, spread=0.7)
    assert "Probabilities are too timid" in about_slope(timid)[0].what
    backwards = bent(0, -1, 2_000, -1.0)
    assert "probabilities say nothing" in about_slope(backwards)[0].what


def test_a_slope_that_is_sure_but_close_to_one_misleads_nobody():
    rows = bent(0, -1, 50_000, 0.9)
    assert judge_slope(rows)[1] < 0.95
    assert about_slope(rows) == []


def test_classes_that_lie_apart_and_one_probability_have_no_slope():
    for said in (np.repeat([0.1, 0.8], 100), np.full(200, 0.4)):
        y = np.repeat([0, 1], 100)
        rows = judged_rows(np.column_stack([1 - said, said]), y)
        assert about_slope(rows) == []


# --- Too high or too low overall -----------------------------------------------------


def drawn(seed, level, n, shift=0.0, weight=None):
    """Rows of which the stated logits are off by a shift."""
    rng = np.random.RandomState(seed)
    logits = level + 1.3 * rng.randn(n)
    y = (rng.rand(n) < expit(logits)).astype(int)
    said = expit(logits + shift)
    return judged_rows(np.column_stack([1 - said, said]), y, weight)


def cautions(rows, calibration=None):
    intercept = calibration_scores(rows)["calibration intercept"]
    return about_level(intercept, judge_level(rows), "'ill'", calibration)


@pytest.mark.parametrize(("level", "n"), [(-2, 100), (-2, 600), (-4, 300), (-5, 3_000)])
def test_chance_is_no_shift(level, n):
    tried = [drawn(seed, level, n) for seed in range(60)]
    assert sum(len(cautions(rows)) for rows in tried if len(rows.classes) > 1) <= 1


@pytest.mark.parametrize(("shift", "word"), [(1.5, "high"), (-1.5, "low")])
def test_a_shift_is_found(shift, word):
    for seed in range(5):
        rows = drawn(seed, -2, 600, shift)
        (found,) = cautions(rows)
        assert f"Probabilities of 'ill' are too {word} overall" in found.what
        assert f"say {100 * rows.proba[:, 1].mean():.3g}% on average" in found.what
        assert f"{100 * rows.y.mean():.3g}% came true" in found.what
        assert "calibration='sigmoid'" in found.remedy
        assert "PriorCorrectedClassifier" in found.remedy


def test_a_shift_that_is_sure_but_small_misleads_nobody():
    rows = drawn(0, -2, 50_000, 0.15)
    assert abs(judge_level(rows).z) > 5
    assert cautions(rows) == []


def test_a_map_that_moves_no_level_is_not_asked_for_again():
    rows = drawn(0, -2, 600, 1.5)
    assert "calibration='sigmoid'" in cautions(rows, "temperature")[0].remedy
    assert "Pass another map" in cautions(rows, "sigmoid")[0].remedy


def test_weights_count_in_the_level():
    rng = np.random.RandomState(0)
    weight = rng.choice([1.0, 2.0, 5.0], 400)
    rows = drawn(0, -1, 400, 0.5, weight)
    found = judge_level(rows)
    expected = errors = 0.0
    for p, hit, w in zip(rows.proba[:, 1], rows.y, weight, strict=True):
        expected += w * (p - hit)
        errors += w**2 * p * (1 - p)
    assert found.z == pytest.approx(expected / errors**0.5, rel=0.05)
    assert found.said - found.came_true == pytest.approx(expected / weight.sum())
    # Ten times the weight is no more rows.
    scaled = judge_level(drawn(0, -1, 400, 0.5, 10 * weight))
    assert scaled.z == pytest.approx(found.z)


def test_probabilities_of_0_and_1_state_no_variance():
    y = np.repeat([0, 1, 0, 1], [70, 10, 6, 14])
    said = np.repeat([0.0, 1.0], [80, 20])
    rows = judged_rows(np.column_stack([1 - said, said]), y)
    assert judge_level(rows).z == pytest.approx(-4 / 16**0.5)
