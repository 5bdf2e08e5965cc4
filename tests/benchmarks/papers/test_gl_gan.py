"""GL-GAN: rows and samplers of the experiment, one cell, and digits that it makes."""

from itertools import pairwise, product

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.base import BaseEstimator

from imbdeep_bench.data.pairs import Dataset, n_candidates, parse_pairs, read_dataset
from imbdeep_bench.engine.experiment import Cell, Method, Rows, Setting, run_cell
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.gl_gan import digits, report
from imbdeep_bench.papers.gl_gan.experiment import (
    CLASSIFIERS,
    PUBLISHED_PAIRS,
    Samplers,
    classify,
    draw_rows,
    n_kept,
    score,
)
from imbdeep_bench.papers.gl_gan.methods import METHODS, SMOKE_EPOCHS, make_sampler
from tests.benchmarks.data.test_pairs import numbered, write_data

NETS = [name for name in METHODS if "gan" in name or "auto" in name or "latent" in name]
USPS_COUNTS = (1553, 1269, 929, 824, 852, 716, 834, 792, 708, 821)
SEED = 3


def ids(X):
    return set(X[:, 0].astype(int).tolist())


def draw(dataset, pairs="drawn", r=0.1, seed=0):
    return draw_rows(dataset, parse_pairs(pairs, PUBLISHED_PAIRS), r, seed)


def pair_of(rows):
    return rows.told["majority"], rows.told["minority"]


def sizes(rows):
    sides = product(("train", "test"), ("majority", "minority"))
    return tuple(rows.told[f"n_{part}_{side}"] for part, side in sides)


# --- Rows ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["4", "4,7", "4-4", "a-b", "", "4-7-8"])
def test_pairs_that_are_none(text):
    with pytest.raises(ValueError, match="--pairs got .* write drawn, published, or"):
        parse_pairs(text, PUBLISHED_PAIRS)


def test_drawn_pairs_follow_from_the_seed_and_reach_every_class():
    usps = numbered((10,) * 10)
    drawn, again = (
        [pair_of(draw(usps, r=0.3, seed=s)) for s in range(80)] for _ in "ab"
    )
    assert drawn == again
    assert all(majority != minority for majority, minority in drawn)
    assert {pair[0] for pair in drawn} == {pair[1] for pair in drawn} == set(range(10))


def test_a_fixed_pair_has_the_majority_first():
    usps = numbered((20,) * 10)
    rows = draw(usps, "4-7", 0.25, seed=3)
    assert pair_of(rows) == (4, 7)
    for X, y in ((rows.X_train, rows.y_train), (rows.X_test, rows.y_test)):
        for label, digit in enumerate((4, 7)):
            assert set(usps.y[list(ids(X[y == label]))]) == {digit}


@pytest.mark.parametrize(
    ("n_class", "majority", "minority"),
    [(929, 744, 7), (5319, 4256, 42), (1936, 1549, 15), (1300, 1040, 10)]
    + [(3500, 2800, 28)],
)
def test_sizes_are_those_of_table_2_1(n_class, majority, minority):
    assert n_candidates(n_class) == majority
    assert n_kept(0.01, majority) == minority


def test_n_kept_is_at_least_two_and_not_fooled_by_floats():
    assert (n_kept(0.01, 30), n_kept(0.29, 100)) == (2, 29)


def test_rows_have_the_sizes_of_table_2_1():
    usps = numbered(USPS_COUNTS)
    for pair in ("2-0", "1-2"):
        assert sizes(draw(usps, pair, 0.01)) == (744, 7, 185, 185)
    published = draw(usps, "published", 0.01)
    assert pair_of(published) == PUBLISHED_PAIRS["usps"]
    assert sizes(published) == (744, 7, 185, 141)
    madelon = numbered((1300, 1300), (-1, 1), "madelon")
    assert sizes(draw(madelon, r=0.01)) == (1040, 10, 260, 260)


