"""Figure 4.2: two classes, one of them rare, which weighs more and more."""

import json

import numpy as np
import pandas as pd
import pytest
from _paper_data import parse_pairs
from _robust import weight_methods, weights_report
from _robust.cells import run_cell
from _robust.data import Pictures, read_pictures
from _robust.threats import SMOKE, Threat
from _robust.weight_methods import METHODS, METRICS, WEIGHTS, make_model, score
from _robust.weights import PairTask, WeightCell
from robust import main
from sklearn.base import BaseEstimator, ClassifierMixin

from imbdeep.classifiers import AdversarialClassifier, LDAMClassifier
from tests.benchmarks.test_robust_data import ids, write_usps

THREAT = Threat("linf", 0.1)


def make_cell(pictures, name="natural_10", seed=0, pairs="3-5"):
    return WeightCell(
        dataset=pictures,
        pairs=parse_pairs(pairs),
        threat=THREAT,
        name=name,
        method=METHODS[name],
        seed=seed,
        device="cpu",
        smoke=True,
        versions={"torch": "9"},
    )


def numbered(n_class):
    """Pictures of one pixel, which holds the row's own number."""
    y = np.repeat(np.arange(10), n_class)
    X = np.arange(len(y), dtype=np.float64).reshape(-1, 1, 1, 1)
    return Pictures("usps", X, y, None, "hash")


def test_the_rare_class_is_cut_a_hundredfold():
    usps = numbered(500)
    task = make_cell(usps).draw()
    assert task.record() == {
        "majority": 3,
        "minority": 5,
        "class_counts": [400, 4],
        "n_test": 200,
    }
    labels = usps.y[ids(task.X_train)]
    assert labels.tolist() == [[3, 5][t] for t in task.y_train]
    assert usps.y[ids(task.X_test)].tolist() == [[3, 5][t] for t in task.y_test]
    assert not set(ids(task.X_train)) & set(ids(task.X_test))


def test_rows_are_those_of_the_seed_for_all_nets():
    usps = numbered(100)
    first, other = (make_cell(usps, name) for name in ("natural_1", "adversarial_200"))
    assert ids(first.draw().X_train) == ids(other.draw().X_train)
    assert ids(make_cell(usps, seed=1).draw().X_train) != ids(first.draw().X_train)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_a_net_weighs_the_rare_class_and_nothing_else_changes(weight):
    natural, adversarial = (
        make_model(METHODS[f"{t}_{weight}"], THREAT, seed=2, device="cpu", smoke=False)
        for t in ("natural", "adversarial")
    )
    assert isinstance(natural, LDAMClassifier)
    assert isinstance(adversarial, AdversarialClassifier)
    for net in (natural, adversarial):
        assert net.class_weight == {0: 1, 1: weight}
        assert (net.criterion, net.reweight_from) == ("cross_entropy", 1)
        assert net.random_state == 2
    assert adversarial.eps == THREAT.eps


class SaysRare(ClassifierMixin, BaseEstimator):
    def predict(self, X):
        return (X[:, 0, 0, 0] > 0).astype(int)


def test_scores_by_counting(monkeypatch):
    def attack(model, X, y, **params):
        assert params["eps"] == THREAT.eps
        labels = model.predict(X)
        labels[[0, 4, 5]] = 1 - labels[[0, 4, 5]]
        return labels

    monkeypatch.setattr(weight_methods, "robust_predictions", attack)
    y = np.array([0, 0, 0, 0, 1, 1])
    X = np.array([-1, 1, -1, -1, 1, 1.0]).reshape(-1, 1, 1, 1)
    told = score(SaysRare(), PairTask(X, y, X, y, (3, 5)), THREAT, SMOKE, 0)
    assert told == pytest.approx(
        {
            "standard_majority": 3 / 4,
            "standard_minority": 1,
            "robust_majority": 2 / 4,
            "robust_minority": 0,
        }
    )


