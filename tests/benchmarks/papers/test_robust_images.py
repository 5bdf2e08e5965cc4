"""Adversarial training on pictures: what is fitted, attacked, scored and recorded."""

import json

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from imbdeep.attacks import robust_predictions
from imbdeep.classifiers import (
    AdversarialClassifier,
    ImbMixClassifier,
    LDAMClassifier,
    SRATClassifier,
)
from imbdeep_bench.data.pictures import (
    Imbalance,
    draw_pictures,
    first_of_each_class,
    read_pictures,
)
from imbdeep_bench.engine.experiment import Cell, Rows, Setting, run_cell
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.robust import scores as scoring
from imbdeep_bench.papers.robust.experiment import Images
from imbdeep_bench.papers.robust.methods import (
    ALWAYS,
    CHAPTERS,
    DEFERRED,
    METHODS,
    NEVER,
    TRAINING,
    make_model,
)
from imbdeep_bench.papers.robust.report import FOUR, STRONG
from imbdeep_bench.papers.robust.scores import (
    compare_attacks,
    score_pictures,
)
from imbdeep_bench.papers.robust.threats import EPS, SMOKE, Strength, Threat
from tests.benchmarks.data.test_pictures import write_usps

THREAT, IMBALANCE = Threat("linf", 0.1), Imbalance("step", 5)
METRICS = {*FOUR, *STRONG}


@pytest.fixture(scope="module")
def usps(tmp_path_factory):
    return read_pictures("usps", write_usps(tmp_path_factory.mktemp("raw"), 120))


def make_cell(pictures, method=None, threat=THREAT, imbalance=IMBALANCE, seed=3):
    experiment = Images(smoke=True, versions={"torch": "9"})
    labels = {"imbalance": imbalance.name, "eps": threat.eps}
    name = f"{pictures.name}, {imbalance.name}, {threat.name}"
    setting = Setting(name, pictures, labels, (imbalance, threat))
    return Cell(experiment, setting, method or METHODS["plain"], seed)


def build(name, data="usps", threat=THREAT, **kwargs):
    return make_model(METHODS[name], data, threat, seed=7, device="cpu", **kwargs)


# --- Methods -------------------------------------------------------------------------


def test_all_methods_have_epochs_net_optimizer_and_seed_in_common():
    models = {name: build(name) for name in METHODS}
    for name, expected in TRAINING["usps"].items():
        assert {m.get_params()[name] for m in models.values()} == {expected}
    for name in ("optimizer", "lr", "random_state", "train_split"):
        assert len({m.get_params()[name] for m in models.values()}) == 1
    for name, model in models.items():
        keeps_rate = name.endswith("_kept")
        assert model.lr_schedule == (None if keeps_rate else "step")
    assert not any(m.early_stopping for m in models.values())


def test_all_but_clean_training_face_the_same_attacker():
    for name in METHODS:
        params = build(name).get_params()
        if name == "plain":
            assert "eps" not in params
            continue
        told = {k: params[k] for k in ("eps", "norm", "step_size", "box")}
        assert told == THREAT.ball
        assert params["attack_steps"] == 10
        assert params["eps_unit"] == "input"
        assert params["random_start"]


def test_the_attacker_of_cifar_is_the_dissertations():
    linf, l2 = (Threat(norm, EPS["cifar10"][norm]).ball for norm in ("linf", "l2"))
    assert (linf["eps"], linf["step_size"]) == pytest.approx((8 / 255, 2 / 255))
    assert (l2["eps"], l2["step_size"]) == pytest.approx((128 / 255, 15 / 255))
    assert linf["box"] == l2["box"] == (0, 1)
    assert EPS["cifar10"] == EPS["cifar100"]
    net = build("ce", "cifar100", chapter=4).get_params()
    expected = {"module": "resnet18", "batch_size": 128, "lr": 0.1}
    expected |= {"optimizer__momentum": 0.9, "optimizer__weight_decay": 2e-4}
    assert {name: net[name] for name in expected} == expected


@pytest.mark.parametrize(("chapter", "n_epochs"), [(4, 200), (5, 250)])
@pytest.mark.parametrize("data", ["cifar10", "cifar100"])
def test_rates_on_cifar_drop_at_epochs_160_and_180(chapter, n_epochs, data):
    told = {"max_epochs": n_epochs, "lr_schedule": "step"}
    told["callbacks__lr_schedule__at"] = (160 / n_epochs, 180 / n_epochs)
    for name in CHAPTERS[chapter]:
        params = build(name, data, chapter=chapter).get_params(deep=False)
        keeps_rate = {"lr_schedule": None} if name.endswith("_kept") else {}
        assert {key: params[key] for key in told} == told | keeps_rate
    net = build("plain", data, chapter=chapter)
    net.set_params(module="mlp", module__hidden_sizes=(2,))
    net.fit(np.float32([[0], [1], [2], [3]]), np.array([0, 0, 1, 1]))
    expected = [0.1] * 160 + [1e-3] * 20 + [1e-5] * (n_epochs - 180)
    assert net.history[:, "event_lr"] == pytest.approx(expected)


