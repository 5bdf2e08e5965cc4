"""DeepAugment: what it does to a batch, its limit cases, what it refuses."""

import pickle
import signal

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from imbdeep.augmentations import random_flips
from imbdeep.classifiers import (
    AugMixClassifier,
    DeepAugmentClassifier,
    LDAMClassifier,
)
from imbdeep.classifiers._robust.image_autoencoder import reconstruct
from imbdeep.classifiers._robust.noise2net import draw_noise_net, noise2net
from tests.common.slow import slow_if

from .attacked import NoTraining, digits, same_weights

SMALL = {
    "module__n_filters": (4,),
    "module__n_hidden": 8,
    "max_epochs": 2,
    "batch_size": 16,
    "lr": 0.01,
    "random_state": 0,
    "device": "cpu",
}
ALONE = {"augmix": False, "autoencoder_epochs": 1, **SMALL}
OFF = {"noise_share": 0, "autoencoder_share": 0}
X, Y = digits()


class Spied(DeepAugmentClassifier):
    """Keeps what each step saw and trained on, in ``steps_``."""

    def distorted(self, images):
        made = super().distorted(images)
        vars(self).setdefault("pairs_", []).append((images.clone(), made.clone()))
        return made

    def training_rows(self, X, y):
        rows, labels = super().training_rows(X, y)
        vars(self).setdefault("steps_", []).append((X, y, rows, labels))
        return rows, labels

    def with_noise(self, images):
        return super().with_noise(images) + 100

    def redrawn(self, images):
        vars(self)["autoencoder_"] = self.run_.autoencoder
        return super().redrawn(images) - 100


def plain(**told):
    told = {"criterion": "cross_entropy", "reweight_from": 1.0, **SMALL, **told}
    return LDAMClassifier("conv", **told)


# --- A batch -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ((0.5, 0.25), (8, 4)),
        ((0.3, 0), (5, 0)),
        ((0, 1), (0, 16)),
        ((0.5, 0.5), (8, 8)),
    ],
)
def test_shares_of_a_batch_are_distorted_by_chance_and_labels_stay(shares, expected):
    told = dict(zip(("noise_share", "autoencoder_share"), shares, strict=True))
    net = Spied(**ALONE | told).fit(X, Y)
    places = []
    for (before, after), (_, y, rows, labels) in zip(
        net.pairs_, net.steps_, strict=True
    ):
        assert labels is y
        assert torch.equal(rows, after)
        is_noisy = (after > 50).any((1, 2, 3))
        is_redrawn = (after < -50).any((1, 2, 3))
        if len(y) == 16:
            assert (int(is_noisy.sum()), int(is_redrawn.sum())) == expected
            places.append(is_noisy.tolist())
        as_they_are = ~(is_noisy | is_redrawn)
        assert torch.equal(before[as_they_are], after[as_they_are])
        assert np.isin(before.numpy(), X).all()
    if 0 < shares[0] < 1:
        assert len(set(map(tuple, places))) > 1
    # Each class as often as it is in the rows.
    seen = torch.cat([y for _, y, _, _ in net.steps_])
    assert_array_equal(np.bincount(seen), 2 * np.bincount(Y))


def test_noise_is_that_of_the_function_in_standard_deviations():
    bands = X * np.array([1, 1000], np.float32)[:, None, None] + 7
    net = DeepAugmentClassifier(**ALONE | OFF).fit(bands, Y)
    mean, std = bands.mean((0, 2, 3)), bands.std((0, 2, 3))
    assert_allclose(net.band_mean_, mean, rtol=1e-4)
    assert_allclose(net.band_std_, std, rtol=1e-4)
    images = torch.as_tensor(bands[:9])
    with torch.random.fork_rng():
        torch.manual_seed(5)
        made = net.with_noise(images)
        torch.manual_seed(5)
        scaled = (bands[:9] - mean[:, None, None]) / std[:, None, None]
        scaled = torch.as_tensor(scaled)
        blocks = draw_noise_net(images, None)
        eps = 0.375 + 0.375 * torch.rand(())
    expected = noise2net(scaled, blocks, eps).numpy() * std[:, None, None]
    assert_allclose(made, expected + mean[:, None, None], rtol=1e-3, atol=1e-2)
    # Four blocks add about 2 eps.
    off = (made - images).numpy().std((0, 2, 3)) / std
    assert ((off > 0.5) & (off < 3)).all()


def test_bands_that_do_not_vary_stay_as_they_are():
    bands = np.concatenate([X, np.full_like(X[:, :1], 3.0)], 1)
    net = DeepAugmentClassifier(**ALONE | {"noise_share": 1, "autoencoder_share": 0})
    net.fit(bands, Y)
    assert net.band_std_[2] == 0
    made = net.with_noise(torch.as_tensor(bands))
    assert (made[:, 2] == 3).all()
    assert made.isfinite().all()


