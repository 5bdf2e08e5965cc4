"""The convergence experiment: what each epoch records, and what the report says."""

import json
from dataclasses import replace

import numpy as np
import pytest
from _explicit_gradient import convergence
from _explicit_gradient.adult_data import balance, preprocessing, read_adult, split
from _explicit_gradient.adult_methods import METHODS
from _explicit_gradient.convergence_cells import (
    NAMES,
    RATIO,
    make_cells,
    relative_lengths,
    run_cell,
)
from _explicit_gradient.convergence_report import (
    COLUMNS,
    LAST,
    change_table,
    epoch_frame,
    make_report,
    mean_curves,
    write_report,
)
from explicit_gradient import main
from sklearn.metrics import average_precision_score

from tests.benchmarks.test_explicit_gradient_adult import census

SMALL = {"pretrain_epochs": 2, "max_epochs": 3, "module__hidden_sizes": (4,)}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("census") / "adult.csv.gz"
    census(3000).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def adult(path):
    return balance(read_adult(path), seed=0)


def small(name):
    def make(random_state, **params):
        return METHODS[name].make(random_state, **SMALL, **params)

    return make


def small_cells(adult, seed=0):
    return [replace(cell, make=small(cell.name)) for cell in make_cells(adult, seed)]


# --- Cells ---------------------------------------------------------------------------


def test_lengths_against_loops():
    rng = np.random.RandomState(0)
    moves, start = rng.normal(size=(3, 4, 5)), rng.normal(size=(4, 5))
    for epoch, found in enumerate(relative_lengths(moves, start)):
        shares = [
            np.sqrt(sum(moves[epoch, row] ** 2)) / np.sqrt(sum(start[row] ** 2))
            for row in range(4)
        ]
        assert found == pytest.approx(np.mean(shares))


def test_the_curves_are_those_of_the_net(adult):
    X, y = adult.imbalanced(RATIO)
    rows = split(y, RATIO, 1, 0)
    cell = small_cells(adult)[2]
    assert (cell.name, cell.fold) == ("explicit_gradient", 1)
    record = run_cell(cell)
    assert record["error"] is None
    json.dumps(record, allow_nan=False)
    # The same fit by hand, without the callback.
    scaler = preprocessing().fit(X[rows.fit])
    net = small(cell.name)(record["seed"], store_synth_history=True).net
    net.fit(
        scaler.transform(X[rows.fit]),
        y[rows.fit],
        eval_set=(scaler.transform(X[rows.valid]), y[rows.valid]),
    )
    curves = record["curves"]
    for name in ("train_loss", "valid_loss", "valid_average_precision"):
        assert curves[name] == pytest.approx(list(net.history[:, name]))
    assert curves["n_synthetic"] == [0, 0] + 3 * [y[rows.fit].sum()]
    assert curves["moved"][:2] == curves["step"][:2] == [0, 0]
    path = net.synth_history_
    assert curves["moved"][2:] == pytest.approx(
        relative_lengths(path[1:] - path[0], path[0])
    )
    assert curves["step"][2] == curves["moved"][2] > 0
    # The net has gone back to one of its epochs with synthetic rows.
    proba = net.predict_proba(scaler.transform(X[rows.test]))[:, 1]
    score = average_precision_score(y[rows.test], proba)
    assert score in [pytest.approx(s) for s in curves["test_average_precision"][2:]]


def test_a_cell_begins_as_that_of_adult(adult):
    (first, second), *_ = zip(*[iter(make_cells(adult, 3))] * 2, strict=True)
    assert (first.name, second.name) == NAMES
    assert first.make is METHODS["explicit_gradient"].make
    assert second.make is METHODS["duplicates"].make
    records = [run_cell(replace(c, make=small(c.name))) for c in (first, second)]
    # The same net, rows and seed, until synthetic rows come in.
    ours, still = (record["curves"] for record in records)
    assert ours["valid_loss"][:2] == still["valid_loss"][:2]
    assert ours["valid_loss"][2:] != still["valid_loss"][2:]
    assert set(still["moved"]) == {0}


