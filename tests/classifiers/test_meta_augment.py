"""Meta-augmentation as a classifier, against plain loops."""

import pickle
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.pipeline import make_pipeline
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, EpochScoring, Freezer
from skorch.callbacks import EarlyStopping as SkorchEarlyStopping
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn
from torch.nn.functional import cross_entropy

from imbdeep.classifiers import MetaAugmentClassifier, NetClassifier

SMALL = {
    "pretrain_epochs": 3,
    "max_epochs": 4,
    "batch_size": 64,
    "n_bins": 4,
    "module__hidden_sizes": (8,),
    "device": "cpu",  # where the loops are
    "random_state": 0,
}
# What a loop of plain steps does, too: no dropout, no epoch to go back to.
PLAIN = {
    **SMALL,
    "early_stopping": False,
    "numeric_encoding": "standard",
    "module__dropout": 0.0,
    "inner_lr": 0.2,
}


def table(seed=0, n_samples=200, **params):
    X, y = make_classification(
        n_samples,
        n_features=6,
        n_informative=4,
        n_redundant=0,
        **{"weights": [0.85], "flip_y": 0, **params},
        random_state=seed,
    )
    return X.astype(np.float32), y


def three_classes():
    return table(n_classes=3, weights=[0.7, 0.2], n_clusters_per_class=1)


def halves(seed=0):
    """A training part and a validation part, for fits with an explicit one."""
    X, y = table(seed)
    return (X[:150], y[:150]), (X[150:], y[150:])


class Recorded(MetaAugmentClassifier):
    """Keeps every batch of the second stage, and the net it began with."""

    def initialize(self):
        self.drawn_ = {"train": [], "valid": [], "synth": []}
        self.nets_ = []
        return super().initialize()

    def train_step(self, batch, **fit_params):
        if self.run_.moving is not None:
            if not self.nets_:
                self.nets_.append(deepcopy(self.module_))
            self.drawn_["train"].append(batch)
        return super().train_step(batch, **fit_params)

    def _endless_batches(self, dataset):
        X = getattr(dataset, "X", None)
        name = "synth" if isinstance(X, dict) and "index" in X else "valid"
        for batch in super()._endless_batches(dataset):
            self.drawn_[name].append(batch)
            yield batch

    def steps(self):
        return list(zip(*self.drawn_.values(), strict=True))


class NoTraining(Callback):
    def on_train_begin(self, net, **kwargs):
        raise AssertionError("training began")


def refuse(match, X, y, eval_set=None, **params):
    net = MetaAugmentClassifier(**SMALL | {"callbacks": [NoTraining()]} | params)
    with pytest.raises(ValueError, match=match):
        net.fit(X, y, eval_set=eval_set)


# --- Against plain loops -------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"batch_size": 32},
        {"batch_size": 1000},
        {"batch_size": 20, "iterator_train": "balanced", "pretrain_epochs": 0},
        {"batch_size": 32, "sampling_strategy": "auto", "confidence": 0.5},
        {"batch_size": 32, "inner_steps": 3},
        {"batch_size": 32, "inner_steps": 2, "inner_rows": "synthetic"},
    ],
    ids=["auto", "mini", "full", "balanced", "oversampled", "three-steps", "alone"],
)
def test_rows_that_do_not_move_are_plain_duplication(params):
    """Without a learning rate for rows it is SGD on the batch and duplicates."""
    X, y = table()
    net = Recorded(synth_lr=0, **PLAIN | params).fit(X, y)
    rows = torch.from_numpy(X[net.synth_parents_])
    assert_array_equal(net.X_synth_, rows)
    module = deepcopy(net.nets_[0]).train()
    optimizer = torch.optim.SGD(module.parameters(), lr=net.inner_lr)
    losses, sizes = [], []
    for (X1, y1), _, (synthetic, ys) in net.steps():
        batch, target = rows[synthetic["index"]], ys
        if net.inner_rows == "both":
            batch, target = torch.cat([X1, batch]), torch.cat([y1, target])
        for inner_step in range(net.inner_steps):
            optimizer.zero_grad()
            loss = cross_entropy(module(batch), target)
            loss.backward()
            optimizer.step()
            if inner_step == 0:
                losses.append(loss.item())
                sizes.append(len(y1))
    per_epoch = len(losses) // net.max_epochs
    assert per_epoch == {1000: 1}.get(params.get("batch_size"), per_epoch)
    expected = [
        np.average(losses[i : i + per_epoch], weights=sizes[i : i + per_epoch])
        for i in range(0, len(losses), per_epoch)
    ]
    recorded = net.history[net.pretrain_epochs :, "train_loss"]
    assert_allclose(recorded, expected, rtol=1e-5)
    trained = dict(net.module_.named_parameters())
    for name, value in module.named_parameters():
        torch.testing.assert_close(trained[name], value, rtol=1e-4, atol=1e-6)
    moved = trained["head.weight"] - net.nets_[0].head.weight
    assert moved.abs().max() > 1e-2


