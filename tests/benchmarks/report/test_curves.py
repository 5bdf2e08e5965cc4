import numpy as np
import pytest

from imbdeep_bench.report import read_cells
from imbdeep_bench.report.curves import precision_recall_table, reliability_table
from tests.benchmarks.report.conftest import make_cell, make_failure, make_records


def test_reliability_pools_rows_over_sets_and_folds(write_records):
    records = make_records(2, 2, 3)
    bins = reliability_table(read_cells(write_records(records)))
    for method in ("net", "net_weighted"):
        for number in range(10):
            count = weighted = positives = 0
            for record in records:
                if record["kind"] == "cell" and record["method"] == method:
                    curve = record["curves"]["calibration"]
                    count += curve["count"][number]
                    weighted += curve["count"][number] * (
                        curve["mean_predicted"][number] or 0
                    )
                    positives += curve["positives"][number]
            own = bins[(bins["method"] == method) & (bins["bin"] == number)]
            if count == 0:
                assert own.empty
            else:
                assert own["count"].item() == count
                assert own["mean_predicted"].item() == pytest.approx(weighted / count)
                assert own["observed"].item() == pytest.approx(positives / count)


def test_precision_is_averaged_over_folds(write_records):
    records = make_records(2, 2, 3)
    curves = precision_recall_table(read_cells(write_records(records)))
    assert curves.shape == (4, 51)
    assert curves.columns[[0, 1, -1]].tolist() == [0.0, 0.02, 1.0]
    folds = [
        record["curves"]["precision_at"]
        for record in records
        if record.get("dataset") == "abalone_19" and record["method"] == "net"
    ]
    np.testing.assert_allclose(
        curves.loc["abalone_19", "net"], [sum(p) / 3 for p in zip(*folds, strict=True)]
    )


def test_curves_leave_out_failures_and_unpaired_folds(write_records):
    records = [
        make_cell("a", "net", 0),
        make_failure("a", "remix", 0),
        make_cell("a", "net", 1),
    ]
    cells = read_cells(write_records(records))
    assert list(precision_recall_table(cells).index) == [("a", "net")]
    expected = make_cell("a", "net", 0)["curves"]["precision_at"]
    np.testing.assert_allclose(precision_recall_table(cells).iloc[0], expected)
    assert set(reliability_table(cells)["method"]) == {"net"}


def test_no_curves_give_empty_tables(write_records):
    cells = read_cells(write_records([make_cell("a", "net", 0, curves=None)]))
    assert precision_recall_table(cells).empty
    assert reliability_table(cells).empty
