"""The climate paper's tiles, nets and methods, and one cell."""

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin

from imbdeep.augmentations import flips
from imbdeep.classifiers import LDAMClassifier, NetClassifier
from imbdeep.modules import ConvNet, CosineHead
from imbdeep_bench.engine.experiment import Cell, Method, Setting, run_cell
from imbdeep_bench.papers.climate import images
from imbdeep_bench.papers.climate.experiment import SMOKE, Tables, score
from imbdeep_bench.papers.climate.methods import (
    METHODS,
    Shared,
    n_of_each_class,
    positions_of,
    under_sample,
)
from imbdeep_bench.papers.climate.nets import ScaledBands
from imbdeep_bench.papers.climate.tiles import Droughtwatch, Synthetic, draw_share
from papers import main

SMALL = Synthetic(**SMOKE, size=16)
MOMENTS = tuple(float(b) for b in range(1, 11)), tuple(float(b) for b in range(11, 21))


def numbered(n, seed=0):
    """Tiles of 65 x 65 pixels whose bands are their numbers, 1 to 11, and labels."""
    y = np.random.RandomState(seed).choice(4, n, p=[0.6, 0.15, 0.15, 0.1])
    X = np.empty((n, 11, 65, 65), np.uint8)
    X[:] = np.arange(1, 12)[:, None, None]
    # A tile is told by its first pixel; the last line and column are to go.
    X[:, 0, 0, 0] = np.arange(n)
    X[:, :, 64], X[:, :, :, 64] = 255, 255
    return X, y


def write_droughtwatch(folder, n_train=80, n_val=30):
    for seed, (part, n) in enumerate((("train", n_train), ("val", n_val))):
        (folder / part).mkdir(parents=True)
        X, y = numbered(n, seed)
        np.save(folder / part / "X.npy", X)
        np.save(folder / part / "y.npy", y)
    return folder


# --- Tiles ---------------------------------------------------------------------------


def test_each_seed_has_tiles_of_its_own():
    rows, again, other = (SMALL.draw(seed) for seed in (0, 0, 1))
    assert rows.X_train.shape == (60, 10, 16, 16)
    assert (rows.told["n_train"], rows.told["n_test"]) == (60, 40)
    np.testing.assert_array_equal(rows.X_test, again.X_test)
    tiles = {t.tobytes() for r in (rows, other) for t in (*r.X_train, *r.X_test)}
    assert len(tiles) == 200
    assert rows.told["class_counts"] == [(rows.y_train == c).sum() for c in range(4)]


def test_moments_are_those_of_the_training_tiles():
    rows = SMALL.draw(0)
    bands = rows.X_train.astype(float).transpose(1, 0, 2, 3).reshape(10, -1)
    mean, std = rows.more
    np.testing.assert_allclose(mean, bands.mean(axis=1))
    np.testing.assert_allclose(std, bands.std(axis=1))


def test_a_change_of_the_tiles_is_known():
    assert SMALL.sha256 == Synthetic(n_train=99, size=16).sha256
    assert SMALL.sha256 != Synthetic(size=20).sha256


@pytest.mark.parametrize("n", [7, 100, 399])
def test_a_share_has_each_class_in_its_share(n):
    X = np.arange(400)
    y = np.random.RandomState(0).permutation(np.repeat(range(4), (240, 60, 60, 40)))
    drawn, labels = draw_share(X, y, n, 3)
    assert len(set(drawn.tolist())) == n
    assert (np.diff(drawn) > 0).all()
    np.testing.assert_array_equal(labels, y[drawn])
    expected = n * np.array([0.6, 0.15, 0.15, 0.1])
    assert (np.abs(np.bincount(labels, minlength=4) - expected) <= 1).all()
    assert set(drawn.tolist()) != set(draw_share(X, y, n, 4)[0].tolist())


