"""A training step and each augmentation are given batches of the same size."""

import numpy as np
import pytest
from skorch.callbacks import Callback

from imbdeep_bench.speed import augmentations, measure
from imbdeep_bench.speed.augmentations import KINDS, STEP, TIMED, time_rows


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(measure, "WARM_UP_STEPS", 1)


def test_an_augmentation_gets_a_batch_each_time(few):
    shapes = []
    seconds = augmentations.time_augmentation(
        lambda rows, generator: shapes.append(tuple(rows.shape)),
        KINDS[0],
        "cpu",
        n_steps=3,
        seed=0,
    )
    assert shapes == 4 * [(64, 1, 16, 16)]
    assert seconds > 0


def test_a_step_is_made_on_a_batch(few, monkeypatch):
    sizes = []

    class Sizes(Callback):
        def on_batch_begin(self, net, batch=None, **kwargs):
            sizes.append(tuple(batch[0].shape))

    fit_steps = measure.fit_steps

    def watched(make_net, X, y, callback, **told):
        sizes_too = [("sizes", Sizes())]
        return fit_steps(
            lambda callbacks, **params: make_net(
                callbacks=callbacks + sizes_too, **params
            ),
            X,
            y,
            callback,
            **told,
        )

    monkeypatch.setattr(measure, "fit_steps", watched)
    assert augmentations.time_step(KINDS[0], "cpu", n_steps=2, seed=0) > 0
    assert set(sizes) == {(64, 1, 16, 16)}


def test_ratios_are_to_the_step_of_the_same_repeat(monkeypatch):
    seconds = {STEP: [2.0, 4.0], "flips": [1.0, 1.0]}
    timed = {
        name: lambda images, device, n_steps, repeat, values=values: values[repeat]
        for name, values in seconds.items()
    }
    monkeypatch.setattr(augmentations, "TIMED", timed)
    step, flips = time_rows(KINDS[0], device="cpu", n_steps=1, repeats=2)
    assert step["batch / training step"] == "1 (1 to 1)"
    assert flips["batch / training step"] == "0.375 (0.25 to 0.5)"
    assert (flips["goal"], flips["met"]) == ("<= 0.25", "no")


def test_every_public_augmentation_is_timed():
    assert len(TIMED) == 10
    assert np.all([callable(one) for one in TIMED.values()])
