"""The bilevel step: a gradient through training steps, against finite differences."""

import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.functional import cross_entropy

from imbdeep._torch.draws import drawing_from
from imbdeep.classifiers._meta_augment.step import adapt, bilevel_step, changing_buffers
from imbdeep.modules import MLP, PiecewiseLinearEncoding

LR = 0.7  # large, so that the rows matter and an error of the gradient shows

# --- A training step in float64, and what a row is to it -----------------------------


def draw(*shape, seed):
    return torch.from_numpy(np.random.RandomState(seed).randn(*shape))


# Smooth activations: where a row passes the kink of a ReLU, the gradient of the inner
# loss jumps, and a difference across the jump is no derivative of anything.
def mlp(encoding=None):
    return MLP(
        3, 2, hidden_sizes=(5, 4), dropout=0, activation="tanh", encoding=encoding
    )


def encoded_mlp():
    edges = [torch.tensor(edges) for edges in ([-2.0, 0, 2], [-1.0, 0.5, 1], [0.0, 3])]
    return mlp(PiecewiseLinearEncoding(edges))


def conv_net():
    return nn.Sequential(
        nn.Conv2d(1, 2, 2),
        nn.SiLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(2, 3),
    )


MODULES = {
    "mlp": (mlp, (3,)),
    "encoded": (encoded_mlp, (3,)),
    "conv": (conv_net, (1, 3, 4)),
}


class Problem:
    """Five training rows, three synthetic rows and four validation rows."""

    def __init__(self, name):
        build, shape = MODULES[name]
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.module = build().double()
        self.X1, self.y1 = draw(5, *shape, seed=1), torch.tensor([0, 1, 0, 0, 1])
        self.rows, self.ys = draw(3, *shape, seed=2), torch.tensor([1, 1, 0])
        self.X2, self.y2 = draw(4, *shape, seed=3), torch.tensor([0, 1, 1, 1])
        self.parameters = {k: v.detach() for k, v in self.module.named_parameters()}

    def inner(self, parameters, rows):
        X = torch.cat([self.X1, rows])
        logits = functional_call(self.module, parameters, (X,))
        return cross_entropy(logits, torch.cat([self.y1, self.ys]))

    def outer(self, parameters):
        logits = functional_call(self.module, parameters, (self.X2,))
        return cross_entropy(logits, self.y2)

    def trained(self, rows, n_steps):
        """The net after plain training with these rows, by torch's own optimizer."""
        module = deepcopy(self.module)
        optimizer = torch.optim.SGD(module.parameters(), lr=LR)
        for _ in range(n_steps):
            optimizer.zero_grad()
            logits = module(torch.cat([self.X1, rows]))
            cross_entropy(logits, torch.cat([self.y1, self.ys])).backward()
            optimizer.step()
        return module

    def outer_after_training(self, rows, n_steps):
        module = self.trained(rows, n_steps)
        return cross_entropy(module(self.X2), self.y2).item()


def central_differences(function, rows, h=1e-5):
    gradient = torch.zeros_like(rows)
    for i in range(rows.numel()):
        values = []
        for sign in (1, -1):
            moved = rows.clone()
            moved.view(-1)[i] += sign * h
            values.append(function(moved))
        gradient.view(-1)[i] = (values[0] - values[1]) / (2 * h)
    return gradient


def test_no_row_lies_on_a_bin_edge():
    """There the encoding has a kink, and differences would not see its derivative."""
    problem = Problem("encoded")
    encoding = problem.module.encoding
    rows = problem.rows[:, encoding.source]
    right = encoding.left + 1 / encoding.inverse_width
    assert min((rows - encoding.left).abs().min(), (rows - right).abs().min()) > 1e-3


