"""AugMix: its step against a slow derivation, its limit cases, what it refuses."""

import pickle
import signal
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from imbdeep.augmentations import augmix, random_flips
from imbdeep.classifiers import AugMixClassifier, LDAMClassifier
from imbdeep.losses import FocalLoss, jensen_shannon
from tests.common.slow import slow_if
from tests.losses import loops

from .attacked import NoTraining, deepcopy_without_graph, digits, same_weights

SMALL = {
    "module__n_filters": (4,),
    "module__n_hidden": 8,
    "max_epochs": 2,
    "batch_size": 16,
    "lr": 0.01,
    "random_state": 0,
    "device": "cpu",
}
# One chain of one operation: enough to mix, quick.
QUICK = {"width": 1, "depth": 1, **SMALL}
X, Y = digits()
# Of these even a net that has learned little predicts mixtures in another way.
BRIGHT = 50 * X


class Spied(AugMixClassifier):
    """Keeps what each step saw and did, in ``steps_``."""

    def training_rows(self, X, y):
        views, labels = super().training_rows(X, y)
        weight = self.criterion_.weight
        step = {
            "X": X,
            "y": y,
            "views": views,
            "labels": labels,
            "module": deepcopy_without_graph(self.module_),
            "class_weight": None if weight is None else weight.clone(),
        }
        vars(self).setdefault("steps_", []).append(step)
        return views, labels

    def on_grad_computed(self, net, **kwargs):
        super().on_grad_computed(net, **kwargs)
        named = self.module_.named_parameters()
        self.steps_[-1]["gradients"] = {name: p.grad.clone() for name, p in named}

    def train_step(self, batch, **fit_params):
        step = super().train_step(batch, **fit_params)
        self.steps_[-1] |= {"loss": step["loss"].item(), "y_pred": step["y_pred"]}
        return step


def unpacked(X):
    return (X["X"], X["sample_weight"]) if isinstance(X, dict) else (X, None)


def slow_loss(step, consistency, weight_reduction, scale=1.0, gamma=None):
    """Loss of a step, row by row in Python floats."""
    rows, weight = unpacked(step["views"])
    with torch.no_grad():
        views = (scale * step["module"](rows)).double().chunk(3)
    weight = torch.ones(len(step["y"])) if weight is None else weight[: len(step["y"])]
    total, weights = 0.0, 0.0
    for i, label in enumerate(step["y"].tolist()):
        logs = [loops.log_softmax(view[i].tolist()) for view in views]
        mean = np.exp(logs).mean(0)
        kl = [np.sum(np.exp(p) * (p - np.log(mean))) for p in map(np.array, logs)]
        own = logs[0][label]
        loss = -own if gamma is None else -((1 - np.exp(own)) ** gamma) * own
        w = float(weight[i])
        if step["class_weight"] is not None:
            w *= float(step["class_weight"][label])
        total += w * (loss + consistency * np.mean(kl))
        weights += w
    return total / (weights if weight_reduction == "weights" else len(step["y"]))


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"consistency": 1.5, "width": 3, "depth": None},
        {"reweight_from": 0, "beta": 0.99},
        {"reweight_from": 0, "beta": 0.99, "weight_reduction": "weights"},
        {"class_weight": {0: 1, 1: 5}, "weighted": True},
        {"weighted": True, "weight_reduction": "weights", "iterator_train": "balanced"},
        {"criterion": "focal", "gamma": 1.0, "class_weight": "balanced"},
    ],
    ids=lambda told: "-".join(told) or "defaults",
)
def test_the_loss_of_a_step_is_that_derived_slowly(told):
    told = dict(told)
    weight = 0.5 + np.arange(len(Y)) % 3 if told.pop("weighted", False) else None
    net = Spied(**QUICK | told).fit(BRIGHT, Y, sample_weight=weight)
    gamma = told.get("gamma") if told.get("criterion") == "focal" else None
    told = {"consistency": net.consistency, "weight_reduction": net.weight_reduction}
    assert len(net.steps_) >= 8
    for step in net.steps_:
        assert_allclose(step["loss"], slow_loss(step, **told, gamma=gamma), rtol=1e-4)
    # The divergence matters.
    least = slow_loss(net.steps_[0], 0.0, net.weight_reduction, gamma=gamma)
    assert net.steps_[0]["loss"] > 1.002 * least