@pytest.mark.parametrize("batch_size", [1000, 32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("inner_rows", ["both", "synthetic"])
def test_moves_are_those_of_a_plain_loop_with_explicit_autograd(
    batch_size, weighted, inner_rows
):
    """A net of one hidden layer, its loss and both steps written out."""
    (X, y), eval_set = halves()
    weight = np.random.RandomState(0).uniform(0, 2, len(y)).astype(np.float32)
    net = Recorded(
        synth_lr=200.0,
        synth_unit="input",
        clip=False,
        inner_rows=inner_rows,
        **PLAIN | {"batch_size": batch_size, "max_epochs": 3},
    )
    net.fit(X, y, sample_weight=weight if weighted else None, eval_set=eval_set)

    def loss_of(w1, b1, w2, b2, X, y, weight):
        encoded = (X - mean) / std
        logits = (encoded @ w1.T + b1).clamp(min=0) @ w2.T + b2
        losses = logits.logsumexp(1) - logits[torch.arange(len(y)), y]
        return (weight * losses).sum() / weight.sum()

    mean, std = torch.from_numpy(X.mean(0)), torch.from_numpy(X.std(0))
    start = net.nets_[0]
    theta = [
        p.detach().clone()
        for p in (
            start.hidden[0].weight,
            start.hidden[0].bias,
            start.head.weight,
            start.head.bias,
        )
    ]
    rows = torch.from_numpy(X[net.synth_parents_])
    weight_of_rows = torch.from_numpy(weight[net.synth_parents_])
    for (X1, y1), (X2, y2), (synthetic, ys) in net.steps():
        index = synthetic["index"]
        if weighted:
            w = torch.cat([X1["sample_weight"], weight_of_rows[index]])
            X1 = X1["X"]
        else:
            w = torch.ones(len(y1) + len(ys))
        Xs = rows[index].requires_grad_()
        theta = [value.requires_grad_() for value in theta]
        batch, target = torch.cat([X1, Xs]), torch.cat([y1, ys])
        if inner_rows == "synthetic":
            batch, target, w = Xs, ys, w[len(y1) :]
        inner = loss_of(*theta, batch, target, w)
        gradients = torch.autograd.grad(inner, theta, create_graph=True)
        theta = [
            value - net.inner_lr * gradient
            for value, gradient in zip(theta, gradients, strict=True)
        ]
        outer = loss_of(*theta, X2, y2, torch.ones(len(y2)))
        (gradient,) = torch.autograd.grad(outer, Xs)
        rows = rows.clone()
        rows[index] = (Xs - net.synth_lr * gradient).detach()
        theta = [value.detach() for value in theta]
    assert_allclose(net.X_synth_, rows, rtol=1e-4, atol=1e-5)
    assert np.abs(net.X_synth_ - X[net.synth_parents_]).max() > 0.01
    for value, trained in zip(
        theta,
        [*net.module_.hidden[0].parameters(), *net.module_.head.parameters()],
        strict=True,
    ):
        torch.testing.assert_close(trained.detach(), value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_a_net_that_trains_on_rare_rows_alone_forgets_the_frequent_class(seed):
    X, y = table(seed)
    mean_proba = {}
    for inner_rows in ("both", "synthetic"):
        params = {"pretrain_epochs": 10, "max_epochs": 20, "random_state": seed}
        net = MetaAugmentClassifier(inner_rows=inner_rows, synth_lr=0, **PLAIN | params)
        mean_proba[inner_rows] = net.fit(X, y).predict_proba(X)[:, 1].mean()
    assert mean_proba["both"] < 0.5
    assert mean_proba["synthetic"] > 0.8


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("unit", ["range", "std"])
def test_units_are_the_plain_steps_of_the_scaled_table(unit, clip):
    (X, y), (X_valid, y_valid) = halves()
    X = X * np.float32([1, 100, 0.01, 3, 20, 0.5])
    X_valid = X_valid * np.float32([1, 100, 0.01, 3, 20, 0.5])
    if unit == "range":
        offset, scale = X.min(0), np.ptp(X, axis=0)
    else:
        offset, scale = X.mean(0), X.std(0)
    params = {**PLAIN, "synth_lr": 10.0, "clip": clip, "batch_size": 50}
    in_units = MetaAugmentClassifier(synth_unit=unit, **params)
    in_units.fit(X, y, eval_set=(X_valid, y_valid))
    scaled = MetaAugmentClassifier(synth_unit="input", **params)
    scaled.fit((X - offset) / scale, y, eval_set=((X_valid - offset) / scale, y_valid))
    assert_allclose(
        (in_units.X_synth_ - offset) / scale, scaled.X_synth_, rtol=1e-3, atol=1e-4
    )
    assert scaled.history[-1, "synth_shift"] > 0.01
    for name in ("train_loss", "valid_loss", "synth_shift"):
        assert_allclose(
            in_units.history[:, name], scaled.history[:, name], rtol=1e-3, atol=1e-5
        )


def test_clip_keeps_rows_in_the_box_of_the_training_part():
    X, y = table()
    # The validation part reaches far out of the box of the training part.
    (train, y_train), (valid, y_valid) = (X[:150], y[:150]), (4 * X[150:], y[150:])
    low, high = train.min(0), train.max(0)
    params = {**PLAIN, "synth_lr": 1000.0, "max_epochs": 10}
    inside = MetaAugmentClassifier(store_synth_history=True, **params)
    inside.fit(train, y_train, eval_set=(valid, y_valid))
    assert (inside.synth_history_ >= low).all()
    assert (inside.synth_history_ <= high).all()
    # Some were stopped by a side of the box.
    assert ((inside.X_synth_ == low) | (inside.X_synth_ == high)).mean() > 0.1
    free = MetaAugmentClassifier(clip=False, **params)
    free.fit(train, y_train, eval_set=(valid, y_valid))
    assert ((free.X_synth_ < low) | (free.X_synth_ > high)).any()


class TrainingPart(Callback):
    def on_train_begin(self, net, **kwargs):
        self.seen_ = []

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self.seen_.append((dataset_train.X, dataset_valid.X))


def test_both_stages_train_on_one_part_and_validate_on_the_other():
    X, y = table()
    net = Recorded(callbacks=[("part", TrainingPart())], **PLAIN).fit(X, y)
    (train, valid), *others = dict(net.callbacks_)["part"].seen_
    for part in others:
        assert_array_equal(part[0], train)
        assert_array_equal(part[1], valid)
    rows = {x.tobytes() for x in X}
    assert {x.tobytes() for x in train} | {x.tobytes() for x in valid} == rows
    assert len(train) + len(valid) == len(X)
    # Nothing but rows of each part is in its batches, and no parent is held out.
    for (X1, _), (X2, _), _ in net.steps():
        assert {x.tobytes() for x in X1.numpy()} <= {x.tobytes() for x in train}
        assert {x.tobytes() for x in X2.numpy()} <= {x.tobytes() for x in valid}
    parents = {x.tobytes() for x in X[net.synth_parents_]}
    assert parents <= {x.tobytes() for x in train}


# --- Which rows, and how many --------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("duplicate", {1: 40, 2: 20}),
        ("auto", {1: 60, 2: 80}),
        ("not majority", {1: 60, 2: 80}),
        ("not minority", {1: 60}),
        ("minority", {2: 80}),
        ("all", {1: 60, 2: 80}),
        ({1: 45, 2: 20}, {1: 5}),
        ({0: 103}, {0: 3}),
        (lambda y: {"two": 2 * np.count_nonzero(y == "two")}, {2: 20}),
    ],
)
def test_sampling_strategies(strategy, expected):
    rng = np.random.RandomState(0)
    codes = np.repeat([0, 1, 2], [100, 40, 20])
    names = np.array(["zero", "one", "two"])
    if isinstance(strategy, dict):
        strategy = {str(names[k]): number for k, number in strategy.items()}
    X = rng.randn(160, 3).astype(np.float32)
    net = MetaAugmentClassifier(sampling_strategy=strategy, **SMALL)
    net.fit(X, names[codes], eval_set=(X, names[codes]))
    made, counts = np.unique(net.y_synth_, return_counts=True)
    assert dict(zip(made, counts, strict=True)) == {
        names[k]: number for k, number in expected.items()
    }
    assert_array_equal(net.y_synth_, names[codes][net.synth_parents_])
    assert net.X_synth_.shape == (sum(expected.values()), 3)
    assert net.X_synth_.dtype == np.float32
    # Parents are used in turn.
    for k in expected:
        times = np.bincount(net.synth_parents_, minlength=160)[codes == k]
        assert times.max() - times.min() <= 1


def test_a_float_is_the_ratio_of_two_classes():
    X, y = table()
    counts = np.bincount(y)
    net = MetaAugmentClassifier(sampling_strategy=0.5, **SMALL)
    net.fit(X, y, eval_set=(X, y))
    assert len(net.X_synth_) == int(0.5 * counts[0]) - counts[1]


def test_the_largest_class_is_not_duplicated_wherever_its_label_sorts():
    X, code = three_classes()
    for labels in ([9, 2, 5], ["c", "a", "b"], [-1.0, 0.0, -7.0]):
        y = np.array(labels)[code]
        net = MetaAugmentClassifier(**SMALL).fit(X, y)
        assert set(net.y_synth_) == set(labels[1:])
        assert net.y_synth_.dtype == y.dtype
        assert_array_equal(net.y_synth_, y[net.synth_parents_])


def test_of_equal_classes_all_but_one_are_duplicated():
    X, _ = table()
    net = MetaAugmentClassifier(**SMALL).fit(X, np.arange(200) % 4)
    assert len(set(net.y_synth_)) == 3


@pytest.mark.parametrize("confidence", [0.0, 0.5, 0.8, 1.0])
def test_only_uncertain_rows_are_duplicated(confidence):
    (X, y), eval_set = halves()
    params = {**PLAIN, "pretrain_epochs": 20, "lr": 0.01}
    net = Recorded(confidence=confidence, synth_lr=0, **params)
    net.fit(X, y, eval_set=eval_set)
    with torch.no_grad():
        proba = net.nets_[0](torch.from_numpy(X)).double().softmax(1)[:, 1].numpy()
    rare = np.flatnonzero(y == 1)
    uncertain = [i for i in rare if proba[i] <= confidence]
    if not uncertain:
        uncertain = [rare[proba[rare].argmin()]]
    assert sorted(net.synth_parents_) == uncertain
    if confidence in (0.0, 1.0):
        assert len(uncertain) == {0.0: 1, 1.0: len(rare)}[confidence]
    else:
        assert 1 < len(uncertain) < len(rare)


def without_second_stage(**params):
    others = ("pretrain_epochs", "inner_lr")
    params = {k: v for k, v in params.items() if k not in others}
    return NetClassifier(**params | {"max_epochs": 3})


def test_nothing_to_make_is_the_plain_net():
    (X, y), eval_set = halves()
    net = MetaAugmentClassifier(sampling_strategy="not minority", **PLAIN)
    net.fit(X, y, eval_set=eval_set)
    assert net.X_synth_.shape == (0, 6)
    assert len(net.y_synth_) == len(net.synth_parents_) == 0
    plain = without_second_stage(**PLAIN).fit(X, y, eval_set=eval_set)
    assert_array_equal(net.predict_proba(X), plain.predict_proba(X))


def test_the_history_of_no_rows():
    X, y = table()
    net = MetaAugmentClassifier(
        sampling_strategy="not minority", store_synth_history=True, **SMALL
    ).fit(X, y)
    assert net.synth_history_.shape[1:] == (0, 6)


def test_without_pretraining_and_without_rows_the_net_is_trained_all_the_same():
    X, y = table()
    net = MetaAugmentClassifier(
        sampling_strategy="not minority", **SMALL | {"pretrain_epochs": 0}
    ).fit(X, y)
    assert len(net.history) > 0


# --- The two stages ------------------------------------------------------------------


@pytest.mark.parametrize("pretrain_epochs", [0, 1, 5])
def test_epochs_of_the_stages(pretrain_epochs):
    params = {**PLAIN, "pretrain_epochs": pretrain_epochs}
    net = MetaAugmentClassifier(**params).fit(*table())
    assert len(net.history) == pretrain_epochs + 4
    shift = np.array(net.history[:, "synth_shift"])
    assert (shift[:pretrain_epochs] == 0).all()
    assert (shift[pretrain_epochs:] > 0).all()


def test_pretraining_is_the_plain_net():
    X, y = table()
    net = MetaAugmentClassifier(**PLAIN).fit(X, y, eval_set=(X, y))
    plain = without_second_stage(**PLAIN).fit(X, y, eval_set=(X, y))
    for name in ("train_loss", "valid_loss", "valid_average_precision"):
        assert_array_equal(net.history[:3, name], plain.history[:, name])


def test_pretraining_goes_back_to_its_best_epoch_before_rows_are_chosen():
    (X, y), (X_valid, y_valid) = halves()
    shuffled = np.random.RandomState(1).permutation(y_valid)
    net = Recorded(
        **SMALL | {"pretrain_epochs": 40, "lr": 0.05}, patience=5, confidence=0.6
    ).fit(X, y, eval_set=(X_valid, shuffled))
    scores = net.history[:, "valid_average_precision"]
    stage = [row["synth_shift"] == 0 for row in net.history].count(True)
    first = scores[:stage]
    assert first[-1] < max(first) - 1e-3
    with torch.no_grad():
        proba = net.nets_[0].eval()(torch.from_numpy(X)).double().softmax(1)[:, 1]
    rare = np.flatnonzero(y == 1)
    uncertain = rare[proba.numpy()[rare] <= 0.6]
    assert sorted(net.synth_parents_) == uncertain.tolist()


class Rows(Callback):
    """Rows and weights of each epoch of the second stage."""

    def initialize(self):
        self.rows_, self.head_, self.score_ = [], [], []
        return self

    def on_epoch_end(self, net, **kwargs):
        if net.run_.moving is not None:
            self.rows_.append(net.run_.moving.synthetic.rows.numpy().copy())
            self.head_.append(net.module_.head.bias.detach().numpy().copy())
            self.score_.append(net.history[-1, "valid_average_precision"])


def test_net_and_rows_are_those_of_the_best_epoch():
    X, y = table()
    tried = 0
    for seed in range(6):
        (X, y), (X_valid, y_valid) = halves(seed)
        shuffled = np.random.RandomState(seed).permutation(y_valid)
        net = MetaAugmentClassifier(
            callbacks=[("rows", Rows())],
            store_synth_history=True,
            early_stopping=True,
            patience=4,
            **SMALL | {"max_epochs": 30, "inner_lr": 0.2, "random_state": seed},
        ).fit(X, y, eval_set=(X_valid, shuffled))
        spy = dict(net.callbacks_)["rows"]
        # Of equal epochs the last is the best.
        best = len(spy.score_) - 1 - np.argmax(spy.score_[::-1])
        assert_array_equal(net.X_synth_, spy.rows_[best])
        assert_array_equal(net.module_.head.bias.detach(), spy.head_[best])
        assert_array_equal(net.synth_history_[best + 1], net.X_synth_)
        if best < len(spy.score_) - 1:
            assert not np.array_equal(net.X_synth_, net.synth_history_[-1])
            tried += 1
    assert tried >= 3


def test_the_history_of_the_rows():
    X, y = table()
    net = MetaAugmentClassifier(store_synth_history=True, **PLAIN).fit(X, y)
    rare = len(net.X_synth_)
    assert net.synth_history_.shape == (5, rare, 6)
    assert net.synth_history_.dtype == np.float32
    assert_array_equal(net.synth_history_[0], X[net.synth_parents_])
    assert_array_equal(net.synth_history_[-1], net.X_synth_)
    net = MetaAugmentClassifier(**PLAIN).fit(X, y)
    assert not hasattr(net, "synth_history_")


def test_the_recorded_shift_against_a_plain_loop():
    (X, y), eval_set = halves()
    net = MetaAugmentClassifier(store_synth_history=True, **PLAIN)
    net.fit(X, y, eval_set=eval_set)
    spread = [max(column) - min(column) for column in X.T]
    for rows, recorded in zip(
        net.synth_history_[1:], net.history[3:, "synth_shift"], strict=True
    ):
        distances = [
            sum(((b - a) / s) ** 2 for a, b, s in zip(x, row, spread, strict=True))
            ** 0.5
            for x, row in zip(net.synth_history_[0], rows, strict=True)
        ]
        assert recorded == pytest.approx(np.mean(distances), rel=1e-4)


def test_a_warm_start_goes_on_with_the_rows_there_are():
    X, y = table()
    net = MetaAugmentClassifier(warm_start=True, store_synth_history=True, **PLAIN)
    net.fit(X, y)
    rows, parents = net.X_synth_.copy(), net.synth_parents_.copy()
    weight = net.module_.head.weight.detach().clone()
    net.fit(X, y)
    assert len(net.history) == 3 + 4 + 4
    assert_array_equal(net.synth_parents_, parents)
    assert_array_equal(net.synth_history_[0], rows)
    assert not np.array_equal(net.X_synth_, rows)
    assert not torch.equal(net.module_.head.weight, weight)
    # Without a warm start everything begins anew.
    cold = net.set_params(warm_start=False).fit(X, y)
    assert len(cold.history) == 7
    assert_array_equal(cold.synth_history_[0], X[cold.synth_parents_])


def test_partial_fit_goes_on_with_the_rows_there_are():
    X, y = three_classes()
    net = MetaAugmentClassifier(store_synth_history=True, **PLAIN)
    net.partial_fit(X[:100], y[:100], classes=[0, 1, 2])
    rows, labels = net.X_synth_.copy(), net.y_synth_.copy()
    net.partial_fit(X[100:], y[100:])
    assert len(net.history) == 3 + 4 + 4
    assert_array_equal(net.synth_history_[0], rows)
    assert_array_equal(net.y_synth_, labels)
    assert not np.array_equal(net.X_synth_, rows)
    # An unpickled net goes on, too.
    again = pickle.loads(pickle.dumps(net)).partial_fit(X, y)
    assert_array_equal(again.synth_history_[0], net.X_synth_)


def test_a_chunk_of_partial_fit_that_lacks_a_class_is_refused():
    X, y = table()
    net = MetaAugmentClassifier(**SMALL).partial_fit(X, y)
    proba, epochs = net.predict_proba(X), len(net.history)
    for n_rare in (0, 1):
        rows = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:n_rare]]
        with pytest.raises(ValueError, match=r"2 or more rows .* fewer of \[1\]"):
            net.partial_fit(X[rows], y[rows])
    # The net is as it was and can go on.
    assert_array_equal(net.predict_proba(X), proba)
    assert len(net.partial_fit(X, y).history) == epochs + 4


