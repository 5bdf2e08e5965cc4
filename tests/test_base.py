"""The classifier contract, over every classifier where it applies to all."""

import copy
import functools
import pickle
import warnings
from contextlib import contextmanager

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.utils.validation import has_fit_parameter
from skorch.callbacks import Callback, EpochScoring
from skorch.dataset import Dataset, ValidSplit
from skorch.helper import predefined_split

from imbdeep._nets.splits import stratified_split
from imbdeep.classifiers import (
    LDAMClassifier,
    NetClassifier,
    ReMixClassifier,
)
from tests.common.estimators import firsts, is_quick
from tests.common.nets import GOING_ON, NETS
from tests.common.slow import slow_if

SMALL = {
    "max_epochs": 3,
    "batch_size": 64,
    "n_bins": 4,
    "module__hidden_sizes": (8,),
    "random_state": 0,
}


def maker_of(name):
    """A net of a class, whose stages are all as short as the last."""

    def make(**params):
        settings = SMALL | params
        known = NETS[name].get_params()
        for stage in ("pretrain_epochs", "warmup_epochs"):
            if stage in known:
                settings.setdefault(stage, settings["max_epochs"])
        if "module__hidden_sizes" not in known:
            del settings["module__hidden_sizes"]  # another module, small as it is
        return clone(NETS[name]).set_params(**settings)

    @functools.cache
    def fitted():
        return make(**SMALL).fit(*table())

    # A fit to look at: tests that change one take a copy.
    make.fitted = fitted
    return make


NAMES = firsts(NETS)
MAKERS = {name: maker_of(name) for name in NAMES}


def param(name, *more, prefix=""):
    is_slow = not is_quick(name, NETS)
    return slow_if(is_slow, MAKERS[name], *more, id=prefix + name)


ALL = [param(name) for name in NAMES]
GO_ON = [one for one in ALL if one.id in GOING_ON]
# Every net, and every iterator in a plain net and in those that draw by themselves.
SEEDED = {
    "shuffled": NAMES,
    "balanced": ["net", "meta-augment", "crowd-layer"],
    "smote": ["net", "adversarial", "iced"],
}


def table(n_classes=2, n_samples=240, random_state=0):
    weights = [0.8] + [0.2 / (n_classes - 1)] * (n_classes - 1)
    return make_classification(
        n_samples,
        n_features=10,
        n_informative=6,
        n_classes=n_classes,
        weights=weights,
        random_state=random_state,
    )


@pytest.fixture(scope="module")
def data():
    return table()


class Plain(torch.nn.Module):
    """A module of a skorch user: its own names, no encoding."""

    def __init__(self, hidden=5):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(10, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 2)
        )

    def forward(self, X):
        return self.layers(X)


class Probabilities(Plain):
    def forward(self, X):
        return super().forward(X).softmax(-1)


class TwoPixels(torch.nn.Module):
    """A module for images, sized from the data."""

    def __init__(self, n_classes):
        super().__init__()
        self.head = torch.nn.Linear(2 * 3 * 4, n_classes)

    def forward(self, X):
        return self.head(X.flatten(1))


# --- Labels and tables ---------------------------------------------------------------


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize(
    "labels",
    [
        np.array([-1, 1]),
        np.array(["good", "bad"]),
        np.array([False, True]),
        pytest.param(np.array([3, 7], dtype=np.int32), marks=pytest.mark.slow),
        pytest.param(np.array([0.0, 1.0]), marks=pytest.mark.slow),
        pytest.param(np.array(["a", "b"], dtype=object), marks=pytest.mark.slow),
    ],
    ids=["-1/1", "strings", "bool", "int32", "float", "object"],
)
def test_labels_come_back_as_they_were(cls, data, labels):
    X, code = data
    y = labels[code]
    net = cls(**SMALL).fit(X, y)
    predicted = net.predict(X)
    assert_array_equal(net.classes_, np.unique(labels))
    assert predicted.dtype == net.classes_.dtype
    assert set(predicted) <= set(labels)
    proba = net.predict_proba(X)
    np.testing.assert_allclose(proba.sum(1), 1, atol=1e-12)
    assert_array_equal(predicted, net.classes_[proba.argmax(1)])


@pytest.mark.parametrize("cls", ALL)
def test_the_coding_of_the_labels_does_not_matter(cls, data):
    X, code = data
    as_codes = cls.fitted()
    as_text = cls(**SMALL).fit(X, np.array(["a", "b"])[code])
    assert_array_equal(as_codes.predict_proba(X), as_text.predict_proba(X))


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("n_classes", [3, pytest.param(7, marks=pytest.mark.slow)])
def test_multi_class(cls, n_classes):
    X, y = table(n_classes, n_samples=300)
    params = {"max_epochs": 20, "lr": 0.01, "batch_size": 32}
    net = cls(**SMALL | params).fit(X, y)
    assert net.predict_proba(X).shape == (300, n_classes)
    np.testing.assert_allclose(net.predict_proba(X).sum(1), 1, atol=1e-12)
    assert roc_auc_score(y, net.predict_proba(X), multi_class="ovr") > 0.75


