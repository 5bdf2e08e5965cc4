import numpy as np
import pytest

from imbdeep.reporting import expected_calibration_error


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
