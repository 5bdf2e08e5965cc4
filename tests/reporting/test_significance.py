import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from imbdeep.reporting import (
    corrected_resampled_ttest,
    critical_difference,
    friedman_iman_davenport,
    rank_methods,
    wilcoxon_holm,
)

# Demsar (2006), Table 6: AUC of C4.5 with and without tuning of m and cf. The paper
# prints 0.975 twice in the row of `voting` but ranks the two 2 and 3, so the last one
# is lowered below the third digit.
DEMSAR = pd.DataFrame(
    [
        *[(0.763, 0.768, 0.771, 0.798), (0.599, 0.591, 0.590, 0.569)],
        *[(0.954, 0.971, 0.968, 0.967), (0.628, 0.661, 0.654, 0.657)],
        *[(0.882, 0.888, 0.886, 0.898), (0.936, 0.931, 0.916, 0.931)],
        *[(0.661, 0.668, 0.609, 0.685), (0.583, 0.583, 0.563, 0.625)],
        *[(0.775, 0.838, 0.866, 0.875), (1.000, 1.000, 1.000, 1.000)],
        *[(0.940, 0.962, 0.965, 0.962), (0.619, 0.666, 0.614, 0.669)],
        *[(0.972, 0.981, 0.975, 0.9749), (0.957, 0.978, 0.946, 0.970)],
    ],
    columns=["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"],
)


def untied_table(n_datasets, n_methods, seed=0):
    values = np.random.default_rng(seed).random((n_datasets, n_methods))
    return pd.DataFrame(values, columns=[f"m{j}" for j in range(n_methods)])


def test_friedman_on_the_table_of_demsar():
    result = friedman_iman_davenport(DEMSAR)
    ranks = result.average_ranks
    np.testing.assert_allclose(ranks, [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    assert result.chi2 == pytest.approx(9.28, abs=5e-3)
    assert result.f == pytest.approx(3.69, abs=5e-3)
    # The paper: F(3, 39) has the critical value 2.85 at 0.05.
    assert stats.f.sf(2.85, 3, 39) == pytest.approx(0.05, abs=1e-3)
    assert result.f_p_value < 0.05


def test_nemenyi_on_the_table_of_demsar():
    result = critical_difference(DEMSAR)
    assert result.distance == pytest.approx(1.25, abs=5e-3)
    ranks = result.average_ranks
    for first, second in itertools.combinations(DEMSAR.columns, 2):
        apart = abs(ranks[first] - ranks[second]) > result.distance
        assert apart == (result.p_values.loc[first, second] < 0.05)
    assert critical_difference(DEMSAR, alpha=0.1).distance == pytest.approx(1.12, 1e-2)


def test_wilcoxon_on_the_table_of_demsar():
    # Table 2 of the paper: R+ = 93, R- = 12.
    row = wilcoxon_holm(DEMSAR[["C4.5", "C4.5+m"]], control="C4.5").iloc[0]
    assert row["statistic"] == 12
    assert (row["wins"], row["losses"], row["ties"]) == (10, 2, 2)
    assert row["p_value"] < 0.05


@pytest.mark.parametrize("shape", [(3, 3), (12, 5), (27, 14)])
def test_friedman_agrees_with_scipy_without_ties(shape):
    table = untied_table(*shape)
    expected = stats.friedmanchisquare(*table.to_numpy().T)
    result = friedman_iman_davenport(table)
    assert result.chi2 == pytest.approx(expected.statistic)
    assert result.chi2_p_value == pytest.approx(expected.pvalue)


def test_f_is_that_of_a_two_way_analysis_of_variance_of_ranks():
    table = untied_table(9, 4, seed=3)
    ranks = rank_methods(table).to_numpy()
    n, k = ranks.shape
    grand = ranks.mean()
    between = sum(n * (ranks[:, j].mean() - grand) ** 2 for j in range(k))
    residual = sum(
        (ranks[i, j] - ranks[:, j].mean() - ranks[i].mean() + grand) ** 2
        for i in range(n)
        for j in range(k)
    )
    expected = (between / (k - 1)) / (residual / ((k - 1) * (n - 1)))
    assert friedman_iman_davenport(table).f == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(3, 3), (7, 6), (27, 16)])
