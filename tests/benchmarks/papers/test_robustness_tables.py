"""Training for robustness on tables: methods, scores under corruption, the report."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import average_precision_score

from imbdeep.datasets import TABLE_CORRUPTIONS, corrupt_table
from imbdeep_bench.engine import command
from imbdeep_bench.engine.experiment import Rows, run_cell
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.robust.methods import make_short
from imbdeep_bench.papers.robust.threats import TableThreat
from imbdeep_bench.papers.robustness import experiment_tables as tables
from imbdeep_bench.papers.robustness.experiment_tables import SETS, Tables
from imbdeep_bench.papers.robustness.methods_tables import METHODS
from imbdeep_bench.papers.robustness.report_tables import (
    BY_CORRUPTION,
    SUMMARY,
    TESTED,
    mean_points,
)
from imbdeep_bench.report.runs import mean_table, score_frame
from tests.benchmarks.papers.conftest import fake_run, row_of
from tests.benchmarks.papers.test_robust_tables import TOLD, make_cell

NETS = [name for name, method in METHODS.items() if method.kind == "net"]
CHEAP = [name for name in METHODS if not METHODS[name].needs]


def cell_of(name):
    """The cell of a smoke run on a table with two frozen columns of four."""
    cell = make_cell()
    told = {"smoke": True, "split_by": cell.experiment.split_by}
    experiment = Tables(versions={"torch": "9"}, **told)
    return type(cell)(experiment, cell.setting, METHODS[name], fold=0)


# --- Methods -------------------------------------------------------------------------


def test_ten_sets_whose_numbers_can_be_moved():
    assert len(SETS) == len(set(SETS)) == 10
    assert "car_eval_34" not in SETS


@pytest.mark.parametrize("name", NETS)
def test_nets_train_alike(name):
    perturb = np.array([True, False])
    shared = {"random_state": 1, "device": "cpu"}
    model = make_short(METHODS[name], shared, TableThreat(0.1, perturb), smoke=False)
    params = model.get_params()
    assert (params["criterion"], params["random_state"]) == ("cross_entropy", 1)
    assert params["reweight_from"] == (0 if "weighted" in name else 1)
    if name in ("plain", "weighted"):
        assert "eps" not in params
        return
    assert params["eps"] == (0.5 if name == "noise" else 0.1)
    assert params["eps_unit"] == "std"
    assert params["perturb"] is perturb
    assert params.get("attack_steps", 10) == 10


def test_without_peers_it_goes_on_if_they_were_not_asked_for(monkeypatch, capsys):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert command.names_installed(METHODS) == CHEAP
    assert "Goes on without lightgbm, catboost: not inst" in capsys.readouterr().err


# --- Scores --------------------------------------------------------------------------


class ByFirstColumn(ClassifierMixin, BaseEstimator):
    def predict_proba(self, X):
        proba = 1 / (1 + np.exp(1 - np.nan_to_num(X[:, 0])))
        return np.column_stack([1 - proba, proba])


def test_scores_by_hand():
    rng = np.random.RandomState(0)
    y = (np.arange(80) % 4 == 0).astype(int)
    X = rng.normal(size=(80, 2)) + 2 * y[:, None]
    levels = np.column_stack([X, np.arange(80) % 2])
    for data, movable in ((X, [True, True]), (levels, [True, True, False])):
        movable = np.array(movable)
        rows = Rows(3 * data, y, data, y, more=movable)
        told = tables.corrupted_scores(ByFirstColumn(), rows, seed=7)
        names = TABLE_CORRUPTIONS[: 6 - movable.all()]
        assert len(told) == 2 * len(names) + 2
        precisions, recalls = [], []
        for name in names:
            moved = corrupt_table(
                *(data, name, 3),
                reference=3 * data,
                categorical_features=np.flatnonzero(~movable),
                random_state=derive_seed(7, name),
            )[:, 0]
            moved = np.nan_to_num(moved)
            precisions.append(average_precision_score(y, moved))
            recalls.append((moved[y == 1] >= 1).mean())
            assert told[f"ap_{name}"] == pytest.approx(precisions[-1])
        assert told["ap_corrupted"] == pytest.approx(np.mean(precisions))
        assert told["recall_corrupted"] == pytest.approx(np.mean(recalls))
        assert len(set(precisions)) > 3


@pytest.mark.parametrize("name", CHEAP)
def test_every_method_runs(name):
    record = run_cell(cell_of(name))
    assert record["error"] is None
    expected = (SUMMARY | BY_CORRUPTION).keys()
    if name == "hist_gb":
        expected -= {"ap_pgd"}
    assert record["scores"].keys() - {"recall_pgd"} >= expected
    assert ("ap_pgd" in record["scores"]) == (name in NETS)
    json.dumps(record, allow_nan=False)


def test_all_methods_see_the_same_corruption(monkeypatch):
    seeds = {}

    def note(X, name, severity, *, random_state, **more):
        seeds.setdefault(name, set()).add(random_state)
        return X

    monkeypatch.setattr(tables, "corrupt_table", note)
    for name in ("plain", "hist_gb"):
        assert run_cell(cell_of(name))["error"] is None
    assert set(seeds) == set(TABLE_CORRUPTIONS)
    assert {len(own) for own in seeds.values()} == {1}
    assert len(set.union(*seeds.values())) == len(TABLE_CORRUPTIONS)


# --- Report --------------------------------------------------------------------------

SHIFTS = {"plain": 0.0, "noise": 0.1, "pgd": -0.1, "hist_gb": 0.2}


def made_up(method, value):
    names = dict.fromkeys([*SUMMARY, *BY_CORRUPTION], value)
    names |= {name: value / 2 for name in names if name.endswith("corrupted")}
    if method == "hist_gb":
        del names["ap_pgd"]
    return {"scores": names, "fit_seconds": 1.5}


def fake_cells():
    told = TOLD | {"frozen": [1], "fit_seconds": None, "cell_seconds": 2.0}
    records = []
    for name in ("ecoli", "oil", "abalone", "us_crime"):
        records += fake_run(told, made_up, SHIFTS, 2, dataset=name)
    return records


def test_means_ranks_and_duels(report_on, tmp_path):
    text = report_on("robustness tables", fake_cells(), "tables.md", "tables.jsonl")
    assert "32 cells, 0 of them failed. 2 folds" in text
    for words in ("Friedman's test", "| plain minus", "| HistGradientBoosting minus"):
        assert text.count(words) == len(TESTED)
    # The order is that of the methods; trees face no gradient.
    lines = [line.split(" |")[0] for line in text.splitlines()]
    places = [lines.index(f"| {METHODS[name].title:20}") for name in SHIFTS]
    assert places == sorted(places)
    row = row_of(text, "HistGradientBoosting")
    assert row[1:3] == ["0.706 (1.00)", "0.353 (1.00)"]
    assert row[-1] == "-"
    assert (tmp_path / "tables.png").stat().st_size > 10_000


def test_points_are_means_over_the_sets():
    cells = pd.DataFrame(fake_cells())
    means = mean_table(score_frame(cells, ["dataset"], SUMMARY), ["dataset"])
    clean, corrupted = mean_points(means, "ap")["noise"]
    assert (clean, corrupted) == pytest.approx((0.6055, 0.30275))