def test_no_row_is_in_two_parts_and_all_are_drawn_anew_in_each_run():
    usps = numbered((100, 60, 80))
    rows, other = (draw(usps, "0-2", seed=seed) for seed in (1, 2))
    parts = [rows.X_train, rows.X_test, rows.more]
    assert len(set().union(*map(ids, parts))) == sum(map(len, parts)) == 160
    assert set(usps.y[list(ids(rows.more))]) == {2}
    assert ids(rows.X_test) != ids(other.X_test)
    # The larger class is cut at random, too.
    kept = [ids(r.X_train[r.y_train == 0]) | ids(r.X_test) for r in (rows, other)]
    assert kept[0] != kept[1]


def test_a_milder_ratio_has_the_same_tests_and_all_rows_of_a_harsher_one():
    usps = numbered((200,) * 3)
    drawn = [draw(usps, "0-1", r) for r in (0.02, 0.1, 0.5)]
    for harsher, milder in pairwise(drawn):
        assert ids(harsher.X_train) < ids(milder.X_train)
        np.testing.assert_array_equal(harsher.X_test, milder.X_test)


def test_a_ratio_that_the_minority_cannot_have():
    usps = numbered((100,) * 2 + (900,) + (100,) * 5 + (50,))
    with pytest.raises(ValueError, match=r"--r got 0.5: 360 rows of class 8.* 40 cand"):
        draw(usps, "published", 0.5)


def test_rows_are_float_even_where_the_file_has_whole_numbers(tmp_path):
    madelon = read_dataset("madelon", write_data(tmp_path))
    assert madelon.X.dtype == np.int16
    assert draw(madelon).X_train.dtype == np.float64


# --- Samplers ------------------------------------------------------------------------


class Duplicates(RandomOverSampler):
    """Random over-sampling that keeps the rows it saw, and has epochs."""

    def __init__(self, log=None, max_epochs=30, random_state=None):
        super().__init__(random_state=random_state)
        self.log = log
        self.max_epochs = max_epochs

    def fit_resample(self, X, y):
        self.log.append((X.copy(), y.copy(), self.max_epochs))
        self.n_epochs_ = np.int64(self.max_epochs)
        return super().fit_resample(X, y)


class Idle(BaseEstimator):
    """Make nothing."""

    def fit_resample(self, X, y):
        return X, y


@pytest.fixture
def usps(tmp_path):
    return read_dataset("usps", write_data(tmp_path / "raw"))


def make_cell(dataset, method, r=0.1, smoke=False):
    experiment = Samplers(smoke=smoke, pairs=parse_pairs("drawn"))
    setting = Setting(report.setting_name(dataset.name, r), dataset, {}, r)
    return Cell(experiment, setting, method, SEED)


def returning(sampler):
    return Method("stub", lambda seed, k: sampler)


@pytest.mark.parametrize(
    ("name", "neighbors"),
    [("smote", "k_neighbors"), ("borderline_smote", "k_neighbors")]
    + [("adasyn", "n_neighbors")],
)
def test_neighbours_are_no_more_than_there_are(name, neighbors):
    for n_minority, expected in ((2, 1), (4, 3), (6, 5), (100, 5)):
        sampler = make_sampler(METHODS[name], 0, n_minority)
        changed = {"random_state": 0, neighbors: expected}
        assert sampler.get_params() == type(sampler)().get_params() | changed


@pytest.mark.parametrize("name", NETS)
def test_our_samplers_are_at_their_defaults(name):
    sampler = make_sampler(METHODS[name], 7, 5)
    changed = {"random_state": 7}
    if name.startswith("plain_"):
        changed["cluster_weight"] = 0
    assert sampler.get_params() == type(sampler)().get_params() | changed


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_our_samplers_balance_in_a_smoke_run(usps, name):
    record = run_cell(make_cell(usps, METHODS[name], smoke=True))
    assert record["error"] is None
    n_missing = record["n_train_majority"] - record["n_train_minority"]
    assert record["n_synthetic"] == n_missing
    assert 1 <= record["n_epochs"] <= SMOKE_EPOCHS


def test_smoke_sets_the_epochs_of_those_that_have_some():
    for smoke, n_epochs in ((False, 30), (True, SMOKE_EPOCHS)):
        sampler = make_sampler(returning(Duplicates([])), 0, 3, smoke=smoke)
        assert sampler.max_epochs == n_epochs