def test_the_autoencoder_learns_the_rows_and_redraws_within_their_range():
    rng = np.random.RandomState(0)
    bands = 40 * X + 2 * rng.rand(*X.shape).astype(np.float32)
    bands[:, 1] *= 10
    told = {"noise_share": 0, "autoencoder_share": 0.5, "max_epochs": 1}
    errors = []
    for n_epochs in (1, 30):
        net = Spied(**ALONE | told | {"autoencoder_epochs": n_epochs}).fit(bands, Y)
        images = torch.as_tensor(bands)
        unit = net.in_unit_range(images)
        made = reconstruct(net.autoencoder_, unit, {})
        assert torch.equal(made, net.autoencoder_(unit))
        errors.append(float((made - unit).square().mean().sqrt()))
        low, high = bands.min((0, 2, 3)), bands.max((0, 2, 3))
        for before, after in net.pairs_:
            redrawn = after[(before != after).any((1, 2, 3))].numpy() + 100
            assert (redrawn >= low[:, None, None] - 1e-3).all()
            assert (redrawn <= high[:, None, None] + 1e-3).all()
    assert errors[1] < 0.7 * errors[0]


def test_mixtures_are_of_what_the_nets_have_made():
    net = Spied(width=1, depth=1, **SMALL, autoencoder_epochs=1).fit(X, Y)
    for (_, after), (_, y, rows, labels) in zip(net.pairs_, net.steps_, strict=True):
        assert torch.equal(rows[: len(y)], after)
        assert_array_equal(labels, np.tile(y, 3))
        assert len(rows) == 3 * len(y)
    batches = net.history[:, "batches", :, "consistency_loss"]
    assert all(0 <= one <= np.log(3) for epoch in batches for one in epoch)


# --- Limit cases ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [{}, {"criterion": "focal", "reweight_from": 0.5, "weight_averaging": "ema"}],
    ids=["plain", "options"],
)
def test_without_shares_it_is_the_plain_net(told):
    net = DeepAugmentClassifier(**ALONE | OFF | told).fit(X, Y)
    assert same_weights(net, plain(**told).fit(X, Y))
    assert not same_weights(net, DeepAugmentClassifier(**ALONE | told).fit(X, Y))


def test_without_shares_it_is_augmix():
    net = DeepAugmentClassifier(**SMALL | OFF, severity=8.0).fit(X, Y)
    assert same_weights(net, AugMixClassifier(severity=8.0, **SMALL).fit(X, Y))


def test_without_eps_noise_is_none_bit_for_bit():
    told = {"noise_share": 1, "noise_eps": 0, "autoencoder_share": 0}
    net = Spied(**ALONE | told).fit(X, Y)
    for before, after in net.pairs_:
        assert torch.equal(before + 100, after)
    net = DeepAugmentClassifier(**ALONE | told).fit(X, Y)
    assert same_weights(net, plain().fit(X, Y))


def test_no_consistency_is_no_augmix():
    told = ALONE | {"noise_share": 0.25}
    net = DeepAugmentClassifier(**told | {"augmix": True, "consistency": 0}).fit(X, Y)
    assert same_weights(net, DeepAugmentClassifier(**told).fit(X, Y))


# --- Options -------------------------------------------------------------------------

THREE = np.repeat([0, 1, 2], 20)


@pytest.mark.parametrize(
    ("told", "labels"),
    [
        ({"iterator_train": "balanced", "augment": random_flips}, Y),
        slow_if(True, {"iterator_train": "mixup", "class_weight": "balanced"}, THREE),
        slow_if(True, {"weight_averaging": "swa", "max_epochs": 4}, THREE),
        ({"augmix": True, "width": 1, "early_stopping": True}, np.where(Y, "a", "b")),
    ],
    ids=["balanced", "mixup", "averaged", "augmix"],
)
def test_options_of_the_base_work_and_a_seed_decides(told, labels):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    if "early_stopping" in told:
        told = told | {"train_split": "stratified"}
    net = DeepAugmentClassifier(**ALONE | told).fit(X, labels)
    proba = net.predict_proba(X)
    assert proba.shape == (len(X), len(set(labels)))
    again = DeepAugmentClassifier(**ALONE | told).fit(X, labels)
    assert_array_equal(again.predict_proba(X), proba)
    other = DeepAugmentClassifier(**ALONE | told | {"random_state": 1}).fit(X, labels)
    assert not np.allclose(other.predict_proba(X), proba)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])
    assert_array_equal(pickle.loads(pickle.dumps(net)).predict_proba(X), proba)
    assert net.run_ is None


