"""DCGAN: its steps against a loop of one's own, and what it promises."""

import copy
import pickle
import signal
from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from imbdeep.over_sampling import DCGANSampler
from imbdeep.over_sampling._generative import dcgan

from .watching import watch_training


def small(**params):
    """An instance that is quick to train, and has learned next to nothing."""
    quick = {
        "n_filters": 2,
        "n_latent": 3,
        "max_epochs": 2,
        "min_diversity": 0,
        "device": "cpu",
        "random_state": 0,
    }
    return DCGANSampler(**quick | params)


def images(counts=(9, 5, 4), shape=(2, 8, 8), dtype=np.uint8, seed=0):
    """Noise around a brightness of each class, within a range of each band."""
    rng = np.random.RandomState(seed)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    X = rng.uniform(5, 150, (len(y), *shape)) + 20 * y.reshape(-1, *[1] * len(shape))
    return X.astype(dtype), y


# --- Steps ---------------------------------------------------------------------------


class Replay:
    """Nets of 16 x 16 pixels written out, in float64, with Adam and its own losses."""

    def __init__(self, start):
        self.weights = {
            name: [
                p.detach().double().clone().requires_grad_() for p in net.parameters()
            ]
            for name, net in start.items()
        }
        self.moments = {
            name: [(torch.zeros_like(p), torch.zeros_like(p)) for p in own]
            for name, own in self.weights.items()
        }
        self.n_steps = dict.fromkeys(start, 0)
        # Running mean and variance of each batch normalisation of the generator.
        self.running = [[0.0, 1.0], [0.0, 1.0]]

    def normalize(self, x, scale, shift, running=None, training=True):
        if training:
            mean = x.mean((0, 2, 3))
            variance = (x - mean[:, None, None]).square().mean((0, 2, 3))
            if running is not None:
                n = x[:, 0].numel()
                running[0] = 0.9 * running[0] + 0.1 * mean.detach()
                running[1] = 0.9 * running[1] + 0.1 * variance.detach() * n / (n - 1)
        else:
            mean, variance = running
        x = (x - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
        return scale[:, None, None] * x + shift[:, None, None]

    def make(self, z, training=True):
        w1, s1, b1, w2, s2, b2, w3 = self.weights["generator"]
        # A transposed convolution of one pixel is a product.
        x = torch.einsum("nz,zchw->nchw", z.double(), w1)
        x = self.normalize(x, s1, b1, self.running[0], training).clamp_min(0)
        x = F.conv_transpose2d(x, w2, stride=2, padding=1)
        x = self.normalize(x, s2, b2, self.running[1], training).clamp_min(0)
        x = F.conv_transpose2d(x, w3, stride=2, padding=1)
        return (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())

    def judge(self, x):
        def leaky(x):
            return torch.where(x > 0, x, 0.2 * x)

        w1, w2, s2, b2, w3 = self.weights["discriminator"]
        x = leaky(F.conv2d(x.double(), w1, stride=2, padding=1))
        x = leaky(self.normalize(F.conv2d(x, w2, stride=2, padding=1), s2, b2))
        logits = torch.einsum("nchw,chw->n", x, w3[0])
        return 1 / (1 + (-logits).exp())

    def step(self, name, loss, lr):
        own = self.weights[name]
        slopes = torch.autograd.grad(loss, own)
        self.n_steps[name] += 1
        t = self.n_steps[name]
        with torch.no_grad():
            for p, g, (m, v) in zip(own, slopes, self.moments[name], strict=True):
                m.mul_(0.5).add_(0.5 * g)
                v.mul_(0.999).add_(0.001 * g.square())
                rate = (v / (1 - 0.999**t)).sqrt() + 1e-8
                p.sub_(lr * (m / (1 - 0.5**t)) / rate)
        return loss.item()


@pytest.mark.parametrize(("batch_size", "n_batches"), [(128, 1), (4, 2)])
def test_a_fit_takes_the_steps_of_the_paper(monkeypatch, batch_size, n_batches):
    seen = watch_training(dcgan, monkeypatch)
    X, y = images((9, 7), shape=(2, 16, 16), dtype=np.float64)
    lr, epochs = 2e-3, 3
    sampler = small(batch_size=batch_size, max_epochs=epochs, lr=lr)
    X_new, _ = sampler.fit_resample(X, y)
    assert seen["training"]["betas"] == (0.5, 0.999)

    replay = Replay(seen["start"])
    queue = iter(seen["inputs"][: seen["n_inputs_of_training"]])
    low, high = X.min((0, 2, 3), keepdims=True), X.max((0, 2, 3), keepdims=True)
    scaled = (2 * (X - low) / (high - low) - 1)[y == 1]
    history = {"discriminator": [], "generator": []}
    for _ in range(epochs):
        losses = {"discriminator": [], "generator": []}
        dealt = []
        for _ in range(n_batches):
            given = [next(queue) for _ in range(4)]
            names = ["generator", *["discriminator"] * 3]
            assert [name for name, _ in given] == names
            z, real, first, again = (x for _, x in given)
            # The same images are judged twice, before and after the step.
            assert torch.equal(first, again)
            assert len(z) == len(real) == {1: 7, 2: 4}[n_batches]
            dealt += [np.abs(scaled - x).max((1, 2, 3)).argmin() for x in real.numpy()]
            assert np.abs(scaled[dealt[-len(real) :]] - real.numpy()).max() < 1e-6
            made = replay.make(z)
            assert_allclose(made.detach(), first, atol=1e-4)
            loss = -replay.judge(real).log().mean()
            loss = loss - (1 - replay.judge(made.detach())).log().mean()
            losses["discriminator"].append(replay.step("discriminator", loss, lr))
            loss = -replay.judge(made).log().mean()
            losses["generator"].append(replay.step("generator", loss, lr))
        # Every image of the class, and no other.
        assert set(dealt) == set(range(7))
        for name, values in losses.items():
            history[name].append(sum(values) / len(values))
    assert next(queue, None) is None

    assert set(sampler.loss_history_) == {1}
    nets = {"generator": sampler.generators_, "discriminator": sampler.discriminators_}
    for name, values in history.items():
        assert_allclose(sampler.loss_history_[1][name], values, rtol=1e-4)
        for own, other in zip(
            nets[name][1].parameters(), replay.weights[name], strict=True
        ):
            assert_allclose(own.detach(), other.detach(), rtol=1e-3, atol=1e-4)

    # New images come from running statistics, not from those of a batch.
    player, z = seen["inputs"][-1]
    assert player == "generator"
    expected = replay.make(z, training=False).detach().numpy()
    expected = low + (expected + 1) / 2 * (high - low)
    assert_allclose(X_new[16:], expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("n_rows", "batch_size", "sizes"),
    [(2, 128, [2]), (5, 128, [5]), (5, 2, [2, 2, 2]), (7, 6, [4, 4]), (8, 4, [4, 4])],
)
def test_batches_are_of_equal_size_and_never_of_one(
    monkeypatch, n_rows, batch_size, sizes
):
    seen = watch_training(dcgan, monkeypatch)
    small(batch_size=batch_size, max_epochs=1).fit_resample(*images((10, n_rows)))
    given = seen["inputs"][: seen["n_inputs_of_training"]]
    assert [len(x) for name, x in given if name == "generator"] == sizes


def test_noise_is_normal(monkeypatch):
    seen = watch_training(dcgan, monkeypatch)
    small(max_epochs=30).fit_resample(*images((20, 16), shape=(1, 4, 4)))
    noise = torch.cat([x for name, x in seen["inputs"] if name == "generator"])
    n = noise.numel()
    assert noise.shape[1] == 3
    # Five standard deviations of a mean and a variance.
    assert abs(noise.mean()) < 5 / n**0.5
    assert abs(noise.var() - 1) < 5 * (2 / n) ** 0.5


# --- Images in, images out -----------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64, bool])
@pytest.mark.parametrize("shape", [(2, 8, 8), (8, 12), (11, 4, 4)], ids=str)
def test_images_keep_their_dtype_and_ranges(dtype, shape):
    X, y = images(shape=shape, dtype=float)
    X = X > 100 if dtype is bool else X.astype(dtype)
    given = X.copy()
    sampler = small()
    new, labels = sampler.fit_resample(X, y)
    assert Counter(labels.tolist()) == {0: 9, 1: 9, 2: 9}
    assert new[:18].tobytes() == given.tobytes() == X.tobytes()
    assert not np.shares_memory(new, X)
    assert_array_equal(sampler.is_synthetic_, np.arange(27) >= 18)
    assert_array_equal(labels[18:], [1] * 4 + [2] * 5)
    more = sampler.sample(6, 1)
    assert more.shape == (6, *shape)
    bands = (lambda A: A[:, None]) if len(shape) == 2 else (lambda A: A)
    for made in (new, more):
        assert made.dtype == dtype
        assert (bands(made).min((0, 2, 3)) >= bands(X).min((0, 2, 3))).all()
        assert (bands(made).max((0, 2, 3)) <= bands(X).max((0, 2, 3))).all()
    assert_array_equal(sampler.classes_, [0, 1, 2])
    assert sampler.n_features_in_ == shape[0]


def test_each_band_has_its_own_range():
    X, y = images((9, 5), shape=(3, 8, 8), dtype=float)
    X[:, 1] /= 1000
    X[:, 2] = 1 / 3
    new, _ = small().fit_resample(X, y)
    assert_array_equal(new[:, 2], np.full((18, 8, 8), 1 / 3))
    # An untrained generator makes grey, half way up each range.
    for band in range(2):
        low, high = X[:, band].min(), X[:, band].max()
        middle = (new[14:, band].mean() - low) / (high - low)
        assert abs(middle - 0.5) < 0.1


def test_lists_come_back_as_lists():
    X, y = images(dtype=np.int64)
    expected, _ = small().fit_resample(X, y)
    sampler = small()
    got, labels = sampler.fit_resample(X.tolist(), y.tolist())
    assert isinstance(got, list) and isinstance(labels, list)
    assert_array_equal(got, expected)
    made = sampler.sample(2, 2)
    assert isinstance(made, list)
    assert np.shape(made) == (2, 2, 8, 8)


def test_images_in_a_file_are_read_by_the_batch(tmp_path):
    X, y = images()
    expected, _ = small().fit_resample(X, y)
    np.save(tmp_path / "images.npy", X)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert_array_equal(small().fit_resample(mapped, y)[0], expected)


def test_torch_tensors():
    X, y = images()
    expected, _ = small().fit_resample(X, y)
    got, labels = small().fit_resample(torch.from_numpy(X), torch.from_numpy(y))
    assert_array_equal(np.asarray(got), expected)
    assert len(labels) == 27


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_no_whole_copy_of_the_images_in_floating_point(monkeypatch, dtype):
    largest = []
    encode, decode = dcgan.BandCodec.encode, dcgan.BandCodec.decode

    def encode_noted(self, X):
        largest.append(len(X))
        return encode(self, X)

    def decode_noted(self, rows):
        largest.append(len(rows))
        return decode(self, rows)

    monkeypatch.setattr(dcgan.BandCodec, "encode", encode_noted)
    monkeypatch.setattr(dcgan.BandCodec, "decode", decode_noted)
    monkeypatch.setattr(dcgan, "_AT_ONCE", 16)
    X, y = images((150, 60), shape=(1, 4, 4), dtype=dtype)
    small(batch_size=8).fit_resample(X, y)
    assert max(largest) <= 16


# --- Classes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "grown", "expected"),
    [
        ("auto", [1, 2], {0: 9, 1: 9, 2: 9}),
        ("all", [1, 2], {0: 9, 1: 9, 2: 9}),
        ("minority", [2], {0: 9, 1: 5, 2: 9}),
        ({2: 7}, [2], {0: 9, 1: 5, 2: 7}),
        ({0: 12, 1: 6, 2: 4}, [0, 1], {0: 12, 1: 6, 2: 4}),
        (lambda y: {1: 8}, [1], {0: 9, 1: 8, 2: 4}),
        ({}, [], {0: 9, 1: 5, 2: 4}),
    ],
)
def test_one_gan_for_each_class_that_grows(strategy, grown, expected):
    X, y = images()
    sampler = small(sampling_strategy=strategy)
    _, labels = sampler.fit_resample(X, y)
    assert Counter(labels.tolist()) == expected
    by_class = (
        sampler.generators_,
        sampler.discriminators_,
        sampler.loss_history_,
        sampler.n_epochs_,
        sampler.diversity_,
    )
    assert all(list(one) == grown for one in by_class)
    nets = [*sampler.generators_.values(), *sampler.discriminators_.values()]
    assert not any(m.training for net in nets for m in net.modules())
    for label in range(3):
        if label in grown:
            assert sampler.sample(2, label).shape == (2, 2, 8, 8)
            for losses in sampler.loss_history_[label].values():
                assert losses.shape == (2,) and np.isfinite(losses).all()
            assert set(sampler.loss_history_[label]) == {"discriminator", "generator"}
            assert sampler.n_epochs_[label] == 2
        else:
            match = rf"Class {label} has no generator.*only of.*sampling_strategy"
            with pytest.raises(ValueError, match=match):
                sampler.sample(2, label)


