"""What attacks raise: against float64 loops, and beside the losses it stands for."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from imbdeep.attacks import log_odds, margin
from imbdeep.losses import cross_entropy, focal, ldam

CLASSES = [2, 3, 7]


def draw(*shape, n_classes, scale=3.0, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(*shape, n_classes, generator=generator, dtype=dtype)
    return logits, torch.randint(n_classes, shape, generator=generator)


def gradient(function, logits):
    logits = logits.clone().requires_grad_()
    (found,) = torch.autograd.grad(function(logits).sum(), logits)
    return found


def log_odds_by_loops(row, label):
    p = math.exp(row[label]) / sum(math.exp(z) for z in row)
    return math.log((1 - p) / p)


def margin_by_loops(row, label):
    return max(z for j, z in enumerate(row) if j != label) - row[label]


@pytest.mark.parametrize(
    ("function", "by_loops"),
    [(log_odds, log_odds_by_loops), (margin, margin_by_loops)],
)
@pytest.mark.parametrize("n_classes", CLASSES)
def test_agrees_with_loops(function, by_loops, n_classes):
    logits, target = draw(50, n_classes=n_classes)
    expected = [
        by_loops(row, label)
        for row, label in zip(logits.tolist(), target.tolist(), strict=True)
    ]
    torch.testing.assert_close(
        function(logits, target), torch.tensor(expected, dtype=torch.float64)
    )


@pytest.mark.parametrize("function", [log_odds, margin])
def test_takes_stacks(function):
    logits, target = draw(4, 5, n_classes=3)
    stacked = function(logits, target)
    assert stacked.shape == (4, 5)
    for i in range(4):
        assert torch.equal(stacked[i], function(logits[i], target[i]))


def test_with_two_classes_both_are_the_difference_of_the_logits():
    logits, target = draw(50, n_classes=2)
    expected = (logits[:, 0] - logits[:, 1]) * (2 * target - 1)
    torch.testing.assert_close(margin(logits, target), expected, rtol=0, atol=0)
    torch.testing.assert_close(log_odds(logits, target), expected)


@pytest.mark.parametrize("n_classes", CLASSES)
def test_log_odds_lie_above_the_margin(n_classes):
    """By at most the logarithm of the number of other classes."""
    logits, target = draw(200, n_classes=n_classes)
    above = log_odds(logits, target) - margin(logits, target)
    assert above.min() >= -1e-12
    assert above.max() <= math.log(n_classes - 1) + 1e-12


@pytest.mark.parametrize("n_classes", CLASSES)
def test_margin_tells_the_misclassified_rows(n_classes):
    logits, target = draw(200, n_classes=n_classes)
    assert torch.equal(margin(logits, target) > 0, logits.argmax(1) != target)


LOSSES = {
    "cross_entropy": (cross_entropy, 1.0),
    "focal": (lambda z, y: focal(z, y, gamma=2.0), 1.0),
    "ldam": (lambda z, y: ldam(z, y, torch.linspace(0.1, 0.5, z.shape[-1])), 30.0),
}


@pytest.mark.parametrize("n_classes", CLASSES)
@pytest.mark.parametrize("loss", LOSSES)
def test_its_gradient_has_the_direction_of_the_loss(loss, n_classes):
    loss, scale = LOSSES[loss]
    # Cosines have logits of this size; the log odds are those of the probabilities.
    logits, target = draw(100, n_classes=n_classes, scale=3 / scale)
    ours = gradient(lambda z: log_odds(scale * z, target), logits)
    theirs = gradient(lambda z: loss(z, target), logits)
    assert (theirs.norm(dim=1) > 0).all()
    # A certain row has a tiny gradient, and a direction all the same.
    ours, theirs = (side / side.norm(dim=1, keepdim=True) for side in (ours, theirs))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-7)


@pytest.mark.parametrize("n_classes", CLASSES)
@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_its_gradient_stays_where_that_of_the_loss_vanishes(loss, n_classes):
    loss, _ = LOSSES[loss]
    logits, target = draw(20, n_classes=n_classes, dtype=torch.float32)
    logits.scatter_(1, target[:, None], logits.amax(1, keepdim=True) + 200)
    assert (gradient(lambda z: loss(z, target), logits) == 0).all()
    ours = gradient(lambda z: log_odds(z, target), logits)
    assert torch.isfinite(ours).all()
    # -1 for the label and shares that sum to 1 for the others.
    of_label = ours.gather(1, target[:, None])
    torch.testing.assert_close(of_label, -torch.ones_like(of_label))
    torch.testing.assert_close(ours.sum(1), torch.zeros(20), rtol=0, atol=1e-6)
    assert (ours.norm(dim=1) >= 1).all()


@pytest.mark.parametrize("function", [log_odds, margin])
@pytest.mark.parametrize("n_classes", CLASSES)
def test_gradcheck(function, n_classes):
    logits, target = draw(6, n_classes=n_classes)
    assert gradcheck(lambda z: function(z, target), logits.requires_grad_())


@pytest.mark.parametrize("function", [log_odds, margin])
def test_extreme_logits_stay_finite(function):
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [1e4, 1e4, 1e4]])
    logits, target = logits.repeat(3, 1), torch.arange(3).repeat_interleave(3)
    assert torch.isfinite(function(logits, target)).all()
    assert torch.isfinite(gradient(lambda z: function(z, target), logits)).all()
