"""Batch norm and batches of one row: they do not occur, or an error says what helps."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from imbdeep.batches._registry import BATCHES
from imbdeep.classifiers import AdversarialClassifier, LDAMClassifier, NetClassifier

# Sixteen to a batch, and one more.
N = 33
X = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
Y = (np.arange(N) >= 24).astype(int)


class Normed(torch.nn.Sequential):
    def __init__(self, n_features, n_classes):
        super().__init__(
            torch.nn.BatchNorm1d(n_features), torch.nn.Linear(n_features, n_classes)
        )


def net(cls=NetClassifier, **params):
    whole = {"train_split": None, "early_stopping": False, "batch_size": 16}
    return cls(Normed, max_epochs=2, device="cpu", random_state=0, **whole | params)


@pytest.mark.parametrize("name", BATCHES)
def test_the_iterators_of_the_library_give_none(name):
    fitted = net(iterator_train=name).fit(X, Y)
    assert np.isfinite(fitted.predict_proba(X[:1])).all()


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (NetClassifier, {"batch_size": 1}),
        (LDAMClassifier, {"batch_size": 1, "scale": 1.0}),
        (AdversarialClassifier, {"batch_size": 1, "eps": 0.1}),
        (NetClassifier, {"iterator_train": DataLoader}),
    ],
    ids=["net", "ldam", "adversarial", "loader"],
)
def test_others_are_told_what_helps(cls, params):
    fitted = net(cls, **params)
    with pytest.raises(ValueError, match="Batch norm in Normed .* a single row.* 2 or"):
        fitted.fit(X, Y)
    assert not fitted.initialized_


def test_the_remedies_help():
    net(batch_size=2).fit(X, Y)
    net(iterator_train=DataLoader, iterator_train__drop_last=True).fit(X, Y)
    fitted = net(classes=[0, 1])
    with pytest.raises(ValueError, match="give partial_fit as many rows"):
        fitted.partial_fit(X[:1], Y[:1])
    fitted.partial_fit(X[:2], Y[:2])


def test_several_pixels_are_enough():
    images = np.random.default_rng(0).normal(size=(4, 3, 8, 8)).astype(np.float32)
    model = NetClassifier(
        torch.nn.Sequential(
            torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.Linear(192, 2)
        ),
        batch_size=1,
        max_epochs=1,
        train_split=None,
        early_stopping=False,
    )
    assert model.fit(images, [0, 1, 0, 1]).predict(images).shape == (4,)


def test_other_errors_of_a_module_are_its_own():
    class Failing(Normed):
        def forward(self, x):
            raise ValueError("no way forward")

    with pytest.raises(ValueError, match="^no way forward$"):
        NetClassifier(Failing, max_epochs=1).fit(X, Y)
