import numpy as np
import pytest
from imblearn.over_sampling import ADASYN, SMOTE, RandomOverSampler
from sklearn.base import BaseEstimator
from skorch.history import History

from imbdeep_bench.papers.explicit_gradient.methods import (
    BASELINES,
    EQUATION_1,
    OURS,
    ScaledNet,
    best_epochs,
    double_minority,
    explicit_gradient,
    plain,
)

CANARY = 1e6


class Log(list):
    """A list that clones of an estimator share."""

    def __deepcopy__(self, memo):
        return self


class StubNet(BaseEstimator):
    """Rank by the first column; say what epochs scored; keep what a fit is given."""

    def __init__(
        self,
        log=None,
        epoch_scores=(0.1,),
        max_epochs=200,
        train_split="stratified",
        early_stopping=True,
    ):
        self.log = log
        self.epoch_scores = epoch_scores
        self.max_epochs = max_epochs
        self.train_split = train_split
        self.early_stopping = early_stopping

    def fit(self, X, y, eval_set=None):
        self.history = History()
        for score in self.epoch_scores:
            self.history.new_epoch()
            self.history.record("valid_average_precision", score)
        self.log.append({"net": self, "X": X, "y": y, "eval_set": eval_set})
        return self

    def predict_proba(self, X):
        positive = 1 / (1 + np.exp(-X[:, 0]))
        return np.column_stack([1 - positive, positive])


class RecordingSampler(RandomOverSampler):
    """Random over-sampling that keeps the rows it sees, shared with its clones."""

    seen = []

    def fit_resample(self, X, y):
        self.seen.append(X)
        return super().fit_resample(X, y)


class RefusingSampler(RandomOverSampler):
    def fit_resample(self, X, y):
        raise ValueError("another reason")


@pytest.fixture
def sampler():
    RecordingSampler.seen.clear()
    return RecordingSampler(sampling_strategy=double_minority, random_state=0)


def make_rows(n=40, n_rare=8, n_valid=10, seed=0):
    """Training rows in [0, 1), and validation rows of which one is a canary."""
    rng = np.random.RandomState(seed)
    X, X_valid = rng.rand(n, 2), rng.rand(n_valid, 2)
    y, y_valid = np.full(n, -1), np.full(n_valid, -1)
    y[:n_rare], y_valid[:3] = 1, 1
    X_valid[0] = CANARY
    return X, y, (X_valid, y_valid)


def test_the_rarest_class_is_doubled():
    assert double_minority(np.array(list("aaaaabbbcc"))) == {"c": 4}


@pytest.mark.parametrize(
    ("scores", "epochs"), [([0.1, 0.5, 0.3], 2), ([0.5, 0.2, 0.5, 0.4], 3), ([0.2], 1)]
)
def test_the_last_of_equally_good_epochs_is_the_best(scores, epochs):
    X, y, eval_set = make_rows()
    net = StubNet(Log(), scores).fit(X, y, eval_set)
    assert best_epochs(net) == epochs