def test_a_gan_sees_its_own_class_alone():
    """Of black and white images, each class gets those of its own."""
    X, y = images((12, 8, 8), shape=(1, 4, 4), dtype=float)
    X = X / 20 + 200.0 * (y == 1)[:, None, None, None]
    sampler = small(max_epochs=60, lr=0.02, n_filters=4)
    sampler.fit_resample(X, y)
    assert sampler.sample(20, 1).mean() > 150
    assert sampler.sample(20, 2).mean() < 70


def test_labels_of_text():
    X, y = images()
    names = np.array(["b", "a.b", "c"])
    sampler = small()
    _, labels = sampler.fit_resample(X, names[y])
    assert Counter(labels.tolist()) == {"b": 9, "a.b": 9, "c": 9}
    assert list(sampler.generators_) == ["a.b", "c"]
    assert sampler.sample(1, "c").shape == (1, 2, 8, 8)
    with pytest.raises(ValueError, match=r"label must be one of .*got 'd'"):
        sampler.sample(1, "d")
    with pytest.raises(ValueError, match="n_samples"):
        sampler.sample(0, "c")


# --- Diversity -----------------------------------------------------------------------


def test_diversity_is_the_spread_of_as_many_images(monkeypatch):
    seen = watch_training(dcgan, monkeypatch)
    X, y = images((12, 7), dtype=float)
    sampler = small()
    sampler.fit_resample(X, y)
    low, high = X.min((0, 2, 3), keepdims=True), X.max((0, 2, 3), keepdims=True)
    own = ((X - low) / (high - low))[y == 1]
    spread = sampler.diversity_[1]
    assert spread["real"] == pytest.approx(own.std(0, ddof=1).mean(), rel=1e-5)
    _, noise = seen["inputs"][seen["n_inputs_of_training"]]
    assert len(noise) == 7
    with torch.no_grad():
        made = (sampler.generators_[1](noise).double().numpy() + 1) / 2
    assert spread["synthetic"] == pytest.approx(made.std(0, ddof=1).mean(), rel=1e-5)