@pytest.mark.parametrize("cls", ALL)
def test_float32_float64_frames_and_lists_agree(cls, data):
    X, y = data
    X = X.astype(np.float32)
    expected = cls(**SMALL).fit(X, y).predict_proba(X)
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(10)])
    for table, target in [
        (X.astype(np.float64), y),
        (frame, pd.Series(y)),
        (X.tolist(), y.tolist()),
        (np.asfortranarray(X), y),
    ]:
        net = cls(**SMALL).fit(table, target)
        assert_array_equal(net.predict_proba(table), expected)


def test_names_of_columns_are_kept_and_checked(data):
    X, y = data
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(10)])
    net = NetClassifier(**SMALL).fit(frame, y)
    assert_array_equal(net.feature_names_in_, frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        net.predict(frame.rename(columns={"x0": "z"}))


def test_numeric_frames_of_any_dtype(data):
    X, y = data
    frame = pd.DataFrame(X).rename(columns=str).iloc[:, :3]
    frame["int"] = np.arange(len(X))
    frame["flag"] = X[:, 0] > 0
    frame["nullable"] = pd.array([1, 2] * (len(X) // 2), dtype="Int64")
    assert NetClassifier(**SMALL).fit(frame, y).n_features_in_ == 6


def test_images_go_to_modules_that_take_them(data):
    _, y = data
    X = np.random.RandomState(0).randn(len(y), 2, 3, 4)
    net = NetClassifier(TwoPixels, max_epochs=2, random_state=0).fit(X, y)
    assert net.predict_proba(X).shape == (len(y), 2)


def test_images_are_refused_by_the_mlp(data):
    _, y = data
    remedy = r"X has 4 dimensions: \(\d+, 2, 3, 4\)\. .* NetClassifier\(module='conv'\)"
    with pytest.raises(ValueError, match=remedy):
        NetClassifier(**SMALL).fit(np.zeros((len(y), 2, 3, 4)), y)


# --- Bad input -----------------------------------------------------------------------


class NoTraining(Callback):
    def on_train_begin(self, net, **kwargs):
        raise AssertionError("training began")


def refuse(match, X, y, error=ValueError, **params):
    net = NetClassifier(**SMALL | {"callbacks": [NoTraining()]} | params)
    with pytest.raises(error, match=match):
        net.fit(X, y)


class WithoutEncoding(torch.nn.Linear):
    """A module that has no place for levels and missing numbers."""

    def __init__(self, n_features, n_classes, hidden_sizes=None):
        super().__init__(n_features, n_classes)


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (np.nan, "missing values .NaN or None.: 1 in column 2"),
        (np.inf, "infinite values: 1 in column 2"),
    ],
)
def test_refuses_numbers_that_are_not_finite(data, value, match):
    X, y = data
    X = X.copy()
    X[3, 2] = value
    refuse(match, X, y, module=WithoutEncoding, module__hidden_sizes=None)
    if np.isinf(value):
        refuse(match, X, y)


def test_refuses_one_class(data):
    X, y = data
    refuse(r"at least two classes, got one class: \[0\]", X, np.zeros_like(y))


@pytest.mark.parametrize(
    ("dtype", "kind"), [("str", "text"), ("category", "categories"), (object, "text")]
)
def test_refuses_text_columns_by_name(data, dtype, kind):
    X, y = data
    frame = pd.DataFrame(X).rename(columns=str)
    frame["city"] = pd.Series(["Ulm", "Bonn"] * (len(X) // 2)).astype(dtype)
    match = rf"Columns \['city'\] hold {kind}. Name them in categorical_features"
    refuse(match, frame, y, categorical_features=None)
    params = {"module": WithoutEncoding, "module__hidden_sizes": None}
    refuse(rf"Columns \['city'\] hold {kind}. Encode", frame, y, **params)
    named = params | {"categorical_features": ["city"]}
    refuse("WithoutEncoding.* has no place for levels", frame, y, **named)


def test_refuses_dates_by_name(data):
    X, y = data
    frame = pd.DataFrame(X).rename(columns=str)
    frame["day"] = pd.date_range("2020-01-01", periods=len(X))
    refuse(r"Columns \['day'\]", frame, y)


def test_refuses_no_rows():
    refuse("0 sample", np.empty((0, 3)), np.empty(0))


def test_refuses_a_continuous_target(data):
    X, y = data
    refuse("continuous", X, y + 0.5 * X[:, 0])


def test_refuses_another_width_at_prediction(data):
    X, y = data
    net = NetClassifier(**SMALL).fit(X, y)
    with pytest.raises(ValueError, match="5 features, but NetClassifier is expecting"):
        net.predict_proba(X[:, :5])


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"lr": -0.1}, "'lr' parameter .* Got -0.1"),
        ({"criterion": "hinge"}, "'criterion' parameter .* Got 'hinge'"),
        ({"module": "resnet"}, "'module' parameter .* Got 'resnet'"),
        ({"iterator_train": "tomek"}, "'iterator_train' parameter .* Got 'tomek'"),
        ({"max_epochs": 0}, "'max_epochs' parameter"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"train_split": 5}, "'train_split' parameter"),
        ({"validation_fraction": 1.0}, "'validation_fraction' parameter"),
        ({"class_weight": "balance"}, "'class_weight' parameter"),
        ({"numeric_encoding": "bins"}, "'numeric_encoding' parameter"),
        ({"patience": 0}, "'patience' parameter"),
        ({"n_bins": 1}, "'n_bins' parameter"),
        ({"hidden_sizes": (3,)}, "unexpected argument.*hidden_sizes"),
        ({"module__activation": "step"}, "activation must be 'gelu'"),
    ],
)
def test_refuses_bad_parameters(data, params, match):
    refuse(match, *data, **params)