def test_gradients_are_those_of_the_loss_written_out():
    net = Spied(**QUICK | {"max_epochs": 1}).fit(BRIGHT, Y)
    step = net.steps_[0]
    module = step["module"]
    clean, first, second = (module(part).softmax(-1) for part in step["views"].chunk(3))
    mean = (clean + first + second) / 3
    divergence = sum(
        (p * (p / mean).log()).sum(1).mean() for p in (clean, first, second)
    )
    loss = nn.functional.nll_loss(clean.log(), step["y"]) + 4 * divergence
    loss.backward()
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(
            step["gradients"][name], parameter.grad, rtol=1e-3, atol=1e-5
        )


def test_margins_have_no_part_in_the_divergence_but_the_scale_has():
    net = Spied(criterion="ldam", scale=30.0, consistency=500.0, **QUICK).fit(BRIGHT, Y)
    step = net.steps_[0]
    logits = step["module"](unpacked(step["views"])[0]).detach().view(3, -1, 2)
    loss = net.criterion_.batch_loss(logits[0], step["y"])
    divergence = jensen_shannon(30 * logits).mean()
    assert_allclose(step["loss"], loss + 500 * divergence, rtol=1e-4)
    assert 500 * divergence > 0.01 * loss


# --- Views ---------------------------------------------------------------------------


def test_a_batch_comes_once_as_it_is_and_twice_mixed():
    net = Spied(**QUICK | {"width": 3}).fit(X, Y)
    for step in net.steps_:
        clean, first, second = step["views"].chunk(3)
        assert torch.equal(clean, step["X"])
        assert_array_equal(step["labels"], np.tile(step["y"], 3))
        assert len(step["y_pred"]) == len(step["y"])
        for one, other in ((clean, first), (clean, second), (first, second)):
            assert (one != other).any((1, 2, 3)).float().mean() > 0.5
        assert step["views"].min() >= X.min() - 1e-6
        assert step["views"].max() <= X.max() + 1e-6


def test_mixtures_are_those_of_the_function():
    told = {"severity": 8.0, "width": 2, "depth": None, "alpha": 0.4}
    net = AugMixClassifier(ops=["rotate", "solarize"], **SMALL | told).fit(X, Y)
    batch = torch.as_tensor(X[:9])
    with torch.random.fork_rng():
        torch.manual_seed(5)
        made = net.mixtures(batch)
    generator = torch.Generator().manual_seed(5)
    told |= {"value_range": net.value_range_, "ops": ["rotate", "solarize"]}
    assert torch.equal(made, augmix(batch, generator, **told))


