import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from imbdeep_bench.engine.scoring import (
    check_probabilities,
    fold_scores,
    tune_threshold,
)


def random_problem(seed, n=60, levels=15):
    """Labels and tied probabilities that rank the positives higher, on average."""
    rng = np.random.RandomState(seed)
    y = (rng.uniform(size=n) < 0.25).astype(int)
    y[:2] = 0, 1
    return y, rng.randint(1 + levels, size=n) * (0.6 + 0.4 * y) / levels


def counts(y, predicted):
    """Return true and false positives, false and true negatives, counted by hand."""
    pairs = list(zip(y, predicted, strict=True))
    return tuple(pairs.count(pair) for pair in [(1, 1), (0, 1), (1, 0), (0, 0)])


def g_mean_at(y, proba, threshold):
    tp, fp, fn, tn = counts(y, [int(p >= threshold) for p in proba])
    return math.sqrt(tp / (tp + fn) * (tn / (tn + fp)))


class TestThreshold:
    @pytest.mark.parametrize("seed", range(8))
    def test_against_every_interval(self, seed):
        y, proba = random_problem(seed)
        levels = sorted(set(proba))
        best, widest, middle = 0, 0, None
        for low, high in pairwise(levels):
            g_mean = g_mean_at(y, proba, high)
            better = g_mean > best + 1e-12
            if better or (abs(g_mean - best) <= 1e-12 and high - low > widest):
                best, widest, middle = g_mean, high - low, (low + high) / 2
        threshold = tune_threshold(y, proba)
        assert g_mean_at(y, proba, threshold) == pytest.approx(best)
        assert threshold == pytest.approx(middle)

    def test_middle_of_the_gap(self):
        assert tune_threshold([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9]) == pytest.approx(0.4)

    def test_widest_of_intervals_that_tie(self):
        # Above 0.2 and above 0.8 both give recalls of 1 and 1/2, or 1/2 and 1.
        y = [0, 1, 0, 1]
        assert tune_threshold(y, [0.1, 0.3, 0.4, 1.0]) == pytest.approx(0.7)
        assert tune_threshold(y, [0.0, 0.6, 0.8, 0.9]) == pytest.approx(0.3)

    @pytest.mark.parametrize("proba", [[0.3] * 4, [0.9, 0.8, 0.1, 0.2]])
    def test_half_when_nothing_can_be_told_apart(self, proba):
        assert tune_threshold([0, 0, 1, 1], proba) == 0.5

    def test_neighbouring_floats_are_kept_apart(self):
        low = 0.1
        high = np.nextafter(low, 1)
        assert g_mean_at([0, 1], [low, high], tune_threshold([0, 1], [low, high])) == 1


class TestScores:
    @pytest.mark.parametrize("seed", range(4))
    def test_ranking_and_probability_scores(self, seed):
        y, proba = random_problem(seed, levels=13)
        proba = np.clip(proba, 0.001, 0.999)
        scores = fold_scores(y, proba, 0.3)
        positive, negative = proba[y == 1], proba[y == 0]

        wins = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
        assert scores["roc_auc"] == pytest.approx(np.mean(wins))
        average_precision, recall_before = 0, 0
        for threshold in sorted(set(proba), reverse=True):
            tp, fp, _, _ = counts(y, [int(p >= threshold) for p in proba])
            recall = tp / len(positive)
            average_precision += (recall - recall_before) * tp / (tp + fp)
            recall_before = recall
        assert scores["average_precision"] == pytest.approx(average_precision)

        errors = [(t - p) ** 2 for t, p in zip(y, proba, strict=True)]
        assert scores["brier"] == pytest.approx(sum(errors) / len(y))
        balanced = (np.mean((1 - positive) ** 2) + np.mean(negative**2)) / 2
        assert scores["balanced_brier"] == pytest.approx(balanced)
        surprise = [-math.log(p if t else 1 - p) for t, p in zip(y, proba, strict=True)]
        assert scores["log_loss"] == pytest.approx(sum(surprise) / len(y))

    @pytest.mark.parametrize(("threshold", "suffix"), [(0.5, ""), (0.31, "_tuned")])
    @pytest.mark.parametrize("seed", range(4))
    def test_label_scores(self, seed, threshold, suffix):
        y, proba = random_problem(seed)
        scores = fold_scores(y, proba, 0.31)
        tp, fp, fn, tn = counts(y, [int(p >= threshold) for p in proba])
        recall_1, recall_0 = tp / (tp + fn), tn / (tn + fp)
        expected = {
            "g_mean": math.sqrt(recall_0 * recall_1),
            "balanced_accuracy": (recall_0 + recall_1) / 2,
            "macro_f1": (tp / (tp + (fp + fn) / 2) + tn / (tn + (fp + fn) / 2)) / 2,
            "mcc": (tp * tn - fp * fn)
            / math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)),
        }
        for name, value in expected.items():
            assert scores[name + suffix] == pytest.approx(value)

    def test_recalls_and_their_spread(self):
        y, proba = random_problem(5)
        scores = fold_scores(y, proba, 0.3)
        tp, fp, fn, tn = counts(y, [int(p >= 0.5) for p in proba])
        recalls = [tn / (tn + fp), tp / (tp + fn)]
        assert [scores["recall_0"], scores["recall_1"]] == pytest.approx(recalls)
        accuracy = (tp + tn) / len(y)
        spread = sum((accuracy - recall) ** 2 for recall in recalls)
        assert scores["intra_class_variance"] == pytest.approx(spread)

    def test_calibration_is_that_of_a_logistic_regression_of_the_logits(self):
        y, proba = random_problem(5)
        # 0 and 1 count as a millionth.
        proba = np.r_[proba, 0.0, 1.0]
        y = np.r_[y, 0, 1]
        scores = fold_scores(y, proba, 0.3)
        logits = logit(np.clip(proba, 1e-6, 1 - 1e-6))[:, None]
        line = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logits, y)
        assert scores["calibration_slope"] == pytest.approx(line.coef_[0, 0], rel=1e-3)
        shifted = expit(logits[:, 0] + scores["calibration_intercept"])
        assert shifted.sum() == pytest.approx(y.sum())

    @pytest.mark.parametrize(
        ("proba", "told"),
        [([0.4, 0.4, 0.4], {"calibration_intercept"}), ([0.1, 0.2, 0.9], set())],
    )
    def test_calibration_without_a_slope(self, proba, told):
        scores = fold_scores(np.array([0, 0, 1]), np.array(proba), 0.5)
        assert "calibration_slope" not in scores
        assert told <= set(scores)

    def test_a_class_never_predicted(self):
        scores = fold_scores(np.array([0, 0, 1]), np.array([0.1, 0.2, 0.3]), 0.25)
        assert (scores["g_mean"], scores["recall_1"], scores["mcc"]) == (0, 0, 0)
        assert scores["g_mean_tuned"] == 1
        assert all(isinstance(value, float) for value in scores.values())

    def test_certain_and_wrong_is_finite(self):
        scores = fold_scores(np.array([0, 1]), np.array([1.0, 0.0]), 0.5)
        assert 30 < scores["log_loss"] < 40


class TestProbabilities:
    def test_float32_becomes_float64(self):
        proba = check_probabilities(np.array([0.0, 1.0], dtype=np.float32))
        assert proba.dtype == np.float64

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_not_finite(self, value):
        with pytest.raises(ValueError, match="NaN or infinity"):
            check_probabilities([0.5, value])

    def test_logits(self):
        with pytest.raises(ValueError, match=r"outside \[0, 1\], from -2 to 3"):
            check_probabilities([-2.0, 3.0])
