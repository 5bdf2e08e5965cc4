"""The command tables: which columns an attacker may move, scores, and the report."""

import json

import numpy as np
import pandas as pd
import pytest
from _paper_data import Dataset
from _protocol import derive_seed, parse_protocol
from _robust import table_scores, tables_report
from _robust.cells import run_cell
from _robust.table_methods import METHODS, TableThreat, make_model
from _robust.table_scores import METRICS, RADII, movable_columns, score
from _robust.tables import SEED, TableCell, TableTask
from robust import main
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import average_precision_score

from imbdeep.attacks import adversarial_rows

TITLES = {name: method.title for name, method in METHODS.items()}


def make_table(n=120, seed=0):
    """Two Gaussians, with a column of zeros and ones and a constant one."""
    rng = np.random.RandomState(seed)
    y = (np.arange(n) % 4 == 0).astype(int)
    X = rng.normal(size=(n, 4)) * [1, 10, 1, 1] + 1.5 * y[:, None]
    X[:, 2] = rng.randint(0, 2, n)
    X[:, 3] = 7
    return Dataset("ecoli", X, y, "hash")


def make_cell(name="ce", dataset=None, fold=0, **changes):
    given = {
        "dataset": make_table() if dataset is None else dataset,
        "protocol": parse_protocol("5x2"),
        "eps": 0.1,
        "name": name,
        "method": METHODS[name],
        "fold": fold,
        "device": "cpu",
        "smoke": True,
        "versions": {"torch": "9"},
    }
    return TableCell(**given | changes)


# --- Threat and scores ---------------------------------------------------------------


def test_columns_of_two_values_are_categories():
    X = np.array([[0, 1.0, 3, 5], [1, 2.0, 3, 5], [0, 3.0, 3, 6], [1, 1.0, 3, 7]])
    assert movable_columns(X).tolist() == [False, True, False, True]


def test_all_but_clean_nets_face_the_same_attacker():
    perturb = np.array([True, False])
    for name, method in METHODS.items():
        model = make_model(method, TableThreat(0.3, perturb), seed=1, device="cpu")
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
    task = TableTask(X_train, np.array([0, 1, 0, 1]), X_test, y)
    calls = []

    def move(model, X, y, *, eps, std, perturb, **params):
        calls.append((eps, std.tolist(), perturb.tolist(), params))
        return X + eps * std * np.where(y == 1, -1, 1)[:, None]

    monkeypatch.setattr(table_scores, "adversarial_rows", move)
    told = score(ByFirstColumn(), task, np.array([True]), seed=0, attack_steps=6)
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
    first, second = (make_cell(fold=fold).draw() for fold in (0, 1))
    np.testing.assert_array_equal(first.X_train, second.X_test)
    split = parse_protocol("5x2").split(table.y, 0, seed=SEED, dataset="ecoli")
    np.testing.assert_array_equal(first.y_test, table.y[split.test])
    # 10x2 goes on with them.
    longer = make_cell(protocol=parse_protocol("10x2")).draw()
    np.testing.assert_array_equal(first.X_train, longer.X_train)


def test_what_is_frozen_and_how_far_rows_move_follow_from_the_training_half():
    table = make_table()
    first = make_cell(dataset=table).draw()
    test_rows = np.isin(table.X.astype(np.float32)[:, 0], first.X_test[:, 0])
    changed = table.X.copy()
    # In the test half alone: a third value, and another spread.
    changed[np.flatnonzero(test_rows)[0], 2] = 9
    changed[test_rows, 1] *= 1000
    record = run_cell(make_cell(dataset=Dataset("ecoli", changed, table.y, "hash")))
    assert record["frozen"] == [2, 3]
    again = make_cell(dataset=Dataset("ecoli", changed, table.y, "hash")).draw()
    np.testing.assert_array_equal(again.X_train, first.X_train)


def test_attacked_rows_are_those_of_the_training_halfs_ball():
    cell = make_cell("drcb_ce")
    task = cell.draw()
    perturb = movable_columns(task.X_train)
    model = make_model(
        cell.method,
        TableThreat(0.1, perturb),
        seed=derive_seed(SEED, "ecoli", 0, "model"),
        device="cpu",
        smoke=True,
    ).fit(task.X_train, task.y_train)
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
SHIFTS = {"net": 0.0, "ce": 0.1, "srat_ldam": 0.2, "imb_mix": 0.3}


def fake_cells(failed=(), unmoved=()):
    """Scores that differ by set and method, and a little by fold."""
    records = []
    for place, name in enumerate(SETS):
        for fold in range(2):
            for method, shift in SHIFTS.items():
                ok = (name, method) not in failed
                value = 0.3 + shift + 0.02 * place + 0.01 * fold
                records.append(
                    {
                        "kind": "cell",
                        "dataset": name,
                        "method": method,
                        "fold": fold,
                        "eps": 0.1,
                        "n_train": 100,
                        "n_train_minority": 10,
                        "n_features": 5,
                        "frozen": list(range(5)) if name in unmoved else [1, 2],
                        "status": "ok" if ok else "failed",
                        "error": None if ok else "ValueError: too few rows",
                        "scores": dict.fromkeys(METRICS, value) if ok else {},
                        "fit_seconds": 1.5 if ok else None,
                        "cell_seconds": 2.0,
                    }
                )
    return records