class Normed(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.n_calls = 0
        self.norm = nn.BatchNorm2d(n_features, momentum=1.0)
        self.last = nn.Linear(n_features, n_classes)

    def forward(self, x):
        self.n_calls += self.training
        return self.last(self.norm(x).square().mean((2, 3)))


def test_batch_norm_sees_all_views_in_one_pass():
    small = {k: v for k, v in QUICK.items() if not k.startswith("module__")}
    net = Spied(partial(Normed, n_features=2), **small).fit(X, Y)
    assert net.module_.n_calls == len(net.steps_)
    rows = net.steps_[-1]["views"]
    assert_allclose(net.module_.norm.running_mean, rows.mean((0, 2, 3)), rtol=1e-4)


def test_rows_are_augmented_before_they_are_mixed():
    def darken(rows, generator):
        return 0.5 * rows

    net = Spied(augment=darken, **QUICK | {"max_epochs": 1}).fit(X, Y)
    for step in net.steps_:
        assert step["views"].chunk(3)[0].max() <= X.max() / 2
    assert_allclose(net.value_range_[1], X.max((0, 2, 3)))


class Members(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.last = nn.LazyLinear(3 * n_classes)

    def forward(self, x):
        return self.last(x.flatten(1)).unflatten(1, (3, -1))


def test_members_of_a_module_agree_with_themselves():
    small = {k: v for k, v in QUICK.items() if not k.startswith("module__")}
    net = Spied(Members, module__n_classes=2, consistency=3.0, **small).fit(BRIGHT, Y)
    step = net.steps_[-1]
    outputs = step["module"](step["views"]).detach().view(3, -1, 3, 2)
    losses = [
        nn.functional.cross_entropy(outputs[0, :, i], step["y"])
        + 3 * jensen_shannon(outputs[:, :, i]).mean()
        for i in range(3)
    ]
    assert_allclose(step["loss"], torch.stack(losses).mean(), rtol=1e-4)


# --- Limit cases ---------------------------------------------------------------------


def plain(**told):
    told = {"criterion": "cross_entropy", "reweight_from": 1.0, **SMALL, **told}
    return LDAMClassifier("conv", **told)


@pytest.mark.parametrize(
    "told",
    [{}, {"criterion": "focal", "reweight_from": 0.5, "weight_averaging": "ema"}],
    ids=["plain", "options"],
)
def test_without_consistency_it_is_the_plain_net(told):
    net = AugMixClassifier(consistency=0, **SMALL | told).fit(X, Y)
    assert same_weights(net, plain(**told).fit(X, Y))
    assert not same_weights(net, AugMixClassifier(**SMALL | told).fit(X, Y))


def test_with_mixtures_that_are_the_images_it_is_the_plain_net(monkeypatch):
    monkeypatch.setattr(AugMixClassifier, "mixtures", lambda self, images: images)
    net = AugMixClassifier(**SMALL).fit(X, Y)
    expected = plain().fit(X, Y)
    assert_allclose(net.predict_proba(X), expected.predict_proba(X), atol=1e-4)
    assert_allclose(net.history[:, "train_loss"], expected.history[:, "train_loss"])


# --- Options -------------------------------------------------------------------------

THREE = np.repeat([0, 1, 2], 20)
TEXT = np.where(Y, "yes", "no")


@pytest.mark.parametrize(
    ("told", "labels"),
    [
        ({"iterator_train": "balanced", "augment": random_flips}, Y),
        ({"weight_averaging": "swa", "reweight_from": 0.5, "max_epochs": 4}, THREE),
        ({"iterator_train": "mixup", "class_weight": "balanced"}, THREE),
        slow_if(True, {"early_stopping": True, "train_split": "stratified"}, Y),
        (
            {"prior_correction": True, "iterator_train": "balanced"},
            np.where(Y, "a", "b"),
        ),
    ],
    ids=["balanced", "averaged", "mixup", "stopping", "prior"],
)
def test_options_of_the_base_work_and_a_seed_decides(told, labels):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    net = AugMixClassifier(**QUICK | told).fit(X, labels)
    proba = net.predict_proba(X)
    assert proba.shape == (len(X), len(set(labels)))
    assert_allclose(proba.sum(1), 1, rtol=1e-5)
    again = AugMixClassifier(**QUICK | told).fit(X, labels)
    assert_array_equal(again.predict_proba(X), proba)
    other = AugMixClassifier(**QUICK | told | {"random_state": 1}).fit(X, labels)
    assert not np.allclose(other.predict_proba(X), proba)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])
    assert_array_equal(pickle.loads(pickle.dumps(net)).predict_proba(X), proba)


def test_training_goes_on_in_the_range_of_the_new_rows():
    net = AugMixClassifier(**QUICK).partial_fit(X, Y)
    assert_allclose(net.value_range_[1], X.max((0, 2, 3)))
    net.partial_fit(0.5 * X, Y)
    assert len(net.history) == 4
    assert_allclose(net.value_range_[1], 0.5 * X.max((0, 2, 3)))


def test_an_interrupt_leaves_the_net_as_it_was(usual_interrupts):
    def interrupt(rows, generator):
        signal.raise_signal(signal.SIGINT)
        return rows

    net = AugMixClassifier(**QUICK).fit(X, Y)
    before = net.predict_proba(X)
    net.set_params(augment=interrupt, value_range=(-9, 9))
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, Y)
    assert_array_equal(net.predict_proba(X), before)
    assert_allclose(net.value_range_[1], X.max((0, 2, 3)))


