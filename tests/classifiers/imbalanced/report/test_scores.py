"""Scores and curves of out-of-fold rows, against slow counts and scikit-learn's."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import binomtest
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from imbdeep.classifiers._imbalanced.decisions import Decision
from imbdeep.classifiers._imbalanced.report.judged import judged_rows
from imbdeep.classifiers._imbalanced.report.scores import (
    confusion_per_1000,
    precision_recall,
    reliability,
    score_table,
)
from imbdeep.metrics import (
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
)


def rows_of(seed, n_classes, n=400):
    rng = np.random.RandomState(seed)
    proba = rng.dirichlet([4.0, 1.0, 0.7][:n_classes], n)
    y = np.array([rng.choice(n_classes, p=own) for own in proba])
    weight = rng.choice([0.0, 0.5, 2.0], n)
    proba[:9] = np.nan
    kept = ~np.isnan(proba[:, 0]) & (weight > 0)
    return (proba, y, weight), (proba[kept], y[kept], weight[kept])


def test_two_classes_are_scored_as_scikit_learn_does():
    given, (proba, y, weight) = rows_of(0, 2)
    for positive in (0, 1):
        found = score_table(judged_rows(*given, positive))["score"].tolist()
        said, is_positive = proba[:, positive], y == positive
        told = {"sample_weight": weight}
        assert_allclose(
            found,
            [
                average_precision_score(is_positive, said, **told),
                roc_auc_score(is_positive, said, **told),
                log_loss(is_positive, said, **told),
                brier_score_loss(is_positive, said, **told),
                calibration_slope(is_positive, said, clip=1e-3, **told),
                calibration_intercept(is_positive, said.clip(1e-3, 0.999), **told),
                expected_calibration_error(is_positive, said, **told),
            ],
        )


def test_probabilities_that_are_all_the_same_have_no_slope():
    rows = judged_rows(np.tile([0.9, 0.1], (50, 1)), (np.arange(50) % 10 == 0) * 1)
    found = score_table(rows)["score"]
    assert np.isnan(found["calibration slope"])
    assert_allclose(found[["calibration intercept", "calibration error"]], 0, atol=1e-9)


def test_of_several_classes_probabilities_are_judged_by_all_rows():
    given, (proba, y, weight) = rows_of(0, 3)
    table = score_table(judged_rows(*given))
    assert table.index.tolist() == [
        "average precision, mean over classes",
        "ROC AUC, mean over classes",
        "log loss",
        "Brier score",
    ]
    told, errors = {"sample_weight": weight}, []
    for label, own in zip(y, proba, strict=True):
        errors.append(sum((p - (c == label)) ** 2 for c, p in enumerate(own)) / 2)
    assert_allclose(
        table["score"],
        [
            np.mean(
                [average_precision_score(y == c, proba[:, c], **told) for c in range(3)]
            ),
            np.mean([roc_auc_score(y == c, proba[:, c], **told) for c in range(3)]),
            log_loss(y, proba, **told),
            np.average(errors, weights=weight),
        ],
    )
    share = np.bincount(y, weight) / weight.sum()
    expected = [1 / 3, 0.5, -share @ np.log(share), (1 - share @ share) / 2]
    assert_allclose(table["knows_nothing"], expected)


@pytest.mark.parametrize("seed", range(3))
def test_shares_of_rare_classes_are_better_than_nothing_known(seed):
    rng = np.random.RandomState(seed)
    logits = rng.randn(3_000, 3) + [3, 0, -1]
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = np.array([rng.choice(3, p=own) for own in proba])
    table = score_table(judged_rows(proba, y))
    losses = table.loc[["log loss", "Brier score"]]
    assert (losses["score"] < 0.95 * losses["knows_nothing"]).all()


def test_what_knows_nothing_knows_the_share():
    given, (_, y, weight) = rows_of(1, 2)
    share = np.average(y, weights=weight)
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert_allclose(
        score_table(judged_rows(*given))["knows_nothing"].dropna(),
        [share, 0.5, entropy, share * (1 - share)],
    )


def test_one_class_has_no_scores():
    (proba, _, _), _ = rows_of(0, 2)
    assert not len(score_table(judged_rows(proba, np.zeros(len(proba), int))))


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 1.0])
def test_a_thousand_rows(threshold):
    given, (proba, y, weight) = rows_of(0, 2)
    called = proba[:, 1] >= threshold
    expected = np.zeros((2, 2))
    for true, predicted, own in zip(y, called, weight, strict=True):
        expected[true, int(predicted)] += 1_000 * own / weight.sum()
    found = confusion_per_1000(judged_rows(*given), Decision(threshold))
    assert_allclose(found, expected)
    assert found.sum() == pytest.approx(1_000)


def test_precision_and_recall_at_each_threshold():
    given, (proba, y, weight) = rows_of(2, 2, n=60)
    found = np.column_stack(precision_recall(judged_rows(*given), 1))
    expected = []
    for threshold in np.unique(proba[:, 1])[::-1]:
        called, told = proba[:, 1] >= threshold, {"sample_weight": weight}
        expected.append(
            [recall_score(y, called, **told), precision_score(y, called, **told)]
        )
    assert_allclose(found, expected)


# --- Reliability ---------------------------------------------------------------------


def test_bins_hold_as_many_rare_rows_by_what_is_said():
    rng = np.random.RandomState(0)
    said = rng.beta(0.3, 6, 20_000)
    rows = judged_rows(np.column_stack([1 - said, said]), (rng.rand(20_000) < said) * 1)
    bins = reliability(rows, 1)
    assert len(bins) == 10
    order = np.sort(said)
    share = order.sum() / 10
    starts = np.searchsorted(np.cumsum(order), share * np.arange(11))
    expected = [order[a:b].mean() for a, b in pairwise(starts)]
    assert_allclose(bins["said"], expected, rtol=0.02)


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_honest_probabilities_lie_within_the_intervals_and_others_do_not(factor):
    inside = []
    for seed in range(20):
        rng = np.random.RandomState(seed)
        true = rng.beta(0.5, 6, 3_000)
        y = (rng.rand(3_000) < true).astype(int)
        said = np.clip(factor * true, 0, 1)
        bins = reliability(judged_rows(np.column_stack([1 - said, said]), y), 1)
        inside += (
            (bins["low"] < bins["said"]) & (bins["said"] < bins["high"])
        ).tolist()
    assert np.mean(inside) > 0.9 if factor == 1 else np.mean(inside) < 0.2


def test_intervals_are_exact():
    said, y = np.repeat([0.1, 0.6], [40, 25]), np.repeat([0, 1, 0, 1], [37, 3, 10, 15])
    bins = reliability(judged_rows(np.column_stack([1 - said, said]), y), 1)
    for found, hits, n in zip(bins.itertuples(), (3, 15), (40, 25), strict=True):
        expected = binomtest(hits, n).proportion_ci(method="exact")
        assert_allclose([found.low, found.high], expected)


def test_weights_count_in_bins():
    said, y = np.repeat([0.2, 0.7], [30, 30]), np.tile([0, 0, 1], 20)
    proba, weight = np.column_stack([1 - said, said]), np.tile([1.0, 2, 3], 20)
    bins = reliability(judged_rows(proba, y, weight), 1)
    assert_allclose(bins[["said", "came_true"]], [[0.2, 0.5], [0.7, 0.5]])
    plain = reliability(judged_rows(proba, y), 1)
    assert_allclose(plain["came_true"], [1 / 3, 1 / 3])


@pytest.mark.parametrize("said", [0.0, 0.3, 1.0])
def test_one_probability_is_one_bin(said):
    y = np.tile([0, 1], 30)
    proba = np.tile([1 - said, said], (60, 1))
    bins = reliability(judged_rows(proba, y), 1)
    assert_allclose(bins[["said", "came_true"]], [[said, 0.5]])