# --- One cell ------------------------------------------------------------------------


@pytest.mark.parametrize("predicted", [[0, 0, 1, 1, 1, 0], [0, 1, 1, 1, 1, 1], [0] * 6])
def test_score_by_counting(predicted):
    y, pairs = [0, 0, 0, 1, 1, 1], list(product((0, 1), repeat=2))
    n = {pair: list(zip(y, predicted, strict=True)).count(pair) for pair in pairs}
    f1 = [2 * n[c, c] / (2 * n[c, c] + n[0, 1] + n[1, 0]) for c in (0, 1)]
    sums = [n[1, 0] + n[1, 1], n[0, 0] + n[0, 1], n[0, 1] + n[1, 1], n[0, 0] + n[1, 0]]
    product_ = n[1, 1] * n[0, 0] - n[0, 1] * n[1, 0]
    mcc = product_ / np.sqrt(np.prod(sums)) if np.prod(sums) else 0.0
    assert score(y, predicted) == pytest.approx(
        {"macro_f1": np.mean(f1), "micro_f1": (n[0, 0] + n[1, 1]) / 6, "mcc": mcc}
    )


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_record_is_that_of_the_steps_by_hand(usps):
    record = run_cell(make_cell(usps, METHODS["smote"]))
    rows = draw(usps, seed=SEED)
    seed = derive_seed(SEED, "usps", "sampler")
    X, y = SMOTE(k_neighbors=2, random_state=seed).fit_resample(
        rows.X_train, rows.y_train
    )
    for name, cls in CLASSIFIERS.items():
        model = cls(random_state=derive_seed(SEED, "usps", "classifier")).fit(X, y)
        assert record["scores"][name] == score(rows.y_test, model.predict(rows.X_test))
        assert record["classifier_seconds"][name] > 0
    assert (record["majority"], record["minority"]) == pair_of(rows)
    assert record["n_synthetic"] == len(X) - len(rows.X_train)
    assert record["n_train_minority"] == (rows.y_train == 1).sum() == 3
    assert record["n_epochs"] is None


def test_one_resampling_of_training_rows_alone_feeds_all_classifiers(usps, monkeypatch):
    log, fitted = [], []

    def recording(cls):
        class Recording(cls):
            def fit(self, X, y):
                fitted.append((X, y))
                return super().fit(X, y)

        return Recording

    for name, cls in CLASSIFIERS.items():
        monkeypatch.setitem(CLASSIFIERS, name, recording(cls))
    record = run_cell(make_cell(usps, returning(Duplicates(log, 4))))
    ((X, y, _),) = log
    rows = draw(usps, seed=SEED)
    np.testing.assert_array_equal(X, rows.X_train)
    np.testing.assert_array_equal(y, rows.y_train)
    assert not {r.tobytes() for r in rows.X_test} & {r.tobytes() for r in X}
    assert len(fitted) == 3
    assert all(X is fitted[0][0] for X, _ in fitted)
    assert np.bincount(fitted[0][1]).tolist() == [32, 32]
    # Epochs are plain numbers, which JSON has.
    assert (record["n_epochs"], type(record["n_epochs"])) == (4, int)


def test_only_no_sampler_may_make_no_row(usps):
    record = run_cell(make_cell(usps, returning(Idle())))
    assert record["error"].startswith("ValueError: Idle made no synthetic row. (")
    record = run_cell(make_cell(usps, METHODS["none"]))
    assert (record["status"], record["n_synthetic"]) == ("ok", 0)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("adasyn", "neigbours|neighbours"), ("borderline_smote", "made no synthetic row")],
)
def test_samplers_that_need_a_border_fail_without_one(name, reason):
    y = np.repeat([0, 1], 60)
    X = np.random.RandomState(0).rand(120, 3) + 100 * y[:, None]
    record = run_cell(make_cell(Dataset("usps", X, y, "hash"), METHODS[name], r=0.3))
    assert record["status"] == "failed"
    assert any(part in record["error"] for part in reason.split("|"))