def test_a_refused_chunk_is_not_counted():
    X, y = table()
    net = MetaAugmentClassifier(**SMALL).partial_fit(X, y)
    for n_rare in (0, 1):
        rows = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:n_rare]]
        with pytest.raises(ValueError, match="2 or more rows of each class"):
            net.partial_fit(X[rows], y[rows])
    assert_array_equal(net.class_counts_, np.bincount(y))


def test_one_rare_row_is_enough_beside_validation_rows():
    X, y = table()
    net = MetaAugmentClassifier(**SMALL).partial_fit(X, y)
    rows = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:1]]
    net.partial_fit(X[rows], y[rows], eval_set=(X, y))
    assert_array_equal(net.class_counts_, np.bincount(y) + np.bincount(y[rows]))


def test_a_narrow_chunk_does_not_squeeze_the_rows():
    X, y = table()
    params = PLAIN | {"synth_lr": 0.0, "clip": True}
    net = MetaAugmentClassifier(**params).partial_fit(X, y)
    before = net.X_synth_.copy()
    narrow = X.copy()
    narrow[:, 0] = X[0, 0]
    net.partial_fit(narrow, y)
    assert_array_equal(net.X_synth_, before)


class Interrupts(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("epoch", "with_rows"), [(2, False), (5, True)])
def test_an_interrupt_ends_training_in_either_stage(epoch, with_rows):
    X, y = table()
    net = MetaAugmentClassifier(callbacks=[Interrupts(epoch)], **PLAIN).fit(X, y)
    assert len(net.history) == epoch
    assert (net.history[-1, "n_synthetic"] > 0) == with_rows
    moved = (net.X_synth_ != X[net.synth_parents_].astype(np.float32)).any()
    assert moved == with_rows


