"""The conditional GAN: its steps against a loop of one's own, and what it draws."""

import numpy as np
import pytest
import torch

from imbdeep.over_sampling import ConditionalGAN
from imbdeep.over_sampling._generative import conditional_gan

from .data import table, unit
from .watching import watch_training

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
    return watch_training(conditional_gan, monkeypatch)


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