@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("name", MODULES)
def test_gradcheck_of_the_outer_loss_through_adapt(name, n_steps):
    problem = Problem(name)
    parameters = {k: v.requires_grad_() for k, v in problem.parameters.items()}

    def outer_of(rows):
        adapted, _ = adapt(lambda p: problem.inner(p, rows), parameters, LR, n_steps)
        return problem.outer(adapted)

    rows = problem.rows.requires_grad_()
    # The gradient is about 1e-2: the defaults of gradcheck would let errors pass.
    assert torch.autograd.gradcheck(outer_of, rows, atol=1e-8, rtol=1e-6)


@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("name", MODULES)
def test_the_step_is_training_and_its_gradient_the_central_differences(name, n_steps):
    problem = Problem(name)
    step = bilevel_step(
        problem.inner,
        problem.outer,
        problem.parameters,
        problem.rows,
        inner_lr=LR,
        inner_steps=n_steps,
    )
    expected = central_differences(
        lambda rows: problem.outer_after_training(rows, n_steps), problem.rows
    )
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(step.gradient, expected, atol=1e-9, rtol=1e-7)
    trained = problem.trained(problem.rows, n_steps)
    for key, value in trained.named_parameters():
        torch.testing.assert_close(
            step.parameters[key], value.detach(), rtol=1e-12, atol=0
        )
    # The inner loss is that before the first of the steps.
    before = problem.inner(problem.parameters, problem.rows)
    torch.testing.assert_close(step.inner_loss, before, rtol=1e-12, atol=0)
    after = problem.outer_after_training(problem.rows, n_steps)
    assert step.outer_loss.item() == pytest.approx(after, rel=1e-12)


def test_relu_away_from_its_kinks():
    problem = Problem("mlp")
    for module in problem.module.hidden:
        if isinstance(module, nn.Tanh):
            module.register_forward_pre_hook(
                lambda _, inputs: distances.append(inputs[0].detach().abs().min())
            )
            module.forward = torch.relu
    distances = []
    step = bilevel_step(
        problem.inner, problem.outer, problem.parameters, problem.rows, inner_lr=LR
    )
    assert min(distances) > 1e-3
    expected = central_differences(
        lambda rows: problem.outer_after_training(rows, 1), problem.rows, h=1e-6
    )
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(step.gradient, expected, atol=1e-8, rtol=1e-6)


def test_linear_regression_in_closed_form():
    """One step of least squares; the gradient written out on paper."""
    X1, y1 = draw(6, 3, seed=0), draw(6, seed=1)
    rows, ys = draw(2, 3, seed=2), draw(2, seed=3)
    X2, y2 = draw(5, 3, seed=4), draw(5, seed=5)
    w = draw(3, seed=6)
    n = len(X1) + len(rows)

    def inner(p, rows):
        residuals = torch.cat([X1 @ p["w"] - y1, rows @ p["w"] - ys])
        return 0.5 * residuals.square().mean()

    step = bilevel_step(
        inner,
        lambda p: 0.5 * (X2 @ p["w"] - y2).square().mean(),
        {"w": w},
        rows,
        inner_lr=LR,
    )
    residuals = rows @ w - ys
    adapted = w - LR / n * (X1.T @ (X1 @ w - y1) + rows.T @ residuals)
    outer_gradient = X2.T @ (X2 @ adapted - y2) / len(X2)
    expected = torch.stack(
        [
            -LR / n * (r * outer_gradient + (outer_gradient @ x) * w)
            for x, r in zip(rows, residuals, strict=True)
        ]
    )
    torch.testing.assert_close(step.parameters["w"], adapted)
    torch.testing.assert_close(step.gradient, expected)