def test_prediction_before_fit(data):
    for method in ("predict", "predict_proba", "forward"):
        with pytest.raises(NotFittedError):
            getattr(NetClassifier(), method)(data[0])


def test_initialize_without_data_says_what_is_missing():
    with pytest.raises(ValueError, match="module__n_features="):
        NetClassifier().initialize()


# --- Randomness ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "iterator"),
    [
        param(name, iterator, prefix=f"{iterator}-")
        for iterator, names in SEEDED.items()
        for name in names
    ],
)
def test_one_seed_decides_everything(cls, iterator, data):
    X, y = data
    params = {**SMALL, "iterator_train": iterator, "module__dropout": 0.3}
    first = cls(**params).fit(X, y).predict_proba(X)
    torch.manual_seed(1)
    np.random.seed(1)
    torch_state = torch.get_rng_state()
    numpy_state = np.random.get_state()[1].copy()
    net = cls(**params).fit(X, y)
    assert_array_equal(net.predict_proba(X), first)
    assert_array_equal(torch.get_rng_state(), torch_state)
    assert_array_equal(np.random.get_state()[1], numpy_state)
    assert_array_equal(net.fit(X, y).predict_proba(X), first)
    other = cls(**params | {"random_state": 1}).fit(X, y).predict_proba(X)
    assert np.abs(other - first).max() > 1e-3


def test_a_random_state_instance_and_set_params_stay_off_the_global_generators(data):
    X, y = data
    nets = [
        NetClassifier(**SMALL | {"random_state": np.random.RandomState(0)}).fit(X, y)
        for _ in range(2)
    ]
    assert_array_equal(nets[0].predict_proba(X), nets[1].predict_proba(X))
    state = torch.get_rng_state()
    nets[0].set_params(module__hidden_sizes=(4,)).fit(X, y)
    assert_array_equal(torch.get_rng_state(), state)


# --- Weights -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cls",
    [param(name) for name in NAMES if has_fit_parameter(NETS[name], "sample_weight")],
)
def test_sample_weights_of_one_change_nothing(cls, data):
    X, y = data
    plain = cls.fitted()
    weighted = cls(**SMALL).fit(X, y, sample_weight=np.ones(len(y)))
    assert_array_equal(plain.predict_proba(X), weighted.predict_proba(X))


def test_sample_weights_of_two_change_nothing(data):
    X, y = data
    plain = NetClassifier(**SMALL).fit(X, y)
    weighted = NetClassifier(**SMALL).fit(X, y, sample_weight=np.full(len(y), 2.0))
    np.testing.assert_allclose(
        plain.predict_proba(X), weighted.predict_proba(X), atol=1e-5
    )


@pytest.mark.parametrize("iterator", ["shuffled", "balanced", "smote", "mixup"])
def test_rows_of_weight_zero_are_not_learned_from(data, iterator):
    X, y = data
    ignored = np.arange(len(y)) % 2 == 0
    weight = np.where(ignored, 0.0, 1.0)
    # Labels of ignored rows are turned around: they would pull predictions down.
    noisy = np.where(ignored, 1 - y, y)
    params = {**SMALL, "max_epochs": 30, "lr": 0.03, "early_stopping": False}
    net = NetClassifier(iterator_train=iterator, **params)
    scores = []
    for w in (weight, None):
        proba = clone(net).fit(X, noisy, sample_weight=w).predict_proba(X)
        scores.append(average_precision_score(y[ignored], proba[ignored, 1]))
    assert scores[0] > scores[1] + 0.1


def test_class_weight_equals_the_sample_weights_it_stands_for(data):
    X, y = data
    by_class = NetClassifier(class_weight={0: 1.0, 1: 4.0}, **SMALL).fit(X, y)
    by_row = NetClassifier(**SMALL).fit(X, y, sample_weight=np.where(y == 1, 4.0, 1.0))
    np.testing.assert_allclose(
        by_class.predict_proba(X), by_row.predict_proba(X), atol=1e-6
    )


@pytest.mark.parametrize("labels", [[0, 1], [-1, 1], ["a", "b"]])
def test_balanced_class_weights_raise_the_probability_of_the_rare_class(data, labels):
    X, code = data
    y = np.array(labels)[code]
    params = {**SMALL, "max_epochs": 20, "early_stopping": False}
    plain = NetClassifier(**params).fit(X, y)
    balanced = NetClassifier(class_weight="balanced", **params).fit(X, y)
    gain = balanced.predict_proba(X)[:, 1].mean() - plain.predict_proba(X)[:, 1].mean()
    assert gain > 0.1
    counts = np.bincount(code)
    np.testing.assert_allclose(
        balanced.criterion_.weight, len(y) / (2 * counts), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("weight", "match"),
    [
        (np.full(240, -1.0), "[Nn]egative"),
        (np.ones(3), "sample_weight has 3 weights, and X has 240 rows"),
    ],
)
def test_refuses_bad_sample_weights(data, weight, match):
    with pytest.raises(ValueError, match=match):
        NetClassifier(**SMALL).fit(*data, sample_weight=weight)


