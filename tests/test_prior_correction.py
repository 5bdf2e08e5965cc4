"""Nets whose probabilities refer to the class shares of the data."""

import pickle

import numpy as np
import pytest
import torch
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from torch.utils.data import DataLoader

from imbdeep.calibration import PriorCorrectedClassifier, correct_prior
from imbdeep.callbacks import LRDrops
from imbdeep.classifiers import (
    AdversarialClassifier,
    ImbMixClassifier,
    LDAMClassifier,
    NetClassifier,
    NetEnsembleClassifier,
    ReMixClassifier,
)

from .calibration.mixtures import (
    PRIORS,
    draw,
    error_of_log_odds,
    log_odds,
    posterior,
)
from .common.slow import half_of


class Linear(torch.nn.Linear):
    """The true model of the mixtures."""

    def __init__(self, n_features, n_classes):
        super().__init__(n_features, n_classes)


LINEAR = {
    "module": Linear,
    "numeric_encoding": None,
    "train_split": None,
    "early_stopping": False,
    "lr": 0.05,
    "callbacks": [("drops", LRDrops)],
    "random_state": 0,
    "prior_correction": True,
}
METHODS = {
    "balanced": (NetClassifier, {"iterator_train": "balanced"}),
    "weights": (NetClassifier, {"class_weight": "balanced"}),
    "deferred": (
        LDAMClassifier,
        {"criterion": "cross_entropy", "reweight_from": 0.5, "lr_schedule": None},
    ),
    "members": (NetClassifier, {"n_members": 3, "member_sampling": "auto"}),
}


def fitted(method, X, y, max_epochs, **params):
    kind, options = METHODS[method]
    return kind(**LINEAR | options | {"max_epochs": max_epochs} | params).fit(X, y)


@pytest.mark.slow
def test_the_error_of_the_log_odds_falls_with_the_root_of_the_rows():
    errors = []
    for n_rows, max_epochs in ((250, 25), (4000, 6)):
        squares = []
        for seed in range(7):
            net = fitted("balanced", *draw("two", n_rows, seed), max_epochs)
            squares.append(error_of_log_odds(net, "two") ** 2)
        errors.append(np.sqrt(np.mean(squares)))
    # 16 times the rows: 4 times as exact. Steps add noise of their own.
    assert errors[0] / errors[1] > 2.2
    # Of balanced classes, uncorrected, it is 2.2.
    assert errors[1] < 0.3


@pytest.mark.parametrize("method", METHODS)
def test_the_log_loss_is_close_to_that_of_bayes(method):
    name = "three"
    for seed in range(3):
        Xt, yt = draw(name, 1500, 100 + seed)
        net = fitted(method, *draw(name, 1500, seed), 10, random_state=seed)
        best, corrected = posterior(name, Xt), net.predict_proba(Xt)
        raw = correct_prior(corrected, net.target_prior_, net.trained_prior_)
        assert log_loss(yt, corrected) < log_loss(yt, best) + 0.03
        assert log_loss(yt, raw) > log_loss(yt, best) + 0.08


@half_of(
    training=[(16, 12, 3, 0.1), (64, 12, 3, 0.1), (-1, 400, 1, 1e-3)],
    weight_reduction=["weights", "rows"],
)
def test_small_weighted_batches_refer_to_what_their_loss_counts(
    training, weight_reduction
):
    batch_size, max_epochs, n_seeds, most = training
    X, y = draw("two", 400, 0)
    differ = []
    for seed in range(n_seeds):
        net = NetClassifier(
            **LINEAR | {"random_state": seed},
            class_weight="balanced",
            weight_reduction=weight_reduction,
            batch_size=batch_size,
            max_epochs=max_epochs,
        ).fit(X, y)
        # The minimum of the loss of all rows, weighted as batches weigh them.
        weights = dict(enumerate(net.trained_prior_ / PRIORS["two"]))
        exact = LogisticRegression(C=np.inf, class_weight=weights).fit(X, y)
        expected = correct_prior(
            exact.predict_proba(X), net.trained_prior_, net.target_prior_
        )
        difference = log_odds(net.predict_proba(X)) - log_odds(expected)
        differ.append(difference.mean())
    assert abs(np.mean(differ)) < most
    # By the ratio of expectations, classes would have equal shares in any batch.
    missed = log_odds(net.trained_prior_[None]).item()
    if weight_reduction == "rows" or batch_size < 0:
        assert_allclose(missed, 0, atol=1e-6)
    else:
        assert missed < {16: -0.25, 64: -0.05}[batch_size]


