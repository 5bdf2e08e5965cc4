"""Rows of the GL-GAN experiment, its samplers, and one cell."""

from itertools import pairwise

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.base import BaseEstimator

from imbdeep_bench.data.pairs import (
    Dataset,
    n_candidates,
    parse_pairs,
    read_dataset,
)
from imbdeep_bench.engine.experiment import Cell, Method, Rows, Setting, run_cell
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.gl_gan import report
from imbdeep_bench.papers.gl_gan.experiment import (
    CLASSIFIERS,
    PUBLISHED_PAIRS,
    Samplers,
    classify,
    draw_rows,
    epochs_run,
    n_kept,
    score,
)
from imbdeep_bench.papers.gl_gan.methods import METHODS, SMOKE_EPOCHS, make_sampler
from tests.benchmarks.data.test_pairs import numbered, write_data
from tests.benchmarks.papers.conftest import refuse

NETS = (
    "plain_autoencoder",
    "latent_smote",
    "conditional_gan",
    "conditional_wgan",
    "plain_gl_gan",
    "gl_gan",
)


USPS_COUNTS = (1553, 1269, 929, 824, 852, 716, 834, 792, 708, 821)


def ids(X):
    return set(X[:, 0].astype(int).tolist())


def pair_of(rows):
    return rows.told["majority"], rows.told["minority"]


def sizes(task):
    counts = task.told
    return tuple(
        counts[f"n_{part}_{side}"]
        for part in ("train", "test")
        for side in ("majority", "minority")
    )


# --- Pairs ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["4", "4,7", "4-4", "a-b", "", "4-7-8"])
def test_pairs_that_are_none(text):
    with pytest.raises(ValueError, match="--pairs got .* write drawn, published, or"):
        parse_pairs(text, PUBLISHED_PAIRS)


def test_a_pair_of_another_data_set_is_refused():
    with pytest.raises(ValueError, match=r"'4-7', but madelon has no class 4"):
        draw_rows(
            numbered((20, 20), (-1, 1), "madelon"), parse_pairs("4-7"), 0.1, seed=0
        )


def test_drawn_pairs_follow_from_the_seed_and_reach_every_class():
    usps = numbered((10,) * 10)
    drawn = [
        pair_of(draw_rows(usps, parse_pairs("drawn"), 0.3, seed)) for seed in range(80)
    ]
    again = [
        pair_of(draw_rows(usps, parse_pairs("drawn"), 0.3, seed)) for seed in range(80)
    ]
    assert drawn == again
    assert all(majority != minority for majority, minority in drawn)
    assert {pair[0] for pair in drawn} == {pair[1] for pair in drawn} == set(range(10))


def test_a_fixed_pair_has_the_majority_first():
    usps = numbered((20,) * 10)
    task = draw_rows(usps, parse_pairs("4-7"), 0.25, seed=3)
    assert pair_of(task) == (4, 7)
    assert set(usps.y[list(ids(task.X_train[task.y_train == 0]))]) == {4}
    assert set(usps.y[list(ids(task.X_train[task.y_train == 1]))]) == {7}
    assert set(usps.y[list(ids(task.X_test[task.y_test == 1]))]) == {7}


# --- Sizes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_class", "majority", "minority"),
    [(929, 744, 7), (5319, 4256, 42), (1936, 1549, 15), (1300, 1040, 10)]
    + [(3500, 2800, 28)],
)
def test_sizes_are_those_of_table_2_1(n_class, majority, minority):
    assert n_candidates(n_class) == majority
    assert n_kept(0.01, majority) == minority


def test_n_kept_is_at_least_two_and_not_fooled_by_floats():
    assert n_kept(0.01, 30) == 2
    assert n_kept(0.29, 100) == 29


def test_tasks_have_the_sizes_of_table_2_1():
    usps = numbered(USPS_COUNTS)
    assert sizes(draw_rows(usps, parse_pairs("2-0"), 0.01, 0)) == (744, 7, 185, 185)
    assert sizes(draw_rows(usps, parse_pairs("1-2"), 0.01, 0)) == (744, 7, 185, 185)
    published = draw_rows(usps, parse_pairs("published", PUBLISHED_PAIRS), 0.01, 0)
    assert pair_of(published) == PUBLISHED_PAIRS["usps"]
    assert sizes(published) == (744, 7, 185, 141)
    madelon = numbered((1300, 1300), (-1, 1), "madelon")
    assert sizes(draw_rows(madelon, parse_pairs("drawn"), 0.01, 0)) == (
        1040,
        10,
        260,
        260,
    )


def test_no_row_is_in_two_parts():
    usps = numbered((100, 60, 80))
    task = draw_rows(usps, parse_pairs("0-2"), 0.1, seed=1)
    parts = [task.X_train, task.X_test, task.more]
    assert len(set().union(*map(ids, parts))) == sum(map(len, parts)) == 160
    assert set(usps.y[list(ids(task.more))]) == {2}


def test_a_milder_ratio_has_the_same_tests_and_all_rows_of_a_harsher_one():
    usps = numbered((200,) * 3)
    tasks = [draw_rows(usps, parse_pairs("0-1"), r, 0) for r in (0.02, 0.1, 0.5)]
    for harsher, milder in pairwise(tasks):
        assert ids(harsher.X_train) < ids(milder.X_train)
        np.testing.assert_array_equal(harsher.X_test, milder.X_test)


