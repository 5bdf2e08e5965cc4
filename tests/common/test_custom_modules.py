"""Modules of users: what they are given, and what is said of it."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from torch import nn

from imbdeep.classifiers import NetClassifier
from imbdeep.modules import MLP

from .test_mixed_tables import mixed


class Own(nn.Module):
    """A linear net that keeps its encoding where it likes."""

    def __init__(self, n_features, n_classes, encoding, where="columns"):
        super().__init__()
        self.where = where
        # torch does not see a module in a list.
        setattr(self, where, [encoding] if where == "hidden" else encoding)
        self.head = nn.Linear(encoding.n_outputs, n_classes)

    def forward(self, x):
        encoding = getattr(self, self.where)
        return self.head((encoding[0] if self.where == "hidden" else encoding)(x))


class Optional(nn.Module):
    """A net that can do without an encoding."""

    def __init__(self, n_features, n_classes, encoding=None):
        super().__init__()
        self.net = MLP(n_features, n_classes, encoding=encoding)

    def forward(self, x):
        return self.net(x)


def fit(module, X, y, **params):
    params = {"max_epochs": 2, "random_state": 0} | params
    return NetClassifier(module=module, **params).fit(X, y)


@pytest.mark.parametrize("kind", ["piecewise_linear", "standard", None])
@pytest.mark.parametrize("where", ["encoding", "columns", "hidden"])
def test_the_summary_is_of_what_the_module_was_given(kind, where):
    X, y = mixed()
    expected = fit("mlp", X, y, numeric_encoding=kind).encoding_summary_
    net = fit(Own, X, y, module__where=where, numeric_encoding=kind)
    pd.testing.assert_frame_equal(net.encoding_summary_, expected)
    assert net.encoding_summary_["width"].sum() == net.module_.head.in_features
    assert "inputs of the net" in net._repr_html_()


def test_the_summary_of_an_encoding_of_the_users_own():
    X, y = mixed()
    numbers = X[["number"]]

    class Square(nn.Module):
        n_outputs = 1

        def forward(self, x):
            return x**2

    net = fit("mlp", numbers, y, module__encoding=Square())
    with pytest.raises(AttributeError, match="module__encoding is of another kind"):
        net.encoding_summary_  # noqa: B018
    assert "Columns and training" not in net._repr_html_()
    net = fit("mlp", numbers, y, module__encoding=None)
    assert net.encoding_summary_["width"].tolist() == [1]


@pytest.mark.parametrize("table", ["numbers", "gaps", "levels", "array"])
def test_a_module_that_needs_an_encoding_gets_one(table):
    X, y = mixed()
    X = {
        "numbers": X[["number", "constant"]],
        "gaps": X[["number", "gaps"]],
        "levels": X[["number", "text"]],
        "array": X[["number", "constant"]].to_numpy(),
    }[table]
    net = fit(Own, X, y, numeric_encoding=None)
    assert np.isfinite(net.predict_proba(X)).all()
    if table == "array":
        assert net.module_.head.in_features == 2
        x = torch.tensor(X[:3], dtype=torch.float32)
        assert_array_equal(net.module_.columns(x).numpy(), x.numpy())


def test_a_module_that_can_do_without_gets_none():
    X, y = mixed()
    net = fit(Optional, X[["number"]], y, numeric_encoding=None)
    assert isinstance(net.module_.net.encoding, nn.Identity)
    assert net.encoding_summary_["width"].tolist() == [1]