def test_sample_weight_with_a_criterion_that_reduces_on_its_own(data):
    weight = np.where(data[1] == 1, 3.0, 1.0)
    net = NetClassifier(criterion=torch.nn.CrossEntropyLoss, **SMALL)
    with pytest.raises(ValueError, match="criterion__reduction='none'"):
        net.fit(*data, sample_weight=weight)
    own = NetClassifier(**SMALL).fit(*data, sample_weight=weight)
    net.set_params(criterion__reduction="none").fit(*data, sample_weight=weight)
    np.testing.assert_allclose(
        net.predict_proba(data[0]), own.predict_proba(data[0]), atol=1e-6
    )


# --- Validation ----------------------------------------------------------------------


def test_the_split_leaves_no_class_out_of_either_side():
    rng = np.random.RandomState(0)
    for _ in range(50):
        y = rng.permutation(np.repeat([0, 1, 2], [100, rng.randint(2, 9), 2]))
        train, valid = stratified_split(y, rng.uniform(0.01, 0.99), rng)
        assert_array_equal(np.unique(y[train]), [0, 1, 2])
        assert_array_equal(np.unique(y[valid]), [0, 1, 2])
        assert_array_equal(np.sort(np.r_[train, valid]), np.arange(len(y)))


def test_the_split_is_drawn_anew_for_each_seed(data):
    y = data[1]
    first, again, other = (
        stratified_split(y, 0.2, np.random.RandomState(seed))[1] for seed in (0, 0, 1)
    )
    assert_array_equal(first, again)
    assert not np.array_equal(first, other)


class SeenRows(Callback):
    """Records the rows of each side of the split."""

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self.n_train_ = len(dataset_train)
        self.n_valid_ = 0 if dataset_valid is None else len(dataset_valid)


@pytest.mark.parametrize(
    ("params", "n_valid"),
    [
        ({}, 48),
        ({"validation_fraction": 0.5}, 120),
        ({"train_split": None}, 0),
        ({"train_split": ValidSplit(4, stratified=True)}, 60),
    ],
)
def test_validation_splits(data, params, n_valid):
    net = NetClassifier(callbacks=[("seen", SeenRows())], **SMALL | params).fit(*data)
    seen = dict(net.callbacks_)["seen"]
    assert abs(seen.n_valid_ - n_valid) <= 1
    assert seen.n_train_ + seen.n_valid_ == 240
    assert ("valid_average_precision" in net.history[-1]) == (n_valid > 0)


@pytest.mark.parametrize("cls", GO_ON)
def test_explicit_validation_set(cls, data):
    X, code = data
    y = np.array(["a", "b"])[code]
    net = cls(callbacks=[("seen", SeenRows())], **SMALL)
    net.fit(X[:160], y[:160], eval_set=(X[160:], y[160:]))
    seen = dict(net.callbacks_)["seen"]
    assert (seen.n_train_, seen.n_valid_) == (160, 80)
    proba = net.predict_proba(X[160:])[:, 1]
    last = average_precision_score(code[160:], proba)
    recorded = net.history[:, "valid_average_precision"]
    assert min(abs(last - np.array(recorded))) < 1e-6
    with pytest.raises(ValueError, match=r"labels \['c'\]"):
        net.fit(X, y, eval_set=(X[:2], ["a", "c"]))
    with pytest.raises(ValueError, match="features"):
        net.fit(X, y, eval_set=(X[:2, :3], ["a", "b"]))


@pytest.mark.parametrize("eval_set", [5, (np.zeros((2, 10)),), "ab" * 3])
def test_refuses_what_is_no_validation_set(data, eval_set):
    with pytest.raises(ValueError, match="eval_set must be a pair"):
        NetClassifier(**SMALL).fit(*data, eval_set=eval_set)


def test_predefined_split_of_skorch(data):
    X, y = data
    held_out = Dataset(X[200:].astype(np.float32), y[200:])
    net = NetClassifier(
        train_split=predefined_split(held_out),
        callbacks=[("seen", SeenRows())],
        **SMALL,
    ).fit(X[:200], y[:200])
    seen = dict(net.callbacks_)["seen"]
    assert (seen.n_train_, seen.n_valid_) == (200, 40)


def test_early_stopping_goes_back_to_the_best_epoch(data):
    X, y = data
    rng = np.random.RandomState(0)
    X_valid, y_valid = X[120:], rng.permutation(y[120:])
    net = NetClassifier(**SMALL | {"max_epochs": 300, "lr": 0.05}, patience=5).fit(
        X[:120], y[:120], eval_set=(X_valid, y_valid)
    )
    history = net.history[:, "valid_average_precision"]
    assert len(history) < 300
    assert len(history) - 1 - np.argmax(history[::-1]) <= len(history)
    best = average_precision_score(y_valid, net.predict_proba(X_valid)[:, 1])
    assert best == pytest.approx(max(history), abs=1e-6)
    assert max(history[-5:]) < max(history)


def test_without_early_stopping_every_epoch_is_trained(data):
    net = NetClassifier(**SMALL | {"max_epochs": 20}, early_stopping=False).fit(*data)
    assert len(net.history) == 20