def test_friedman_when_all_sets_agree(shape):
    n, k = shape
    table = pd.DataFrame(np.tile(np.linspace(0.1, 0.9, k), (n, 1)))
    result = friedman_iman_davenport(table)
    assert result.chi2 == pytest.approx(n * (k - 1))
    assert result.f == math.inf
    assert result.f_p_value == 0.0


def test_friedman_when_all_methods_tie():
    result = friedman_iman_davenport(pd.DataFrame(np.full((5, 4), 0.5)))
    assert (result.chi2, result.f, result.f_p_value) == (0.0, 0.0, 1.0)


def test_friedman_treats_nan_as_worst():
    table = untied_table(8, 4)
    worst = table.copy()
    table.iloc[[0, 3], 2] = np.nan
    worst.iloc[[0, 3], 2] = -1.0
    assert friedman_iman_davenport(table).chi2 == friedman_iman_davenport(worst).chi2
    worst.iloc[[0, 3], 2] = 2.0
    loss = friedman_iman_davenport(table, greater_is_better=False)
    expected = friedman_iman_davenport(worst, greater_is_better=False)
    assert loss.chi2 == expected.chi2


@pytest.mark.parametrize(
    ("shape", "message"),
    [((10, 2), r"2 method\(s\).* at least 3"), ((2, 5), r"2 data set\(s\).* least 3")],
)
def test_friedman_refuses_small_tables(shape, message):
    with pytest.raises(ValueError, match=message):
        friedman_iman_davenport(untied_table(*shape))


@pytest.mark.parametrize("test", [wilcoxon_holm, critical_difference])
def test_pairwise_tests_refuse_small_tables(test):
    with pytest.raises(ValueError, match=r"1 method\(s\)"):
        test(untied_table(10, 1))
    with pytest.raises(ValueError, match=r"2 data set\(s\).* not independent"):
        test(untied_table(2, 3))


def slow_holm(p_values):
    """The smallest of the levels at which stepping down rejects each hypothesis."""
    m = len(p_values)
    adjusted = []
    for own in p_values:
        candidates = [
            min(1.0, (m - sum(q < other for q in p_values)) * other)
            for other in p_values
            if other <= own
        ]
        adjusted.append(max(candidates))
    return adjusted


def exact_signed_rank(differences):
    """Two-sided p-value by listing all signs."""
    n = len(differences)
    order = sorted(differences, key=abs)
    observed = sum(rank for rank, d in enumerate(order, 1) if d > 0)
    middle = n * (n + 1) / 4
    sums = [
        sum(rank for rank, sign in enumerate(signs, 1) if sign)
        for signs in itertools.product([0, 1], repeat=n)
    ]
    # The distribution is symmetric about its middle.
    return sum(abs(s - middle) >= abs(observed - middle) for s in sums) / 2**n


@pytest.mark.parametrize("seed", range(4))
def test_wilcoxon_against_listing_all_signs(seed):
    table = untied_table(8, 3, seed=seed)
    result = wilcoxon_holm(table)
    assert len(result) == 3
    for row in result.itertuples():
        differences = (table[row.method] - table[row.against]).tolist()
        assert row.p_value == pytest.approx(exact_signed_rank(differences))
        assert row.wins == sum(d > 0 for d in differences)
        assert row.median_gain == pytest.approx(np.median(differences))
    np.testing.assert_allclose(result["p_holm"], slow_holm(result["p_value"].tolist()))


@pytest.mark.parametrize(
    "n_datasets",
    [*range(3, 8), *(pytest.param(n, marks=pytest.mark.slow) for n in (8, 9, 14))],
)
def test_wilcoxon_with_ties_agrees_with_scipy(n_datasets):
    rng = np.random.default_rng(n_datasets)
    for _ in range(3):
        gains = rng.integers(-4, 5, n_datasets)
        gains[:3] = 2, -2, 1
        expected = stats.wilcoxon(gains, zero_method="zsplit")
        row = wilcoxon_holm(pd.DataFrame({"a": gains / 8, "b": 0.0})).iloc[0]
        assert row.statistic == expected.statistic
        assert row.p_value == pytest.approx(expected.pvalue, rel=1e-12)


