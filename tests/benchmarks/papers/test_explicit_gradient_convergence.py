"""The convergence experiment: what each epoch records, and what the report says."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from imbdeep_bench.data.adult import balance, preprocessing, read_adult, split
from imbdeep_bench.engine.experiment import Cell, Setting, run_cell
from imbdeep_bench.papers.explicit_gradient.experiment import (
    AdultTable,
    Convergence,
    relative_lengths,
)
from imbdeep_bench.papers.explicit_gradient.methods import TABLE_METHODS as METHODS
from imbdeep_bench.papers.explicit_gradient.report_convergence import (
    COLUMNS,
    TITLES,
    change_table,
    epoch_frame,
    mean_curves,
)
from tests.benchmarks.papers.conftest import census

RATIO, NAMES = 50, list(TITLES)
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


def cell_of(adult, name, fold=0, seed=0, make=None):
    method = replace(METHODS[name], make=make or small(name))
    setting = Setting("adult 50:1", adult, of=RATIO)
    return Cell(Convergence(seed=seed), setting, method, fold)


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
    record = run_cell(cell_of(adult, "explicit_gradient", fold=1))
    assert record["error"] is None
    json.dumps(record, allow_nan=False)
    # The same fit by hand, without the callback.
    scaler = preprocessing().fit(X[rows.fit])
    net = small("explicit_gradient")(record["seed"], store_synth_history=True).net
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
    assert Convergence.methods == {name: METHODS[name] for name in NAMES}
    records = [run_cell(cell_of(adult, name, seed=3)) for name in NAMES]
    of_adult = AdultTable(seed=3).seed_of(cell_of(adult, NAMES[0], seed=3))
    assert {record["seed"] for record in records} == {of_adult}
    # The same net, rows and seed, until synthetic rows come in.
    ours, still = (record["curves"] for record in records)
    assert ours["valid_loss"][:2] == still["valid_loss"][:2]
    assert ours["valid_loss"][2:] != still["valid_loss"][2:]
    assert set(still["moved"]) == {0}


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
            key = {
                "kind": "cell",
                "dataset": "adult 50:1",
                "method": name,
                "fold": fold,
            }
            records.append({**key, "status": "ok", "error": None, "curves": curves})
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


def test_the_verdict_compares_the_last_epochs_with_those_before(report_on):
    records = fabricated(lambda name, fold, e: (e > 45) - 0.5 + (name == NAMES[1]))
    text = report_on("explicit_gradient convergence", records)
    assert "the loss in training changes by +1.0000" in text
    line = next(s for s in text.splitlines() if s.startswith("- Duplicates"))
    assert "from 0.500 to 1.500 on validation rows" in line
    assert "move by 50.00%" in line
    assert "2 splits of adult 50:1, 0 failed fits" in text


def test_splits_that_a_method_has_not_been_through_do_not_count(report_on):
    records = fabricated(lambda name, fold, e: float(fold))
    records[-1] |= {"status": "failed", "error": "it broke", "curves": {}}
    assert set(epoch_frame(records).index.unique("fold")) == {0}
    text = report_on("explicit_gradient convergence", records)
    assert "1 splits of adult 50:1, 1 failed fits" in text
