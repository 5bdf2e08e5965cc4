"""Imb-Mix against plain loops: copies, mixtures, labels, and averaged weights."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback

from imbdeep.batches import BalancedBatches
from imbdeep.classifiers import ImbMixClassifier
from imbdeep.classifiers._robust import imb_mix
from tests.classifiers.attacked import (
    OWN,
    PLAIN,
    SMALL,
    NoTraining,
    digits,
    epochs,
    same_weights,
    spied,
    table,
    three_classes,
)
from tests.common.slow import half_of


def four_classes(counts=(150, 40, 8, 6)):
    rng = np.random.RandomState(0)
    y = rng.permutation(np.repeat(np.arange(4), counts))
    X = rng.randn(len(y), 5) + 2 * np.eye(5)[y]
    return X.astype(np.float32), y


@pytest.fixture
def mixtures(monkeypatch):
    """What each step mixed, and with what, in the order of the steps."""
    calls = []
    mix = imb_mix.rebalanced_mixup

    def spy(X, labels, class_counts, **draws):
        rows = X["X"] if isinstance(X, dict) else X
        weight = X["sample_weight"] if isinstance(X, dict) else None
        calls.append(
            {"rows": rows, "labels": labels, "weight": weight, "counts": class_counts}
            | draws
        )
        return mix(X, labels, class_counts, **draws)

    monkeypatch.setattr(imb_mix, "rebalanced_mixup", spy)
    return calls


def slow_label_weight(mixing, n_i, n_j, kappa, tau):
    """Eq. (5.4), case by case."""
    if n_i / n_j >= kappa and mixing < tau:
        return 0.0
    if n_j / n_i >= kappa and 1 - mixing < tau:
        return 1.0
    return mixing


# --- Mixtures ------------------------------------------------------------------------


@pytest.mark.parametrize("n_copies, least", [("auto", 18), (0, 3), (1, 6)])
def test_the_ratio_from_which_on_labels_are_rebalanced(n_copies, least):
    # The docstring and the guide say 18 of the defaults.
    def predictions(n_frequent, mix):
        y = np.repeat([0, 1], [n_frequent, 4])
        X = np.random.RandomState(0).randn(len(y), 2) + y[:, None]
        params = {"n_copies": n_copies, "mix": mix, "train_split": None}
        net = ImbMixClassifier(**SMALL | params | {"early_stopping": False})
        return net.fit(X, y).predict_proba(X)

    for n_frequent in (8, 4 * least - 1, 4 * least):
        pair = [predictions(n_frequent, mix) for mix in ("rebalanced", "mixup")]
        assert np.array_equal(*pair) == (n_frequent < 4 * least), n_frequent


@half_of(
    params=[
        {},
        {"mix": "mixup"},
        {"kappa": 1.5, "tau": 0.9, "alpha": 0.4},
        {"kappa": 1.0, "tau": 0.3, "n_copies": 0},
        {"n_copies": 1, "tau": 0.0},
    ],
    weighted=[False, True],
)
def test_mixtures_are_those_of_plain_loops(mixtures, params, weighted):
    X, y = four_classes()
    weight = np.random.RandomState(1).uniform(0, 2, len(y)) if weighted else None
    net = spied(ImbMixClassifier)(**SMALL | params)
    net.fit(X, y, sample_weight=weight)
    copies = 5 if net.n_copies == "auto" else net.n_copies
    counts = np.array([150, 40, 8, 6]) * [1, 1, 1 + copies, 1 + copies]
    tau = 0.0 if params.get("mix") == "mixup" else net.tau
    own = 0
    assert len(mixtures) == len(net.steps_)
    for step, call in zip(net.steps_, mixtures, strict=True):
        labels = step["clean_labels"].tolist()
        rare = [i for i, label in enumerate(labels) if label >= 2]
        # The attacked rows, and then copies of the rare ones.
        n = len(labels)
        assert len(call["rows"]) == n + copies * len(rare)
        assert torch.equal(call["rows"][:n], step["attacked"])
        parents = [*range(n), *np.repeat(rare, copies).tolist()]
        rows = call["rows"].double().numpy()
        partner, mixing = call["partner"].tolist(), call["mixing"].double().tolist()
        assert sorted(partner) == list(range(len(parents)))
        assert len(step["rows"]) == len(step["labels"]) == len(parents)
        for i, (j, m) in enumerate(zip(partner, mixing, strict=True)):
            y_i, y_j = labels[parents[i]], labels[parents[j]]
            assert_allclose(
                step["rows"][i], m * rows[i] + (1 - m) * rows[j], rtol=1e-4, atol=1e-5
            )
            label_weight = slow_label_weight(
                m, counts[y_i], counts[y_j], net.kappa, tau
            )
            own += label_weight != m
            expected = np.zeros(4)
            expected[y_i] += label_weight
            expected[y_j] += 1 - label_weight
            assert_allclose(step["labels"][i], expected, atol=1e-6)
            if weighted:
                given = step["clean_weight"].double()
                expected = m * given[parents[i]] + (1 - m) * given[parents[j]]
                assert_allclose(step["weight"][i], expected, rtol=1e-5)
        assert_allclose(step["labels"].sum(1), 1, atol=1e-6)
    assert (own == 0) == (tau == 0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("criterion", ["cross_entropy", "focal"])
def test_the_mixtures_alone_are_trained_on(weighted, criterion):
    X, y = four_classes()
    weight = np.random.RandomState(1).uniform(0, 2, len(y)) if weighted else None
    seen = []

    class Watched(spied(ImbMixClassifier)):
        def infer(self, x, **fit_params):
            if self.module_.training:
                seen.append(x["X"] if isinstance(x, dict) else x)
            return super().infer(x, **fit_params)

    net = Watched(criterion=criterion, **PLAIN).fit(X, y, sample_weight=weight)
    assert len(seen) == len(net.steps_)
    per_epoch = []
    for step, rows in zip(net.steps_, seen, strict=True):
        assert torch.equal(rows, step["rows"])
        with torch.no_grad():
            z = step["module"].double()(rows.double()).numpy()
        log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
        discount = (1 - np.exp(log_p)) ** 2 if criterion == "focal" else 1
        losses = -(discount * log_p * step["labels"].double().numpy()).sum(1)
        w = np.ones(len(rows))
        if weighted:
            # Weights of a mean of 1, which mixing with copies does not keep.
            assert step["clean_weight"].max() <= 2 / weight.mean() + 1e-5
            w = step["weight"].double().numpy()
        loss = (w * losses).mean()
        assert step["loss"] == pytest.approx(loss, rel=1e-5)
        per_epoch.append(loss)
    # An epoch counts batches by their own rows, not by those of the mixtures.
    assert set(net.history[:, "train_batch_count"]) == {7}
    for epoch in range(len(net.history)):
        losses = per_epoch[7 * epoch : 7 * epoch + 7]
        expected = np.average(losses, weights=[32] * 6 + [12])
        assert net.history[epoch, "train_loss"] == pytest.approx(expected, rel=1e-4)


def test_without_mixing_labels_stay_hard(mixtures):
    X, y = four_classes()
    net = spied(ImbMixClassifier)(mix=None, n_copies=2, **SMALL).fit(X, y)
    assert not mixtures
    for step in net.steps_:
        labels = step["clean_labels"]
        rare = labels[labels >= 2]
        assert step["labels"].dtype == torch.int64
        assert torch.equal(
            step["labels"], torch.cat([labels, rare.repeat_interleave(2)])
        )
        assert torch.equal(step["rows"][: len(labels)], step["attacked"])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4])
def test_mixing_is_drawn_for_each_mixture(mixtures, alpha):
    X, y = table(n_samples=1500)
    ImbMixClassifier(alpha=alpha, **SMALL | {"max_epochs": 1}).fit(X, y)
    mixing = torch.cat([call["mixing"] for call in mixtures]).double().numpy()
    assert len(np.unique(mixing[(mixing > 1e-3) & (mixing < 0.999)])) > 1000
    assert mixing.mean() == pytest.approx(0.5, abs=0.03)
    assert mixing.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)


def test_weights_of_classes_meet_soft_labels():
    """Re-weighted from the start, a mixture weighs as much as its label expects."""
    X, y = table()
    net = spied(ImbMixClassifier)(
        reweight_from=0.0, beta=0.99, **PLAIN | {"max_epochs": 1}
    ).fit(X, y)
    weight = (1 - 0.99) / (1 - 0.99 ** np.bincount(y))
    # A mean of 1 over the rows and their copies.
    counts = net.augmented_counts_
    weight *= counts.sum() / (weight * counts).sum()
    for step in net.steps_:
        with torch.no_grad():
            z = step["module"].double()(step["rows"].double()).numpy()
        log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
        soft = step["labels"].double().numpy()
        expected = (soft @ weight * -(soft * log_p).sum(1)).mean()
        assert step["loss"] == pytest.approx(expected, rel=1e-5)


# --- Copies --------------------------------------------------------------------------


@pytest.mark.parametrize("copy_scale", [0.0, 1.0, 2.5])
def test_copies_scatter_along_the_attack(copy_scale):
    """Eq. (5.2): each feature of a copy has a normal factor of its own."""
    X, y = table(n_samples=600)
    net = spied(ImbMixClassifier)(
        n_copies=7,
        copy_scale=copy_scale,
        mix=None,
        **SMALL | {"max_epochs": 1, "batch_size": -1},
    ).fit(X, y)
    [step] = net.steps_
    rare = (step["clean_labels"] == 1).nonzero()[:, 0]
    clean, attacked = (step[k][rare].double() for k in ("clean", "attacked"))
    copies = step["rows"][600:].double().reshape(len(rare), 7, 5).transpose(0, 1)
    if copy_scale == 0:
        assert torch.equal(copies, clean.expand_as(copies))
        return
    shift = attacked - clean
    moved = shift.abs() > 0.05  # else the factor is lost in rounding
    factor = ((copies - clean) / shift)[:, moved].numpy() / copy_scale
    assert factor.size > 2000
    assert factor.mean() == pytest.approx(0, abs=0.06)
    assert factor.std() == pytest.approx(1, abs=0.04)
    assert (factor**4).mean() == pytest.approx(3, abs=0.5)
    # Of no copy, and of no row, are two factors alike.
    assert len(np.unique(factor.round(9))) == factor.size


def test_copies_keep_to_the_box_and_to_what_may_move():
    X, y = four_classes()
    net = spied(ImbMixClassifier)(
        box="data",
        perturb=[True, False, True, True, False],
        mix=None,
        copy_scale=5.0,
        **SMALL,
    ).fit(X, y)
    low, high = X.min(0), X.max(0)
    at_the_side = 0
    for step in net.steps_:
        n = len(step["clean_labels"])
        rows = step["rows"].numpy()
        assert ((low <= rows) & (rows <= high)).all()
        rare = step["clean"][step["clean_labels"] >= 2].numpy()
        copies = rows[n:].reshape(len(rare), 5, 5).swapaxes(0, 1)
        for copy in copies:
            assert_array_equal(copy[:, [1, 4]], rare[:, [1, 4]])
        at_the_side += ((copies == low) | (copies == high))[:, :, [0, 2, 3]].sum()
    assert at_the_side > 10


def test_copies_may_leave_the_ball():
    X, y = four_classes()
    net = spied(ImbMixClassifier)(mix=None, **SMALL).fit(X, y)
    beyond = []
    for step in net.steps_:
        n = len(step["clean_labels"])
        rare = step["clean"][step["clean_labels"] >= 2]
        copies = step["rows"][n:].reshape(len(rare), 5, 5).transpose(0, 1)
        reach = torch.from_numpy(net.eps_)
        beyond += ((copies - rare).abs() > reach * 1.01).flatten().tolist()
    assert 0.1 < np.mean(beyond) < 0.4  # a normal number is over 1 so often, at eps


@pytest.mark.parametrize(
    ("counts", "copied"),
    [
        ((60, 30, 8, 6), [False, False, True, True]),
        ((6, 60, 8, 30), [True, False, True, False]),
        ((40, 40, 40, 40), [False] * 4),
        ((40, 40, 40, 6), [False, False, False, True]),
        ((40, 20, 20, 20), [False, False, True, True]),
    ],
)
def test_the_rarer_half_of_the_classes_is_copied(mixtures, counts, copied):
    X, y = four_classes(counts)
    net = spied(ImbMixClassifier)(n_copies=3, **SMALL).fit(X, y)
    assert_array_equal(net.n_copies_, 3 * np.array(copied))
    expected = np.array(counts) * (1 + 3 * np.array(copied))
    assert_array_equal(net.augmented_counts_, expected)
    for step, call in zip(net.steps_, mixtures, strict=True):
        assert_array_equal(call["counts"], expected)
        classes = call["labels"].argmax(1)[len(step["clean_labels"]) :]
        assert all(copied[c] for c in classes.tolist())
    # An epoch trains on each row and on its copies.
    for steps in epochs(net):
        assert sum(len(step["rows"]) for step in steps) == expected.sum()


@pytest.mark.parametrize(
    ("counts", "copies"),
    [
        ((150, 40, 8, 6), [0, 0, 5, 5]),
        ((60, 60, 30, 20), [0, 0, 1, 2]),
        ((60, 60, 50, 31), [0, 0, 0, 0]),
        ((60, 40, 30, 10), [0, 0, 1, 5]),
    ],
)
def test_no_class_outgrows_the_largest(counts, copies):
    X, y = four_classes(counts)
    net = ImbMixClassifier(**SMALL | {"max_epochs": 1}).fit(X, y)
    assert_array_equal(net.n_copies_, copies)
    assert max(net.augmented_counts_) == max(counts)


@pytest.mark.parametrize("iterator", ["balanced", "smote", BalancedBatches])
def test_sizes_of_classes_are_not_balanced_twice(iterator):
    X, y = table()
    for params in ({}, {"n_copies": 0}, {"mix": "mixup"}, {"mix": None}):
        net = ImbMixClassifier(iterator_train=iterator, **SMALL | params)
        with pytest.raises(ValueError, match=f"{iterator!r} has made them alike"):
            net.fit(X, y)
        assert not net.initialized_
    for mix in ("mixup", None):
        params = {"n_copies": 0, "mix": mix, "iterator_train": iterator}
        net = ImbMixClassifier(**SMALL | params).fit(X, y)
        assert_allclose(net.predict_proba(X).sum(1), 1, atol=1e-6)


def test_of_three_classes_one_is_copied():
    X, y = three_classes()
    net = ImbMixClassifier(**SMALL).fit(X, y)
    assert_array_equal(net.n_copies_ > 0, [False, False, True])


def test_counts_follow_partial_fit():
    X, y = table()
    net = ImbMixClassifier(n_copies=2, **SMALL).fit(X, y)
    counts = np.bincount(y)
    assert_array_equal(net.augmented_counts_, counts * [1, 3])
    for _ in range(5):
        net.partial_fit(X, np.ones(len(X), dtype=int))
    total = counts + [0, 5 * len(X)]
    assert_array_equal(net.class_counts_, total)
    assert_array_equal(net.n_copies_, [2, 0])
    assert_array_equal(net.augmented_counts_, total * [3, 1])


def test_copies_count_when_classes_are_compared(mixtures):
    """90 to 30 is a ratio of 3; with two copies of each rare row it is 1."""
    X, y = np.random.RandomState(0).randn(120, 5), np.repeat([0, 1], [90, 30])
    for n_copies, frequent_loses in ((0, True), (2, False)):
        mixtures.clear()
        net = spied(ImbMixClassifier)(n_copies=n_copies, kappa=2.9, **SMALL)
        net.fit(X, y)
        mixed = [
            (step["labels"][:, 1] - own).abs() > 1e-6
            for step, call in zip(net.steps_, mixtures, strict=True)
            for own in [mixup_labels(call)]
        ]
        assert bool(torch.cat(mixed).any()) == frequent_loses


def mixup_labels(call):
    rare = call["labels"][:, 1]
    return call["mixing"] * rare + (1 - call["mixing"]) * rare[call["partner"]]


# --- Weight averaging ----------------------------------------------------------------


class Weights(Callback):
    """Keeps the weights at the end of each epoch, and of each step."""

    def on_train_begin(self, net, **kwargs):
        self.epochs_, self.steps_ = [], []

    def on_epoch_end(self, net, **kwargs):
        self.epochs_.append(deepcopy(net.module_.state_dict()))

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            self.steps_.append(deepcopy(net.module_.state_dict()))


@pytest.mark.parametrize("average_from", [0.0, 0.5, 0.75])
def test_predictions_are_of_the_mean_weights(average_from):
    X, y = table()
    params = {**SMALL, "max_epochs": 8, "average_from": average_from}
    params |= {"lr": 0.01, "lr_schedule": None}
    net = ImbMixClassifier(callbacks=[("weights", Weights())], **params).fit(X, y)
    recorded = dict(net.callbacks_)["weights"].epochs_
    late = recorded[round(8 * average_from) :]
    for name, value in net.module_.state_dict().items():
        mean = torch.stack([weights[name].double() for weights in late]).mean(0)
        assert_allclose(value, mean, rtol=1e-4, atol=1e-6)
    module = deepcopy(net.module_).eval()
    averaged = module(torch.from_numpy(X)).softmax(1).detach()
    assert_allclose(net.predict_proba(X), averaged, atol=1e-6)
    last = ImbMixClassifier(**params | {"weight_averaging": None}).fit(X, y)
    assert np.abs(last.predict_proba(X) - averaged.numpy()).max() > 1e-4


def test_an_exponential_average_of_the_steps():
    X, y = table()
    net = ImbMixClassifier(
        weight_averaging="ema", callbacks=[("weights", Weights())], **SMALL
    ).fit(X, y)
    recorded = dict(net.callbacks_)["weights"].steps_
    per_epoch = len(recorded) // 3
    late = recorded[2 * per_epoch :]  # round(0.75 * 3) epochs come before
    mean = {k: v.double() for k, v in late[0].items()}
    for weights in late[1:]:
        mean = {k: 0.99 * v + 0.01 * weights[k].double() for k, v in mean.items()}
    for name, value in net.module_.state_dict().items():
        assert_allclose(value, mean[name], rtol=1e-4, atol=1e-6)


# --- Parameters ----------------------------------------------------------------------


def test_the_baselines_of_the_paper(mixtures):
    """'mixup + adv.' and 'remix + adv.' differ in their labels alone."""
    X, y = four_classes()
    shared = {**SMALL, "n_copies": 0, "weight_averaging": None, "max_epochs": 1}
    mixup, remix = (
        spied(ImbMixClassifier)(mix=mix, **shared).fit(X, y)
        for mix in ("mixup", "rebalanced")
    )
    first, second = mixup.steps_[0], remix.steps_[0]
    assert torch.equal(first["rows"], second["rows"])
    assert not torch.equal(first["labels"], second["labels"])
    frequent = first["labels"][:, :2].sum(), second["labels"][:, :2].sum()
    assert frequent[0] > frequent[1]
    assert_array_equal(remix.augmented_counts_, remix.class_counts_)


def test_every_own_parameter_makes_a_difference():
    X, y = four_classes()
    # Of a single epoch there is no average.
    shared = {**SMALL, "max_epochs": 4, "average_from": 0.5, "lr_schedule": None}
    base = ImbMixClassifier(**shared).fit(X, y)
    for params in (
        {"n_copies": 1},
        {"copy_scale": 0.1},
        {"mix": "mixup"},
        {"mix": None},
        {"alpha": 0.1},
        {"kappa": 30.0},
        {"tau": 1.0},
        {"weight_averaging": None},
        {"average_from": 0.0},
        {"eps": 0.1},
    ):
        other = ImbMixClassifier(**shared).set_params(**params).fit(X, y)
        assert not same_weights(base, other), params


@pytest.mark.parametrize(
    "params",
    [
        {"n_copies": -1},
        {"n_copies": 1.5},
        {"copy_scale": -0.1},
        {"mix": "x"},
        {"mix": "remix"},
        {"alpha": 0.0},
        {"alpha": np.nan},
        {"kappa": 0.9},
        {"tau": 1.1},
        {"tau": -0.1},
        {"average_from": 1.0},
        {"weight_averaging": "mean"},
    ],
)
def test_refuses_bad_parameters(params):
    name = next(iter(params))
    net = ImbMixClassifier(callbacks=[NoTraining()], **SMALL | params)
    with pytest.raises(ValueError, match=f"'{name}' parameter of ImbMixClassifier"):
        net.fit(*table())
    assert not net.initialized_


def test_frames_and_images():
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abcde"))
    assert same_weights(
        ImbMixClassifier(**SMALL).fit(frame, y), ImbMixClassifier(**SMALL).fit(X, y)
    )
    X, y = digits()
    params = {**OWN, "eps": 0.1, "eps_unit": "input", "box": (0, 1)}
    net = spied(ImbMixClassifier)("conv", module__n_filters=(4,), **params).fit(X, y)
    assert_array_equal(net.augmented_counts_, [40, 40])
    for step in net.steps_:
        assert step["rows"].shape[1:] == (2, 6, 6)
        assert 0 <= step["rows"].min() < step["rows"].max() <= 1


@pytest.mark.gpu
@pytest.mark.parametrize("weighted", [False, True])
def test_cuda_training(weighted):
    X, y = four_classes()
    weight = np.random.RandomState(0).uniform(0.5, 2, len(y)) if weighted else None
    params = {**SMALL, "device": "cuda", "box": "data", "max_epochs": 40, "lr": 0.01}
    net = spied(ImbMixClassifier)(**params).fit(X, y, sample_weight=weight)
    assert next(net.module_.parameters()).is_cuda
    assert all(step["rows"].is_cuda for step in net.steps_)
    assert net.score(X, y) > 0.6
    again = ImbMixClassifier(**params).fit(X, y, sample_weight=weight)
    assert_allclose(again.predict_proba(X), net.predict_proba(X), atol=1e-3)