def test_rows_are_drawn_anew_in_each_run():
    usps = numbered((100,) * 10)
    tasks = [draw_rows(usps, parse_pairs("4-7"), 0.1, seed) for seed in (0, 1)]
    assert ids(tasks[0].X_test) != ids(tasks[1].X_test)


def test_a_larger_class_is_cut_at_random():
    usps = numbered((300, 50))
    kept = [
        ids(task.X_train) | ids(task.X_test)
        for task in (draw_rows(usps, parse_pairs("0-1"), 0.5, s) for s in (0, 1))
    ]
    assert kept[0] != kept[1]


def test_a_ratio_that_the_minority_cannot_have():
    usps = numbered((100,) * 2 + (900,) + (100,) * 5 + (50,))
    with pytest.raises(ValueError, match=r"--r got 0.5: 360 rows of class 8.* 40 cand"):
        draw_rows(usps, parse_pairs("published", PUBLISHED_PAIRS), 0.5, seed=0)


def test_rows_are_float_even_where_the_file_has_whole_numbers(tmp_path):
    madelon = read_dataset("madelon", write_data(tmp_path))
    assert madelon.X.dtype == np.int16
    assert draw_rows(madelon, parse_pairs("drawn"), 0.1, 0).X_train.dtype == np.float64


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


@pytest.fixture
def usps(tmp_path):
    return read_dataset("usps", write_data(tmp_path / "raw"))


SEED = 3


def make_cell(dataset, method, r=0.1, smoke=False):
    pairs = parse_pairs("drawn")
    experiment = Samplers(smoke=smoke, pairs=pairs, versions={"torch": "9"})
    name = report.setting_name(dataset.name, r)
    setting = Setting(name, dataset, {"data": dataset.name, "r": r}, r)
    return Cell(experiment, setting, method, SEED)


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
    record = run_cell(make_cell(usps, METHODS[name], smoke=True))
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
    cell = make_cell(usps, METHODS["smote"])
    record = run_cell(cell)
    task = draw_rows(usps, cell.experiment.pairs, 0.1, SEED)
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
    assert (record["majority"], record["minority"]) == pair_of(task)
    assert record["n_synthetic"] == len(X) - len(task.X_train)
    assert record["n_train_minority"] == n_minority == 3
    assert record["status"] == "ok"
    assert record["versions"] == {"torch": "9"}
    assert record["data_sha256"] == usps.sha256
    assert record["n_epochs"] is None


def test_the_sampler_sees_training_rows_alone(usps):
    log = []
    run_cell(make_cell(usps, returning(Duplicates(log))))
    task = draw_rows(usps, parse_pairs("drawn"), 0.1, SEED)
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
    run_cell(make_cell(usps, returning(Duplicates(log))))
    assert len(log) == 1
    assert len(fitted) == 3
    assert all(X is fitted[0][0] for X, _ in fitted)
    assert np.bincount(fitted[0][1]).tolist() == [32, 32]


def test_none_leaves_the_rows_as_they_are(usps):
    record = run_cell(make_cell(usps, METHODS["none"]))
    assert record["status"] == "ok"
    assert record["n_synthetic"] == 0


def test_a_sampler_that_breaks_is_recorded(usps):
    record = run_cell(make_cell(usps, returning(Breaks())))
    assert record["status"] == "failed"
    assert record["error"].startswith("RuntimeError: the loss is not finite (")
    assert record["scores"] == {}
    assert record["n_train_minority"] == 3


def test_a_sampler_that_makes_no_row_fails(usps):
    record = run_cell(make_cell(usps, returning(Idle())))
    assert record["error"].startswith("ValueError: Idle made no synthetic row. (")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("adasyn", "neigbours|neighbours"), ("borderline_smote", "made no synthetic row")],
)
def test_samplers_that_need_a_border_fail_without_one(name, reason):
    y = np.repeat([0, 1], 60)
    X = np.random.RandomState(0).rand(120, 3) + 100 * y[:, None]
    record = run_cell(make_cell(Dataset("usps", X, y, "hash"), METHODS[name], r=0.3))
    assert record["status"] == "failed"
    assert any(part in record["error"] for part in reason.split("|"))


def test_finished_and_failed_cells_have_the_same_fields(usps):
    finished = run_cell(make_cell(usps, METHODS["smote"]))
    failed = run_cell(make_cell(usps, returning(Breaks())))
    assert set(finished) == set(failed)


def test_classifiers_that_do_not_converge_are_named():
    rng = np.random.RandomState(0)
    X, y = rng.rand(300, 4), np.repeat([0, 1], 150)
    task = Rows(X, y, X, y)
    assert classify(X, y, task, seed=0)["not_converged"] == ["MLPClassifier"]
    far = X + 50 * y[:, None]
    task = Rows(far, y, far, y)
    assert classify(far, y, task, seed=0)["not_converged"] == []


def test_epochs_are_plain_numbers(usps):
    record = run_cell(make_cell(usps, returning(Duplicates([], 4))))
    assert record["n_epochs"] == 4
    assert type(record["n_epochs"]) is int
    assert epochs_run(Idle()) == {"n_epochs": None, "n_pretrain_epochs": None}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--r", "0,0.1"], "--r got [0.0, 0.1]"),
        (["--r", "1.5"], "--r got [1.5]"),
        (["--r", ""], "--r got []"),
        (["--pairs", "4:7"], "--pairs got '4:7'"),
    ],
)
def test_a_wrong_option_is_a_usage_error(smoke, tmp_path, capsys, given, message):
    assert message in refuse(capsys, lambda: smoke("gl_gan", "run", *given))
    assert not (tmp_path / "out").exists()
