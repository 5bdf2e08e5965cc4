import math

import pytest
import torch
from torch.autograd import gradcheck

from imbdeep.losses import LDAMLoss, cross_entropy, ldam, ldam_margins
from tests.losses import loops

SCALES = [1.0, 30.0]


def margins_by_loops(counts, max_margin):
    """As Cao et al. compute them: n**(-1/4), rescaled to the largest margin."""
    quarter = [1 / math.sqrt(math.sqrt(n)) if n else 0.0 for n in counts]
    return torch.tensor([m * max_margin / max(quarter) for m in quarter])


@pytest.fixture
def margins(n_classes):
    counts = [10 ** (j % 7) for j in range(n_classes)]
    return margins_by_loops(counts, 0.5).double()


@pytest.mark.parametrize("max_margin", [0.1, 0.5, 2.0])
@pytest.mark.parametrize(
    "counts", [[1, 1_000_000], [50, 500, 5_000], [10, 1, 1_000_000, 0, 37, 4, 4]]
)
def test_margins_agree_with_loops(counts, max_margin):
    margins = ldam_margins(torch.tensor(counts), max_margin)
    assert margins.dtype == torch.float32
    torch.testing.assert_close(margins, margins_by_loops(counts, max_margin))


def test_equal_counts_have_the_largest_margin():
    assert ldam_margins(torch.tensor([30, 30, 30]), 0.7).tolist() == pytest.approx(
        [0.7] * 3
    )


def test_margins_do_not_depend_on_the_number_of_rows_as_a_whole():
    torch.testing.assert_close(
        ldam_margins(torch.tensor([2, 300])), ldam_margins(torch.tensor([20, 3_000]))
    )


def test_margin_of_a_class_without_rows_is_0():
    margins = ldam_margins(torch.tensor([16, 0, 1]))
    assert margins.tolist() == pytest.approx([0.25, 0.0, 0.5])


@pytest.mark.parametrize("scale", SCALES)
def test_agrees_with_loops(logits, target, margins, scale):
    expected = loops.rows(
        lambda row: loops.ldam_losses(row, margins.tolist(), scale), logits, target
    )
    torch.testing.assert_close(ldam(logits, target, margins, scale), expected)


def test_without_margins_and_scale_it_is_cross_entropy(logits, target):
    losses = ldam(logits, target, torch.zeros(logits.shape[-1]), scale=1.0)
    torch.testing.assert_close(losses, cross_entropy(logits, target))


def test_without_margins_it_is_cross_entropy_of_scaled_logits(logits, target):
    losses = ldam(logits, target, torch.zeros(logits.shape[-1]), scale=30.0)
    torch.testing.assert_close(losses, cross_entropy(30 * logits, target))


def test_one_margin_for_all_classes_moves_the_boundary():
    # Two classes: log(1 + exp(-s (z_y - m - z_other))) by hand.
    logits = torch.tensor([[0.3, 0.9]], dtype=torch.float64)
    loss = ldam(logits, torch.tensor([1]), torch.tensor([0.4, 0.4]).double(), scale=5.0)
    by_hand = math.log(1 + math.exp(-5 * (0.9 - 0.4 - 0.3)))
    assert loss.item() == pytest.approx(by_hand)


@pytest.mark.parametrize("scale", SCALES)
def test_soft_one_hot_equals_class_index(logits, margins, scale):
    target = torch.arange(len(logits)) % logits.shape[-1]
    one_hot = torch.nn.functional.one_hot(target, logits.shape[-1]).double()
    torch.testing.assert_close(
        ldam(logits, one_hot, margins, scale), ldam(logits, target, margins, scale)
    )


def test_the_logits_are_left_alone(logits, target, margins):
    before = logits.clone()
    ldam(logits, target, margins)
    assert torch.equal(logits, before)


@pytest.mark.parametrize("soft", [False, True])
def test_margins_may_differ_along_the_stack(soft):
    generator = torch.Generator().manual_seed(4)
    logits = torch.randn(2, 5, 3, generator=generator)
    target = torch.randint(3, (2, 5), generator=generator)
    if soft:
        target = torch.randn(2, 5, 3, generator=generator).softmax(-1)
    margins = torch.rand(2, 1, 3, generator=generator)
    stacked = ldam(logits, target, margins, scale=2.0)
    for net in range(2):
        alone = ldam(logits[net], target[net], margins[net, 0], scale=2.0)
        torch.testing.assert_close(stacked[net], alone)


@pytest.mark.parametrize("scale", SCALES)
def test_gradient(logits, target, margins, scale):
    # Cosines, so that a scale of 30 leaves a gradient that differences can measure.
    cosines = (logits / 10).requires_grad_()
    assert gradcheck(lambda z: ldam(z, target, margins, scale), cosines)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_extreme_logits(extreme_logits, label):
    logits = extreme_logits.requires_grad_()
    target = torch.full((len(logits),), label)
    margins = torch.tensor([0.1, 0.25, 0.5])
    losses = ldam(logits, target, margins, scale=30.0)
    # A margin of 0.1 is lost in the last digits of a float32 logit of 1e4.
    expected = loops.rows(
        lambda row: loops.ldam_losses(row, margins.tolist(), 30.0),
        logits.detach(),
        target,
    )
    torch.testing.assert_close(losses.double(), expected, rtol=1e-5, atol=0.1)
    losses.sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_extreme_logits_of_soft_labels(extreme_logits):
    logits = extreme_logits.requires_grad_()
    target = torch.tensor([[0.5, 0.3, 0.2]]).expand(len(logits), 3)
    losses = ldam(logits, target, torch.tensor([0.1, 0.25, 0.5]), scale=30.0)
    losses.sum().backward()
    assert torch.isfinite(losses).all()
    assert torch.isfinite(logits.grad).all()


def test_refuses_a_scale_of_0():
    with pytest.raises(ValueError, match="scale must be greater than 0, got 0"):
        LDAMLoss(class_counts=torch.tensor([2, 1]), scale=0)


def test_refuses_a_negative_margin():
    with pytest.raises(ValueError, match="max_margin must be at least 0, got -1"):
        LDAMLoss(class_counts=torch.tensor([2, 1]), max_margin=-1)


def test_refuses_impossible_counts():
    with pytest.raises(ValueError, match="class_counts must be finite"):
        LDAMLoss(class_counts=torch.tensor([0, 0]))