@pytest.mark.parametrize("n_steps", [1, 2, 5])
def test_many_steps_of_a_parabola_in_closed_form(n_steps):
    """w_n = x + (1 - lr)^n (w_0 - x), and the outer loss wants it at 3."""
    x, start, lr = 1.5, -2.0, 0.3
    step = bilevel_step(
        lambda p, rows: 0.5 * (p["w"] - rows).square().sum(),
        lambda p: 0.5 * (p["w"] - 3) ** 2,
        {"w": torch.tensor(start, dtype=torch.float64)},
        torch.tensor([x], dtype=torch.float64),
        inner_lr=lr,
        inner_steps=n_steps,
    )
    left = (1 - lr) ** n_steps
    w = x + left * (start - x)
    assert step.parameters["w"].item() == pytest.approx(w)
    assert step.gradient.item() == pytest.approx((w - 3) * (1 - left))
    assert step.inner_loss.item() == pytest.approx(0.5 * (start - x) ** 2)
    assert step.outer_loss.item() == pytest.approx(0.5 * (w - 3) ** 2)


@pytest.mark.parametrize("name", MODULES)
def test_a_small_move_against_the_gradient_lowers_the_outer_loss(name):
    problem = Problem(name)
    step = bilevel_step(
        problem.inner, problem.outer, problem.parameters, problem.rows, inner_lr=LR
    )
    slope = step.gradient.square().sum().item()
    for size in (1e-3, 1e-2):
        moved = problem.rows - size * step.gradient
        gain = step.outer_loss.item() - problem.outer_after_training(moved, 1)
        assert gain == pytest.approx(size * slope, rel=0.05)


# --- What stays as it is -------------------------------------------------------------


def test_parameters_left_out_stay_constant():
    problem = Problem("mlp")
    chosen = {k: v for k, v in problem.parameters.items() if k.startswith("head")}
    step = bilevel_step(problem.inner, problem.outer, chosen, problem.rows, inner_lr=LR)
    assert set(step.parameters) == {"head.weight", "head.bias"}

    def outer_after_training_the_head(rows):
        module = deepcopy(problem.module)
        loss = cross_entropy(
            module(torch.cat([problem.X1, rows])), torch.cat([problem.y1, problem.ys])
        )
        loss.backward()
        with torch.no_grad():
            for parameter in module.head.parameters():
                parameter -= LR * parameter.grad
            return cross_entropy(module(problem.X2), problem.y2).item()

    expected = central_differences(outer_after_training_the_head, problem.rows)
    torch.testing.assert_close(step.gradient, expected, atol=1e-9, rtol=1e-7)


def test_a_parameter_that_the_loss_does_not_use_stays():
    problem = Problem("mlp")
    unused = draw(4, seed=9)
    step = bilevel_step(
        problem.inner,
        problem.outer,
        {"unused": unused, **problem.parameters},
        problem.rows,
        inner_lr=LR,
        inner_steps=2,
    )
    assert torch.equal(step.parameters["unused"], unused)
    alone = bilevel_step(
        problem.inner,
        problem.outer,
        problem.parameters,
        problem.rows,
        inner_lr=LR,
        inner_steps=2,
    )
    assert torch.equal(step.gradient, alone.gradient)


def test_rows_that_the_loss_does_not_use_have_gradient_zero():
    problem = Problem("mlp")
    step = bilevel_step(
        lambda p, rows: problem.inner(p, problem.rows),
        problem.outer,
        problem.parameters,
        problem.rows[:2],
        inner_lr=LR,
    )
    assert torch.equal(step.gradient, torch.zeros_like(problem.rows[:2]))


@pytest.mark.parametrize("on_graph", [False, True])
def test_nothing_keeps_a_graph_and_nothing_given_is_changed(on_graph):
    problem = Problem("mlp")
    parameters = {
        key: value.clone().requires_grad_(on_graph)
        for key, value in problem.parameters.items()
    }
    rows = problem.rows.clone().requires_grad_(on_graph)
    step = bilevel_step(problem.inner, problem.outer, parameters, rows, inner_lr=LR)
    scalars = (step.inner_loss, step.outer_loss)
    for output in (*step.parameters.values(), step.gradient, *scalars):
        assert not output.requires_grad
        assert output.grad_fn is None
    for key, value in parameters.items():
        assert value.grad is None
        assert value.requires_grad == on_graph
        assert torch.equal(value, problem.parameters[key])
    assert rows.grad is None
    assert rows.requires_grad == on_graph
    assert torch.equal(rows, problem.rows)
    assert all(p.grad is None for p in problem.module.parameters())