X, Y = draw("two", 200, 0)
WEIGHT = np.random.default_rng(0).uniform(0.5, 2, len(Y))
SMALL = {
    "module__hidden_sizes": (8,),
    "lr": 0.01,
    "max_epochs": 3,
    "batch_size": 32,
    "random_state": 0,
    "train_split": None,
    "early_stopping": False,
    "prior_correction": True,
}
ATTACK = {"eps": 0.1, "eps_unit": "std", "attack_steps": 1}
WEIGHTED = {"class_weight": {0: 1, 1: 3}, "weight_reduction": "rows"}


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (NetClassifier(), [0.9, 0.1]),
        (NetClassifier(**WEIGHTED), [0.75, 0.25]),
        (NetClassifier(iterator_train="balanced", **WEIGHTED), [0.25, 0.75]),
        (NetClassifier(iterator_train="mixup"), [0.9, 0.1]),
        (ReMixClassifier(), [0.5, 0.5]),
        (NetClassifier(module="nca", iterator_train="balanced"), [0.9, 0.1]),
        (NetClassifier(module="nca", class_weight="balanced"), [0.5, 0.5]),
        (AdversarialClassifier(**ATTACK), [0.9, 0.1]),
        (ImbMixClassifier(n_copies=3, mix=None, **ATTACK), [9 / 13, 4 / 13]),
        (ImbMixClassifier(n_copies=3, mix="mixup", **ATTACK), [9 / 13, 4 / 13]),
        # Ratio 9: a mixture that is rare by half is rare. E[max(u, 1 - u)] = 3/4.
        (
            ImbMixClassifier(n_copies=0, **ATTACK),
            [0.9 - 0.18 * 0.125, 0.1 + 0.18 * 0.125],
        ),
    ],
)
def test_the_trained_prior_of_a_method(net, expected):
    small = {k: v for k, v in SMALL.items() if net.module == "mlp" or "hidden" not in k}
    net.set_params(**small).fit(X, Y)
    assert_allclose(net.trained_prior_, expected, atol=1e-6)
    assert_allclose(net.target_prior_, [0.9, 0.1])


def test_weights_of_rows_shift_both_priors():
    net = NetClassifier(**SMALL, weight_reduction="rows")
    net.fit(X, Y, sample_weight=WEIGHT)
    mass = np.bincount(Y, WEIGHT)
    assert_allclose(net.target_prior_, mass / mass.sum(), rtol=1e-6)
    assert_allclose(net.trained_prior_, net.target_prior_, rtol=1e-6)


def test_training_and_the_order_of_two_classes_do_not_change():
    for kind, params in (
        (NetClassifier, {"iterator_train": "balanced"}),
        # The attack looks at the logits, which it sees as they are learned.
        (AdversarialClassifier, {"iterator_train": "balanced", **ATTACK}),
    ):
        nets = [
            kind(**SMALL | params | {"prior_correction": corrects}).fit(X, Y)
            for corrects in (False, True)
        ]
        for a, b in zip(*(n.module_.parameters() for n in nets), strict=True):
            assert torch.equal(a, b)
        raw, corrected = (net.predict_proba(X) for net in nets)
        assert_allclose(corrected, correct_prior(raw, [1, 1], [9, 1]), rtol=1e-5)
        assert not hasattr(nets[0], "trained_prior_")


