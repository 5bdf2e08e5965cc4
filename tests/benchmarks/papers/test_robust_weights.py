"""Figure 4.2: two classes, one of them rare, which weighs more and more."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from imbdeep.classifiers import AdversarialClassifier, LDAMClassifier
from imbdeep_bench.data.pairs import parse_pairs
from imbdeep_bench.data.pictures import Pictures
from imbdeep_bench.engine.experiment import Cell, Rows, Setting
from imbdeep_bench.papers.robust import scores
from imbdeep_bench.papers.robust.experiment import Weights
from imbdeep_bench.papers.robust.methods import WEIGHT_METHODS as METHODS
from imbdeep_bench.papers.robust.methods import WEIGHTS, make_model
from imbdeep_bench.papers.robust.report_weights import METRICS, draw_weights
from imbdeep_bench.papers.robust.scores import score_both_classes
from imbdeep_bench.papers.robust.threats import SMOKE, Threat
from papers import main
from tests.benchmarks.data.test_pictures import ids
from tests.benchmarks.papers.conftest import fake_run, row_of

THREAT = Threat("linf", 0.1)


def make_cell(pictures, name="natural_10", seed=0, pairs="3-5"):
    experiment = Weights(smoke=True, pairs=parse_pairs(pairs))
    setting = Setting("usps, 3-5, linf 0.1", pictures, {"eps": THREAT.eps}, THREAT)
    return Cell(experiment, setting, METHODS[name], seed)


def draw(pictures, seed=0):
    cell = make_cell(pictures, seed=seed)
    return cell.experiment.draw(cell.setting, seed)


def numbered(n_class):
    """Pictures of one pixel, which holds the row's own number."""
    y = np.repeat(np.arange(10), n_class)
    X = np.arange(len(y), dtype=np.float64).reshape(-1, 1, 1, 1)
    return Pictures("usps", X, y, None, "hash")


def test_the_rare_class_is_cut_a_hundredfold():
    usps = numbered(500)
    task = draw(usps)
    assert task.told == {
        "majority": 3,
        "minority": 5,
        "class_counts": [400, 4],
        "n_test": 200,
    }
    labels = usps.y[ids(task.X_train)]
    assert labels.tolist() == [[3, 5][t] for t in task.y_train]
    assert usps.y[ids(task.X_test)].tolist() == [[3, 5][t] for t in task.y_test]
    assert not set(ids(task.X_train)) & set(ids(task.X_test))


def test_rows_follow_from_the_seed():
    usps = numbered(100)
    assert ids(draw(usps).X_train) == ids(draw(usps).X_train)
    assert ids(draw(usps, seed=1).X_train) != ids(draw(usps).X_train)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_a_net_weighs_the_rare_class_and_nothing_else_changes(weight):
    natural, adversarial = (
        make_model(METHODS[f"{t}_{weight}"], "usps", THREAT, seed=2, device="cpu")
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

    monkeypatch.setattr(scores, "robust_predictions", attack)
    y = np.array([0, 0, 0, 0, 1, 1])
    X = np.array([-1, 1, -1, -1, 1, 1.0]).reshape(-1, 1, 1, 1)
    told = score_both_classes(SaysRare(), Rows(X, y, X, y), THREAT, SMOKE, 0)
    assert told == pytest.approx(
        {
            "standard_majority": 3 / 4,
            "standard_minority": 1,
            "robust_majority": 2 / 4,
            "robust_minority": 0,
        }
    )


# --- Report --------------------------------------------------------------------------

TOLD = {"class_counts": [572, 5], "fit_seconds": 1.0, "cell_seconds": 2.0}


def made_up(method, value):
    weight = int(method.split("_")[1])
    told = {"standard_majority": 1 - weight / 400, "standard_minority": value}
    return {"scores": told | {"robust_majority": 0.5, "robust_minority": 0.25}}


def test_weights_report_and_picture(tmp_path, write_records):
    where = {"dataset": "usps, 3-5, linf 0.15"}
    write_records(
        fake_run(TOLD, made_up, dict.fromkeys(METHODS, 0), 3, **where), "weights.jsonl"
    )
    assert main(["robust", "weights", "--report-only", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "weights.md").read_text()
    assert "572 + 5 rows train" in text
    assert row_of(text, "adversarial, 200:1")[1:] == [
        *("50.00 ± 0.00", "51.00 ± 1.00", "50.00 ± 0.00", "25.00 ± 0.00"),
    ]
    table = pd.read_csv(tmp_path / "weights.csv")
    assert len(table) == 2 * len(WEIGHTS) * len(METRICS)
    first, second = draw_weights(table).axes
    assert first.get_title() == "natural training: usps, 3-5, linf 0.15"
    labels = [label.get_text() for label in second.get_xticklabels()]
    assert labels == [f"{weight}:1" for weight in WEIGHTS]
    lines = {line.get_label(): line for line in first.containers}
    frequent = lines["standard, frequent class"].lines[0].get_ydata()
    assert frequent == pytest.approx([100 * (1 - w / 400) for w in WEIGHTS])
