import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from imbdeep_bench.papers.explicit_gradient import sine
from imbdeep_bench.papers.explicit_gradient.report_sine import (
    MAIN,
    verdict,
)
from imbdeep_bench.papers.explicit_gradient.sine import (
    Plan,
    experiment,
    meta_train,
)
from imbdeep_bench.papers.explicit_gradient.sine_nets import (
    MetaTraining,
    Problem,
    adam,
    distance_to_sine,
    draw_problem,
    mean_squared_error,
    plain_descent,
    predict,
    rmse,
    stack,
    train,
)

SMALL = Plan(
    range(4, 7),
    pretrain_steps=20,
    headline=3,
    checkpoints=(2, 3),
    numbers=((3, 4), (2, 5)),
)


@pytest.fixture(scope="module")
def problem():
    return stack([draw_problem(seed, n_real=3, n_synthetic=4) for seed in (0, 1)])


@pytest.fixture(scope="module")
def computed():
    return experiment(SMALL)


@pytest.fixture
def small(computed):
    rows, picture = computed
    return rows.copy(), picture


def module_of(net, place):
    """The net of one seed as an ordinary module."""
    module = nn.Sequential(nn.Linear(1, 10), nn.Tanh(), nn.Linear(10, 1)).double()
    with torch.no_grad():
        for layer, name in ((module[0], "hidden"), (module[2], "output")):
            layer.weight.copy_(net[f"{name}.weight"][place].T)
            layer.bias.copy_(net[f"{name}.bias"][place, 0])
    return module


def select(problem, place):
    return Problem(
        problem.train[[place]],
        problem.valid[[place]],
        problem.synthetic[[place]],
        {name: value[[place]] for name, value in problem.start.items()},
    )


# --- Points and nets -----------------------------------------------------------------


def test_problem_has_points_of_the_sine_and_synthetic_ones_anywhere():
    drawn = draw_problem(3, n_real=500, n_synthetic=700)
    assert drawn.train.shape == drawn.valid.shape == (1, 500, 2)
    assert drawn.synthetic.shape == (1, 700, 2)
    x, y = drawn.real[0].numpy().T
    np.testing.assert_allclose(y, np.sin(np.pi / 2 * x))
    for values, bound in ((x, 5), *zip(drawn.synthetic[0].T, (5, 1), strict=True)):
        assert 0.98 * bound < values.max() < bound
        assert -bound < values.min() < -0.98 * bound
        assert abs(values.mean()) < 0.1 * bound
    assert (drawn.train != drawn.valid).all()


def test_a_seed_draws_the_same_and_starts_in_the_bounds_of_linear_layers():
    first, again, other = (draw_problem(seed, 5, 20) for seed in (0, 0, 1))
    assert torch.equal(first.train, again.train)
    assert not torch.equal(first.train, other.train)
    for name, bound in (("hidden", 1.0), ("output", 1 / math.sqrt(10))):
        for part in ("weight", "bias"):
            value = first.start[f"{name}.{part}"]
            assert torch.equal(value, again.start[f"{name}.{part}"])
            assert 0 < value.abs().max() <= bound


def test_predictions_and_losses_are_those_of_ordinary_modules(problem):
    losses = mean_squared_error(problem.start, problem.valid)
    for place in range(2):
        module = module_of(problem.start, place)
        x, y = problem.valid[place, :, :1], problem.valid[place, :, 1:]
        torch.testing.assert_close(predict(problem.start, x[None])[place], module(x))
        torch.testing.assert_close(losses[place], nn.functional.mse_loss(module(x), y))


def test_rmse_is_the_distance_to_the_sine_on_a_grid(problem):
    values = []
    module = module_of(problem.start, 1)
    for x in np.linspace(-5, 5, 501):
        output = module(torch.tensor([[x]])).item()
        values.append((output - math.sin(math.pi / 2 * x)) ** 2)
    assert rmse(problem.start)[1].item() == pytest.approx(math.sqrt(np.mean(values)))