def test_control_is_compared_with_every_other_method():
    result = wilcoxon_holm(untied_table(8, 5), control="m3")
    assert result["method"].tolist() == ["m0", "m1", "m2", "m4"]
    assert (result["against"] == "m3").all()


def test_control_that_is_no_method():
    with pytest.raises(ValueError, match=r"control='net' .* use one of m0, m1, m2"):
        wilcoxon_holm(untied_table(8, 3), control="net")


def test_losses_turn_wins_around():
    table = untied_table(9, 2)
    score, loss = wilcoxon_holm(table), wilcoxon_holm(table, greater_is_better=False)
    assert score["wins"].item() == loss["losses"].item()
    assert score["p_value"].item() == loss["p_value"].item()
    assert score["median_gain"].item() == -loss["median_gain"].item()


def test_a_failure_is_the_largest_loss():
    table = untied_table(9, 2)
    huge = table.copy()
    table.iloc[[2, 5], 0] = np.nan
    huge.iloc[[2, 5], 0] = huge.iloc[[2, 5], 1] - 100
    failed, lost = wilcoxon_holm(table).iloc[0], wilcoxon_holm(huge).iloc[0]
    assert failed["statistic"] == lost["statistic"]
    assert failed["p_value"] == lost["p_value"]
    assert (failed["wins"], failed["losses"]) == (lost["wins"], lost["losses"])


def test_two_failures_tie():
    table = untied_table(6, 2)
    table.iloc[:2] = np.nan
    assert wilcoxon_holm(table)["ties"].item() == 2


def test_equal_methods_have_a_p_value_of_one():
    table = untied_table(6, 1)
    table["copy"] = table["m0"] + 1e-16
    row = wilcoxon_holm(table).iloc[0]
    assert (row["p_value"], row["ties"], row["median_gain"]) == (1.0, 6, 0.0)


def test_median_gain_between_failures_of_both():
    table = pd.DataFrame({"a": [np.nan, 0.1, np.nan, 0.1], "b": [0.1, np.nan] * 2})
    assert np.isnan(wilcoxon_holm(table)["median_gain"].item())


def test_corrected_t_against_loops():
    differences = [0.02, -0.01, 0.05, 0.03, 0.04, 0.00]
    n, ratio = len(differences), 100 / 300
    mean = sum(differences) / n
    variance = sum((d - mean) ** 2 for d in differences) / (n - 1)
    t = mean / math.sqrt((1 / n + ratio) * variance)
    result = corrected_resampled_ttest(differences, 300, 100)
    assert result.statistic == pytest.approx(t)
    assert result.p_value == pytest.approx(2 * stats.t.cdf(-abs(t), n - 1))


def test_corrected_t_tends_to_the_plain_test_without_overlap():
    differences = np.array([0.1, 0.3, -0.2, 0.25, 0.4])
    plain = stats.ttest_1samp(differences, 0)
    result = corrected_resampled_ttest(differences, 1e15, 1)
    assert result.statistic == pytest.approx(plain.statistic)
    assert result.p_value == pytest.approx(plain.pvalue)
    cautious = corrected_resampled_ttest(differences, 50, 50)
    assert cautious.p_value > plain.pvalue


@pytest.mark.parametrize(
    ("difference", "statistic", "p_value"),
    [(0.0, 0.0, 1.0), (0.5, math.inf, 0.0), (-0.5, -math.inf, 0.0)],
)
def test_corrected_t_without_variance(difference, statistic, p_value):
    result = corrected_resampled_ttest([difference] * 4, 10, 10)
    assert (result.statistic, result.p_value) == (statistic, p_value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.1], 5, 5), r"differences has shape \(1,\)"),
        (([[0.1, 0.2]], 5, 5), r"differences has shape \(1, 2\)"),
        (([0.1, np.nan], 5, 5), "NaN or an infinity; leave failed folds out"),
        (([0.1, 0.2], 0, 5), "n_train=0 and n_test=5 must both be positive"),
        (([0.1, 0.2], 5, -1), "n_train=5 and n_test=-1"),
    ],
)
def test_corrected_t_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        corrected_resampled_ttest(*arguments)
