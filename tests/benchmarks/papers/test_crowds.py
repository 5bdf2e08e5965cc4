"""Crowds made of tables, the methods that learn from them, and one cell."""

import json
import warnings

import numpy as np
import pytest
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
from imbdeep_bench.data.pairs import Dataset, draw_classes, parse_pairs, read_dataset
from imbdeep_bench.engine.experiment import Cell, Method, run_cell
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.crowds.experiment import (
    INFERENCE_SCORES,
    N_WORKERS,
    Pairs,
    accuracy_by_round,
    crowd_setting,
    score,
)
from imbdeep_bench.papers.crowds.methods import (
    EPOCHS,
    METHODS,
    TABLE_METHODS,
    WARMUPS,
    make_model,
)
from imbdeep_bench.papers.crowds.rows import (
    ENOUGH_ACCURACY,
    MOST_EPOCHS,
    Crowd,
    cut_pair,
    half_of_set,
    learn_difficulty,
)
from tests.benchmarks.data.test_pairs import numbered, write_data
from tests.benchmarks.papers.conftest import (
    read_records,
)

ALIKE, SEED = Crowd("alike", 5), 3


def ids(X):
    return X[:, 0].astype(int).tolist()


def draw(dataset, seed=0, crowd=ALIKE, pairs="drawn"):
    return cut_pair(dataset, parse_pairs(pairs), crowd, seed)


def blobs(n_class, seed=0, shift=3.0, name="usps"):
    """Two classes whose first column numbers the rows."""
    rng = np.random.RandomState(seed)
    y = np.repeat([0, 1], n_class)
    X = rng.normal(size=(2 * n_class, 5)) + shift * y[:, None]
    X[:, 0] = rng.permutation(2 * n_class)
    return Dataset(name, X, y, "hash")


# --- Crowds --------------------------------------------------------------------------


def test_error_rates_of_both_kinds():
    assert Crowd("alike", 4).error_rates.tolist() == [0.3] * 4
    unlike = Crowd("unlike", 4).error_rates
    assert unlike == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert N_WORKERS == {"usps": 9, "madelon": 7}


def test_the_difficulty_net_stops_as_soon_as_it_knows_enough_or_gives_up():
    data = blobs(100)
    proba, told = learn_difficulty(data.X, data.y, np.random.RandomState(0))
    assert told["difficulty_accuracy"] > ENOUGH_ACCURACY
    assert 1 < told["difficulty_epochs"] < MOST_EPOCHS
    assert (proba.argmax(1) == data.y).mean() == told["difficulty_accuracy"]
    # Labels that contradict each other.
    X = np.repeat(np.random.RandomState(0).normal(size=(10, 2)), 2, axis=0)
    _, told = learn_difficulty(X, np.tile([0, 1], 10), np.random.RandomState(0))
    assert told == {"difficulty_epochs": MOST_EPOCHS, "difficulty_accuracy": 0.5}


@pytest.mark.slow
def test_workers_err_as_often_as_they_should_and_more_on_hard_rows():
    rows = draw(blobs(2000, shift=0.8), crowd=Crowd("unlike", 4))
    wrong = rows.more != rows.y_train[:, None]
    assert wrong.mean(0) == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.03)
    # Whoever errs, errs on the same rows: errors of two workers go together.
    both = wrong[:, 2] & wrong[:, 3]
    assert both.mean() > wrong[:, 2].mean() * wrong[:, 3].mean() + 0.02


def test_nets_and_draws_are_the_same_for_both_kinds_of_crowds():
    data = blobs(200)
    alike, unlike = (draw(data, crowd=Crowd(kind, 5)) for kind in ("alike", "unlike"))
    np.testing.assert_array_equal(alike.X_train, unlike.X_train)
    for name in ("difficulty_epochs", "difficulty_accuracy", "majority"):
        assert alike.told[name] == unlike.told[name]
    # The middle worker of five unlike ones errs in 25 %, the last in 40 %.
    wrong, more = (t.more != t.y_train[:, None] for t in (alike, unlike))
    assert not (more[:, 2] & ~wrong[:, 2]).any()
    assert not (wrong[:, 4] & ~more[:, 4]).any()


# --- One run -------------------------------------------------------------------------


def counts_of(told):
    sides = [f"n_{p}_{c}" for p in ("train", "test") for c in ("majority", "minority")]
    return [told[side] for side in sides]


@pytest.mark.slow
def test_sizes_are_those_of_table_3_1():
    rows = draw(numbered((834, 1200)), crowd=Crowd("alike", 9))
    assert counts_of(rows.told) == [668, 66, 166, 166]
    assert (len(rows.X_train), len(rows.X_test)) == (734, 332)
    assert rows.more.shape == (734, 9)


def test_no_test_row_is_trained_on_and_labels_belong_to_their_rows():
    usps = numbered((100, 80, 90))
    rows = draw(usps, pairs="1-0")
    train, test = set(ids(rows.X_train)), set(ids(rows.X_test))
    assert not train & test
    assert (len(train), len(test)) == (len(rows.X_train), len(rows.X_test))
    assert (rows.told["majority"], rows.told["minority"]) == (1, 0)
    assert usps.y[ids(rows.X_train)].tolist() == [1 - t for t in rows.y_train]
    assert usps.y[ids(rows.X_test)].tolist() == [1 - t for t in rows.y_test]