def test_a_cell_that_raises_is_recorded_with_its_error(adult):
    def make(random_state, **params):
        raise RuntimeError("no\nnet")

    record = run_cell(replace(make_cells(adult, 0)[0], make=make))
    assert (record["status"], record["error"]) == ("failed", "RuntimeError: no net")


# --- Report --------------------------------------------------------------------------


def fabricated(value, folds=2, n_before=5, n_with=60):
    """Records of curves; ``value(method, fold, epoch)``, epochs counted from 1."""
    n_epochs = n_before + n_with
    records = []
    for fold in range(folds):
        for name in NAMES:
            curve = [value(name, fold, e) for e in range(1, n_epochs + 1)]
            curves = dict.fromkeys(COLUMNS, curve)
            curves["n_synthetic"] = [0.0] * n_before + [7.0] * n_with
            key = {"method": name, "fold": fold, "status": "ok", "error": None}
            records.append({**key, "curves": curves})
    return records


def test_the_table_is_the_mean_over_splits_at_its_epochs():
    frame = epoch_frame(fabricated(lambda name, fold, e: e + 10 * fold))
    assert mean_curves(frame, "duplicates").loc[3, "step"] == 3 + 5
    table = change_table(frame)
    # Five epochs alone, sixty with rows: those that the table has of up to 60.
    epochs = [int(label.rsplit(" ", 1)[1]) for label in table.index]
    assert epochs == 2 * [0, 1, 20, 50]
    assert table.iloc[:4, 0].tolist() == [5 + 5, 6 + 5, 25 + 5, 55 + 5]
    assert list(table) == list(COLUMNS.values())


def test_the_verdict_compares_the_last_epochs_with_those_before():
    text = make_report(
        fabricated(lambda name, fold, e: (e > 65 - LAST) - 0.5 + (name == NAMES[1]))
    )
    assert "the loss in training changes by +1.0000" in text
    line = next(s for s in text.splitlines() if s.startswith("- Duplicates"))
    assert "from 0.500 to 1.500 on validation rows" in line
    assert "move by 50.00%" in line
    assert "2 splits of adult 50:1, 0 failed fits" in text


def test_splits_that_a_method_has_not_been_through_do_not_count():
    records = fabricated(lambda name, fold, e: float(fold))
    records[-1] |= {"status": "failed", "error": "it broke", "curves": {}}
    frame = epoch_frame(records)
    assert set(frame.index.get_level_values("fold")) == {0}
    assert "1 splits of adult 50:1, 1 failed fits" in make_report(records)


def test_a_report_on_nothing(tmp_path):
    text = write_report([], tmp_path).read_text()
    assert "No split has been through both methods yet" in text
    assert (tmp_path / "convergence.png").exists()


# --- The run -------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_goes_on_where_it_stopped(path, tmp_path, monkeypatch):
    computed = []

    def compute(cell):
        computed.append(cell.key)
        return run_cell(cell)

    monkeypatch.setattr(convergence, "run_cell", compute)
    monkeypatch.setattr(convergence, "make_cells", small_cells)
    given = ["convergence", "--data", str(path), "--n-jobs", "0"]
    assert main([*given, "--out", str(tmp_path)]) == 0
    assert len(computed) == len(set(computed)) == 8
    cells = tmp_path / "cells.jsonl"
    text = (tmp_path / "report.md").read_text()
    assert "4 splits of adult 50:1" in text
    lines = cells.read_text().splitlines(keepends=True)
    cells.write_text("".join(lines[:-3]) + lines[-3][:50])
    computed.clear()
    assert main([*given, "--out", str(tmp_path)]) == 0
    assert len(computed) == 3
    assert (tmp_path / "report.md").read_text() == text
    assert (tmp_path / "convergence.png").read_bytes().startswith(b"\x89PNG")


def test_another_seed_needs_another_folder(path, tmp_path, monkeypatch, capsys):
    def compute(cell):
        return run_cell(replace(cell, make=None))

    monkeypatch.setattr(convergence, "run_cell", compute)
    given = ["convergence", "--data", str(path), "--n-jobs", "0"]
    main([*given, "--out", str(tmp_path)])
    with pytest.raises(SystemExit):
        main([*given, "--out", str(tmp_path), "--seed", "1"])
    assert "give another --out" in capsys.readouterr().err
