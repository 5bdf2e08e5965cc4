"""The Jensen-Shannon divergence against a slow one, its bounds and its gradient."""

import math

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from imbdeep.losses import CrossEntropyLoss, FocalLoss, jensen_shannon
from tests.losses import loops


def views(k=3, n=11, n_classes=4, spread=3.0):
    generator = torch.Generator().manual_seed(k)
    shape = (k, n, n_classes)
    return spread * torch.randn(shape, generator=generator, dtype=torch.float64)


def slowly(logits):
    """Row by row, class by class, in Python floats."""
    divergences = []
    for row in logits.transpose(0, 1).tolist():
        logs = [loops.log_softmax(view) for view in row]
        mean = np.mean(np.exp(logs), axis=0)
        mean = [math.log(min(max(m, 1e-7), 1)) for m in mean]
        kl = [
            sum(math.exp(log_p) * (log_p - m) for log_p, m in zip(p, mean, strict=True))
            for p in logs
        ]
        divergences.append(sum(kl) / len(kl))
    return torch.tensor(divergences, dtype=torch.float64)


@pytest.mark.parametrize("spread", [0.1, 3.0, 30.0])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_agrees_with_loops(k, spread):
    logits = views(k, spread=spread)
    torch.testing.assert_close(jensen_shannon(logits), slowly(logits))


def test_predictions_that_agree_have_none():
    logits = views(1).expand(3, -1, -1)
    assert jensen_shannon(logits).abs().max() < 1e-6
    # Whatever is added to the logits of a view.
    moved = logits + torch.tensor([0.0, 5.0, -70.0])[:, None, None]
    assert jensen_shannon(moved.float()).abs().max() < 1e-5


@pytest.mark.parametrize("k", [2, 3, 4])
def test_the_most_is_the_logarithm_of_the_number_of_views(k):
    apart = 100 * torch.eye(4)[:k, None]
    torch.testing.assert_close(jensen_shannon(apart), torch.tensor([math.log(k)]))
    logits = views(k, n=200, spread=20.0)
    divergence = jensen_shannon(logits)
    assert (divergence > -1e-6).all() and (divergence < math.log(k) + 1e-9).all()


def test_the_order_of_the_views_does_not_matter():
    logits = views()
    torch.testing.assert_close(jensen_shannon(logits.flip(0)), jensen_shannon(logits))


def test_a_stack_of_nets_is_that_of_each():
    stack = views(n=24).view(3, 2, 3, 4, 4)
    made = jensen_shannon(stack)
    assert made.shape == (2, 3, 4)
    torch.testing.assert_close(made.flatten(), jensen_shannon(stack.reshape(3, 24, 4)))


def test_gradient_through_every_view():
    logits = views(n=3).requires_grad_()
    assert gradcheck(jensen_shannon, logits)
    jensen_shannon(logits).sum().backward()
    assert (logits.grad.abs().amax((1, 2)) > 0).all()


def test_extreme_logits(extreme_logits):
    logits = torch.stack([extreme_logits, extreme_logits.flip(0), -extreme_logits])
    logits.requires_grad_()
    losses = jensen_shannon(logits)
    torch.testing.assert_close(
        losses.double(), slowly(logits.detach()), rtol=1e-5, atol=1e-6
    )
    losses.sum().backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("loss_class", [CrossEntropyLoss, FocalLoss])
@pytest.mark.parametrize("weight_reduction", ["rows", "weights"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_loss_reduces_others_as_its_own(loss_class, weight_reduction, reduction):
    logits, target = views(1)[0], torch.arange(11) % 4
    soft = views(2)[1].softmax(-1)
    told = {"reduction": reduction, "weight_reduction": weight_reduction}
    loss = loss_class(weight=torch.tensor([1.0, 2.0, 0.5, 4.0]), **told)
    sample_weight = torch.arange(11.0)
    for labels in (target, soft):
        for weight in (None, sample_weight):
            own = loss.row_losses(logits, labels)
            torch.testing.assert_close(
                loss.reduce_also(own, labels, weight),
                loss.batch_loss(logits, labels, weight),
            )