def test_early_stopping_of_pretraining_is_no_interrupt():
    X, y = table()
    params = SMALL | {"pretrain_epochs": 100, "patience": 3}
    net = MetaAugmentClassifier(**params).fit(X, y)
    numbers = np.array(net.history[:, "n_synthetic"])
    assert (numbers == 0).sum() < 100
    assert_array_equal(numbers[-4:], [len(net.X_synth_)] * 4)


class Saves(Callback):
    """Pickles the net in the middle of training, as skorch's Checkpoint can."""

    def on_epoch_end(self, net, **kwargs):
        self.saved_ = pickle.dumps(net)
        self.rows_ = (
            None if net.run_.moving is None else net.run_.moving.synthetic.rows.clone()
        )


def test_a_net_saved_while_rows_move_holds_the_rows():
    X, y = table()
    saves = Saves()
    net = MetaAugmentClassifier(callbacks=[("saves", saves)], **PLAIN).fit(X, y)
    saves = dict(net.callbacks_)["saves"]
    copy = pickle.loads(saves.saved_)
    assert_array_equal(copy.X_synth_, saves.rows_)
    assert_array_equal(copy.predict_proba(X), net.predict_proba(X))
    assert len(copy.partial_fit(X, y).history) == len(net.history) + 4


@pytest.mark.parametrize("replaced", [True, False])
def test_rows_follow_any_early_stopping(replaced):
    X, y = table()
    stopping = SkorchEarlyStopping("valid_loss", patience=50, load_best=True)
    params = (
        {"callbacks__early_stopping": stopping}
        if replaced
        else {"early_stopping": False, "callbacks": [("stop", stopping)]}
    )
    params = SMALL | {"max_epochs": 15, "inner_lr": 0.5} | params
    net = MetaAugmentClassifier(store_synth_history=True, **params).fit(X, y)
    used = dict(net.callbacks_)["early_stopping" if replaced else "stop"]
    best = used.best_epoch_ - SMALL["pretrain_epochs"]
    assert 0 < best < 15  # neither the beginning nor the last epoch
    assert_array_equal(net.X_synth_, net.synth_history_[best])
    assert not np.array_equal(net.X_synth_, net.synth_history_[-1])


