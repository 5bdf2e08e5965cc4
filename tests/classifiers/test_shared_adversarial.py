"""Shared adversarial training: its limits, its heaps and its two losses."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from imbdeep.attacks import perturbed_rows, universal_perturbation
from imbdeep.classifiers import (
    AdversarialClassifier,
    LDAMClassifier,
    SharedAdversarialClassifier,
)
from imbdeep.classifiers._robust.shared import smoothed
from tests.classifiers.attacked import (
    OWN,
    PLAIN,
    SMALL,
    Headless,
    Normed,
    NoTraining,
    epochs,
    same_weights,
    spied,
    table,
    three_classes,
)
from tests.classifiers.test_universal_adversarial import LINEAR, faint_signals
from tests.common.slow import half_of

PGD = {"heap_size": 1, "sigma": 1.0, "kappa": None, "random_start": False}


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_heaps_of_one_row_are_adversarial_training(norm):
    X, y = table()
    weight = np.random.RandomState(0).uniform(0, 2, len(y))
    given = {**PLAIN, "norm": norm, "step_size": 0.1, "reweight_from": 0.5}
    shared = spied(SharedAdversarialClassifier)(**given | PGD)
    usual = spied(AdversarialClassifier)(**given, random_start=False)
    for net in (shared, usual):
        net.fit(X, y, sample_weight=weight)
    for one, other in zip(shared.steps_, usual.steps_, strict=True):
        assert_array_equal(one["clean"], other["clean"])
        assert_array_equal(one["weight"], other["weight"])
        torch.testing.assert_close(one["rows"], other["rows"], atol=1e-4, rtol=1e-4)
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-3)
    assert (one["rows"] != one["clean"]).any()


@half_of(nothing=[{"sigma": 0.0}, {"eps": 0}, {"perturb": []}], reweight_from=[0.5, 1])
@pytest.mark.filterwarnings("ignore:No feature can be moved")
def test_without_moved_rows_it_is_the_plain_net(nothing, reweight_from):
    X, y = table()
    names = ("eps", "eps_unit", "attack_steps")
    plain = {k: v for k, v in SMALL.items() if k not in names}
    given = {"criterion": "cross_entropy", "reweight_from": reweight_from}
    expected = LDAMClassifier(**plain, **given).fit(X, y)
    net = SharedAdversarialClassifier(**SMALL | given | nothing).fit(X, y)
    assert net.history[:, "train_loss"] == expected.history[:, "train_loss"]
    assert same_weights(net, expected)
    moved = SharedAdversarialClassifier(**SMALL | given).fit(X, y)
    assert not same_weights(moved, expected)


@half_of(heap_size=[1, 7, 32, 500], norm=["linf", "l2"])
def test_the_rows_of_a_heap_share_a_shift(heap_size, norm):
    X, y = table()
    net = spied(SharedAdversarialClassifier)(heap_size=heap_size, norm=norm, **PLAIN)
    net.fit(X, y)
    radius = 0.3 * X.std(0, dtype=float)
    shifts = set()
    for step in net.steps_:
        n_rows = len(step["clean"])
        moved = step["attacked"].double() - step["clean"].double()
        n_heaps = math.ceil(n_rows / heap_size)
        for first in range(n_heaps):
            heap = moved[first::n_heaps].numpy()
            assert len(heap) <= heap_size
            assert_allclose(heap, np.broadcast_to(heap[0], heap.shape), atol=1e-5)
            shifts.add(heap[0].round(4).tobytes())
            in_radii = np.abs(heap[0] / radius)
            length = in_radii.max() if norm == "linf" else np.linalg.norm(in_radii)
            assert length <= 1 + 1e-5
        assert_array_equal(step["rows"][:n_rows], step["attacked"])
        assert_array_equal(step["rows"][n_rows:], step["clean"])
        assert_array_equal(step["labels"], np.tile(step["clean_labels"], 2))
    n_heaps = sum(math.ceil(len(s["clean"]) / heap_size) for s in net.steps_)
    assert len(shifts) > 0.9 * n_heaps


def test_heaps_of_a_balanced_batch_hold_several_classes():
    X, y = three_classes()
    net = spied(SharedAdversarialClassifier)(
        heap_size=4, iterator_train="balanced", **PLAIN
    ).fit(X, y)
    for step in net.steps_:
        labels = step["clean_labels"]
        n_heaps = math.ceil(len(labels) / 4)
        assert all(len(labels[i::n_heaps].unique()) > 1 for i in range(n_heaps))


def mean_loss_by_hand(logits, y, weight, label_smoothing):
    """Of a batch, row by row in Python floats, divided by the number of rows."""
    total, n_classes = 0.0, logits.shape[1]
    for row, label, w in zip(logits.tolist(), y.tolist(), weight.tolist(), strict=True):
        top = max(row)
        log_sum = top + math.log(sum(math.exp(z - top) for z in row))
        losses = [log_sum - z for z in row]
        mean = sum(losses) / n_classes
        total += w * ((1 - label_smoothing) * losses[label] + label_smoothing * mean)
    return total / len(y)


@half_of(sigma=[0.3, 0.9, 1.0], label_smoothing=[0.0, 0.2])
def test_the_loss_of_a_step(sigma, label_smoothing):
    X, y = three_classes()
    own = np.random.RandomState(0).uniform(0, 2, len(y))
    net = spied(SharedAdversarialClassifier)(
        sigma=sigma, label_smoothing=label_smoothing, **PLAIN
    ).fit(X, y, sample_weight=own)
    for step in net.steps_:
        n_rows = len(step["clean"])
        module = step["module"].train()
        parts = [(step["attacked"], sigma), (step["clean"], 1 - sigma)]
        expected = 0.0
        for rows, share in parts:
            with torch.no_grad():
                logits = module(rows).double()
            expected += share * mean_loss_by_hand(
                logits, step["clean_labels"], step["weight"][:n_rows], label_smoothing
            )
        assert step["loss"] == pytest.approx(expected, rel=1e-4)


def test_batch_norm_sees_moved_and_clean_rows():
    X, y = table()
    net = spied(SharedAdversarialClassifier)(
        Normed, module__dropout=0.0, **OWN | {"batch_size": -1, "max_epochs": 1}
    ).fit(X, y)
    (step,) = net.steps_
    both = torch.cat([step["attacked"], step["clean"]])
    found = net.module_.norm.running_mean
    torch.testing.assert_close(found, 0.1 * both.mean(0))


def test_smoothed_labels_shares_and_weights():
    labels = torch.eye(4)[[2, 0]]
    expected = torch.tensor([[0.1, 0.1, 0.7, 0.1], [0.7, 0.1, 0.1, 0.1]])
    torch.testing.assert_close(smoothed(labels, 0.4), expected)
    assert torch.equal(smoothed(labels, 0.0), labels)


def test_prior_correction_knows_smoothed_labels():
    """Against the mass of each class in the soft labels, counted row by row."""
    X, y = three_classes()
    class_weight = np.array([1.0, 2.0, 5.0])
    net = SharedAdversarialClassifier(
        label_smoothing=0.3,
        prior_correction=True,
        class_weight=dict(enumerate(class_weight)),
        **SMALL,
    ).fit(X, y)
    mass = np.zeros(3)
    for label in y:
        soft = np.full(3, 0.1)
        soft[label] += 0.7
        mass += soft * (soft @ class_weight)
    assert_allclose(net.trained_prior_, mass / mass.sum(), rtol=1e-5)


def test_lost_rows_do_not_pull():
    """One heap: most rows lie far on the wrong side, and only kappa ignores them."""
    rng = np.random.RandomState(0)
    X = np.r_[rng.normal(6, 0.1, (30, 1)), rng.normal(0, 0.1, (10, 1))]
    X = X.astype(np.float32)
    y = np.r_[np.zeros(30, int), np.ones(10, int)]

    class Fixed(Headless):
        def __init__(self, n_features, n_classes):
            super().__init__(n_features, n_classes)
            with torch.no_grad():
                self.last.weight[:] = torch.tensor([[0.0], [1.0]])
                self.last.bias[:] = 0

    given = LINEAR | {"module": Fixed, "lr": 1e-9, "batch_size": -1, "eps": 0.1}
    for kappa, way in ((1.609, -1), (None, 1)):
        net = spied(SharedAdversarialClassifier)(
            heap_size=40, kappa=kappa, random_start=False, **given
        ).fit(X, y)
        for step in net.steps_:
            moved = step["attacked"] - step["clean"]
            assert (moved.sign() == way).all()


@pytest.mark.slow
def test_withstands_a_universal_perturbation():
    reach = {"eps": 0.3, "perturb": range(1, 11)}
    accuracies = []
    for seed in range(3):
        X, y = faint_signals(seed)
        given = LINEAR | {"lr": 0.3, "max_epochs": 6, "random_state": seed}
        for eps in (0.3, 0.0):
            net = SharedAdversarialClassifier(
                sigma=0.9, **given | reach | {"eps": eps, "eps_unit": "input"}
            ).fit(X, y)
            assert net.score(X, y) > 0.85
            shift = universal_perturbation(net, X, y, random_state=0, **reach)
            accuracies.append(net.score(perturbed_rows(net, X, shift), y))
    robust, plain = accuracies[::2], accuracies[1::2]
    assert min(robust) > 0.85
    assert np.mean(robust) > np.mean(plain) + 0.07


def test_levels_and_gaps_stay():
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["city"] = np.where(X[:, 0] > 0, "Bonn", "Ulm")
    frame.loc[::7, "b"] = np.nan
    net = spied(SharedAdversarialClassifier)(**SMALL).fit(frame, y)
    assert np.isfinite(net.history[:, "train_loss"]).all()
    for (step,) in (steps[:1] for steps in epochs(net)):
        assert_array_equal(step["attacked"][:, 5], step["clean"][:, 5])
        assert torch.equal(step["attacked"].isnan(), step["clean"].isnan())
        assert (step["attacked"][:, 0] != step["clean"][:, 0]).all()


def test_other_losses_and_modules():
    X, y = table()
    for criterion in ("focal", "ldam", nn.CrossEntropyLoss):
        net = SharedAdversarialClassifier(
            criterion=criterion, label_smoothing=0.1, **SMALL
        ).fit(X, y)
        assert np.isfinite(net.predict_proba(X)).all()


def test_refuses_before_training():
    X, y = table()
    for given, message in (
        ({"heap_size": 0}, "The 'heap_size' parameter"),
        ({"sigma": 1.1}, "The 'sigma' parameter"),
        ({"kappa": 0}, "The 'kappa' parameter"),
        ({"label_smoothing": 1.0}, "The 'label_smoothing' parameter"),
        ({"iterator_train": "mixup"}, "iterator_train"),
    ):
        net = SharedAdversarialClassifier(callbacks=[NoTraining()], **SMALL | given)
        with pytest.raises(ValueError, match=message):
            net.fit(X, y)
