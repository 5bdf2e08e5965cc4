"""Data sets, tensors and dicts in place of arrays."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import sparse
from skorch.dataset import Dataset
from skorch.helper import SliceDict
from torch.utils.data import IterableDataset, Subset, TensorDataset

from imbdeep._tables.torch_data import arrays_of

from .common.estimators import each
from .common.nets import GOING_ON, NETS, quick, table


class MapStyle(torch.utils.data.Dataset):
    """A data set of one's own; ``give`` says what it yields of a row."""

    def __init__(self, X, y, give=lambda x, y: (x, y)):
        self.X, self.y, self.give = X, y, give

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        return self.give(self.X[i], self.y[i])


class Endless(IterableDataset):
    def __iter__(self):
        yield torch.zeros(2), 0


class Doubling(Dataset):
    def transform(self, X, y):
        return 2 * X, y


DATASETS = {
    "skorch": Dataset,
    "skorch, tensors": lambda X, y: Dataset(torch.tensor(X), torch.tensor(y)),
    "skorch, a dict": lambda X, y: Dataset({"X": X}, y),
    "tensors": lambda X, y: TensorDataset(torch.tensor(X), torch.tensor(y)),
    "subset": lambda X, y: Subset(
        TensorDataset(torch.tensor(X), torch.tensor(y)), range(len(y))
    ),
    "map-style": MapStyle,
    "map-style, tensors": lambda X, y: MapStyle(torch.tensor(X), torch.tensor(y)),
    "map-style, lists": lambda X, y: MapStyle(X.tolist(), y.tolist()),
    "skorch, transformed": lambda X, y: Doubling(X / 2, y),
}


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("texts", [False, True])
def test_arrays_of_a_data_set(dataset, texts):
    X, y = table()
    if texts and "tensors" not in dataset and dataset != "subset":
        y = np.array(["common", "rare"])[y]
    rows, labels = arrays_of(DATASETS[dataset](X, y))
    assert_array_equal(rows, X)
    assert_array_equal(labels, y)


@pytest.mark.parametrize("name", each(NETS))
def test_every_net_takes_a_data_set(name):
    X, y = table()
    reference = quick(name).fit(X, y)
    net = quick(name).fit(MapStyle(X, y))
    proba = reference.predict_proba(X)
    assert_array_equal(net.predict_proba(X), proba)
    assert_array_equal(net.predict_proba(MapStyle(X, y)), proba)
    assert_array_equal(net.predict(MapStyle(X, y, lambda x, y: x)), net.predict(X))
    assert_array_equal(net.predict_proba({"any": torch.tensor(X)}), proba)


@pytest.mark.parametrize("name", each(GOING_ON))
def test_partial_fit_takes_a_data_set(name):
    X, y = table()
    partial = quick(name).partial_fit(TensorDataset(torch.tensor(X), torch.tensor(y)))
    assert_array_equal(
        partial.predict_proba(X), quick(name).partial_fit(X, y).predict_proba(X)
    )


def test_labels_that_are_given_take_the_place_of_those_of_the_data_set():
    X, y = table()
    texts = np.array(["common", "rare"])[y]
    net = quick("net").fit(TensorDataset(torch.tensor(X), torch.tensor(y)), texts)
    assert net.classes_.tolist() == ["common", "rare"]
    net = quick("net").fit(TensorDataset(torch.tensor(X)), torch.tensor(y))
    assert net.classes_.tolist() == [0, 1]


def test_validation_rows_of_a_data_set():
    X, y = table()
    X_valid, y_valid = table(random_state=1)
    reference = quick("net").fit(X, y, eval_set=(X_valid, y_valid))
    held_out = MapStyle(X_valid, y_valid)
    net = quick("net").fit(X, y, eval_set=(held_out, None))
    assert_array_equal(net.predict_proba(X), reference.predict_proba(X))


@pytest.mark.parametrize("kind", [dict, SliceDict])
def test_a_dict_with_one_entry(kind):
    X, y = table()
    net = quick("net").fit(kind(X=X), y)
    reference = quick("net").fit(X, y)
    assert_array_equal(net.predict_proba(kind(X=X)), reference.predict_proba(X))


def test_sparse_rows_in_a_data_set():
    X, y = table()
    net = quick("net").fit(Dataset(sparse.csr_array(X), y))
    reference = quick("net").fit(X, y)
    assert_array_equal(net.predict_proba(X), reference.predict_proba(X))


def test_tensors_that_have_gradients():
    X, y = table()
    rows = torch.tensor(X, requires_grad=True)
    net = quick("net").fit(rows, torch.tensor(y))
    assert_array_equal(net.predict_proba(rows), net.predict_proba(X))


@pytest.mark.parametrize(
    "X, match",
    [
        (Endless(), "Endless.*map-style"),
        ({"a": np.zeros((4, 2)), "b": np.zeros((4, 2))}, r"\['a', 'b'\].*hstack"),
        (
            MapStyle(np.zeros((4, 2)), [0, 1, 0, 1], lambda x, y: ({"x": x}, y)),
            "rows of type dict.*pairs",
        ),
        (
            MapStyle(np.zeros((4, 2)), [0, 1, 0, 1], lambda x, y: (x, y, y)),
            "3 values per row",
        ),
        (TensorDataset(*[torch.zeros(4, 2)] * 3), "TensorDataset.*3 values per row"),
        (MapStyle(np.zeros((0, 2)), []), "without rows"),
        (TensorDataset(torch.zeros(4, 2)), "y"),
    ],
)
def test_refuses_what_is_no_table(X, match):
    with pytest.raises(ValueError, match=match):
        quick("net").fit(X)


@pytest.mark.parametrize("n_alike", [1, 3000])
def test_items_of_unlike_shapes_are_refused(n_alike):
    # Of many, the first chunks are alike.
    y = [0, 1] * n_alike
    ragged = MapStyle([[1.0]] * n_alike + [[1.0, 2.0]] * n_alike, y)
    with pytest.raises(ValueError, match=r"data set that yields rows of different sh"):
        quick("net").fit(ragged)
    ragged = MapStyle(np.zeros((2 * n_alike, 2)), [[0]] * n_alike + [[0, 1]] * n_alike)
    with pytest.raises(ValueError, match=r"yields labels of different shapes\. Fill"):
        quick("net").fit(ragged)


def test_items_that_are_sparse_tensors_are_refused():
    rows = [row.to_sparse() for row in torch.eye(4)]
    with pytest.raises(ValueError, match=r"sparse tensor.*to_dense\(\)"):
        quick("net").fit(MapStyle(rows, [0, 1, 0, 1]))