def test_distance_is_measured_along_y():
    points = torch.tensor([[[1.0, 0.5], [0.0, -0.25]], [[-1.0, -1.0], [3.0, 0.0]]])
    torch.testing.assert_close(distance_to_sine(points), torch.tensor([0.375, 0.5]))


@pytest.mark.parametrize(
    ("optimizer", "reference"),
    [
        (adam, lambda weights: torch.optim.Adam(weights, lr=0.01)),
        (plain_descent, lambda weights: torch.optim.SGD(weights, lr=0.1)),
    ],
)
def test_stacked_training_is_the_training_of_each_net(problem, optimizer, reference):
    trained = train(problem.start, problem.train, optimizer, n_steps=30)
    x = torch.linspace(-5, 5, 7, dtype=torch.float64)[:, None]
    for place in range(2):
        module = module_of(problem.start, place)
        stepper = reference(module.parameters())
        for _ in range(30):
            stepper.zero_grad()
            inputs, y = problem.train[place, :, :1], problem.train[place, :, 1:]
            nn.functional.mse_loss(module(inputs), y).backward()
            stepper.step()
        torch.testing.assert_close(
            predict(trained, x[None])[place], module(x), rtol=1e-6, atol=1e-9
        )


# --- Algorithm 1 ---------------------------------------------------------------------


def loss_after_step(points, training, problem):
    """Validation loss after a step of plain descent on real and synthetic points."""
    rows = torch.cat([training.inner, points], dim=1)
    net = train(problem.start, rows, plain_descent, n_steps=1)
    return mean_squared_error(net, problem.valid)


@pytest.mark.parametrize("sees_train", [True, False])
def test_step_trains_the_net_and_moves_points_against_the_gradient(problem, sees_train):
    inner = problem.train if sees_train else problem.train[:, :0]
    training = MetaTraining(problem.start, problem, inner, synth_lr=(2.0, 3.0))
    training.step()

    rows = torch.cat([inner, problem.synthetic], dim=1)
    expected = train(problem.start, rows, plain_descent, n_steps=1)
    for name, value in expected.items():
        torch.testing.assert_close(training.net[name], value)

    moved = training.points - problem.synthetic
    width = 1e-5
    for place, point, axis in np.ndindex(*problem.synthetic.shape):
        nudge = torch.zeros_like(problem.synthetic)
        nudge[place, point, axis] = width
        above = loss_after_step(problem.synthetic + nudge, training, problem)[place]
        below = loss_after_step(problem.synthetic - nudge, training, problem)[place]
        slope = ((above - below) / (2 * width)).item()
        rate = (2.0, 3.0)[axis]
        assert moved[place, point, axis].item() == pytest.approx(
            -rate * slope, rel=1e-5, abs=1e-9
        )


def test_points_without_a_learning_rate_stay(problem):
    training = MetaTraining(problem.start, problem, problem.train, (0.0, 1.0))
    training.step()
    assert torch.equal(training.points[..., 0], problem.synthetic[..., 0])
    assert (training.points[..., 1] != problem.synthetic[..., 1]).all()


def test_steps_with_points_that_stay_are_plain_descent(problem):
    training = MetaTraining(problem.start, problem, problem.train, (0.0, 0.0))
    *_, (steps, net, points) = meta_train(training, (2, 5))
    rows = torch.cat([problem.train, problem.synthetic], dim=1)
    assert steps == 5
    assert torch.equal(points, problem.synthetic)
    for name, value in train(problem.start, rows, plain_descent, 5).items():
        torch.testing.assert_close(net[name], value)


def test_a_seed_learns_the_same_whoever_is_stacked_with_it(problem):
    def after(problem, n_steps=25):
        training = MetaTraining(problem.start, problem, problem.train, (1.0, 1.0))
        ((_, net, points),) = meta_train(training, (n_steps,))
        return rmse(net), points

    together, alone = after(problem), after(select(problem, 1))
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one[[1]], other, rtol=1e-9, atol=1e-9)