@pytest.mark.parametrize("weighted_first", [True, False])
def test_weights_may_come_and_go_between_chunks(weighted_first):
    X, y = table()
    weight = np.random.RandomState(0).uniform(0.5, 2, len(y)).astype(np.float32)
    net = Recorded(**PLAIN)
    net.partial_fit(X, y, sample_weight=weight if weighted_first else None)
    net.drawn_ = {name: [] for name in net.drawn_}
    net.partial_fit(X, y, sample_weight=None if weighted_first else weight)
    expected = weight[net.synth_parents_] if weighted_first else 1
    assert_array_equal(net.synth_weight_, np.broadcast_to(expected, len(net.y_synth_)))
    for (X1, _), _, _ in net.steps():
        assert isinstance(X1, dict) != weighted_first
    assert np.isfinite(net.predict_proba(X)).all()


# --- Weights, criteria, batches ------------------------------------------------------


def test_weights_travel_with_the_duplicates():
    X, y = table()
    weight = np.random.RandomState(0).uniform(0.5, 2, len(y)).astype(np.float32)
    net = Recorded(sampling_strategy="auto", **PLAIN).fit(X, y, sample_weight=weight)
    for _, _, (synthetic, _) in net.steps():
        parents = net.synth_parents_[synthetic["index"]]
        assert_array_equal(synthetic["weight"], weight[parents])


def test_synthetic_rows_of_weight_zero_do_not_count():
    X, y = table()
    weight = np.ones(len(y), dtype=np.float32)
    rare = np.flatnonzero(y == 1)
    weight[rare[::2]] = 0
    net = MetaAugmentClassifier(**PLAIN).fit(X, y, sample_weight=weight)
    moved = (net.X_synth_ != X[net.synth_parents_]).any(1)
    assert_array_equal(moved, weight[net.synth_parents_] > 0)
    assert moved.any() and not moved.all()


@pytest.mark.parametrize("labels", [[0, 1], ["no", "yes"]])
def test_class_weight_equals_the_sample_weights_it_stands_for(labels):
    X, code = table()
    y = np.array(labels)[code]
    by_class = MetaAugmentClassifier(
        class_weight={labels[0]: 1.0, labels[1]: 4.0}, **PLAIN
    ).fit(X, y)
    by_row = MetaAugmentClassifier(**PLAIN)
    by_row.fit(X, y, sample_weight=np.where(code == 1, 4.0, 1.0))
    assert_allclose(by_class.X_synth_, by_row.X_synth_, atol=1e-5)
    assert_allclose(by_class.predict_proba(X), by_row.predict_proba(X), atol=1e-5)
    plain = MetaAugmentClassifier(**PLAIN).fit(X, y)
    assert np.abs(plain.predict_proba(X) - by_row.predict_proba(X)).max() > 0.01


def test_training_weights_with_an_explicit_validation_set():
    (X, y), eval_set = halves()
    weight = np.where(y == 1, 3.0, 1.0)
    net = MetaAugmentClassifier(**PLAIN)
    net.fit(X, y, sample_weight=weight, eval_set=eval_set)
    assert np.isfinite(net.history[:, "valid_loss"]).all()
    plain = MetaAugmentClassifier(**PLAIN).fit(X, y, eval_set=eval_set)
    assert np.abs(net.X_synth_ - plain.X_synth_).max() > 1e-4


@pytest.mark.parametrize("criterion", ["cross_entropy", "focal", "ldam"])
@pytest.mark.parametrize("inner_rows", ["both", "synthetic"])
def test_any_criterion_is_the_loss_of_both_steps(criterion, inner_rows):
    """The first step against central differences of training, in float64."""
    (X, y), eval_set = halves()
    net = Recorded(
        criterion=criterion,
        inner_rows=inner_rows,
        synth_lr=200.0,
        synth_unit="input",
        clip=False,
        # A kink of a ReLU between two differences would spoil them.
        module__activation="tanh",
        **PLAIN | {"batch_size": 1000, "max_epochs": 1},
    ).fit(X, y, eval_set=eval_set)
    [((X1, y1), (X2, y2), (synthetic, ys))] = net.steps()
    order = synthetic["index"]
    loss_of = deepcopy(net.criterion_).double()

    def outer(rows):
        module = deepcopy(net.nets_[0]).double()
        batch, target = torch.cat([X1.double(), rows]), torch.cat([y1, ys])
        if inner_rows == "synthetic":
            batch, target = rows, ys
        loss_of(module(batch), target).backward()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter -= net.inner_lr * parameter.grad
            return loss_of(module(X2.double()), y2).item()

    rows = torch.from_numpy(X[net.synth_parents_]).double()[order]
    shift = torch.from_numpy(net.X_synth_).double()[order] - rows
    for i, j in [(0, 0), (1, 3), (2, 5), (5, 1)]:
        values = []
        for sign in (1, -1):
            moved = rows.clone()
            moved[i, j] += sign * 1e-4
            values.append(outer(moved))
        # float32 rounds rows of size 1 to 1e-7.
        expected = net.synth_lr * (values[1] - values[0]) / 2e-4
        assert shift[i, j].item() == pytest.approx(expected, rel=1e-3, abs=2e-6)
    assert shift.abs().max() > 3e-3
    assert_allclose(net.predict_proba(X).sum(1), 1)


def test_the_training_iterator_gives_the_training_rows():
    X, y = table()
    params = {**PLAIN, "batch_size": 40}
    net = Recorded(iterator_train="balanced", **params).fit(X, y)
    shares = [y1.float().mean().item() for (_, y1), _, _ in net.steps()]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.1)
    net = Recorded(iterator_train=torch.utils.data.DataLoader, **params).fit(X, y)
    shares = [y1.float().mean().item() for (_, y1), _, _ in net.steps()]
    assert np.mean(shares) == pytest.approx(y.mean(), abs=0.05)


@pytest.mark.parametrize("iterator", ["smote", "mixup", "remix"])
def test_training_iterators_that_make_rows(iterator):
    """Soft labels are taken, or refused before training."""
    X, y = table()
    try:
        net = MetaAugmentClassifier(iterator_train=iterator, **SMALL).fit(X, y)
    except ValueError as error:
        assert "iterator_train" in str(error)
        refuse("iterator_train", X, y, iterator_train=iterator)
    else:
        assert np.isfinite(net.predict_proba(X)).all()


def test_the_batch_of_all_rows():
    X, y = table()
    net = Recorded(**PLAIN | {"batch_size": -1}).fit(X, y)
    assert net.history[-1, "train_batch_count"] == 1
    for (_, y1), (_, y2), (_, ys) in net.steps():
        assert len(y1) + len(y2) == len(y)
        assert len(ys) == len(net.X_synth_)


def test_endless_batches_use_each_row_once_before_any_twice():
    X, y = table()
    net = Recorded(**PLAIN | {"batch_size": 16, "max_epochs": 9}).fit(X, y)
    times = np.zeros(len(net.X_synth_), dtype=int)
    for _, _, (synthetic, ys) in net.steps():
        index = synthetic["index"].numpy()
        assert len(set(index)) == len(index)
        assert_array_equal(net.y_synth_[index], ys)
        np.add.at(times, index, 1)
        assert times.max() - times.min() <= 1
    n_valid = round(0.2 * (y == 0).sum()) + round(0.2 * (y == 1).sum())
    seen = np.concatenate([X2 for _, (X2, _), _ in net.steps()])
    _, times = np.unique(seen, axis=0, return_counts=True)
    assert len(times) == n_valid
    assert times.max() - times.min() <= 1
    # Each time in a new order.
    order = np.concatenate([synthetic["index"] for _, _, (synthetic, _) in net.steps()])
    n = len(net.X_synth_)
    assert not np.array_equal(order[:n], order[n : 2 * n])


