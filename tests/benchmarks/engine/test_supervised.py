import json
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch
from threadpoolctl import threadpool_info

from imbdeep_bench.engine.experiment import Cell, Method, Setting, one_thread, run_cell
from imbdeep_bench.engine.protocol import derive_seed, parse_protocol
from imbdeep_bench.engine.scoring import tune_threshold
from imbdeep_bench.engine.supervised import Supervised, fit_and_predict
from imbdeep_bench.imblearn27.methods import METHODS
from tests.benchmarks.engine.stubs import (
    BrokenClassifier,
    NaNClassifier,
    recording_method,
)

PROTOCOL = parse_protocol("1x2")


def logistic_net(random_state, device):
    """Return a scaler and a model, as a net takes them: with an eval_set."""

    class Net(LogisticRegression):
        def fit(self, X, y, eval_set):
            self.scaler_ = StandardScaler().fit(X)
            return super().fit(self.scaler_.transform(X), y)

        def predict_proba(self, X):
            return super().predict_proba(self.scaler_.transform(X))

    return Net(random_state=random_state)


def logistic(random_state, device):
    return make_pipeline(StandardScaler(), LogisticRegression())


def held_out(random_state, device):
    """Return a model that knows its out-of-fold probabilities."""

    class HeldOut(LogisticRegression):
        def fit(self, X, y):
            plain = LogisticRegression()
            folds = cross_val_predict(plain, X, y, method="predict_proba")
            # A row that nobody held out.
            self.oof_proba_ = np.where(np.arange(len(y))[:, None] == 3, np.nan, folds)
            return super().fit(X, y)

    return HeldOut()


SCALED = [
    Method("net", logistic_net, kind="stopped"),
    Method("held_out", held_out, kind="held_out"),
    Method("baseline", logistic, kind="refitted"),
]


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = np.where(np.arange(80) % 4 == 0, 1, -1)
    return rng.normal(size=(80, 3)) + (y == 1)[:, None], y


def make_cell(data, method, fold=0):
    experiment = Supervised(seed=0, split_by=PROTOCOL, versions={"python": "3"})
    bunch = Bunch(name="ecoli", data=data[0], target=data[1], sha256="abc")
    return Cell(experiment, Setting("ecoli", bunch), method, fold)


def split_of(data, fold=0):
    return PROTOCOL.split(data[1], fold, seed=0, dataset="ecoli")


class TestRows:
    @pytest.mark.parametrize("fold", range(PROTOCOL.n_folds))
    def test_a_net_learns_from_one_part_and_stops_by_the_other(self, data, fold):
        X, y = data
        log = []
        run_cell(make_cell(data, recording_method(log, "stopped"), fold))
        split = split_of(data, fold)
        (fit,) = log
        np.testing.assert_array_equal(fit["X"], X[split.fit])
        np.testing.assert_array_equal(fit["y"], y[split.fit])
        np.testing.assert_array_equal(fit["eval_set"][0], X[split.valid])
        np.testing.assert_array_equal(fit["eval_set"][1], y[split.valid])

    @pytest.mark.parametrize("fold", range(PROTOCOL.n_folds))
    def test_a_baseline_learns_from_the_whole_training_half(self, data, fold):
        X, y = data
        log = []
        run_cell(make_cell(data, recording_method(log, "refitted"), fold))
        split = split_of(data, fold)
        # To tune the threshold, and in the end.
        for fit, rows in zip(log, (split.fit, split.train), strict=True):
            np.testing.assert_array_equal(fit["X"], X[rows])
            np.testing.assert_array_equal(fit["y"], y[rows])
            assert fit["eval_set"] is None

    @pytest.mark.parametrize("method", SCALED, ids=lambda m: m.name)
    def test_a_test_row_changes_its_own_prediction_alone(self, data, method):
        X, y = data
        split = split_of(data)
        altered = X.copy()
        altered[split.test[5]] -= 3
        before, after = (
            fit_and_predict(partial(method.make, 0, "cpu"), method.kind, rows, y, split)
            for rows in (X, altered)
        )
        assert before.threshold == after.threshold
        changed = np.flatnonzero(before.proba != after.proba)
        assert changed.tolist() == [5]


