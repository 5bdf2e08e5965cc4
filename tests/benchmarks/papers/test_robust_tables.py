"""Nets on tables: which columns an attacker may move, scores, and the report."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import average_precision_score

from imbdeep.attacks import adversarial_rows
from imbdeep_bench.data.pairs import Dataset
from imbdeep_bench.engine.experiment import Cell, Rows, Setting, run_cell
from imbdeep_bench.engine.protocol import derive_seed, parse_protocol
from imbdeep_bench.papers.robust import report_tables as report
from imbdeep_bench.papers.robust import scores
from imbdeep_bench.papers.robust.experiment_tables import Tables
from imbdeep_bench.papers.robust.methods import TABLE_METHODS as METHODS
from imbdeep_bench.papers.robust.methods import make_short
from imbdeep_bench.papers.robust.report_tables import METRICS
from imbdeep_bench.papers.robust.scores import movable_columns, score_table
from imbdeep_bench.papers.robust.threats import RADII, TableThreat
from imbdeep_bench.report.over_sets import set_table, summary_table
from papers import main
from tests.benchmarks.papers.conftest import fake_run


def make_table(n=120, seed=0):
    """Two Gaussians, with a column of zeros and ones and a constant one."""
    rng = np.random.RandomState(seed)
    y = (np.arange(n) % 4 == 0).astype(int)
    X = rng.normal(size=(n, 4)) * [1, 10, 1, 1] + 1.5 * y[:, None]
    X[:, 2] = rng.randint(0, 2, n)
    X[:, 3] = 7
    return Dataset("ecoli", X, y, "hash")


def make_cell(name="ce", dataset=None, fold=0, protocol="5x2"):
    split_by = parse_protocol(protocol)
    experiment = Tables(smoke=True, split_by=split_by, versions={"torch": "9"})
    setting = Setting("ecoli", dataset or make_table(), {"eps": 0.1})
    return Cell(experiment, setting, METHODS[name], fold)


def draw(dataset=None, fold=0, protocol="5x2"):
    cell = make_cell(dataset=dataset, fold=fold, protocol=protocol)
    return cell.experiment.draw(cell.setting, fold)


# --- Threat and scores ---------------------------------------------------------------


def test_columns_of_two_values_are_categories():
    X = np.array([[0, 1.0, 3, 5], [1, 2.0, 3, 5], [0, 3.0, 3, 6], [1, 1.0, 3, 7]])
    assert movable_columns(X).tolist() == [False, True, False, True]


def test_all_but_clean_nets_face_the_same_attacker():
    perturb = np.array([True, False])
    for name, method in METHODS.items():
        shared = {"random_state": 1, "device": "cpu"}
        model = make_short(method, shared, TableThreat(0.3, perturb), smoke=False)
        params = model.get_params()
        assert params["random_state"] == 1
        if name in ("net", "drcb_ce"):
            assert "eps" not in params
            continue
        told = {k: params[k] for k in ("eps", "eps_unit", "norm", "attack_steps")}
        assert told == {
            "eps": 0.3,
            "eps_unit": "std",
            "norm": "linf",
            "attack_steps": 10,
        }
        assert params["perturb"] is perturb


class ByFirstColumn(ClassifierMixin, BaseEstimator):
    def predict_proba(self, X):
        proba = 1 / (1 + np.exp(-X[:, 0]))
        return np.column_stack([1 - proba, proba])

    def predict(self, X):
        return (X[:, 0] > 0).astype(int)


def test_scores_by_counting(monkeypatch):
    y = np.array([0, 0, 0, 1, 1])
    X_test = np.array([[-2.0], [-1.0], [0.3], [0.2], [3.0]])
    X_train = np.array([[0.0], [4.0], [2.0], [2.0]])
    task = Rows(X_train, np.array([0, 1, 0, 1]), X_test, y)
    calls = []

    def move(model, X, y, *, eps, std, perturb, **params):
        calls.append((eps, std.tolist(), perturb.tolist(), params))
        return X + eps * std * np.where(y == 1, -1, 1)[:, None]

    monkeypatch.setattr(scores, "adversarial_rows", move)
    told = score_table(ByFirstColumn(), task, np.array([True]), seed=0, attack_steps=6)
    std = X_train.std()
    expected = {
        "ap_clean": average_precision_score(y, X_test[:, 0]),
        "ba_clean": (2 / 3 + 1) / 2,
    }
    for eps in RADII:
        moved = X_test[:, 0] + eps * std * np.array([1, 1, 1, -1, -1])
        rights = (moved > 0) == y
        expected[f"ap_{eps}"] = average_precision_score(y, moved)
        expected[f"ba_{eps}"] = (rights[:3].mean() + rights[3:].mean()) / 2
    assert told == pytest.approx(expected)
    assert set(told) == set(METRICS)
    assert [call[:3] for call in calls] == [(eps, [std], [True]) for eps in RADII]
    assert all(call[3]["eps_unit"] == "std" for call in calls)
    assert all(call[3]["attack_steps"] == 6 for call in calls)
    assert len({call[3]["random_state"] for call in calls}) == len(RADII)


# --- One cell ------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_every_method_runs(name):
    record = run_cell(make_cell(name))
    assert record["error"] is None
    assert set(record["scores"]) == set(METRICS)
    assert record["frozen"] == [2, 3]
    assert (record["n_train"], record["n_train_minority"]) == (60, 15)
    json.dumps(record, allow_nan=False)


def test_halves_are_those_of_the_protocol():
    table = make_table()
    first, second = (draw(fold=fold) for fold in (0, 1))
    np.testing.assert_array_equal(first.X_train, second.X_test)
    split = parse_protocol("5x2").split(table.y, 0, seed=0, dataset="ecoli")
    np.testing.assert_array_equal(first.y_test, table.y[split.test])
    # 10x2 goes on with them.
    longer = draw(protocol="10x2")
    np.testing.assert_array_equal(first.X_train, longer.X_train)


def test_what_is_frozen_and_how_far_rows_move_follow_from_the_training_half():
    table = make_table()
    first = draw(table)
    test_rows = np.isin(table.X.astype(np.float32)[:, 0], first.X_test[:, 0])
    changed = table.X.copy()
    # In the test half alone: a third value, and another spread.
    changed[np.flatnonzero(test_rows)[0], 2] = 9
    changed[test_rows, 1] *= 1000
    record = run_cell(make_cell(dataset=Dataset("ecoli", changed, table.y, "hash")))
    assert record["frozen"] == [2, 3]
    again = draw(Dataset("ecoli", changed, table.y, "hash"))
    np.testing.assert_array_equal(again.X_train, first.X_train)


def test_attacked_rows_are_those_of_the_training_halfs_ball():
    cell = make_cell("drcb_ce")
    task = draw()
    perturb = movable_columns(task.X_train)
    model = cell.experiment.make(cell, derive_seed(0, "ecoli", 0, "model"), task)
    model.fit(task.X_train, task.y_train)
    moved = adversarial_rows(
        model,
        task.X_test,
        task.y_test,
        eps=0.05,
        eps_unit="std",
        std=task.X_train.std(axis=0),
        perturb=perturb,
        attack_steps=2,
        random_state=derive_seed(derive_seed(*cell.key, "attack"), 0.05),
    )
    np.testing.assert_array_equal(moved[:, 2:], task.X_test[:, 2:])
    proba = model.predict_proba(moved)[:, 1]
    told = run_cell(cell)["scores"]["ap_0.05"]
    assert told == pytest.approx(average_precision_score(task.y_test, proba))


# --- Report --------------------------------------------------------------------------

SETS = ("ecoli", "oil", "abalone", "us_crime")
SHIFTS = {"net": -0.2, "ce": -0.1, "srat_ldam": 0.0, "imb_mix": 0.1}
TOLD = {"eps": 0.1, "n_train": 100, "n_train_minority": 10, "n_features": 5}


def made_up(method, value):
    return {"scores": dict.fromkeys(METRICS, value), "fit_seconds": 1.5}


def fake_cells(unmoved=(), **failed):
    """Scores that differ by method, and a little by fold; those that failed by set."""
    cells = []
    for name in SETS:
        frozen = list(range(5)) if name in unmoved else [1, 2]
        told = TOLD | {"frozen": frozen, "fit_seconds": None, "cell_seconds": 2.0}
        lost = [(failed.get(name), fold) for fold in (0, 1)]
        cells += fake_run(told, made_up, SHIFTS, 2, failed=lost, dataset=name)
    return cells


@pytest.fixture
def report_on(write_records, tmp_path):
    """Report on records; return the text, means that count and frozen columns."""

    def report_on(records):
        path = write_records(records, "tables.jsonl")
        assert main(["robust", "tables", "--report-only", "--out", str(tmp_path)]) == 0
        cells = report.STUDY.read(path)
        unmoved = report.unmoved_sets(cells)
        means = report.attacked_means(report.STUDY.means(cells), unmoved)
        columns = pd.read_csv(tmp_path / "columns.csv", index_col="dataset")
        return (tmp_path / "sets.md").read_text(), means, columns

    return report_on


def test_means_and_ranks_over_the_sets(report_on):
    text, means, columns = report_on(fake_cells(["abalone"], ecoli="ce", oil="imb_mix"))
    assert "32 cells, 4 of them failed. 2 folds" in text
    assert "count for clean scores only: abalone." in text
    assert "- ecoli, CE, seeds 0, 1: ValueError: too few rows" in text
    for words in ("Friedman's test", "| SRAT-LDAM minus", "| Imb-Mix minus"):
        assert text.count(words) == len(METRICS)
    assert "## Average precision, 0.1" in text
    # A failure ranks last, and no set that cannot be attacked counts under attack.
    table = set_table(means, "ap_clean", "dataset")
    assert table.columns.tolist() == list(SHIFTS)
    assert table.at["oil", "ce"] == pytest.approx(0.4 + 0.0045)
    assert np.isnan(table.at["oil", "imb_mix"])
    summary = summary_table(means, METRICS, report.TITLES)
    score = f"{table['imb_mix'].mean():.3f}"
    assert summary.at["Imb-Mix", "average precision, clean"] == f"{score} (1.75)"
    assert summary.at["net, clean", "balanced accuracy, 0.1"] == "0.304 (3.33)"
    by_metric = means.groupby("metric")["dataset"].unique().map(list)
    for metric in METRICS:
        assert ("abalone" in by_metric[metric]) == metric.endswith("clean")
    assert columns.at["abalone", "frozen"] == 5
    assert columns.at["oil", "frozen columns"] == "1 2"


def test_a_worker_that_died_leaves_the_others_alone(report_on):
    records = fake_cells(["ecoli"], ecoli="ce")
    for record in records:
        if record["status"] == "failed":
            for name in ("n_train", "n_train_minority", "n_features", "frozen"):
                del record[name]
    # The one that died comes first among those of its set.
    records.sort(key=lambda record: record["status"])
    text, _, columns = report_on(records)
    assert "count for clean scores only: ecoli." in text
    assert columns.at["ecoli", "frozen columns"] == "0 1 2 3 4"