def test_frozen_parameters_stay():
    X, y = table()
    net = Recorded(callbacks=[Freezer("hidden.*")], **PLAIN).fit(X, y)
    trained = dict(net.module_.named_parameters())
    for name, value in net.nets_[0].named_parameters():
        assert torch.equal(trained[name], value) == name.startswith("hidden")
    assert (net.X_synth_ != X[net.synth_parents_]).any()


# --- Modules -------------------------------------------------------------------------


class Net(nn.Module):
    """A net with a norm of choice, for six columns."""

    def __init__(self, norm):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 4), norm(4), nn.ReLU())
        self.out = nn.Linear(4, 2)

    def forward(self, X):
        return self.out(self.layers(X))


class Spectral(nn.Module):
    def __init__(self, wrap):
        super().__init__()
        self.first = wrap(nn.Linear(6, 4))
        self.out = nn.Linear(4, 2)

    def forward(self, X):
        return self.out(torch.tanh(self.first(X)))


def group_norm(width):
    return nn.GroupNorm(2, width)


MINIMAL = {"pretrain_epochs": 1, "max_epochs": 2, "device": "cpu", "random_state": 0}


def refuse_module(match, module, **params):
    net = MetaAugmentClassifier(module, callbacks=[NoTraining()], **MINIMAL, **params)
    with pytest.raises(ValueError, match=match):
        net.fit(*table())


def test_batch_norm_is_refused_by_name():
    refuse_module(
        r"buffers \['layers.1.running_mean', .*layer norm or group norm",
        Net,
        module__norm=nn.BatchNorm1d,
    )


@pytest.mark.filterwarnings("ignore:.*spectral_norm.* is deprecated")
@pytest.mark.parametrize(
    ("wrap", "match"),
    [
        (nn.utils.parametrizations.spectral_norm, "first.parametrizations.weight.0._u"),
        (nn.utils.spectral_norm, "first.weight_u"),
    ],
)
def test_spectral_norm_is_refused_by_name(wrap, match):
    refuse_module(match, Spectral, module__wrap=wrap)


@pytest.mark.parametrize("norm", [nn.LayerNorm, group_norm])
def test_norms_of_single_rows_are_welcome(norm):
    X, y = table()
    net = MetaAugmentClassifier(Net, module__norm=norm, **MINIMAL).fit(X, y)
    assert np.isfinite(net.predict_proba(X)).all()
    assert (net.X_synth_ != X[net.synth_parents_]).any()


def test_weight_norm_is_welcome():
    wrap = nn.utils.parametrizations.weight_norm
    X, y = table()
    net = MetaAugmentClassifier(Spectral, module__wrap=wrap, **MINIMAL).fit(X, y)
    assert (net.X_synth_ != X[net.synth_parents_]).any()


class Attention(nn.Module):
    """One token a column, as transformers for tables have it."""

    def __init__(self):
        super().__init__()
        self.token = nn.Linear(1, 4)
        self.attention = nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True)
        self.out = nn.Linear(4, 2)

    def forward(self, X):
        return self.out(self.attention(self.token(X.unsqueeze(-1))).mean(1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRU(1, 4, batch_first=True)
        self.out = nn.Linear(4, 2)

    def forward(self, X):
        return self.out(self.cell(X.unsqueeze(-1))[0][:, -1])


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6)
        self.second.weight = self.first.weight
        self.out = nn.Linear(6, 2)

    def forward(self, X):
        return self.out(self.second(self.first(X).tanh()).tanh())


@pytest.mark.parametrize("module", [Recurrent, Tied, Attention])
def test_modules_of_other_kinds(module):
    X, y = table()
    net = MetaAugmentClassifier(module, **MINIMAL).fit(X, y)
    assert np.isfinite(net.predict_proba(X)).all()
    assert (net.X_synth_ != X[net.synth_parents_]).any()


def test_tied_weights_stay_tied():
    X, y = table()
    net = Recorded(Tied, **MINIMAL).fit(X, y)
    assert net.module_.second.weight is net.module_.first.weight
    assert not torch.equal(net.nets_[0].first.weight, net.module_.first.weight)


class Probabilities(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(6, 2)

    def forward(self, X):
        return self.out(X).softmax(-1)


def test_a_module_of_probabilities():
    X, y = table()
    net = MetaAugmentClassifier(Probabilities, criterion=nn.NLLLoss, **MINIMAL)
    net.fit(X, y)
    assert_allclose(net.predict_proba(X).sum(1), 1, atol=1e-5)
    assert (net.X_synth_ != X[net.synth_parents_]).any()


class Watched(nn.Module):
    """Tells in which mode, and with how many rows, it was called."""

    calls = []

    def __init__(self, dropout=0.5):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.Dropout(dropout))
        self.out = nn.Linear(8, 2)

    def forward(self, X):
        mode = {self.training, *(m.training for m in self.modules())}
        self.calls.append((mode, len(X)))
        return self.out(self.layers(X))


@pytest.mark.parametrize("inner_steps", [1, 3])
def test_dropout_is_on_for_training_and_off_for_validation_rows(inner_steps):
    (X, y), eval_set = halves()
    net = MetaAugmentClassifier(
        Watched,
        inner_steps=inner_steps,
        **MINIMAL | {"batch_size": 1000, "max_epochs": 3, "pretrain_epochs": 0},
    )
    Watched.calls.clear()
    net.fit(X, y, eval_set=eval_set)
    n_valid = len(eval_set[1])
    step = [({True}, len(y) + y.sum())] * inner_steps + [({False}, n_valid)]
    # The check of the module and the certainty come first, a validation pass after.
    assert Watched.calls[-3 * (len(step) + 1) :] == 3 * [*step, ({False}, n_valid)]


def test_dropout_changes_the_training_and_one_seed_decides_it():
    X, y = table()
    params = {**PLAIN, "module__dropout": 0.5}
    first, second = (MetaAugmentClassifier(**params).fit(X, y) for _ in "ab")
    assert_array_equal(first.X_synth_, second.X_synth_)
    without = MetaAugmentClassifier(**PLAIN).fit(X, y)
    assert not np.array_equal(first.X_synth_, without.X_synth_)


class SmallConvNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.GroupNorm(2, 4),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(4 * 3 * 2, n_classes),
        )

    def forward(self, X):
        return self.layers(X)


