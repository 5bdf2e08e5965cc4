"""What the ratio is worth: same rows in a step, on nets that do what they say."""

import numpy as np
import pytest
from skorch.callbacks import Callback

from imbdeep_bench.speed.measure import (
    StepClock,
    StopAfter,
    Table,
    growth_of_steps,
    in_fresh_process,
    synthetic_rows,
)
from imbdeep_bench.speed.meta_step import NETS, make_report, meta_net


@pytest.fixture(scope="module")
def table():
    X, y = synthetic_rows(1_200, 5, ratio=5)
    return Table("small", "synthetic", X, y)


class Rows(Callback):
    """Notes how many rows the criterion sees in each step of training."""

    def initialize(self):
        self.seen_ = []
        return self

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        def note(module, inputs, output):
            if module.training:
                self.seen_.append(len(inputs[1]))

        self.hook_ = net.criterion_.register_forward_hook(note)

    def on_train_end(self, net, **kwargs):
        self.hook_.remove()


@pytest.mark.parametrize("name", NETS)
def test_a_step_trains_on_the_same_number_of_rows(name, table):
    rows = Rows()
    # Callbacks run in order: the third step ends training.
    net = NETS[name](callbacks=[("rows", rows), ("stop", StopAfter(3))], random_state=0)
    net.fit(table.X, table.y)
    per_step = {"plain": 1, "meta, 1 inner step": 1, "meta, 3 inner steps": 3}[name]
    assert rows.seen_ == [256] * (3 * per_step)


def test_every_training_step_is_timed_and_nothing_else(table):
    clock = StepClock("cpu")
    net = NETS["plain"](callbacks=[("clock", clock)], max_epochs=2, random_state=0)
    net.fit(table.X, table.y)
    assert len(clock.seconds_) == 2 * net.n_train_batches_
    assert min(clock.seconds_) > 0


@pytest.mark.parametrize(("growth", "verdict"), [(4.9, "yes"), (5.1, "no")])
def test_memory_is_held_against_its_goal(growth, verdict, table):
    row = {"table": "small", "step": "plain", "step / plain": "1"}
    report = make_report([table], [row], growth, device="cpu", threads=1)
    assert f"met: {verdict}" in report


@pytest.mark.slow
def test_a_thousand_steps_do_not_grow_the_memory(table):
    # A step that kept its graph would keep the 256 rows of each layer: 150 kB and more.
    arguments = meta_net, table.X, table.y, "cpu", 1
    assert np.isfinite(growth := in_fresh_process(growth_of_steps, *arguments))
    assert growth < 20
