"""Universal adversarial training: against loops, without reach, and what it gives."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback

from imbdeep.attacks import perturbed_rows, universal_perturbation
from imbdeep.classifiers import LDAMClassifier, UniversalAdversarialClassifier
from tests.classifiers.attacked import (
    OWN,
    SMALL,
    Headless,
    NoTraining,
    digits,
    same_weights,
    table,
)
from tests.common.slow import half_of, slow_if

METHODS = ("alternating", "simultaneous")
TABLE = {k: v for k, v in SMALL.items() if k != "attack_steps"}
BARE = {k: v for k, v in OWN.items() if k != "attack_steps"}
LINEAR = {
    **BARE,
    "module": Headless,
    "optimizer": torch.optim.SGD,
    "lr": 0.5,
    "lr_schedule": None,
}


class Diary(Callback):
    """Keeps the batches, and what the net and its shift were after each of them."""

    def on_train_begin(self, net, **kwargs):
        self.steps_ = []
        self.start_ = [p.detach().clone() for p in net.module_.parameters()]
        self.first_shift_ = net.run_.shift.detach().clone()

    def on_batch_end(self, net, batch, training, **kwargs):
        if training:
            weights = [p.detach().clone() for p in net.module_.parameters()]
            self.steps_.append((batch, weights, net.run_.shift.detach().clone()))


def diary_of(net):
    return dict(net.callbacks_)["Diary"]


def slopes(W, b, X, y, weight, limits=(-np.inf, np.inf)):
    """Gradients of the mean cross-entropy of a linear net, row by row in float64.

    In prediction, rows are clipped to the range of training.
    """
    clipped = X.clip(*limits)
    X, inside = clipped, clipped == X
    of_W, of_b, of_rows = np.zeros_like(W), np.zeros_like(b), np.zeros(X.shape[1])
    for x, own, label, w in zip(X, inside, y, weight, strict=True):
        logits = W @ x + b
        p = np.exp(logits - logits.max())
        p /= p.sum()
        p[label] -= 1
        of_W += w * np.outer(p, x) / len(X)
        of_b += w * p / len(X)
        of_rows += own * (w * W.T @ p) / len(X)
    return of_W, of_b, of_rows


def moved_against(shift, slope, radius, step, norm):
    if norm == "linf":
        return np.clip(shift + step * np.sign(slope), -radius, radius)
    in_radii = slope * radius
    shift = shift + step * in_radii / np.linalg.norm(in_radii)
    return shift / max(1, np.linalg.norm(shift / radius))


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("method", METHODS)
def test_agrees_with_loops(method, norm):
    X, y = table()
    weight = np.random.RandomState(0).uniform(0, 2, len(y))
    net = UniversalAdversarialClassifier(
        method=method, norm=norm, step_size=0.1, callbacks=[Diary], **LINEAR
    ).fit(X, y, sample_weight=weight)
    diary = diary_of(net)
    W, b = (p.double().numpy() for p in diary.start_)
    radius, step = 0.3 * X.std(0, dtype=float), 0.1 * X.std(0, dtype=float)
    limits = X.astype(float).min(0), X.astype(float).max(0)
    shift = np.zeros(5)
    assert len(diary.steps_) == 8
    for (batch, labels), weights, found in diary.steps_:
        own = batch["sample_weight"].double().numpy()
        rows, labels = batch["X"].double().numpy(), labels.numpy()
        before = slopes(W, b, rows + shift, labels, own)
        W, b = W - 0.5 * before[0], b - 0.5 * before[1]
        slope = before[2]
        if method == "alternating":
            slope = slopes(W, b, rows + shift, labels, own, limits)[2]
        shift = moved_against(shift, slope, radius, step, norm)
        assert_allclose(weights[0].numpy(), W, atol=1e-5)
        assert_allclose(weights[1].numpy(), b, atol=1e-5)
        assert_allclose(found.numpy(), shift, atol=1e-5)
    assert_array_equal(net.universal_perturbation_, found)
    assert np.abs(shift).max() > 0.1


@pytest.mark.parametrize("method", METHODS)
def test_of_a_linear_net_in_closed_form(method):
    """With the paper's step, a shift goes from one corner of the cube to the other."""
    X, y = table()
    net = UniversalAdversarialClassifier(
        method=method, callbacks=[Diary], **LINEAR
    ).fit(X, y)
    radius = net.eps_.astype(np.float32)
    assert_array_equal(net.step_size_, net.eps_)
    shift = np.zeros(5)
    before = diary_of(net).start_
    for (rows, labels), after, found in diary_of(net).steps_:
        W, b = (p.numpy() for p in (after if method == "alternating" else before))
        before = after
        logits = (rows.numpy() + shift) @ (W[1] - W[0]) + b[1] - b[0]
        # Two classes: all rows pull along one line, and the errors decide which way.
        way = np.sign((1 / (1 + np.exp(-logits)) - labels.numpy()).sum())
        shift = np.clip(shift + way * radius * np.sign(W[1] - W[0]), -radius, radius)
        assert_allclose(found.numpy(), shift, atol=1e-6)
    assert (np.abs(shift) < radius * 1.001).all()
    assert shift.any()