@pytest.mark.parametrize("module", [{}, {"module": "tabm"}])
def test_each_member_is_corrected_by_its_own_shares(module):
    params = {"n_members": 3, "member_holdout": "folds", "class_weight": "balanced"}
    # 23 rare rows in five folds: members do not have equally many.
    keep = np.r_[np.flatnonzero(Y == 0), np.flatnonzero(Y == 1)[:13]]
    net = NetClassifier(**SMALL | module | params)
    net.set_params(early_stopping=True).fit(X[keep], Y[keep])
    ratios = net._log_ratio
    assert ratios.shape == (3, 2)
    assert np.ptp(ratios, axis=0).max() > 0.01
    by_member = []
    for member, ratio in zip(net.members_, ratios, strict=True):
        with torch.no_grad():
            logits = member.eval()(torch.tensor(X, dtype=torch.float32))
        logits = logits if logits.ndim == 3 else logits[:, None]
        by_member.append((logits + torch.as_tensor(ratio)).softmax(-1).mean(1))
    expected = torch.stack(by_member).mean(0)
    inside = (X[keep].min(0) <= X).all(1) & (X[keep].max(0) >= X).all(1)
    assert_allclose(net.predict_proba(X)[inside], expected[inside], atol=1e-6)
    # Rows are judged by the same corrected members.
    assert abs(net.oof_proba_[:, 1].mean() - net.predict_proba(X)[:, 1].mean()) < 0.05
    raw = NetClassifier(**SMALL | module | params | {"prior_correction": False})
    raw.set_params(early_stopping=True).fit(X[keep], Y[keep])
    assert raw.oof_proba_[:, 1].mean() > net.oof_proba_[:, 1].mean() + 0.1


def test_members_trained_anew_on_all_rows_have_the_shares_of_all():
    keep = np.r_[np.flatnonzero(Y == 0), np.flatnonzero(Y == 1)[:13]]
    folds = {"n_members": 3, "member_holdout": "folds", "refit": True}
    net = NetClassifier(**SMALL | folds).fit(X[keep], Y[keep])
    assert_allclose(net._log_ratio, 0, atol=1e-12)
    held_out = NetClassifier(**SMALL | folds | {"refit": False})
    assert abs(held_out.fit(X[keep], Y[keep])._log_ratio).max() > 0.01
    assert_allclose(held_out.oof_proba_, net.oof_proba_, rtol=1e-6)


def test_neighbours_of_members_that_under_sample():
    params = {"n_members": 2, "module__n_latent": 8, "max_epochs": 2, "random_state": 0}
    nets = NetEnsembleClassifier(
        member_sampling=0.5, prior_correction=True, **params
    ).fit(X, Y)
    assert_allclose(nets.trained_prior_, [2 / 3, 1 / 3], atol=0.01)
    assert abs(nets.predict_proba(X)[:, 1].mean() - 0.1) < 0.06
    assert abs(nets.oof_proba_[:, 1].mean() - 0.1) < 0.06


def test_the_epoch_that_is_kept_decides_about_deferred_weights():
    def score(net, X, y):
        return -float(len(net.history))

    deferred = {"criterion": "cross_entropy", "reweight_from": 0.5, "beta": 0.999}
    params = SMALL | deferred | {"max_epochs": 4, "train_split": "stratified"}
    last = LDAMClassifier(**params).fit(X, Y)
    first = LDAMClassifier(**params | {"early_stopping": True}, scoring=score)
    first.fit(X, Y)
    in_training = np.array([144, 16]) / 160
    assert_allclose(first.trained_prior_, in_training)
    assert last.trained_prior_[1] > 0.3
    averaged = LDAMClassifier(
        **params | {"train_split": None}, weight_averaging="swa", average_from=0.25
    ).fit(X, Y)
    # One epoch of three without weights, on a scale of log-odds.
    unweighted, weighted = np.log([0.1 / 0.9]), log_odds(last.trained_prior_[None])
    found = log_odds(averaged.trained_prior_[None])
    assert_allclose(found, (unweighted + 2 * weighted) / 3, atol=0.02)


def test_the_validation_loss_is_that_of_the_probabilities():
    Xv, yv = draw("two", 120, 7)
    for params in ({}, {"n_members": 2}):
        net = NetClassifier(**SMALL | params, class_weight="balanced")
        net.fit(X, Y, eval_set=(Xv, yv))
        assert_allclose(
            net.history[-1, "valid_loss"], log_loss(yv, net.predict_proba(Xv)), 1e-4
        )
        assert net.criterion_.weight is not None


def test_log_probabilities_agree_and_pickles_hold_the_shares():
    net = NetClassifier(**SMALL, iterator_train="balanced").fit(X, Y)
    expected = net.predict_proba(X)
    assert_allclose(np.exp(net.predict_log_proba(X)), expected, rtol=1e-12)
    net.set_params(prior_correction=False)
    assert_array_equal(pickle.loads(pickle.dumps(net)).predict_proba(X), expected)
    net.partial_fit(X, Y)
    assert not hasattr(net, "trained_prior_")
    assert net.predict_proba(X)[:, 1].mean() > expected[:, 1].mean() + 0.2