# --- scikit-learn and imbalanced-learn -----------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("cls", ALL)
def test_cross_val_score_in_two_processes(cls, data):
    X, y = data
    y = np.where(y == 1, 1, -1)
    net = cls(**SMALL)
    alone = cross_val_score(net, X, y, scoring="average_precision", cv=2)
    shared = cross_val_score(net, X, y, scoring="average_precision", cv=2, n_jobs=2)
    np.testing.assert_allclose(alone, shared, rtol=1e-5)


def test_grid_search_over_module_criterion_and_own_parameters(data):
    grid = {"module__hidden_sizes": [(4,), (8, 4)], "alpha": [0.1, 1.0], "lr": [1e-2]}
    search = GridSearchCV(ReMixClassifier(**SMALL), grid, cv=2, scoring="roc_auc")
    search.fit(*data)
    assert search.best_estimator_.get_params()["alpha"] in (0.1, 1.0)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_imblearn_pipeline(data):
    X, y = data
    pipeline = make_imblearn_pipeline(SMOTE(random_state=0), LDAMClassifier(**SMALL))
    assert pipeline.fit(X, np.array(["a", "b"])[y]).predict(X).shape == (240,)


@pytest.mark.parametrize(
    "wrapper", [CalibratedClassifierCV, TunedThresholdClassifierCV]
)
@pytest.mark.parametrize("labels", [[-1, 1], ["a", "b"]])
def test_calibration_and_threshold_tuning(data, wrapper, labels):
    X, code = data
    net = NetClassifier(**SMALL)
    wrapped = wrapper(net, cv=2)
    if wrapper is TunedThresholdClassifierCV:
        wrapped.set_params(scoring="balanced_accuracy")
    wrapped.fit(X, np.array(labels)[code])
    assert set(wrapped.predict(X)) <= set(labels)


@pytest.mark.parametrize("cls", ALL)
def test_pickle_and_joblib(cls, data, tmp_path):
    X, y = data
    net = cls(**SMALL).fit(X, np.array(["a", "b"])[y])
    expected = net.predict_proba(X)
    again = pickle.loads(pickle.dumps(net))
    assert_array_equal(again.predict_proba(X), expected)
    assert_array_equal(again.classes_, ["a", "b"])
    joblib.dump(net, tmp_path / "net.joblib")
    assert_array_equal(joblib.load(tmp_path / "net.joblib").predict_proba(X), expected)


@pytest.mark.parametrize("cls", GO_ON)
def test_an_unpickled_net_can_go_on_learning(cls, data):
    net = cls.fitted()
    again = pickle.loads(pickle.dumps(net)).partial_fit(*data)
    assert len(again.history) > len(net.history)


@pytest.mark.parametrize("cls", ALL)
def test_clone_of_a_fitted_net_is_unfitted_and_equal(cls, data):
    net = cls.fitted()
    other = clone(net)
    with pytest.raises(NotFittedError):
        other.predict(data[0])
    assert other.get_params()["device"] == "auto"
    assert_array_equal(
        other.fit(*data).predict_proba(data[0]), net.predict_proba(data[0])
    )


def test_the_validation_rows_do_not_travel_with_the_pickle(data):
    X, y = data
    net = NetClassifier(**SMALL)
    small = len(pickle.dumps(net.fit(X[:200], y[:200], eval_set=(X[200:], y[200:]))))
    many = np.repeat(X, 50, 0), np.repeat(y, 50)
    large = len(pickle.dumps(clone(net).fit(X[:200], y[:200], eval_set=many)))
    assert large < 1.2 * small


@contextmanager
def written_as_cuda(tensors):
    """Write tensors as if they lay on a CUDA device.

    torch writes where a storage lies beside its numbers; here it is made to write
    'cuda:0', so that reading needs the same switch to the CPU as a real one.
    """
    storages = {tensor.untyped_storage().data_ptr() for tensor in tensors}
    location_tag = torch.serialization.location_tag

    def tag(storage):
        on_cuda = storage.untyped().data_ptr() in storages
        return "cuda:0" if on_cuda else location_tag(storage)

    torch.serialization.location_tag = tag
    try:
        yield
    finally:
        torch.serialization.location_tag = location_tag


def trained_tensors(net):
    yield from net.module_.state_dict().values()
    yield from net.criterion_.state_dict().values()
    for state in net.optimizer_.state_dict()["state"].values():
        yield from (x for x in state.values() if torch.is_tensor(x) and x.ndim)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_a_cuda_pickle_opens_on_the_cpu(cls, data, device):
    X, _ = data
    net = copy.deepcopy(cls.fitted())
    expected = net.predict_proba(X)
    net.device = device
    with written_as_cuda(trained_tensors(net)):
        written = pickle.dumps(net)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # skorch warns that CUDA is not available
        again = pickle.loads(written)
    assert next(again.module_.parameters()).device.type == "cpu"
    assert torch.device(again.device).type == "cpu"
    assert_array_equal(again.predict_proba(X), expected)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_cuda_pickle_with_class_weights_opens_on_the_cpu(data):
    X, y = data
    net = LDAMClassifier(class_weight="balanced", **SMALL).fit(X, y)
    with written_as_cuda(trained_tensors(net)):
        written = pickle.dumps(net)
    again = pickle.loads(written)
    assert_array_equal(again.predict_proba(X), net.predict_proba(X))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_what_is_written_as_cuda_needs_the_switch():
    tensor = torch.zeros(1)
    with written_as_cuda([tensor]):
        written = pickle.dumps(tensor)
    with pytest.raises(RuntimeError, match="CUDA device"):
        pickle.loads(written)