def test_a_cell_records_what_it_is(tmp_path):
    usps = read_pictures("usps", write_usps(tmp_path))
    record = run_cell(make_cell(usps, "adversarial_50"))
    assert record["error"] is None
    assert record["dataset"] == "usps, 3-5, linf 0.1"
    assert (record["training"], record["weight"]) == ("adversarial", 50)
    assert set(record["scores"]) == set(METRICS)
    json.dumps(record, allow_nan=False)


# --- Report --------------------------------------------------------------------------


def fake_cells(n_seeds=3):
    return [
        {
            "kind": "cell",
            "dataset": "usps, 3-5, linf 0.15",
            "method": name,
            "fold": seed,
            "training": method.training,
            "weight": method.weight,
            "status": "ok",
            "error": None,
            "scores": {
                "standard_majority": 1 - method.weight / 400,
                "standard_minority": method.weight / 400 + 0.01 * seed,
                "robust_majority": 0.5,
                "robust_minority": 0.25,
            },
            "class_counts": [572, 5],
            "fit_seconds": 1.0,
            "cell_seconds": 2.0,
        }
        for seed in range(n_seeds)
        for name, method in METHODS.items()
    ]


def test_weights_report_and_picture(tmp_path):
    lines = (json.dumps(record) + "\n" for record in fake_cells())
    (tmp_path / weights_report.CELLS).write_text("".join(lines))
    text = weights_report.write_report(tmp_path).read_text()
    assert "572 + 5 rows train" in text
    row = next(line for line in text.splitlines() if "adversarial, 200:1" in line)
    assert [part.strip() for part in row.split("|")[2:-1]] == [
        "50.00 ± 0.00",
        "51.00 ± 1.00",
        "50.00 ± 0.00",
        "25.00 ± 0.00",
    ]
    table = pd.read_csv(tmp_path / "weights.csv")
    assert len(table) == 2 * len(WEIGHTS) * len(METRICS)
    figure = weights_report.draw_weights(table)
    first, second = figure.axes
    assert first.get_title() == "natural training: usps, 3-5, linf 0.15"
    labels = [label.get_text() for label in second.get_xticklabels()]
    assert labels == [f"{weight}:1" for weight in WEIGHTS]
    lines = {line.get_label(): line for line in first.containers}
    frequent = lines["standard, frequent class"].lines[0].get_ydata()
    assert frequent == pytest.approx([100 * (1 - w / 400) for w in WEIGHTS])
    assert (tmp_path / "weights.png").read_bytes().startswith(b"\x89PNG")


def test_a_worker_that_died_leaves_the_others_alone(tmp_path):
    dead, *others = fake_cells()
    dead |= {"status": "failed", "error": "worker died", "scores": {}}
    del dead["class_counts"]
    lines = (json.dumps(record) + "\n" for record in [dead, *others])
    (tmp_path / weights_report.CELLS).write_text("".join(lines))
    assert "572 + 5 rows train" in weights_report.write_report(tmp_path).read_text()


# --- Command -------------------------------------------------------------------------


@pytest.mark.slow
def test_weights(tmp_path):
    data, out = write_usps(tmp_path / "raw"), tmp_path / "out"
    given = ["weights", "--data", str(data), "--out", str(out), "--smoke"]
    given += ["--n-jobs", "0", "--seeds", "0", "--methods", "natural_1,adversarial_50"]
    assert main(given) == 0
    text = (out / weights_report.CELLS).read_text()
    assert text.count('"status": "ok"') == 2
    assert main(given) == 0
    assert (out / weights_report.CELLS).read_text().count('"kind": "cell"') == 2


def test_a_wrong_pair_is_a_usage_error(tmp_path, capsys):
    data = write_usps(tmp_path / "raw")
    given = ["weights", "--data", str(data), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as stopped:
        main([*given, "--pairs", "3-12"])
    assert stopped.value.code == 2
    assert "usps has no class 12" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
