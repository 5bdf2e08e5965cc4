"""What the times are worth: same work on each side, epochs told apart, real memory."""

import copy
import os

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from imbdeep._generative import train_autoencoder
from imbdeep.modules import MLPAutoencoder
from imbdeep_bench.speed import autoencoder, samplers
from imbdeep_bench.speed.autoencoder import compare_epochs, train_bare
from imbdeep_bench.speed.epochs import OptimizerClock, between_epochs, stages
from imbdeep_bench.speed.measure import LARGE_RATIO, in_fresh_process, synthetic_rows
from imbdeep_bench.speed.samplers import (
    SAMPLERS,
    Fit,
    bare_row,
    epoch_limits,
    fit_rows,
    growth_row,
    make_sampler,
    measure_fit,
    seconds_in_full,
    sized,
)

STAGES = {
    "SMOTE": [],
    "ReMix": [],
    "LatentSMOTE": ["max_epochs"],
    "GLGAN": ["pretrain_epochs", "max_epochs"],
    "ConditionalGAN": ["max_epochs"],
    "ConditionalWGAN": ["max_epochs"],
    "MetaAugment": ["estimator__pretrain_epochs", "estimator__max_epochs"],
}


@pytest.fixture
def threads():
    """The number of torch's threads, put back afterwards."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def fit_of(n_rows, seconds, mebibytes, stages=()):
    return Fit(n_rows, seconds, list(stages), round(mebibytes * 2**20))


# --- The bare loop -------------------------------------------------------------------


@pytest.mark.parametrize("rare_share", [0.1, 0.5])
@pytest.mark.parametrize("n_batches", [4, 25])
def test_bare_loop_and_imbdeep_agree_epoch_by_epoch(n_batches, rare_share):
    # The weights at the start and the order of rows decide all. In 25 batches, the
    # rows of the rare class go round three times.
    X, y = map(torch.from_numpy, synthetic_rows(800, 6, ratio=9))
    # In double precision: Adam makes much of the rounding of a small gradient.
    X = X.double()
    autoencoder = MLPAutoencoder(6, 3, hidden_sizes=(8,), output=nn.Sigmoid()).double()
    weights = {
        "cluster_weight": 0.7,
        "minority_weight": 1.3,
        "push_weight": 0.9,
        "margin": 2.5,
    }
    # Of 800 rows, 80 are rare.
    row_weight = torch.where(y == 1, rare_share / 0.1, (1 - rare_share) / 0.9)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        ours = train_autoencoder(
            copy.deepcopy(autoencoder),
            X,
            F.one_hot(y, 2).float(),
            row_weight,
            batch_size=800 // n_batches,
            weight_decay=0,
            method="LatentSMOTE",
            lr=1e-2,
            max_epochs=4,
            tol=0,
            patience=4,
            **weights,
        )
        torch.manual_seed(3)
        losses = train_bare(
            *(autoencoder, X, y, weights),
            epochs=4,
            n_batches=n_batches,
            lr=1e-2,
            rare_share=rare_share,
        )
    np.testing.assert_allclose(ours["autoencoder"], losses, rtol=1e-5)
    assert losses[-1] < losses[0]


def test_both_loops_take_the_same_steps(monkeypatch, threads):
    counts = []
    real = between_epochs

    def note(times, n_epochs):
        counts.append((len(times), n_epochs))
        return real(times, n_epochs)

    monkeypatch.setattr(autoencoder, "between_epochs", note)
    ours, bare = compare_epochs(1_200, 3, 2, "cpu", threads)
    ((n_steps, n_epochs),) = set(counts)
    assert len(counts) == 4
    assert n_epochs == 3
    assert n_steps % 3 == 0
    assert len(ours) == len(bare) == 2
    assert min(ours + bare) > 0


# --- Epochs --------------------------------------------------------------------------


def test_the_clock_sees_the_steps_within_its_block_alone():
    parameters = [nn.Parameter(torch.ones(1)) for _ in range(2)]
    one, other = (torch.optim.SGD([p], lr=0.1) for p in parameters)
    one.step()
    with OptimizerClock() as clock:
        for optimizer in (one, one, other, one, other):
            optimizer.step()
    one.step()
    assert len(clock.times) == 5
    assert clock.first_steps == [0, 2]
    assert (np.diff(clock.times) >= 0).all()


def test_an_optimizer_that_is_gone_is_not_mistaken_for_the_next():
    parameter = nn.Parameter(torch.ones(1))
    with OptimizerClock() as clock:
        for _ in range(20):
            torch.optim.SGD([parameter], lr=0.1).step()
    assert clock.first_steps == list(range(20))


def test_an_epoch_lasts_from_last_step_to_last_step():
    seconds = between_epochs([0.0, 10.0, 11.0, 13.0, 20.0, 21.0], 3)
    np.testing.assert_array_equal(seconds, [3.0, 8.0])


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_epochs_of_every_stage_are_told_apart(name):
    sampler = make_sampler(name, 2, "cpu")
    limits = dict(zip(STAGES[name], [2, 4][-len(STAGES[name]) :], strict=False))
    sampler.set_params(**limits)
    with OptimizerClock() as clock:
        sampler.fit_resample(*synthetic_rows(400, 4, ratio=3))
    found = stages(sampler, clock)
    assert [n_epochs for n_epochs, _ in found] == list(limits.values())
    for n_epochs, seconds in found:
        assert len(seconds) == n_epochs - 1
        assert (seconds > 0).all()


def test_the_stages_of_gl_gan_are_cut_where_the_second_begins():
    sampler = make_sampler("GLGAN", 2, "cpu").set_params(batch_size=100)
    with OptimizerClock() as clock:
        sampler.fit_resample(*synthetic_rows(400, 4, ratio=3))
    # 2 epochs of 4 steps, then 2 of 4 steps by each of three players.
    assert clock.first_steps == [0, 8, 12, 16]
    (_, first), (_, second) = stages(sampler, clock)
    assert first == pytest.approx([clock.times[7] - clock.times[3]])
    assert second == pytest.approx([clock.times[31] - clock.times[19]])


# --- Samplers ------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_are_at_their_defaults_but_for_their_epochs(name):
    default = SAMPLERS[name]().get_params()
    assert list(epoch_limits(SAMPLERS[name]())) == STAGES[name]
    for epochs in (None, 7):
        params = make_sampler(name, epochs, "meta").get_params()
        # The net and its callbacks are new ones each time.
        changed = {
            key: value
            for key, value in params.items()
            if value != default[key] and key != "estimator" and "callbacks__" not in key
        }
        expected = {"random_state": 0}
        device = "estimator__device" if name == "MetaAugment" else "device"
        if device in default:
            expected[device] = "meta"
        if epochs:
            expected |= dict.fromkeys(STAGES[name], epochs)
        assert changed == expected


def test_a_sampler_does_not_change_the_next():
    first = make_sampler("MetaAugment", 7, "cpu")
    second = make_sampler("MetaAugment", None, "cpu")
    assert first.estimator.max_epochs == 7
    assert second.estimator.max_epochs != 7


# --- Fits ----------------------------------------------------------------------------


def test_sizes_are_a_quarter_a_half_and_all():
    assert sized(145_751) == {"quarter": 36_438, "half": 72_876, "full": 145_751}


@pytest.mark.slow
def test_a_fit_is_measured_in_a_process_of_its_own():
    assert in_fresh_process(os.getpid) != os.getpid()
    n_rows = 100_000
    fit = in_fresh_process(measure_fit, "SMOTE", n_rows, 2, "cpu", 1)
    assert (fit.n_rows, fit.stages) == (n_rows, [])
    assert fit.seconds > 0
    # The rows returned are there at the end; the table given does not count.
    n_rare = n_rows / (1 + LARGE_RATIO)
    returned = 2 * (n_rows - n_rare) * 74 * 4 / 2**20
    assert returned <= fit.mebibytes <= 3 * returned


# --- Report --------------------------------------------------------------------------


def test_the_rest_of_the_epochs_is_added_to_a_fit():
    fit = fit_of(1, 10.0, 1, [(3, np.array([1.0, 2.0])), (2, np.array([4.0]))])
    # 7 epochs of 1.5 seconds and 3 of 4.
    assert seconds_in_full(fit, [10, 5]) == 10 + 10.5 + 12
    assert seconds_in_full(fit_of(1, 10.0, 1), []) == 10


def test_rows_of_fits():
    fits = {"half": fit_of(2_000, 1.5, 8.0), "full": fit_of(4_000, 3.25, 10.0)}
    half, full = fit_rows("SMOTE", fits)
    assert (half["rows"], full["rows"]) == ("2,000", "4,000")
    assert (full["fit [s]"], full["fit with all of these [s]"]) == ("3.25", "3.25")
    assert full["epochs run"] == full["epoch [s]"] == full["epochs allowed"] == "-"
    assert half["peak above the table [MiB]"] == "8"
    assert half["peak MiB per 1,000 rows"] == "4.00"
    assert full["peak MiB per 1,000 rows"] == "2.50"


def test_two_stages_have_a_plus_between(monkeypatch):
    monkeypatch.setattr(samplers, "epoch_limits", lambda s: {"a": 10, "b": 4})
    stages = [(3, np.array([1.0, 2.0])), (2, np.array([4.0]))]
    (row,) = fit_rows("GLGAN", {"full": fit_of(1_000, 10.0, 5.0, stages)})
    assert row["epochs run"] == "3 + 2"
    assert row["epoch [s]"] == "1.5 (1 to 2) + 4 (4 to 4)"
    assert row["epochs allowed"] == "10 + 4"
    assert row["fit with all of these [s]"] == "28.5"


@pytest.mark.parametrize(("full", "verdict"), [(50, "yes"), (51, "no"), (80, "no")])
def test_growth_is_what_twice_the_rows_take(full, verdict):
    fits = {
        "quarter": fit_of(1_000, 9.0, 90.0),
        "half": fit_of(2_000, 2.0, 20.0),
        "full": fit_of(4_000, 5.0, full),
    }
    row = growth_row("SMOTE", fits)
    assert row["fit, full / half"] == "2.50"
    assert row["peak, full / half"] == f"{full / 20:.2f}"
    assert row["met"] == verdict


def test_ratios_pair_the_epochs_of_a_repeat():
    row = bare_row([0.1, 0.4, 0.2], [0.1, 0.2, 0.4])
    assert row["ratio"] == "1 (0.5 to 2)"
    assert row["LatentSMOTE, epoch [ms]"] == "200 (100 to 400)"
    assert row["met"] == "yes"
    assert bare_row([0.3], [0.2])["met"] == "no"
