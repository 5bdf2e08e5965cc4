"""Probabilities of any classifier, mapped back to the class shares of the data."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.base import BaseSampler
from imblearn.combine import SMOTEENN
from imblearn.ensemble import (
    BalancedBaggingClassifier,
    BalancedRandomForestClassifier,
    EasyEnsembleClassifier,
    RUSBoostClassifier,
)
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB
from sklearn.pipeline import make_pipeline as sklearn_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from skorch.dataset import ValidSplit
from torch import nn

from imbdeep.batches import TensorBatches
from imbdeep.calibration import PriorCorrectedClassifier
from imbdeep.callbacks import DeferredReweighting
from imbdeep.classifiers import (
    ImbalancedClassifier,
    NetClassifier,
    ReMixClassifier,
)

from ..common.slow import half_of
from .mixtures import MEANS, PRIORS, draw, error_of_log_odds, posterior

# Without a penalty, which would draw log-odds to 0 in small samples.
LOGISTIC = LogisticRegression(C=np.inf)
OVER, UNDER = RandomOverSampler(random_state=0), RandomUnderSampler(random_state=0)
METHODS = {
    "over": make_pipeline(OVER, LOGISTIC),
    "under": make_pipeline(UNDER, LOGISTIC),
    "weights": clone(LOGISTIC).set_params(class_weight="balanced"),
    "over-weights": make_pipeline(
        RandomOverSampler(sampling_strategy="not majority", random_state=0),
        clone(LOGISTIC).set_params(class_weight={0: 1, 1: 7, 2: 3}),
    ),
}


@half_of(method=METHODS, name=MEANS)
def test_the_error_of_the_log_odds_falls_with_the_root_of_the_rows(method, name):
    errors, uncorrected = [], []
    for n_rows in (800, 12800):
        models = [
            PriorCorrectedClassifier(METHODS[method]).fit(*draw(name, n_rows, seed))
            for seed in range(12)
        ]
        squares = [error_of_log_odds(model, name) ** 2 for model in models]
        errors.append(np.sqrt(np.mean(squares)))
        raw = [error_of_log_odds(model.estimator_, name) for model in models]
        uncorrected.append(np.mean(raw))
    # 16 times the rows: 4 times as exact, and nothing is left in the limit.
    assert 2.5 < errors[0] / errors[1] < 8
    assert errors[1] < 0.2
    assert uncorrected[1] > 5 * errors[1]


@half_of(method=METHODS, name=MEANS)
def test_the_log_loss_is_close_to_that_of_bayes(method, name):
    for seed in range(5):
        X, y = draw(name, 3000, seed)
        Xt, yt = draw(name, 1500, 100 + seed)
        model = PriorCorrectedClassifier(METHODS[method]).fit(X, y)
        best = log_loss(yt, posterior(name, Xt))
        corrected = log_loss(yt, model.predict_proba(Xt))
        raw = log_loss(yt, model.estimator_.predict_proba(Xt))
        assert corrected < best + 0.01
        assert raw > best + 0.08


def test_shares_of_another_population():
    X, y = draw("two", 5000, 0)
    prior = np.array([0.3, 0.7])
    model = PriorCorrectedClassifier(METHODS["under"], target_prior=prior).fit(X, y)
    assert_allclose(model.predict_proba(X), posterior("two", X, prior), atol=0.07)
    by_label = PriorCorrectedClassifier(
        METHODS["under"], target_prior={"b": 0.7, "a": 0.3}
    ).fit(X, np.array(["a", "b"])[y])
    assert_array_equal(by_label.predict_proba(X), model.predict_proba(X))
    assert_array_equal(by_label.target_prior_, prior)


X, Y = draw("two", 300, 0)
WEIGHT = np.random.default_rng(1).uniform(0.5, 2, len(Y))
EQUAL = [0.5, 0.5]
KNOWN = {
    "plain": (LogisticRegression(), PRIORS["two"]),
    "over": (make_pipeline(OVER, LogisticRegression()), EQUAL),
    "smote": (make_pipeline(SMOTE(random_state=0), LogisticRegression()), EQUAL),
    "a-third": (
        make_pipeline(RandomOverSampler(sampling_strategy=0.5), LogisticRegression()),
        [2 / 3, 1 / 3],
    ),
    "nested": (
        make_pipeline(StandardScaler(), make_pipeline(UNDER, LogisticRegression())),
        EQUAL,
    ),
    "weights": (LogisticRegression(class_weight={0: 1, 1: 3}), [0.75, 0.25]),
    "forest": (
        RandomForestClassifier(5, class_weight="balanced_subsample", random_state=0),
        EQUAL,
    ),
    "boosting": (HistGradientBoostingClassifier(class_weight="balanced"), EQUAL),
    "weights-after-over": (
        make_pipeline(OVER, LogisticRegression(class_weight={0: 1, 1: 3})),
        [0.25, 0.75],
    ),
    "priors": (GaussianNB(priors=[0.2, 0.8]), [0.2, 0.8]),
    "fisher": (LinearDiscriminantAnalysis(priors=[0.4, 0.6]), [0.4, 0.6]),
    "no-prior": (BernoulliNB(fit_prior=False), EQUAL),
    "class-prior": (BernoulliNB(class_prior=[0.3, 0.7]), [0.3, 0.7]),
    "balanced-forest": (BalancedRandomForestClassifier(5, random_state=0), EQUAL),
    "a-third-forest": (
        BalancedRandomForestClassifier(5, sampling_strategy=0.5, random_state=0),
        [2 / 3, 1 / 3],
    ),
    "balanced-bagging": (BalancedBaggingClassifier(n_estimators=3), EQUAL),
    "easy": (EasyEnsembleClassifier(n_estimators=2, random_state=0), EQUAL),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_trained_prior_is_found(name):
    estimator, expected = KNOWN[name]
    model = PriorCorrectedClassifier(estimator).fit(X, Y)
    assert_allclose(model.trained_prior_, expected, atol=1e-12)
    assert_allclose(model.target_prior_, PRIORS["two"])
    assert_allclose(model.predict_proba(X).sum(axis=1), 1, atol=1e-12)
    raw = model.estimator_.predict_proba(X)
    ranked = model.predict_proba(X)[raw[:, 1].argsort(), 1]
    assert (np.diff(ranked) > -1e-12).all()
    if name == "plain":
        assert_array_equal(model.predict_proba(X), raw)
        assert_array_equal(model.predict(X), model.estimator_.predict(X))
    else:
        changed = model.predict_proba(X)[:, 1] < raw[:, 1]
        inside = (raw > 1e-9).all(axis=1) & (raw < 1 - 1e-9).all(axis=1)
        assert changed[inside].all()


@pytest.mark.parametrize("weight", [None, "balanced", {0: 1, 1: 3}])
@pytest.mark.parametrize(
    "classifier", [LogisticRegression(), HistGradientBoostingClassifier(max_iter=5)]
)
def test_weights_of_rows_count_as_rows(classifier, weight):
    classifier = clone(classifier).set_params(class_weight=weight)
    model = PriorCorrectedClassifier(classifier).fit(X, Y, sample_weight=WEIGHT)
    mass = np.array([WEIGHT[c == Y].sum() for c in (0, 1)])
    assert_allclose(model.target_prior_, mass / mass.sum())
    expected = clone(classifier).fit(X, Y, sample_weight=WEIGHT).predict_proba(X)
    assert_array_equal(model.estimator_.predict_proba(X), expected)
    if weight is None:
        assert_array_equal(model.predict_proba(X), expected)


def test_balanced_weights_are_those_of_the_classifier():
    # What the classifier does with both can be had with weights of rows alone.
    for classifier in (
        LogisticRegression(C=np.inf),
        DecisionTreeClassifier(max_depth=3),
    ):
        weighted = clone(classifier).set_params(class_weight="balanced")
        model = PriorCorrectedClassifier(weighted).fit(X, Y, sample_weight=WEIGHT)
        by_class = np.divide(model.trained_prior_, np.bincount(Y, WEIGHT))
        alone = clone(classifier).fit(X, Y, sample_weight=WEIGHT * by_class[Y])
        raw = model.estimator_.predict_proba(X)
        assert_allclose(raw, alone.predict_proba(X), atol=1e-4)


class Counting(BaseSampler):
    """Drops the frequent class to as many rows, and counts its fits."""

    _sampling_type = "bypass"
    fits = 0

    def fit_resample(self, X, y):
        Counting.fits += 1
        return RandomUnderSampler(random_state=0).fit_resample(X, y)

    def _fit_resample(self, X, y):
        raise NotImplementedError


def test_samplers_are_fitted_once_and_the_parts_are_those_of_the_user():
    Counting.fits = 0
    pipeline = make_pipeline(Counting(), LogisticRegression())
    model = PriorCorrectedClassifier(pipeline).fit(X, Y)
    assert Counting.fits == 1
    assert type(model.estimator_.steps[-1][1]) is LogisticRegression
    assert not hasattr(pipeline.steps[-1][1], "classes_")
    again = clone(pipeline).fit(X, Y)
    assert_array_equal(again.predict_proba(X), model.estimator_.predict_proba(X))


def test_a_pickle_a_clone_and_a_frame():
    frame = pd.DataFrame(X, columns=["b", "a"])
    model = PriorCorrectedClassifier(METHODS["under"], target_prior=[0.5, 0.5])
    model.fit(frame, Y)
    expected = model.predict_proba(frame)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(frame), expected)
    assert_array_equal(clone(model).fit(frame, Y).predict_proba(frame), expected)
    assert model.feature_names_in_.tolist() == ["b", "a"]
    assert model.n_features_in_ == 2
    assert_allclose(np.exp(model.predict_log_proba(frame)), expected, rtol=1e-12)
    assert not hasattr(model, "decision_function")


def test_it_goes_into_searches():
    pipeline = make_pipeline(StandardScaler(), UNDER, LogisticRegression())
    model = PriorCorrectedClassifier(pipeline)
    grid = {"estimator__logisticregression__C": [0.01, 1.0]}
    search = GridSearchCV(model, grid, scoring="neg_log_loss", cv=3).fit(X, Y)
    proba = cross_val_predict(search.best_estimator_, X, Y, method="predict_proba")
    assert log_loss(Y, proba) < 0.3


class Refusing(LogisticRegression):
    """Needs a weight."""

    def fit(self, X, y, sample_weight=None):
        if sample_weight is None:
            raise ValueError("no weights came")
        return super().fit(X, y, sample_weight)


def test_weights_reach_the_last_step():
    for estimator in (Refusing(), sklearn_pipeline(MinMaxScaler(), Refusing())):
        PriorCorrectedClassifier(estimator).fit(X, Y, sample_weight=WEIGHT)
        with config_context(enable_metadata_routing=True):
            requesting = clone(estimator)
            last = getattr(requesting, "steps", [("", requesting)])[-1][1]
            last.set_fit_request(sample_weight=True)
            model = PriorCorrectedClassifier(requesting)
            model.fit(X, Y, sample_weight=WEIGHT)
            mass = np.bincount(Y, WEIGHT)
            assert_allclose(model.target_prior_, mass / mass.sum())
    named = sklearn_pipeline(MinMaxScaler(), Refusing())
    PriorCorrectedClassifier(named).fit(X, Y, refusing__sample_weight=WEIGHT)


class Dropping(Counting):
    def fit_resample(self, X, y):
        return X[y != 1], y[y != 1]


REFUSED = {
    "no-proba": (SVC(), r"'estimator' parameter .* 'predict_proba'"),
    "bagging": (
        BaggingClassifier(LogisticRegression(class_weight="balanced")),
        "PriorCorrectedClassifier inside BaggingClassifier",
    ),
    "search": (
        GridSearchCV(make_pipeline(UNDER, LogisticRegression()), {}),
        "PriorCorrectedClassifier inside GridSearchCV",
    ),
    "grid": (
        GridSearchCV(LogisticRegression(), {"class_weight": [None, "balanced"]}),
        "GridSearchCV has param_grid over class_weight",
    ),
    "priors-inside": (
        BaggingClassifier(GaussianNB(priors=[0.4, 0.3, 0.3])),
        r"BaggingClassifier has estimator__priors=\[0.4, 0.3, 0.3\]",
    ),
    "uniform-inside": (
        BaggingClassifier(BernoulliNB(fit_prior=False)),
        "BaggingClassifier has estimator__fit_prior=False",
    ),
    "weights-in-a-blend": (
        ImbalancedClassifier([("a", LogisticRegression(class_weight="balanced"))]),
        r"ImbalancedClassifier has learners: a__class_weight='balanced'",
    ),
    "forest-inside": (
        VotingClassifier([("a", BalancedRandomForestClassifier())], voting="soft"),
        "VotingClassifier has a__sampling_strategy=",
    ),
    "net-inside": (
        VotingClassifier([("net", ReMixClassifier())], voting="soft"),
        "VotingClassifier has net=ReMixClassifier.*Pass prior_correction=True",
    ),
    "net-in-a-search": (
        GridSearchCV(ReMixClassifier(), {"alpha": [0.1]}),
        "GridSearchCV has estimator=ReMixClassifier.*Pass prior_correction=True",
    ),
    "complement": (ComplementNB(), "ComplementNB take no notice of class shares"),
    "own-target": (
        NetClassifier(prior_correction=True, target_prior=[0.5, 0.3, 0.2]),
        "NetClassifier has target_prior=.*Pass it to PriorCorrectedClassifier",
    ),
    "boost": (RUSBoostClassifier(), "RUSBoostClassifier resamples rows by itself"),
    "smote-bagging": (
        BalancedBaggingClassifier(sampler=SMOTE()),
        "BalancedBaggingClassifier resamples rows by itself",
    ),
    "dropped": (
        make_pipeline(Dropping(), GaussianNB()),
        r"Class \[1\] had no share in training",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_told_is_refused(name):
    estimator, message = REFUSED[name]
    model = PriorCorrectedClassifier(estimator)
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y)
    assert not hasattr(model, "estimator_")


def test_parts_that_leave_the_shares_alone_are_taken():
    parts = [("a", LogisticRegression()), ("b", GaussianNB())]
    nets = NetClassifier(prior_correction=True, max_epochs=1, random_state=0)
    for estimator in (
        VotingClassifier(parts, voting="soft"),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}),
        BaggingClassifier(BernoulliNB(), n_estimators=2),
        BaggingClassifier(nets, n_estimators=1),
        ImbalancedClassifier(parts[:1]),
    ):
        model = PriorCorrectedClassifier(estimator).fit(X, Y)
        assert_allclose(model.trained_prior_, model.target_prior_)


PLAIN = {"max_epochs": 1, "random_state": 0, "module__hidden_sizes": (4,)}


class Derived(NetClassifier):
    """May take other steps."""


def inside(net, grid=None):
    if grid is not None:
        return GridSearchCV(net, grid, cv=2)
    return VotingClassifier([("net", net)], voting="soft")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"train_split": None, "early_stopping": False},
        {"iterator_train": TensorBatches, "criterion": nn.CrossEntropyLoss},
        {"module": "tabm", "module__k": 2, "n_members": 2},
        {"weight_reduction": "rows"},
    ],
)
def test_a_net_that_provably_learns_the_shares_of_its_rows_is_taken(params):
    params = PLAIN | params
    weight = WEIGHT if "weight_reduction" in params else None
    estimator = inside(NetClassifier(**params))
    model = PriorCorrectedClassifier(estimator).fit(X, Y, sample_weight=weight)
    assert_allclose(model.trained_prior_, model.target_prior_)
    # That is what it finds out itself, if it is asked.
    asked = NetClassifier(prior_correction=True, **params)
    asked.fit(X, Y, sample_weight=weight)
    odds = asked.trained_prior_ / asked.target_prior_
    assert_allclose(odds / odds[0], 1, atol=0.03 if weight is None else 0.05)


@pytest.mark.parametrize(
    ("params", "grid"),
    [
        ({"iterator_train": "balanced"}, None),
        ({"criterion": "focal"}, None),
        ({"criterion__weight": torch.tensor([1.0, 2.0, 3.0])}, None),
        ({"criterion": nn.CrossEntropyLoss, "criterion__label_smoothing": 0.1}, None),
        ({"callbacks": [("later", DeferredReweighting(0.5))]}, None),
        ({"early_stopping": True}, None),
        ({"validation_fraction": 0.5}, None),
        ({"train_split": ValidSplit(5)}, None),
        ({"module": "nca"}, None),
        ({"n_members": 2, "member_holdout": "folds"}, None),
        ({"n_members": 2, "member_sampling": "balanced"}, None),
        ({"predict_nonlinearity": None}, None),
        ({}, {"iterator_train": ["balanced"]}),
        ({}, {"criterion__weight": [None]}),
        ({}, {"callbacks__print_log": [None]}),
        ({}, {"module": ["nca"]}),
    ],
)
def test_a_net_that_may_learn_other_shares_is_refused(params, grid):
    net = NetClassifier(**PLAIN | params)
    model = PriorCorrectedClassifier(inside(net, grid))
    with pytest.raises(ValueError, match="Pass prior_correction=True"):
        model.fit(X, Y)


def test_what_is_not_known_of_a_net_is_refused():
    for net, weight in ((Derived(**PLAIN), None), (NetClassifier(**PLAIN), WEIGHT)):
        model = PriorCorrectedClassifier(inside(net))
        with pytest.raises(ValueError, match="Pass prior_correction=True"):
            model.fit(X, Y, sample_weight=weight)


def test_a_search_over_the_size_of_a_plain_net():
    search = inside(
        NetClassifier(**PLAIN), {"module__hidden_sizes": [(3,)], "lr": [0.1]}
    )
    model = PriorCorrectedClassifier(search).fit(X, Y)
    assert_allclose(model.trained_prior_, model.target_prior_)


def test_weights_beside_a_sampler_are_refused():
    with pytest.raises(ValueError, match="sample_weight cannot pass a sampler"):
        PriorCorrectedClassifier(METHODS["under"]).fit(X, Y, sample_weight=WEIGHT)


def test_other_samplers_change_more_than_the_shares_and_are_mapped_by_what_is_left():
    estimator = make_pipeline(SMOTEENN(random_state=0), LogisticRegression())
    model = PriorCorrectedClassifier(estimator).fit(X, Y)
    _, left = SMOTEENN(random_state=0).fit_resample(X, Y)
    assert_allclose(model.trained_prior_, np.bincount(left) / len(left))