def test_classifiers_that_do_not_converge_are_named():
    X, y = np.random.RandomState(0).rand(300, 4), np.repeat([0, 1], 150)
    for rows, told in ((X, ["MLPClassifier"]), (X + 50 * y[:, None], [])):
        assert classify(rows, y, Rows(rows, y, rows, y), 0)["not_converged"] == told


# --- Digits --------------------------------------------------------------------------


class CodingSMOTE(SMOTE):
    """SMOTE whose codes of rows are their first three columns."""

    def encode(self, X):
        return X[:, :3]

    def fit_resample(self, X, y):
        self.latent_ = self.encode(X)
        return super().fit_resample(X, y)


@pytest.fixture
def made(monkeypatch, usps):
    """Digits that methods without nets made, and the rows they learned from."""
    for name in set(digits.MADE_BY) - {"smote"}:
        make = lambda seed, k: CodingSMOTE(k_neighbors=k, random_state=seed)  # noqa: E731
        monkeypatch.setitem(METHODS, name, Method(name, make, METHODS[name].title))
    rows = draw(usps, "4-7")
    return digits.make_digits(rows, seed=0), rows


def test_made_digits_are_the_synthetic_rows_in_order(made):
    made, rows = made
    assert list(made) == list(digits.MADE_BY)
    sampler, synthetic = made["smote"]
    again, y = sampler.fit_resample(rows.X_train, rows.y_train)
    np.testing.assert_array_equal(synthetic, again[len(rows.X_train) :])
    assert len(synthetic) == 32 - 3
    assert (y[len(rows.X_train) :] == 1).all()


def test_a_picture_has_the_first_ten_of_each_row():
    rng = np.random.RandomState(0)
    rows = {"one": rng.rand(12, 16), "few": rng.rand(7, 16)}
    figure = digits.draw_digits(rows)
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    for picture, row in zip(shown, [*rows["one"][:10], *rows["few"]], strict=True):
        np.testing.assert_array_equal(picture, row.reshape(4, 4))
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels == list(rows)


def test_minority_share_is_by_the_nearest_unseen_row():
    rows = Rows(
        # A training row of the minority lies at 0, where it must not count.
        X_train=np.array([[0.0]]),
        y_train=np.array([1]),
        X_test=np.array([[0.1], [0.2], [5.0]]),
        y_test=np.array([0, 0, 1]),
        # There are two rows of the majority: the one at 0.04 is left out.
        more=np.array([[6.0], [0.04]]),
    )
    shown = np.array([[0.0], [0.15], [5.2], [7.0]])
    assert digits.minority_share(rows, shown) == 0.5


def test_codes_are_drawn_in_components_of_the_training_rows(made):
    made, rows = made
    figure = digits.draw_codes(made, rows.y_train)
    assert len(figure.axes) == len(digits.WITH_CODES)
    sampler, synthetic = made["gl_gan"]
    axes = figure.axes[digits.WITH_CODES.index("gl_gan")]
    drawn = {cloud.get_label(): cloud.get_offsets() for cloud in axes.collections}
    assert {name: len(points) for name, points in drawn.items()} == {
        **{"majority": 32, "minority": 3, "synthetic": len(synthetic)},
    }
    centre = sampler.latent_.mean(axis=0)
    _, _, directions = np.linalg.svd(sampler.latent_ - centre, full_matrices=False)
    minority = sampler.latent_[rows.y_train == 1]
    for name, codes in (("minority", minority), ("synthetic", synthetic[:, :3])):
        expected = np.abs((codes - centre) @ directions[:2].T)
        np.testing.assert_allclose(np.abs(drawn[name]), expected, atol=1e-9)


@pytest.mark.slow
def test_digits_writes_pictures_and_shares(run, tmp_path):
    assert run("gl_gan", "digits", "--smoke") == 0
    for name in ("digits.png", "codes.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")
    shares = pd.read_csv(tmp_path / "out" / "digits.csv", index_col="digits")
    titles = [METHODS[name].title for name in digits.MADE_BY]
    assert shares.index.tolist()[1:] == titles
    assert shares["nearest_a_7"].between(0, 1).all()
