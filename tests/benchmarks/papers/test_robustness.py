"""The study of robustness and dataset bias: levels, scores, methods and the report."""

import json

import numpy as np
import pandas as pd
import pytest

from imbdeep_bench.data import pictures as all_pictures
from imbdeep_bench.data.pictures import Pictures
from imbdeep_bench.papers.robustness import pictures
from imbdeep_bench.papers.robustness.methods import METHODS, Shared
from imbdeep_bench.papers.robustness.pictures import (
    LEVELS,
    draw_images,
    levels_of,
    rows_of_level,
)
from imbdeep_bench.papers.robustness.report import METRICS
from imbdeep_bench.papers.robustness.scores import (
    SCENARIOS,
    SCORES,
    mean_scores,
    score_labels,
)
from imbdeep_bench.report import markdown
from papers import main
from tests.benchmarks.data.test_pictures import write_usps
from tests.benchmarks.papers.conftest import fake_run, pick_row, refuse, row_of

# --- Levels --------------------------------------------------------------------------


def numbered(n_class=300, n_classes=6):
    """Images that are told by their first pixel."""
    y = np.random.RandomState(0).permutation(np.repeat(np.arange(n_classes), n_class))
    X = np.zeros((len(y), 1, 8, 8), np.float32)
    X[:, 0, 0, 0] = np.arange(len(y))
    return Pictures("numbered", X, y, None, "hash")


def test_all_levels_keep_as_many_rows_as_the_long_tailed_one():
    y = np.repeat(np.arange(10), 500)
    sizes = {level: np.bincount(y[rows_of_level(y, level, 0)]) for level in LEVELS}
    # The sum of 500 * 100 ** (-c / 9).
    expected = sum(500 * 0.01 ** (c / 9) for c in range(10))
    for counts in sizes.values():
        assert counts.sum() == pytest.approx(expected, abs=5)
    assert len({int(counts.sum()) for counts in sizes.values()}) == 1
    assert np.ptp(sizes["balanced"]) <= 1
    tail, line = sizes["long_tailed"], sizes["linear"]
    assert tail[0] / tail[-1] == pytest.approx(100, rel=0.1)
    np.testing.assert_allclose(tail[1:] / tail[:-1], 0.01 ** (1 / 9), rtol=0.1)
    assert (np.diff(line) < 0).all()
    assert np.ptp(np.diff(line)) <= 2


def test_tests_are_the_same_at_every_level_and_no_seed_trains_on_them():
    data = numbered()
    for seed in (0, 1):
        drawn = {level: draw_images(data, level, seed) for level in LEVELS}
        tests = {tuple(rows.X_test[:, 0, 0, 0]) for rows in drawn.values()}
        assert len(tests) == 1
        (test,) = map(set, tests)
        assert np.bincount(drawn["linear"].y_test).tolist() == [100] * 6
        for rows in drawn.values():
            train = rows.X_train[:, 0, 0, 0].astype(int)
            assert not test & set(train.tolist())
            np.testing.assert_array_equal(rows.y_train, data.y[train])
            assert rows.told["class_counts"] == np.bincount(rows.y_train).tolist()
    again = draw_images(data, "linear", 1)
    np.testing.assert_array_equal(again.X_train, drawn["linear"].X_train)
    other = draw_images(data, "linear", 0)
    assert set(other.X_train[:, 0, 0, 0]) != set(again.X_train[:, 0, 0, 0])


def test_what_is_imbalanced_as_it_comes_is_left_so():
    assert levels_of("droughtwatch", list(LEVELS)) == ["natural"]
    assert levels_of("usps", ["linear"]) == ["linear"]
    y = np.array([0, 0, 0, 1])
    assert rows_of_level(y, "natural", 0).tolist() == [0, 1, 2, 3]


def test_sets_that_are_not_there_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "SATELLITE_TRAIN", 30)
    monkeypatch.setattr(pictures, "SATELLITE_TEST", 10)

    def lacks(*args, **kwargs):
        raise ImportError("no scikit-image")

    monkeypatch.setattr(all_pictures, "load_photo_tiles", lacks)
    write_usps(tmp_path)
    found = pictures.read_images(None, tmp_path)
    assert [data.name for data in found] == ["usps", "satellite"]
    assert "Goes on without photo_tiles" in capsys.readouterr().err
    satellite = found[1]
    assert satellite.X.shape == (40, 10, 32, 32)
    assert satellite.is_test.tolist() == [False] * 30 + [True] * 10
    with pytest.raises(ValueError, match="cifar100 cannot be found"):
        pictures.read_images(["usps", "cifar100"], tmp_path)


# --- Scores --------------------------------------------------------------------------