@pytest.mark.filterwarnings("ignore:No feature can be moved")
@half_of(method=METHODS, norm=["linf", "l2"])
def test_without_reach_it_is_the_plain_net(method, norm):
    X, y = table()
    plain = {k: v for k, v in TABLE.items() if k not in ("eps", "eps_unit")}
    given = {"criterion": "cross_entropy", "reweight_from": 0.5}
    expected = LDAMClassifier(**plain, **given).fit(X, y)
    for reach in ({"eps": 0}, {"perturb": []}, {"eps": np.zeros(5)}):
        net = UniversalAdversarialClassifier(
            method=method, norm=norm, **TABLE | given | reach
        ).fit(X, y)
        assert net.history[:, "train_loss"] == expected.history[:, "train_loss"]
        assert same_weights(net, expected)
        assert_array_equal(net.universal_perturbation_, np.zeros(5))
    moved = UniversalAdversarialClassifier(method=method, norm=norm, **TABLE | given)
    assert not same_weights(moved.fit(X, y), expected)


@pytest.mark.parametrize("method", METHODS)
def test_costs_of_a_step(method):
    X, y = table()

    class Counting(Headless):
        n_calls = 0

        def forward(self, x):
            type(self).n_calls += torch.is_grad_enabled()
            return super().forward(x)

    net = UniversalAdversarialClassifier(method=method, **LINEAR | {"module": Counting})
    net.fit(X, y)
    assert Counting.n_calls == (8 if method == "simultaneous" else 16)


def faint_signals(seed):
    """One strong signal beside many faint ones, which one shift of all rows drowns."""
    rng = np.random.default_rng(seed)
    y = (np.arange(600) % 3 == 0).astype(int)
    sign = 2 * y[:, None] - 1
    X = rng.normal(scale=0.3, size=(600, 11)) + 0.1 * sign
    X[:, :1] = np.where(rng.uniform(size=(600, 1)) < 0.9, 1, -1) * sign
    return X.astype(np.float32), y


@pytest.mark.parametrize("method", ["alternating", slow_if(True, "simultaneous")])
def test_withstands_a_universal_perturbation(method):
    reach = {"eps": 0.3, "perturb": range(1, 11)}
    accuracies = []
    for seed in range(3):
        X, y = faint_signals(seed)
        given = LINEAR | {"lr": 0.3, "max_epochs": 12, "random_state": seed}
        for eps in (0.3, 0.0):
            net = UniversalAdversarialClassifier(
                method=method, **given | reach | {"eps": eps, "eps_unit": "input"}
            ).fit(X, y)
            assert net.score(X, y) > 0.85
            shift = universal_perturbation(net, X, y, random_state=0, **reach)
            accuracies.append(net.score(perturbed_rows(net, X, shift), y))
    robust, plain = accuracies[::2], accuracies[1::2]
    assert min(robust) > 0.85
    assert np.mean(robust) > np.mean(plain) + 0.15


