"""What the ratio is worth: same rows in a step, on nets that do what they say."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from imbdeep_bench.speed import robust_step
from imbdeep_bench.speed.measure import (
    StopAfter,
    Table,
    growth_of_steps,
    in_fresh_process,
    synthetic_rows,
)
from imbdeep_bench.speed.robust_step import (
    ATTACK_STEPS,
    KINDS,
    TIMED,
    Task,
    attacked_net,
    kinds_of,
    make_pictures,
    make_report,
    make_tasks,
    move_rows,
)


@pytest.fixture(scope="module")
def table():
    X, y = synthetic_rows(600, 5, ratio=5)
    return Table("small", "synthetic", X, y)


class Passes(Callback):
    """Counts the rows of each pass through the module, up to the end of training."""

    def initialize(self):
        self.rows_ = []
        return self

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.hook_ = net.module_.register_forward_hook(
            lambda module, inputs, output: self.rows_.append(len(output))
        )

    def on_train_end(self, net, **kwargs):
        self.hook_.remove()


def passes_of_three_steps(name, task):
    """Rows of each pass of three steps, and the net that made them."""
    passes = Passes()
    # Callbacks run in order: the third step ends training.
    callbacks = [("passes", passes), ("stop", StopAfter(3))]
    make = KINDS[name].make_net
    net = make(task, callbacks=callbacks, device="cpu", random_state=0)
    net.fit(task.X, task.y)
    return passes.rows_, net


@pytest.mark.parametrize(
    ("name", "place"),
    [
        (n, place)
        for n, k in KINDS.items()
        for place in range(3)
        if place == 2 or k.on_tables
    ],
)
def test_a_step_makes_the_passes_that_are_told(name, place, table):
    task = make_tasks(table)[place]
    assert name in kinds_of(task)
    rows, net = passes_of_three_steps(name, task)
    # Imb-Mix adds copies of rare rows, to what it trains on alone.
    has_copies = name == "Imb-Mix" and net.n_copies_.any()
    assert has_copies == (name == "Imb-Mix" and place < 2)
    told = 3 * 128 * KINDS[name].passes
    assert sum(rows) > told if has_copies else sum(rows) == told


@pytest.mark.parametrize("name", ["adversarial", "SRAT", "Imb-Mix"])
def test_an_attack_moves_the_batch_ten_times(name, table):
    rows, _ = passes_of_three_steps(name, make_tasks(table)[1])
    assert len(rows) == 3 * (ATTACK_STEPS + 1)
    assert set(rows[:ATTACK_STEPS]) == {128}


def test_the_loop_by_hand_attacks_as_the_classifier_does(table):
    task = make_tasks(table)[1]
    module = task.make_module().eval()
    x, y = torch.from_numpy(task.X[:64]), torch.from_numpy(task.y[:64])
    radius = torch.full((5,), 0.3)
    torch.manual_seed(0)
    moved = move_rows(module, x, y, radius, 2.5 * radius / ATTACK_STEPS)
    assert (moved - x).abs().max() <= 0.3 + 1e-6
    loss = torch.nn.functional.cross_entropy
    noise = x + radius * (2 * torch.rand_like(x) - 1)
    assert loss(module(moved), y) > loss(module(noise), y)
    assert loss(module(moved), y) > loss(module(x), y)


@pytest.mark.parametrize("name", TIMED)
def test_every_kind_of_step_is_timed(name, table):
    task = replace(make_tasks(table)[2 if "AugMix" in name else 1], eps=0.1)
    assert 0 < TIMED[name](task, "cpu", 3, 0) < 1


def test_pictures_are_pictures():
    X, y = make_pictures(100)
    assert X.shape == (100, 1, 16, 16)
    assert X.dtype == np.float32
    assert (X.min() >= 0, X.max() <= 1, set(y) <= set(range(10))) == (True,) * 3


def test_ratios_are_held_against_their_goal(table, monkeypatch):
    for seconds, verdict in ((12e-3, "yes"), (13e-3, "no")):
        timed = {
            "plain": lambda *a: 1e-3,
            "adversarial": lambda *a, seconds=seconds: seconds,
            "bare PyTorch, adversarial": lambda *a: 10e-3,
        }
        monkeypatch.setattr(robust_step, "TIMED", timed)
        task = Task("table", table.X, table.y, {})
        rows = robust_step.time_rows(task, device="cpu", n_steps=1, repeats=2)
        told = {row["step"]: row for row in rows}
        assert told["adversarial"]["met"] == verdict
        assert told["plain"]["met"] == ""
        report = make_report(table, rows, [{"met": "no"}], device="cpu", threads=1)
        assert "10 (10 to 10)" in report


@pytest.mark.slow
def test_a_thousand_steps_do_not_grow_the_memory(table):
    # A step that kept its graph would keep 128 rows of each layer, eleven times over.
    task = make_tasks(table)[1]
    growth = in_fresh_process(
        growth_of_steps, partial(attacked_net, task), task.X, task.y, "cpu", 1
    )
    assert growth < 20