def test_all_of_them_are_not_copied():
    X, y = np.arange(40), np.zeros(40, int)
    for n in (None, 40, 50):
        assert draw_share(X, y, n, 0)[0] is X


def test_real_tiles_are_trained_on_and_validated_on_as_the_authors_do(tmp_path):
    source = Droughtwatch(write_droughtwatch(tmp_path / "raw"), tmp_path / "cache")
    rows = source.draw(0)
    assert rows.X_train.shape == (80, 10, 64, 64)
    assert rows.X_test.shape == (30, 10, 64, 64)
    for X, y, seed in (
        (rows.X_train, rows.y_train, 0),
        (rows.X_test, rows.y_test, 1),
    ):
        given, labels = numbered(len(y), seed)
        np.testing.assert_array_equal(X, given[:, :10, :64, :64])
        np.testing.assert_array_equal(y, labels)
    np.testing.assert_allclose(rows.more[0][1:], range(2, 11))
    # A run may draw some; another seed draws others.
    some = [
        Droughtwatch(tmp_path / "raw", tmp_path / "cache", 20, 10).draw(seed)
        for seed in (0, 1)
    ]
    drawn = [set(r.X_train[:, 0, 0, 0].tolist()) for r in some]
    assert [len(d) for d in drawn] == [20, 20]
    assert drawn[0] != drawn[1]
    assert some[0].told["n_test"] == len(some[0].X_test) == 10
    assert len(source.sha256) == 2 * 64


# --- Nets ----------------------------------------------------------------------------


def test_bands_are_standardised_before_the_net():
    torch.manual_seed(0)
    scaled = ScaledBands(3, 4, mean=(1.0, 2.0, 3.0), std=(1.0, 2.0, 4.0), head="cosine")
    assert isinstance(scaled.net, ConvNet)
    assert isinstance(scaled.net.head, CosineHead)
    x = torch.rand(5, 3, 16, 16)
    by_hand = torch.stack([(x[:, i] - (i + 1)) / 2**i for i in range(3)], dim=1)
    torch.testing.assert_close(scaled(x), scaled.net(by_hand))
    # Neither is learned, and both go where the net goes.
    assert {"mean", "std"} <= set(scaled.state_dict())
    assert all(name.startswith("net.") for name, _ in scaled.named_parameters())
    plain = ScaledBands(3, 4)
    torch.testing.assert_close(plain(x), plain.net(x))


def test_a_net_that_asks_is_told_the_size_of_its_images():
    small, large = (ScaledBands(3, 4, net="squeezenet", image_size=n) for n in (32, 64))
    x = torch.rand(2, 3, 64, 64)
    sizes = [next(m.net.children())[0](x).shape[-1] for m in (small, large)]
    assert sizes[0] > sizes[1]


# --- Methods -------------------------------------------------------------------------


def shared(**own):
    sizes = {"max_epochs": 8, "gan_epochs": 2, "gan_filters": 4, "gan_batch": 6}
    told = {"module": "conv", "random_state": 3, "device": "cpu", **sizes}
    return Shared(**told | own)


def net_of(name, **own):
    return METHODS[name].make(shared(**own)).named_steps["net"]


def test_methods_differ_in_losses_batches_and_schedules():
    recipe = ("swa", "swa_432", "swa_543", "swa_652", "gan_swa")
    for name in METHODS:
        net = net_of(name)
        params = net.get_params()
        assert params["augment"] == "flips"
        assert params["module"] is ScaledBands
        assert (params["random_state"], params["max_epochs"]) == (3, 8)
        assert not params["early_stopping"]
        assert params["train_split"] is None
        uses_ldam = "ldam" in name or name in recipe
        assert type(net) is (LDAMClassifier if uses_ldam else NetClassifier)
        is_balanced = name in (*recipe, "sampler", "ldam_drw", "gan_ce")
        batches = "balanced" if is_balanced else "shuffled"
        assert params["iterator_train"] == batches
        if uses_ldam:
            cyclic, averaged = name != "ldam", name in recipe
            assert params["lr_schedule"] == ("triangular" if cyclic else None)
            assert params["reweight_from"] == (0.8 if cyclic else 1.0)
            assert params["weight_averaging"] == ("swa" if averaged else None)
    assert net_of("corrected").get_params()["target_prior"] == [0.25] * 4


