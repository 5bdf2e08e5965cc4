"""Adversarial noise training: the generator, its noise, and which rows get it."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback
from torch.nn.functional import cross_entropy

from imbdeep.classifiers import AdversarialNoiseClassifier, LDAMClassifier
from imbdeep.classifiers._robust.noise_generator import NoiseGenerator
from tests.classifiers.attacked import (
    OWN,
    SMALL,
    Headless,
    NoTraining,
    deepcopy_without_graph,
    digits,
    same_weights,
    table,
)

TABLE = {k: v for k, v in SMALL.items() if k != "attack_steps"} | {"fresh_steps": 3}
IMAGES = {
    k: v for k, v in OWN.items() if k not in ("attack_steps", "eps", "eps_unit")
} | {"fresh_steps": 3, "module": "conv", "module__n_filters": (4,)}


# --- The generator -------------------------------------------------------------------


def through_layers(generator, noise):
    """Of the numbers of one pixel or one row, in NumPy."""
    found = noise
    layers = [layer for layer in generator.layers if hasattr(layer, "weight")]
    for i, layer in enumerate(layers):
        weight = layer.weight.detach().double().flatten(1).numpy()
        found = weight @ found + layer.bias.detach().double().numpy()
        found = found if i == 3 else np.maximum(found, 0)
    return noise + found


def trained(generator):
    """With weights and biases at which each layer matters."""
    draws = torch.Generator().manual_seed(0)
    for p in generator.parameters():
        p.data.normal_(std=0.5, generator=draws)
    return generator


@pytest.mark.parametrize("shape", [(5,), (2, 4, 4)])
def test_each_pixel_or_row_passes_by_itself(shape):
    generator = trained(NoiseGenerator(shape))
    noise = torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    found = generator(noise).detach().flatten(2 if len(shape) > 1 else 1).numpy()
    given = noise.double().flatten(2 if len(shape) > 1 else 1).numpy()
    if len(shape) == 1:
        found, given = found[:, :, None], given[:, :, None]
    for i in range(3):
        for j in range(found.shape[2]):
            expected = through_layers(generator, given[i, :, j])
            assert_allclose(found[i, :, j], expected, rtol=1e-4, atol=1e-5)
            assert np.abs(found[i, :, j] - given[i, :, j]).max() > 0.05


def test_neighbours_share_noise_of_3x3_only():
    noise = torch.zeros(1, 2, 7, 7)
    other = noise.clone()
    other[:, :, 3, 3] = 1
    for size, n_changed in ((1, 1), (3, 9)):
        generator = trained(NoiseGenerator((2, 7, 7), size))
        with torch.no_grad():
            changed = (generator(noise) != generator(other)).any(1)
        assert changed.sum() == n_changed


def test_first_weights_are_small():
    generator = NoiseGenerator((200,))
    sizes = [tuple(p.shape) for p in generator.parameters() if p.ndim > 1]
    assert sizes == [(20, 200), (20, 20), (20, 20), (200, 20)]
    for p in generator.parameters():
        if p.ndim == 1:
            assert not p.any()
        elif p.numel() > 400:
            assert p.std().item() == pytest.approx(0.01, rel=0.1)


# --- Rows of a step ------------------------------------------------------------------


def spied():
    """The classifier; ``steps_`` tells what each step did, and to which rows."""

    class Spied(AdversarialNoiseClassifier):
        def begin_attack(self):
            self.steps_ = []
            super().begin_attack()

        def train_step(self, batch, **fit_params):
            before = None
            if self._makes_noise():
                before = deepcopy_without_graph(self.run_.noise)
            self.steps_.append({"noise": [], "before": before})
            return super().train_step(batch, **fit_params)

        def _noisy(self, rows, generator):
            found = super()._noisy(rows, generator)
            if self.steps_ and not found.requires_grad:
                self.steps_[-1]["noise"].append((generator, rows, found))
            return found

        def training_rows(self, X, y):
            rows, y = super().training_rows(X, y)
            self.steps_[-1] |= {
                "clean": X,
                "rows": rows,
                "after": deepcopy_without_graph(self.run_.noise),
                "earlier": list(self.run_.earlier),
                "current": self.run_.noise,
            }
            return rows, y

    return Spied


@pytest.mark.parametrize("share", [0.0, 0.5, 0.75])
def test_shares_of_a_batch(share):
    X, y = table(n_samples=160)
    net = spied()(clean_share=share, **TABLE | {"batch_size": 40, "max_epochs": 4})
    net.fit(X, y)
    assert len(net.steps_) == 16
    radius = 0.3 * X.std(0, dtype=float) * np.sqrt(5)
    used = set()
    for i, step in enumerate(net.steps_):
        moved = (step["rows"] - step["clean"]).double().numpy() / radius
        lengths = np.linalg.norm(moved, axis=1)
        is_clean = lengths == 0
        assert is_clean.sum() == 40 * share
        assert_allclose(lengths[~is_clean], 1, atol=1e-4)
        epoch = i // 4
        assert len(step["earlier"]) == epoch
        expected = [40 - 40 * share - (8 if epoch else 0)] + ([8] if epoch else [])
        assert [len(rows) for _, rows, _ in step["noise"]] == expected
        assert step["noise"][0][0] is step["current"]
        for generator, *_ in step["noise"][1:]:
            assert any(generator is one for one in step["earlier"])
            used.add(id(generator))
    # Each epoch has a generator of its own, and all earlier ones may come back.
    assert len({id(step["current"]) for step in net.steps_}) == 4
    assert len(used) > 1


def test_images_stay_in_their_box():
    X, y = digits()
    net = spied()(
        box=(0, 1),
        max_epochs=2,
        **{k: v for k, v in IMAGES.items() if k != "max_epochs"},
    ).fit(X, y)
    assert_array_equal(net.eps_, np.full((2, 6, 6), 0.348))
    for step in net.steps_:
        assert 0 <= step["rows"].min() <= step["rows"].max() <= 1
        moved = (step["rows"] - step["clean"]).flatten(1)
        lengths = moved.square().mean(1).sqrt()
        noisy = lengths > 0
        assert 0.4 * len(noisy) <= noisy.sum() <= 0.6 * len(noisy)
        torch.testing.assert_close(
            lengths[noisy], torch.full_like(lengths[noisy], 0.348), atol=1e-5, rtol=0
        )


def test_levels_gaps_and_fixed_columns_stay():
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["city"] = np.where(X[:, 0] > 0, "Bonn", "Ulm")
    frame.loc[::7, "b"] = np.nan
    net = spied()(perturb=["a", "b", "c"], **TABLE).fit(frame, y)
    for step in net.steps_:
        assert torch.equal(step["rows"].isnan(), step["clean"].isnan())
        assert torch.equal(step["rows"][:, 3:], step["clean"][:, 3:])
        assert (step["rows"][:, 0] != step["clean"][:, 0]).any()
        for generator, *_ in step["noise"]:
            assert all(p.isfinite().all() for p in generator.parameters())


# --- The game ------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:No feature can be moved")
@pytest.mark.parametrize("reweight_from", [0.5, 1])
def test_without_noise_it_is_the_plain_net(reweight_from):
    X, y = table()
    names = ("eps", "eps_unit", "fresh_steps")
    plain = {k: v for k, v in TABLE.items() if k not in names}
    given = {"criterion": "cross_entropy", "reweight_from": reweight_from}
    expected = LDAMClassifier(**plain, **given).fit(X, y)
    for nothing in ({"clean_share": 1}, {"eps": 0}, {"perturb": []}):
        net = AdversarialNoiseClassifier(**TABLE | given | nothing).fit(X, y)
        assert net.history[:, "train_loss"] == expected.history[:, "train_loss"]
        assert same_weights(net, expected)
    noisy = AdversarialNoiseClassifier(**TABLE | given).fit(X, y)
    assert not same_weights(noisy, expected)


class Slopes(Callback):
    """Compares the gradients of each step with those of its rows alone."""

    def on_grad_computed(self, net, batch, **kwargs):
        step = net.steps_[-1]
        module = deepcopy_without_graph(net.module_).train()
        labels = batch[1]
        cross_entropy(module(step["rows"]), labels).backward()
        for p, own in zip(net.module_.parameters(), module.parameters(), strict=True):
            torch.testing.assert_close(p.grad, own.grad)


def test_the_generator_leaves_the_gradients_of_the_net():
    X, y = table()
    net = spied()(
        Headless,
        callbacks=[Slopes],
        **{
            k: v
            for k, v in TABLE.items()
            if k not in ("n_bins", "module__hidden_sizes")
        },
    ).fit(X, y)
    for step in net.steps_:
        pairs = zip(
            step["before"].parameters(), step["after"].parameters(), strict=True
        )
        # The first step of Adam is as long as its rate, wherever there is a slope.
        moved = [(a - b).abs().max().item() for a, b in pairs]
        assert 0 < max(moved) < 2e-4


def loss_under(net, rows, y):
    return cross_entropy(net.module_(rows), y).item()


def test_the_generator_finds_noise_that_hurts():
    """A net that looks at one column of ten: noise learns to be there alone."""

    class OneColumn(Headless):
        def __init__(self, n_features, n_classes):
            super().__init__(n_features, n_classes)
            with torch.no_grad():
                self.last.weight[:] = 0
                self.last.weight[1, 0] = 3
                self.last.bias[:] = 0

    for seed in range(2):
        X = np.random.RandomState(seed).randn(200, 10).astype(np.float32)
        y = (X[:, 0] > 0).astype(int)
        net = spied()(
            OneColumn,
            eps=0.5,
            lr=1e-9,
            fresh_steps=60,
            fresh_lr=0.02,
            max_epochs=2,
            batch_size=100,
            device="cpu",
            random_state=seed,
        ).fit(X, y)
        _, rows, found = net.steps_[-1]["noise"][0]
        share = (found - rows).square()
        share = (share[:, 0].sum() / share.sum()).item()
        assert share > 0.4
        _, rows, found = net.steps_[0]["noise"][0]
        share = (found - rows).square()
        assert (share[:, 0].sum() / share.sum()).item() < 0.2


def test_noise_training_withstands_noise():
    """Faint signals drown in noise, and a strong one with few errors does not."""
    gains = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        y = np.arange(400) % 2
        sign = 2 * y[:, None] - 1
        X = rng.normal(scale=0.03, size=(400, 6)) + 0.1 * sign
        X[:, :1] = np.where(rng.uniform(size=(400, 1)) < 0.9, 2, -2) * sign
        noise = rng.normal(scale=0.5, size=X.shape)
        given = {"lr": 0.02, "max_epochs": 6, "n_bins": 4, "random_state": seed}
        scores = [
            AdversarialNoiseClassifier(
                eps=eps, fresh_steps=5, module__hidden_sizes=(16,), **given
            )
            .fit(X, y)
            .score(X + noise, y)
            for eps in (0.5, 0.0)
        ]
        gains.append(scores[0] - scores[1])
    assert np.mean(gains) > 0.08


def test_one_seed_decides():
    X, y = table()
    state = torch.get_rng_state()
    nets = [
        AdversarialNoiseClassifier(**TABLE | {"random_state": seed}).fit(X, y)
        for seed in (0, 0, 1)
    ]
    assert torch.equal(torch.get_rng_state(), state)
    assert same_weights(nets[0], nets[1])
    assert not same_weights(nets[0], nets[2])
    assert not hasattr(nets[0], "noise_")
    assert nets[0].run_ is None


def test_refuses_before_training():
    X, y = table()
    images, labels = digits()
    for rows, target, given, message in (
        (X, y, {"noise": "5x5"}, "The 'noise' parameter"),
        (X, y, {"noise": "3x3"}, "noise='3x3' is for images, and X is a table"),
        (X, y, {"clean_share": 0.9}, "clean_share=0.9 and earlier_share=0.2 are share"),
        (X, y, {"fresh_steps": -1}, "The 'fresh_steps' parameter"),
        (X, y, {"generator_lr": 0}, "The 'generator_lr' parameter"),
        (X, y, {"eps": None}, "needs eps.*eps_unit='input', can it.* and is 0.348"),
        (images[:, 0], labels, {"module": Headless}, r"Give images without bands one"),
        (images * 255, labels, {"eps": None, "eps_unit": "input"}, "eps=89 for pixels"),
    ):
        given = TABLE | given
        if rows is not X:
            given |= {"module": given.get("module", "conv")}
            given = {k: v for k, v in given.items() if k != "module__hidden_sizes"}
        net = AdversarialNoiseClassifier(callbacks=[NoTraining()], **given)
        with pytest.raises(ValueError, match=message):
            net.fit(rows, target)


def test_a_module_that_ignores_its_rows_is_refused():
    class Deaf(Headless):
        def forward(self, x):
            return self.last(torch.zeros_like(x))

    X, y = table()
    given = {
        k: v for k, v in TABLE.items() if k not in ("n_bins", "module__hidden_sizes")
    }
    net = AdversarialNoiseClassifier(Deaf, **given)
    with pytest.raises(ValueError, match="passes no gradient to its rows"):
        net.fit(X, y)