@pytest.mark.parametrize("strategy", ["auto", {1: 6}, {1: 100}], ids=str)
def test_diversity_does_not_depend_on_how_many_are_made(strategy):
    X, y = images((12, 5))
    sampler = small(sampling_strategy=strategy)
    sampler.fit_resample(X, y)
    reference = small()
    reference.fit_resample(X, y)
    assert sampler.diversity_ == reference.diversity_


def test_a_generator_that_makes_one_image_gets_a_warning(recwarn):
    X, y = images()
    sampler = small()
    sampler.fit_resample(X, y)
    assert not recwarn
    share = {c: d["synthetic"] / d["real"] for c, d in sampler.diversity_.items()}
    # Untrained generators make grey.
    assert all(0 < value < 0.5 for value in share.values())
    smaller, larger = sorted(share, key=share.get)
    match = rf"class {smaller} vary too little.*min_diversity.*max_epochs"
    between = (share[smaller] + share[larger]) / 2
    with pytest.warns(UserWarning, match=match) as caught:
        small(min_diversity=between).fit_resample(X, y)
    assert len(caught) == 1
    with pytest.warns(UserWarning) as caught:
        small(min_diversity=DCGANSampler().min_diversity).fit_resample(X, y)
    assert len(caught) == 2


def test_images_that_are_all_alike_need_no_spread(recwarn):
    X, y = images((9, 5))
    X[y == 1] = X[y == 1][0]
    sampler = small(min_diversity=0.9)
    sampler.fit_resample(X, y)
    assert not recwarn
    assert sampler.diversity_[1]["real"] == pytest.approx(0, abs=1e-8)