def test_the_chapters_share_the_schedule_of_usps():
    for name in ("ce", "imb_mix"):
        shown = [repr(build(name, chapter=chapter)) for chapter in (None, 4, 5)]
        assert len(set(shown)) == 1


WEIGHS_FROM = {"": NEVER, "cb": ALWAYS, "drcb": DEFERRED, "srat": DEFERRED}
CRITERIA = {"ce": "cross_entropy", "reweight": "cross_entropy"}


@pytest.mark.parametrize(
    "name", [n for n in CHAPTERS[4] if n != "plain" and not n.endswith("_kept")]
)
def test_what_a_method_minimises_and_when_it_weighs(name):
    prefix, _, loss = name.rpartition("_")
    model = build(name)
    assert model.criterion == CRITERIA.get(loss, loss)
    assert model.reweight_from == WEIGHS_FROM[prefix]
    assert type(model) is (
        SRATClassifier if prefix == "srat" else AdversarialClassifier
    )
    assert model.iterator_train == "shuffled"


def test_resampling_and_clean_training_do_not_weigh():
    for name, own in (("resample", AdversarialClassifier), ("plain", LDAMClassifier)):
        model = build(name)
        assert type(model) is own
        assert (model.criterion, model.reweight_from) == ("cross_entropy", NEVER)
        balanced = "balanced" if name == "resample" else "shuffled"
        assert model.iterator_train == balanced


def test_imb_mix_and_what_it_is_made_of():
    told = {
        name: [
            build(name).get_params()[p] for p in ("n_copies", "mix", "weight_averaging")
        ]
        for name in ("mixup", "rebalanced_mixup", "imb_mix_plain", "imb_mix")
    }
    n_copies = ImbMixClassifier().n_copies
    assert n_copies != 0
    assert told == {
        "mixup": [0, "mixup", None],
        "rebalanced_mixup": [0, "rebalanced", None],
        "imb_mix_plain": [n_copies, "rebalanced", None],
        "imb_mix": [n_copies, "rebalanced", "swa"],
    }


def test_chapters_share_cells_instead_of_training_twice():
    assert set(CHAPTERS[4]) & set(CHAPTERS[5]) == {"plain", "ce", "cb_reweight"}
    assert set(CHAPTERS[4]) | set(CHAPTERS[5]) == set(METHODS)
    settings = {
        name: repr(sorted(build(name).get_params(deep=False).items(), key=str))
        + type(build(name)).__name__
        for name in METHODS
    }
    assert len(set(settings.values())) == len(METHODS)


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_every_method_runs(usps, name):
    record = run_cell(make_cell(usps, METHODS[name]))
    assert record["error"] is None
    assert set(record["scores"]) == METRICS
    assert all(0 <= value <= 1 for value in record["scores"].values())
    json.dumps(record, allow_nan=False)


# --- Scores --------------------------------------------------------------------------


class Fixed(ClassifierMixin, BaseEstimator):
    """Predict what each row's first pixel says."""

    def predict(self, X):
        return X[:, 0, 0, 0].astype(int)


def rows_of(X, y_train, y_test):
    return Rows(X, y_train, X, y_test, {"class_counts": np.bincount(y_train).tolist()})


def fixed_task():
    """Ten rows of each of four classes; the last two are rare in training."""
    y = np.tile(np.arange(4), 10)
    X = np.zeros((40, 1, 1, 1), dtype=np.float32)
    X[:, 0, 0, 0] = y
    X[:4, 0, 0, 0] = [1, 1, 2, 2]  # rows of classes 0 and 3 are wrong from the start
    return rows_of(X, np.repeat(np.arange(4), [9, 9, 2, 2]), y)


