import itertools
import statistics

import numpy as np
import pandas as pd
import pytest

from imbdeep.reporting import rank_methods
from imbdeep_bench.report import mean_table, rank_sums, rank_table, read_cells
from tests.benchmarks.report.conftest import (
    make_cell,
    make_failure,
    make_records,
    make_run,
)


def scored(dataset, method, fold, **scores):
    return make_cell(dataset, method, fold, scores=scores)


def slow_ranks(scores, greater_is_better):
    """1 plus the number of better methods, plus half of the ties, in plain loops."""
    worst = -np.inf if greater_is_better else np.inf
    values = [worst if np.isnan(score) else score for score in scores]
    ranks = []
    for place, own in enumerate(values):
        better = ties = 0
        for other_place, other in enumerate(values):
            if other_place != place:
                ties += other == own
                better += (other > own) if greater_is_better else (other < own)
        ranks.append(1 + better + ties / 2)
    return ranks


@pytest.mark.parametrize("greater_is_better", [True, False])
def test_ranks_against_counting(greater_is_better):
    grid = list(itertools.product([0.1, 0.5, 0.5000000000000001, np.nan], repeat=3))
    ranks = rank_methods(pd.DataFrame(grid), greater_is_better=greater_is_better)
    rounded = np.round(np.array(grid), 12)
    expected = [slow_ranks(row, greater_is_better) for row in rounded]
    np.testing.assert_array_equal(ranks, expected)
    np.testing.assert_array_equal(ranks.sum(axis=1), 6)


def test_means_and_deviations_against_loops(write_records):
    cells = read_cells(write_records(make_records(3, 3, 4)))
    table = mean_table(cells, "balanced_brier")
    for dataset in cells.dataset_names:
        for method in cells.methods:
            values = [
                make_cell(dataset, method, fold)["scores"]["balanced_brier"]
                for fold in range(4)
            ]
            mean = table.mean.loc[dataset, method]
            assert mean == pytest.approx(statistics.fmean(values), rel=1e-12)
            sd = table.sd.loc[dataset, method]
            assert sd == pytest.approx(statistics.stdev(values), rel=1e-9)
    assert (table.n_folds == 4).all()
    assert (table.n_failed == 0).all(axis=None)


def test_a_failed_fold_marks_the_set_and_ranks_last(write_records):
    records = [make_run(["a", "b"], ["net", "remix"])]
    for fold in (0, 1):
        records += [scored("a", "net", fold, g_mean=0.2)]
        records += [scored("b", "net", fold, g_mean=0.2)]
        records += [scored("b", "remix", fold, g_mean=0.9)]
    records += [scored("a", "remix", 0, g_mean=0.9), make_failure("a", "remix", 1)]
    cells = read_cells(write_records(records))
    table = mean_table(cells, "g_mean")
    assert np.isnan(table.mean.loc["a", "remix"])
    assert np.isnan(table.sd.loc["a", "remix"])
    assert table.n_failed.loc["a", "remix"] == 1
    assert table.mean.loc["b", "remix"] == 0.9
    ranks = rank_table(cells, ["g_mean"])["g_mean"]
    assert ranks.to_dict() == {"net": 1.5, "remix": 1.5}


def test_a_score_that_is_not_known_counts_as_a_failure(write_records):
    records = [
        scored("a", "net", 0, log_loss=0.4),
        scored("a", "remix", 0, log_loss=None),
        scored("b", "net", 0, log_loss=0.4),
        scored("b", "remix", 0, log_loss=0.1),
    ]
    table = mean_table(read_cells(write_records(records)), "log_loss")
    assert np.isnan(table.mean.loc["a", "remix"])
    assert table.n_failed.loc["a", "remix"] == 1


def test_only_paired_folds_count(write_records):
    records = [
        scored("a", "net", 0, mcc=0.1),
        scored("a", "net", 1, mcc=0.9),
        scored("a", "remix", 0, mcc=0.2),
        scored("b", "net", 0, mcc=0.5),
    ]
    table = mean_table(read_cells(write_records(records)), "mcc")
    assert table.mean.to_dict() == {"net": {"a": 0.1}, "remix": {"a": 0.2}}
    assert table.n_folds.to_dict() == {"a": 1}


def test_a_method_that_lacks_the_metric_is_left_out(write_records):
    records = [
        scored("a", "net", 0, intra_class_variance=0.1, mcc=0.3),
        scored("a", "forest", 0, mcc=0.4),
    ]
    cells = read_cells(write_records(records))
    assert list(mean_table(cells, "intra_class_variance").mean) == ["net"]
    ranks = rank_table(cells, ["mcc", "intra_class_variance"])
    assert ranks.loc["forest", "mcc"] == 1
    assert np.isnan(ranks.loc["forest", "intra_class_variance"])
    assert np.isnan(rank_sums(cells, ["intra_class_variance"]).loc["forest"].item())


def test_a_set_that_lacks_the_metric_is_left_out(write_records):
    records = [
        scored("two_classes", "net", 0, roc_auc=0.9),
        scored("three_classes", "net", 0, mcc=0.4),
    ]
    table = mean_table(read_cells(write_records(records)), "roc_auc")
    assert list(table.mean.index) == ["two_classes"]


def test_a_method_that_failed_everywhere_stays_and_is_last(write_records):
    records = [make_run(["a", "b"], ["broken", "net", "remix"])]
    for dataset, net in (("a", 0.5), ("b", 0.7)):
        records += [
            make_failure(dataset, "broken", 0),
            scored(dataset, "net", 0, g_mean=net),
            scored(dataset, "remix", 0, g_mean=0.6),
        ]
    cells = read_cells(write_records(records))
    ranks = rank_table(cells, ["g_mean"])["g_mean"]
    assert ranks.to_dict() == {"broken": 3.0, "net": 1.5, "remix": 1.5}
    assert rank_sums(cells, ["g_mean"])["g_mean"]["broken"] == 6


def test_losses_rank_upwards_and_scores_downwards(write_records):
    records = [
        scored("a", "net", 0, brier=0.1, mcc=0.1),
        scored("a", "remix", 0, brier=0.2, mcc=0.2),
    ]
    ranks = rank_table(read_cells(write_records(records)), ["brier", "mcc"])
    assert ranks.loc["net"].to_dict() == {"brier": 1, "mcc": 2}


def test_rank_sums_are_averages_times_sets(write_records):
    cells = read_cells(write_records(make_records(4, 3, 2)))
    metrics = ["g_mean", "balanced_brier"]
    expected = rank_table(cells, metrics) * 4
    np.testing.assert_allclose(rank_sums(cells, metrics), expected)


def test_ranks_on_chosen_sets(write_records):
    records = [
        scored("a", "net", 0, mcc=0.1),
        scored("a", "remix", 0, mcc=0.2),
        scored("b", "net", 0, mcc=0.4),
        scored("b", "remix", 0, mcc=0.3),
    ]
    cells = read_cells(write_records(records))
    assert rank_table(cells, ["mcc"], datasets=["b"])["mcc"]["net"] == 1
    assert rank_sums(cells, ["mcc"], datasets=["a"])["mcc"]["net"] == 2


def test_unknown_metric_is_an_error(write_records):
    cells = read_cells(write_records(make_records(1, 1, 1)))
    with pytest.raises(ValueError, match=r"metric='accuracy' .* use one of average_"):
        mean_table(cells, "accuracy")


def test_nothing_recorded_gives_an_empty_table(write_records):
    cells = read_cells(write_records([make_run(["a"], ["net"])]))
    assert mean_table(cells, "g_mean").mean.empty
    assert rank_table(cells, ["g_mean"])["g_mean"].isna().all()
