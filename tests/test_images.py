"""Images of bytes and in mapped files give the net of float32, without a copy."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from skorch.dataset import Dataset
from torch.utils.data import DataLoader, Subset

from imbdeep._mapped import image_blocks, release_pages
from imbdeep._tables.images import is_kept, take_images
from imbdeep.batches import TensorBatches
from imbdeep.classifiers import (
    AdversarialClassifier,
    LDAMClassifier,
    NetClassifier,
    ReMixClassifier,
)

N = 60
Y = np.arange(N) % 3
SETTINGS = {
    "module": "conv",
    "module__n_filters": (4,),
    "module__n_hidden": 8,
    "max_epochs": 2,
    "batch_size": 16,
    "early_stopping": True,
    "random_state": 0,
    "device": "cpu",
}


def images(dtype=np.uint8, n=N):
    X = np.random.RandomState(0).randint(0, 128, (n, 2, 9, 8))
    X[Y[:n] == 1, 0] //= 2
    return X.astype(dtype)


def mapped(folder, X):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


def weights(net):
    return {name: w.clone() for name, w in net.module_.state_dict().items()}


def assert_same_net(net, expected):
    for name, weight in weights(net).items():
        assert torch.equal(weight, weights(expected)[name]), name
    losses = [name for name in expected.history[0] if name.endswith("_loss")]
    assert "train_loss" in losses
    for loss in losses:
        assert net.history[:, loss] == expected.history[:, loss]


# --- The same net --------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int8, np.uint16, np.int16, bool, np.int64, np.float64]
)
def test_integers_give_the_net_of_the_same_floats(dtype):
    X = images(dtype)
    expected = NetClassifier(**SETTINGS).fit(X.astype(np.float32), Y)
    net = NetClassifier(**SETTINGS).fit(X, Y)
    assert_same_net(net, expected)
    assert_array_equal(
        net.predict_proba(X), expected.predict_proba(X.astype(np.float32))
    )
    assert net.n_features_in_ == 2


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_mapped_file_gives_the_net_of_its_floats(tmp_path, dtype):
    X = images(dtype)
    expected = NetClassifier(**SETTINGS).fit(X.astype(np.float32), Y)
    net = NetClassifier(**SETTINGS).fit(mapped(tmp_path, X), Y)
    assert_same_net(net, expected)
    assert_array_equal(
        net.predict_proba(mapped(tmp_path, X)),
        expected.predict_proba(X.astype(np.float32)),
    )


VARIANTS = {
    "balanced": NetClassifier(iterator_train="balanced", **SETTINGS),
    "smote": NetClassifier(iterator_train="smote", **SETTINGS),
    "mixup": NetClassifier(iterator_train="mixup", **SETTINGS),
    "remix": ReMixClassifier(**SETTINGS),
    "ldam": LDAMClassifier(weight_averaging="swa", average_every=1, **SETTINGS),
    "members": NetClassifier(n_members=2, **SETTINGS),
    "held out": NetClassifier(n_members=3, member_holdout="folds", **SETTINGS),
    "loader": NetClassifier(
        iterator_train=DataLoader, iterator_valid=DataLoader, **SETTINGS
    ),
    # Computes with all rows before it trains.
    "attacked": AdversarialClassifier(eps=2.0, attack_steps=1, **SETTINGS),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_kind_of_batch(tmp_path, name):
    from sklearn.base import clone

    X = images()
    expected = clone(VARIANTS[name]).fit(X.astype(np.float32), Y)
    net = clone(VARIANTS[name]).fit(mapped(tmp_path, X), Y)
    assert_same_net(net, expected)
    assert_array_equal(net.predict_proba(X), expected.predict_proba(X))


def test_weights_and_validation_rows():
    X, weight = images(), np.linspace(0.5, 1.5, N)
    how = {"sample_weight": weight, "eval_X": X[:20], "eval_y": Y[:20]}
    floats = how | {"eval_X": X[:20].astype(np.float32)}
    expected = NetClassifier(**SETTINGS).fit(X.astype(np.float32), Y, **floats)
    assert_same_net(NetClassifier(**SETTINGS).fit(X, Y, **how), expected)
    expected.partial_fit(X.astype(np.float32), Y)
    net = NetClassifier(**SETTINGS).fit(X, Y, **how).partial_fit(X, Y)
    assert_same_net(net, expected)


def test_tensors_and_data_sets_of_bytes():
    X = images()
    expected = NetClassifier(**SETTINGS).fit(X.astype(np.float32), Y)
    assert_same_net(NetClassifier(**SETTINGS).fit(torch.tensor(X), Y), expected)
    assert_same_net(NetClassifier(**SETTINGS).fit(Dataset(X, Y)), expected)


@pytest.mark.parametrize(
    "view",
    [
        lambda X: X[:, ::-1],
        lambda X: X[:, :1],
        np.asfortranarray,
        lambda X: X.transpose(0, 1, 3, 2),
    ],
    ids=["turned", "one band", "Fortran", "transposed"],
)
def test_views_of_other_orders(view):
    X = view(images())
    expected = NetClassifier(**SETTINGS).fit(np.array(X, np.float32, order="C"), Y)
    assert_same_net(NetClassifier(**SETTINGS).fit(X, Y), expected)


def test_a_mapped_file_in_a_pickled_net(tmp_path):
    X = mapped(tmp_path, images())
    net = NetClassifier(**SETTINGS).fit(X, Y)
    saved = pickle.dumps(net)
    assert_array_equal(pickle.loads(saved).predict_proba(X), net.predict_proba(X))


# --- No copy -------------------------------------------------------------------------


@pytest.fixture
def no_copies(monkeypatch):
    """Fail where all rows at once are converted or copied."""

    def watch(X, index):
        assert len(index) < N // 2
        return take_images(X, index)

    monkeypatch.setattr("imbdeep.batches._tensor_batches.take_images", watch)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_batches_are_taken_from_the_file(tmp_path, monkeypatch, no_copies, dtype):
    X = mapped(tmp_path, images(dtype))
    held = []
    original = NetClassifier._split

    def split(self, rows, target):
        held.append(rows)
        parts = original(self, rows, target)
        held.extend(part.dataset.X for part in parts if isinstance(part, Subset))
        return parts

    monkeypatch.setattr(NetClassifier, "_split", split)
    net = NetClassifier(iterator_valid__batch_size=8, **SETTINGS).fit(X, Y)
    assert len(held) == 3
    assert all(np.shares_memory(rows, X) for rows in held)
    assert net.predict_proba(X).shape == (N, 3)


def test_the_file_stays_as_it_is(tmp_path):
    X = images(np.float32)
    rows = mapped(tmp_path, X)
    batches = TensorBatches(Dataset(rows, Y), batch_size=7)
    for batch, _ in batches:
        batch += 1
    assert_array_equal(rows, X)


def test_missing_and_infinite_pixels_are_found(tmp_path, monkeypatch):
    # Several blocks, of which the last has one image.
    monkeypatch.setattr("imbdeep._mapped.BLOCK_SIZE", 7 * 2 * 9 * 8)
    X = images(np.float32)
    X[-1, 0, 0, 0], X[3, 1, 2, 2], X[30] = np.inf, np.nan, np.nan
    with pytest.raises(ValueError, match=rf"X holds missing values .*: {1 + 2 * 72}\."):
        NetClassifier(**SETTINGS).fit(mapped(tmp_path, X), Y)
    X = np.nan_to_num(X, nan=0.0, posinf=np.inf)
    with pytest.raises(ValueError, match=r"X holds infinite values: 1\."):
        NetClassifier(**SETTINGS).fit(mapped(tmp_path, X), Y)


@pytest.mark.parametrize(
    ("side", "rows"), [(9, 1024), (65, 99), (1000, 16)], ids=["small", "tiles", "large"]
)
def test_large_images_are_predicted_in_small_batches(side, rows):
    net = NetClassifier(**SETTINGS).fit(images(), Y)
    dataset = Dataset(np.broadcast_to(np.uint8(0), (2000, 10, side, side)), None)
    for one in (dataset, Subset(dataset, range(1500))):
        assert net.get_iterator(one, training=False).batch_size == rows
    net.set_params(iterator_valid__batch_size=512)
    assert net.get_iterator(dataset, training=False).batch_size == 512


# --- Parts ---------------------------------------------------------------------------


def test_what_is_kept():
    X = images()
    assert is_kept(X)
    assert is_kept(X[:0])
    assert not is_kept(X[:, 0, 0])
    assert not is_kept(torch.tensor(X))
    assert not is_kept(images(np.int32))
    floats = images(np.float32)
    assert not is_kept(floats)
    floats.flags.writeable = False
    assert is_kept(floats)


def test_images_are_taken_in_the_order_asked_for():
    X = images()
    taken = take_images(X, torch.tensor([5, 0, 5]))
    assert taken.dtype == torch.float32
    assert taken.is_contiguous()
    assert_array_equal(taken.numpy(), X[[5, 0, 5]])


def test_blocks_are_all_images(monkeypatch):
    monkeypatch.setattr("imbdeep._mapped.BLOCK_SIZE", 7 * 2 * 9 * 8 + 1)
    X = images()
    blocks = list(image_blocks(X))
    assert [len(block) for block in blocks] == [7] * 8 + [4]
    assert_array_equal(np.concatenate(blocks), X)
    assert all(np.shares_memory(block, X) for block in blocks)
    monkeypatch.setattr("imbdeep._mapped.BLOCK_SIZE", 1)
    assert len(list(image_blocks(X))) == N


def resident(address):
    """Bytes of the mapping at an address that are in memory of the process."""
    size, inside = None, False
    with open("/proc/self/smaps") as file:
        for line in file:
            first = line.split()[0]
            if "-" in first and ":" not in first:
                start, end = (int(part, 16) for part in first.split("-"))
                inside = start <= address < end
            elif inside and line.startswith("Rss:"):
                size = int(line.split()[1]) * 1024
    return size


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_pages_are_released_unless_changes_would_be_lost(tmp_path, mode):
    pytest.importorskip("resource")
    np.save(tmp_path / "X.npy", np.ones((64, 1, 256, 256), np.uint8))
    X = np.load(tmp_path / "X.npy", mmap_mode=mode)
    if mode != "r":
        X[0, 0, 0, 0] = 7
    view = np.asarray(X)[1:]
    assert view.sum() == 63 * 256**2
    before = resident(view.ctypes.data)
    assert before > 3e6
    release_pages(view)
    after = resident(view.ctypes.data)
    if mode == "c":
        assert after == before
    else:
        assert after < 1e5
    assert X[0, 0, 0, 0] == (1 if mode == "r" else 7)


def test_a_module_for_images_is_no_place_for_a_frame():
    frame = pd.DataFrame({"age": np.arange(20.0), "city": list("ab") * 10})
    for module in ("conv", "squeezenet"):
        # Not that its text is to be encoded, which would lead nowhere.
        with pytest.raises(ValueError, match=r"takes images.*shape \(20, 2\).*'mlp'"):
            NetClassifier(module).fit(frame, np.arange(20) % 2)
