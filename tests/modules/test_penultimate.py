import pytest
import torch
from torch import nn

from imbdeep.modules import MLP, penultimate


class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(1, 3, 3)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))

    def forward(self, x):
        return self.head(self.body(x))


class Twice(nn.Module):
    """Its head is called for a sketch, and then for good."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(2, 2)

    def forward(self, x):
        return self.head(x + self.head(torch.zeros_like(x)))


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(2, 2)

    def forward(self, x):
        return x


class NotAModule(nn.Module):
    def head(self, x):
        return x

    def forward(self, x):
        return self.head(x)


@pytest.mark.parametrize("head", ["linear", "cosine"])
def test_features_of_the_mlp(head):
    module = MLP(4, 3, hidden_sizes=(6, 5), head=head).eval()
    x = torch.randn(7, 4)
    features = penultimate(module, x)
    assert torch.equal(features, module.features(x))
    assert torch.equal(module.head(features), module(x))


def test_without_hidden_layers_it_is_the_row_itself():
    x = torch.randn(7, 4)
    assert torch.equal(penultimate(MLP(4, 3, hidden_sizes=()), x), x)


def test_more_axes_are_flattened():
    module, x = Conv(), torch.randn(5, 1, 4, 4)
    features = penultimate(module, x)
    assert features.shape == (5, 12)
    assert torch.equal(features, module.body(x).reshape(5, 12))


def test_of_several_calls_the_last_counts():
    module, x = Twice(), torch.randn(3, 2)
    expected = x + module.head(torch.zeros_like(x))
    assert torch.equal(penultimate(module, x), expected)


def test_the_module_is_left_as_it_was():
    module = MLP(4, 3)
    penultimate(module, torch.randn(2, 4))
    assert not module.head._forward_pre_hooks

    class Fails(Conv):
        def forward(self, x):
            raise RuntimeError("no")

    failing = Fails()
    with pytest.raises(RuntimeError, match="no"):
        penultimate(failing, torch.randn(2, 1, 4, 4))
    assert not failing.head._forward_pre_hooks


def test_gradients_go_through():
    module = MLP(4, 3, hidden_sizes=(5,))
    penultimate(module, torch.randn(2, 4)).sum().backward()
    assert module.hidden[0].weight.grad is not None
    assert module.head.weight.grad is None


@pytest.mark.parametrize("module", [nn.Linear(2, 2), Unused(), NotAModule()])
def test_refuses_a_module_whose_last_layer_it_cannot_tell(module):
    name = type(module).__name__
    with pytest.raises(ValueError, match=f"{name} does not say .* layer head"):
        penultimate(module, torch.zeros(1, 2))