def test_scores_by_hand():
    y = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    predicted = np.array([0, 0, 0, 1, 1, 1, 0, 2])
    told = score_labels(y, predicted, 3)
    recalls = [3 / 4, 2 / 2, 1 / 2]
    precisions = [3 / 4, 2 / 3, 1 / 1]
    f1 = [2 * p * r / (p + r) for p, r in zip(precisions, recalls, strict=True)]
    assert told["recalls"] == recalls
    assert told["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert told["macro_f1"] == pytest.approx(np.mean(f1))
    # The middle class of three is of neither half.
    assert (told["head"], told["tail"]) == (0.75, 0.5)
    worse = score_labels(y, np.zeros(8, int), 3)
    both = mean_scores([told, worse])
    assert both["tail"] == 0.25
    np.testing.assert_allclose(both["recalls"], [7 / 8, 1 / 2, 1 / 4])


# --- Methods -------------------------------------------------------------------------


def shared(**own):
    sizes = {"module": "conv", "max_epochs": 8}
    told = {"data": "photo_tiles", "random_state": 3, "device": "cpu"}
    return Shared(**sizes | told | own)


@pytest.mark.parametrize("name", METHODS)
def test_all_methods_train_alike(name):
    params = METHODS[name].make(shared()).get_params()
    assert params["criterion"] == "cross_entropy"
    assert params["reweight_from"] == 1
    assert params["lr_schedule"] == "triangular"
    assert params["augment"] == "flips"
    assert (params["random_state"], params["max_epochs"]) == (3, 8)
    digits = METHODS[name].make(shared(data="usps")).get_params()
    assert digits["augment"] is None
    if name in ("universal", "shared", "pgd"):
        assert (params["eps"], digits["eps"]) == (8 / 255, 0.15)
    if name == "noise":
        # The root mean square of a length of 135 over an image of 3 x 224 x 224.
        assert params["eps"] == pytest.approx(135 / np.sqrt(3 * 224 * 224))
        assert params["eps"] == pytest.approx(0.348, abs=5e-4)


# --- The report ----------------------------------------------------------------------

SHIFTS = {"plain": 0.0, "augmix": 0.1, "universal": -0.2}
TOLD = {"class_counts": [90, 10], "n_test": 20, "cell_seconds": 2.0}


def made_up(method, value):
    scores = dict.fromkeys(METRICS, value) | {"clean_tail": value / 2}
    return {
        "scores": scores,
        "recalls": {where: [value, value / 2] for where in SCENARIOS},
        "by_corruption": {"fog": value, "contrast": value / 2},
        "losses": [2.0, 1.0, 1 - value],
        "fit_seconds": 1.5,
    }


def fake_cells(**failed):
    records = []
    for data, level in (
        ("usps", "balanced"),
        ("usps", "linear"),
        ("satellite", "natural"),
    ):
        labels = {"dataset": f"{data}, {level}, conv", "data": data}
        labels |= {"level": level, "module": "conv"}
        lost = [(failed.get(level), 1)]
        none = dict.fromkeys(("recalls", "by_corruption", "losses", "fit_seconds"))
        records += fake_run(TOLD | none, made_up, SHIFTS, 3, failed=lost, **labels)
    return records


def report_on(records, folder):
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "cells.jsonl").write_text(lines)
    argv = ["robustness", "images", "--report-only", "--out", str(folder)]
    assert main(argv) == 0
    frames = {name: pd.read_csv(folder / f"{name}.csv") for name in ("means", "leads")}
    return (folder / "images.md").read_text(), frames


@pytest.fixture
def no_png(monkeypatch):
    monkeypatch.setattr(markdown, "png", lambda figure, **options: b"a picture")


def test_the_empty_table_is_filled(no_png, tmp_path):
    text, frames = report_on(fake_cells(), tmp_path)
    assert "27 cells, 0 of them failed. Seeds 0, 1, 2." in text
    assert "Not among the cells: photo_tiles, cifar100, droughtwatch." in text
    part = text.split("## usps, conv")[1].split("## satellite")[0]
    assert part.count("### ") == len(SCENARIOS)
    # Two scores at two levels; seeds add up to 0.011 times the seed.
    row = row_of(part, "AugMix")
    assert row[1:] == ["0.611 ± 0.006"] * 4
    assert "- usps, linear: 90, 10; 20 to test" in text
    row = pick_row(
        frames["means"],
        data="usps",
        level="linear",
        method="plain",
        metric="clean_head",
    )
    assert row["mean"] == pytest.approx(0.51)


def test_leads_over_the_plain_net_are_told_by_half_and_by_balance(no_png, tmp_path):
    text, frames = report_on(fake_cells(), tmp_path)
    even = text.split("### conv, balanced classes")[1].split("###")[0]
    other = text.split("### conv, imbalanced classes")[1].split("## ")[0]
    # Of three seeds, and of twice as many.
    assert row_of(even, "AugMix")[1] == "+0.101 ± 0.001 (3-0)"
    assert row_of(other, "AugMix")[1].endswith("(6-0)")
    assert row_of(other, "universal adversarial")[2].startswith("-0.101")
    row = pick_row(
        frames["leads"],
        data="satellite",
        first="universal",
        metric="clean_head",
    )
    assert (row["won"], row["lost"], row["n_runs"]) == (0, 3, 3)


def test_a_failed_run_is_named_and_starred(no_png, tmp_path):
    text, _ = report_on(fake_cells(linear="augmix"), tmp_path)
    assert "- usps, linear, conv, AugMix, seeds 1: ValueError: too few rows" in text
    part = text.split("## usps, conv")[1]
    assert row_of(part, "AugMix")[2].endswith("*")


def test_pictures_are_drawn_where_something_was_learned(tmp_path):
    report_on(fake_cells(), tmp_path)
    for name in ("recalls.png", "losses.png"):
        assert (tmp_path / name).stat().st_size > 10_000
    assert len(SCORES) * len(SCENARIOS) + 1 == len(METRICS)


def test_unknown_levels_and_nets_are_refused(tmp_path, capsys):
    for option, name in (("--levels", "steep"), ("--modules", "mlp")):
        argv = ["robustness", "images", option, name, "--out", str(tmp_path)]
        assert name in refuse(capsys, lambda a=argv: main(a))
