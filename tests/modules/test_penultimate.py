import pytest
import torch
from torch import nn

from imbdeep.modules import MLP
from imbdeep.modules._penultimate import find_head, head_inputs, penultimate


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


def test_every_forward_pass_is_collected_while_the_context_is_open():
    module = MLP(4, 3, hidden_sizes=(5,)).eval()
    first, second, later = torch.randn(3, 2, 4)
    with head_inputs(module) as features:
        assert features == []
        module(first)
        module(second)
    module(later)
    assert len(features) == 2
    assert torch.equal(features[0], module.features(first))
    assert torch.equal(features[1], module.features(second))


def test_a_head_called_twice_is_collected_twice():
    module, x = Twice(), torch.randn(3, 2)
    with head_inputs(module) as features:
        module(x)
    assert torch.equal(features[0], torch.zeros(3, 2))
    assert torch.equal(features[1], x + module.head(torch.zeros(3, 2)))


def test_collecting_changes_neither_output_nor_gradients():
    module, x = MLP(4, 3, hidden_sizes=(5,), dropout=0), torch.randn(2, 4)
    module(x).sum().backward()
    expected = [parameter.grad.clone() for parameter in module.parameters()]
    module.zero_grad()
    with head_inputs(module) as features:
        logits = module(x)
    assert torch.equal(logits, module(x))
    logits.sum().backward()
    for parameter, gradient in zip(module.parameters(), expected, strict=True):
        assert torch.equal(parameter.grad, gradient)
    assert features[0].requires_grad


def test_contexts_may_be_nested():
    module, x = Conv(), torch.randn(5, 1, 4, 4)
    with head_inputs(module) as outer:
        module(x)
        with head_inputs(module) as inner:
            module(x)
    assert (len(outer), len(inner)) == (2, 1)
    assert outer[0].shape == (5, 12)
    assert not module.head._forward_pre_hooks


def test_the_hook_goes_after_an_error():
    module = Conv()
    with pytest.raises(RuntimeError, match="no"), head_inputs(module):
        raise RuntimeError("no")
    assert not module.head._forward_pre_hooks


@pytest.mark.parametrize("module", [MLP(4, 3), Conv(), Unused()])
def test_the_head_is_that_of_the_module(module):
    assert find_head(module) is module.head


@pytest.mark.parametrize("module", [nn.Linear(2, 2), NotAModule()])
@pytest.mark.parametrize(
    "ask", [find_head, lambda module: head_inputs(module).__enter__()]
)
def test_refuses_a_module_without_a_head(ask, module):
    name = type(module).__name__
    with pytest.raises(ValueError, match=f"{name} does not say .* layer head"):
        ask(module)


@pytest.mark.parametrize("module", [nn.Linear(2, 2), NotAModule()])
def test_features_need_a_head(module):
    name = type(module).__name__
    with pytest.raises(ValueError, match=f"{name} does not say .* layer head"):
        penultimate(module, torch.zeros(1, 2))


def test_features_need_a_head_that_is_used():
    with pytest.raises(ValueError, match="Unused has a head that its forward pass"):
        penultimate(Unused(), torch.zeros(1, 2))
    with head_inputs(Unused()) as features:
        Unused()(torch.zeros(1, 2))
    assert features == []