@pytest.mark.gpu
@pytest.mark.parametrize("cls", ALL)
def test_cuda_training(cls, data):
    X, y = data
    net = cls(**SMALL | {"max_epochs": 40}).fit(X, y)
    assert next(net.module_.parameters()).is_cuda
    state = torch.cuda.get_rng_state()
    again = clone(net).fit(X, y)
    assert_array_equal(torch.cuda.get_rng_state(), state)
    np.testing.assert_allclose(again.predict_proba(X), net.predict_proba(X), atol=1e-3)
    on_cpu = pickle.loads(pickle.dumps(net)).set_params(device="cpu")
    on_cpu.module_.cpu()
    np.testing.assert_allclose(on_cpu.predict_proba(X), net.predict_proba(X), atol=1e-4)


# --- skorch --------------------------------------------------------------------------


def test_modules_of_skorch_users(data):
    X, y = data
    net = NetClassifier(Plain, module__hidden=7, max_epochs=2, random_state=0)
    net.fit(X, y)
    assert net.module_.layers[0].out_features == 7
    net.set_params(module__hidden=3)
    assert net.fit(X, y).module_.layers[0].out_features == 3
    assert net.predict_proba(X).shape == (240, 2)
    instance = NetClassifier(Plain(hidden=2), max_epochs=2, random_state=0).fit(X, y)
    assert instance.module_.layers[0].out_features == 2


def test_nll_loss_takes_a_module_of_probabilities(data):
    X, y = data
    net = NetClassifier(
        Probabilities, criterion=torch.nn.NLLLoss, max_epochs=2, random_state=0
    ).fit(X, y)
    np.testing.assert_allclose(net.predict_proba(X).sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(net.predict_proba(X), net.forward(X).numpy(), atol=1e-7)


def test_any_other_criterion_gives_probabilities(data):
    class Squared(torch.nn.Module):
        def forward(self, logits, target):
            one_hot = torch.nn.functional.one_hot(target, 2)
            return ((logits.softmax(-1) - one_hot) ** 2).mean()

    net = NetClassifier(criterion=Squared, **SMALL).fit(*data)
    np.testing.assert_allclose(net.predict_proba(data[0]).sum(1), 1, atol=1e-12)


def test_class_weight_needs_a_criterion_that_takes_it(data):
    refuse(
        "criterion that takes a weight",
        *data,
        criterion=torch.nn.MSELoss,
        class_weight="balanced",
    )


def test_predict_nonlinearity_can_be_given(data):
    X, y = data
    net = NetClassifier(predict_nonlinearity=torch.sigmoid, **SMALL).fit(X, y)
    np.testing.assert_allclose(
        net.predict_proba(X), torch.sigmoid(net.forward(X)).numpy(), atol=1e-6
    )


def test_scores_of_skorch_callbacks_speak_of_the_same_labels(data):
    X, code = data
    y = np.array([-1, 1])[code]
    params = {**SMALL, "max_epochs": 5, "early_stopping": False}
    net = NetClassifier(
        callbacks=[
            EpochScoring("accuracy", name="cached", lower_is_better=False),
            EpochScoring(
                "accuracy", name="anew", lower_is_better=False, use_caching=False
            ),
            EpochScoring("roc_auc", name="auc", lower_is_better=False),
        ],
        **params,
    )
    net.fit(X, y, eval_set=(X, y))
    assert net.history[-1, "cached"] == pytest.approx(np.mean(net.predict(X) == y))
    assert net.history[-1, "anew"] == net.history[-1, "cached"]
    assert 0 < net.history[-1, "auc"] <= 1


def test_callbacks_can_be_set_and_switched_off(data):
    net = NetClassifier(**SMALL, callbacks__early_stopping=None)
    net.fit(*data)
    assert "early_stopping" not in dict(net.callbacks_)
    net = NetClassifier(**SMALL, callbacks__early_stopping__patience=7).fit(*data)
    assert dict(net.callbacks_)["early_stopping"].patience == 7
    net = NetClassifier(**SMALL, callbacks="disable").fit(*data)
    assert len(net.history) == 3


def test_partial_fit_goes_on(data):
    X, y = data
    net = NetClassifier(**SMALL)
    net.partial_fit(X[:100], y[:100], classes=[0, 1, 2])
    weights = net.module_.hidden[0].weight.detach().clone()
    net.partial_fit(X[100:], y[100:])
    assert len(net.history) == 6
    assert not torch.equal(weights, net.module_.hidden[0].weight)
    assert net.predict_proba(X).shape == (240, 3)
    # A chunk of one row has nothing to set aside for validation.
    net.partial_fit(X[:1], y[:1])
    assert len(net.history) == 9
    with pytest.raises(ValueError, match=r"labels \[5\]"):
        net.partial_fit(X[:2], [0, 5])


def test_classes_can_be_declared(data):
    X, y = data
    net = NetClassifier(classes=[0, 1, 2], **SMALL).fit(X, y)
    assert net.predict_proba(X).shape == (240, 3)


def test_warm_start(data):
    net = NetClassifier(warm_start=True, **SMALL).fit(*data)
    net.fit(*data)
    assert len(net.history) == 6


def test_save_and_load_params(data, tmp_path):
    X, y = data
    net = NetClassifier(**SMALL).fit(X, y)
    net.save_params(f_params=tmp_path / "weights.pt")
    other = NetClassifier(**SMALL | {"random_state": 1}).fit(X, y)
    other.load_params(f_params=tmp_path / "weights.pt")
    # The bins are buffers, so they are loaded with the weights.
    assert_array_equal(other.predict_proba(X), net.predict_proba(X))


@pytest.mark.parametrize("cls", ALL)
def test_trimmed_for_prediction(cls, data):
    net = cls(**SMALL).fit(*data)
    expected = net.predict_proba(data[0])
    net.trim_for_prediction()
    assert_array_equal(net.predict_proba(data[0]), expected)


def test_data_loader_of_torch_is_seeded(data):
    X, y = data
    params = {
        **SMALL,
        "iterator_train": torch.utils.data.DataLoader,
        "iterator_train__shuffle": True,
        "iterator_valid": torch.utils.data.DataLoader,
    }
    X = X.astype(np.float32)
    first, second = (NetClassifier(**params).fit(X, y).predict_proba(X) for _ in "ab")
    assert_array_equal(first, second)


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.SGD])
def test_fused_optimizers_unless_told_otherwise(data, optimizer):
    net = NetClassifier(optimizer=optimizer, **SMALL).fit(*data)
    assert net.optimizer_.defaults["fused"]
    net = NetClassifier(optimizer=optimizer, optimizer__fused=False, **SMALL).fit(*data)
    assert not net.optimizer_.defaults["fused"]
    net = NetClassifier(optimizer__foreach=True, **SMALL).fit(*data)
    assert not net.optimizer_.defaults["fused"]


