import pytest
import torch
from torch.autograd import gradcheck

from imbdeep.losses import CrossEntropyLoss, cross_entropy
from tests.losses import loops


def test_agrees_with_loops(logits, target):
    expected = loops.rows(loops.cross_entropies, logits, target)
    torch.testing.assert_close(cross_entropy(logits, target), expected)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_torch_for_class_indices(reduction, weighted):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20, 3, generator=generator)
    target = torch.randint(3, (20,), generator=generator)
    weight = torch.tensor([0.1, 2.0, 0.0]) if weighted else None
    ours = CrossEntropyLoss(weight=weight, reduction=reduction)
    theirs = torch.nn.CrossEntropyLoss(weight=weight, reduction=reduction)
    torch.testing.assert_close(ours(logits, target), theirs(logits, target))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_equals_torch_for_soft_labels(reduction):
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(20, 3, generator=generator)
    target = torch.randn(20, 3, generator=generator).softmax(-1)
    ours = CrossEntropyLoss(reduction=reduction)(logits, target)
    theirs = torch.nn.CrossEntropyLoss(reduction=reduction)(logits, target)
    torch.testing.assert_close(ours, theirs)


def test_gradient(logits, target):
    logits = logits.requires_grad_()
    assert gradcheck(lambda z: cross_entropy(z, target), logits)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_extreme_logits(extreme_logits, label):
    logits = extreme_logits.requires_grad_()
    target = torch.full((len(logits),), label)
    losses = cross_entropy(logits, target)
    expected = loops.rows(loops.cross_entropies, logits.detach(), target)
    torch.testing.assert_close(losses.double(), expected, rtol=1e-6, atol=1e-6)
    losses.sum().backward()
    assert torch.isfinite(logits.grad).all()