def test_calls_add_up():
    net = NetClassifier(**SMALL, iterator_train="balanced", classes=[0, 1])
    rare, common = X[Y == 1], X[Y == 0]
    net.partial_fit(common, np.zeros(len(common), dtype=int))
    # Of a class without rows nothing is known, and nothing is predicted.
    assert_array_equal(net.target_prior_, [1, 0])
    assert_array_equal(net.predict_proba(X)[:, 1], 0)
    net.partial_fit(np.r_[rare, common[:20]], np.r_[np.ones(20), np.zeros(20)])
    assert_allclose(net.target_prior_, [200 / 220, 20 / 220])
    assert_allclose(net.trained_prior_, [200 / 220, 20 / 220])
    assert net.predict_proba(X)[:, 1].min() > 0
    net.fit(X, Y)
    assert_allclose(net.trained_prior_, [0.5, 0.5])


def test_shares_of_another_population():
    labels = np.array(["a", "b"])[Y]
    by_label, by_order = (
        NetClassifier(**SMALL, target_prior=prior).fit(X, labels)
        for prior in ({"b": 0.6, "a": 0.4}, [0.4, 0.6])
    )
    assert_array_equal(by_label.target_prior_, [0.4, 0.6])
    raw = by_label.set_params(prior_correction=False, target_prior=None)
    expected = correct_prior(raw.fit(X, labels).predict_proba(X), [9, 1], [4, 6])
    assert_allclose(by_order.predict_proba(X), expected, rtol=1e-5)


def test_probabilities_of_a_module_are_corrected_too():
    class Probabilities(Linear):
        def forward(self, x):
            return super().forward(x).softmax(-1)

    params = SMALL | {"module": Probabilities, "criterion": torch.nn.NLLLoss}
    params = {k: v for k, v in params.items() if "hidden" not in k}
    params |= {"numeric_encoding": None, "iterator_train": "balanced"}
    net = NetClassifier(**params).fit(X, Y)
    raw = NetClassifier(**params | {"prior_correction": False}).fit(X, Y)
    expected = correct_prior(raw.predict_proba(X), [1, 1], [9, 1])
    assert_allclose(net.predict_proba(X), expected, rtol=1e-5)


@pytest.mark.parametrize("iterator", ["shuffled", "balanced"])
def test_a_net_behind_a_sampler_corrects_its_own_part(iterator):
    params = SMALL | {"prior_correction": False, "iterator_train": iterator}
    pipeline = make_pipeline(
        RandomOverSampler(sampling_strategy=0.5, random_state=0),
        NetClassifier(**params),
    )
    model = PriorCorrectedClassifier(pipeline).fit(X, Y)
    assert_allclose(model.trained_prior_, [2 / 3, 1 / 3])
    assert_allclose(model.estimator_[-1].target_prior_, [2 / 3, 1 / 3])
    assert model.predict_proba(X)[:, 1].mean() < 0.25
    assert pipeline[-1].prior_correction is False


class Unweighted(torch.nn.Module):
    def forward(self, logits, y):
        return torch.nn.functional.cross_entropy(logits, y)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"iterator_train": DataLoader}, "iterator_train=.*DataLoader.*does not say"),
        ({"predict_nonlinearity": None}, "predict_nonlinearity=None takes its place"),
        ({"criterion": Unweighted}, "whose class weights are known, got Unweighted"),
        ({"target_prior": [0.5, 0.6]}, "target_prior must sum to 1"),
        ({"target_prior": {0: 0.5, 2: 0.5}}, "target_prior.* differs in"),
        ({"prior_correction": False, "target_prior": [0.5, 0.5]}, "Pass True"),
        ({"prior_correction": "yes"}, "'prior_correction' parameter"),
    ],
)
def test_what_cannot_be_told_is_refused_before_training(params, message):
    net = NetClassifier(**SMALL | params)
    with pytest.raises(ValueError, match=message):
        net.fit(X, Y)
    assert not net.initialized_


def test_a_class_that_training_lacks_is_named():
    net = NetClassifier(**SMALL, classes=[0, 1, 2], target_prior=[0.5, 0.3, 0.2])
    with pytest.raises(ValueError, match=r"Class \[2\] had no share in training"):
        net.fit(X, Y)