def test_optimizers_without_a_fused_version(data):
    NetClassifier(optimizer=torch.optim.RMSprop, **SMALL).fit(*data)


@pytest.mark.parametrize("encoding", ["piecewise_linear", "standard", None])
def test_numeric_encodings(data, encoding):
    X, y = data
    net = NetClassifier(numeric_encoding=encoding, **SMALL).fit(X, y)
    width = {"piecewise_linear": 40, "standard": 10, None: 10}[encoding]
    assert net.module_.hidden[0].in_features == width


def test_an_unscaled_table_works():
    scores = []
    for seed in range(3):
        X, y = table(n_samples=600, random_state=seed)
        X = X * 10.0 ** np.arange(-4, 6) + 1e4
        net = NetClassifier(
            max_epochs=20, lr=5e-3, batch_size=64, random_state=seed
        ).fit(X[:400], y[:400])
        proba = net.predict_proba(X[400:])[:, 1]
        scores.append(average_precision_score(y[400:], proba) - y[400:].mean())
    assert np.mean(scores) > 0.3


def test_the_batch_of_all_rows(data):
    net = NetClassifier(**SMALL | {"batch_size": -1}).fit(*data)
    assert net.history[-1, "train_batch_count"] == 1


def test_verbose_prints_a_table(data, capsys):
    NetClassifier(**SMALL, verbose=1).fit(*data)
    assert "valid_average_precision" in capsys.readouterr().out


def test_quiet_by_default(data, capsys):
    net = NetClassifier(**SMALL).fit(*data)
    net.fit(*data)
    net.set_params(module__hidden_sizes=(4,))
    assert capsys.readouterr().out == ""


def test_input_is_not_changed(data):
    X, y = (a.copy() for a in data)
    X32 = X.astype(np.float32)
    before = X32.copy()
    for name in NAMES:
        maker_of(name)(**SMALL).fit(X32, y)
    assert_array_equal(X32, before)


# --- What users tripped over ---------------------------------------------------------


def test_a_module_instance_is_not_trained_itself(data):
    module = Plain(hidden=4)
    before = module.layers[0].weight.detach().clone()
    net = NetClassifier(module, max_epochs=3, random_state=0).fit(*data)
    assert torch.equal(module.layers[0].weight, before)
    assert not torch.equal(net.module_.layers[0].weight, before)


def test_nll_loss_with_sample_weights_takes_the_log(data):
    X, y = data
    net = NetClassifier(
        Probabilities,
        criterion=torch.nn.NLLLoss,
        criterion__reduction="none",
        max_epochs=2,
        random_state=0,
    ).fit(X, y, sample_weight=np.linspace(0.5, 1.5, len(y)))
    assert min(net.history[:, "train_loss"]) > 0


def test_a_criterion_that_does_not_reduce_is_averaged(data):
    X, y = data
    params = {"criterion": torch.nn.CrossEntropyLoss, **SMALL}
    mean = NetClassifier(**params).fit(X, y)
    none = NetClassifier(criterion__reduction="none", **params).fit(X, y)
    np.testing.assert_allclose(mean.predict_proba(X), none.predict_proba(X), atol=1e-6)


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_loss_of_nan_is_an_error(data):
    for early_stopping in (True, False):
        net = NetClassifier(lr=1e30, early_stopping=early_stopping, max_epochs=50)
        with pytest.raises(ValueError, match="training loss is .* in epoch"):
            net.fit(*data)


def test_a_class_of_weight_zero_is_ignored_without_nan(data):
    net = NetClassifier(class_weight={0: 0.0, 1: 1.0}, **SMALL | {"batch_size": 8})
    assert np.isfinite(net.fit(*data).predict_proba(data[0])).all()