def test_scores_by_counting(monkeypatch):
    task = fixed_task()
    # Rows that each attack breaks: of classes 1; 1 and 2; 3.
    broken = {("pgd", 1): [5], ("pgd", 3): [5, 6], ("square", 1): [7]}
    calls = []

    def attack(model, X, y, *, attack, restarts=1, random_state, **params):
        calls.append((attack, restarts, random_state, params, len(X)))
        labels = model.predict(X)
        rows = [r for r in broken[attack, restarts] if r < len(X)]
        labels[rows] = (labels[rows] + 1) % 4
        return labels

    monkeypatch.setattr(scoring, "robust_predictions", attack)
    strength = Strength(
        attack_steps=4, strong_attack_steps=6, restarts=3, queries=9, strong_rows=5
    )
    told = score_pictures(Fixed(), task, THREAT, strength, seed=0)
    # The first five rows of each class are attacked by all.
    assert told["scores"] == pytest.approx(
        {
            "standard_overall": 38 / 40,
            "standard_under": 19 / 20,
            "robust_overall": 37 / 40,
            "robust_under": 19 / 20,
            "restarts_overall": 16 / 20,
            "restarts_under": 8 / 10,
            "square_overall": 17 / 20,
            "square_under": 8 / 10,
            "worst_overall": 15 / 20,
            "worst_under": 7 / 10,
        }
    )
    assert told["class_standard"] == pytest.approx([0.9, 1, 1, 0.9])
    assert told["class_robust"] == pytest.approx([0.9, 0.9, 1, 0.9])
    assert told["agreement"] == pytest.approx(
        {
            "n_rows": 20,
            "shown": 17 / 20,
            "restarts": 16 / 20,
            "square": 17 / 20,
            "worst": 15 / 20,
            "disagree": 3 / 20,
            "square_alone": 1 / 20,
            "missed_by_shown": 2 / 20,
        }
    )
    assert [call[0] for call in calls] == ["pgd", "pgd", "square"]
    assert [call[4] for call in calls] == [40, 20, 20]
    assert len({call[2] for call in calls}) == 3
    assert [call[3].get("attack_steps") for call in calls] == [4, 6, None]
    assert calls[2][3]["queries"] == 9
    assert all(call[3]["eps"] == THREAT.eps for call in calls)


def test_balanced_classes_have_no_under_represented_half(monkeypatch):
    monkeypatch.setattr(
        scoring, "robust_predictions", lambda model, X, y, **k: model.predict(X)
    )
    task = fixed_task()
    balanced = rows_of(task.X_test, np.repeat(np.arange(4), 5), task.y_test)
    told = score_pictures(Fixed(), balanced, THREAT, SMOKE, seed=0)["scores"]
    assert set(told) == {name for name in METRICS if name.endswith("overall")}


def test_attacks_that_agree_and_that_do_not():
    shown = np.array([True, True, False, True])
    told = compare_attacks(shown, shown, shown)
    assert (told["disagree"], told["square_alone"], told["worst"]) == (0, 0, 0.75)
    told = compare_attacks(shown, np.zeros(4, bool), np.ones(4, bool))
    assert (told["disagree"], told["missed_by_shown"]) == (1, 0.75)
    assert told["square_alone"] == 0


def test_the_strong_attacks_see_as_many_rows_of_each_class():
    y = np.array([2, 0, 0, 1, 2, 0, 2, 1])
    assert first_of_each_class(y, 2).tolist() == [0, 1, 2, 3, 4, 7]


# --- One cell ------------------------------------------------------------------------


def test_record_is_that_of_the_steps_by_hand(usps):
    cell = make_cell(usps)
    record = run_cell(cell)
    task = draw_pictures(usps, IMBALANCE, 3, 10)
    model = build("plain", smoke=True)
    # The seed of the model does not depend on method or imbalance.
    model.set_params(random_state=derive_seed(3, "usps", "model"))
    model.fit(task.X_train, task.y_train)
    standard = model.predict(task.X_test) == task.y_test
    assert record["scores"]["standard_overall"] == standard.mean()
    assert record["scores"]["standard_under"] == standard[task.y_test >= 5].mean()
    labels = robust_predictions(
        model,
        task.X_test,
        task.y_test,
        **THREAT.ball,
        attack_steps=SMOKE.attack_steps,
        random_state=derive_seed(derive_seed(*cell.key, "attack"), "shown"),
    )
    robust = labels == task.y_test
    assert record["scores"]["robust_overall"] == robust.mean()
    assert record["status"] == "ok"
    assert record["dataset"] == "usps, step-5, linf 0.1"
    assert (record["imbalance"], record["eps"]) == ("step-5", 0.1)
    assert record["class_counts"] == [110] * 5 + [22] * 5
    assert record["data_sha256"] == usps.sha256
    assert record["cell_seconds"] > record["fit_seconds"] > 0


def test_a_cell_is_computed_alike_each_time(usps):
    first, again = (run_cell(make_cell(usps, METHODS["srat_ldam"])) for _ in range(2))
    assert first["scores"] == again["scores"]
    assert first["class_robust"] == again["class_robust"]
    other = run_cell(make_cell(usps, METHODS["srat_ldam"], seed=4))
    assert first["class_robust"] != other["class_robust"]
