"""Figures 4.3 to 4.7: nets by one parameter at a time, and features."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import silhouette_score

from imbdeep.classifiers import NetClassifier
from imbdeep_bench.engine.experiment import Cell, Rows, Setting
from imbdeep_bench.engine.identity import plain_params
from imbdeep_bench.papers.robust import report_sensitivity as report
from imbdeep_bench.papers.robust.experiment_sensitivity import (
    Sensitivity,
    SweepGrid,
    take_classes,
)
from imbdeep_bench.papers.robust.methods import METHODS
from imbdeep_bench.papers.robust.scores import N_FEATURE_ROWS, score_features
from imbdeep_bench.papers.robust.sweeps import POINTS, SWEEPS
from papers import main
from tests.benchmarks.data.test_pictures import numbered
from tests.benchmarks.papers.conftest import fake_run, pick_row, row_of
from tests.callbacks.conftest import Probe


def make_cell(figure, value, method, pictures=None):
    sweep = SWEEPS[figure]
    labels = {"figure": figure, "value": value}
    setting = Setting(f"usps, {figure}-{value:g}", pictures, labels, sweep)
    return Cell(Sensitivity(epochs=7), setting, METHODS[method], 0)


# --- What is varied ------------------------------------------------------------------


def test_values_are_those_of_the_dissertation():
    assert SWEEPS["weights"].values == (10, 25, 50, 78, 100, 200)
    assert SWEEPS["lambda"].values == (0, 0.1, 0.5, 1, 2, 4, 8)
    assert SWEEPS["ratio"].values == (5, 10, 25, 50, 100)
    assert "lambda-0.5" in POINTS
    assert len(POINTS) == 6 + 7 + 5 + 2


def test_all_nets_but_those_of_two_classes_keep_the_rate():
    for figure, sweep in SWEEPS.items():
        is_kept = [name.endswith("_kept") for name in sweep.methods]
        assert set(is_kept) == {figure != "pair"}


@pytest.mark.parametrize(
    ("figure", "value", "changed"),
    [
        ("lambda", 4, {"separation": "4"}),
        ("ratio", 25, {}),
        ("weights", 78, {"callbacks__reweighting__weight": "78"}),
    ],
)
def test_a_value_changes_one_parameter(figure, value, changed):
    cell = make_cell(figure, value, SWEEPS[figure].methods[-1])
    twin = make_cell("digits", 100, cell.method.name).estimator()
    given, other = plain_params(cell.estimator()), plain_params(twin)
    differs = {k: v for k, v in given.items() if other.get(k) != v}
    differs.pop("callbacks__reweighting", None)
    assert differs == changed
    assert given["max_epochs"] == "7"


def test_the_rare_half_weighs_as_much_as_is_said_once_weights_set_in():
    net = make_cell("weights", 25, "srat_ce_kept").estimator()
    probe = Probe(lambda net: net.criterion_.weight)
    net.set_params(max_epochs=5, attack_steps=1, callbacks=[("probe", probe)])
    y = np.repeat([0, 1, 2, 3, 4], [9, 8, 8, 3, 2])
    net.fit(np.zeros((len(y), 1, 8, 8), dtype=np.float32), y)
    *earlier, last = dict(net.callbacks_)["probe"].seen_
    assert earlier == [None] * 4
    assert last.tolist() == [1, 1, 1, 25, 25]


def test_rows_are_those_of_the_ratio():
    usps = numbered([800] * 10)
    told = [
        make_cell("ratio", 25, "srat_focal_kept", usps),
        make_cell("pair", 100, "ce", take_classes(usps, (3, 5))),
    ]
    rows = [cell.experiment.draw(cell.setting, 0) for cell in told]
    assert rows[0].told == {"class_counts": [700] * 5 + [28] * 5, "n_test": 1000}
    assert rows[1].told == {"class_counts": [550, 6], "n_test": N_FEATURE_ROWS}
    ids = rows[1].X_train.ravel().astype(int)
    assert (usps.y[ids] == np.take([3, 5], rows[1].y_train)).all()


def test_a_setting_has_the_methods_of_its_figure():
    cells = [make_cell(f, SWEEPS[f].values[0], "ce") for f in ("pair", "ratio")]
    settings = [cell.setting for cell in cells]
    methods = list(Sensitivity.methods.values())
    grid = SweepGrid(Sensitivity(), settings, methods, [0, 1])
    found = [(c.setting.labels["figure"], c.method.name, c.fold) for c in grid.cells()]
    assert sorted(found) == sorted(
        (figure, name, fold)
        for figure in ("pair", "ratio")
        for name in SWEEPS[figure].methods
        for fold in (0, 1)
    )


# --- Features ------------------------------------------------------------------------


def test_silhouettes_are_those_of_the_last_layers_inputs():
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1], 20)
    X = (rng.normal(size=(40, 3)) + 2 * y[:, None]).astype(np.float32)
    net = NetClassifier(module__hidden_sizes=(6,), max_epochs=1, random_state=0)
    net.fit(X, y)
    with torch.no_grad():
        *body, head = net.module_.eval().children()
        assert head is net.module_.head
        features = torch.as_tensor(X)
        for layer in body:
            features = layer(features)
    rows = Rows(X, y, X, y, {"class_counts": [20, 2]})
    told = score_features(net, rows, (3, 5), seed=0)
    assert told["scores"]["distance_overall"] == pytest.approx(
        silhouette_score(features.numpy(), y), abs=1e-5
    )
    assert told["scores"]["angle_overall"] == pytest.approx(
        silhouette_score(features.numpy(), y, metric="cosine"), abs=1e-5
    )
    assert told["scores"].keys() == report.SILHOUETTES.keys()
    assert told["digits"] == [3] * 20 + [5] * 20
    assert np.shape(told["places"]) == (40, 2)


# --- Report --------------------------------------------------------------------------


def made_up(method, value):
    told = dict.fromkeys(report.FOUR, value)
    return {"scores": told | {"robust_under": value / 2}, "fit_seconds": 1.0}


def with_features(method, value):
    told = made_up(method, value)
    told["scores"] |= dict.fromkeys(report.SILHOUETTES, -value)
    places = [[i, 2 * i] for i in range(4)]
    return told | {"places": places, "digits": [3, 3, 5, 5]}


def run_of(figure, value, scores=made_up, failed=()):
    shifts = dict.fromkeys(SWEEPS[figure].methods, value / 1000)
    where = {"dataset": f"usps, {figure}-{value:g}", "figure": figure, "value": value}
    told = {"cell_seconds": 2.0, "fit_seconds": None}
    return fake_run(told, scores, shifts, 2, failed, **where)


def test_report_and_pictures(tmp_path, write_records):
    failed = [("srat_ce_kept", 0), ("srat_ce_kept", 1)]
    records = run_of("weights", 10, failed=failed) + run_of("weights", 200)
    records += run_of("ratio", 5) + run_of("pair", 100, with_features)
    write_records(records, "sensitivity.jsonl")
    argv = ["robust", "sensitivity", "--report-only", "--out", str(tmp_path)]
    assert main(argv) == 0
    text = (tmp_path / "sensitivity.md").read_text()
    assert row_of(text, "SRAT-CE, rate kept, 10")[1:] == ["failed"] * 4
    assert row_of(text, "SRAT-LDAM, rate kept, 200")[1:] == [
        *["70.60 ± 0.85"] * 3,
        "35.30 ± 0.42",
    ]
    assert row_of(text, "clean training")[5] == "-60.55 ± 0.78"
    table = pd.read_csv(tmp_path / "sensitivity.csv")
    where = {"figure": "ratio", "method": "drcb_focal_kept"}
    row = pick_row(table, **where, metric="robust_under")
    assert (row["value"], row["n_runs"]) == (5, 2)
    for name in ("sensitivity.png", "features.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def read(write_records):
    return lambda records: report.STUDY.read(
        write_records(records, "sensitivity.jsonl")
    )


def test_lines_by_value(read):
    records = [r for value in (200, 10, 50) for r in run_of("weights", value)]
    means = report.STUDY.means(read(records), "std")
    figure = report.draw_sweeps(means)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [
        "Figure 4.5: weight of the rare half, all classes",
        "Figure 4.5: weight of the rare half, rare half",
    ]
    under = figure.axes[1]
    labels = [label.get_text() for label in under.get_xticklabels()]
    assert labels == ["10", "50", "200"]
    lines = [bars.lines[0] for bars in under.containers]
    # Standard and robust accuracy of three methods.
    assert len(lines) == 6
    heights = [50 + v / 10 + 0.5 + v / 2000 for v in (10, 50, 200)]
    assert lines[0].get_ydata() == pytest.approx(heights)
    assert lines[1].get_ydata() == pytest.approx([h / 2 for h in heights])
    assert report.draw_features(read(records), means) is None


def test_features_of_the_first_seed_are_drawn(read):
    cells = read(run_of("pair", 100, with_features))
    means = report.STUDY.means(cells, "std")
    figure = report.draw_features(cells, means)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [
        f"{name}\nmean silhouette -60.5 %" for name in ("clean training", "CE")
    ]
    offsets = [points.get_offsets().tolist() for points in figure.axes[1].collections]
    assert offsets == [[[0, 0], [1, 2]], [[2, 4], [3, 6]]]
    assert report.draw_sweeps(means) is None
