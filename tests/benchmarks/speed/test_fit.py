"""What the times are worth: same work on each side, ratios of the same repeat."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from imblearn.metrics import geometric_mean_score
from scipy.stats import entropy
from sklearn.metrics import average_precision_score, balanced_accuracy_score, log_loss

from imbdeep.classifiers import NetClassifier
from imbdeep.datasets._imblearn27_table import IMBLEARN27
from imbdeep.modules import MLP
from imbdeep.modules._numeric_encoding import encoding_recipe
from imbdeep_bench.speed.fit import (
    Plan,
    make_plans,
    peak_growth,
    ratio_rows,
    time_fits,
    time_rows,
)
from imbdeep_bench.speed.measure import (
    ENCODINGS,
    LARGE_RATIO,
    LEAST_ROWS_LARGE,
    Goal,
    Table,
    in_fresh_process,
    large_table,
    small_table,
    synthetic_rows,
)
from imbdeep_bench.speed.three_ways import FITS, Fit, train_bare


@pytest.fixture
def no_sets(monkeypatch, tmp_path):
    """A cache without any of the 27 sets."""
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def rows():
    return synthetic_rows(700, 40, ratio=3)


@pytest.fixture(scope="module")
def parts(rows):
    """Training and validation rows as tensors."""
    X, y = map(torch.from_numpy, rows)
    return (X[:500], y[:500]), (X[500:], y[500:])


def made_of(seconds, set_up=0.0, epochs=1):
    return [Fit(s, set_up, epochs, steps=epochs, valid_loss=0.5) for s in seconds]


# --- Tables --------------------------------------------------------------------------


def test_synthetic_rows_have_the_size_and_ratio_asked_for():
    X, y = synthetic_rows(2_000, 50, ratio=4)
    assert X.dtype == np.float32
    assert X.shape == (2_000, 50)
    assert np.bincount(y).tolist() == [1600, 400]
    apart = X[y == 1].mean(0) - X[y == 0].mean(0)
    # Five standard errors of a difference of two means.
    np.testing.assert_allclose(apart[:5], 1, atol=5 * (1 / 400 + 1 / 1600) ** 0.5)
    np.testing.assert_allclose(apart[5:], 0, atol=5 * (1 / 400 + 1 / 1600) ** 0.5)


def test_small_table_stands_in_for_a_missing_satimage(no_sets):
    table = small_table()
    assert table.X.shape == (3_217, 36)
    assert (table.y == 0).sum() / table.y.sum() == pytest.approx(9.28, abs=0.05)
    assert table.origin.startswith("synthetic")


def test_small_table_is_half_of_satimage_where_it_is_at_hand(no_sets, monkeypatch):
    satimage = IMBLEARN27["satimage"]._replace(n_samples=100, n_minority=10)
    monkeypatch.setitem(IMBLEARN27, "satimage", satimage)
    label = np.repeat([-1, 1], [90, 10])
    data = np.random.default_rng(0).normal(size=(100, 36))
    (no_sets / "zenodo").mkdir()
    np.savez(no_sets / "zenodo" / "x3data.npz", data=data, label=label)
    table = small_table()
    assert np.bincount(table.y).tolist() == [45, 5]
    known = {row.tobytes(): c for row, c in zip(data.astype("f4"), label, strict=True)}
    found = [known[row.tobytes()] for row in table.X]
    assert found == np.where(table.y == 1, 1, -1).tolist()
    assert table.origin == "a stratified half of satimage (unverified)"


def test_large_table_has_the_shape_of_protein_homo():
    table = large_table(LEAST_ROWS_LARGE)
    assert table.X.shape == (LEAST_ROWS_LARGE, 74)
    assert (table.y == 0).sum() / table.y.sum() == LARGE_RATIO


# --- Same work -----------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_bare_loop_and_imbdeep_agree_epoch_by_epoch(rows, parts, encoding):
    # Without dropout the weights at the start and the order of rows decide all.
    recipe = encoding_recipe(torch.from_numpy(rows[0]), encoding)
    module = MLP(40, 2, dropout=0, encoding=recipe and recipe())
    net = NetClassifier(
        copy.deepcopy(module),
        batch_size=128,
        max_epochs=4,
        early_stopping=False,
        device="cpu",
        random_state=0,
        iterator_train__generator=torch.Generator().manual_seed(3),
    )
    train, valid = parts
    # The net is shown no value beyond the range of training, the bare loop any.
    low, high = train[0].amin(0), train[0].amax(0)
    valid = valid[0].clamp(low, high), valid[1]
    net.fit(
        *(part.numpy() for part in train),
        eval_set=tuple(part.numpy() for part in valid),
    )
    bare = train_bare(
        module, train, valid, epochs=4, generator=torch.Generator().manual_seed(3)
    )
    recorded = {
        "train_loss": "train_loss",
        "valid_loss": "valid_loss",
        "valid_average_precision": "average_precision",
        "valid_balanced_accuracy": "balanced_accuracy",
        "valid_g_mean": "g_mean",
        "train_batch_count": "steps",
    }
    for ours, theirs in recorded.items():
        np.testing.assert_allclose(
            net.history[:, ours], [epoch[theirs] for epoch in bare], rtol=1e-4
        )


def test_bare_loop_measures_what_scikit_learn_measures(parts):
    module = MLP(40, 2)
    *_, last = train_bare(module, *parts, epochs=2)
    X, y = parts[1]
    with torch.no_grad():
        proba = module(X).double().softmax(-1).numpy()
    predicted = proba.argmax(1)
    assert not module.training
    assert last["valid_loss"] == pytest.approx(log_loss(y, proba), rel=1e-5)
    assert last["average_precision"] == average_precision_score(y, proba[:, 1])
    assert last["balanced_accuracy"] == balanced_accuracy_score(y, predicted)
    assert last["g_mean"] == pytest.approx(geometric_mean_score(y, predicted))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_all_ways_to_fit_take_the_same_steps_and_learn(rows, encoding):
    X, y = rows
    fits = {
        name: fit(X, y, encoding=encoding, epochs=10, device="cpu", seed=0)
        for name, fit in FITS.items()
    }
    # 560 training rows in batches of 128.
    assert {name: (fit.epochs, fit.steps) for name, fit in fits.items()} == (
        dict.fromkeys(FITS, (10, 50))
    )
    of_class_counts = entropy([3, 1])
    for fit in fits.values():
        assert 0 < fit.set_up < fit.seconds
        assert fit.valid_loss < 0.9 * of_class_counts


@pytest.mark.parametrize("name", FITS)
def test_a_fit_leaves_the_global_generator_alone_and_can_be_repeated(rows, name):
    before = torch.get_rng_state()
    losses = [
        FITS[name](*rows, encoding=None, epochs=1, device="cpu", seed=seed).valid_loss
        for seed in (0, 0, 1)
    ]
    torch.testing.assert_close(torch.get_rng_state(), before, rtol=0, atol=0)
    assert losses[0] == losses[1] != losses[2]


# --- Times and ratios ----------------------------------------------------------------


def test_the_time_of_an_epoch_leaves_out_what_comes_before():
    (fit,) = made_of([10.0], set_up=4.0, epochs=3)
    assert fit.epoch_seconds == 2.0


def test_plans_spare_the_large_table(no_sets):
    small, large = make_plans(epochs=10, repeats=9, rows_large=LEAST_ROWS_LARGE)
    assert (small.repeats, large.repeats) == (9, 3)
    assert small.epochs == dict.fromkeys(FITS, 10)
    assert large.epochs == {"imbdeep": 2, "bare PyTorch": 2, "stock skorch": 1}
    *_, least = make_plans(epochs=1, repeats=1, rows_large=LEAST_ROWS_LARGE)
    assert (least.repeats, least.epochs) == (1, dict.fromkeys(FITS, 1))


def test_fits_are_timed_in_turn(monkeypatch):
    calls = []

    def record(X, y, *, name, seed, epochs, **kwargs):
        calls.append((name, seed, epochs))

    for name in FITS:
        monkeypatch.setitem(FITS, name, partial(record, name=name))
    epochs = {"imbdeep": 3, "bare PyTorch": 3, "stock skorch": 1}
    plan = Plan(Table("t", "", np.empty(0), np.empty(0)), 2, epochs)
    fits = time_fits(plan, None, "cpu")
    assert calls == [(n, seed, e) for seed in (0, 1) for n, e in epochs.items()]
    assert {name: len(runs) for name, runs in fits.items()} == dict.fromkeys(FITS, 2)


def test_ratios_pair_the_fits_of_a_repeat():
    plan = Plan(Table("t", "", np.empty(0), np.empty(0)), 3, {})
    fits = {
        "imbdeep": made_of([2.0, 8.0, 3.0], set_up=1.0),
        "bare PyTorch": made_of([1.0, 8.0, 2.0], set_up=0.5),
        "stock skorch": made_of([15.0, 84.0, 5.0]),
    }
    in_full, an_epoch, stock = ratio_rows(plan, "None", fits)
    # 2/1, 8/8, 3/2: the ratio of the medians would be 3/2, too, but not its range.
    assert in_full["median (min to max)"] == "1.5 (1 to 2)"
    # 1/0.5, 7/7.5, 2/1.5
    assert an_epoch["median (min to max)"] == "1.33 (0.933 to 2)"
    # 15/1, 84/7, 5/2
    assert stock["median (min to max)"] == "12 (2.5 to 15)"
    assert [row["met"] for row in (in_full, an_epoch, stock)] == ["no", "no", "yes"]
    assert [row["goal"] for row in (in_full, stock)] == ["<= 1.25", ">= 12"]


def test_times_are_medians_with_their_range():
    plan = Plan(Table("t", "", np.empty(0), np.empty(0)), 3, {})
    (row,) = time_rows(plan, "None", {"x": made_of([5.0, 1.0, 3.0], 1.0, epochs=2)})
    assert row["fit [s]"] == "3 (1 to 5)"
    assert row["epoch [ms]"] == "1,000 (0 to 2,000)"
    assert (row["epochs"], row["steps per epoch"]) == (2, 1)


@pytest.mark.parametrize(
    "sign, below, above", [("<=", "yes", "no"), (">=", "no", "yes")]
)
def test_goals(sign, below, above):
    goal = Goal(sign, 1.25)
    assert str(goal) == f"{sign} 1.25"
    assert [goal.verdict(v) for v in (1.2, 1.25, 1.3)] == [below, "yes", above]


# --- Memory --------------------------------------------------------------------------


@pytest.mark.slow
def test_peak_growth_sees_work_smaller_than_this_process():
    ballast = np.ones(40_000_000)  # 320 MB that a forked and executed child inherits
    growth = in_fresh_process(peak_growth, partial(tuple, [12_500_000]), np.ones)
    assert ballast.sum() == len(ballast)
    assert growth == pytest.approx(100e6, rel=0.1)


@pytest.mark.slow
def test_peak_growth_leaves_out_what_is_prepared():
    growth = in_fresh_process(peak_growth, partial(np.ones, (1, 10_000_000)), np.sum)
    assert growth < 20e6