def test_images():
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1, 2], [60, 12, 6])
    X = rng.rand(78, 2, 6, 4).astype(np.float32)
    X[:, 0, 0, 0] = 0.5  # a dead pixel
    net = MetaAugmentClassifier(
        SmallConvNet,
        **MINIMAL | {"max_epochs": 5},
        early_stopping=False,
        store_synth_history=True,
    ).fit(X, y)
    assert net.synth_history_.shape == (6, len(net.y_synth_), 2, 6, 4)
    assert set(net.y_synth_) == {1, 2}
    moved = net.X_synth_ != X[net.synth_parents_]
    assert moved.any((1, 2, 3)).all()
    assert not moved[:, 0, 0, 0].any()
    assert net.X_synth_.min() >= X.min() and net.X_synth_.max() <= X.max()
    assert net.predict_proba(X).shape == (78, 3)


# --- Refusals ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"confidence": 1.5},
        {"confidence": -0.1},
        {"inner_lr": 0},
        {"inner_lr": -1.0},
        {"synth_lr": -1.0},
        {"synth_unit": "iqr"},
        {"inner_steps": 0},
        {"inner_rows": "training"},
        {"inner_steps": 1.5},
        {"clip": "yes"},
        {"pretrain_epochs": -1},
        {"max_epochs": 0},
        {"store_synth_history": 1.0},
        {"sampling_strategy": "minorities"},
        {"sampling_strategy": 1.5},
        {"sampling_strategy": 0.0},
        {"train_split": "stratify"},
    ],
    ids=str,
)
def test_refuses_bad_parameters(params):
    name = next(iter(params))
    refuse(f"'{name}' parameter of MetaAugmentClassifier", *table(), **params)


def test_refuses_what_it_cannot_differentiate_or_validate():
    refuse("no second derivatives: got compile=True", *table(), compile=True)
    refuse("train_split=None gives none. .*eval_set", *table(), train_split=None)


def test_no_split_is_needed_beside_validation_rows():
    X, y = table()
    net = MetaAugmentClassifier(train_split=None, **SMALL)
    net.fit(X[::2], y[::2], eval_set=(X[1::2], y[1::2]))
    assert len(net.X_synth_) == y[::2].sum()


@pytest.mark.parametrize(
    ("strategy", "match"),
    [
        ({1: 3}, "3 samples are asked"),
        ({5: 300}, r"\{5\} target class is/are not present"),
        (0.01, "ratio"),
        (lambda y: {1: 1}, "1 samples are asked"),
    ],
)
def test_refuses_strategies_that_do_not_fit_the_data(strategy, match):
    refuse(match, *table(), sampling_strategy=strategy)


def test_a_ratio_is_of_two_classes():
    refuse(
        "float only when the type of target is binary",
        *three_classes(),
        sampling_strategy=0.5,
    )


@pytest.mark.parametrize("early_stopping", [True, False])
def test_refuses_a_validation_part_without_a_class(early_stopping):
    X, code = table()
    y = np.array(["common", "rare"])[code]
    common = code == 0
    match = r"(validation part|eval_set) has no row of class \['rare'\]"
    params = {"early_stopping": early_stopping}
    refuse(match, X, y, eval_set=(X[common], y[common]), **params)
    held_out = Dataset(X[common], y[common])
    refuse(match, X, y, train_split=predefined_split(held_out), **params)


def no_split(dataset, y=None):
    return dataset, None


def test_refuses_a_split_without_validation_rows():
    refuse(
        "train_split=<function no_split .* gives none.*eval_set",
        *table(),
        train_split=no_split,
    )


@pytest.mark.parametrize("label", ["rare", 7])
def test_refuses_a_class_of_one_row(label):
    X, _ = table()
    y = np.array([0] * 199 + [label], dtype=object if label == "rare" else int)
    y = y.astype(str) if label == "rare" else y
    match = f"Class {label!r} has 1 row; MetaAugmentClassifier needs at least 2 .*eval_"
    refuse(match, X, y)


# --- Small, large, strange -----------------------------------------------------------


@pytest.mark.parametrize("n_rare", [2, 3])
def test_a_handful_of_rare_rows(n_rare):
    X, y = table()
    rows = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:n_rare]]
    net = MetaAugmentClassifier(**PLAIN).fit(X[rows], y[rows])
    assert len(net.X_synth_) == n_rare - 1
    assert np.isfinite(net.predict_proba(X)).all()


def test_four_rows():
    net = MetaAugmentClassifier(**PLAIN)
    net.fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
    assert net.X_synth_.shape == (1, 1)


def test_batches_of_one_row():
    X, y = table(n_samples=40, weights=[0.7])
    net = MetaAugmentClassifier(**PLAIN | {"batch_size": 1}).fit(X, y)
    assert np.isfinite(net.X_synth_).all()


@pytest.mark.parametrize("unit", ["range", "std", "input"])
def test_constant_columns(unit):
    X, y = table()
    X[:, 2] = 7
    net = MetaAugmentClassifier(synth_unit=unit, **SMALL).fit(X, y)
    assert (net.X_synth_[:, 2] == 7).all()
    assert np.isfinite(net.history[:, "synth_shift"]).all()


@pytest.mark.parametrize("scale", [1e-15, 1e-4, 1e4, 1e15, 1e25])
def test_the_scale_of_the_columns_does_not_matter(scale):
    (X, y), (X_valid, y_valid) = halves()
    params = {**SMALL, "early_stopping": False}
    expected = MetaAugmentClassifier(**params).fit(X, y, eval_set=(X_valid, y_valid))
    scaled = MetaAugmentClassifier(**params)
    scaled.fit(
        X * np.float32(scale), y, eval_set=(X_valid * np.float32(scale), y_valid)
    )
    assert expected.history[-1, "synth_shift"] > 1e-3
    for name in ("train_loss", "synth_shift"):
        assert_allclose(scaled.history[:, name], expected.history[:, name], rtol=1e-2)


def test_integers_and_booleans():
    X, y = table()
    whole = (10 * X).astype(np.int16)
    net = MetaAugmentClassifier(**SMALL).fit(whole, y)
    as_float = MetaAugmentClassifier(**SMALL).fit(whole.astype(np.float32), y)
    assert_array_equal(net.X_synth_, as_float.X_synth_)
    assert np.isfinite(MetaAugmentClassifier(**SMALL).fit(X > 0, y).X_synth_).all()


def test_many_steps_with_large_rates_stay_finite_in_the_box():
    X, y = table()
    net = MetaAugmentClassifier(synth_lr=1e6, **PLAIN | {"max_epochs": 30}).fit(X, y)
    assert np.isfinite(net.X_synth_).all()
    assert np.isfinite(net.history[:, "train_loss"]).all()


# --- scikit-learn --------------------------------------------------------------------


def test_frames_and_names_of_columns():
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    net = MetaAugmentClassifier(**SMALL).fit(frame, pd.Series(y))
    assert_array_equal(net.feature_names_in_, list("abcdef"))
    as_array = MetaAugmentClassifier(**SMALL).fit(X, y)
    assert_array_equal(net.X_synth_, as_array.X_synth_)
    assert_array_equal(net.synth_parents_, as_array.synth_parents_)