def test_rows_are_annotated_before_the_minority_is_cut():
    data = numbered((60, 60))
    _, candidates, _ = draw_classes(data, parse_pairs("drawn"), 0)
    rows = draw(data)
    assert set(ids(rows.X_train)) < set(np.concatenate(candidates).tolist())
    # A net that had seen the rows that are left alone would have fewer of them.
    assert len(np.concatenate(candidates)) == 96
    assert len(rows.X_train) == 48 + 4


@pytest.mark.slow
def test_a_run_follows_from_its_seed_alone():
    data = numbered((60, 80, 70))
    first, again, other = (draw(data, seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.X_train, again.X_train)
    np.testing.assert_array_equal(first.more, again.more)
    assert ids(first.X_test) != ids(other.X_test)
    assert first.more.tolist() != other.more.tolist()


@pytest.mark.slow
def test_halves_are_as_imbalanced_as_the_set():
    y = np.repeat([0, 1], [160, 40])
    data = Dataset("oil", np.arange(200)[:, None], y, "hash")
    rows = half_of_set(data, Crowd("unlike", 7), seed=0)
    assert counts_of(rows.told) == [80, 20, 80, 20]
    assert sorted(ids(rows.X_train) + ids(rows.X_test)) == list(range(200))
    assert y[ids(rows.X_train)].tolist() == rows.y_train.tolist()
    assert rows.more.shape == (100, 7)
    assert ids(half_of_set(data, ALIKE, seed=1).X_train) != ids(rows.X_train)


# --- Methods -------------------------------------------------------------------------


@pytest.mark.parametrize(("methods", "epochs"), [(METHODS, 10), (TABLE_METHODS, 25)])
def test_baselines_share_classifiers_and_differ_in_how_they_infer(methods, epochs):
    settings = {"max_epochs": epochs, "train_split": None, "early_stopping": False}
    net = NetClassifier(random_state=7, **settings)
    made = {name: method.make(7) for name, method in methods.items()}
    hard = DawidSkene(assignment="hard")
    aggregators = {"mv": MajorityVote(), "ds": DawidSkene(), "ds_hard": hard}
    for prefix, aggregator in aggregators.items():
        expected = InferThenFit(aggregator, net)
        assert repr(made[f"{prefix}_net"]) == repr(expected)
    for name in ("mv_lr", "ds_lr"):
        assert made[name].estimator[-1].max_iter == 1000
        assert repr(made[name].aggregator) == repr(aggregators[name[:2]])
    early = InferThenFit(MajorityVote(), NetClassifier(random_state=7))
    assert repr(made["mv_net_early"]) == repr(early)
    assert repr(made["truth_net"]) == repr(net)
    crowd_layer = CrowdLayerClassifier(random_state=7, **settings)
    assert repr(made["crowd_layer"]) == repr(crowd_layer)
    # ICED is at its defaults.
    assert repr(made["iced"]) == repr(ICEDClassifier(random_state=7))
    soft = ICEDClassifier(random_state=7, dawid_skene=DawidSkene())
    assert repr(made["iced_soft"]) == repr(soft)


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


def test_logistic_regression_sees_standardised_rows():
    model = METHODS["mv_lr"].make(0).estimator
    X, y = np.array([[0.0, 1000], [1, 3000], [2, 2000], [3, 4000]]), [0, 1, 0, 1]
    by_hand = LogisticRegression(max_iter=1000).fit((X - X.mean(0)) / X.std(0), y)
    np.testing.assert_allclose(model.fit(X, y)[-1].coef_, by_hand.coef_)


# --- Scores and cells ----------------------------------------------------------------


def test_scores_by_counting():
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    predicted = np.array([0, 0, 0, 1, 1, 1, 0, 0])
    f1 = [2 * 3 / (2 * 3 + 2 + 1), 2 * 2 / (2 * 2 + 1 + 2)]
    assert score(y, predicted) == pytest.approx(
        {
            "accuracy": 5 / 8,
            "macro_f1": np.mean(f1),
            "balanced_accuracy": (0.75 + 0.5) / 2,
            "g_mean": np.sqrt(0.75 * 0.5),
            "recall_majority": 0.75,
            "recall_minority": 0.5,
        }
    )
    truth, inferred = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 1, 1, 0])
    assert score(truth, inferred, INFERENCE_SCORES) == pytest.approx(
        {"accuracy": 2 / 5, "minority_recall": 1 / 2, "minority_precision": 1 / 3}
    )
    none = score(truth, np.zeros(5, int), INFERENCE_SCORES)
    assert none["minority_precision"] == 0


@pytest.fixture
def usps(tmp_path):
    return read_dataset("usps", write_data(tmp_path / "raw"))