def write(tmp_path, records):
    lines = (json.dumps(record) + "\n" for record in records)
    (tmp_path / tables_report.CELLS).write_text("".join(lines))
    return tmp_path


@pytest.fixture
def read(tmp_path):
    return lambda records: tables_report.read_cells(
        write(tmp_path, records) / tables_report.CELLS
    )


def test_means_and_ranks_over_the_sets(read):
    means = tables_report.mean_table(read(fake_cells()))
    table = tables_report.set_table(means, "ap_clean")
    assert table.columns.tolist() == list(SHIFTS)
    assert table.at["oil", "ce"] == pytest.approx(0.3 + 0.1 + 0.02 + 0.005)
    summary = tables_report.summary_table(means)
    assert summary.at["Imb-Mix", "average precision, clean"] == "0.635 (1.00)"
    assert summary.at["net, clean", "balanced accuracy, 0.1"] == "0.335 (4.00)"


def test_a_failure_ranks_last(read):
    means = tables_report.mean_table(read(fake_cells(failed=[("oil", "imb_mix")])))
    table = tables_report.set_table(means, "ap_clean")
    assert np.isnan(table.at["oil", "imb_mix"])
    summary = tables_report.summary_table(means)
    assert summary.at["Imb-Mix", "average precision, clean"].endswith("(1.75)")


def test_sets_that_cannot_be_attacked_count_for_clean_scores_only(read):
    cells = read(fake_cells(unmoved=["abalone"]))
    assert tables_report.unmoved_sets(cells) == ["abalone"]
    means = tables_report.mean_table(cells)
    shown = tables_report.attacked_means(means, ["abalone"])
    by_metric = shown.groupby("metric")["dataset"].unique().map(list)
    for metric in METRICS:
        assert ("abalone" in by_metric[metric]) == metric.endswith("clean")


def test_sets_report(tmp_path):
    path = tables_report.write_report(
        write(tmp_path, fake_cells(failed=[("ecoli", "ce")], unmoved=["abalone"]))
    )
    text = path.read_text()
    assert "32 cells, 2 of them failed. 2 folds" in text
    assert "count for clean scores only: abalone." in text
    assert "- ecoli, CE, seeds 0, 1: ValueError: too few rows" in text
    assert text.count("Friedman's test") == len(METRICS)
    assert text.count("| SRAT-LDAM minus") == len(METRICS)
    assert text.count("| Imb-Mix minus") == len(METRICS)
    assert "## Average precision, 0.1" in text
    assert len(pd.read_csv(tmp_path / "sets.csv")) == 4 * 4 * len(METRICS)
    columns = pd.read_csv(tmp_path / "columns.csv").set_index("dataset")
    assert columns.at["abalone", "frozen"] == 5
    assert columns.at["oil", "frozen columns"] == "1 2"


def test_a_worker_that_died_leaves_the_others_alone(tmp_path):
    records = fake_cells(failed=[("ecoli", "ce")], unmoved=["ecoli"])
    for record in records:
        if record["status"] == "failed":
            for name in ("n_train", "n_train_minority", "n_features", "frozen"):
                del record[name]
    # The one that died comes first among those of its set.
    records.sort(key=lambda record: record["status"])
    text = tables_report.write_report(write(tmp_path, records)).read_text()
    assert "32 cells, 2 of them failed" in text
    assert "count for clean scores only: ecoli." in text
    columns = pd.read_csv(tmp_path / "columns.csv").set_index("dataset")
    assert columns.at["ecoli", "frozen columns"] == "0 1 2 3 4"


def test_too_few_sets_are_not_tested(tmp_path):
    records = [r for r in fake_cells() if r["dataset"] == "oil"]
    text = tables_report.write_report(write(tmp_path, records)).read_text()
    assert text.count("Too few sets or methods to test") == len(METRICS)


# --- Command -------------------------------------------------------------------------


@pytest.mark.slow
def test_tables(data_home, tmp_path):
    given = ["tables", "--data-home", str(data_home), "--out", str(tmp_path / "out")]
    given += ["--datasets", "ecoli,libras_move", "--methods", "drcb_ce,srat_ce"]
    given += ["--smoke", "--n-jobs", "0"]
    assert main(given) == 0
    path = tmp_path / "out" / tables_report.CELLS
    before = path.read_text()
    records = [json.loads(line) for line in before.splitlines()]
    cells = [r for r in records if r["kind"] == "cell"]
    assert len(cells) == 2 * 2 * 2
    assert {r["status"] for r in cells} == {"ok"}
    assert main(given) == 0
    assert path.read_text().count('"kind": "cell"') == 8


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--datasets", "ecol"], "Did you mean ecoli"),
        (["--methods", "drcb"], "Did you mean drcb_ce"),
        (["--eps", "-1"], "must be a number above 0"),
    ],
)
def test_a_wrong_option_is_a_usage_error(given, message, tmp_path, data_home, capsys):
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as stopped:
        main(["tables", "--out", str(out), "--data-home", str(data_home), *given])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not out.exists()