def test_bytes_and_mapped_files_give_the_net_of_floats(tmp_path):
    levels = (255 * X / X.max()).astype(np.uint8)
    np.save(tmp_path / "X.npy", levels)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    net = AugMixClassifier(**QUICK).fit(levels.astype(np.float32), Y)
    for same in (levels, mapped):
        other = AugMixClassifier(**QUICK).fit(same, Y)
        assert same_weights(other, net)
        assert_array_equal(other.value_range_, net.value_range_)


def test_divergences_are_recorded():
    net = AugMixClassifier(**QUICK).fit(X, Y)
    batches = net.history[:, "batches", :, "consistency_loss"]
    assert all(0 <= one <= np.log(3) for epoch in batches for one in epoch)


class Flat(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.last = nn.LazyLinear(n_classes)

    def forward(self, x):
        return self.last(x.flatten(1))


@pytest.mark.parametrize("seed", [slow_if(seed > 0, seed) for seed in range(3)])
def test_predictions_agree_more_the_more_it_is_asked_for(seed):
    # Labels of chance: a net can only learn the images by heart.
    rng = np.random.RandomState(seed)
    noise, labels = rng.rand(60, 2, 8, 8), rng.randint(2, size=60)
    told = {"max_epochs": 15, "lr": 0.02, "severity": 6.0, "module__n_classes": 2}
    told = {k: v for k, v in QUICK.items() if not k.startswith("module__")} | told

    def disagreement(consistency):
        net = AugMixClassifier(Flat, consistency=consistency, **told)
        net.fit(noise, labels)
        return np.mean(net.history[-4:, "batches", :, "consistency_loss"])

    assert disagreement(300.0) < 0.5 * disagreement(0.01)


# --- What is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (X.reshape(len(X), -1), r"a table of shape \(60, 72\).*take AdversarialClass"),
        (X[:, 0], r"got X of shape \(60, 6, 6\).*bands one, X\[:, None\]"),
        (X[:, None], r"got X of shape \(60, 1, 2, 6, 6\)"),
    ],
    ids=["table", "no bands", "volumes"],
)
def test_what_is_no_image_is_refused(rows, message):
    net = AugMixClassifier(callbacks=[NoTraining()], **SMALL)
    with pytest.raises(ValueError, match=rf"AugMixClassifier .*{message}"):
        net.fit(rows, Y)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"ops": ["blur"]}, r"ops must be 'all' or some of .*got \['blur'\]"),
        ({"ops": "rotate"}, "ops"),
        ({"ops": []}, "ops must be"),
        ({"value_range": (0, 0.5)}, "Band 0 .* outside of value_range 0 to 0.5"),
        ({"value_range": (0, [1, 2, 3])}, "one number for each of the 2 bands"),
        ({"value_range": "rows"}, "value_range"),
        ({"consistency": -1}, "consistency"),
        ({"severity": 20}, "severity"),
        ({"width": 0}, "width"),
        ({"depth": "deep"}, "depth"),
        ({"alpha": 0}, "alpha"),
        ({"n_members": 2}, "trains one net at a time"),
        (
            {"criterion": nn.CrossEntropyLoss},
            "CrossEntropyLoss keeps its class weights",
        ),
    ],
    ids=str,
)
def test_parameters_that_cannot_be_used_are_refused(told, message):
    net = AugMixClassifier(callbacks=[NoTraining()], **SMALL | told)
    with pytest.raises(ValueError, match=message):
        net.fit(X, Y)


def test_losses_of_torch_are_for_nets_without_mixtures_and_own_ones_for_all():
    told = {"criterion": nn.CrossEntropyLoss, "consistency": 0}
    assert AugMixClassifier(**QUICK | told).fit(X, Y).score(X, Y) > 0

    class Own(FocalLoss):
        pass

    assert AugMixClassifier(criterion=Own, **QUICK).fit(X, Y).score(X, Y) > 0
