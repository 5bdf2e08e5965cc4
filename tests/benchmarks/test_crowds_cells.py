"""Cells of the crowd experiments: what is fitted, scored and recorded."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from _crowds.cells import (
    CrowdCell,
    Grid,
    accuracy_by_round,
    count_groups,
    fill,
    run_cell,
    score,
    score_inference,
)
from _crowds.data import Crowd, CutPair
from _crowds.methods import (
    EPOCHS,
    METHODS,
    TABLE_METHODS,
    WARMUPS,
    Method,
    make_model,
)
from _paper_data import parse_pairs, read_dataset
from _protocol import derive_seed
from _workers import Workers
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from imbdeep.classifiers import (
    CrowdLayerClassifier,
    ICEDClassifier,
    InferThenFit,
    NetClassifier,
)
from imbdeep.crowds import DawidSkene, MajorityVote
from tests.benchmarks.test_paper_data import write_data

SEED = 3
DRAW = CutPair(parse_pairs("drawn"))

IN_PROCESS = Workers(0)


@pytest.fixture
def usps(tmp_path):
    return read_dataset("usps", write_data(tmp_path / "raw"))


class Spy(ClassifierMixin, BaseEstimator):
    """Keep what fit is given, and predict the minority everywhere."""

    def __init__(self, log=None):
        self.log = log

    def fit(self, X, y, y_true=None):
        self.log.append((X.copy(), y.copy(), y_true))
        return self

    def predict(self, X):
        return np.ones(len(X), dtype=int)

    def predict_proba(self, X):
        return np.tile([0.2, 0.8], (len(X), 1))


class Breaks(Spy):
    def fit(self, X, y, y_true=None):
        raise RuntimeError("the loss is\nnot finite")


def make_cell(dataset, name="mv_lr", method=None, **changes):
    method = METHODS[name] if method is None else method
    crowd = Crowd("alike", 5)
    cell = CrowdCell(dataset, crowd, DRAW, name, method, SEED, False, {"torch": "9"})
    return replace(cell, **changes)


def returning(model, **kwargs):
    return Method("stub", lambda seed: model, **kwargs)


# --- Methods -------------------------------------------------------------------------


@pytest.mark.parametrize(("methods", "epochs"), [(METHODS, 10), (TABLE_METHODS, 25)])
def test_baselines_share_their_classifiers_and_differ_in_how_they_infer(
    methods, epochs
):
    settings = {"max_epochs": epochs, "train_split": None, "early_stopping": False}
    for prefix, aggregator in (
        ("mv", MajorityVote()),
        ("ds", DawidSkene()),
        ("ds_hard", DawidSkene(assignment="hard")),
    ):
        model = methods[f"{prefix}_net"].make(7)
        assert repr(model.aggregator) == repr(aggregator)
        expected = NetClassifier(random_state=7, **settings)
        assert repr(model.estimator) == repr(expected)
    for name in ("mv_lr", "ds_lr"):
        assert methods[name].make(7).estimator[-1].max_iter == 1000
    crowd_layer = CrowdLayerClassifier(random_state=7, **settings)
    assert repr(methods["crowd_layer"].make(7)) == repr(crowd_layer)


def test_iced_is_at_its_defaults():
    for name, changed in (
        ("iced", {"dawid_skene": None}),
        ("iced_soft", {"dawid_skene": DawidSkene()}),
    ):
        model = METHODS[name].make(7)
        default = ICEDClassifier(random_state=7, **changed)
        assert repr(model) == repr(default)


def test_warm_ups_have_no_rounds():
    models = {name: method.make(0) for name, method in WARMUPS.items()}
    assert {m.max_epochs for m in models.values()} == {0}
    assert {(m.warmup, m.warmup_epochs) for m in models.values()} == {
        (strategy, n) for strategy in ("groups", "certain", "all") for n in (2, 5)
    }
    published = {name for name, method in WARMUPS.items() if method.published}
    assert published == {"groups_2", "certain_2", "all_2"}


@pytest.mark.parametrize("name", [*METHODS, *WARMUPS])
def test_smoke_makes_all_stages_short(name):
    method = (METHODS | WARMUPS)[name]
    params = make_model(method, 0, smoke=True).get_params()
    epochs = [v for k, v in params.items() if k.rpartition("__")[2] in EPOCHS]
    assert all(n <= 1 for n in epochs)
    assert epochs or "lr" in name


@pytest.mark.slow
@pytest.mark.parametrize("name", [*METHODS, *WARMUPS])
def test_every_method_runs(usps, name):
    method = (METHODS | WARMUPS)[name]
    record = run_cell(make_cell(usps, name, method, smoke=True))
    assert record["error"] is None
    assert 0 <= record["scores"]["accuracy"] <= 1
    infers = name not in ("truth_net", "crowd_layer")
    assert bool(record["inference"]) == infers
    assert len(record["accuracy_by_round"]) == name.startswith("iced")
    json.dumps(record, allow_nan=False)


# --- Scores --------------------------------------------------------------------------


def test_scores_by_counting():
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    predicted = np.array([0, 0, 0, 1, 1, 1, 0, 0])
    probability = np.array([0.1, 0.2, 0.3, 0.6, 0.9, 0.8, 0.4, 0.05])
    f1 = [2 * 3 / (2 * 3 + 2 + 1), 2 * 2 / (2 * 2 + 1 + 2)]
    # Minority rows come first, second, fourth and last.
    precision = [1 / 1, 2 / 2, 3 / 4, 4 / 8]
    assert score(y, predicted, probability) == pytest.approx(
        {
            "accuracy": 5 / 8,
            "macro_f1": np.mean(f1),
            "balanced_accuracy": (0.75 + 0.5) / 2,
            "g_mean": np.sqrt(0.75 * 0.5),
            "recall_majority": 0.75,
            "recall_minority": 0.5,
            "average_precision": np.mean(precision),
        }
    )


def test_inference_by_counting():
    truth, inferred = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 1, 1, 0])
    assert score_inference(truth, inferred) == pytest.approx(
        {"accuracy": 2 / 5, "minority_recall": 1 / 2, "minority_precision": 1 / 3}
    )
    assert score_inference(truth, np.zeros(5, int))["minority_precision"] == 0


def test_groups_by_certainty():
    votes = [(4, 0), (3, 1), (1, 3), (2, 2), (0, 4), (4, 0)]
    annotations = np.array([[0] * a + [1] * b for a, b in votes])
    assert count_groups(annotations) == [3, 2, 1, 0]


# --- One cell ------------------------------------------------------------------------


def test_record_is_that_of_the_steps_by_hand(usps):
    record = run_cell(make_cell(usps))
    task = DRAW(usps, Crowd("alike", 5), SEED)
    model = METHODS["mv_lr"].make(derive_seed(SEED, "usps", "model"))
    model.fit(task.X_train, task.annotations)
    expected = score(
        task.y_test, model.predict(task.X_test), model.predict_proba(task.X_test)[:, 1]
    )
    assert record["scores"] == expected
    inferred = MajorityVote().fit_predict(task.annotations)
    assert record["inference"]["accuracy"] == np.mean(inferred == task.truth)
    assert record["status"] == "ok"
    assert (record["data"], record["crowd"], record["n_workers"]) == (
        "usps",
        "alike",
        5,
    )
    assert (record["n_train_majority"], record["n_train_minority"]) == (32, 3)
    assert sum(record["group_rows"]) == 35
    assert len(record["error_rates"]) == 5
    assert record["data_sha256"] == usps.sha256
    assert record["cell_seconds"] > record["fit_seconds"] > 0


def test_a_method_learns_from_annotations_of_training_rows_alone(usps):
    log = []
    run_cell(make_cell(usps, "stub", returning(Spy(log))))
    task = DRAW(usps, Crowd("alike", 5), SEED)
    ((X, y, y_true),) = log
    np.testing.assert_array_equal(X, task.X_train)
    np.testing.assert_array_equal(y, task.annotations)
    np.testing.assert_array_equal(y_true, task.truth)
    assert not {r.tobytes() for r in task.X_test} & {r.tobytes() for r in X}


def test_the_ceiling_alone_learns_from_the_truth(usps):
    log = []
    run_cell(make_cell(usps, "stub", returning(Spy(log), knows_truth=True)))
    ((_, y, y_true),) = log
    np.testing.assert_array_equal(y, DRAW(usps, Crowd("alike", 5), SEED).truth)
    assert y_true is None
    assert [name for name, m in METHODS.items() if m.knows_truth] == ["truth_net"]


@pytest.mark.parametrize("name", ["iced", "mv_net"])
def test_what_is_passed_as_truth_changes_no_prediction(usps, name):
    task = DRAW(usps, Crowd("alike", 5), SEED)
    proba = [
        make_model(METHODS[name], 0, smoke=True)
        .fit(task.X_train, task.annotations, y_true=truth)
        .predict_proba(task.X_test)
        for truth in (task.truth, 1 - task.truth, None)
    ]
    np.testing.assert_array_equal(proba[0], proba[1])
    np.testing.assert_array_equal(proba[0], proba[2])


def test_rounds_of_iced_and_no_epoch_of_its_warm_up(usps):
    task = DRAW(usps, Crowd("alike", 5), SEED)
    model = ICEDClassifier(max_epochs=3, warmup_epochs=2, random_state=0)
    model.fit(task.X_train, task.annotations, y_true=task.truth)
    rounds = accuracy_by_round(model)
    assert len(rounds) == 3
    assert rounds[-1] == np.mean(model.inferred_labels_ == task.truth)
    assert accuracy_by_round(InferThenFit()) == []


class Warns(Spy):
    def fit(self, X, y, y_true=None):
        warnings.warn("it goes on and on", ConvergenceWarning, stacklevel=2)
        return self


def test_whether_all_iterations_converged_is_recorded(usps):
    assert run_cell(make_cell(usps))["converged"] is True
    warned = run_cell(make_cell(usps, "stub", returning(Warns())))
    assert (warned["status"], warned["converged"]) == ("ok", False)


def test_a_method_that_breaks_is_recorded(usps):
    failed = run_cell(make_cell(usps, "stub", returning(Breaks())))
    assert failed["status"] == "failed"
    assert failed["error"] == "RuntimeError: the loss is not finite"
    assert failed["n_train_minority"] == 3
    assert set(failed) == set(run_cell(make_cell(usps)))


# --- All of them ---------------------------------------------------------------------


def make_grid(usps, names=("mv_lr", "ds_lr"), **changes):
    grid = Grid(
        suite="crowds",
        protocol="80-20, pairs drawn",
        crowds=[(usps, Crowd("alike", 5)), (usps, Crowd("unlike", 5))],
        methods={name: METHODS[name] for name in names},
        seeds=[0, 1],
        draw=DRAW,
        smoke=False,
    )
    return replace(grid, **changes)


def keys(path):
    records = map(json.loads, path.read_text().splitlines())
    return [
        (r["dataset"], r["method"], r["fold"]) for r in records if r["kind"] == "cell"
    ]


def test_cells_go_run_by_run(usps):
    cells = [cell.key for cell in make_grid(usps).cells()]
    assert cells[:3] == [
        ("usps, 5 alike", "mv_lr", 0),
        ("usps, 5 alike", "ds_lr", 0),
        ("usps, 5 unlike", "mv_lr", 0),
    ]
    assert len(set(cells)) == 8
    assert [seed for *_, seed in cells] == [0] * 4 + [1] * 4


@pytest.mark.slow
def test_a_run_goes_on_where_it_stopped(tmp_path, usps):
    path = tmp_path / "cells.jsonl"
    assert fill(path, make_grid(usps, seeds=[0]), IN_PROCESS) == 0
    before = path.read_text()
    fill(path, make_grid(usps), IN_PROCESS)
    assert path.read_text().startswith(before)
    assert len(keys(path)) == len(set(keys(path))) == 8


@pytest.mark.slow
def test_failed_cells_are_counted_and_tried_again(tmp_path, usps):
    path = tmp_path / "cells.jsonl"
    broken = {"mv_lr": METHODS["mv_lr"], "ds_lr": returning(Breaks())}
    assert fill(path, make_grid(usps, methods=broken), IN_PROCESS) == 4
    assert fill(path, make_grid(usps), IN_PROCESS) == 0
    assert len(keys(path)) == 12


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{"protocol": "80-20, pairs 4-7"}, {"smoke": True}, {"suite": "other"}]
)
def test_other_results_are_not_mixed_in(tmp_path, usps, change):
    path = tmp_path / "cells.jsonl"
    fill(path, make_grid(usps, ["mv_lr"], seeds=[0]), IN_PROCESS)
    with pytest.raises(ValueError, match="holds results with .*; give another --out"):
        fill(path, make_grid(usps, ["mv_lr"], seeds=[0], **change), IN_PROCESS)


@pytest.mark.slow
def test_other_data_is_not_mixed_in(tmp_path, usps):
    path = tmp_path / "cells.jsonl"
    fill(path, make_grid(usps, ["mv_lr"], seeds=[0]), IN_PROCESS)
    other = replace(usps, X=usps.X + 1, sha256="other")
    with pytest.raises(ValueError, match="other data of usps"):
        fill(path, make_grid(other, ["mv_lr"], seeds=[0]), IN_PROCESS)


@pytest.mark.slow
def test_scores_do_not_depend_on_the_number_of_processes(tmp_path, usps):
    grid = make_grid(usps, ["mv_lr", "iced"], smoke=True)
    scores = []
    for n_jobs in (0, 2):
        path = tmp_path / f"{n_jobs}.jsonl"
        fill(path, grid, Workers(n_jobs))
        records = map(json.loads, path.read_text().splitlines())
        scores.append(
            {
                (r["dataset"], r["method"], r["fold"]): r["scores"]
                for r in records
                if r["kind"] == "cell"
            }
        )
    assert scores[0] == scores[1]


def test_logistic_regression_sees_standardised_rows():
    model = METHODS["mv_lr"].make(0).estimator
    X = np.array([[0.0, 1000], [1, 3000], [2, 2000], [3, 4000]])
    model.fit(X, [0, 1, 0, 1])
    by_hand = LogisticRegression(max_iter=1000).fit(
        (X - X.mean(0)) / X.std(0), [0, 1] * 2
    )
    np.testing.assert_allclose(model[-1].coef_, by_hand.coef_)