def test_row_weights_travel_with_their_rows():
    weight = 0.5 + np.arange(len(Y)) % 3
    net = Spied(**ALONE).fit(X, Y, sample_weight=weight)
    for before, _, rows, _ in net.steps_:
        assert torch.equal(before["sample_weight"], rows["sample_weight"])
    equal = DeepAugmentClassifier(**ALONE).fit(X, Y, sample_weight=np.ones(len(Y)))
    assert same_weights(equal, DeepAugmentClassifier(**ALONE).fit(X, Y))


def test_gradients_are_of_the_classifier_alone():
    found = []

    class Watched(DeepAugmentClassifier):
        def on_grad_computed(self, net, **kwargs):
            super().on_grad_computed(net, **kwargs)
            weights = [p.clone() for p in self.run_.autoencoder.parameters()]
            found.append(weights)

    Watched(**ALONE).fit(X, Y)
    # Steps of the net leave the autoencoder as it was trained.
    for weights in found[1:]:
        assert all(map(torch.equal, weights, found[0]))


def test_training_goes_on_with_images_of_another_size_and_range():
    net = DeepAugmentClassifier(**ALONE).partial_fit(X, Y)
    net.partial_fit(0.5 * X[:, :, :5, :3], Y)
    assert len(net.history) == 4
    assert_allclose(net.value_range_[1], 0.5 * X[:, :, :5, :3].max((0, 2, 3)))
    warm = DeepAugmentClassifier(warm_start=True, **ALONE).fit(X, Y).fit(X, Y)
    assert len(warm.history) == 4


@pytest.mark.parametrize("n_rows", [0, 100], ids=["autoencoder", "net"])
def test_an_interrupt_leaves_the_net_as_it_was(n_rows, usual_interrupts):
    # The autoencoder sees 60 rows, before the net does.
    seen = []

    def interrupt(rows, generator):
        seen.append(len(rows))
        if sum(seen) > n_rows:
            signal.raise_signal(signal.SIGINT)
        return rows

    net = DeepAugmentClassifier(**ALONE).fit(X, Y)
    before = net.predict_proba(X)
    net.set_params(augment=interrupt, value_range=(-9, 9))
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, Y)
    assert_array_equal(net.predict_proba(X), before)
    assert_allclose(net.value_range_[1], X.max((0, 2, 3)))
    assert net.run_ is None


def test_bytes_and_mapped_files_give_the_net_of_floats(tmp_path):
    levels = (255 * X / X.max()).astype(np.uint8)
    np.save(tmp_path / "X.npy", levels)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    net = DeepAugmentClassifier(**ALONE).fit(levels.astype(np.float32), Y)
    for same in (levels, mapped):
        other = DeepAugmentClassifier(**ALONE).fit(same, Y)
        assert same_weights(other, net)
        assert_array_equal(other.band_std_, net.band_std_)


def test_single_pixels_and_loaders_of_torch_are_taken():
    net = DeepAugmentClassifier(
        iterator_train=torch.utils.data.DataLoader, **ALONE | {"max_epochs": 1}
    )
    assert net.fit(X[:, :, :1, :1], Y).predict_proba(X[:, :, :1, :1]).shape == (60, 2)


# --- What is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (X.reshape(len(X), -1), r"a table of shape \(60, 72\).*take AdversarialClass"),
        (X[:, 0], r"got X of shape \(60, 6, 6\).*bands one, X\[:, None\]"),
    ],
    ids=["table", "no bands"],
)
def test_what_is_no_image_is_refused(rows, message):
    net = DeepAugmentClassifier(callbacks=[NoTraining()], **SMALL)
    with pytest.raises(ValueError, match=rf"DeepAugmentClassifier .*{message}"):
        net.fit(rows, Y)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"noise_share": 0.8}, "noise_share=0.8 and autoencoder_share=0.25 are shares"),
        ({"noise_share": -0.1}, "noise_share"),
        ({"autoencoder_share": 2}, "autoencoder_share"),
        ({"noise_eps": -1}, "noise_eps"),
        ({"autoencoder_epochs": 0}, "autoencoder_epochs"),
        ({"augmix": "on"}, "augmix"),
        ({"value_range": (0, 0.5)}, "Band 0 .* outside of value_range 0 to 0.5"),
        ({"n_members": 2}, "DeepAugmentClassifier trains one net at a time"),
        ({"criterion": nn.CrossEntropyLoss}, "keeps its class weights"),
    ],
    ids=str,
)
def test_parameters_that_cannot_be_used_are_refused(told, message):
    class Untrained(DeepAugmentClassifier):
        def _fit_autoencoder(self, dataset):
            raise AssertionError("training began")

    Untrained.__name__ = DeepAugmentClassifier.__name__
    with pytest.raises(ValueError, match=message):
        Untrained(**SMALL | told).fit(X, Y)


def test_losses_of_torch_are_for_nets_without_mixtures():
    net = DeepAugmentClassifier(criterion=nn.CrossEntropyLoss, **ALONE)
    assert net.fit(X, Y).score(X, Y) > 0
