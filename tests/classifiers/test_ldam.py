"""LDAM-DRW: objective, schedule and batches of the estimator."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.datasets import make_classification
from sklearn.metrics import recall_score
from skorch.callbacks import Callback

from imbdeep.batches import BalancedBatches
from imbdeep.classifiers import LDAMClassifier, NetClassifier
from imbdeep.losses import class_balanced_weights, ldam_margins
from imbdeep.modules import CosineHead

SMALL = {"max_epochs": 10, "n_bins": 4, "module__hidden_sizes": (8,), "random_state": 0}


@pytest.fixture(scope="module")
def data():
    return make_classification(
        300, n_features=6, n_informative=4, weights=[0.9], random_state=0
    )


class Probe(Callback):
    """Records the class weights and the learning rate of each epoch."""

    def on_train_begin(self, net, **kwargs):
        self.weights_, self.rates_, self.steps_ = [], [], []

    def on_epoch_begin(self, net, **kwargs):
        # A schedule sets the rate of the next epoch at the end of this one.
        self.rates_.append(net.optimizer_.param_groups[0]["lr"])

    def on_epoch_end(self, net, **kwargs):
        weight = net.criterion_.weight
        self.weights_.append(None if weight is None else weight.clone())
        state = next(iter(net.optimizer_.state.values()))
        self.steps_.append(int(state["step"]))


def fit_with_probe(data, **params):
    net = LDAMClassifier(callbacks=[("probe", Probe())], **SMALL | params).fit(*data)
    return net, dict(net.callbacks_)["probe"]


def test_margins_come_from_the_classes_of_the_data(data):
    net = LDAMClassifier(max_margin=0.8, **SMALL).fit(*data)
    counts = torch.as_tensor(np.bincount(data[1]))
    assert_array_equal(net.criterion_.margins, ldam_margins(counts, 0.8))
    assert net.criterion_.margins.max() == pytest.approx(0.8)


def test_probabilities_are_the_softmax_of_scaled_cosines_without_margins(data):
    X, y = data
    net = LDAMClassifier(scale=7.0, **SMALL).fit(X, y)
    assert isinstance(net.module_.head, CosineHead)
    cosines = net.forward(X)
    assert cosines.abs().max() <= 1 + 1e-6
    expected = torch.softmax(7.0 * cosines.double(), -1)
    np.testing.assert_allclose(net.predict_proba(X), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("reweight_from", "first"), [(0.8, 8), (0.5, 5), (0.0, 0), (1.0, 10)]
)
def test_weights_switch_at_the_stated_epoch(data, reweight_from, first):
    _, probe = fit_with_probe(data, reweight_from=reweight_from)
    counts = torch.as_tensor(np.bincount(data[1]))
    expected = class_balanced_weights(counts, normalization="rows")
    for epoch, weight in enumerate(probe.weights_):
        if epoch < first:
            assert weight is None
        else:
            assert_array_equal(weight, expected)


def test_the_optimizer_survives_the_switch(data):
    net, probe = fit_with_probe(data, reweight_from=0.5)
    per_epoch = net.history[0, "train_batch_count"]
    assert probe.steps_ == [per_epoch * (epoch + 1) for epoch in range(10)]


def test_weights_start_anew_with_each_fit(data):
    net, _ = fit_with_probe(data)
    probe = dict(net.fit(*data).callbacks_)["probe"]
    assert probe.weights_[0] is None


def test_class_weights_hold_until_the_deferred_ones(data):
    _, probe = fit_with_probe(data, class_weight={0: 1.0, 1: 5.0})
    assert_array_equal(probe.weights_[0], [1.0, 5.0])
    counts = torch.as_tensor(np.bincount(data[1]))
    expected = class_balanced_weights(counts, normalization="rows")
    assert_array_equal(probe.weights_[-1], expected)


@pytest.mark.parametrize("normalization", ["rows", "frequent", "classes"])
def test_what_the_deferred_weights_are_1_in(data, normalization):
    net, probe = fit_with_probe(data, weight_normalization=normalization)
    assert net.criterion_.weight_reduction == "rows"
    counts = torch.as_tensor(np.bincount(data[1]))
    expected = class_balanced_weights(counts, normalization=normalization)
    assert_array_equal(probe.weights_[-1], expected)


@pytest.mark.slow
def test_the_scale_of_the_weights_matters_by_rows_alone(data):
    """In the end, because the learning rate falls with the switch."""

    def fit(reduction, normalization):
        return LDAMClassifier(
            reweight_from=0.5,
            lr_schedule=None,
            optimizer=torch.optim.SGD,
            lr=0.1,
            weight_reduction=reduction,
            weight_normalization=normalization,
            **SMALL,
        ).fit(*data)

    for reduction, differs in [("weights", False), ("rows", True)]:
        probas = [
            fit(reduction, normalization).predict_proba(data[0])
            for normalization in ("rows", "frequent", "classes")
        ]
        for other in probas[1:]:
            assert (np.abs(other - probas[0]).max() > 1e-3) == differs


def test_the_rate_drops_at_80_and_90_percent(data):
    _, probe = fit_with_probe(data, lr=0.5)
    np.testing.assert_allclose(probe.rates_[:8], 0.5)
    np.testing.assert_allclose(probe.rates_[8], 0.005)
    np.testing.assert_allclose(probe.rates_[9], 0.00005)


def test_without_a_schedule_the_rate_stays(data):
    _, probe = fit_with_probe(data, lr_schedule=None)
    assert set(probe.rates_) == {0.001}


def test_the_full_recipe_in_one_call(data):
    net, probe = fit_with_probe(
        data,
        iterator_train="balanced",
        lr_schedule="triangular",
        weight_averaging="swa",
        max_epochs=12,
    )
    assert isinstance(net.get_iterator(net.get_dataset(*data), True), BalancedBatches)
    names = [name for name, _ in net.callbacks_]
    assert {"reweighting", "lr_schedule", "weight_averaging"} <= set(names)
    assert 1e-5 <= min(probe.rates_) < max(probe.rates_) <= 1e-3


@pytest.mark.parametrize(
    ("schedule", "every", "found"),
    [("triangular", "auto", 4), ("triangular", 3, 3), (None, "auto", 1), (None, 2, 2)],
)
def test_snapshots_are_taken_at_the_ends_of_cycles(data, schedule, every, found):
    net, _ = fit_with_probe(
        data,
        lr_schedule=schedule,
        weight_averaging="swa",
        average_every=every,
        max_epochs=12,
    )
    assert dict(net.callbacks_)["weight_averaging"].every_ == found


def test_a_cycle_of_another_length_is_followed(data):
    net, _ = fit_with_probe(
        data,
        lr_schedule="triangular",
        callbacks__lr_schedule__step_size=3,
        weight_averaging="swa",
        max_epochs=12,
    )
    assert dict(net.callbacks_)["weight_averaging"].every_ == 6


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"lr_schedule": "triangular"}, "multiple of average_every=4"),
        ({"average_every": 0}, "'average_every' parameter of LDAMClassifier"),
        (
            {"weight_averaging": "ema", "average_every": 2},
            "average_every=2 is for method='swa'",
        ),
    ],
)
def test_refuses_averages_of_nothing(data, params, match):
    params = {"weight_averaging": "swa", **SMALL, **params}
    with pytest.raises(ValueError, match=match):
        LDAMClassifier(**params).fit(*data)


@pytest.mark.parametrize("average", ["swa", "ema"])
def test_averaged_weights_are_not_the_last_ones(data, average):
    X, y = data
    last, mean = (
        LDAMClassifier(weight_averaging=method, lr_schedule=None, **SMALL)
        .fit(X, y)
        .predict_proba(X)
        for method in (None, average)
    )
    assert np.abs(last - mean).max() > 1e-4


@pytest.mark.parametrize(("average_from", "first"), [(0.0, 0), (0.5, 5), (0.75, 8)])
def test_weights_are_averaged_from_the_stated_epoch(data, average_from, first):
    recorded = []

    class Weights(Callback):
        def on_epoch_end(self, net, **kwargs):
            recorded.append(deepcopy(net.module_.state_dict()))

    net = LDAMClassifier(
        weight_averaging="swa",
        average_from=average_from,
        lr_schedule=None,
        callbacks=[Weights()],
        **SMALL,
    ).fit(*data)
    for name, value in net.module_.state_dict().items():
        late = [weights[name].double() for weights in recorded[first:]]
        mean = torch.stack(late).mean(0)
        np.testing.assert_allclose(value.cpu(), mean.cpu(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("criterion", ["focal", "cross_entropy"])
def test_other_criteria_use_a_linear_head(data, criterion):
    net, probe = fit_with_probe(data, criterion=criterion, gamma=1.5)
    assert isinstance(net.module_.head, torch.nn.Linear)
    assert getattr(net.criterion_, "gamma", 1.5) == 1.5
    assert probe.weights_[-1] is not None


def test_a_linear_head_on_request(data):
    net = LDAMClassifier(scale=1.0, module__head="linear", **SMALL).fit(*data)
    assert isinstance(net.module_.head, torch.nn.Linear)


def test_limit_case_is_the_plain_net(data):
    X, y = data
    plain = NetClassifier(early_stopping=False, train_split=None, **SMALL).fit(X, y)
    ldam = LDAMClassifier(
        max_margin=0.0,
        scale=1.0,
        module__head="linear",
        reweight_from=1.0,
        lr_schedule=None,
        **SMALL,
    ).fit(X, y)
    np.testing.assert_allclose(plain.predict_proba(X), ldam.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize(
    "params",
    [
        {"max_margin": -0.1},
        {"scale": 0.0},
        {"gamma": -1.0},
        {"beta": 1.0},
        {"reweight_from": 1.1},
        {"lr_schedule": "cosine"},
        {"weight_averaging": "mean"},
        {"average_from": 1.0},
        {"average_from": -0.1},
    ],
)
def test_refuses_bad_parameters(data, params):
    name = next(iter(params))
    with pytest.raises(ValueError, match=f"The '{name}' parameter of LDAMClassifier"):
        LDAMClassifier(**SMALL | params).fit(*data)


@pytest.mark.slow
def test_margins_and_weights_raise_the_recall_of_the_rare_class():
    gains = []
    for seed in range(6):
        X, y = make_classification(
            1200,
            n_features=8,
            n_informative=5,
            weights=[0.95],
            class_sep=0.8,
            flip_y=0.02,
            random_state=seed,
        )
        recalls = []
        for params in ({"max_margin": 0.0, "reweight_from": 1.0}, {}):
            net = LDAMClassifier(
                module__hidden_sizes=(32,),
                n_bins=16,
                max_epochs=10,
                batch_size=100,
                lr=0.02,
                lr_schedule=None,
                random_state=seed,
                **params,
            ).fit(X[:600], y[:600])
            recalls.append(recall_score(y[600:], net.predict(X[600:])))
        gains.append(recalls[1] - recalls[0])
    assert np.mean(gains) > 0.05