def test_checkpoints_keep_what_was_there(problem):
    training = MetaTraining(problem.start, problem, problem.train, (1.0, 1.0))
    seen = list(meta_train(training, (1, 4)))
    assert [steps for steps, *_ in seen] == [1, 4]
    again = MetaTraining(problem.start, problem, problem.train, (1.0, 1.0))
    again.step()
    assert torch.equal(seen[0][2], again.points)
    assert not torch.equal(seen[0][2], seen[1][2])


# --- The experiment and its report ---------------------------------------------------


def test_rows_hold_every_seed_method_and_setting_once(small):
    rows, _ = small
    keys = ["n_real", "n_synthetic", "seed", "method", "steps"]
    assert not rows.duplicated(keys).any()
    # Three nets without, five with meta-training, each of these at two checkpoints.
    assert len(rows) == 2 * 3 * (3 + 5 * 2)
    assert sorted(rows["seed"].unique()) == [4, 5, 6]
    measured = rows[["rmse", "distance", "train_mse", "valid_mse"]]
    assert np.isfinite(measured.to_numpy()).all()


def test_a_seed_has_the_same_score_in_a_run_of_its_own(small):
    rows, _ = small
    lone, _ = experiment(
        Plan(range(6, 7), 20, headline=3, checkpoints=(3,), numbers=((3, 4),))
    )
    chosen = rows[(rows["seed"] == 6) & (rows["n_real"] == 3)]
    both = lone.merge(chosen, on=["method", "steps"], suffixes=("", "_stacked"))
    assert len(both) == len(lone) == 8
    np.testing.assert_allclose(both["rmse"], both["rmse_stacked"], rtol=1e-9)


def test_the_baseline_and_the_pretrained_net_are_what_they_say(small):
    rows, picture = small
    drawn = draw_problem(4, 3, 4)
    here = rows[(rows["seed"] == 4) & (rows["n_real"] == 3)].set_index("method")
    for method, points in (("baseline", drawn.real), ("pre-trained", drawn.train)):
        net = train(drawn.start, points, adam, n_steps=20)
        assert here.loc[method, "rmse"] == pytest.approx(rmse(net).item())
    np.testing.assert_array_equal(picture.synthetic, drawn.synthetic[0])
    np.testing.assert_array_equal(picture.train, drawn.train[0])


def fabricated(ours, baseline, after):
    """Rows of three seeds; every other method has RMSE 1 and distance 0.5."""
    return pd.DataFrame(
        [
            {
                "seed": seed,
                "method": method,
                "rmse": {"ours": ours, "baseline": baseline}.get(method, 1.0),
                "distance": after if method == "ours" else 0.5,
            }
            for seed in range(3)
            for method in MAIN
        ]
    )


def test_verdict_says_what_came_out():
    told = verdict(fabricated(ours=0.2, baseline=0.4, after=0.1))
    ours = {"rmse": 0.2, "before": 0.5, "after": 0.1, "n_nearer": 3}
    assert told["ours"] == pytest.approx(ours)
    assert (told["baseline"], told["n_seeds"]) == (0.4, 3)
    assert set(told["duels"]) == set(MAIN) - {"ours"}
    assert told["duels"]["fixed"] == {"won": 3, "rmse": 1, "p_value": 0.25}


@pytest.mark.slow
@pytest.mark.parametrize("better", [True, False])
def test_run_writes_a_report_that_follows_from_its_rows(
    tmp_path, small, better, monkeypatch
):
    rows, picture = small
    is_ours = rows["method"].str.startswith("ours")
    rows.loc[is_ours, ["rmse", "distance"]] = 0.001 if better else 99.0
    monkeypatch.setattr(sine, "experiment", lambda plan: (rows, picture))
    text = sine.write(SMALL, tmp_path).read_text()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "seeds.csv"), rows)
    words = ("comes", "move") if better else ("does not come", "do not move")
    assert f"**The better fit {words[0]} out**" in text
    assert f"**The synthetic points {words[1]} towards" in text
    assert f"nearer on {3 * better} of 3 seeds" in text
    assert f"- fixed: ours is better on {3 * better} of 3 seeds" in text
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