class Spy(ClassifierMixin, BaseEstimator):
    """Keep what fit is given, warn, and predict the minority everywhere."""

    def __init__(self, log=None):
        self.log = log

    def fit(self, X, y, y_true=None):
        self.log.append((X.copy(), y.copy(), y_true))
        warnings.warn("it goes on and on", ConvergenceWarning, stacklevel=2)
        return self

    def predict(self, X):
        return np.ones(len(X), dtype=int)

    def predict_proba(self, X):
        # The rows come ranked as they are.
        positive = np.linspace(0.9, 0.1, len(X))
        return np.column_stack([1 - positive, positive])


def make_cell(dataset, method, smoke=False):
    experiment = Pairs(smoke=smoke, pairs=parse_pairs("drawn"))
    return Cell(experiment, crowd_setting(dataset, ALIKE), method, SEED)


def spy_on(usps, **kwargs):
    """Return what a method was given to fit, and its record."""
    log = []
    record = run_cell(make_cell(usps, Method("spy", lambda seed: Spy(log), **kwargs)))
    (given,) = log
    return given, record


@pytest.mark.slow
@pytest.mark.parametrize("name", [*METHODS, *WARMUPS])
def test_every_method_runs(usps, name):
    record = run_cell(make_cell(usps, (METHODS | WARMUPS)[name], smoke=True))
    assert record["error"] is None
    assert 0 <= record["scores"]["accuracy"] <= 1
    infers = name not in ("truth_net", "crowd_layer")
    assert bool(record["inference"]) == infers
    assert len(record["accuracy_by_round"]) == name.startswith("iced")
    json.dumps(record, allow_nan=False)


def test_record_is_that_of_the_steps_by_hand(usps):
    record = run_cell(make_cell(usps, METHODS["mv_lr"]))
    rows = draw(usps, SEED)
    model = METHODS["mv_lr"].make(derive_seed(SEED, "usps", "model"))
    predicted = model.fit(rows.X_train, rows.more).predict(rows.X_test)
    assert score(rows.y_test, predicted).items() <= record["scores"].items()
    inferred = MajorityVote().fit_predict(rows.more)
    assert record["inference"]["accuracy"] == np.mean(inferred == rows.y_train)
    labels = {"data": "usps", "crowd": "alike", "n_workers": 5, "converged": True}
    assert labels.items() <= record.items()
    assert counts_of(record)[:2] == [32, 3]
    assert sum(record["group_rows"]) == 35
    assert len(record["error_rates"]) == 5
    assert record["cell_seconds"] > record["fit_seconds"] > 0


def test_a_method_learns_from_annotations_of_training_rows_alone(usps):
    (X, y, y_true), record = spy_on(usps)
    rows = draw(usps, SEED)
    np.testing.assert_array_equal(X, rows.X_train)
    np.testing.assert_array_equal(y, rows.more)
    np.testing.assert_array_equal(y_true, rows.y_train)
    assert not {r.tobytes() for r in rows.X_test} & {r.tobytes() for r in X}
    assert (record["status"], record["converged"]) == ("ok", False)
    # Average precision as the step sum over the minority's places.
    hits = np.flatnonzero(rows.y_test == 1)
    precision = np.arange(1, len(hits) + 1) / (hits + 1)
    assert record["scores"]["average_precision"] == pytest.approx(precision.mean())


def test_the_ceiling_alone_learns_from_the_truth(usps):
    (_, y, y_true), _ = spy_on(usps, kind="truth")
    np.testing.assert_array_equal(y, draw(usps, SEED).y_train)
    assert y_true is None
    assert [name for name, m in METHODS.items() if m.kind == "truth"] == ["truth_net"]


@pytest.mark.parametrize("name", ["iced", "mv_net"])
def test_what_is_passed_as_truth_changes_no_prediction(usps, name):
    rows = draw(usps, SEED)
    proba = [
        make_model(METHODS[name], 0, smoke=True)
        .fit(rows.X_train, rows.more, y_true=truth)
        .predict_proba(rows.X_test)
        for truth in (rows.y_train, 1 - rows.y_train, None)
    ]
    np.testing.assert_array_equal(proba[0], proba[1])
    np.testing.assert_array_equal(proba[0], proba[2])


def test_rounds_of_iced_and_no_epoch_of_its_warm_up(usps):
    rows = draw(usps, SEED)
    model = ICEDClassifier(max_epochs=3, warmup_epochs=2, random_state=0)
    model.fit(rows.X_train, rows.more, y_true=rows.y_train)
    rounds = accuracy_by_round(model)
    assert len(rounds) == 3
    assert rounds[-1] == np.mean(model.inferred_labels_ == rows.y_train)
    assert accuracy_by_round(InferThenFit()) == []


@pytest.mark.slow
def test_warm_ups_see_the_rows_of_the_runs(run, tmp_path):
    given = ["--smoke", "--seeds", "0"]
    assert run("crowds", "run", *given, "--methods", "mv_lr") == 0
    assert run("crowds", "warmup", *given, "--methods", "groups_2") == 0
    alike, warm = (
        read_records(tmp_path / "out" / f"{name}.jsonl")[0]
        for name in ("cells", "warmup")
    )
    for name in ("majority", "minority", "error_rates", "group_rows"):
        assert warm[name] == alike[name]