@pytest.mark.parametrize(
    ("name", "bands"),
    [("swa_432", [4, 3, 2]), ("swa_543", [5, 4, 3]), ("swa_652", [6, 5, 2])]
    + [("gan_ce", [6, 5, 2]), ("gan_swa", [6, 5, 2]), ("ce_652", [6, 5, 2])]
    + [("swa", list(range(1, 11)))],
)
def test_a_net_scales_the_bands_that_it_gets(name, bands):
    model = METHODS[name].make(shared(moments=MOMENTS))
    net = model.named_steps["net"].get_params()
    assert net["module__mean"] == tuple(map(float, bands))
    assert net["module__std"] == tuple(float(band + 10) for band in bands)
    if len(bands) < 10:
        X = np.tile(np.arange(1, 11)[:, None, None], (2, 1, 4, 4))
        chosen = model.named_steps["bands"].fit_transform(X)
        assert chosen[0, :, 0, 0].tolist() == bands
    assert positions_of(bands) == [band - 1 for band in bands]


def test_a_band_that_does_not_vary_is_not_divided_by_zero():
    stds = net_of("ce", moments=(MOMENTS[0], (0.0, *MOMENTS[1][1:])))
    assert stds.get_params()["module__std"][:2] == (1.0, 12.0)


@pytest.mark.parametrize("name", ["gan_ce", "gan_swa"])
def test_the_gan_is_that_of_table_7_but_for_its_size(name):
    gan = METHODS[name].make(shared()).named_steps["gan"]
    told = gan.get_params()
    assert (told["lr"], told["n_latent"]) == (2e-4, 100)
    sizes = ("max_epochs", "n_filters", "batch_size", "random_state")
    assert [told[size] for size in sizes] == [2, 4, 6, 3]


def test_only_classes_with_more_than_all_are_to_have_are_cut():
    y = np.random.RandomState(0).permutation(np.repeat(range(4), (180, 45, 45, 30)))
    X = np.arange(300)
    drawn, labels = under_sample(X, y, 0)
    most = n_of_each_class(300)
    assert most == 104
    assert np.bincount(labels).tolist() == [104, 45, 45, 30]
    np.testing.assert_array_equal(labels, y[drawn])
    assert len(set(drawn.tolist())) == len(drawn)
    # All classes of equal size need no cut.
    assert under_sample(X[:8], np.repeat(range(4), 2), 0)[1].tolist() == [
        *(0, 0, 1, 1, 2, 2, 3, 3)
    ]


# --- One cell ------------------------------------------------------------------------


def make_cell(method, seed=0):
    sizes = {"max_epochs": 4, "gan_epochs": 1, "gan_filters": 4}
    setting = Setting("synthetic, conv", SMALL, {"data": "synthetic"}, "conv")
    return Cell(Tables(smoke=True, **sizes), setting, method, seed)


def test_scores_by_counting():
    y = np.array([0] * 6 + [1] * 2 + [2] * 4 + [3] * 4)
    predicted = np.array([0] * 5 + [3] + [1, 0] + [2] * 3 + [0] + [3, 0, 0, 0])
    recalls = [5 / 6, 1 / 2, 3 / 4, 1 / 4]
    accuracy = 10 / 16
    expected = {f"recall_{label}": recall for label, recall in enumerate(recalls)}
    expected |= {
        "accuracy": accuracy,
        "balanced_accuracy": np.mean(recalls),
        "root_intra_class_variance": sum((accuracy - r) ** 2 for r in recalls) ** 0.5,
    }
    assert score(y, predicted) == pytest.approx(expected)


