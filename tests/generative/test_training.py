"""The training loop, its stopping rule, how rows are dealt, and evaluation."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from imbdeep._generative import class_batches, has_converged, outputs_of, train

TRAINING = {
    "method": "Probe",
    "lr": 0.1,
    "max_epochs": 6,
    "tol": 0.0,
    "patience": 2,
}


class Point(nn.Module):
    """A net that is nothing but a parameter."""

    def __init__(self, *values):
        super().__init__()
        self.at = nn.Parameter(torch.tensor(values, dtype=torch.float64))


def one_player(loss):
    """A player at 1, and an epoch in which it takes one step to minimise ``loss``."""
    player = Point(1.0)

    def one_epoch():
        yield "a", loss(player.at), {}

    return {"a": player}, one_epoch


def seeded(seed, function, *args, **kwargs):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return function(*args, **kwargs)


# --- has_converged -------------------------------------------------------------------


def slow_has_converged(losses, tol, patience):
    for values in losses.values():
        if len(values) < 2 * patience:
            return False
        last = before = 0.0
        for i in range(patience):
            last += values[len(values) - 1 - i] / patience
            before += values[len(values) - 1 - patience - i] / patience
        if abs(last - before) > tol * abs(before):
            return False
    return True


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_has_converged(patience):
    rng = np.random.RandomState(0)
    answers = []
    for _ in range(300):
        lengths = rng.randint(1, 14, size=2)
        losses = {
            name: (rng.choice([-1, 1]) * rng.uniform(1, 1.2, size)).tolist()
            for name, size in zip("ab", lengths, strict=True)
        }
        tol = rng.choice([0.0, 0.02, 0.05, 0.2])
        answers.append(slow_has_converged(losses, tol, patience))
        assert has_converged(losses, tol, patience) == answers[-1]
    assert 10 < sum(answers) < 290


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0])
def test_constant_losses_have_converged(value):
    assert has_converged({"a": [value] * 4}, 0.0, 2)
    assert not has_converged({"a": [value] * 3}, 0.0, 2)


def test_without_tolerance_any_change_goes_on():
    assert not has_converged({"a": [1.0, 1.0, 1.0, 1.0 + 1e-12]}, 0.0, 2)
    assert not has_converged({"a": [0.0, 0.0, 0.0, 1e-12]}, 0.5, 2)


def test_every_loss_must_have_settled():
    settled, moving = [1.0] * 4, [1.0, 1.0, 2.0, 2.0]
    assert not has_converged({"a": settled, "b": moving}, 0.1, 2)
    assert not has_converged({"a": moving, "b": settled}, 0.1, 2)
    assert has_converged({"a": settled, "b": settled}, 0.1, 2)


def test_a_loss_that_is_no_number_has_not_settled():
    assert not has_converged({"a": [math.nan] * 4}, 0.5, 2)


# --- train ---------------------------------------------------------------------------


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9)])
def test_steps_are_those_of_adam(betas):
    player = Point(1.0, -2.0)
    target = [0.5, 3.0]

    def one_epoch():
        yield "a", (player.at - torch.tensor(target)).square().sum(), {}

    history = train({"a": player}, one_epoch, **{**TRAINING, "betas": betas})

    x, m, v, losses = [1.0, -2.0], [0.0, 0.0], [0.0, 0.0], []
    for t in range(1, 7):
        losses.append(sum((a - b) ** 2 for a, b in zip(x, target, strict=True)))
        for i in range(2):
            slope = 2 * (x[i] - target[i])
            m[i] = betas[0] * m[i] + (1 - betas[0]) * slope
            v[i] = betas[1] * v[i] + (1 - betas[1]) * slope**2
            step = m[i] / (1 - betas[0] ** t)
            x[i] -= 0.1 * step / (math.sqrt(v[i] / (1 - betas[1] ** t)) + 1e-8)
    np.testing.assert_allclose(history["a"], losses, rtol=1e-9)
    np.testing.assert_allclose(player.at.tolist(), x, rtol=1e-9)


def test_usual_betas_are_those_of_adam():
    ends = []
    for betas in ({}, {"betas": (0.9, 0.999)}):
        players, one_epoch = one_player(lambda at: at.square().sum())
        train(players, one_epoch, **TRAINING, **betas)
        ends.append(players["a"].at.item())
    assert ends[0] == ends[1]


def test_history_holds_means_over_the_steps_of_an_epoch():
    players = {"a": Point(1.0), "b": Point(2.0)}
    seen = []

    def one_epoch():
        seen.append([])
        for factor in (1.0, 2.0, 4.0):
            loss = factor * players["a"].at.square().sum()
            seen[-1].append(loss.item())
            yield "a", loss, {"part": factor * players["a"].at.sum().detach() ** 0}
        yield "b", players["b"].at.square().sum(), {}

    history = train(players, one_epoch, **TRAINING)
    assert set(history) == {"a", "b", "part"}
    assert all(values.shape == (6,) for values in history.values())
    np.testing.assert_allclose(history["a"], [sum(s) / 3 for s in seen])
    np.testing.assert_allclose(history["part"], [7 / 3] * 6)


def test_a_loss_is_worked_out_when_its_turn_has_come():
    players = {"a": Point(1.0), "b": Point(2.0)}
    positions = []

    def one_epoch():
        positions.append(players["a"].at.item())
        yield "a", players["a"].at.square().sum(), {}
        positions.append(players["a"].at.item())
        yield "b", players["b"].at.square().sum(), {}

    train(players, one_epoch, **{**TRAINING, "max_epochs": 1})
    # Adam's first step is as long as the learning rate.
    assert positions == pytest.approx([1.0, 0.9])


def test_only_the_player_whose_turn_it_is_moves():
    players = {"a": Point(1.0), "b": Point(2.0)}
    both = lambda: (players["a"].at * players["b"].at).sum()  # noqa: E731
    moves = []

    def one_epoch():
        for name in "abba":
            before = {key: player.at.item() for key, player in players.items()}
            yield name, both(), {}
            moves.append(
                (name, [k for k, player in players.items() if player.at != before[k]])
            )

    train(players, one_epoch, **TRAINING)
    assert moves == [(name, [name]) for name in "abba"] * 6


def test_no_gradient_is_left_in_the_others():
    players = {"a": Point(1.0), "b": Point(2.0)}
    lent = Point(3.0)
    slopes = []

    def one_epoch():
        yield "a", (players["a"].at * players["b"].at * lent.at).sum(), {}
        slopes.append(players["b"].at.grad)
        yield "b", 5 * players["b"].at.sum() * players["a"].at.detach() ** 0, {}
        slopes.append(players["b"].at.grad.item())
        yield "a", (players["a"].at * players["b"].at * lent.at).sum(), {}
        slopes.append(players["b"].at.grad.item())

    train(players, one_epoch, **{**TRAINING, "max_epochs": 1})
    assert slopes == [None, 5.0, 5.0]
    assert lent.at.grad is None


def test_a_step_forgets_the_gradient_of_the_one_before():
    player = Point(1.0)
    slopes = []

    def one_epoch():
        yield "a", 3 * player.at.sum(), {}
        slopes.append(player.at.grad.item())

    train({"a": player}, one_epoch, **TRAINING)
    assert slopes == [3.0] * 6


def test_a_large_gradient_is_not_clipped():
    player = Point(1.0)
    slopes = []

    def one_epoch():
        yield "a", 1e11 * player.at.sum(), {}
        slopes.append(player.at.grad.item())

    train({"a": player}, one_epoch, **TRAINING)
    assert slopes == [1e11] * 6


def test_a_player_may_have_weights_that_play_no_part():
    player = Point(1.0)
    player.unused = nn.Linear(2, 2)
    before = player.unused.weight.clone()
    train(
        {"a": player}, lambda: iter([("a", player.at.square().sum(), {})]), **TRAINING
    )
    assert torch.equal(player.unused.weight, before)


def test_mode_during_training_and_afterwards():
    player = nn.Sequential(nn.Linear(2, 1), nn.Dropout(0.5)).eval()
    modes = []

    def one_epoch():
        modes.append([part.training for part in player.modules()])
        yield "a", player(torch.ones(3, 2)).square().mean(), {}

    train({"a": player}, one_epoch, **TRAINING)
    assert modes == [[True] * 3] * 6
    assert not any(part.training for part in player.modules())


@pytest.mark.parametrize("patience", [1, 3, 5])
def test_constant_losses_end_training_after_twice_the_patience(patience):
    players, one_epoch = one_player(lambda at: 0 * at.sum() + 4)
    history = train(
        players, one_epoch, **{**TRAINING, "max_epochs": 50, "patience": patience}
    )
    assert len(history["a"]) == 2 * patience


def test_without_tolerance_training_takes_all_epochs():
    players, one_epoch = one_player(lambda at: at.square().sum())
    history = train(players, one_epoch, **{**TRAINING, "lr": 1e-6, "max_epochs": 50})
    assert len(history["a"]) == 50


def test_tolerance_ends_training():
    players, one_epoch = one_player(lambda at: at.square().sum())
    changes = {"lr": 1e-6, "max_epochs": 50, "tol": 1e-2}
    assert len(train(players, one_epoch, **{**TRAINING, **changes})["a"]) == 4


def test_training_goes_on_while_one_player_changes():
    calm, lively = Point(1.0), Point(1.0)

    def one_epoch():
        yield "calm", 0 * calm.at.sum() + 4, {}
        yield "lively", lively.at.square().sum(), {}

    history = train({"calm": calm, "lively": lively}, one_epoch, **TRAINING)
    assert len(history["calm"]) == 6


def test_what_is_recorded_beside_the_losses_does_not_keep_training_going():
    player = Point(1.0)
    counter = itertools.count(1)

    def one_epoch():
        yield "a", 0 * player.at.sum() + 4, {"part": torch.tensor(float(next(counter)))}

    history = train({"a": player}, one_epoch, **TRAINING)
    assert history["part"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_refuses_a_loss_that_is_not_finite(bad):
    epochs = itertools.count(1)
    players, one_epoch = one_player(
        lambda at: at.sum() + (bad if next(epochs) == 3 else 0)
    )
    message = rf"^Probe: the a loss is {bad} in epoch 3\. .*learning rate"
    with pytest.raises(ValueError, match=message):
        train(players, one_epoch, **TRAINING)


def test_refuses_a_gradient_that_overflows_under_a_finite_loss():
    epochs = itertools.count(1)

    def loss(at):
        steep = 1e200 if next(epochs) == 2 else 1
        return 0.5 * (((at - at.detach()) * steep) * steep).sum()

    players, one_epoch = one_player(loss)
    message = r"^Probe: the gradient of the a loss is not finite in epoch 2\. "
    with pytest.raises(ValueError, match=message):
        train(players, one_epoch, **TRAINING)


def test_names_the_player_whose_loss_is_not_finite():
    fine, broken = Point(1.0), Point(1.0)

    def one_epoch():
        yield "fine", fine.at.square().sum(), {}
        yield "broken", broken.at.sum() * math.nan, {}

    with pytest.raises(ValueError, match="the broken loss is nan in epoch 1"):
        train({"fine": fine, "broken": broken}, one_epoch, **TRAINING)


def test_one_bad_step_among_many_is_found():
    player = Point(1.0)

    def one_epoch():
        for steep in (1.0, 1e200, 1.0):
            yield "a", (((player.at - player.at.detach()) * steep) * steep).sum(), {}

    with pytest.raises(ValueError, match="Probe: .* in epoch 1"):
        train({"a": player}, one_epoch, **TRAINING)


@pytest.mark.parametrize("verbose", [0, 1])
def test_progress_is_shown_on_request(verbose, capsys):
    players, one_epoch = one_player(lambda at: at.square().sum())
    train(players, one_epoch, **TRAINING, verbose=verbose)
    shown = capsys.readouterr()
    assert ("Probe" in shown.err) == bool(verbose)
    assert not shown.out


# --- class_batches -------------------------------------------------------------------

CLASSES = [(40, 10), (40, 10, 3), (7, 1), (5,), (12, 0, 6), (3, 2), (17, 13, 11, 2)]


def split_rows(sizes):
    """Positions of each class, spread over the table."""
    rows = np.random.RandomState(0).permutation(sum(sizes))
    return [torch.from_numpy(part) for part in np.split(rows, np.cumsum(sizes)[:-1])]


@pytest.mark.parametrize("sizes", CLASSES)
@pytest.mark.parametrize("n_batches", [1, 2, 5, 30])
@pytest.mark.parametrize("least", [1, 4, 8])
def test_make_up_of_batches(sizes, n_batches, least):
    classes = split_rows(sizes)
    positions, weight = seeded(0, class_batches, classes, n_batches, least)
    expected = [max(math.ceil(n / n_batches), min(least, n)) for n in sizes]
    assert positions.shape == (n_batches, sum(expected))
    assert positions.dtype == torch.int64
    assert weight.shape == (sum(expected),)

    start = 0
    for rows, size in zip(classes, expected, strict=True):
        dealt = positions[:, start : start + size]
        counts = [(dealt == row).sum().item() for row in rows]
        assert sum(counts) == dealt.numel()  # rows of this class alone
        if size:
            assert min(counts) >= 1
            assert max(counts) - min(counts) <= 1
        # No batch holds a row twice.
        assert all(len(batch.unique()) == size for batch in dealt)
        # A class weighs as much as its share of the rows.
        total = weight[start : start + size].sum().item() / len(weight)
        assert total == pytest.approx(len(rows) / sum(sizes), rel=1e-5)
        start += size
    assert weight.mean().item() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize(
    ("sizes", "n_batches", "least"), [((40, 10), 5, 1), ((40, 5), 5, 2), ((9, 3), 3, 2)]
)
def test_mean_over_all_batches_where_rows_divide(sizes, n_batches, least):
    values = torch.randn(sum(sizes), generator=torch.Generator().manual_seed(1))
    positions, weight = seeded(0, class_batches, split_rows(sizes), n_batches, least)
    by_batch = [
        sum(w.item() * values[i].item() for w, i in zip(weight, batch, strict=True))
        / len(batch)
        for batch in positions
    ]
    expected = sum(values.tolist()) / len(values)
    assert sum(by_batch) / n_batches == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("sizes", "n_batches", "least"),
    [((3, 2), 2, 1), ((4, 1), 3, 1), ((3, 2), 2, 2), ((3, 0, 2), 4, 2)],
)
def test_every_batch_is_unbiased_over_all_orders(monkeypatch, sizes, n_batches, least):
    values = torch.randn(sum(sizes), generator=torch.Generator().manual_seed(1))
    classes = split_rows(sizes)
    orders = [itertools.permutations(range(n)) for n in sizes]
    by_batch = []
    for order in itertools.product(*orders):
        queue = iter(order)

        def next_order(n, generator=None, queue=queue):
            return torch.tensor(next(queue), dtype=torch.int64)

        monkeypatch.setattr(torch, "randperm", next_order)
        positions, weight = class_batches(classes, n_batches, least)
        by_batch.append((values[positions] * weight).mean(1))
    assert len(by_batch) == math.prod(math.factorial(n) for n in sizes)
    torch.testing.assert_close(
        torch.stack(by_batch).mean(0), values.mean().expand(n_batches)
    )


def test_rows_are_shuffled_by_the_global_generator():
    classes = split_rows((40, 10))
    first, again, other = (
        seeded(seed, class_batches, classes, 5)[0] for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_no_rows_at_all():
    positions, weight = class_batches([torch.arange(0)], 4, 2)
    assert positions.shape == (4, 0)
    assert weight.shape == (0,)


# --- outputs_of ----------------------------------------------------------------------


class Recorder(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.modes, self.sizes = [], []

    def forward(self, x):
        self.modes.append(self.training)
        self.sizes.append(len(x))
        return self.scale * x


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_is_in_evaluation_mode(training):
    net = nn.Sequential(Recorder(), nn.Dropout(0.9), nn.BatchNorm1d(3)).train(training)
    rows = torch.randn(10_000, 3, generator=torch.Generator().manual_seed(0))
    made = outputs_of(net, rows)
    # Neither dropped nor normalised, but for what keeps the variance from 0.
    torch.testing.assert_close(made, 2 * rows / math.sqrt(1 + 1e-5))
    assert net[0].sizes == [4096, 4096, 1808]
    assert net[0].modes == [False] * 3
    assert [part.training for part in net.modules()] == [training] * 4
    assert not made.requires_grad
    assert net[2].num_batches_tracked == 0


def test_mode_is_restored_after_an_error():
    net = nn.Linear(3, 2).train()
    with pytest.raises(RuntimeError):
        outputs_of(net, torch.ones(4, 7))
    assert net.training


def test_evaluation_of_images_and_of_nothing():
    net = nn.Flatten()
    assert outputs_of(net, torch.ones(5, 2, 3, 4)).shape == (5, 24)
    assert outputs_of(nn.Linear(3, 2), torch.ones(0, 3)).shape == (0, 2)


@pytest.mark.parametrize(("width", "most"), [(2**16, 4), (2**19, 1)])
def test_wide_rows_are_evaluated_a_few_at_a_time(width, most):
    recorder = Recorder()
    outputs_of(recorder, torch.zeros(5, width))
    assert max(recorder.sizes) == most
    assert sum(recorder.sizes) == 5