class TestScaledNet:
    def test_validation_rows_reach_neither_scaler_nor_sampler(self, sampler):
        X, y, eval_set = make_rows()
        log = Log()
        model = ScaledNet(StubNet(log), sampler).fit(X, y, eval_set)
        np.testing.assert_array_equal(model.scaler_.data_max_, X.max(axis=0))
        assert len(sampler.seen) == 1
        assert sampler.seen[0].max() <= 1
        assert len(log) == 1
        assert log[0]["X"].max() <= 1
        # The net does see them, scaled by the training rows.
        X_valid = log[0]["eval_set"][0]
        expected = (eval_set[0] - X.min(axis=0)) / (X.max(axis=0) - X.min(axis=0))
        np.testing.assert_allclose(X_valid, expected)

    def test_sampler_sees_scaled_rows_and_doubles_the_rare_ones(self, sampler):
        X, y, eval_set = make_rows(n=40, n_rare=8)
        log = Log()
        ScaledNet(StubNet(log), sampler).fit(X, y, eval_set)
        assert (sampler.seen[0].min(), sampler.seen[0].max()) == (0, 1)
        assert dict(zip(*np.unique(log[0]["y"], return_counts=True), strict=True)) == {
            -1: 32,
            1: 16,
        }

    def test_refit_learns_from_all_rows_for_the_best_number_of_epochs(self, sampler):
        X, y, eval_set = make_rows(n=40, n_rare=8, n_valid=10)
        log = Log()
        net = StubNet(log, epoch_scores=(0.1, 0.6, 0.6, 0.2))
        model = ScaledNet(net, sampler, refit=True).fit(X, y, eval_set)
        first, second = log
        assert first["net"].max_epochs == 200
        assert first["eval_set"] is not None
        assert second["eval_set"] is None
        assert second["net"].get_params() == {
            **net.get_params(),
            "max_epochs": 3,
            "train_split": None,
            "early_stopping": False,
        }
        assert (second["y"] == -1).sum() == 32 + 7
        assert (second["y"] == 1).sum() == 2 * (8 + 3)
        assert model.net_ is second["net"]
        assert model.scaler_.data_max_[0] == CANARY

    def test_validation_score_is_of_the_rows_as_the_first_net_ranks_them(self):
        X, y, _ = make_rows()
        # Ranked: rare, common, rare. Precision at the two hits: 1 and 2 / 3.
        eval_set = np.array([[0.9, 0.0], [0.5, 0.0], [0.3, 0.0]]), np.array([1, -1, 1])
        for refit in (False, True):
            net = StubNet(Log(), epoch_scores=(0.99, 0.1))
            model = ScaledNet(net, refit=refit).fit(X, y, eval_set)
            assert model.valid_average_precision_ == pytest.approx((1 + 2 / 3) / 2)

    def test_goes_on_unsampled_where_adasyn_makes_no_rows(self):
        X, y, eval_set = make_rows(n=60, n_rare=10)
        X[y == 1] += 100  # no rare row has a common neighbour
        log = Log()
        adasyn = ADASYN(sampling_strategy=double_minority, random_state=0)
        ScaledNet(StubNet(log), adasyn).fit(X, y, eval_set)
        assert len(log[0]["X"]) == 60

    def test_other_errors_of_the_sampler_are_not_hidden(self):
        X, y, eval_set = make_rows()
        with pytest.raises(ValueError, match="another reason"):
            ScaledNet(StubNet(Log()), RefusingSampler()).fit(X, y, eval_set)

    def test_three_rare_rows_are_enough_for_smote(self):
        X, y, eval_set = make_rows(n=30, n_rare=3)
        log = Log()
        smote = SMOTE(sampling_strategy=double_minority, random_state=0)
        ScaledNet(StubNet(log), smote).fit(X, y, eval_set)
        assert (log[0]["y"] == 1).sum() == 6
        assert smote.k_neighbors == 5

    def test_predicts_scaled_rows(self):
        X, y, eval_set = make_rows()
        model = ScaledNet(StubNet(Log())).fit(X, y, eval_set)
        scaled = (X[:, 0] - X[:, 0].min()) / np.ptp(X[:, 0])
        np.testing.assert_allclose(
            model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-scaled))
        )


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("refit", [False, True])
def test_every_baseline_fits(name, refit):
    X, y, (X_valid, y_valid) = make_rows(n=60, n_rare=12)
    make = BASELINES[name]
    model = make(0, refit=refit, max_epochs=2, module__hidden_sizes=(4,))
    if name == "cwgan":
        model.sampler.set_params(max_epochs=2)
    model.fit(X, y, (X_valid[1:], y_valid[1:]))
    proba = model.predict_proba(X)
    assert proba.shape == (60, 2)
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_the_gan_doubles_the_rare_rows_and_takes_all_columns_for_numbers():
    X, y, eval_set = make_rows(n=60, n_rare=12)
    log = Log()
    gan = BASELINES["cwgan"](3).sampler.set_params(max_epochs=2)
    assert (gan.random_state, gan.device) == (3, "cpu")
    X = np.column_stack([X[:, 0], np.arange(60) % 2 == 0]).astype(object)
    model = ScaledNet(StubNet(log), gan).fit(X, y, eval_set)
    seen, labels = log[0]["X"], log[0]["y"]
    np.testing.assert_allclose(seen[:60], model.scaler_.transform(X))
    np.testing.assert_array_equal(labels[60:], np.ones(12))
    made = seen[60:]
    assert ((made >= 0) & (made <= 1)).all()
    # A category would be 0 or 1.
    assert len(np.unique(made[:, 1])) > 2


def test_equation_1_is_the_papers_method_but_for_its_inner_step():
    ours = explicit_gradient(4).net.get_params(deep=False)
    (make,) = EQUATION_1.values()
    other = make(4).net.get_params(deep=False)
    assert {k: v for k, v in other.items() if v != ours[k]} == {
        "inner_rows": "synthetic"
    }


def fit_ours(name, **params):
    X, y, (X_valid, y_valid) = make_rows(n=60, n_rare=12)
    small = {"max_epochs": 2, "pretrain_epochs": 2, "module__hidden_sizes": (4,)}
    model = OURS[name](0, **{**small, **params})
    return X, y, model.fit(X, y, (X_valid[1:], y_valid[1:]))


def test_duplicates_stay_where_the_rare_rows_are():
    X, y, model = fit_ours("duplicates")
    scaled = model.scaler_.transform(X).astype(np.float32)
    parents = model.net_.synth_parents_
    assert sorted(parents) == sorted(np.flatnonzero(y == 1))
    np.testing.assert_array_equal(model.net_.X_synth_, scaled[parents])


def test_the_papers_rows_move():
    X, _, model = fit_ours("explicit_gradient")
    scaled = model.scaler_.transform(X).astype(np.float32)
    assert (model.net_.X_synth_ != scaled[model.net_.synth_parents_]).any()


def test_the_papers_method_goes_on_from_the_plain_net():
    # With steps too small to matter it ends where the plain net does.
    X, y, (X_valid, y_valid) = make_rows(n=60, n_rare=12)
    eval_set = X_valid[1:], y_valid[1:]
    net = plain(0, max_epochs=5).fit(X, y, eval_set)
    ours = explicit_gradient(0, max_epochs=1, pretrain_epochs=5, inner_lr=1e-12)
    np.testing.assert_allclose(
        ours.fit(X, y, eval_set).predict_proba(X), net.predict_proba(X), atol=1e-6
    )
