"""The recipe of the climate paper: do all its parts work in one fit?"""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

from imbdeep.augmentations import flips
from imbdeep.classifiers import LDAMClassifier
from imbdeep.datasets import make_satellite_tiles
from tests.common.slow import slow_if

COWS = np.array(["none", "one", "two", "many"])


@pytest.fixture(scope="module")
def tiles():
    bunch = make_satellite_tiles(60, size=16, bands="agriculture", random_state=0)
    return bunch.data, COWS[bunch.target]


class Snapshots(Callback):
    """Weights at the end of each epoch, and labels and class weights of the steps."""

    def on_train_begin(self, net, **kwargs):
        self.weights_, self.labels_, self.class_weights_ = [], [], []

    def on_batch_end(self, net, batch, training, **kwargs):
        self.labels_.append(np.bincount(batch[1]))

    def on_epoch_end(self, net, **kwargs):
        state = net.module_.state_dict()
        self.weights_.append({name: value.clone() for name, value in state.items()})
        weight = net.criterion_.weight
        self.class_weights_.append(None if weight is None else weight.tolist())


def recipe(module="conv", **params):
    params = {"augment": "flips", "max_epochs": 12, "batch_size": 16} | params
    return LDAMClassifier(
        module,
        iterator_train="balanced",
        lr_schedule="triangular",
        weight_averaging="swa",
        device="cpu",
        random_state=0,
        verbose=0,
        **params,
    )


def test_all_parts_of_the_recipe_work_in_one_fit(tiles):
    X, y = tiles
    told, seen = Snapshots(), []

    def turned(batch, generator):
        assert batch.dtype == torch.float32
        seen.append(len(batch))
        return flips(batch, generator)

    net = recipe(augment=turned, average_from=0.5, callbacks=[("told", told)])
    net.fit(X, y)
    told = dict(net.callbacks_)["told"]
    # The sampler: equally many of each class in a batch, give or take one.
    assert all(np.ptp(counts) <= 1 for counts in told.labels_)
    # LDAM: margins of the paper, on cosines.
    counts = np.unique(y, return_counts=True)[1]
    expected = 0.5 * (counts.min() / counts) ** 0.25
    np.testing.assert_allclose(net.criterion_.margins, expected, rtol=1e-6)
    assert type(net.module_.head).__name__ == "CosineHead"
    # Deferred re-weighting: from four fifths of the epochs on, the rarest weighs most.
    assert len(told.class_weights_) == 12
    assert set(told.class_weights_[:10]) == {None}
    for weight in told.class_weights_[10:]:
        np.testing.assert_array_equal(np.argsort(weight), np.argsort(-counts))
    # The cyclical rate: two epochs up, two down.
    rates = list(net.history_[:, "event_lr"])
    np.testing.assert_allclose(rates, [1e-5, 0.000505, 1e-3, 0.000505] * 3)
    # The average: of the weights where the rate is lowest.
    for name, value in net.module_.state_dict().items():
        mean = (told.weights_[7][name] + told.weights_[11][name]) / 2
        torch.testing.assert_close(value, mean)
    # Flips: every training tile, and no other.
    n_seen = sum(seen)
    assert n_seen == sum(int(labels.sum()) for labels in told.labels_)
    net.predict_proba(X)
    assert sum(seen) == n_seen


@pytest.mark.parametrize("module", ["conv", slow_if(True, "efficientnet_b4")])
def test_the_recipe_can_be_cloned_pickled_and_asked(module, tiles):
    X, y = tiles
    if module == "conv":
        net = recipe(max_epochs=4)
    else:
        pytest.importorskip("monai")
        X, y = X[:24].repeat(2, axis=2).repeat(2, axis=3), y[:24]
        net = recipe(module, max_epochs=4)
    proba = net.fit(X, y).predict_proba(X)
    assert proba.shape == (len(X), 4)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert set(net.predict(X)) <= set(COWS)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(net)).predict_proba(X), proba
    )
    again = clone(net).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), proba)