# A net's own threshold; a baseline's comes from a model that did not see these rows.
@pytest.mark.parametrize(
    "method", [m for m in SCALED if m.kind != "held_out"], ids=lambda m: m.name
)
def test_the_threshold_is_tuned_on_the_validation_part(data, method):
    X, y = data
    split = split_of(data)
    told = {"eval_set": None} if method.kind == "stopped" else {}
    model = method.make(0, "cpu").fit(X[split.fit], y[split.fit], **told)
    proba = model.predict_proba(X[split.valid])[:, 1]
    record = run_cell(make_cell(data, method))
    assert record["threshold"] == tune_threshold(y[split.valid] == 1, proba)


def test_a_method_that_holds_rows_out_is_fitted_once_and_tuned_on_them(data):
    X, y = data
    train = split_of(data).train
    model = held_out(0, "cpu").fit(X[train], y[train])
    is_judged = np.arange(len(train)) != 3
    threshold = tune_threshold(y[train][is_judged] == 1, model.oof_proba_[is_judged, 1])
    method = next(m for m in SCALED if m.kind == "held_out")
    assert run_cell(make_cell(data, method))["threshold"] == threshold
    log = []

    class Recorded(type(model)):
        def fit(self, X, y):
            log.append(X)
            return super().fit(X, y)

    prediction = fit_and_predict(Recorded, "held_out", X, y, split_of(data))
    np.testing.assert_array_equal(log, [X[train]])
    assert prediction.threshold == threshold


class TestRecord:
    def test_counts_and_keys(self, data):
        _, y = data
        record = run_cell(make_cell(data, METHODS["logistic"], fold=1))
        split = split_of(data, 1)
        assert record["status"] == "ok"
        assert record["error"] is None
        key = tuple(record[name] for name in ("dataset", "method", "fold"))
        assert key == ("ecoli", "logistic", 1)
        assert (record["n_train"], record["n_test"]) == (40, 40)
        assert record["n_train_minority"] == (y[split.train] == 1).sum()
        assert record["n_test_minority"] == (y[split.test] == 1).sum()
        assert record["seed"] == derive_seed(0, "ecoli", "logistic", 1)
        assert record["data_sha256"] == "abc"
        assert record["fit_seconds"] > 0
        assert len(record["scores"]) == 18
        assert sum(record["curves"]["calibration"]["count"]) == record["n_test"]
        json.dumps(record, allow_nan=False)

    @pytest.mark.parametrize("labels", [(-1, 1), (7, 3), ("x", "a"), (True, False)])
    def test_scores_do_not_depend_on_what_the_labels_are_called(self, data, labels):
        X, y = data
        renamed = np.where(y == 1, labels[1], labels[0])
        expected = run_cell(make_cell(data, METHODS["logistic"]))
        record = run_cell(make_cell((X, renamed), METHODS["logistic"]))
        assert record["scores"] == pytest.approx(expected["scores"])
        assert record["n_test_minority"] == expected["n_test_minority"]

    def test_failure(self, data):
        method = recording_method([], cls=BrokenClassifier, name="broken")
        record = run_cell(make_cell(data, method))
        assert record["status"] == "failed"
        assert record["error"].startswith("RuntimeError: the fit went wrong (stubs.py,")
        assert record["scores"] == {}
        assert record["threshold"] is record["curves"] is None
        assert record.keys() == run_cell(make_cell(data, SCALED[0])).keys()
        json.dumps(record)

    def test_nan_is_a_failure(self, data):
        method = recording_method([], cls=NaNClassifier)
        record = run_cell(make_cell(data, method))
        assert record["error"].startswith("ValueError: predict_proba returned NaN")

    @pytest.mark.filterwarnings("ignore:The least populated class")
    def test_a_class_too_small_to_split_is_a_failure(self, data):
        X, _ = data
        y = np.where(np.arange(80) == 3, 1, -1)
        record = run_cell(make_cell((X, y), METHODS["logistic"]))
        assert record["status"] == "failed"

    def test_interruption_is_no_failure(self, data):
        class Interrupted(BrokenClassifier):
            def fit(self, X, y, eval_set=None):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_cell(make_cell(data, recording_method([], cls=Interrupted)))


def test_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
            assert {pool["num_threads"] for pool in threadpool_info()} == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