class Majority(ClassifierMixin, BaseEstimator):
    """Predict class 0; remember what it was given."""

    def fit(self, X, y):
        Majority.seen = X, y
        return self

    def predict(self, X):
        Majority.asked = X
        return np.zeros(len(X), int)


def test_a_method_learns_training_tiles_and_predicts_tests():
    made = []
    method = Method("stub", lambda shared: made.append(shared) or Majority(), "Stub")
    record = run_cell(make_cell(method))
    rows = SMALL.draw(0)
    np.testing.assert_array_equal(Majority.seen[0], rows.X_train)
    np.testing.assert_array_equal(Majority.seen[1], rows.y_train)
    np.testing.assert_array_equal(Majority.asked, rows.X_test)
    assert record["scores"]["accuracy"] == np.mean(rows.y_test == 0)
    assert record["scores"]["recall_3"] == 0
    assert (record["gan_losses"], record["gan_diversity"]) == (None, None)
    assert made[-1].moments == rows.more
    assert (made[-1].module, made[-1].max_epochs) == ("conv", 4)


def test_the_gan_makes_classes_equal_before_the_net(monkeypatch):
    seen = []

    def fit(self, X, y):
        seen.append((X, y))
        return self

    monkeypatch.setattr(NetClassifier, "fit", fit)
    monkeypatch.setattr(NetClassifier, "__sklearn_is_fitted__", lambda self: True)
    monkeypatch.setattr(NetClassifier, "predict", lambda self, X: np.zeros(len(X), int))
    record = run_cell(make_cell(METHODS["gan_ce"]))
    assert record["error"] is None
    ((X, y),) = seen
    n_class = n_of_each_class(60)
    assert np.bincount(y).tolist() == [n_class] * 4
    assert X.shape == (4 * n_class, 3, 16, 16)
    assert X.dtype == np.uint8
    # The most frequent class is as it was, the others have grown.
    assert set(record["gan_losses"]) == set(record["gan_diversity"]) == set("123")
    assert all(len(v["generator"]) == 1 for v in record["gan_losses"].values())
    own = {t.tobytes() for t in SMALL.draw(0).X_train[:, [5, 4, 1]]}
    assert {t.tobytes() for t in X[y == 0]} <= own


def test_flips_change_training_tiles_alone():
    net = net_of("ce", moments=SMALL.draw(0).more)
    rows, calls = SMALL.draw(0), []

    def counted(batch, generator):
        calls.append(len(batch))
        return flips(batch, generator)

    net.set_params(augment=counted, max_epochs=1).fit(rows.X_train, rows.y_train)
    assert sum(calls) == 60
    net.predict(rows.X_test)
    assert sum(calls) == 60


# --- Images --------------------------------------------------------------------------


def test_images_are_those_of_a_gan_after_each_number_of_epochs(tmp_path):
    argv = ["climate", "images", "--smoke", "--out", str(tmp_path / "out")]
    assert main(argv) == 0
    out = tmp_path / "out"
    assert (out / "images.png").read_bytes().startswith(b"\x89PNG")
    lines = (out / "images.csv").read_text().splitlines()
    assert lines[0] == "epochs,discriminator loss,generator loss,synthetic,real"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2"]


def test_a_picture_stretches_all_tiles_alike():
    rng = np.random.RandomState(0)
    real = rng.randint(50, 200, (12, 3, 8, 8)).astype(np.uint8)
    figure = images.draw_tiles({"real": real, "made": real[:4] // 2})
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert len(shown) == 10 + 4
    low, high = np.percentile(real[:, 0], (1, 99))
    for tile, array in ((real[3], shown[3]), (real[2] // 2, shown[12])):
        expected = ((tile[0] - low) / (high - low)).clip(0, 1)
        np.testing.assert_allclose(array[..., 0], expected)
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels == ["real", "made"]
