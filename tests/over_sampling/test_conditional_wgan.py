"""The conditional WGAN: its steps against a loop of one's own, and what it draws."""

import numpy as np
import pytest
import torch

from imbdeep.over_sampling import ConditionalWGAN
from imbdeep.over_sampling._generative import conditional_wgan
from tests.common.slow import half_of

from .data import table, unit
from .watching import watch_training

PARAMS = {
    "hidden_sizes": (12,),
    "n_latent": 3,
    "lr": 0.01,
    "max_epochs": 2,
    "critic_steps": 1,
    "gradient_penalty": 3.0,
    "classification_weight": 0.7,
    "tol": 0.0,
    "patience": 5,
    "scaling": "minmax",
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture
def watch(monkeypatch):
    return watch_training(conditional_wgan, monkeypatch)


def replay(watch, n_classes, n_batches, *, critic_steps, gradient_penalty,
           classification_weight):  # fmt: skip
    """Steps on the rows and noise of the fit, with losses written out."""
    names = ("discriminator", "classifier", "generator")
    D, C, G = (watch["start"][name].train() for name in names)
    adam = {
        net: torch.optim.Adam(net.parameters(), 0.01, betas=(0.5, 0.9))
        for net in (D, C, G)
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

    def penalty(x):
        """Mean squared distance of the slope, by rows and conditions, from 1."""
        x = x.clone().requires_grad_()
        total = 0
        for i in range(len(x)):
            (slope,) = torch.autograd.grad(D(x[i : i + 1])[0, 0], x, create_graph=True)
            total = total + (slope[i].square().sum().sqrt() - 1) ** 2
        return total / len(x)

    def cross_entropy(logits, condition):
        powers = logits.exp()
        share = (powers * condition).sum(1) / powers.sum(1)
        return -share.log().mean()

    close = {"rtol": 1e-3, "atol": 1e-4}
    history = {name: [] for name in (*names, "distance")}
    real_rows, shares = [], []
    for _ in range(PARAMS["max_epochs"]):
        losses = {name: [] for name in history}
        for _ in range(n_batches):
            for _ in range(critic_steps):
                made = make(take("generator")).detach()
                real, judged, between = (take("discriminator") for _ in range(3))
                torch.testing.assert_close(judged, made, **close)
                # The same classes are asked for as are given.
                assert torch.equal(judged[:, -n_classes:], real[:, -n_classes:])
                real_rows.append(real)
                # Each row lies on the segment between a real and a made one.
                along = ((between - made) * (real - made)).sum(1)
                share = along / (real - made).square().sum(1)
                assert (share > -1e-3).all() and (share < 1 + 1e-3).all()
                shares.append(share)
                torch.testing.assert_close(
                    between, made + share[:, None] * (real - made), **close
                )
                distance = D(real).mean() - D(made).mean()
                loss = gradient_penalty * penalty(between) - distance
                losses["distance"].append(distance.item())
                losses["discriminator"].append(move(D, loss))
            x = take("classifier")
            # The class of a row, by looking the row up.
            condition = watch["classes_of"](x)
            real_rows.append(torch.cat([x, condition], 1))
            losses["classifier"].append(move(C, cross_entropy(C(x), condition)))
            made = make(take("generator"))
            torch.testing.assert_close(take("discriminator"), made.detach(), **close)
            torch.testing.assert_close(
                take("classifier"), made[:, :-n_classes].detach(), **close
            )
            loss = -D(made).mean() + classification_weight * cross_entropy(
                C(made[:, :-n_classes]), made[:, -n_classes:]
            )
            losses["generator"].append(move(G, loss))
        for name, values in losses.items():
            history[name].append(sum(values) / len(values))
    assert next(queue, None) is None
    # Anywhere on it, each row at a place of its own.
    share = torch.cat(shares)
    assert share.min() < 0.2 and share.max() > 0.8
    return history, {"discriminator": D, "classifier": C, "generator": G}, real_rows


@half_of(
    counts=[(30, 12), (9, 20, 14)],
    batches=[(100, 1), (15, 3)],
    options=[(1, 3.0, 0.7), (3, 0.0, 2.0), (2, 10.0, 0.0)],
)
def test_a_fit_takes_steps_of_its_losses(watch, counts, batches, options):
    X, y = table(counts)
    batch_size, n_batches = batches
    critic_steps, gradient_penalty, classification_weight = options
    weights = {
        "critic_steps": critic_steps,
        "gradient_penalty": gradient_penalty,
        "classification_weight": classification_weight,
    }
    sampler = ConditionalWGAN(**{**PARAMS, **weights}, batch_size=batch_size)
    sampler.fit_resample(X, y)

    def classes_of(x):
        apart = np.abs(unit(X) - x.numpy()[:, None]).max(2)
        return torch.eye(len(counts))[y[apart.argmin(1)]]

    watch["classes_of"] = classes_of
    history, nets, real_rows = replay(watch, len(counts), n_batches, **weights)
    assert set(sampler.loss_history_) == set(history)
    assert sampler.n_epochs_ == 2
    for name, values in history.items():
        np.testing.assert_allclose(
            sampler.loss_history_[name], values, rtol=1e-3, atol=1e-5
        )
    for name, net in nets.items():
        pairs = zip(
            getattr(sampler, f"{name}_").parameters(), net.parameters(), strict=True
        )
        for own, other in pairs:
            torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-4)

    # Real rows are rows of X beside their own class.
    known = np.column_stack([unit(X), np.eye(len(counts))[y]])
    for row in torch.cat(real_rows).numpy():
        assert np.abs(known - row).max(1).min() < 1e-6


@pytest.mark.slow
def test_learns_where_the_classes_lie():
    rng = np.random.RandomState(0)
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    y = np.repeat([0, 1, 2], [60, 20, 12])
    X = centres[y] + rng.normal(0, 0.3, (92, 2))
    sampler = ConditionalWGAN(
        hidden_sizes=(32,), n_latent=4, lr=2e-3, max_epochs=100, tol=0.0, device="cpu",
        random_state=0,
    )  # fmt: skip
    sampler.fit_resample(X, y)
    for label in range(3):
        rows = sampler.sample(100, label)
        nearest = ((rows[:, None] - centres) ** 2).sum(2).argmin(1)
        assert (nearest == label).mean() > 0.6