def test_adapt_is_tied_to_its_start():
    """The start of a step can be learned, too: the graph leads back to it."""
    start = {"w": torch.tensor(2.0, requires_grad=True)}
    adapted, loss = adapt(lambda p: p["w"] ** 2, start, lr=0.1, n_steps=3)
    (gradient,) = torch.autograd.grad(adapted["w"], start["w"])
    assert gradient.item() == pytest.approx(0.8**3)
    assert loss.item() == 4
    assert start["w"].item() == 2


def test_without_a_learning_rate_nothing_moves():
    problem = Problem("mlp")
    step = bilevel_step(
        problem.inner, problem.outer, problem.parameters, problem.rows, inner_lr=0.0
    )
    for key, value in problem.parameters.items():
        assert torch.equal(step.parameters[key], value)
    assert not step.gradient.any()


def test_no_rows_is_plain_training():
    problem = Problem("mlp")
    problem.ys = problem.ys[:0]
    step = bilevel_step(
        problem.inner, problem.outer, problem.parameters, problem.rows[:0], inner_lr=LR
    )
    assert step.gradient.shape == (0, 3)
    for key, value in problem.trained(problem.rows[:0], 1).named_parameters():
        torch.testing.assert_close(step.parameters[key], value.detach())


@pytest.mark.parametrize("n_steps", [1, 2])
def test_two_stacked_nets_are_two_single_nets(n_steps):
    problems = [Problem("mlp"), Problem("mlp")]
    with torch.no_grad():
        for parameter in problems[1].module.parameters():
            parameter.mul_(-0.5)
    problems[1].rows = draw(3, 3, seed=12)
    stacked, _ = stack_module_state([p.module for p in problems])
    module, X1, X2 = problems[0].module, problems[0].X1, problems[0].X2
    y1, y2 = torch.cat([problems[0].y1, problems[0].ys]), problems[0].y2

    def loss_of_one(parameters, X, y):
        return cross_entropy(functional_call(module, parameters, (X,)), y)

    def inner(parameters, rows):
        X = torch.cat([X1.expand(2, -1, -1), rows], dim=1)
        return vmap(loss_of_one, (0, 0, None))(parameters, X, y1).sum()

    def outer(parameters):
        return vmap(loss_of_one, (0, None, None))(parameters, X2, y2).sum()

    together = bilevel_step(
        inner,
        outer,
        stacked,
        torch.stack([p.rows for p in problems]),
        inner_lr=LR,
        inner_steps=n_steps,
    )
    for i, problem in enumerate(problems):
        single = bilevel_step(
            problem.inner,
            problem.outer,
            problem.parameters,
            problem.rows,
            inner_lr=LR,
            inner_steps=n_steps,
        )
        torch.testing.assert_close(together.gradient[i], single.gradient)
        for key, value in single.parameters.items():
            torch.testing.assert_close(together.parameters[key][i], value)


# --- Modules that are not functions --------------------------------------------------


class Counts(nn.Module):
    """Binds a new tensor to its buffer instead of writing to the old one."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, X):
        self.calls = self.calls + 1
        return X


class RegistersLate(nn.Module):
    def forward(self, X):
        self.register_buffer("seen", X.mean(0))
        return X


class NormOfItsOwn(nn.Module):
    """Batch norm without a counter of batches."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("var", torch.ones(3))

    def forward(self, X):
        return nn.functional.batch_norm(X, self.mean, self.var, training=self.training)


class KeepsItsStatistics(nn.BatchNorm1d):
    """Frozen, as in fine-tuning: training does not reach it."""

    def train(self, mode=True):
        return super().train(False)


RUNNING = ["running_mean", "running_var", "num_batches_tracked"]