def test_own_parameters_in_a_grid_search_over_a_pipeline():
    X, y = table()
    pipeline = make_pipeline(StandardScaler(), MetaAugmentClassifier(**SMALL))
    name = "metaaugmentclassifier"
    grid = {f"{name}__synth_lr": [0.0, 100.0], f"{name}__module__hidden_sizes": [(4,)]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="roc_auc", error_score="raise")
    search.fit(X, np.array(["a", "b"])[y])
    best = search.best_estimator_[name]
    moved = np.isin(best.X_synth_, StandardScaler().fit_transform(X)).all()
    assert moved == (best.synth_lr == 0)
    scores = cross_val_score(pipeline, X, y, scoring="roc_auc", cv=2)
    assert np.isfinite(scores).all()


def test_every_own_parameter_makes_a_difference():
    X, y = table()
    short = PLAIN | {"pretrain_epochs": 2, "max_epochs": 2}
    base = MetaAugmentClassifier(**short).fit(X, y)
    for params in (
        {"sampling_strategy": "auto"},
        {"confidence": 0.3},
        {"inner_lr": 0.05},
        {"synth_lr": 1.0},
        {"synth_unit": "std"},
        {"inner_steps": 2},
        {"inner_rows": "synthetic"},
        {"pretrain_epochs": 1},
        {"max_epochs": 1},
        {"random_state": 1},
    ):
        other = MetaAugmentClassifier(**short | params).fit(X, y)
        assert not np.array_equal(base.X_synth_, other.X_synth_), params
        again = clone(other).fit(X, y)
        assert_array_equal(again.X_synth_, other.X_synth_)


def test_rows_travel_with_the_pickle_and_nothing_else_does():
    X, code = table()
    y = np.array(["a", "b"])[code]
    net = MetaAugmentClassifier(store_synth_history=True, **SMALL).fit(X, y)
    again = pickle.loads(pickle.dumps(net))
    for name in ("X_synth_", "y_synth_", "synth_parents_", "synth_history_"):
        assert_array_equal(getattr(again, name), getattr(net, name))
    assert_array_equal(again.predict(X), net.predict(X))
    assert again.run_ is None and net.run_ is None


def test_a_fit_that_fails_leaves_no_training_behind():
    X, y = table()

    class Fails(Callback):
        def on_epoch_end(self, net, **kwargs):
            if net.run_.moving is not None:
                raise RuntimeError("on purpose")

    net = MetaAugmentClassifier(callbacks=[Fails()], **SMALL)
    before = dict(vars(net))
    with pytest.raises(RuntimeError, match="on purpose"):
        net.fit(X, y)
    assert vars(net) == before
    net.set_params(callbacks=None).fit(X, np.array(["a", "b"])[y])
    assert set(net.predict(X)) <= {"a", "b"}


def test_without_callbacks():
    net = MetaAugmentClassifier(**SMALL, callbacks="disable").fit(*table())
    assert len(net.history) == 7


@pytest.mark.parametrize("inner_rows", ["both", "synthetic"])
def test_scores_on_the_training_rows_leave_the_synthetic_ones_out(inner_rows):
    X, y = table()
    net = Recorded(
        callbacks=[EpochScoring("accuracy", on_train=True, name="train_accuracy")],
        inner_rows=inner_rows,
        **PLAIN | {"batch_size": 1000, "max_epochs": 1},
    ).fit(X, y)
    [((X1, y1), _, _)] = net.steps()
    # What a step predicts before it trains.
    accuracy = (net.nets_[0](X1).argmax(1) == y1).double().mean().item()
    assert net.history[-1, "train_accuracy"] == pytest.approx(accuracy)


def test_verbose_prints_the_shift(capsys):
    MetaAugmentClassifier(**SMALL, verbose=1).fit(*table())
    assert "synth_shift" in capsys.readouterr().out
    MetaAugmentClassifier(**SMALL).fit(*table())
    assert capsys.readouterr().out == ""


def test_the_global_generators_are_left_alone():
    X, y = table()
    torch.manual_seed(5)
    np.random.seed(5)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = MetaAugmentClassifier(**SMALL).fit(X, y)
    assert_array_equal(torch.get_rng_state(), torch_state)
    assert_array_equal(np.random.get_state()[1], numpy_state)
    torch.manual_seed(6)
    second = MetaAugmentClassifier(**SMALL).fit(X, y)
    assert_array_equal(first.X_synth_, second.X_synth_)
    assert_array_equal(first.predict_proba(X), second.predict_proba(X))


@pytest.mark.gpu
@pytest.mark.parametrize("weighted", [False, True])
def test_cuda_training_is_that_on_the_cpu(weighted):
    X, y = table()
    weight = np.random.RandomState(0).uniform(0.5, 2, len(y)) if weighted else None
    params = {**PLAIN, "batch_size": 32, "store_synth_history": True}
    on_cpu = MetaAugmentClassifier(**params).fit(X, y, sample_weight=weight)
    on_cuda = MetaAugmentClassifier(**params | {"device": "cuda"})
    on_cuda.fit(X, y, sample_weight=weight)
    assert next(on_cuda.module_.parameters()).is_cuda
    assert_array_equal(on_cuda.synth_parents_, on_cpu.synth_parents_)
    assert_allclose(on_cuda.synth_history_, on_cpu.synth_history_, atol=1e-3)
    assert_allclose(on_cuda.predict_proba(X), on_cpu.predict_proba(X), atol=1e-3)


# --- What it is good for -------------------------------------------------------------


def misplaced(seed):
    """The few rare rows of training lie where few others of their kind do.

    A quarter of the validation rows is rare, and so is a quarter of what a step with
    duplicates sees: what is gained is not a shift of all probabilities.
    """
    rng = np.random.RandomState(seed)

    def draw(n_common, n_rare, center):
        rare = 0.5 * rng.randn(n_rare, 2) + center
        X = np.r_[rng.randn(n_common, 2), rare]
        return X, np.repeat([0, 1], [n_common, n_rare])

    return draw(60, 10, [0.7, 1.9]), draw(150, 50, [2, 0]), draw(1500, 500, [2, 0])


@pytest.mark.slow
def test_moved_rows_help_where_duplicates_mislead():
    losses, scores = [], []
    for seed in range(8):
        train, valid, test = misplaced(seed)
        nets = [
            MetaAugmentClassifier(
                synth_lr=synth_lr,
                **PLAIN
                | {
                    "batch_size": 1000,
                    "max_epochs": 30,
                    "inner_lr": 0.1,
                    "random_state": seed,
                },
            ).fit(*train, eval_set=valid)
            for synth_lr in (0, 30)
        ]
        losses.append([np.mean(net.history[3:, "valid_loss"]) for net in nets])
        scores.append(
            [
                average_precision_score(test[1], net.predict_proba(test[0])[:, 1])
                for net in nets
            ]
        )
    loss_gains = -np.diff(losses)[:, 0]
    assert loss_gains.mean() > 0.03
    assert (loss_gains > 0).all()
    # Rows that no net has seen are ranked better.
    assert np.diff(scores).mean() > 0.1