@pytest.mark.slow
def test_digits_are_learned():
    """Zeros of the digits: as like to real ones as those are to each other."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    X, y = digits.images[:, None].astype(np.uint8), (digits.target == 0).astype(int)
    shares = []
    for seed in range(3):
        sampler = DCGANSampler(
            sampling_strategy={1: 179}, n_filters=16, max_epochs=300, batch_size=32,
            min_diversity=0, random_state=seed,
        )  # fmt: skip
        sampler.fit_resample(X, y)
        made = sampler.sample(100, 1).reshape(100, -1).astype(float)
        real = X.reshape(len(X), -1).astype(float)
        distance = ((made[:, None] - real) ** 2).sum(2)
        shares.append((y[distance.argmin(1)] == 1).mean())
        diversity = sampler.diversity_[1]
        assert diversity["synthetic"] > 0.4 * diversity["real"]
    assert np.mean(shares) > 0.9


# --- What is refused -----------------------------------------------------------------


@pytest.fixture
def adam_steps(monkeypatch):
    steps = []
    step = torch.optim.Adam.step

    def counted(self, *args, **kwargs):
        steps.append(len(steps))
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", counted)
    return steps


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        ((64,), r"images of shape.*got X of shape \(18, 64\).*X.reshape.*tables take"),
        ((1, 2, 8, 8), r"got X of shape \(18, 1, 2, 8, 8\)"),
        ((2, 9, 9), r"9 x 9 pixels.*X\[..., :8, :8\].*the last row and the last col"),
        ((8, 8, 3), r"8 x 3 pixels.*at least 4 x 4.*bands in front"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "fit_resample"])
def test_images_that_it_cannot_make(adam_steps, shape, match, method):
    X, y = images(shape=shape)
    with pytest.raises(ValueError, match=match):
        getattr(small(), method)(X, y)
    assert not adam_steps


def test_the_remedies_of_the_messages_work():
    X, y = images(shape=(2, 9, 9))
    assert small().fit_resample(X[..., :8, :8], y)[0].shape == (27, 2, 8, 8)
    X, y = images(shape=(64,))
    assert small().fit_resample(X.reshape(-1, 1, 8, 8), y)[0].shape == (27, 1, 8, 8)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_pixels_that_are_missing(adam_steps, bad):
    X, y = images(dtype=float)
    X[3, 1, 2, 2] = bad
    with pytest.raises(ValueError, match="X holds (missing|infinite) values"):
        small().fit_resample(X, y)
    assert not adam_steps


def test_a_class_of_one_image(adam_steps):
    X, y = images((9, 5, 1))
    # Also if others would be trained before it.
    for name in ("lone", "a lone one"):
        labels = np.array(["common", "few", name])[y]
        match = f"Class '{name}' has 1 row; DCGANSampler needs at least 2.*Gather more"
        with pytest.raises(ValueError, match=match):
            small().fit_resample(X, labels)
    assert not adam_steps
    # It may stay as it is.
    _, labels = small(sampling_strategy={1: 8}).fit_resample(X, y)
    assert Counter(labels.tolist()) == {0: 9, 1: 8, 2: 1}


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"batch_size": 1}, "batch_size.*at least 2, got 1|'batch_size'"),
        ({"n_filters": 0}, "'n_filters' parameter of DCGANSampler"),
        ({"n_latent": 2.5}, "'n_latent' parameter of DCGANSampler"),
        ({"min_diversity": -1}, "'min_diversity' parameter of DCGANSampler"),
        ({"device": "gpu"}, "device='gpu' is unknown"),
        ({"sampling_strategy": {7: 50}}, r"\{7\} target class"),
        ({"sampling_strategy": {1: 2}}, "2 samples are asked"),
    ],
)
def test_parameters_that_no_net_can_have(adam_steps, params, match):
    with pytest.raises(ValueError, match=match):
        small(**params).fit_resample(*images())
    assert not adam_steps


# --- When training fails -------------------------------------------------------------


def learned_by(sampler):
    return {k: v for k, v in vars(sampler).items() if k not in sampler.get_params()}


def assert_as_before(sampler, before):
    after = learned_by(sampler)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    if not before:
        with pytest.raises(NotFittedError):
            sampler.sample(1, 1)


@pytest.mark.parametrize("was_fitted", [False, True])
@pytest.mark.parametrize("n_steps", [1, 5])
def test_an_interrupt_leaves_nothing_half_fitted(
    monkeypatch, was_fitted, n_steps, usual_interrupts
):
    """In the first GAN, and in the second, when the first is done."""
    X, y = images()
    sampler = small()
    if was_fitted:
        sampler.fit_resample(X, y)
    before = learned_by(sampler)
    left = [n_steps]
    step = torch.optim.Adam.step

    def interrupted(self, *args, **kwargs):
        left[0] -= 1
        if left[0] < 0:
            signal.raise_signal(signal.SIGINT)
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", interrupted)
    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        sampler.fit_resample(X, y)
    assert_as_before(sampler, before)
    assert torch.equal(torch.get_rng_state(), state)
    monkeypatch.undo()
    expected, _ = small().fit_resample(X, y)
    assert_array_equal(sampler.fit_resample(X, y)[0], expected)


@pytest.mark.parametrize("was_fitted", [False, True])
def test_training_that_diverges_is_reported(was_fitted):
    X, y = images()
    sampler = small()
    if was_fitted:
        sampler.fit_resample(X, y)
    before = learned_by(sampler)
    sampler.set_params(lr=1e30, max_epochs=20)
    match = r"DCGANSampler, class 1: .* loss.* in epoch \d+.*Lower the learning rate"
    with pytest.raises(ValueError, match=match):
        sampler.fit_resample(X, y)
    assert_as_before(sampler, before)


def test_bad_images_leave_an_earlier_fit_as_it_was():
    X, y = images()
    sampler = small()
    sampler.fit_resample(X, y)
    before = learned_by(sampler)
    with pytest.raises(ValueError):
        sampler.fit_resample(X[..., :7], y)
    assert_as_before(sampler, before)


def test_checking_other_images_forgets_the_fit():
    X, y = images()
    sampler = small()
    sampler.fit_resample(X, y)
    sampler.fit(X[..., :4, :4], y)
    with pytest.raises(NotFittedError):
        sampler.sample(2, 1)


# --- Randomness, and living with scikit-learn ----------------------------------------


def test_one_seed_one_result_and_global_state_untouched():
    X, y = images()
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    sampler = small(random_state=3)
    first, _ = sampler.fit_resample(X, y)
    made = [sampler.sample(3, 1) for _ in range(2)]
    assert not np.array_equal(*made)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])
    torch.rand(3), np.random.rand(3)
    again = clone(sampler)
    assert_array_equal(again.fit_resample(X, y)[0], first)
    assert_array_equal([again.sample(3, 1) for _ in range(2)], made)
    other, _ = small(random_state=4).fit_resample(X, y)
    assert not np.array_equal(other[18:], first[18:])
    # No two images are alike.
    floats, _ = small().fit_resample(X / 255, y)
    assert len(np.unique(floats[18:].reshape(9, -1), axis=0)) == 9


def test_a_pickle_goes_on_where_it_was():
    X, y = images()
    sampler = small()
    sampler.fit_resample(X, y)
    sampler.sample(2, 1)
    for other in (pickle.loads(pickle.dumps(sampler)), copy.deepcopy(sampler)):
        expected = copy.deepcopy(sampler).sample(4, 1)
        assert_array_equal(other.sample(4, 1), expected)
        assert other.diversity_ == sampler.diversity_


def test_parameters_set_after_the_fit_wait_for_the_next():
    sampler = small()
    sampler.fit_resample(*images())
    sampler.set_params(n_latent=7, n_filters=3, batch_size=2)
    assert sampler.sample(2, 1).shape == (2, 2, 8, 8)


def test_training_stops_when_losses_do_not_change():
    # Anything is within a million times itself.
    sampler = small(tol=1e6, patience=3, max_epochs=50)
    sampler.fit_resample(*images())
    assert sampler.n_epochs_ == {1: 6, 2: 6}
    assert DCGANSampler().tol == 0
    assert DCGANSampler().max_epochs == 45


def test_progress_is_shown_on_demand(capsys):
    small().fit_resample(*images())
    assert capsys.readouterr() == ("", "")
    small(verbose=1).fit_resample(*images())
    out, err = capsys.readouterr()
    assert out == ""
    assert "DCGANSampler, class 1" in err
    assert "DCGANSampler, class 2" in err
    assert "2/2" in err


def test_a_check_alone_trains_nothing(adam_steps):
    sampler = small().fit(*images())
    assert sampler.sampling_strategy_ == {1: 4, 2: 5}
    assert not adam_steps
    with pytest.raises(NotFittedError):
        check_is_fitted(sampler, "n_epochs_")


@pytest.mark.gpu
def test_training_on_a_gpu_comes_back_to_the_cpu():
    X, y = images()
    sampler = small(device="cuda")
    new, labels = sampler.fit_resample(X, y)
    assert new.dtype == np.uint8
    assert Counter(labels.tolist()) == {0: 9, 1: 9, 2: 9}
    nets = [*sampler.generators_.values(), *sampler.discriminators_.values()]
    assert all(p.device.type == "cpu" for net in nets for p in net.parameters())
    loaded = pickle.loads(pickle.dumps(sampler))
    assert_array_equal(loaded.sample(3, 1), sampler.sample(3, 1))
