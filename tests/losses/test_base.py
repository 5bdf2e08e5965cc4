import pickle

import pytest
import torch

from imbdeep.losses import ClassificationLoss, CrossEntropyLoss, FocalLoss, LDAMLoss
from imbdeep.losses._registry import LOSSES
from tests.losses import loops

COUNTS = [700, 10, 90, 1_000_000, 1, 30, 4]


def case(name, n_classes, **kwargs):
    """A loss module, and its losses of a row for each class."""
    if name == "cross_entropy":
        return CrossEntropyLoss(**kwargs), loops.cross_entropies
    if name == "focal":
        loss = FocalLoss(gamma=1.5, **kwargs)
        return loss, lambda row: loops.focal_losses(row, 1.5)
    counts = COUNTS[:n_classes]
    loss = LDAMLoss(torch.tensor(counts), max_margin=0.8, scale=4.0, **kwargs)
    margins = [0.8 * (min(counts) / n) ** 0.25 for n in counts]
    return loss, lambda row: loops.ldam_losses(row, margins, 4.0)


@pytest.fixture
def class_weight(n_classes):
    return torch.arange(n_classes) / 2


@pytest.fixture
def sample_weight(logits):
    generator = torch.Generator().manual_seed(3)
    return torch.rand(len(logits), generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(
    ("reduction", "weight_reduction"),
    [("mean", "weights"), ("mean", "rows"), ("sum", "rows"), ("none", "rows")],
)
@pytest.mark.parametrize("weigh_rows", [False, True])
@pytest.mark.parametrize("weigh_classes", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_agrees_with_loops(
    name,
    logits,
    target,
    class_weight,
    sample_weight,
    weigh_classes,
    weigh_rows,
    reduction,
    weight_reduction,
):
    loss, losses_of_row = case(
        name,
        logits.shape[-1],
        weight=class_weight if weigh_classes else None,
        reduction=reduction,
        weight_reduction=weight_reduction,
    )
    weights = sample_weight if weigh_rows else torch.ones_like(sample_weight)
    if weigh_classes:
        of_class = [
            loops.pick(class_weight.tolist(), label) for label in target.tolist()
        ]
        weights = weights * torch.tensor(of_class, dtype=torch.float64)
    losses = loops.rows(losses_of_row, logits, target)
    expected = loops.reduce(losses, weights, reduction, weight_reduction)
    sample_weight = sample_weight if weigh_rows else None
    result = loss(logits, target, sample_weight=sample_weight)
    # The class tensors of the modules are float32.
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=1e-6)
    if reduction == "none":
        expected = loops.reduce(losses, weights, "mean", weight_reduction)
    result = loss.batch_loss(logits, target, sample_weight)
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_stack_is_a_loop_over_its_nets(name, reduction, soft):
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, 3, 6, 4, generator=generator)
    target = torch.randint(4, (2, 3, 6), generator=generator)
    if soft:
        target = torch.randn(2, 3, 6, 4, generator=generator).softmax(-1)
    sample_weight = torch.rand(2, 3, 6, generator=generator)
    loss, _ = case(name, 4, weight=torch.arange(1.0, 5.0), reduction=reduction)
    stacked = loss(logits, target, sample_weight=sample_weight)
    alone = torch.stack(
        [
            loss(logits[i, j], target[i, j], sample_weight=sample_weight[i, j])
            for i in range(2)
            for j in range(3)
        ]
    )
    expected = alone.reshape(2, 3, 6) if reduction == "none" else alone.sum()
    torch.testing.assert_close(stacked, expected)


@pytest.mark.parametrize("name", LOSSES)
def test_soft_one_hot_equals_class_index(name, logits):
    n_classes = logits.shape[-1]
    target = torch.arange(len(logits)) % n_classes
    one_hot = torch.nn.functional.one_hot(target, n_classes).double()
    loss, _ = case(name, n_classes, weight=torch.arange(1.0, n_classes + 1))
    torch.testing.assert_close(loss(logits, one_hot), loss(logits, target))


@pytest.mark.parametrize("name", LOSSES)
def test_a_rewritten_weight_is_used_and_saved(name):
    logits, target = torch.zeros(4, 2), torch.tensor([0, 0, 0, 1])
    loss, _ = case(name, 2, reduction="none")
    before = loss(logits, target)
    loss.weight = torch.tensor([1.0, 9.0])
    torch.testing.assert_close(
        loss(logits, target), before * torch.tensor([1.0, 1, 1, 9])
    )
    assert loss.state_dict()["weight"].tolist() == [1.0, 9.0]


@pytest.mark.parametrize("name", LOSSES)
def test_class_tensors_move_with_the_module(name):
    loss, _ = case(name, 3, weight=torch.ones(3))
    loss.to(torch.float64)
    assert all(buffer.dtype == torch.float64 for buffer in loss.buffers())
    assert not list(loss.parameters())


@pytest.mark.parametrize("name", LOSSES)
def test_pickle(name, logits):
    target = torch.arange(len(logits)) % logits.shape[-1]
    loss, _ = case(name, logits.shape[-1], weight=torch.rand(logits.shape[-1]))
    again = pickle.loads(pickle.dumps(loss))
    assert again(logits, target) == loss(logits, target)


def test_weight_may_be_a_list_of_numbers():
    assert CrossEntropyLoss(weight=[1, 3]).weight.tolist() == [1.0, 3.0]


@pytest.mark.parametrize("name", LOSSES)
def test_refuses_an_unknown_reduction(name):
    with pytest.raises(ValueError, match="reduction must be .*got 'average'"):
        case(name, 2, reduction="average")
    with pytest.raises(ValueError, match="weight_reduction must be .*got 'mean'"):
        case(name, 2, weight_reduction="mean")


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("weight", [[1.0], [1.0, 2.0, 3.0]])
def test_refuses_a_weight_of_another_number_of_classes(weight, soft):
    target = torch.full((4, 2), 0.5) if soft else torch.zeros(4, dtype=torch.int64)
    with pytest.raises(ValueError, match="weight"):
        CrossEntropyLoss(weight=weight)(torch.zeros(4, 2), target)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_refuses_weights_that_are_no_weights(value):
    with pytest.raises(ValueError, match="weight must be finite and at least 0"):
        CrossEntropyLoss(weight=[1.0, value])


def test_the_base_has_no_losses_of_its_own():
    with pytest.raises(NotImplementedError):
        ClassificationLoss()(torch.zeros(1, 2), torch.tensor([0]))


def test_scale_is_1_but_for_ldam():
    assert CrossEntropyLoss().scale == FocalLoss().scale == 1
    assert LDAMLoss(class_counts=torch.tensor([2, 1]), scale=12).scale == 12
