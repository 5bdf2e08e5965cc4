import pytest
import torch

from imbdeep.losses._reduction import reduce_losses, take_class
from tests.losses import loops


@pytest.fixture
def stacked():
    generator = torch.Generator().manual_seed(0)
    shape = (2, 3, 5)
    losses = torch.rand(shape, generator=generator, dtype=torch.float64)
    weights = torch.rand(shape, generator=generator, dtype=torch.float64)
    return losses, weights


def test_take_class_agrees_with_loops(logits, target):
    expected = loops.rows(list, logits, target)
    torch.testing.assert_close(take_class(logits, target), expected)


def test_take_class_broadcasts_one_number_a_class():
    weight = torch.tensor([1.0, 2.0, 4.0])
    target = torch.tensor([[0, 2], [1, 1]])
    assert take_class(weight, target).tolist() == [[1.0, 4.0], [2.0, 2.0]]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight_reduction", ["weights", "rows"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_stack_is_a_loop_over_its_nets(
    stacked, reduction, weight_reduction, weighted
):
    losses, weights = stacked
    reduced = reduce_losses(
        losses, weights if weighted else None, reduction, weight_reduction
    )
    alone = [
        loops.reduce(
            losses[i, j],
            weights[i, j] if weighted else torch.ones(5),
            reduction,
            weight_reduction,
        )
        for i in range(2)
        for j in range(3)
    ]
    if reduction == "none":
        torch.testing.assert_close(reduced, torch.stack(alone).reshape(2, 3, 5))
    else:
        torch.testing.assert_close(reduced, torch.stack(alone).sum())


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight_reduction", ["weights", "rows"])
def test_equal_weights_are_no_weights(stacked, reduction, weight_reduction):
    losses, _ = stacked
    torch.testing.assert_close(
        reduce_losses(losses, torch.ones_like(losses), reduction, weight_reduction),
        reduce_losses(losses, None, reduction, weight_reduction),
    )


def test_mean_does_not_depend_on_the_scale_of_the_weights(stacked):
    losses, weights = stacked
    torch.testing.assert_close(
        reduce_losses(losses, 1e-6 * weights), reduce_losses(losses, weights)
    )


def test_by_rows_weights_multiply_the_mean(stacked):
    losses, weights = stacked
    torch.testing.assert_close(
        reduce_losses(losses, 7 * weights, weight_reduction="rows"),
        7 * reduce_losses(losses, weights, weight_reduction="rows"),
    )


@pytest.mark.parametrize("weight_reduction", ["weights", "rows"])
def test_rows_of_weight_0_have_loss_0_and_gradient_0(weight_reduction):
    losses = torch.tensor([1.0, 2.0], requires_grad=True)
    reduced = reduce_losses(losses, torch.zeros(2), weight_reduction=weight_reduction)
    reduced.backward()
    assert reduced == 0
    assert losses.grad.tolist() == [0.0, 0.0]


def test_refuses_an_unknown_reduction():
    with pytest.raises(ValueError, match="reduction must be .*got 'average'"):
        reduce_losses(torch.ones(2), reduction="average")
    with pytest.raises(ValueError, match="weight_reduction must be .*got 'mean'"):
        reduce_losses(torch.ones(2), weight_reduction="mean")
