import numpy as np
import pytest

from imbdeep.reporting import (
    expected_calibration_error,
    precision_recall_table,
    read_cells,
    reliability_table,
)

from .conftest import make_cell, make_failure, make_records


def test_calibration_error_against_rows():
    rng = np.random.default_rng(0)
    predicted = rng.random(500)
    positive = rng.random(500) < predicted**2
    bins = np.minimum((predicted * 10).astype(int), 9)
    count = [int((bins == b).sum()) for b in range(10)]
    mean = [float(predicted[bins == b].mean()) for b in range(10)]
    positives = [int(positive[bins == b].sum()) for b in range(10)]
    expected = 0.0
    for b in range(10):
        share = sum(positive[i] for i in range(500) if bins[i] == b) / count[b]
        expected += count[b] / 500 * abs(share - mean[b])
    error = expected_calibration_error(count, mean, positives)
    assert error == pytest.approx(expected)


def test_calibration_error_limits():
    assert expected_calibration_error([10, 10], [0.2, 0.7], [2, 7]) == pytest.approx(0)
    assert expected_calibration_error([10], [1.0], [0]) == 1.0
    assert np.isnan(expected_calibration_error([0, 0], [None, 0.0], [0, 0]))
    assert expected_calibration_error([10, 0], [0.5, np.nan], [2, 0]) == 0.3


@pytest.mark.parametrize(
    ("bins", "message"),
    [
        (([1, 2], [0.1], [1, 1]), r"shapes \(2,\), \(1,\) and \(2,\)"),
        (([1], [0.1], [2]), "0 <= positives <= count"),
        (([-1], [0.1], [-1]), "0 <= positives <= count"),
    ],
)
def test_calibration_error_refuses(bins, message):
    with pytest.raises(ValueError, match=message):
        expected_calibration_error(*bins)


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