# --- What lasts ----------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_the_shift_goes_on(method):
    X, y = table()
    net = UniversalAdversarialClassifier(
        method=method, step_size=0.01, callbacks=[Diary], **LINEAR
    )
    net.partial_fit(X, y)
    first = net.universal_perturbation_.copy()
    assert first.any()
    net.partial_fit(X, y)
    assert_array_equal(diary_of(net).first_shift_, first)
    # Eight steps of a thirtieth of the ball and more of them move it further.
    assert np.abs(net.universal_perturbation_).max() > np.abs(first).max()
    net.set_params(eps=0.02).partial_fit(X, y)
    assert_allclose(
        diary_of(net).first_shift_,
        # Each feature was further away.
        net.eps_ * np.sign(diary_of(net).first_shift_.numpy()),
        rtol=1e-5,
    )
    net.fit(X, y)
    assert not diary_of(net).first_shift_.any()


class Fails(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 3:
            raise RuntimeError("the third epoch")


def test_a_fit_that_fails_leaves_the_shift():
    X, y = table()
    net = UniversalAdversarialClassifier(callbacks=[Fails], **TABLE).fit(X, y)
    before = net.universal_perturbation_.copy()
    with pytest.raises(RuntimeError, match="the third epoch"):
        net.partial_fit(X, y)
    assert_array_equal(net.universal_perturbation_, before)
    again = pickle.loads(pickle.dumps(net))
    assert_array_equal(again.universal_perturbation_, before)


# --- Rows of all kinds ---------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_images_stay_in_their_box(method):
    X, y = digits()

    class Seen(Headless):
        rows = []

        def forward(self, x):
            if self.training:
                self.rows.append(x.detach())
            return super().forward(x.flatten(1))

    net = UniversalAdversarialClassifier(
        Seen,
        module__n_features=72,
        eps=0.3,
        method=method,
        box=(0, 1),
        **{k: v for k, v in BARE.items() if k not in ("eps", "eps_unit")},
    ).fit(X, y)
    seen = torch.cat(Seen.rows)
    assert 0 <= seen.min() <= seen.max() <= 1
    assert net.universal_perturbation_.shape == (2, 6, 6)
    assert np.abs(net.universal_perturbation_).max() <= np.float32(0.3)
    # Every row of a step has the same shift, where it is not clipped.
    clean = {x.tobytes() for x in X}
    assert not clean & {x.numpy().tobytes() for x in Seen.rows[-1]}


@pytest.mark.parametrize("method", METHODS)
def test_levels_and_gaps_stay(method):
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["city"] = np.where(X[:, 0] > 0, "Bonn", "Ulm")
    frame.loc[::7, "b"] = np.nan
    net = UniversalAdversarialClassifier(method=method, **TABLE).fit(frame, y)
    assert net.universal_perturbation_[5] == 0
    assert np.isfinite(net.universal_perturbation_).all()
    assert net.universal_perturbation_[:5].any()
    assert np.isfinite(net.history[:, "train_loss"]).all()


def test_refuses_before_training():
    X, y = table()
    for given, message in (
        ({"method": "both"}, "The 'method' parameter"),
        ({"norm": "l1"}, "The 'norm' parameter"),
        ({"step_size": -1}, "step_size"),
        ({"iterator_train": "mixup"}, "iterator_train"),
        ({"eps": None, "eps_unit": "input"}, "needs eps"),
    ):
        net = UniversalAdversarialClassifier(callbacks=[NoTraining()], **TABLE | given)
        with pytest.raises(ValueError, match=message):
            net.fit(X, y)
    with pytest.raises(ValueError, match="attack_steps"):
        UniversalAdversarialClassifier(attack_steps=3, **TABLE).fit(X, y)


@pytest.mark.parametrize("method", METHODS)
def test_a_module_that_ignores_its_rows_is_refused(method):
    class Deaf(Headless):
        def forward(self, x):
            return self.last(torch.zeros_like(x))

    X, y = table()
    net = UniversalAdversarialClassifier(method=method, **LINEAR | {"module": Deaf})
    with pytest.raises(ValueError, match="passes no gradient to its rows"):
        net.fit(X, y)
