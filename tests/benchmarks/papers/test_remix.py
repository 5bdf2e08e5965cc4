"""Sets made imbalanced as the ReMix paper has it, its methods, and one cell."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from torch.utils.data import TensorDataset

from imbdeep.batches import ReMixBatches
from imbdeep.datasets import load_cifar10
from imbdeep.datasets._cifar import CIFAR10
from imbdeep_bench.data import pictures as all_pictures
from imbdeep_bench.data.pairs import Dataset
from imbdeep_bench.data.pictures import Pictures
from imbdeep_bench.engine.experiment import Cell, Method, run_cell
from imbdeep_bench.papers.remix import pictures
from imbdeep_bench.papers.remix.experiment import Images, Tables, score, setting_of
from imbdeep_bench.papers.remix.methods import (
    ALPHA,
    ALPHAS,
    CONV,
    IMAGE_METHODS,
    METHODS,
    NET,
    UNMIXED,
)
from imbdeep_bench.papers.remix.problems import (
    BINARY,
    RATIOS,
    SEVERAL,
    Problem,
    keep_rows,
    split_rows,
)
from imbdeep_bench.papers.remix.sets import SETS, problems_of, read_tables
from tests.benchmarks.data.test_pictures import write_usps
from tests.benchmarks.papers.conftest import write_table
from tests.common.slow import slow_if
from tests.datasets.test_cifar import files10, write_folder


def numbered(counts, name="satimage"):
    """A set of one column, in which a row holds its own number; labels from 1 on."""
    labels = range(1, 1 + len(counts))
    y = np.random.RandomState(0).permutation(np.repeat(labels, counts))
    return Dataset(name, np.arange(len(y), dtype=float)[:, None], y, "hash")


def ids(X):
    return X.ravel().astype(int).tolist()


# --- Made imbalanced -----------------------------------------------------------------


def test_one_class_gets_rare_and_the_others_become_one():
    data, problem = (
        numbered([500, 400, 600]),
        Problem(BINARY, (1,), 0.05, together=True),
    )
    kept = keep_rows(data, problem, 0)
    assert np.bincount(data.y[kept])[1:].tolist() == [50, 400, 600]
    assert np.bincount(problem.labels(data.y)[kept]).tolist() == [1000, 50]


def test_several_classes_get_rare_beside_the_mean_of_the_others():
    data, problem = numbered([500, 400, 600, 300]), Problem(SEVERAL, (1, 3), 0.25)
    kept = keep_rows(data, problem, 0)
    assert np.bincount(data.y[kept])[1:].tolist() == [88, 400, 88, 300]
    assert (problem.labels(data.y) == data.y).all()


def test_the_ratio_of_two_classes_may_be_to_the_mean_of_the_frequent_ones():
    data = numbered([500, 400, 600])
    kept = keep_rows(data, Problem(BINARY, (1,), 0.05), 0)
    assert np.bincount(data.y[kept])[1:].tolist() == [25, 400, 600]


def test_rows_to_test_on_are_neither_drawn_nor_halved():
    data = numbered([500, 400, 600])
    is_test = np.random.RandomState(1).rand(len(data.y)) < 0.2
    data = Pictures("tiles", data.X, data.y, is_test, "hash")
    problem = Problem(SEVERAL, (1,), 0.1)
    mean = np.bincount(data.y[~is_test])[2:].mean()
    for fold in (0, 1):
        fit, valid, test = split_rows(data, problem, fold)
        np.testing.assert_array_equal(test, np.flatnonzero(is_test))
        assert not is_test[fit].any()
        assert not is_test[valid].any()
    first, second = (split_rows(data, problem, fold) for fold in (0, 1))
    halves = [np.concatenate(parts[:2]) for parts in (first, second)]
    assert not set(halves[0]) & set(halves[1])
    rare = sum((data.y[half] == 1).sum() for half in halves)
    assert rare == round(0.1 * mean)


def test_milder_ratios_have_all_rows_of_harsher_ones_and_repeats_have_others():
    data = numbered([500, 400, 600])
    kept = [
        set(keep_rows(data, Problem(BINARY, (1,), ratio, together=True), 3))
        for ratio in RATIOS[BINARY]
    ]
    assert kept[0] > kept[1] > kept[2]
    again = set(keep_rows(data, Problem(BINARY, (1,), 0.05, together=True), 4))
    assert len(again) == len(kept[0])
    assert again != kept[0]


def test_a_class_of_too_few_rows_is_named():
    data, problem = numbered([20, 400, 600]), Problem(BINARY, (1,), 0.05, together=True)
    with pytest.raises(ValueError, match="has 20 rows of the rare class 1.*needs 50"):
        keep_rows(data, problem, 0)


@pytest.mark.parametrize("problem", [(BINARY, (2,), 0.05), (SEVERAL, (1, 2), 0.1)])
def test_two_folds_of_a_repeat_test_every_row_that_is_left_once(problem):
    data, problem = numbered([400, 300, 500, 300]), Problem(*problem)
    first, second = (split_rows(data, problem, fold) for fold in (2, 3))
    kept = keep_rows(data, problem, 1)
    for fit, valid, test in (first, second):
        np.testing.assert_array_equal(np.sort(np.concatenate([fit, valid, test])), kept)
    np.testing.assert_array_equal(np.sort(np.concatenate([first[2], second[2]])), kept)
    # Stratified by all labels: half of each, and 30 % of that.
    counts = np.unique(problem.labels(data.y)[kept], return_counts=True)[1]
    for part, share in zip(first, (0.35, 0.15, 0.5), strict=True):
        own = np.unique(problem.labels(data.y)[part], return_counts=True)[1]
        assert np.abs(own - share * counts).max() <= 1.5


# --- Sets ----------------------------------------------------------------------------


def test_settings_are_those_that_the_published_ranks_are_of():
    theirs = [p for n in SETS if SETS[n].published for p in problems_of(n)]
    assert sum(p.task == BINARY for p in theirs) == 18
    assert sum(p.task == SEVERAL for p in theirs) == 9


def test_tables_are_read_and_others_are_named(tmp_path, capsys):
    write_table(tmp_path, "seizure", [1, 2, 3])
    write_table(tmp_path, "segment", [1, 4])
    tables = read_tables(None, tmp_path, tmp_path)
    assert [t.name for t in tables] == ["segment", "seizure"]
    assert tables[1].X.shape == (120, 3)
    assert np.unique(tables[1].y).tolist() == [1, 2, 3]
    told = capsys.readouterr().err
    absent = "musk, satimage, coil_2000, ozone_level, aps, optdigits"
    assert f"Goes on without {absent}" in told
    with pytest.raises(ValueError, match=r"musk cannot be found.*not in"):
        read_tables(["segment", "musk"], tmp_path, tmp_path)
    with pytest.raises(ValueError, match="cannot be found"):
        read_tables(None, tmp_path / "none", tmp_path)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"a": [1.0, 2.0]}, "has no column target"),
        ({"a": ["x", "y"], "target": [0, 1]}, "'a' is not"),
        ({"a": [1.0, 2.0], "target": ["no", "yes"]}, "'target' is not"),
        ({"a": [1.0, 2.0], "target": [0, 2]}, r"no rows of class 1.*\[0, 2\]"),
    ],
)
def test_files_that_cannot_be_used_are_refused(frame, message, tmp_path):
    pd.DataFrame(frame).to_csv(tmp_path / "musk.csv.gz", index=False)
    with pytest.raises(ValueError, match=message):
        read_tables(["musk"], tmp_path, tmp_path)


# --- Methods -------------------------------------------------------------------------


def params_of(name, n_classes=4):
    shared = {**NET, "random_state": 3, "device": "cpu"}
    return METHODS[name].make(shared, n_classes).get_params()


def test_methods_share_a_net_and_differ_in_batches_and_losses():
    assert [m.published for m in METHODS.values() if m.group == "paper"] == [
        *("Baseline", "Cost Adjusted", "SMOTE", "MixUp", "ReMix")
    ]
    for name in METHODS:
        params = params_of(name)
        assert NET.items() <= params.items()
        assert params["random_state"] == 3
        weight = "balanced" if name == "cost" else None
        assert params["class_weight"] == weight
        batches = {"smote": "smote", "balanced": "balanced"}.get(name, "shuffled")
        assert params["iterator_train"] == batches
    told = {n: params_of(n) for n in METHODS if "mix" in n}
    mixed = {n: (p["mix"], p["alpha"], p["balance"]) for n, p in told.items()}
    assert mixed == {
        "mixup": ("mixup", ALPHA, "data"),
        "remix": ("remix", ALPHA, "batch"),
        "remix_0.3": ("remix", 0.3, "batch"),
        "remix_data": ("remix", ALPHA, "data"),
        "remix_data_0.3": ("remix", 0.3, "data"),
    }
    assert params_of("corrected")["target_prior"] == [0.25] * 4


# --- One cell ------------------------------------------------------------------------


class Fixed(ClassifierMixin, BaseEstimator):
    """Says what it was told to; remembers what it was given."""

    classes_ = np.array([2, 5, 7])
    history_ = (1, 2)

    def __init__(self, proba=None):
        self.proba = proba

    def fit(self, X, y, eval_set):
        self.classes_ = np.unique(y)
        Fixed.seen = X, y, *eval_set
        return self

    def predict_proba(self, X):
        Fixed.asked = X
        if self.proba is None:
            return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))
        return self.proba


def test_scores_by_counting():
    y = np.array([2, 2, 5, 5, 5, 7])
    proba = np.array(
        [
            *([0.7, 0.2, 0.1], [0.3, 0.6, 0.1]),
            *([0.1, 0.8, 0.1], [0.0, 1.0, 0.0], [0.5, 0.2, 0.3]),
            [0.2, 0.1, 0.7],
        ]
    )
    right, error = {2: [], 5: [], 7: []}, {2: [], 5: [], 7: []}
    for label, row in zip(y.tolist(), proba, strict=True):
        hot = [float(c == label) for c in (2, 5, 7)]
        right[label].append([2, 5, 7][int(np.argmax(row))] == label)
        error[label].append(
            sum((h - p) ** 2 for h, p in zip(hot, row, strict=True)) / 2
        )
    recalls = [np.mean(r) for r in right.values()]
    assert recalls == [1 / 2, 2 / 3, 1]
    assert score(Fixed(proba), np.zeros((6, 1)), y) == pytest.approx(
        {
            "g_mean": (1 / 2 * 2 / 3) ** (1 / 3),
            "balanced_brier": np.mean([np.mean(e) for e in error.values()]),
            "balanced_accuracy": np.mean(recalls),
            "brier": np.mean(sum(error.values(), [])),
        }
    )


def make_cell(method, data, problem, fold=0, part=Tables):
    experiment = part(smoke=True, versions={"torch": "9"})
    setting = setting_of(data, problem)
    return Cell(experiment, setting, method, fold)


def test_nothing_but_the_training_half_is_learned_from():
    data, problem = (
        numbered([200, 150, 300]),
        Problem(BINARY, (1,), 0.05, together=True),
    )
    fixed = Method("fixed", lambda shared, n_classes: Fixed())
    record = run_cell(make_cell(fixed, data, problem, fold=5))
    assert record["error"] is None
    assert record["dataset"] == "satimage, binary, 0.05"
    X, y, X_valid, y_valid = Fixed.seen
    parts = [ids(part) for part in (X, X_valid, Fixed.asked)]
    assert parts == [part.tolist() for part in split_rows(data, problem, 5)]
    assert len(set(sum(parts, []))) == len(sum(parts, []))
    assert record["class_counts"] == np.bincount([*y, *y_valid]).tolist()
    assert (record["n_valid"], record["n_test"]) == (len(y_valid), len(parts[2]))
    # As many classes are told to the method as there are to tell apart.
    assert record["scores"]["brier"] == pytest.approx(0.25)


def classes_apart(n_class=40):
    y = np.repeat([1, 2, 3, 4], n_class)
    rng = np.random.RandomState(0)
    X = rng.normal(size=(len(y), 4)) + 3 * np.eye(4)[y - 1]
    return Dataset("satimage", X, y, "hash")


@pytest.mark.parametrize("name", METHODS)
def test_every_method_runs(name):
    problem = Problem(SEVERAL, (2, 3), 0.25)
    record = run_cell(make_cell(METHODS[name], classes_apart(), problem))
    assert record["error"] is None
    assert record["epochs"] == 1
    assert record["class_counts"] == [20, 5, 5, 20]
    json.dumps(record, allow_nan=False)


def test_all_methods_of_a_fold_begin_alike():
    data, problem = classes_apart(), Problem(BINARY, (2,), 0.05)
    seeds = {
        fold: {make_cell(m, data, problem, fold).seed for m in METHODS.values()}
        for fold in (0, 1)
    }
    assert len(seeds[0]) == len(seeds[1]) == 1
    assert seeds[0] != seeds[1]


# --- Images --------------------------------------------------------------------------


def few_tiles(*, subset, n_per_class):
    """As the loader of photo tiles, but two photos, black or white by subset."""
    n_samples = 2 * n_per_class
    data = np.full((n_samples, 3, 32, 32), 255 * (subset == "test"), dtype=np.uint8)
    target = np.repeat([0, 1], n_per_class)
    return SimpleNamespace(data=data, target=target, n_samples=n_samples)


def test_images_are_read_and_others_are_named(tmp_path, capsys, monkeypatch):
    write_usps(tmp_path, n_class=20)
    monkeypatch.setattr(all_pictures, "load_photo_tiles", few_tiles)
    usps, tiles = pictures.read_images(None, tmp_path)
    assert (usps.X.shape, usps.is_test) == ((200, 1, 16, 16), None)
    assert (tiles.X[:, 0, 0, 0] == 255).tolist() == tiles.is_test.tolist()
    for part, n in ((~tiles.is_test, 400), (tiles.is_test, 100)):
        assert np.bincount(tiles.y[part]).tolist() == [n, n]
    with pytest.raises(ValueError, match=r"cifar10 cannot be found.*CIFAR's python"):
        pictures.read_images(["usps", "cifar10"], tmp_path)
    assert not capsys.readouterr().err

    def lacks(*args, **kwargs):
        raise ImportError("no scikit-image")

    monkeypatch.setattr(all_pictures, "load_photo_tiles", lacks)
    assert [p.name for p in pictures.read_images(None, tmp_path)] == ["usps"]
    assert "Goes on without photo_tiles" in capsys.readouterr().err


def test_cifar_is_the_50_000_that_the_paper_counts(tmp_path):
    write_folder(tmp_path, CIFAR10, files10())
    (cifar,) = pictures.read_images(["cifar10"], tmp_path)
    train = load_cifar10(tmp_path, subset="train", dtype="uint8")
    np.testing.assert_array_equal(cifar.X, train.data)
    np.testing.assert_array_equal(cifar.y, train.target)
    assert cifar.is_test is None


@pytest.mark.slow
def test_photo_tiles_are_read():
    (tiles,) = pictures.read_images(["photo_tiles"], None)
    assert tiles.X.shape == (18 * 500, 3, 32, 32)
    assert np.bincount(tiles.y[tiles.is_test]).tolist() == [100] * 18


def image_params(name, data):
    cell = make_cell(IMAGE_METHODS[name], data, pictures.problems()[0], part=Images)
    return cell.experiment.make(cell, 3).get_params()


def few_images(side=16, n_class=40, dtype=np.float32):
    """Ten classes, each brighter in its own place."""
    y = np.repeat(np.arange(10), n_class)
    X = np.random.RandomState(0).rand(len(y), 1, side, side) / 2
    for label in range(10):
        X[y == label, :, label : label + 3, label : label + 3] += 0.4
    if dtype == np.uint8:
        X = (255 * X).round()
    return Pictures("usps", X.astype(dtype), y, None, "hash")


def test_methods_of_images_differ_in_augmentation_and_mixing():
    data = few_images()
    params = {name: image_params(name, data) for name in IMAGE_METHODS}
    for told in params.values():
        assert told["module"] == "conv"
        assert told["module__n_hidden"] is None
        # 16 pixels a side, halved twice.
        assert told["module__grid"] == 4
    assert image_params("remix", few_images(side=32))["module__grid"] == 8
    augmented = {n for n, told in params.items() if told["augment"] is not None}
    assert augmented == {"augment", "remix_aug"}
    assert all(params[name]["augment"] == "standard" for name in augmented)
    mixed = {n: p for n, p in params.items() if p.get("mix") == "remix"}
    assert {p["balance"] for p in mixed.values()} == {"batch"}
    alphas = {n: p["alpha"] for n, p in mixed.items()}
    assert {alphas.pop(n) for n in ("augment", "resampled")} == {UNMIXED}
    assert alphas.pop("remix_aug") == ALPHA
    assert alphas == ALPHAS
    assert CONV["max_epochs"] > 1


def test_rows_that_are_not_mixed_are_rows_of_the_batch():
    # What stands for re-sampling alone, in the batches themselves.
    X = torch.arange(64.0)[:, None]
    y = (torch.arange(64) % 16 == 0).long()
    generator = torch.Generator().manual_seed(0)
    batches = ReMixBatches(
        TensorDataset(X, y),
        64,
        alpha=UNMIXED,
        balance="batch",
        n_classes=2,
        generator=generator,
    )
    for _ in range(50):
        for mixed, soft in batches:
            assert torch.equal(mixed, mixed.round())
            assert torch.equal(soft, torch.eye(2)[y[mixed.long().flatten()]])
            assert soft.sum(0).tolist() == [32, 32]


@pytest.mark.parametrize(
    "name",
    [
        slow_if(name not in ("augment", "remix_aug"), name, id=name)
        for name in IMAGE_METHODS
    ],
)
def test_every_method_of_images_runs(name):
    data, problem = few_images(dtype=np.uint8), pictures.problems()[3]
    record = run_cell(make_cell(IMAGE_METHODS[name], data, problem, part=Images))
    assert record["error"] is None
    assert record["class_counts"] == [20, 5, 5, 5, *[20] * 6]
    json.dumps(record, allow_nan=False)


def test_pixels_are_those_of_the_file_from_0_to_1():
    data = few_images(dtype=np.uint8)
    cell = make_cell(IMAGE_METHODS["remix"], data, pictures.problems()[0], part=Images)
    rows = cell.experiment.draw(cell.setting, 0)
    fit, valid, test = split_rows(data, cell.setting.of, 0)
    for X, part in ((rows.X_train, fit), (rows.more[0], valid), (rows.X_test, test)):
        assert X.dtype == np.float32
        np.testing.assert_allclose(X, data.X[part] / 255, rtol=1e-6)
