import math

import pytest
import torch
from torch.autograd import gradcheck

from imbdeep.losses import FocalLoss, cross_entropy, focal
from tests.losses import loops

GAMMAS = [0.0, 0.5, 1.0, 2.0, 5.0]


@pytest.mark.parametrize("gamma", GAMMAS)
def test_agrees_with_loops(logits, target, gamma):
    expected = loops.rows(lambda row: loops.focal_losses(row, gamma), logits, target)
    torch.testing.assert_close(focal(logits, target, gamma), expected)


def test_gamma_0_is_cross_entropy(logits, target):
    torch.testing.assert_close(
        focal(logits, target, gamma=0.0), cross_entropy(logits, target)
    )


def test_published_example():
    # Lin et al. 2017, section 3.2: with gamma = 2, a row with p = 0.9 has a loss 100
    # times lower than its cross-entropy.
    logits = torch.tensor([[0.0, math.log(9)]], dtype=torch.float64)
    target = torch.tensor([1])
    ratio = cross_entropy(logits, target) / focal(logits, target, gamma=2.0)
    assert ratio.item() == pytest.approx(100)


def test_class_weight_multiplies_last(logits):
    target = torch.arange(len(logits)) % logits.shape[-1]
    weight = torch.arange(1.0, logits.shape[-1] + 1)
    losses = FocalLoss(weight=weight, reduction="none")(logits, target)
    expected = loops.rows(lambda row: loops.focal_losses(row, 2.0), logits, target)
    torch.testing.assert_close(losses, expected * weight[target].double())


@pytest.mark.parametrize("gamma", GAMMAS)
def test_gradient(logits, target, gamma):
    logits = logits.requires_grad_()
    assert gradcheck(lambda z: focal(z, target, gamma), logits)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("label", [0, 1, 2])
def test_extreme_logits(extreme_logits, label, gamma):
    logits = extreme_logits.requires_grad_()
    target = torch.full((len(logits),), label)
    losses = focal(logits, target, gamma)
    expected = loops.rows(
        lambda row: loops.focal_losses(row, gamma), logits.detach(), target
    )
    torch.testing.assert_close(losses.double(), expected, rtol=1e-6, atol=1e-6)
    losses.sum().backward()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("gamma", GAMMAS)
def test_extreme_logits_of_soft_labels(extreme_logits, gamma):
    logits = extreme_logits.requires_grad_()
    target = torch.tensor([[0.5, 0.3, 0.2]]).expand(len(logits), 3)
    losses = focal(logits, target, gamma)
    losses.sum().backward()
    assert torch.isfinite(losses).all()
    assert torch.isfinite(logits.grad).all()


def test_refuses_negative_gamma():
    with pytest.raises(ValueError, match=r"gamma must be at least 0, got -1"):
        FocalLoss(gamma=-1.0)