@pytest.mark.parametrize(
    ("module", "rows", "expected"),
    [
        (nn.BatchNorm1d(3), torch.eye(3), RUNNING),
        (nn.BatchNorm2d(2), torch.rand(3, 2, 4, 4), RUNNING),
        (nn.BatchNorm1d(3).eval(), torch.eye(3), RUNNING),
        (
            nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.BatchNorm1d(3))),
            torch.eye(3),
            [f"1.0.{name}" for name in RUNNING],
        ),
        (
            nn.InstanceNorm1d(2, track_running_stats=True),
            torch.rand(3, 2, 4),
            RUNNING[:2],
        ),
        (NormOfItsOwn(), torch.eye(3), ["mean", "var"]),
        (
            nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2)),
            torch.eye(3),
            ["parametrizations.weight.0._u", "parametrizations.weight.0._v"],
        ),
        (Counts(), torch.eye(3), ["calls"]),
        (RegistersLate(), torch.eye(3), ["seen"]),
        (KeepsItsStatistics(3), torch.eye(3), []),
        (nn.BatchNorm1d(3, track_running_stats=False), torch.eye(3), []),
        (nn.LayerNorm(3), torch.eye(3), []),
        (nn.GroupNorm(1, 3), torch.eye(3), []),
        (nn.InstanceNorm1d(2), torch.rand(3, 2, 4), []),
        (nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)), torch.eye(3), []),
        (nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), torch.eye(3), []),
        (encoded_mlp(), torch.eye(3), []),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_buffers_that_training_changes(module, rows, expected):
    mode = module.training
    before = {k: v.clone() for k, v in module.state_dict().items()}
    assert changing_buffers(module, rows) == expected
    assert module.training == mode
    assert list(module.state_dict()) == list(before)
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key])


@pytest.mark.filterwarnings("ignore:.*spectral_norm.* is deprecated")
def test_the_old_spectral_norm_changes_its_buffer():
    module = nn.utils.spectral_norm(nn.Linear(3, 2))
    assert changing_buffers(module, torch.eye(3)) == ["weight_u", "weight_v"]


def test_there_must_be_an_inner_step():
    with pytest.raises(ValueError, match="inner steps must be at least 1, got 0"):
        adapt(lambda p: p["w"], {"w": torch.ones((), requires_grad=True)}, 0.1, 0)


def test_looking_for_buffers_undoes_its_draws():
    module, rows = MLP(3, 2, dropout=0.5), torch.ones(4, 3)
    state = torch.get_rng_state()
    changing_buffers(module, rows)
    assert torch.equal(torch.get_rng_state(), state)
    own = torch.Generator().manual_seed(0)
    states = own.get_state(), torch.get_rng_state()
    with drawing_from(own):
        changing_buffers(module, rows)
    assert torch.equal(own.get_state(), states[0])
    assert torch.equal(torch.get_rng_state(), states[1])


def test_the_kernels_of_attention_come_back_after_steps_of_two_threads():
    """The second begins in the middle of the first, and ends after it."""
    begun, ended = threading.Event(), threading.Event()

    def step(inner_loss):
        rows = torch.tensor([1.0])
        start = {"w": torch.tensor(0.0)}
        bilevel_step(inner_loss, lambda p: p["w"], start, rows, inner_lr=0.5)

    def last_to_end(p, rows):
        begun.set()
        assert ended.wait(30)
        assert not torch.backends.cuda.flash_sdp_enabled()
        return p["w"] * rows.sum()

    def first_to_end(p, rows):
        threads.append(second.submit(step, last_to_end))
        assert begun.wait(30)
        return p["w"] * rows.sum()

    assert torch.backends.cuda.flash_sdp_enabled()
    threads = []
    with ThreadPoolExecutor(1) as second:
        step(first_to_end)
        assert not torch.backends.cuda.flash_sdp_enabled()
        ended.set()
    threads[0].result()
    assert torch.backends.cuda.flash_sdp_enabled()
