"""The conditional GAN: its steps against a loop of one's own, and what it draws."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from imbdeep.over_sampling import ConditionalGAN, _conditional_gan

from .data import table, unit

PARAMS = {
    "hidden_sizes": (12,),
    "n_latent": 3,
    "lr": 0.01,
    "max_epochs": 2,
    "discriminator_steps": 1,
    "tol": 0.0,
    "patience": 5,
    "scaling": "minmax",
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture
def watch(monkeypatch):
    """The players as they start, the call of ``train``, and all that goes into them."""
    seen = {"inputs": []}

    def spy(players, *args, **kwargs):
        seen["start"] = deepcopy(dict(players))
        seen["training"] = kwargs
        for name, net in players.items():

            def note(net, inputs, name=name):
                seen["inputs"].append((name, inputs[0].detach().clone()))

            net.register_forward_pre_hook(note)
        history = train(players, *args, **kwargs)
        seen["n_inputs_of_training"] = len(seen["inputs"])
        return history

    train = _conditional_gan.train
    monkeypatch.setattr(_conditional_gan, "train", spy)
    return seen


def replay(watch, n_classes, n_batches, discriminator_steps):
    """Steps on the rows and noise of the fit, with losses written out."""
    D, G = (watch["start"][name].train() for name in ("discriminator", "generator"))
    adam = {
        net: torch.optim.Adam(net.parameters(), 0.01, betas=(0.5, 0.999))
        for net in (D, G)
    }
    queue = iter(watch["inputs"][: watch["n_inputs_of_training"]])

    def take(name):
        player, given = next(queue)
        assert player == name
        return given

    def make(given):
        """Rows for these inputs of the generator, and the condition behind them."""
        return torch.cat([G(given), given[:, -n_classes:]], 1)

    def move(net, loss):
        slopes = torch.autograd.grad(loss, list(net.parameters()))
        for parameter, slope in zip(net.parameters(), slopes, strict=True):
            parameter.grad = slope
        adam[net].step()
        return loss.item()

    def log_of(logits):
        return (1 / (1 + (-logits).exp())).log()

    history = {"discriminator": [], "generator": []}
    real_rows = []
    for _ in range(PARAMS["max_epochs"]):
        losses = {"discriminator": [], "generator": []}
        for _ in range(n_batches):
            for _ in range(discriminator_steps):
                made = make(take("generator")).detach()
                real, judged = take("discriminator"), take("discriminator")
                torch.testing.assert_close(judged, made, rtol=1e-3, atol=1e-4)
                # The same classes are asked for as are given.
                assert torch.equal(judged[:, -n_classes:], real[:, -n_classes:])
                real_rows.append(real)
                loss = -log_of(D(real)).mean() - log_of(-D(made)).mean()
                losses["discriminator"].append(move(D, loss))
            made = make(take("generator"))
            torch.testing.assert_close(
                take("discriminator"), made.detach(), rtol=1e-3, atol=1e-4
            )
            losses["generator"].append(move(G, -log_of(D(made)).mean()))
        for name, values in losses.items():
            history[name].append(sum(values) / len(values))
    assert next(queue, None) is None
    return history, {"discriminator": D, "generator": G}, real_rows


@pytest.mark.parametrize("counts", [(30, 12), (9, 20, 14)])
@pytest.mark.parametrize(("batch_size", "n_batches"), [(100, 1), (15, 3)])
@pytest.mark.parametrize("discriminator_steps", [1, 3])
def test_a_fit_takes_steps_of_its_losses(
    watch, counts, batch_size, n_batches, discriminator_steps
):
    X, y = table(counts)
    sampler = ConditionalGAN(
        **{**PARAMS, "discriminator_steps": discriminator_steps}, batch_size=batch_size
    )
    sampler.fit_resample(X, y)
    history, nets, real_rows = replay(
        watch, len(counts), n_batches, discriminator_steps
    )
    assert set(sampler.loss_history_) == set(history)
    assert sampler.n_epochs_ == 2
    for name, values in history.items():
        np.testing.assert_allclose(sampler.loss_history_[name], values, rtol=1e-3)
        pairs = zip(
            getattr(sampler, f"{name}_").parameters(),
            nets[name].parameters(),
            strict=True,
        )
        for own, other in pairs:
            torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-4)

    # Real rows are rows of X beside their own class.
    known = np.column_stack([unit(X), np.eye(len(counts))[y]])
    for row in torch.cat(real_rows).numpy():
        assert np.abs(known - row).max(1).min() < 1e-6


def test_what_a_fit_gives_to_the_training(watch):
    ConditionalGAN(**PARAMS).fit_resample(*table())
    params = watch["training"]
    assert params["method"] == "ConditionalGAN"
    for name in ("lr", "max_epochs", "tol", "patience"):
        assert params[name] == PARAMS[name]


def test_classes_are_drawn_alike_and_noise_is_normal(watch):
    sampler = ConditionalGAN(**{**PARAMS, "max_epochs": 20}, batch_size=100)
    sampler.fit_resample(*table((50, 8, 20)))
    given = torch.cat([x for name, x in watch["inputs"] if name == "generator"])
    noise, condition = given[:, :3], given[:, 3:]
    n = len(given)
    assert ((condition == 0) | (condition == 1)).all()
    assert (condition.sum(1) == 1).all()
    # Five standard deviations of a share, a mean and a variance.
    assert (condition.mean(0) - 1 / 3).abs().max() < 5 * (2 / 9 / n) ** 0.5
    assert noise.mean(0).abs().max() < 5 / n**0.5
    assert (noise.var(0) - 1).abs().max() < 5 * (2 / n) ** 0.5


def test_every_row_of_a_class_is_drawn_as_often(watch):
    X, y = table((12, 4))
    sampler = ConditionalGAN(**{**PARAMS, "max_epochs": 40}, batch_size=100)
    sampler.fit_resample(X, y)
    judged = [x for name, x in watch["inputs"] if name == "discriminator"]
    # The discriminator sees real rows, made ones, and made ones once more.
    real = torch.cat(judged[::3]).numpy()
    for label, n_rows in enumerate((12, 4)):
        own = real[real[:, 4 + label] == 1][:, :4]
        rows = unit(X)[y == label]
        nearest = np.abs(own[:, None] - rows).max(2).argmin(1)
        counts = np.bincount(nearest, minlength=n_rows)
        expected = len(own) / n_rows
        assert np.abs(counts - expected).max() < 5 * expected**0.5


def test_new_rows_are_made_for_their_classes(watch):
    X, y = table((9, 20, 14))
    sampler = ConditionalGAN(**PARAMS)
    X_new, y_new = sampler.fit_resample(X, y)
    name, given = watch["inputs"][-1]
    assert name == "generator"
    assert y_new[43:].tolist() == given[:, 3:].argmax(1).tolist() == [0] * 11 + [2] * 6
    with torch.no_grad():
        rows = sampler.generator_(given).numpy()
    np.testing.assert_allclose(
        X_new[43:], X.min(0) + rows * (X.max(0) - X.min(0)), rtol=1e-4
    )

    sampler.sample(5, 1)
    _, given = watch["inputs"][-1]
    assert given[:, 3:].tolist() == [[0, 1, 0]] * 5


def test_learns_where_the_classes_lie():
    rng = np.random.RandomState(0)
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    y = np.repeat([0, 1, 2], [60, 20, 12])
    X = centres[y] + rng.normal(0, 0.3, (92, 2))
    sampler = ConditionalGAN(
        hidden_sizes=(32,), n_latent=4, lr=2e-3, max_epochs=200, tol=0.0, device="cpu",
        random_state=0,
    )  # fmt: skip
    sampler.fit_resample(X, y)
    for label in range(3):
        rows = sampler.sample(100, label)
        nearest = ((rows[:, None] - centres) ** 2).sum(2).argmin(1)
        assert (nearest == label).mean() > 0.6