@pytest.mark.parametrize(
    ("class_weight", "match"),
    [
        ({0: 0.0, 1: 0.0}, "every class weight 0"),
        ({0: -1.0, 1: 1.0}, "finite and at least 0"),
        ({0: np.nan, 1: 1.0}, "finite and at least 0"),
    ],
)
def test_refuses_class_weights_without_sense(data, class_weight, match):
    refuse(match, *data, class_weight=class_weight)


def test_a_validation_set_without_a_class_is_refused(data):
    X, y = data
    with pytest.raises(ValueError, match=r"eval_set has no row of class \[1\]"):
        NetClassifier(early_stopping=True, **SMALL).fit(
            X, y, eval_set=(X[y == 0], y[y == 0])
        )
    for early_stopping in (False, "auto"):
        net = NetClassifier(early_stopping=early_stopping, **SMALL)
        net.fit(X, y, eval_set=(X[y == 0], y[y == 0]))


@pytest.mark.parametrize("labels", [[-1, 1], ["a", "b"], [1, 2]])
def test_labels_of_a_predefined_split_are_encoded(data, labels):
    X, code = data
    y = np.array(labels)[code]
    by_split = NetClassifier(
        train_split=predefined_split(Dataset(X[200:], y[200:])), **SMALL
    ).fit(X[:200], y[:200])
    by_set = NetClassifier(**SMALL).fit(X[:200], y[:200], eval_set=(X[200:], y[200:]))
    assert_array_equal(
        by_split.history[:, "valid_average_precision"],
        by_set.history[:, "valid_average_precision"],
    )


def test_a_data_loader_shuffles_unless_told_otherwise(data):
    X, y = data[0].astype(np.float32), data[1]
    loader = torch.utils.data.DataLoader
    for params, kind in [
        ({}, torch.utils.data.RandomSampler),
        ({"iterator_train__shuffle": False}, torch.utils.data.SequentialSampler),
    ]:
        net = NetClassifier(iterator_train=loader, **SMALL, **params).fit(X, y)
        batches = net.get_iterator(net.get_dataset(X, y), training=True)
        assert type(batches.sampler) is kind


def test_prediction_with_a_data_loader_leaves_the_global_generator(data):
    X, y = data
    net = NetClassifier(iterator_valid=torch.utils.data.DataLoader, **SMALL)
    net.fit(X, y)
    state = torch.get_rng_state()
    net.predict(X)
    assert_array_equal(torch.get_rng_state(), state)


def test_partial_fit_learns_a_class_that_came_later(data):
    X, y = data
    net = LDAMClassifier(**SMALL, class_weight="balanced")
    net.partial_fit(X[y == 0], y[y == 0], classes=[0, 1])
    for _ in range(8):
        net.partial_fit(X, y)
    counts = np.bincount(y)
    assert_array_equal(net.class_counts_, [9 * counts[0], 8 * counts[1]])
    assert net.criterion_.margins[1] == pytest.approx(0.5)
    assert net.predict_proba(X)[y == 1, 1].mean() > 0.2
    with pytest.raises(ValueError, match="not those of the first call"):
        net.partial_fit(X, y, classes=[0, 1, 2])


def test_progress_bar_of_skorch(data, capsys):
    from skorch.callbacks import ProgressBar

    NetClassifier(callbacks=[ProgressBar()], **SMALL).fit(*data)
    assert "it/s" in capsys.readouterr().err


def test_many_classes_fit_into_the_default_batches():
    rng = np.random.RandomState(0)
    net = ReMixClassifier(**SMALL).fit(rng.rand(60, 3), np.arange(60) % 20)
    assert net.predict_proba(rng.rand(2, 3)).shape == (2, 20)


def test_batch_size_is_resolved_for_others_and_kept_for_clones(data):
    net = NetClassifier(**SMALL | {"batch_size": "auto"})
    assert net.get_params()["batch_size"] == "auto"
    assert net.fit(*data).batch_size == 30
    assert clone(net).get_params()["batch_size"] == "auto"


def test_fits_in_threads_give_what_fits_in_turn_give(data):
    X, y = data
    seeds = range(4)
    state = torch.get_rng_state()

    def fit(seed):
        params = {**SMALL, "random_state": seed}
        return NetClassifier(**params).fit(X, y).predict_proba(X)

    alone = [fit(seed) for seed in seeds]
    together = joblib.Parallel(2, backend="threading")(
        joblib.delayed(fit)(seed) for seed in seeds
    )
    assert_array_equal(alone, together)
    assert_array_equal(torch.get_rng_state(), state)


def test_refuses_unknown_devices(data):
    refuse("device='gpu' is unknown", *data, device="gpu")
    if not torch.cuda.is_available():
        refuse("torch finds no CUDA device", *data, device="cuda")


def test_refuses_mixed_labels_and_dates(data):
    X, y = data
    refuse("mixes numbers and text", X, np.array([*y[:-1], "a"], object))
    refuse("hold dates", X.astype("datetime64[s]"), y)


def test_the_loss_decides_the_head(data):
    from imbdeep.losses import LDAMLoss
    from imbdeep.modules import CosineHead

    for net in (
        NetClassifier(criterion="ldam", **SMALL),
        LDAMClassifier(criterion=LDAMLoss, **SMALL),
    ):
        assert isinstance(net.fit(*data).module_.head, CosineHead)
