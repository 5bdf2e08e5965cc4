"""Cells of the GL-GAN experiment: what is fitted, scored and recorded."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from _gl_gan.cells import (
    CLASSIFIERS,
    Grid,
    SamplerCell,
    classify,
    compute,
    epochs_run,
    register,
    run_cell,
    score,
)
from _gl_gan.data import Task, make_task
from _gl_gan.methods import METHODS, SMOKE_EPOCHS, Method, make_sampler
from _paper_data import Dataset, parse_pairs, read_dataset
from _protocol import derive_seed
from _workers import Workers
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.base import BaseEstimator

from tests.benchmarks.test_paper_data import write_data

SEED = 3
NETS = (
    "plain_autoencoder",
    "latent_smote",
    "conditional_gan",
    "conditional_wgan",
    "plain_gl_gan",
    "gl_gan",
)

IN_PROCESS = Workers(0)


@pytest.fixture
def datasets(tmp_path):
    folder = write_data(tmp_path / "raw")
    return [read_dataset(name, folder) for name in ("usps", "madelon")]


@pytest.fixture
def usps(datasets):
    return datasets[0]


class Duplicates(RandomOverSampler):
    """Random over-sampling that keeps the rows it saw, and has epochs."""

    def __init__(self, log=None, max_epochs=30, random_state=None):
        super().__init__(random_state=random_state)
        self.log = log
        self.max_epochs = max_epochs

    def fit_resample(self, X, y):
        self.log.append((X.copy(), y.copy(), self.max_epochs))
        self.n_epochs_ = np.int64(self.max_epochs)
        return super().fit_resample(X, y)


class Idle(BaseEstimator):
    """Make nothing."""

    def fit_resample(self, X, y):
        return X, y


class Breaks(Idle):
    def fit_resample(self, X, y):
        raise RuntimeError("the loss is\nnot finite")


def make_cell(dataset, name="smote", method=None, **changes):
    method = METHODS[name] if method is None else method
    pairs = parse_pairs("drawn")
    cell = SamplerCell(dataset, pairs, 0.1, name, method, SEED, False, {"torch": "9"})
    return replace(cell, **changes)


def returning(sampler):
    return Method("stub", lambda seed, k: sampler)


# --- Samplers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "neighbors"),
    [
        ("smote", "k_neighbors"),
        ("borderline_smote", "k_neighbors"),
        ("adasyn", "n_neighbors"),
    ],
)
def test_neighbours_are_no_more_than_there_are(name, neighbors):
    for n_minority, expected in ((2, 1), (4, 3), (6, 5), (100, 5)):
        sampler = make_sampler(METHODS[name], 0, n_minority)
        assert getattr(sampler, neighbors) == expected
        others = {"random_state", neighbors}
        default = type(sampler)().get_params()
        assert all(
            value == default[param]
            for param, value in sampler.get_params().items()
            if param not in others
        )


@pytest.mark.parametrize("name", NETS)
def test_our_samplers_are_at_their_defaults(name):
    sampler = make_sampler(METHODS[name], 7, 5)
    changed = {"random_state": 7}
    if name.startswith("plain_"):
        changed["cluster_weight"] = 0
    assert sampler.get_params() == type(sampler)().get_params() | changed


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_our_samplers_balance_in_a_smoke_run(usps, name):
    record = run_cell(make_cell(usps, name, smoke=True))
    assert record["error"] is None
    n_missing = record["n_train_majority"] - record["n_train_minority"]
    assert record["n_synthetic"] == n_missing
    assert 1 <= record["n_epochs"] <= SMOKE_EPOCHS


def test_smoke_sets_the_epochs_of_those_that_have_some():
    log = []
    assert make_sampler(returning(Duplicates(log)), 0, 3).max_epochs == 30
    small = make_sampler(returning(Duplicates(log)), 0, 3, smoke=True)
    assert small.max_epochs == SMOKE_EPOCHS
    assert isinstance(make_sampler(METHODS["smote"], 0, 3, smoke=True), SMOTE)


# --- One cell ------------------------------------------------------------------------


@pytest.mark.parametrize("predicted", [[0, 0, 1, 1, 1, 0], [0, 1, 1, 1, 1, 1], [0] * 6])
def test_score_by_counting(predicted):
    y = [0, 0, 0, 1, 1, 1]
    n = {
        (a, b): sum((t, p) == (a, b) for t, p in zip(y, predicted, strict=True))
        for a in (0, 1)
        for b in (0, 1)
    }
    f1 = [2 * n[c, c] / (2 * n[c, c] + n[0, 1] + n[1, 0]) for c in (0, 1)]
    sums = [n[1, 0] + n[1, 1], n[0, 0] + n[0, 1], n[0, 1] + n[1, 1], n[0, 0] + n[1, 0]]
    product = n[1, 1] * n[0, 0] - n[0, 1] * n[1, 0]
    mcc = product / np.sqrt(np.prod(sums)) if np.prod(sums) else 0.0
    assert score(y, predicted) == pytest.approx(
        {"macro_f1": np.mean(f1), "micro_f1": (n[0, 0] + n[1, 1]) / 6, "mcc": mcc}
    )


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_record_is_that_of_the_steps_by_hand(usps):
    cell = make_cell(usps)
    record = run_cell(cell)
    task = make_task(usps, cell.pairs, 0.1, SEED)
    n_minority = (task.y_train == 1).sum()
    sampler = SMOTE(
        k_neighbors=int(min(5, n_minority - 1)),
        random_state=derive_seed(SEED, "usps", "sampler"),
    )
    X, y = sampler.fit_resample(task.X_train, task.y_train)
    for name, cls in CLASSIFIERS.items():
        model = cls(random_state=derive_seed(SEED, "usps", "classifier")).fit(X, y)
        predicted = model.predict(task.X_test)
        assert record["scores"][name] == score(task.y_test, predicted)
        assert record["classifier_seconds"][name] > 0
    assert (record["dataset"], record["method"], record["fold"]) == cell.key
    assert (record["majority"], record["minority"]) == task.pair
    assert record["n_synthetic"] == len(X) - len(task.X_train)
    assert record["n_train_minority"] == n_minority == 3
    assert record["status"] == "ok"
    assert record["versions"] == {"torch": "9"}
    assert record["data_sha256"] == usps.sha256
    assert record["n_epochs"] is None


def test_the_sampler_sees_training_rows_alone(usps):
    log = []
    run_cell(make_cell(usps, "stub", returning(Duplicates(log))))
    task = make_task(usps, parse_pairs("drawn"), 0.1, SEED)
    ((X, y, _),) = log
    np.testing.assert_array_equal(X, task.X_train)
    np.testing.assert_array_equal(y, task.y_train)
    test_rows = {row.tobytes() for row in task.X_test}
    assert not test_rows & {row.tobytes() for row in X}


def test_one_resampling_feeds_all_classifiers(usps, monkeypatch):
    log, fitted = [], []

    def recording(cls):
        class Recording(cls):
            def fit(self, X, y):
                fitted.append((X, y))
                return super().fit(X, y)

        return Recording

    for name, cls in CLASSIFIERS.items():
        monkeypatch.setitem(CLASSIFIERS, name, recording(cls))
    run_cell(make_cell(usps, "stub", returning(Duplicates(log))))
    assert len(log) == 1
    assert len(fitted) == 3
    assert all(X is fitted[0][0] for X, _ in fitted)
    assert np.bincount(fitted[0][1]).tolist() == [32, 32]


def test_none_leaves_the_rows_as_they_are(usps):
    record = run_cell(make_cell(usps, "none"))
    assert record["status"] == "ok"
    assert record["n_synthetic"] == 0


def test_a_sampler_that_breaks_is_recorded(usps):
    record = run_cell(make_cell(usps, "stub", returning(Breaks())))
    assert record["status"] == "failed"
    assert record["error"] == "RuntimeError: the loss is not finite"
    assert record["scores"] == {}
    assert record["n_train_minority"] == 3


def test_a_sampler_that_makes_no_row_fails(usps):
    record = run_cell(make_cell(usps, "stub", returning(Idle())))
    assert record["error"] == "ValueError: Idle made no synthetic row."


@pytest.mark.parametrize(
    ("name", "reason"),
    [("adasyn", "neigbours|neighbours"), ("borderline_smote", "made no synthetic row")],
)
def test_samplers_that_need_a_border_fail_without_one(name, reason):
    y = np.repeat([0, 1], 60)
    X = np.random.RandomState(0).rand(120, 3) + 100 * y[:, None]
    record = run_cell(make_cell(Dataset("usps", X, y, "hash"), name, r=0.3))
    assert record["status"] == "failed"
    assert any(part in record["error"] for part in reason.split("|"))


def test_finished_and_failed_cells_have_the_same_fields(usps):
    finished = run_cell(make_cell(usps))
    failed = run_cell(make_cell(usps, "stub", returning(Breaks())))
    assert set(finished) == set(failed)


def test_classifiers_that_do_not_converge_are_named():
    rng = np.random.RandomState(0)
    X, y = rng.rand(300, 4), np.repeat([0, 1], 150)
    task = Task((0, 1), X, y, X, y, X[:0])
    assert classify(X, y, task, seed=0)["not_converged"] == ["MLPClassifier"]
    far = X + 50 * y[:, None]
    task = Task((0, 1), far, y, far, y, far[:0])
    assert classify(far, y, task, seed=0)["not_converged"] == []


def test_epochs_are_plain_numbers(usps):
    record = run_cell(make_cell(usps, "stub", returning(Duplicates([], 4))))
    assert record["n_epochs"] == 4
    assert type(record["n_epochs"]) is int
    assert epochs_run(Idle()) == {"n_epochs": None, "n_pretrain_epochs": None}


# --- All of them ---------------------------------------------------------------------


def make_grid(datasets, **changes):
    grid = Grid(datasets, [0.1], ["none", "smote"], [0, 1], parse_pairs("drawn"), False)
    return replace(grid, **changes)


def test_cells_go_run_by_run(datasets):
    keys = [cell.key for cell in make_grid(datasets, ratios=[0.1, 0.2]).cells()]
    assert keys[:5] == [
        ("usps r=0.1", "none", 0),
        ("usps r=0.1", "smote", 0),
        ("usps r=0.2", "none", 0),
        ("usps r=0.2", "smote", 0),
        ("madelon r=0.1", "none", 0),
    ]
    assert len(set(keys)) == len(keys) == 16


def fill(path, grid, workers=IN_PROCESS):
    """Compute what a file lacks; return how many cells failed, and all of them."""
    with closing(register(path, grid)) as store:
        return compute(store, grid, workers), store.of_kind("cell")


def test_a_run_goes_on_where_it_stopped(tmp_path, usps):
    path = tmp_path / "cells.jsonl"
    grid = make_grid([usps], seeds=[0])
    assert fill(path, grid)[0] == 0
    before = path.read_text()

    _, cells = fill(path, grid)
    assert path.read_text().startswith(before)
    assert len(cells) == 2

    _, cells = fill(path, make_grid([usps]))
    cells = [(c["method"], c["fold"]) for c in cells]
    assert cells == [("none", 0), ("smote", 0), ("none", 1), ("smote", 1)]


def test_failed_cells_are_counted_and_tried_again(tmp_path, usps, monkeypatch):
    monkeypatch.setitem(METHODS, "smote", returning(Breaks()))
    path = tmp_path / "cells.jsonl"
    grid = make_grid([usps])
    assert fill(path, grid)[0] == 2
    monkeypatch.undo()
    n_failed, cells = fill(path, grid)
    assert (n_failed, len(cells)) == (0, 6)


@pytest.mark.parametrize(
    "change", [{"pairs": parse_pairs("4-7")}, {"smoke": True}], ids=["pairs", "smoke"]
)
def test_other_results_are_not_mixed_in(tmp_path, usps, change):
    path = tmp_path / "cells.jsonl"
    register(path, make_grid([usps])).close()
    with pytest.raises(ValueError, match="holds results with .*; give another --out"):
        register(path, make_grid([usps], **change))


def test_other_data_is_not_mixed_in(tmp_path, usps):
    path = tmp_path / "cells.jsonl"
    grid = make_grid([usps], methods=["none"], seeds=[0])
    fill(path, grid)
    other = replace(usps, X=usps.X + 1, sha256="other")
    with pytest.raises(ValueError, match="other data of usps r=0.1"):
        register(path, make_grid([other]))


def test_check_finds_a_wrong_pair_before_all(datasets):
    with pytest.raises(ValueError, match="madelon has no class 4"):
        make_grid(datasets, pairs=parse_pairs("4-7")).check()


@pytest.mark.slow
def test_scores_do_not_depend_on_the_number_of_processes(tmp_path, usps):
    grid = make_grid([usps])
    scores = []
    for n_jobs in (0, 2):
        _, cells = fill(tmp_path / f"{n_jobs}.jsonl", grid, Workers(n_jobs))
        scores.append({(c["method"], c["fold"]): c["scores"] for c in cells})
    assert scores[0] == scores[1]
