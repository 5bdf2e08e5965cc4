"""The aggregators' times: what is drawn, measured and printed."""

import numpy as np
import pytest

from imbdeep_bench.speed import aggregators as speed


def test_annotations_are_as_the_report_says():
    truth, annotations = speed.make_annotations(3_000, 20, 10)
    assert annotations.dtype == np.int64
    given = annotations >= 0
    assert given.mean() == pytest.approx(0.7, abs=0.01)
    wrong = (annotations != truth[:, None]) & given
    rates = wrong.sum(0) / given.sum(0)
    assert rates == pytest.approx(np.linspace(0.3, 0.7, 20), abs=0.04)


def test_a_fit_is_measured():
    measured = speed.measure_fit("DawidSkene", 2_000, 20, 10)
    assert measured["seconds"] > 0
    assert measured["iterations"] >= 1
    assert measured["peak"] >= 0
    assert measured["accuracy"] > 0.9
    assert speed.measure_fit("MajorityVote", 2_000, 20, 10)["iterations"] is None


def test_crowd_kit_is_measured_alike():
    pytest.importorskip("crowdkit", reason="compares with crowd-kit")
    ours, theirs = (
        speed.measure_fit(name, 2_000, 10, 4)
        for name in ("DawidSkene", "crowd-kit's DawidSkene")
    )
    assert theirs["accuracy"] == pytest.approx(ours["accuracy"], abs=0.01)
    assert theirs["iterations"] >= 1
