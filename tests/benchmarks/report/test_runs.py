"""Means and differences of the papers' cells, run by run."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from imbdeep_bench.report.runs import (
    difference_table,
    mean_table,
    read_complete_cells,
    score_frame,
    signed_rank_p,
)
from tests.benchmarks.fakes import scores_of_a_run
from tests.benchmarks.papers.conftest import pick_row

BY = ["data"]
SHIFTS = {"none": 0.0, "smote": 0.2, "ours": 0.25}
ORDER = {"data": ["b", "a"], "fold": (), "method": SHIFTS}


def fake_cell(method, seed, value=None, data="a", **scores):
    """A record; without a value it failed."""
    told = {} if value is None else {"acc": value, "f1": value / 2, **scores}
    return {
        "kind": "cell",
        "dataset": data,
        "data": data,
        "method": method,
        "fold": seed,
        "status": "failed" if value is None else "ok",
        "scores": told,
    }


fake_run = partial(scores_of_a_run, fake_cell, SHIFTS)


@pytest.fixture
def read(write_records):
    def write_and_read(records):
        return read_complete_cells(write_records(records), "a run", ORDER)

    return write_and_read


def scores_of(cells):
    return score_frame(cells, BY, ["acc", "f1"])


def test_only_runs_of_all_methods_count(read):
    cells = read([*fake_run(3), fake_cell("none", 3, 0.9)])
    assert sorted(cells["fold"].unique()) == [0, 1, 2]
    assert len(cells) == 9


def test_data_sets_need_not_have_the_same_methods_and_keep_their_order(read):
    cells = read([*fake_run(2), fake_cell("none", 0, 0.5, data="b")])
    assert cells.groupby("data").size().to_dict() == {"a": 6, "b": 1}
    assert cells["data"].tolist() == ["b"] + ["a"] * 6


def test_the_last_try_of_a_cell_counts(read):
    cells = read([fake_cell("smote", 0), fake_cell("smote", 0, 0.7)])
    assert cells["status"].tolist() == ["ok"]


def test_nothing_to_compare(read, tmp_path):
    with pytest.raises(ValueError, match="There is no .*compute one .a run"):
        read_complete_cells(tmp_path / "none", "a run", ORDER)
    with pytest.raises(ValueError, match="no finished cell yet"):
        read([])
    with pytest.raises(ValueError, match="no run that every method has been through"):
        read([fake_cell("smote", 0, 0.7), fake_cell("none", 1, 0.7)])


@pytest.mark.parametrize(("spread", "divisor"), [("se", 2), ("std", 1)])
def test_means_and_their_spread(read, spread, divisor):
    means = mean_table(scores_of(read(fake_run())), BY, spread)
    assert len(means) == len(SHIFTS) * 2
    values = 0.75 + np.arange(4) * 0.0125
    row = pick_row(means, method="ours", metric="acc")
    assert row["mean"] == pytest.approx(values.mean())
    assert row[spread] == pytest.approx(values.std(ddof=1) / divisor)
    assert (row["n_runs"], row["n_failed"]) == (4, 0)


def test_a_failed_run_is_counted_and_left_out_of_the_mean(read):
    cells = read([*fake_run(2), *(fake_cell(name, 2) for name in SHIFTS)])
    row = pick_row(mean_table(scores_of(cells), BY), method="none", metric="acc")
    assert (row["n_runs"], row["n_failed"]) == (2, 1)
    assert row["mean"] == pytest.approx((0.5 + 0.51) / 2)


def test_a_metric_that_only_some_settings_have_is_no_failure(read):
    records = [*fake_run(2), fake_cell("none", 0, 0.5, data="b", f1=np.nan)]
    records[-1]["scores"].pop("f1")
    means = mean_table(scores_of(read(records)), BY)
    assert set(means.loc[means["data"] == "b", "metric"]) == {"acc"}
    assert (means["n_failed"] == 0).all()


def test_signed_rank_p():
    # All of ten differences are positive: 2 of 2**10 assignments are as extreme.
    assert signed_rank_p(pd.Series(np.arange(1.0, 11))) == pytest.approx(2 / 1024)
    assert signed_rank_p(pd.Series([0.0, 0.0])) == 1.0


def test_differences_are_run_by_run(read):
    records = fake_run(10)
    records[2] = fake_cell("ours", 0)
    table = difference_table(scores_of(read(records)), BY, {"ours": SHIFTS})
    assert set(table["minus"]) == {"none", "smote"}
    row = pick_row(table, minus="smote", metric="acc")
    lead = 0.05 + np.arange(1, 10) * 0.0005
    assert row["difference"] == pytest.approx(lead.mean())
    assert row["se"] == pytest.approx(lead.std(ddof=1) / 3)
    assert row["p_value"] == pytest.approx(2 / 2**9)
    assert (row["won"], row["lost"], row["n_runs"]) == (9, 0, 9)


def test_differences_without_the_method_are_an_empty_table(read):
    table = difference_table(
        scores_of(read([fake_cell("none", 0, 0.5)])), BY, {"x": []}
    )
    assert table.empty
    assert "p_value" in table
